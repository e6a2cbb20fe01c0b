"""The live connection of a printer in the UI: take an address, ask the printer, show what was found, and keep it."""

from typing import Any, Final

from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigSubentryFlow,
    SubentryFlowResult,
)
from homeassistant.const import CONF_PASSWORD, CONF_TOKEN, CONF_URL, CONF_USERNAME
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

from .account import Account, OctoEverywhereConfigEntry
from .const import CONF_PRINTER_ID
from .live import Live, read_live
from .plugin_api import CONNECTIONS_PAGE, Credentials, PluginApi, PluginApiError, Problem
from .words import as_text, async_word

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


class LiveFlow(ConfigSubentryFlow):
    """Add a live connection, or change one."""

    _credentials: Credentials
    _live: Live | None = None
    _asked: str | None = None
    """The printer of which it was asked back whether it is the one."""

    # Which address?

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask for the address."""
        if self._account is None:
            return self.async_abort(reason="not_loaded")
        if not self._printers():
            return self.async_abort(reason="every_printer" if self._account.printers else "no_printer")
        errors = {}
        if user_input is not None:
            try:
                self._credentials = Credentials.from_text(user_input[CONF_URL])
                return await self._async_ask()
            except PluginApiError as err:
                errors[CONF_URL] = str(err.problem)
        return self.async_show_form(
            step_id="user",
            data_schema=self.add_suggested_values_to_schema(_ADDRESS, user_input),
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
                return await self._async_ask(errors_of_credentials=True)
            except PluginApiError as err:
                errors["base"] = str(err.problem)
        return self.async_show_form(step_id="credentials", data_schema=_CREDENTIALS, errors=errors, last_step=False)

    async def _async_ask(self, *, errors_of_credentials: bool = False) -> SubentryFlowResult:
        """Ask the printer, and show what was found. Raises PluginApiError."""
        account = self._account
        if account is None:
            return self.async_abort(reason="not_loaded")
        try:
            result = await PluginApi(account.shared.session, self._credentials).async_status()
        except PluginApiError as err:
            if err.problem is Problem.WRONG_CREDENTIALS and not errors_of_credentials:
                return await self.async_step_credentials()
            raise
        self._live = read_live(result, dt_util.utcnow())
        return await self.async_step_printer()

    # Which printer?

    async def async_step_printer(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Show what was found, and ask which printer it is."""
        printers, likely = self._printers(), self._likely_printer()
        chosen, errors = (user_input or {}).get(CONF_PRINTER_ID), {}
        if chosen is not None:
            if likely in (None, chosen) or self._asked == chosen:
                return self._keep(chosen, printers[chosen])
            self._asked, errors[CONF_PRINTER_ID] = chosen, "other_printer"
        options = [SelectOptionDict(value=printer_id, label=name) for printer_id, name in printers.items()]
        schema = vol.Schema(
            {vol.Required(CONF_PRINTER_ID): SelectSelector(SelectSelectorConfig(options=options))},
        )
        suggested = chosen or (likely if likely in printers else None) or next(iter(printers))
        account = self._account
        other = account.printers[likely].data.name if account is not None and likely is not None else None
        return self.async_show_form(
            step_id="printer",
            data_schema=self.add_suggested_values_to_schema(schema, {CONF_PRINTER_ID: suggested}),
            errors=errors,
            description_placeholders={"other": as_text(other or ""), **self._found()},
        )

    def _found(self) -> dict[str, str]:
        """Return what was found, in words."""
        live = self._live
        if live is None:
            return {"status": "-", "entities": "-"}
        status = async_word(self.hass, f"entity.sensor.status.state.{live.status}")
        progress = None if live.progress is None else f"{live.progress} %"
        has = {
            "sensor.nozzle_temperature": True,
            "sensor.bed_temperature": True,
            "sensor.chamber_temperature": live.has_chamber,
            "button.pause": True,
            "button.resume": True,
            "button.cancel": True,
            "button.heaters_off": live.sets_temperatures,
            "camera.live": True,
        }
        names = [async_word(self.hass, f"entity.{key}.name") for key, is_there in has.items() if is_there]
        return {
            "status": ", ".join(as_text(word) for word in (status, live.file_name, progress) if word),
            "entities": ", ".join([*names, *map(as_text, live.lights)]),
        }

    def _likely_printer(self) -> str | None:
        """Return which printer prints what this one prints, None where nobody knows: the id of a print is nobody else's."""
        account, live = self._account, self._live
        if account is None or live is None or live.print_id is None:
            return None
        ids = (known for known, printer in account.printers.items() if printer.printer.job.print_id == live.print_id)
        return next(ids, None)

    # The subentry.

    def _keep(self, printer_id: str, name: str) -> SubentryFlowResult:
        """Keep the connection."""
        data = {CONF_PRINTER_ID: printer_id, **self._credentials.data}
        if self.source == SOURCE_RECONFIGURE:
            return self.async_update_and_abort(
                self._get_entry(), self._get_reconfigure_subentry(), data=data, title=name, unique_id=printer_id
            )
        return self.async_create_entry(title=name, data=data, unique_id=printer_id)

    @property
    def _account(self) -> Account | None:
        entry: OctoEverywhereConfigEntry = self._get_entry()
        return entry.runtime_data if entry.state is ConfigEntryState.LOADED else None

    def _printers(self) -> dict[str, str]:
        """Return the printers that have no other connection, and their names."""
        account, taken = self._account, {subentry.unique_id for subentry in self._get_entry().subentries.values()}
        if self.source == SOURCE_RECONFIGURE:
            taken.discard(self._get_reconfigure_subentry().unique_id)
        printers = account.printers.values() if account is not None else ()
        return {
            printer.printer_id: printer.data.name or printer.printer_id
            for printer in printers
            if printer.printer_id not in taken
        }
