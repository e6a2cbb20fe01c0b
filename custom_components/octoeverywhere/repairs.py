"""How the issues under Repairs are put right."""

from typing import Any, Final, cast

from homeassistant.components.repairs import RepairsFlow, RepairsFlowResult
from homeassistant.config_entries import SOURCE_RECONFIGURE, FlowType
from homeassistant.core import HomeAssistant
import voluptuous as vol

from .address import UnusableError
from .config_flow import SECRET_KEY_FIELD, parse_secret_key
from .const import CONF_SECRET_KEY, DOMAIN, WEBHOOK_PAGE
from .coordinator import OctoEverywhereConfigEntry
from .issues import WRONG_SECRET

_MISSING: Final = "secret_key_missing"


async def async_create_fix_flow(
    hass: HomeAssistant, issue_id: str, data: dict[str, str | int | float | None] | None
) -> RepairsFlow:
    """Return the way to put an issue right."""
    entry = hass.config_entries.async_get_known_entry(cast("str", (data or {})["entry_id"]))
    return WrongSecretFlow(entry) if issue_id == WRONG_SECRET else AddressChangedFlow(entry)


class WrongSecretFlow(RepairsFlow):
    """Ask for the key that OctoEverywhere uses."""

    def __init__(self, entry: OctoEverywhereConfigEntry) -> None:
        """Remember whose key it is."""
        self._entry = entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant hands over here is no input."""
        return await self.async_step_secret_key()

    async def async_step_secret_key(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Show our key, to be copied or replaced."""
        errors: dict[str, str] = {}
        if user_input is None:
            user_input = {CONF_SECRET_KEY: self._entry.data[CONF_SECRET_KEY]}
        else:
            try:
                secret_key = parse_secret_key(user_input[CONF_SECRET_KEY])
            except UnusableError as err:
                errors[CONF_SECRET_KEY] = err.key
            else:
                if not secret_key:
                    errors[CONF_SECRET_KEY] = _MISSING
            if not errors:
                self.hass.config_entries.async_update_entry(
                    self._entry, data={**self._entry.data, CONF_SECRET_KEY: secret_key}
                )
                return self.async_create_entry(data={})
        return self.async_show_form(
            step_id="secret_key",
            data_schema=self.add_suggested_values_to_schema(
                vol.Schema({vol.Required(CONF_SECRET_KEY): SECRET_KEY_FIELD}), user_input
            ),
            errors=errors,
            description_placeholders={"webhook_page": WEBHOOK_PAGE},
        )


class AddressChangedFlow(RepairsFlow):
    """Lead into the set-up, which shows the address as it is now."""

    def __init__(self, entry: OctoEverywhereConfigEntry) -> None:
        """Remember whose address it is."""
        self._entry = entry

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Begin; what Home Assistant hands over here is no input."""
        return await self.async_step_confirm()

    async def async_step_confirm(self, user_input: dict[str, Any] | None = None) -> RepairsFlowResult:
        """Say what has happened, then go on with the reconfiguration."""
        if user_input is None:
            return self.async_show_form(step_id="confirm", data_schema=vol.Schema({}))
        flow = await self.hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": self._entry.entry_id}
        )
        result = self.async_abort(reason="reconfigure")
        # Home Assistant 2026.8 has no argument for it, and hands it on all the same.
        result["next_flow"] = (FlowType.CONFIG_FLOW, flow["flow_id"])  # type: ignore[typeddict-item]
        return result
