"""The live connection of a printer in the UI: take an address, ask the printer, show what was found, and keep it."""

from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_PASSWORD, CONF_TOKEN, CONF_URL, CONF_USERNAME
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.helpers.selector import (
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util
import voluptuous as vol

from .account import Account, async_get_account
from .const import CHAMBER, CONF_PRINTER_ID, HEATERS_OFF, LIVE_KEYS
from .coordinator import PrinterCoordinator
from .live import Live, read_live
from .plugin_api import CONNECTIONS_PAGE, Credentials, PluginApi, PluginApiError, Problem
from .words import as_text, async_word, name_light

_TEXT_FIELD: Final = TextSelector(TextSelectorConfig(autocomplete="off"))
_PASSWORD_FIELD: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD, autocomplete="off"))
_ADDRESS: Final = vol.Schema({vol.Required(CONF_URL): _TEXT_FIELD})
_CREDENTIALS: Final = vol.Schema(
    {
        vol.Optional(CONF_USERNAME): _TEXT_FIELD,
        vol.Optional(CONF_PASSWORD): _PASSWORD_FIELD,
        vol.Optional(CONF_TOKEN): _PASSWORD_FIELD,
    }
)
# What a person is told of, as far as the printer has it.
_WORTH_NAMING: Final = (
    ("sensor", "nozzle_temperature"),
    ("sensor", "bed_temperature"),
    ("sensor", CHAMBER),
    ("button", "pause"),
    ("button", "resume"),
    ("button", "cancel"),
    ("button", HEATERS_OFF),
    ("camera", "live"),
)


class LiveFlow(ConfigSubentryFlow):
    """Add a live connection, or change one."""

    _credentials: Credentials
    _live: Live | None = None
    _asked: str | None = None
    """The printer of which it was asked back whether it is the one."""

    # Which address?

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the address."""
        self._printers()  # where there is none, the flow ends here
        errors = {}
        if user_input is not None:
            try:
                self._credentials = Credentials.from_text(user_input[CONF_URL])
                return await self._async_ask()
            except PluginApiError as err:
                if err.problem is Problem.WRONG_CREDENTIALS:
                    return await self.async_step_credentials()
                errors[CONF_URL] = str(err.problem)
        return self.async_show_form(
            step_id="user",
            data_schema=_ADDRESS,
            errors=errors,
            description_placeholders={"connections_page": CONNECTIONS_PAGE},
            last_step=False,
        )

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for another address; the one that is in use is as good as a password, and not shown."""
        return await self.async_step_user()

    async def async_step_credentials(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for what else the connection wants to know."""
        errors = {}
        if user_input is not None:
            try:
                self._credentials = Credentials(url=self._credentials.url, **user_input)
                return await self._async_ask()
            except PluginApiError as err:
                errors["base"] = str(err.problem)
        known = {CONF_USERNAME: (user_input or {}).get(CONF_USERNAME)}
        return self.async_show_form(
            step_id="credentials",
            data_schema=self.add_suggested_values_to_schema(_CREDENTIALS, known),
            errors=errors,
            last_step=False,
        )

    async def _async_ask(self) -> SubentryFlowResult:
        """Ask the printer, and show what was found. Raises PluginApiError, and AbortFlow where nothing is loaded."""
        result = await PluginApi(self._account.session, self._credentials).async_status()
        self._live = read_live(result, dt_util.utcnow())
        return await self.async_step_printer()

    # Which printer?

    async def async_step_printer(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show what was found, and ask which printer it is."""
        printers, likely, errors = self._printers(), self._likely_printer(), {}
        chosen = (user_input or {}).get(CONF_PRINTER_ID)
        if chosen in printers:
            if likely is None or chosen in (likely.printer_id, self._asked):
                return self._keep(chosen, printers[chosen])
            self._asked, errors[CONF_PRINTER_ID] = chosen, "other_printer"
        options = [SelectOptionDict(value=printer_id, label=name) for printer_id, name in printers.items()]
        schema = vol.Schema({vol.Required(CONF_PRINTER_ID): SelectSelector(SelectSelectorConfig(options=options))})
        wanted = (chosen, likely and likely.printer_id, *printers)
        suggested = next(printer_id for printer_id in wanted if printer_id in printers)
        return self.async_show_form(
            step_id="printer",
            data_schema=self.add_suggested_values_to_schema(schema, {CONF_PRINTER_ID: suggested}),
            errors=errors,
            description_placeholders={"other": as_text((likely and likely.data.name) or ""), **self._found()},
        )

    def _found(self) -> dict[str, str]:
        """Return what was found, in words."""
        live = self._live
        if live is None:
            return {"status": "-", "entities": "-"}
        status = async_word(self.hass, f"entity.sensor.status.state.{live.status}")
        progress = None if live.progress is None else f"{live.progress}\N{NO-BREAK SPACE}%"
        keys = LIVE_KEYS | live.keys
        light = async_word(self.hass, "entity.light.light.name")
        names = [
            async_word(self.hass, f"entity.{platform}.{key}.name") for platform, key in _WORTH_NAMING if key in keys
        ]
        names += [light.replace("{name}", as_text(name_light(name))) for name in live.lights]
        return {
            "status": ", ".join(as_text(word) for word in (status, live.file_name, progress) if word),
            "entities": ", ".join(names),
        }

    def _likely_printer(self) -> PrinterCoordinator | None:
        """Return which printer prints what this one prints, None where nobody knows: the id of a print is nobody else's."""
        live, printers = self._live, self._account.printers.values()
        if live is None or live.print_id is None:
            return None
        return next((printer for printer in printers if printer.printer.job.print_id == live.print_id), None)

    # The subentry.

    def _keep(self, printer_id: str, name: str) -> SubentryFlowResult:
        """Keep the connection."""
        data = {CONF_PRINTER_ID: printer_id, **self._credentials.data}
        if self.source == SOURCE_RECONFIGURE:
            entry, subentry = self._get_entry(), self._get_reconfigure_subentry()
            if subentry.data == data and subentry.title == name:
                # Home Assistant begins anew only where something changes, but the connection may have been given up.
                self.hass.config_entries.async_schedule_reload(entry.entry_id)
            return self.async_update_and_abort(entry, subentry, data=data, title=name, unique_id=printer_id)
        return self.async_create_entry(title=name, data=data, unique_id=printer_id)

    # The printers.

    @property
    def _account(self) -> Account:
        """The account. Raises AbortFlow where it is not loaded."""
        if (account := async_get_account(self.hass)) is None:
            raise AbortFlow(reason="not_loaded")
        return account

    def _printers(self) -> dict[str, str]:
        """Return the printers that have no other connection, and their names. Raises AbortFlow where there is none."""
        known = self._account.printers
        taken = {subentry.unique_id for subentry in self._get_entry().subentries.values()}
        if self.source == SOURCE_RECONFIGURE:
            taken.discard(self._get_reconfigure_subentry().unique_id)
        names = {id_: printer.data.name or id_ for id_, printer in known.items() if id_ not in taken}
        if not names:
            raise AbortFlow(reason="every_printer" if known else "no_printer")
        return names
