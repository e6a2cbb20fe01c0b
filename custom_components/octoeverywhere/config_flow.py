"""Set-up in the UI: it makes the entry, shows what OctoEverywhere has to know, and waits for the proof that notifications arrive."""

import asyncio
from collections.abc import Mapping
import secrets
from typing import Any, Final, override

from homeassistant.components import webhook
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    ConfigEntryState,
    ConfigFlow,
    ConfigFlowContext,
    ConfigFlowResult,
    FlowType,
)
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
import voluptuous as vol
from yarl import URL

from .account import OctoEverywhereConfigEntry
from .address import (
    UnusableError,
    async_delete_cloudhook,
    async_get_or_create_cloudhook,
    async_has_cloud,
    async_own_url,
    is_doubtful,
    parse_base_url,
    webhook_url,
)
from .const import (
    CONF_BASE_URL,
    CONF_CONNECTION,
    CONF_OWN_URL,
    CONF_SECRET_KEY,
    DOMAIN,
    NAME,
    WEBHOOK_PAGE,
    Connection,
)
from .door import Refusal
from .issues import NOTHING_ARRIVED, async_raise
from .webhook import async_close

# What OctoEverywhere's page takes; and fewer could be guessed.
MAX_SECRET_KEY: Final = 128
MIN_SECRET_KEY: Final = 8
_SECRET_BYTES: Final = 24
# Seconds; long enough to log in at OctoEverywhere, find the page, paste two things and press the button.
_WAITS: Final = 5 * 60
# What an address looks like.
_EXAMPLES: Final = {
    Connection.LAN: "http://192.168.1.10:8123",
    Connection.INTERNET: "https://home.example.com",
}
_TOO_LONG: Final = "secret_key_too_long"
_TOO_SHORT: Final = "secret_key_too_short"
_PROVEN: Final = "proven"
# What a POST says of the set-up. What is not here says nothing of it.
_PROOFS: Final = {
    None: _PROVEN,
    Refusal.WRONG_SECRET: "wrong_key",
    Refusal.FROM_OUTSIDE: "from_outside",
    Refusal.NO_PRINTER_ID: "not_understood",
    Refusal.NO_EVENT_TYPE: "not_understood",
    Refusal.NOT_JSON: "not_understood",
    Refusal.NOT_AN_OBJECT: "not_understood",
}

_URL_FIELD: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
_SECRET_KEY_FIELD: Final = TextSelector(TextSelectorConfig(autocomplete="off"))
_TO_COPY: Final = TextSelector(TextSelectorConfig(read_only=True))
_CONF_URL: Final = "url"
_TO_PROOF: Final = {"proof": True}
"""What the set-up hands to its second half."""


def new_secret_key() -> str:
    """Return a secret key that nobody guesses and everybody can copy."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def parse_secret_key(text: str, known: str = "") -> str:
    """Return a key as OctoEverywhere takes it; one that is in use may be short. Raises UnusableError."""
    text = text.strip()
    if len(text) > MAX_SECRET_KEY:
        raise UnusableError(_TOO_LONG)
    if text and text != known and len(text) < MIN_SECRET_KEY:
        raise UnusableError(_TOO_SHORT)
    return text


class OctoEverywhereConfigFlow(ConfigFlow, domain=DOMAIN):
    """Choose the way, make the entry, copy address and key to OctoEverywhere, and wait for the proof."""

    VERSION = 1

    def __init__(self) -> None:
        """Make an address and a key; a reconfiguration begins with those of the entry."""
        self._webhook_id = webhook.async_generate_id()
        self._secret_key = new_secret_key()
        self._connection = Connection.LAN
        self._base_url = ""
        self._known_knocks = 0
        self._waiting: asyncio.Task[str] | None = None
        self._outcome = ""

    # Which way?

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the person choose how OctoEverywhere reaches Home Assistant."""
        return self.async_show_menu(step_id="user", menu_options=self._connections())

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Start from what is set up, and let the person choose what to change."""
        data = self._get_reconfigure_entry().data
        self._webhook_id = data[CONF_WEBHOOK_ID]
        self._secret_key = data[CONF_SECRET_KEY]
        self._connection = Connection(data[CONF_CONNECTION])
        self._base_url = data.get(CONF_BASE_URL, "")
        if user_input == _TO_PROOF:
            return await self.async_step_copy()
        if self._base_url and self._base_url == data[CONF_OWN_URL]:
            # It was Home Assistant's own, so it moves with Home Assistant.
            self._base_url = async_own_url(self.hass, self._connection) or self._base_url
        return self.async_show_menu(step_id="reconfigure", menu_options=["show", *self._connections(), "new_address"])

    async def async_step_show(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with everything as it is, but for an address that has moved."""
        data = self._get_reconfigure_entry().data
        is_moved = self._connection is Connection.CLOUD or self._base_url != data.get(CONF_BASE_URL)
        return await (self.async_step_save() if is_moved else self.async_step_copy())

    async def async_step_new_address(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make an address and a key that nobody knows yet."""
        self._webhook_id = webhook.async_generate_id()
        self._secret_key = new_secret_key()
        return await self.async_step_user()

    def _connections(self) -> list[str]:
        """Return the ways that there are."""
        cloud = [Connection.CLOUD.value] if async_has_cloud(self.hass) else []
        return [Connection.LAN.value, *cloud, Connection.INTERNET.value]

    # Which address, which key?

    async def async_step_lan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address in the home network, and the key."""
        return await self._async_step_address(Connection.LAN, user_input)

    async def async_step_internet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address on the internet, and the key."""
        return await self._async_step_address(Connection.INTERNET, user_input)

    async def async_step_cloud(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the key; Home Assistant Cloud makes the address."""
        return await self._async_step_address(Connection.CLOUD, user_input)

    async def _async_step_address(self, connection: Connection, user_input: dict[str, Any] | None) -> ConfigFlowResult:
        """Ask for an address, unless Home Assistant Cloud makes it, and for the key."""
        own_url = None if connection is Connection.CLOUD else async_own_url(self.hass, connection)
        errors: dict[str, str] = {}
        if user_input is None:
            if own_url is None and connection is not Connection.CLOUD:
                errors["base"] = f"no_{connection}_url"
            known = self._base_url if connection is self._connection else None
            values = {CONF_BASE_URL: known or own_url or "", CONF_SECRET_KEY: self._secret_key or new_secret_key()}
            return self._show_address_form(connection, values, errors)
        if not self._read(connection, user_input, errors):
            return self._show_address_form(connection, user_input, errors)
        if connection is Connection.LAN and own_url and is_doubtful(self._base_url, own_url):
            return await self.async_step_doubtful_address()
        if connection is Connection.INTERNET and URL(self._base_url).scheme != "https":
            return self.async_show_menu(step_id="no_https", menu_options=["internet", "no_key"])
        return await self.async_step_no_key()

    def _read(self, connection: Connection, user_input: dict[str, Any], errors: dict[str, str]) -> bool:
        """Take over what was entered, or take note of what is wrong with it; return whether all is well."""
        values: dict[str, str] = {}
        for key, read in (
            (CONF_BASE_URL, parse_base_url),
            (CONF_SECRET_KEY, lambda text: parse_secret_key(text, self._secret_key)),
        ):
            try:
                is_asked = key != CONF_BASE_URL or connection is not Connection.CLOUD
                values[key] = read(user_input.get(key, "")) if is_asked else ""
            except UnusableError as err:
                errors[key] = err.key
        if not errors:
            self._connection = connection
            self._base_url, self._secret_key = values[CONF_BASE_URL], values[CONF_SECRET_KEY]
        return not errors

    def _show_address_form(
        self, connection: Connection, values: Mapping[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        """Show the form of a way."""
        address = {} if connection is Connection.CLOUD else {vol.Required(CONF_BASE_URL): _URL_FIELD}
        schema = vol.Schema({**address, vol.Optional(CONF_SECRET_KEY): _SECRET_KEY_FIELD})
        return self.async_show_form(
            step_id=connection.value,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={"example": _EXAMPLES.get(connection, "")},
            last_step=False,
        )

    async def async_step_doubtful_address(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether an address is meant at which Home Assistant itself does not answer."""
        own_url = async_own_url(self.hass, Connection.LAN) or ""
        return self.async_show_menu(
            step_id="doubtful_address",
            menu_options=["own_address", "lan", "no_key"],
            description_placeholders={CONF_BASE_URL: self._base_url, CONF_OWN_URL: own_url},
        )

    async def async_step_own_address(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with what Home Assistant takes for its own address."""
        self._base_url = async_own_url(self.hass, Connection.LAN) or self._base_url
        return await self.async_step_no_key()

    async def async_step_no_key(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to go without a key is meant."""
        if not self._secret_key:
            return self.async_show_menu(step_id="no_key", menu_options=[self._connection.value, "save"])
        return await self.async_step_save()

    # The entry.

    async def async_step_save(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make the entry, or change it."""
        try:
            own_url = await self._async_own_address()
        except UnusableError as err:
            return self._show_address_form(Connection.CLOUD, {CONF_SECRET_KEY: self._secret_key}, {"base": err.key})
        data = {
            CONF_WEBHOOK_ID: self._webhook_id,
            CONF_SECRET_KEY: self._secret_key,
            CONF_CONNECTION: self._connection.value,
            CONF_OWN_URL: own_url,
        }
        if self._connection is not Connection.CLOUD:
            data[CONF_BASE_URL] = self._base_url
        if self.source != SOURCE_RECONFIGURE:
            return self.async_create_entry(title=NAME, data=data)
        await self._async_change(self._get_reconfigure_entry(), data)
        return await self.async_step_copy()

    async def _async_own_address(self) -> str | None:
        """Return what Home Assistant takes for its own address, or the one that Home Assistant Cloud makes. Raises UnusableError."""
        if self._connection is Connection.CLOUD:
            return await async_get_or_create_cloudhook(self.hass, self._webhook_id)
        return async_own_url(self.hass, self._connection)

    async def _async_change(self, entry: OctoEverywhereConfigEntry, data: dict[str, Any]) -> None:
        """Change the entry, and load it anew. What was proven of the old way is not proven of the new one."""
        before = entry.data
        if data == before:
            return
        is_cloud_left = data[CONF_WEBHOOK_ID] != before[CONF_WEBHOOK_ID] or self._connection is not Connection.CLOUD
        if before[CONF_CONNECTION] == Connection.CLOUD and is_cloud_left:
            await async_delete_cloudhook(self.hass, before[CONF_WEBHOOK_ID])
        async_close(self.hass, before[CONF_WEBHOOK_ID])
        self.hass.config_entries.async_update_entry(entry, data=data)
        async_raise(self.hass, entry, NOTHING_ARRIVED)
        await self.hass.config_entries.async_reload(entry.entry_id)

    @override
    async def async_on_create_entry(self, result: ConfigFlowResult) -> ConfigFlowResult:
        """Go on with the proof, which is a reconfiguration: closed by mistake, it can be opened again."""
        entry = result["result"]
        async_raise(self.hass, entry, NOTHING_ARRIVED)
        context = ConfigFlowContext(source=SOURCE_RECONFIGURE, entry_id=entry.entry_id)
        flow = await self.hass.config_entries.flow.async_init(DOMAIN, context=context, data=_TO_PROOF)
        result["next_flow"] = (FlowType.CONFIG_FLOW, flow["flow_id"])
        return result

    # Does it arrive?

    async def async_step_copy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show what OctoEverywhere has to know."""
        entry = self._get_reconfigure_entry()
        if entry.state is not ConfigEntryState.LOADED:
            return self.async_abort(reason="not_loaded")
        if user_input is not None:
            return await self.async_step_wait()
        self._known_knocks = entry.runtime_data.knocks.count
        values = {_CONF_URL: self._address(entry), CONF_SECRET_KEY: self._secret_key}
        fields = {vol.Optional(key): _TO_COPY for key, value in values.items() if value}
        return self.async_show_form(
            step_id="copy_lan" if self._connection is Connection.LAN else "copy_internet",
            data_schema=self.add_suggested_values_to_schema(vol.Schema(fields), values),
            description_placeholders={"webhook_page": WEBHOOK_PAGE},
            last_step=False,
        )

    async_step_copy_lan = async_step_copy
    async_step_copy_internet = async_step_copy

    def _address(self, entry: OctoEverywhereConfigEntry) -> str:
        """Return the address that OctoEverywhere is told."""
        if self._connection is Connection.CLOUD:
            return str(entry.data[CONF_OWN_URL])
        return webhook_url(self._base_url, self._webhook_id)

    async def async_step_wait(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show that we wait, then what has come of it."""
        entry = self._get_reconfigure_entry()
        if self._waiting is None:
            # In the background, so that Home Assistant does not wait for it when it stops.
            self._waiting = self.hass.async_create_background_task(
                self._async_proof(entry), f"{DOMAIN} waits for a notification"
            )
        if not self._waiting.done():
            return self.async_show_progress(
                step_id="wait",
                progress_action="wait",
                progress_task=self._waiting,
                description_placeholders={"webhook_page": WEBHOOK_PAGE},
            )
        self._outcome = self._waiting.result()
        self._waiting = None
        return self.async_show_progress_done(next_step_id="outcome")

    async def _async_proof(self, entry: OctoEverywhereConfigEntry) -> str:
        """Return the step that says what has arrived since the address was shown, or arrives within a few minutes."""
        knocks = entry.runtime_data.knocks
        try:
            async with asyncio.timeout(_WAITS):
                while knocks.count == self._known_knocks or knocks.newest not in _PROOFS:
                    self._known_knocks = knocks.count
                    await knocks.async_wait()
        except TimeoutError:
            return f"nothing_{self._connection}"
        self._known_knocks = knocks.count
        return _PROOFS[knocks.newest]

    async def async_step_outcome(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what came of waiting, and let the person choose how to go on."""
        entry = self._get_reconfigure_entry()
        if self._outcome == _PROVEN:
            return self.async_abort(reason=_PROVEN)
        return self.async_show_menu(
            step_id=self._outcome,
            menu_options=["wait", "copy", self._connection.value, "user", "later"],
            description_placeholders={
                "url": self._address(entry),
                "secret_key": self._secret_key,
                "webhook_page": WEBHOOK_PAGE,
                "remote": entry.runtime_data.knocks.remote,
            },
        )

    async def async_step_later(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """End without a proof; a repair says so until something arrives."""
        return self.async_abort(reason="not_proven")
