"""Conditions of automations: what printers do right now, as their entities show it."""

from dataclasses import replace
from typing import Any, Final, override

from homeassistant.const import ATTR_DEVICE_ID, ATTR_ENTITY_ID, CONF_TARGET, STATE_ON, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, ConditionConfig, EntityStateConditionBase
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.typing import ConfigType

from .entity import async_get_targeted
from .job import Status

# Home Assistant follows no target that names nothing; this names no device, and what it means is found below.
_EVERY_PRINTER: Final[dict[str, Any]] = {ATTR_DEVICE_ID: ["every printer"]}


def _condition(domain: Platform, key: str, state: str) -> type[Condition]:
    """Return the condition that an entity of the printers in a target is in a state."""

    class PrinterCondition(EntityStateConditionBase):
        """A printer does something; where nothing is named, any printer, also one that comes later."""

        _domain_specs = {domain: DomainSpec()}  # noqa: RUF012 - as Home Assistant declares it
        _states = {state}  # noqa: RUF012

        @classmethod
        @override
        async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
            """Return the configuration as it is meant. Raises vol.Invalid."""
            return await super().async_validate_config(hass, {CONF_TARGET: {}, **config})

        def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
            """Remember which entities are named."""
            target = config.target or {}
            self._is_every = not TargetSelection(target).has_any_target
            self._named = frozenset(target.get(ATTR_ENTITY_ID, ()))
            super().__init__(hass, replace(config, target=_EVERY_PRINTER) if self._is_every else config)

        @override
        def entity_filter(self, entities: set[str]) -> set[str]:
            """Return the entities that tell, of the printers that are meant."""
            if self._is_every:
                entities = set(er.async_get(self._hass).entities)
            targeted = async_get_targeted(self._hass, entities, self._named, domain, key)
            return {entity.entity_id for entity in targeted}

    return PrinterCondition


CONDITIONS: Final = {
    "is_printing": _condition(Platform.BINARY_SENSOR, "printing", STATE_ON),
    "is_paused": _condition(Platform.SENSOR, "status", Status.PAUSED),
    "needs_attention": _condition(Platform.BINARY_SENSOR, "attention_required", STATE_ON),
}


async def async_get_conditions(hass: HomeAssistant) -> dict[str, type[Condition]]:
    """Return the conditions."""
    return CONDITIONS
