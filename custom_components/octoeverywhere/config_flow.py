"""Set-up in the UI, which does not say that it works until a notification has arrived."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
import secrets
from typing import Any, Final, override

from homeassistant.components import webhook
from homeassistant.config_entries import SOURCE_RECONFIGURE, ConfigFlow, ConfigFlowResult
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.selector import TextSelector, TextSelectorConfig, TextSelectorType
import voluptuous as vol
from yarl import URL

from .address import (
    CLOUD_NOT_CONNECTED,
    UnusableError,
    async_delete_cloudhook,
    async_get_or_create_cloudhook,
    async_has_cloud,
    async_own_url,
    parse_base_url,
    webhook_url,
)
from .const import (
    CONF_BASE_URL,
    CONF_CLOUDHOOK,
    CONF_CONNECTION,
    CONF_OWN_URL,
    CONF_SECRET_KEY,
    DOMAIN,
    NAME,
    WEBHOOK_PAGE,
    Connection,
)
from .coordinator import OctoEverywhereConfigEntry
from .trial import Proof, Trial
from .webhook import async_open_trial

# What OctoEverywhere's page takes.
MAX_SECRET_KEY: Final = 128
_SECRET_BYTES: Final = 24
_TOO_LONG: Final = "secret_key_too_long"
# How long what was waited for in vain is still accepted.
_STAYS_OPEN: Final = timedelta(minutes=15)
# What an address looks like.
_EXAMPLES: Final = {
    Connection.LAN: "http://192.168.1.10:8123",
    Connection.INTERNET: "https://home.example.com",
}

URL_FIELD: Final = TextSelector(TextSelectorConfig(type=TextSelectorType.URL))
SECRET_KEY_FIELD: Final = TextSelector(TextSelectorConfig(autocomplete="off"))


def new_secret_key() -> str:
    """Return a secret key that nobody guesses and everybody can copy."""
    return secrets.token_urlsafe(_SECRET_BYTES)


class OctoEverywhereConfigFlow(ConfigFlow, domain=DOMAIN):
    """Choose the way, copy address and key to OctoEverywhere, and wait for the proof."""

    VERSION = 1

    def __init__(self) -> None:
        """Make an address and a key; a reconfiguration begins with those of the entry."""
        self._webhook_id = webhook.async_generate_id()
        self._secret_key = new_secret_key()
        self._connection = Connection.LAN
        self._base_url = ""
        self._trial: Trial | None = None
        self._close: Callable[[], None] | None = None
        self._cancel_closing: CALLBACK_TYPE | None = None
        self._waiting: asyncio.Task[Proof] | None = None
        self._cloudhook_url: str | None = None
        self._new_cloudhook: str | None = None
        """The id of a cloudhook that was made here."""
        self._is_finished = False
        self._is_removed = False

    # Which way?

    @override
    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Let the person choose how OctoEverywhere reaches Home Assistant."""
        return self.async_show_menu(step_id="user", menu_options=self._connections())

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Start from what is set up, and let the person choose what to change."""
        entry = self._get_reconfigure_entry()
        self._webhook_id = entry.data[CONF_WEBHOOK_ID]
        self._secret_key = entry.data[CONF_SECRET_KEY]
        self._connection = Connection(entry.data[CONF_CONNECTION])
        self._base_url = entry.data.get(CONF_BASE_URL, self._base_url)
        if self._base_url == entry.options.get(CONF_OWN_URL):
            # It was Home Assistant's own, so it moves with Home Assistant.
            self._base_url = async_own_url(self.hass, self._connection) or self._base_url
        return self.async_show_menu(step_id="reconfigure", menu_options=["show", *self._connections(), "new_address"])

    async def async_step_show(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on with everything as it is."""
        if self._connection is Connection.CLOUD:
            return await self.async_step_cloud({CONF_SECRET_KEY: self._secret_key})
        return await self.async_step_copy()

    async def async_step_new_address(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make an address that nobody knows yet; the old one works until the end of the set-up."""
        self._webhook_id = webhook.async_generate_id()
        return await self.async_step_user()

    def _connections(self) -> list[str]:
        """Return the ways that there are."""
        cloud = [Connection.CLOUD.value] if async_has_cloud(self.hass) else []
        return [Connection.LAN.value, *cloud, Connection.INTERNET.value]

    # Which address, which key?

    async def async_step_lan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address in the home network, and the key."""
        return await self._async_step_own_address(Connection.LAN, user_input)

    async def async_step_internet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address on the internet, and the key."""
        return await self._async_step_own_address(Connection.INTERNET, user_input)

    async def _async_step_own_address(
        self, connection: Connection, user_input: dict[str, Any] | None
    ) -> ConfigFlowResult:
        """Ask for an address of Home Assistant's own, and the key."""
        own_url = async_own_url(self.hass, connection)
        errors: dict[str, str] = {}
        if user_input is None:
            if own_url is None:
                errors["base"] = f"no_{connection}_url"
            known = self._base_url if connection is self._connection else None
            user_input = {CONF_BASE_URL: known or own_url or "", CONF_SECRET_KEY: self._secret_key or new_secret_key()}
        else:
            base_url = self._read(user_input, CONF_BASE_URL, parse_base_url, errors)
            secret_key = self._read(user_input, CONF_SECRET_KEY, parse_secret_key, errors)
            if not errors:
                self._connection = connection
                self._base_url = base_url
                self._secret_key = secret_key
                return await self.async_step_no_https()
        return self._show_form(connection, user_input, errors, {vol.Required(CONF_BASE_URL): URL_FIELD})

    async def async_step_cloud(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make an address at Home Assistant Cloud, and ask for the key."""
        errors: dict[str, str] = {}
        if user_input is None:
            user_input = {CONF_SECRET_KEY: self._secret_key or new_secret_key()}
        else:
            secret_key = self._read(user_input, CONF_SECRET_KEY, parse_secret_key, errors)
            if not errors:
                try:
                    await self._async_make_cloudhook()
                except UnusableError as err:
                    errors["base"] = err.key
                else:
                    self._connection = Connection.CLOUD
                    self._base_url = ""
                    self._secret_key = secret_key
                    return await self.async_step_no_https()
        return self._show_form(Connection.CLOUD, user_input, errors, {})

    def _show_form(
        self,
        connection: Connection,
        values: Mapping[str, Any],
        errors: dict[str, str],
        fields: Mapping[vol.Marker, Any],
    ) -> ConfigFlowResult:
        """Show a form that ends with the key."""
        schema = vol.Schema({**fields, vol.Optional(CONF_SECRET_KEY): SECRET_KEY_FIELD})
        return self.async_show_form(
            step_id=connection.value,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
            description_placeholders={"example": _EXAMPLES.get(connection, "")},
            last_step=False,
        )

    @staticmethod
    def _read(values: Mapping[str, Any], key: str, read: Callable[[str], str], errors: dict[str, str]) -> str:
        """Return a field as it is meant, or take note of what is wrong with it."""
        try:
            return read(values.get(key, ""))
        except UnusableError as err:
            errors[key] = err.key
            return ""

    async def _async_make_cloudhook(self) -> None:
        """Make the address at Home Assistant Cloud. Raises UnusableError."""
        self._cloudhook_url = await async_get_or_create_cloudhook(self.hass, self._webhook_id)
        if not self._is_cloudhook_of_entry(self._webhook_id):
            self._new_cloudhook = self._webhook_id
        if self._is_removed:  # the dialog was closed before the answer came
            await self._async_drop_new_cloudhook()
            raise UnusableError(CLOUD_NOT_CONNECTED)

    async def _async_drop_new_cloudhook(self) -> None:
        """Delete the cloudhook that was made here, if there is one."""
        if self._new_cloudhook is not None:
            await async_delete_cloudhook(self.hass, self._new_cloudhook)

    def _is_cloudhook_of_entry(self, webhook_id: str) -> bool:
        """Tell whether the entry has this cloudhook already."""
        if self.source != SOURCE_RECONFIGURE:
            return False
        data = self._get_reconfigure_entry().data
        return bool(data[CONF_CLOUDHOOK]) and data[CONF_WEBHOOK_ID] == webhook_id

    async def async_step_no_https(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to go without encryption is meant."""
        if self._connection is Connection.INTERNET and URL(self._base_url).scheme != "https":
            return self.async_show_menu(step_id="no_https", menu_options=["internet", "accept_no_https"])
        return await self.async_step_no_key()

    async def async_step_accept_no_https(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Go on without encryption."""
        return await self.async_step_no_key()

    async def async_step_no_key(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask whether to go without a key is meant."""
        if not self._secret_key:
            return self.async_show_menu(step_id="no_key", menu_options=[self._connection.value, "copy"])
        return await self.async_step_copy()

    # Does it arrive?

    async def async_step_copy(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Show address and key, and wait until a notification arrives."""
        # Home Assistant Cloud is on the internet, too.
        way = Connection.LAN if self._connection is Connection.LAN else Connection.INTERNET
        return await self._async_wait(f"copy_{way}" if self._secret_key else f"copy_{way}_without_key", "copy")

    async def async_step_wait(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Wait once more, without a look at address and key."""
        return await self._async_wait("wait", "wait")

    async def _async_wait(self, progress_action: str, step_id: str) -> ConfigFlowResult:
        """Show that we wait, then what has come of it."""
        trial = self._open_trial()
        if self._waiting is None:
            # In the background, so that Home Assistant does not wait for it when it stops.
            self._waiting = self.hass.async_create_background_task(
                trial.async_wait(self.hass), f"{DOMAIN} waits for a notification"
            )
        if not self._waiting.done():
            return self.async_show_progress(
                step_id=step_id,
                progress_action=progress_action,
                progress_task=self._waiting,
                description_placeholders=self._placeholders(),
            )
        outcome = self._waiting.result()
        self._waiting = None
        # Somebody may be on it; or has left, and Home Assistant keeps the dialog for ever.
        self._cancel_closing = async_call_later(self.hass, _STAYS_OPEN, self._close_trial)
        return self.async_show_progress_done(
            next_step_id={
                Proof.ARRIVED: "finish",
                Proof.WRONG_KEY: "wrong_key",
                Proof.NOTHING: f"nothing_{self._connection}",
            }[outcome]
        )

    async def async_step_wrong_key(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say that a notification arrived, with another key or none."""
        return self._show_outcome("wrong_key")

    async def async_step_nothing_lan(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what to check in the home network."""
        return self._show_outcome("nothing_lan")

    async def async_step_nothing_cloud(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what to check with Home Assistant Cloud."""
        return self._show_outcome("nothing_cloud")

    async def async_step_nothing_internet(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Say what to check on the internet."""
        return self._show_outcome("nothing_internet")

    def _show_outcome(self, step_id: str) -> ConfigFlowResult:
        """Say what came of waiting, and let the person choose how to go on."""
        return self.async_show_menu(
            step_id=step_id,
            menu_options=["wait", "copy", self._connection.value, "finish"],
            description_placeholders=self._placeholders(),
        )

    def _placeholders(self) -> dict[str, str]:
        """Return what OctoEverywhere has to be told, and where."""
        return {
            "url": self._cloudhook_url or webhook_url(self._base_url, self._webhook_id),
            "secret_key": self._secret_key,
            "webhook_page": WEBHOOK_PAGE,
        }

    def _open_trial(self) -> Trial:
        """Open the webhook with what was chosen, unless it is."""
        wanted = Trial(
            webhook_id=self._webhook_id,
            secret_key=self._secret_key,
            is_local=self._connection is Connection.LAN,
        )
        if self._trial is None or not self._trial.is_like(wanted):
            self._close_trial()
            self._trial = wanted
            self._close = async_open_trial(self.hass, wanted)
        self._cancel_timer()
        return self._trial

    def _cancel_timer(self) -> None:
        if self._cancel_closing is not None:
            self._cancel_closing()
            self._cancel_closing = None

    @callback
    def _close_trial(self, _: datetime | None = None) -> None:
        self._cancel_timer()
        if self._close is not None:
            self._close()
        self._close = self._trial = None

    # The end.

    async def async_step_finish(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Make the entry, or change it."""
        entry = self._get_reconfigure_entry() if self.source == SOURCE_RECONFIGURE else None
        self._is_finished = True
        self._open_trial().is_over = True
        is_cloud = self._connection is Connection.CLOUD
        data: dict[str, Any] = {
            CONF_WEBHOOK_ID: self._webhook_id,
            CONF_SECRET_KEY: self._secret_key,
            CONF_CONNECTION: self._connection.value,
            CONF_CLOUDHOOK: is_cloud,
        }
        if not is_cloud:
            data[CONF_BASE_URL] = self._base_url
        own_url = self._cloudhook_url if is_cloud else async_own_url(self.hass, self._connection)
        options = {CONF_OWN_URL: own_url}
        if entry is None:
            return self.async_create_entry(title=NAME, data=data, options=options)
        if entry.disabled_by is not None:
            self._close_trial()  # nobody takes over
        await self._async_drop_cloudhook_of(entry, data)
        return self.async_update_reload_and_abort(entry, data=data, options=options, reason="reconfigured")

    async def _async_drop_cloudhook_of(self, entry: OctoEverywhereConfigEntry, data: Mapping[str, Any]) -> None:
        """Delete the cloudhook that the entry had, if it has it no longer."""
        webhook_id = entry.data[CONF_WEBHOOK_ID]
        if entry.data[CONF_CLOUDHOOK] and (not data[CONF_CLOUDHOOK] or data[CONF_WEBHOOK_ID] != webhook_id):
            await async_delete_cloudhook(self.hass, webhook_id)

    @override
    @callback
    def async_remove(self) -> None:
        """Leave nothing behind where the set-up was given up."""
        self._is_removed = True
        self._cancel_timer()
        if not self._is_finished:  # otherwise the entry takes over
            self._close_trial()
            self.hass.async_create_task(self._async_drop_new_cloudhook())


def parse_secret_key(text: str) -> str:
    """Return a key as OctoEverywhere takes it. Raises UnusableError."""
    text = text.strip()
    if len(text) > MAX_SECRET_KEY:
        raise UnusableError(_TOO_LONG)
    return text
