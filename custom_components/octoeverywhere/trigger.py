"""Triggers of automations: what printers say, and that their prints finish soon."""

from typing import ClassVar, Final, cast, override

from homeassistant.const import CONF_OPTIONS, CONF_TARGET, Platform
from homeassistant.core import CALLBACK_TYPE, Event, HomeAssistant, callback
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.target import TargetSelection, async_extract_referenced_entity_ids
from homeassistant.helpers.trigger import (
    ENTITY_STATE_TRIGGER_SCHEMA,
    Trigger,
    TriggerActionRunner,
    TriggerConfig,
    TriggerNotTriggeredReporter,
)
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .account import async_on_soon
from .const import event_name
from .coordinator import SoonListener
from .entity import async_get_targeted
from .payload import NotificationType

_CANCELLED: Final = "print_cancelled"
_BEFORE: Final = "before"


class PrinterTrigger(Trigger):
    """A trigger of the printers in a target; where nothing is named, of every printer, also of those that come later."""

    schema: ClassVar[vol.Schema] = ENTITY_STATE_TRIGGER_SCHEMA

    @classmethod
    @override
    async def async_validate_config(cls, hass: HomeAssistant, config: ConfigType) -> ConfigType:
        """Return the configuration as it is meant. Raises vol.Invalid."""
        # Somebody who finds it by searching, and adds no target, has the editor write none.
        return cast(ConfigType, cls.schema({CONF_TARGET: {}, **config}))

    def __init__(self, hass: HomeAssistant, config: TriggerConfig) -> None:
        """Remember which printers are meant, and by what."""
        super().__init__(hass, config)
        self._slug = config.key.rpartition(".")[-1]
        self._options = config.options or {}
        self._target = TargetSelection(config.target or {})

    def _is_meant(self, device_id: str | None) -> bool:
        """Return True if the printer that a device is, is in the target as it is now; where nothing is named, every one is."""
        if not self._target.has_any_target:
            return True
        selected = async_extract_referenced_entity_ids(self._hass, self._target, expand_group=False)
        entity_ids = selected.referenced | selected.indirectly_referenced
        targeted = async_get_targeted(self._hass, entity_ids, selected.referenced, Platform.EVENT, "notification")
        return any(entity.device_id == device_id for entity in targeted)

    def _run(self, run_action: TriggerActionRunner, event: Event) -> None:
        """Run the automation; its templates see the event."""
        run_action({"event": event}, f"{self._slug}: {event.data['printer_name']}", event.context)


class NotificationTrigger(PrinterTrigger):
    """A printer says something."""

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Run the automation with each notification of the kind."""
        is_cancelled = self._slug == _CANCELLED

        @callback
        def hear(event: Event) -> None:
            if bool(event.data["cancelled"]) is is_cancelled and self._is_meant(event.data["device_id"]):
                self._run(run_action, event)

        type_ = NotificationType.PRINT_FAILED if is_cancelled else self._slug
        return self._hass.bus.async_listen(event_name(type_), hear)


class FinishesSoonTrigger(PrinterTrigger):
    """A print has only so much time left."""

    schema = ENTITY_STATE_TRIGGER_SCHEMA.extend(
        {vol.Required(CONF_OPTIONS): {vol.Required(_BEFORE): cv.positive_time_period}}
    )

    @override
    async def async_attach_runner(
        self, run_action: TriggerActionRunner, did_not_trigger: TriggerNotTriggeredReporter | None = None
    ) -> CALLBACK_TYPE:
        """Run the automation once in each print."""

        @callback
        def tell(event: Event) -> None:
            self._run(run_action, event)

        before = int(self._options[_BEFORE].total_seconds())
        return async_on_soon(self._hass, SoonListener(before=before, wants=self._is_meant, tell=tell))


TRIGGERS: Final[dict[str, type[Trigger]]] = {
    **{type_.value: NotificationTrigger for type_ in NotificationType if type_ is not NotificationType.UNKNOWN},
    _CANCELLED: NotificationTrigger,
    "finishes_soon": FinishesSoonTrigger,
}


async def async_get_triggers(hass: HomeAssistant) -> dict[str, type[Trigger]]:
    """Return the triggers."""
    return TRIGGERS
