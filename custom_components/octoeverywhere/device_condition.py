"""Device conditions: what a printer does right now, for people who build automations by clicking."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from homeassistant.const import CONF_CONDITION, CONF_DEVICE_ID, CONF_DOMAIN, CONF_TYPE
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.condition import ConditionCheckerType
from homeassistant.helpers.config_validation import DEVICE_CONDITION_BASE_SCHEMA
from homeassistant.helpers.typing import ConfigType, TemplateVarsType
import voluptuous as vol

from .const import DOMAIN
from .coordinator import async_get_printer
from .state import PrinterState, Status

CONDITIONS: Final[Mapping[str, Callable[[PrinterState], bool]]] = {
    "is_printing": lambda state: state.status is Status.PRINTING,
    "is_paused": lambda state: state.status is Status.PAUSED,
    "needs_attention": lambda state: state.needs_attention,
}

CONDITION_SCHEMA: Final = DEVICE_CONDITION_BASE_SCHEMA.extend({vol.Required(CONF_TYPE): vol.In(CONDITIONS)})


async def async_get_conditions(hass: HomeAssistant, device_id: str) -> list[dict[str, Any]]:
    """Return what a person can choose from."""
    return [
        {CONF_CONDITION: "device", CONF_DOMAIN: DOMAIN, CONF_DEVICE_ID: device_id, CONF_TYPE: type_}
        for type_ in CONDITIONS
    ]


@callback
def async_condition_from_config(hass: HomeAssistant, config: ConfigType) -> ConditionCheckerType:
    """Return what tells whether the condition is met; it is not where nothing is known of the printer."""
    is_met = CONDITIONS[config[CONF_TYPE]]

    def check(hass: HomeAssistant, variables: TemplateVarsType) -> bool:
        printer = async_get_printer(hass, config[CONF_DEVICE_ID])
        return printer is not None and is_met(printer.data)

    return check
