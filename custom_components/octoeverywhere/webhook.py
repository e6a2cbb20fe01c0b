"""The webhook: bytes in, an HTTP status out."""

import asyncio
from http import HTTPStatus
from typing import Final

from aiohttp.hdrs import METH_POST
from aiohttp.web import Request, Response
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import CONF_WEBHOOK_ID
from homeassistant.core import HomeAssistant, callback

from .account import OctoEverywhereConfigEntry
from .const import DOMAIN, LOGGER, NAME
from .door import Refusal, RefusedError, check_key, check_place
from .payload import KEY_EVENT_TYPE, KEY_PRINTER_ID, Notification, PayloadError, parse_json

_MAX_BODY: Final = 16 * 1024
# OctoEverywhere itself waits no longer for the answer.
_READ_SECONDS: Final = 10
# So long somebody waits for the answer who tries one key after the other.
_GUESSING_SECONDS: Final = 1
_UNUSABLE: Final = {KEY_PRINTER_ID: Refusal.NO_PRINTER_ID, KEY_EVENT_TYPE: Refusal.NO_EVENT_TYPE}


@callback
def async_open(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
    """Have Home Assistant hand us what is posted. Until the entry is loaded, and where it cannot be, the answer is 503."""
    webhook_id = entry.data[CONF_WEBHOOK_ID]

    async def handle(hass: HomeAssistant, _: str, request: Request) -> Response:
        return await _async_answer(hass, entry, request)

    @callback
    def close() -> None:
        if entry.state is ConfigEntryState.UNLOAD_IN_PROGRESS:
            webhook.async_unregister(hass, webhook_id)

    webhook.async_unregister(hass, webhook_id)
    webhook.async_register(hass, DOMAIN, NAME, webhook_id, handle, allowed_methods=[METH_POST])
    entry.async_on_unload(close)


async def _async_answer(hass: HomeAssistant, entry: OctoEverywhereConfigEntry, request: Request) -> Response:
    """Return the answer to a POST."""
    refusal = None
    try:
        await _async_accept(hass, entry, request)
    except RefusedError as err:
        refusal = err.refusal
    except Exception:  # noqa: BLE001 - Home Assistant answers 200 for what we let out, and it would be lost
        LOGGER.exception("A notification could not be worked on")
        return Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
    if entry.state is ConfigEntryState.LOADED:
        entry.runtime_data.async_note(refusal, request.remote)
        if refusal is Refusal.WRONG_SECRET and entry.runtime_data.knocks.is_guessing:
            await asyncio.sleep(_GUESSING_SECONDS)
    return Response() if refusal is None else Response(status=refusal.status, text=refusal)


async def _async_accept(hass: HomeAssistant, entry: OctoEverywhereConfigEntry, request: Request) -> None:
    """Return when the notification is safe. Raises RefusedError."""
    check_place(hass, entry, request)
    body = await _async_read(request)
    try:
        payload = parse_json(body)
    except ValueError, RecursionError:
        raise RefusedError(Refusal.NOT_JSON) from None
    if not isinstance(payload, dict):
        raise RefusedError(Refusal.NOT_AN_OBJECT)
    # The secret comes before anything else that the body says.
    check_key(entry, payload)
    try:
        notification = Notification.from_payload(payload)
    except PayloadError as err:
        raise RefusedError(_UNUSABLE[err.key]) from None
    if entry.state is not ConfigEntryState.LOADED:
        raise RefusedError(Refusal.NOT_READY)
    await entry.runtime_data.async_receive(notification)


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
