"""The webhook: bytes in, an HTTP status out."""

import asyncio
from enum import StrEnum
from functools import partial
import hmac
from http import HTTPStatus
from typing import Final

from aiohttp.hdrs import METH_POST
from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.json import JSON_DECODE_EXCEPTIONS, json_loads

from .const import CONF_CONNECTION, CONF_SECRET_KEY, DOMAIN, LOGGER, Connection
from .coordinator import OctoEverywhereConfigEntry
from .payload import (
    KEY_EVENT_TYPE,
    KEY_PRINTER_ID,
    KEY_SECRET_KEY,
    JsonObject,
    Notification,
    PayloadError,
)

_MAX_BODY: Final = 16 * 1024
# OctoEverywhere itself waits no longer for the answer.
_READ_SECONDS: Final = 10


class Refusal(StrEnum):
    """Why a POST was not accepted; the text of the answer."""

    TOO_LARGE = "body_too_large"
    TOO_SLOW = "body_too_slow"
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


@callback
def async_open(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Register the webhook until the entry is unloaded. Until the entry is loaded it asks to send again."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]

    async def handle(_: HomeAssistant, __: str, request: Request) -> Response:
        try:
            await _async_accept(entry, request)
        except RefusedError as err:
            return Response(status=_STATUS[err.refusal], text=err.refusal)
        except Exception:  # noqa: BLE001 - Home Assistant answers 200 for what we let out, and it would be lost
            LOGGER.exception("A notification could not be worked on")
            return Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return Response(status=HTTPStatus.OK)

    webhook.async_register(
        hass,
        DOMAIN,
        entry.title,
        webhook_id,
        handle,
        local_only=entry.data[CONF_CONNECTION] == Connection.LAN,
        allowed_methods=[METH_POST],
    )
    entry.async_on_unload(partial(webhook.async_unregister, hass, webhook_id))


async def _async_accept(entry: OctoEverywhereConfigEntry, request: Request) -> None:
    """Return when the notification is safe. Raises RefusedError."""
    body = await _async_read(request)
    if entry.state is not ConfigEntryState.LOADED:
        raise RefusedError(Refusal.NOT_READY)
    notification = _parse(body, entry.data[CONF_SECRET_KEY])
    if not await entry.runtime_data.async_receive(notification):
        raise RefusedError(Refusal.NOT_SAVED)


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
    if len(body) > _MAX_BODY:
        raise RefusedError(Refusal.TOO_LARGE)
    return bytes(body)


def _parse(body: bytes, secret_key: str) -> Notification:
    """Return the notification; the secret comes before anything else that the body says. Raises RefusedError."""
    try:
        payload = json_loads(body)
    except JSON_DECODE_EXCEPTIONS:
        raise RefusedError(Refusal.NOT_JSON) from None
    if not isinstance(payload, dict):
        raise RefusedError(Refusal.NOT_AN_OBJECT)
    if not _is_authentic(payload, secret_key):
        raise RefusedError(Refusal.WRONG_SECRET)
    try:
        return Notification.from_payload(payload)
    except PayloadError as err:
        raise RefusedError(_UNUSABLE[err.key]) from None


def _is_authentic(payload: JsonObject, secret_key: str) -> bool:
    """Compare the secret in a time that says nothing of it; without one of ours, everybody who knows the address may post."""
    received = payload.get(KEY_SECRET_KEY)
    return not secret_key or (isinstance(received, str) and hmac.compare_digest(received.encode(), secret_key.encode()))
