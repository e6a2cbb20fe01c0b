"""Device triggers: each kind of notification of a printer, for people who build automations by clicking."""

from typing import Any, Final

from homeassistant.components.device_automation import DEVICE_TRIGGER_BASE_SCHEMA
from homeassistant.components.homeassistant.triggers import event as event_trigger
from homeassistant.const import CONF_DEVICE_ID, CONF_DOMAIN, CONF_PLATFORM, CONF_TYPE
from homeassistant.core import CALLBACK_TYPE, HomeAssistant
from homeassistant.helpers.trigger import TriggerActionType, TriggerInfo
from homeassistant.helpers.typing import ConfigType
import voluptuous as vol

from .const import DOMAIN, event_name
from .payload import NotificationType

# Nobody can know today what a kind that OctoEverywhere adds one day will be about.
TYPES: Final = [type_.value for type_ in NotificationType if type_ is not NotificationType.UNKNOWN]

TRIGGER_SCHEMA: Final = DEVICE_TRIGGER_BASE_SCHEMA.extend({vol.Required(CONF_TYPE): vol.In(TYPES)})


async def async_get_triggers(hass: HomeAssistant, device_id: str) -> list[dict[str, Any]]:
    """Return what a person can choose from."""
    return [
        {CONF_PLATFORM: "device", CONF_DOMAIN: DOMAIN, CONF_DEVICE_ID: device_id, CONF_TYPE: type_} for type_ in TYPES
    ]


async def async_attach_trigger(
    hass: HomeAssistant, config: ConfigType, action: TriggerActionType, trigger_info: TriggerInfo
) -> CALLBACK_TYPE:
    """Listen for the Home Assistant event, whose data are then in `trigger.event.data`."""
    event = {
        CONF_PLATFORM: "event",
        event_trigger.CONF_EVENT_TYPE: event_name(config[CONF_TYPE]),
        event_trigger.CONF_EVENT_DATA: {CONF_DEVICE_ID: config[CONF_DEVICE_ID]},
    }
    return await event_trigger.async_attach_trigger(
        hass, event_trigger.TRIGGER_SCHEMA(event), action, trigger_info, platform_type="device"
    )
