"""Conditions of automations: what printers do right now, as their entities show it."""

from typing import Final, override

from homeassistant.const import ATTR_ENTITY_ID, STATE_ON, Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.automation import DomainSpec
from homeassistant.helpers.condition import Condition, ConditionConfig, EntityStateConditionBase

from .entity import async_get_targeted
from .job import Status


def _condition(domain: Platform, key: str, state: str) -> type[Condition]:
    """Return the condition that an entity of the printers in a target is in a state."""

    class PrinterCondition(EntityStateConditionBase):
        """A printer does something."""

        _domain_specs = {domain: DomainSpec()}  # noqa: RUF012 - as Home Assistant declares it
        _states = {state}  # noqa: RUF012

        def __init__(self, hass: HomeAssistant, config: ConditionConfig) -> None:
            """Remember which entities are named."""
            super().__init__(hass, config)
            self._named = frozenset((config.target or {}).get(ATTR_ENTITY_ID, ()))

        @override
        def entity_filter(self, entities: set[str]) -> set[str]:
            """Return the entities that tell, of the printers that are meant."""
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
