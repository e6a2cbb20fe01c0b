"""How the issues under Repairs are put right: all of them in the set-up."""

from inspect import signature
from typing import Any, cast

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE, FlowType
from homeassistant.core import HomeAssistant
import voluptuous as vol

from .config_flow import TO_COPY
from .const import DOMAIN, LIVE
from .issues import NOTHING_ARRIVED, WRONG_SECRET


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way to put an issue right."""
    return ReconfigureFlow()


class ReconfigureFlow(RepairsFlow):
    """Say what has happened, then lead into the set-up."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant hands over here is no input."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Say what has happened, then go on with the reconfiguration; the issue ends when it is over, and not before."""
        facts = {name: str(fact) for name, fact in (self.data or {}).items()}
        if user_input is None:
            return self.async_show_form(step_id="confirm", data_schema=vol.Schema({}), description_placeholders=facts)
        next_flow = await self._async_next_flow(facts)
        is_known = "next_flow" in signature(self.async_abort).parameters
        arguments: dict[str, Any] = {"next_flow": next_flow} if is_known else {}
        result: dict[str, Any] = {**self.async_abort(reason="reconfigure", **arguments)}
        # Home Assistant 2026.8 has no argument for it, and hands it on all the same, with the entry that the frontend wants to know.
        entry = self.hass.config_entries.async_get_known_entry(facts["entry_id"])
        return cast(RepairsFlowResult, {"next_flow": next_flow, "result": entry.as_json_fragment, **result})

    async def _async_next_flow(self, facts: dict[str, str]) -> tuple[FlowType, str]:
        """Begin the reconfiguration of the entry, or of the live connection that the issue is about."""
        entry_id = facts["entry_id"]
        if subentry_id := facts.get("subentry_id"):
            subentry_flow = await self.hass.config_entries.subentries.async_init(
                (entry_id, LIVE), context={"source": SOURCE_RECONFIGURE, "subentry_id": subentry_id}
            )
            return FlowType.CONFIG_SUBENTRIES_FLOW, subentry_flow["flow_id"]
        flow = await self.hass.config_entries.flow.async_init(
            DOMAIN,
            context={"source": SOURCE_RECONFIGURE, "entry_id": entry_id},
            data=TO_COPY if self.issue_id in (NOTHING_ARRIVED, WRONG_SECRET) else None,
        )
        return FlowType.CONFIG_FLOW, flow["flow_id"]
