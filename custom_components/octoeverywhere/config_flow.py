"""Set-up in the UI: it makes the entry, shows what OctoEverywhere has to know, and waits for the proof that notifications arrive."""

import asyncio
from collections import Counter
from contextlib import suppress
from functools import partialmethod
import secrets
from typing import Any, Final, override

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntry,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowResult,
    ConfigSubentryFlow,
    FlowType,
)
from homeassistant.const import CONF_URL, CONF_WEBHOOK_ID
from homeassistant.core import callback
from homeassistant.data_entry_flow import AbortFlow
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectOptionDict,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
import voluptuous as vol

from .account import OctoEverywhereConfigEntry
from .address import (
    NoAddressError,
    async_delete_cloudhook,
    async_get_or_create_cloudhook,
    async_has_cloud,
    async_own_url,
    is_doubtful,
    parse_base_url,
)
from .const import (
    CONF_BASE_URL,
    CONF_CONNECTION,
    CONF_OWN_URL,
    CONF_SECRET_KEY,
    DOMAIN,
    LIVE,
    NAME,
    WEBHOOK_PAGE,
    Connection,
)
from .door import Refusal
from .issues import NOTHING_ARRIVED, async_raise
from .live_flow import LiveFlow

# What OctoEverywhere's page takes; and fewer could be guessed.
_MAX_SECRET_KEY: Final = 128
_MIN_SECRET_KEY: Final = 8
_SECRET_BYTES: Final = 24
# What an address looks like.
_EXAMPLES: Final = {Connection.LAN: "http://192.168.1.10:8123", Connection.INTERNET: "https://home.example.com"}
# Seconds. Who has sent a test notification before sees it at once; who has not is told by then what may be wrong.
_WAITS: Final = 60
# What a POST says of the set-up, the best first; None: it was accepted. What is not here says nothing of it.
_OUTCOMES: Final = {
    None: "proven",
    Refusal.NO_PRINTER_ID: "not_understood",
    Refusal.NO_EVENT_TYPE: "not_understood",
    Refusal.WRONG_SECRET: "wrong_key",
    Refusal.FROM_OUTSIDE: "from_outside",
}
_DOUBTFUL: Final = "doubtful_url"
_CONF_CHANGE: Final = "change"
_CONF_KEEP: Final = "keep"
_URL_FIELD: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
# Also where it is only to be copied: the frontend greys out what is read-only, and a phone selects nothing of that.
_TEXT_FIELD: Final = TextSelector(TextSelectorConfig(autocomplete="off"))

TO_COPY: Final = {"to": "copy"}
"""With it, a reconfiguration begins with the page that shows address and key."""


class OctoEverywhereConfigFlow(ConfigFlow, domain=DOMAIN):
    """Choose the way, make the entry, copy address and key to OctoEverywhere, and wait for the proof."""

    VERSION = 1

    def __init__(self) -> None:
        """Begin with an address and a key that nobody knows yet."""
        self._data: dict[str, Any] = {
            CONF_CONNECTION: Connection.LAN.value,
            CONF_WEBHOOK_ID: webhook.async_generate_id(),
            CONF_SECRET_KEY: _new_secret_key(),
        }
        self._asked: set[tuple[str, str]] = set()
        self._seen: Counter[Refusal | None] | None = None
        self._waiting: asyncio.Task[str] | None = None
        self._outcome = ""
        self._offered: set[str] = set()

    @property
    def _way(self) -> Connection:
        """The way that was chosen."""
        return Connection(self._data[CONF_CONNECTION])

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(cls, config_entry: ConfigEntry) -> dict[str, type[ConfigSubentryFlow]]:
        """Offer a live connection for each printer."""
        return {LIVE: LiveFlow}

    # Which way?

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the person choose how OctoEverywhere reaches Home Assistant."""
        return self.async_show_menu(step_id="user", menu_options=self._ways())

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Begin with what is set up, and let the person choose what to change."""
        entry = self._get_reconfigure_entry()
        self._data = dict(entry.data)
        if entry.state is ConfigEntryState.LOADED:
            if self._seen is None:
                self._seen = entry.runtime_data.knocks.answered.copy()
            if user_input == TO_COPY:
                return await self.async_step_copy()
        base_url = self._data.get(CONF_BASE_URL)
        if base_url and base_url == self._data[CONF_OWN_URL]:
            # It was Home Assistant's own, so it moves with Home Assistant.
            self._data[CONF_BASE_URL] = async_own_url(self.hass, self._way) or base_url
        options = ["show", *self._ways(), "new_address"]
        if entry.state is ConfigEntryState.LOADED and len(entry.runtime_data.printers) > 1:
            options.append("keep")
        return self.async_show_menu(step_id="reconfigure", menu_options=options)

    async def async_step_keep(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the person choose which printers stay, and remove all others: such as somebody has made up."""
        account, errors = self._loaded_entry().runtime_data, {}
        names = {printer_id: printer.data.name or printer_id for printer_id, printer in account.printers.items()}
        offered, self._offered = self._offered, set(names)
        if user_input is not None and (kept := user_input.get(_CONF_KEEP)):
            try:
                # One that came meanwhile was not among them, and stays.
                await account.async_forget(offered.difference(kept))
            except HomeAssistantError:
                errors["base"] = "not_removed"
            else:
                return self.async_abort(reason="removed")
        elif user_input is not None:
            errors[_CONF_KEEP] = "none_kept"
        options = [SelectOptionDict(value=printer_id, label=name) for printer_id, name in names.items()]
        selector = SelectSelector(
            SelectSelectorConfig(options=options, multiple=True, mode=SelectSelectorMode.DROPDOWN)
        )
        schema = vol.Schema({vol.Optional(_CONF_KEEP): selector})
        return self.async_show_form(
            step_id="keep",
            data_schema=self.add_suggested_values_to_schema(schema, {_CONF_KEEP: [], **(user_input or {})}),
            errors=errors,
        )

    async def async_step_show(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with everything as it is, but for an address that has moved."""
        may_have_moved = self._way is Connection.CLOUD or self._data != self._get_reconfigure_entry().data
        return await (self._async_save() if may_have_moved else self.async_step_copy())

    async def async_step_new_address(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with an address and a key that nobody knows yet."""
        self._data |= {CONF_WEBHOOK_ID: webhook.async_generate_id(), CONF_SECRET_KEY: _new_secret_key()}
        return await self.async_step_user()

    def _ways(self) -> list[str]:
        """Return the ways that there are."""
        return [way.value for way in Connection if way is not Connection.CLOUD or async_has_cloud(self.hass)]

    # Which address, which key?

    async def _async_step_way(self, way: Connection, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address, unless Home Assistant Cloud makes it, and for the key."""
        own_url = None if way is Connection.CLOUD else async_own_url(self.hass, way)
        if user_input is None:
            base_url = (self._data.get(CONF_BASE_URL) if way is self._way else None) or own_url
            errors = {} if base_url or way is Connection.CLOUD else {"base": f"no_{way}_url"}
            key = self._data[CONF_SECRET_KEY] or _new_secret_key()
            return self._show_form(way, {CONF_BASE_URL: base_url, CONF_SECRET_KEY: key}, errors)
        entered = {CONF_CONNECTION: way.value, CONF_SECRET_KEY: user_input.get(CONF_SECRET_KEY, "").strip()}
        if way is not Connection.CLOUD:
            entered[CONF_BASE_URL] = parse_base_url(user_input[CONF_BASE_URL])
        if errors := self._errors(entered) or self._doubts(entered, own_url):
            offered = {CONF_BASE_URL: own_url} if _DOUBTFUL in errors.values() else {}
            return self._show_form(way, user_input | offered, errors)
        self._data.pop(CONF_BASE_URL, None)
        self._data |= entered
        return await self._async_save()

    async_step_lan = partialmethod(_async_step_way, Connection.LAN)
    async_step_cloud = partialmethod(_async_step_way, Connection.CLOUD)
    async_step_internet = partialmethod(_async_step_way, Connection.INTERNET)

    def _show_form(self, way: Connection, values: dict[str, Any], errors: dict[str, str]) -> ConfigFlowResult:
        """Show the form of a way."""
        address = {} if way is Connection.CLOUD else {vol.Required(CONF_BASE_URL): _URL_FIELD}
        schema = vol.Schema({**address, vol.Optional(CONF_SECRET_KEY): _TEXT_FIELD})
        return self.async_show_form(
            step_id=way.value,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={"example": _EXAMPLES.get(way, "")},
            last_step=False,
        )

    def _errors(self, entered: dict[str, Any]) -> dict[str, str]:
        """Return what of it cannot be used. The key that is in use may be short."""
        errors, key = {}, entered[CONF_SECRET_KEY]
        if not entered.get(CONF_BASE_URL, True):
            errors[CONF_BASE_URL] = "invalid_url"
        if len(key) > _MAX_SECRET_KEY:
            errors[CONF_SECRET_KEY] = "secret_key_too_long"
        elif len(key) < _MIN_SECRET_KEY and key not in ("", self._data[CONF_SECRET_KEY]):
            errors[CONF_SECRET_KEY] = "secret_key_too_short"
        return errors

    def _doubts(self, entered: dict[str, Any], own_url: str | None) -> dict[str, str]:
        """Return what of it may be a mistake; it is asked back once."""
        doubts, way, base_url = {}, entered[CONF_CONNECTION], entered.get(CONF_BASE_URL, "")
        if way == Connection.LAN and own_url and is_doubtful(base_url, own_url):
            doubts[CONF_BASE_URL] = _DOUBTFUL
        if way == Connection.INTERNET and base_url.startswith("http://"):
            doubts[CONF_BASE_URL] = "no_https"
        if not entered[CONF_SECRET_KEY]:
            doubts[CONF_SECRET_KEY] = "no_key"
        new = {field: doubt for field, doubt in doubts.items() if (doubt, entered[field]) not in self._asked}
        self._asked |= {(doubt, entered[field]) for field, doubt in new.items()}
        return new

    # The entry.

    async def _async_save(self) -> ConfigFlowResult:
        """Make the entry, or change it and go on with the proof."""
        try:
            self._data[CONF_OWN_URL] = (
                await async_get_or_create_cloudhook(self.hass, self._data[CONF_WEBHOOK_ID])
                if self._way is Connection.CLOUD
                else async_own_url(self.hass, self._way)
            )
        except NoAddressError as err:
            return self._show_form(Connection.CLOUD, self._data, {"base": str(err)})
        if self.source != SOURCE_RECONFIGURE:
            return self.async_create_entry(title=NAME, data=self._data)
        await self._async_change(self._get_reconfigure_entry())
        return await self.async_step_copy()

    async def _async_change(self, entry: OctoEverywhereConfigEntry) -> None:
        """Change the entry, and load it anew. What was proven of the old way is not proven of the new one."""
        before, data = entry.data, dict(self._data)
        if data == before:
            return
        old_id, is_new = before[CONF_WEBHOOK_ID], data[CONF_WEBHOOK_ID] != before[CONF_WEBHOOK_ID]
        if before[CONF_CONNECTION] == Connection.CLOUD and (is_new or self._way is not Connection.CLOUD):
            await async_delete_cloudhook(self.hass, old_id)
        if is_new:
            webhook.async_unregister(self.hass, old_id)  # an entry that is not loaded does not do so itself
        self.hass.config_entries.async_update_entry(entry, data=data)
        async_raise(self.hass, entry, NOTHING_ARRIVED)
        self._seen = Counter()
        await self.hass.config_entries.async_reload(entry.entry_id)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the proof, which is a reconfiguration: closed by mistake, it can be opened again."""
        entry = result["result"]
        async_raise(self.hass, entry, NOTHING_ARRIVED)
        page = await self.hass.config_entries.flow.async_init(
            DOMAIN, context={"source": SOURCE_RECONFIGURE, "entry_id": entry.entry_id}, data=TO_COPY
        )
        result["next_flow"] = (FlowType.CONFIG_FLOW, page["flow_id"])
        return result

    # Does it arrive?

    async def async_step_copy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what OctoEverywhere has to know. Home Assistant listens already, so the proof may be there when the person goes on."""
        entry = self._loaded_entry()
        key, errors = self._data[CONF_SECRET_KEY], {}
        if user_input is not None:
            if user_input[_CONF_CHANGE]:
                return await self.async_step_reconfigure()
            # Another key is taken for the one that OctoEverywhere has.
            key = user_input.get(CONF_SECRET_KEY, "").strip() or key
            errors = self._errors({CONF_SECRET_KEY: key})
            if not errors:
                self._data[CONF_SECRET_KEY] = key
                await self._async_change(entry)
                return await self.async_step_wait()
        values = {CONF_URL: self._address, CONF_SECRET_KEY: key, _CONF_CHANGE: False}
        schema = vol.Schema(
            {
                vol.Optional(CONF_URL): _TEXT_FIELD,
                vol.Optional(CONF_SECRET_KEY): _TEXT_FIELD,
                vol.Required(_CONF_CHANGE): BooleanSelector(),
            }
        )
        return self.async_show_form(
            step_id="copy_lan" if self._way is Connection.LAN else "copy_internet",
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={"webhook_page": WEBHOOK_PAGE},
            last_step=False,
        )

    async_step_copy_lan = async_step_copy_internet = async_step_copy

    async def async_step_wait(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Wait for what has not arrived yet."""
        if self._waiting is None:
            # In the background, so that Home Assistant does not wait for it when it stops.
            self._waiting = self.hass.async_create_background_task(
                self._async_outcome(self._loaded_entry()), f"{DOMAIN} waits for a notification"
            )
        if not self._waiting.done():
            return self.async_show_progress(
                step_id="wait",
                progress_action="wait",
                progress_task=self._waiting,
                description_placeholders={"webhook_page": WEBHOOK_PAGE},
            )
        self._outcome, self._waiting = self._waiting.result(), None
        return self.async_show_progress_done(next_step_id="outcome")

    async def _async_outcome(self, entry: OctoEverywhereConfigEntry) -> str:
        """Return what has come of it, as soon as something has."""
        knocks = entry.runtime_data.knocks
        with suppress(TimeoutError):
            async with asyncio.timeout(_WAITS):
                while True:
                    known, self._seen = self._seen or Counter(), knocks.answered.copy()
                    new = self._seen - known
                    if outcome := next((_OUTCOMES[refusal] for refusal in _OUTCOMES if new[refusal]), None):
                        return outcome
                    await knocks.async_wait()
        return f"nothing_{self._way}"

    async def async_step_outcome(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what has come of it, and let the person choose how to go on."""
        entry = self._loaded_entry()
        if self._outcome == _OUTCOMES[None]:
            return self.async_abort(reason=self._outcome)
        return self.async_show_menu(
            step_id=self._outcome,
            menu_options=["wait", "copy", "reconfigure"],
            description_placeholders={
                "url": self._address,
                "webhook_page": WEBHOOK_PAGE,
                "remote": entry.runtime_data.knocks.remote,
            },
        )

    async_step_not_understood = async_step_wrong_key = async_step_from_outside = async_step_outcome
    async_step_nothing_lan = async_step_nothing_cloud = async_step_nothing_internet = async_step_outcome

    def _loaded_entry(self) -> OctoEverywhereConfigEntry:
        """Return the entry. Raises AbortFlow where it does not listen."""
        entry = self.hass.config_entries.async_get_entry(self._reconfigure_entry_id)
        if entry is None or entry.state is not ConfigEntryState.LOADED:
            raise AbortFlow(reason="not_loaded")
        return entry

    @property
    def _address(self) -> str:
        """What OctoEverywhere is told."""
        if self._way is Connection.CLOUD:
            return str(self._data[CONF_OWN_URL])
        return f"{self._data[CONF_BASE_URL]}{webhook.async_generate_path(self._data[CONF_WEBHOOK_ID])}"


def _new_secret_key() -> str:
    """Return a key that nobody guesses and everybody can copy."""
    return secrets.token_urlsafe(_SECRET_BYTES)
