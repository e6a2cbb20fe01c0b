"""The webhook: bytes in, an HTTP status out; open for a config entry, for a set-up that waits for its proof, or for both."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
import hmac
from http import HTTPStatus
import logging
from typing import Final, override

from aiohttp.hdrs import METH_POST
from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey
from homeassistant.util.json import JSON_DECODE_EXCEPTIONS, json_loads

from .const import CONF_CONNECTION, CONF_SECRET_KEY, DOMAIN, LOGGER, NAME, Connection
from .coordinator import OctoEverywhereConfigEntry, async_get_account
from .payload import (
    KEY_EVENT_TYPE,
    KEY_PRINTER_ID,
    KEY_SECRET_KEY,
    JsonObject,
    Notification,
    PayloadError,
)
from .trial import Trial

_MAX_BODY: Final = 16 * 1024
# OctoEverywhere itself waits no longer for the answer.
_READ_SECONDS: Final = 10


class Refusal(StrEnum):
    """Why a POST was not accepted; the text of the answer."""

    TOO_LARGE = "body_too_large"
    TOO_SLOW = "body_too_slow"
    UNREADABLE = "body_unreadable"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    WRONG_SECRET = "wrong_secret_key"
    NO_PRINTER_ID = "no_usable_printer_id"
    NO_EVENT_TYPE = "no_usable_event_type"
    NOT_READY = "not_ready_send_again"
    NOT_SAVED = "not_saved_send_again"


# OctoEverywhere sends again what was answered with a 5xx, and drops what was answered with a 4xx.
_STATUS: Final = {
    Refusal.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refusal.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Refusal.UNREADABLE: HTTPStatus.BAD_REQUEST,
    Refusal.NOT_JSON: HTTPStatus.BAD_REQUEST,
    Refusal.NOT_AN_OBJECT: HTTPStatus.BAD_REQUEST,
    Refusal.WRONG_SECRET: HTTPStatus.UNAUTHORIZED,
    Refusal.NO_PRINTER_ID: HTTPStatus.BAD_REQUEST,
    Refusal.NO_EVENT_TYPE: HTTPStatus.BAD_REQUEST,
    Refusal.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
    Refusal.NOT_SAVED: HTTPStatus.SERVICE_UNAVAILABLE,
}
_UNUSABLE: Final = {
    KEY_PRINTER_ID: Refusal.NO_PRINTER_ID,
    KEY_EVENT_TYPE: Refusal.NO_EVENT_TYPE,
}


class RefusedError(Exception):
    """The POST is not an acceptable notification."""

    def __init__(self, refusal: Refusal) -> None:
        """Remember why."""
        super().__init__(refusal)
        self.refusal = refusal


class _WebhookIdFilter(logging.Filter):
    """Keeps a webhook's id, which is a secret, out of Home Assistant's log, and its lines from becoming too many.

    Home Assistant's webhook component names the id each time it turns something away, which anybody who has it could make
    it do all day.
    """

    def __init__(self, webhook_id: str) -> None:
        """Remember the id."""
        super().__init__()
        self._webhook_id = webhook_id
        self._is_said = False

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Drop what names the id, and say once that there was something."""
        if not any(self._webhook_id in str(argument) for argument in record.args or ()):
            return True
        if record.levelno >= logging.WARNING and not self._is_said:
            self._is_said = True
            LOGGER.warning(
                "Home Assistant turned away a request for the webhook: either it was no POST, or it came from outside the"
                " home network although OctoEverywhere should use that. This is said once"
            )
        return False


_LOG: Final = logging.getLogger(webhook.__name__)


@dataclass(eq=False)
class _Door:
    """Who wants a webhook."""

    webhook_id: str
    log_filter: _WebhookIdFilter
    entry: OctoEverywhereConfigEntry | None = None
    trial: Trial | None = None

    def secret_keys(self) -> tuple[str | None, str | None]:
        """Return the keys of the entry and of the trial."""
        return (
            None if self.entry is None else self.entry.data[CONF_SECRET_KEY],
            None if self.trial is None else self.trial.secret_key,
        )

    def is_local(self) -> bool:
        """Tell whether only the home network may post."""
        return (self.trial is None or self.trial.is_local) and (
            self.entry is None or self.entry.data[CONF_CONNECTION] == Connection.LAN
        )


_DOORS: HassKey[dict[str, _Door]] = HassKey(DOMAIN)


@callback
def async_open(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Open the webhook until the entry is unloaded. Until the entry is loaded it asks to send again."""
    async_close(hass, entry)
    door = _door(hass, entry.data[CONF_WEBHOOK_ID])

    @callback
    def close() -> None:
        # Where the set-up has failed, it goes on to ask: Home Assistant may try again, or its owner.
        if entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS:
            async_close(hass, entry)

    door.entry = entry
    _async_register(hass, door)
    entry.async_on_unload(close)


@callback
def async_close(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Close the webhook of the entry, also one that it had before its address was changed."""
    for door in tuple(hass.data.get(_DOORS, {}).values()):
        if door.entry is entry:
            door.entry = None
            _async_register(hass, door)


@callback
def async_open_trial(hass: HomeAssistant, trial: Trial) -> CALLBACK_TYPE:
    """Open the webhook for a set-up; return what closes it."""
    door = _door(hass, trial.webhook_id)

    @callback
    def close() -> None:
        if door.trial is trial:
            door.trial = None
            _async_register(hass, door)

    door.trial = trial
    _async_register(hass, door)
    return close


async def async_take_over(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Take what arrived during the set-up, and end that."""
    door = _door(hass, entry.data[CONF_WEBHOOK_ID])
    if (trial := door.trial) is None:
        return
    while trial.notifications:
        await entry.runtime_data.async_receive(trial.notifications.popleft())
    door.trial = None
    _async_register(hass, door)


def _door(hass: HomeAssistant, webhook_id: str) -> _Door:
    """Return who wants a webhook so far."""
    return hass.data.setdefault(_DOORS, {}).setdefault(webhook_id, _Door(webhook_id, _WebhookIdFilter(webhook_id)))


@callback
def _async_register(hass: HomeAssistant, door: _Door) -> None:
    """Have Home Assistant hand us what is posted, if somebody wants it."""
    webhook.async_unregister(hass, door.webhook_id)
    if door.entry is None and door.trial is None:
        hass.data[_DOORS].pop(door.webhook_id, None)
        _LOG.removeFilter(door.log_filter)
        return
    _LOG.addFilter(door.log_filter)
    webhook.async_register(
        hass,
        DOMAIN,
        NAME,
        door.webhook_id,
        _handler(door),
        local_only=door.is_local(),
        allowed_methods=[METH_POST],
    )


def _handler(door: _Door) -> Callable[[HomeAssistant, str, Request], Awaitable[Response]]:
    """Return what answers a POST."""

    async def handle(hass: HomeAssistant, _: str, request: Request) -> Response:
        try:
            await _async_accept(hass, door, request)
        except RefusedError as err:
            _note_refusal(door, err.refusal)
            return Response(status=_STATUS[err.refusal], text=err.refusal)
        except Exception:  # noqa: BLE001 - Home Assistant answers 200 for what we let out, and it would be lost
            LOGGER.exception("A notification could not be worked on")
            return Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return Response(status=HTTPStatus.OK)

    return handle


async def _async_accept(hass: HomeAssistant, door: _Door, request: Request) -> None:
    """Return when the notification is safe. Raises RefusedError."""
    body = await _async_read(request)
    if door.entry is None and door.trial is None:
        raise RefusedError(Refusal.NOT_READY)  # loaded anew while the body arrived
    notification = _parse(body, door)
    # Whoever only makes a new address has an account already, at another door.
    account = async_get_account(hass) if door.entry is None or door.entry.state is ConfigEntryState.LOADED else None
    if account is not None:
        if account.is_busy:
            raise RefusedError(Refusal.NOT_READY)
        if not await account.async_receive(notification):
            raise RefusedError(Refusal.NOT_SAVED)
    elif door.trial is not None and not door.trial.is_over:
        door.trial.notifications.append(notification)
    else:
        raise RefusedError(Refusal.NOT_READY)


async def _async_read(request: Request) -> bytes:
    """Return the body, whose length need not be known beforehand. Raises RefusedError."""
    body = bytearray()
    content = request.content  # of a request through Home Assistant Cloud a new one each time it is asked for
    try:
        async with asyncio.timeout(_READ_SECONDS):
            while chunk := await content.read(_MAX_BODY + 1 - len(body)):
                body += chunk
    except TimeoutError:
        raise RefusedError(Refusal.TOO_SLOW) from None
    except Exception as err:  # a connection that broke, or a body that is not packed as it says
        # Otherwise aiohttp reads on after our answer, and logs at length what it has just told us.
        content.feed_eof()
        raise RefusedError(Refusal.UNREADABLE) from err
    if len(body) > _MAX_BODY:
        raise RefusedError(Refusal.TOO_LARGE)
    return bytes(body)


def _parse(body: bytes, door: _Door) -> Notification:
    """Return the notification; the secret comes before anything else that the body says. Raises RefusedError."""
    try:
        payload = json_loads(body)
    except JSON_DECODE_EXCEPTIONS:
        raise RefusedError(Refusal.NOT_JSON) from None
    if not isinstance(payload, dict):
        raise RefusedError(Refusal.NOT_AN_OBJECT)
    of_entry, of_trial = (_is_authentic(payload, secret_key) for secret_key in door.secret_keys())
    # While a key is being changed, the one that is still in use is neither a proof nor a mistake.
    if door.trial is not None and (of_trial or not of_entry):
        door.trial.notice(is_authentic=of_trial)
    if not (of_entry or of_trial):
        raise RefusedError(Refusal.WRONG_SECRET)
    try:
        return Notification.from_payload(payload)
    except PayloadError as err:
        raise RefusedError(_UNUSABLE[err.key]) from None


def _is_authentic(payload: JsonObject, secret_key: str | None) -> bool:
    """Compare the secret in a time that says nothing of it.

    None: nobody is there to accept anything. Empty: everybody who knows the address may post.
    """
    if not secret_key:
        return secret_key is not None
    received = payload.get(KEY_SECRET_KEY)
    return isinstance(received, str) and hmac.compare_digest(received.encode(), secret_key.encode())


@callback
def _note_refusal(door: _Door, refusal: Refusal) -> None:
    """Count what was refused, and tell the owner of a wrong key, unless a set-up is there to tell it."""
    if door.entry is None or door.entry.state is not ConfigEntryState.LOADED:
        return
    account = door.entry.runtime_data
    account.refused[refusal] += 1
    if refusal is Refusal.WRONG_SECRET and door.trial is None:
        account.issues.async_raise_wrong_secret()
