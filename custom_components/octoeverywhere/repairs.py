"""How the issues under Repairs are put right: all of them in the set-up."""

from typing import Any, cast

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE, FlowType
from homeassistant.core import HomeAssistant
import voluptuous as vol

from .const import DOMAIN


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way to put an issue right."""
    return ReconfigureFlow(data or {})


class ReconfigureFlow(RepairsFlow):
    """Say what has happened, then lead into the set-up."""

    def __init__(self, data: dict[str, str | int | float | None]) -> None:
        """Remember what is known of the issue."""
        super().__init__()
        self._data = data

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant hands over here is no input."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Say what has happened, then go on with the reconfiguration."""
        if user_input is None:
            placeholders = {name: str(value) for name, value in self._data.items()}
            return self.async_show_form(
                step_id="confirm", data_schema=vol.Schema({}), description_placeholders=placeholders
            )
        entry_id = cast("str", self._data["entry_id"])
        flow = await self.hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry_id}
        )
        result = self.async_abort(reason="reconfigure")
        # Home Assistant 2026.8 has no argument for it, and hands it on all the same.
        result["next_flow"] = (FlowType.CONFIG_FLOW, flow["flow_id"])  # type: ignore[typeddict-item]
        return result
