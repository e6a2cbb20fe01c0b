"""The door: who may post, and who has tried to."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
import hmac
from http import HTTPStatus
from ipaddress import ip_address
from typing import Any, Final

from aiohttp.hdrs import ORIGIN
from aiohttp.web import Request
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.network import is_cloud_connection
from homeassistant.util.network import is_local

from .const import CONF_CONNECTION, CONF_SECRET_KEY, LOGGER, Connection
from .payload import KEY_SECRET_KEY, JsonObject

_FETCH_SITE: Final = "Sec-Fetch-Site"
CLOUD: Final = "Home Assistant Cloud"
"""From there comes what has no address of its own."""
# So many wrong keys in a row are taken for a mistake.
_MISTYPED: Final = 5


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
    FROM_OUTSIDE = "from_outside_the_home_network"
    FROM_A_WEB_PAGE = "from_a_web_page"
    NOT_READY = "not_ready"

    @property
    def status(self) -> HTTPStatus:
        """The HTTP status of the answer."""
        return _STATUS.get(self, HTTPStatus.BAD_REQUEST)


_STATUS: Final = {
    Refusal.TOO_LARGE: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    Refusal.TOO_SLOW: HTTPStatus.REQUEST_TIMEOUT,
    Refusal.WRONG_SECRET: HTTPStatus.UNAUTHORIZED,
    Refusal.FROM_OUTSIDE: HTTPStatus.FORBIDDEN,
    Refusal.FROM_A_WEB_PAGE: HTTPStatus.FORBIDDEN,
    Refusal.NOT_READY: HTTPStatus.SERVICE_UNAVAILABLE,
}


# What an owner finds in the log as well, once: whoever knocks on and on does not fill it.
_SAID: Final = {
    Refusal.WRONG_SECRET: "A notification came with another secret key, or with none, from %s, and was refused. This is said once",
    Refusal.FROM_OUTSIDE: "A notification came from outside the home network, from %s, and was refused: the home network was chosen"
    " in the set-up. This is said once",
}


class RefusedError(Exception):
    """The POST is not an acceptable notification."""

    def __init__(self, refusal: Refusal) -> None:
        """Remember why."""
        super().__init__(refusal)
        self.refusal = refusal


def check_place(hass: HomeAssistant, entry: ConfigEntry[Any], request: Request) -> None:
    """Return if a request comes from where the entry lets it come from. Raises RefusedError."""
    if ORIGIN in request.headers or _FETCH_SITE in request.headers:
        # A browser in the home network may be sent by a web page of somebody outside. OctoEverywhere sends neither.
        raise RefusedError(Refusal.FROM_A_WEB_PAGE)
    if entry.data[CONF_CONNECTION] == Connection.LAN and not _is_from_home(hass, request):
        raise RefusedError(Refusal.FROM_OUTSIDE)


def check_key(entry: ConfigEntry[Any], payload: JsonObject) -> None:
    """Return if a body has the entry's key, in a time that says nothing of it. Raises RefusedError."""
    expected, received = entry.data[CONF_SECRET_KEY], payload.get(KEY_SECRET_KEY)
    if not expected:
        return  # everybody who knows the address may post
    if not isinstance(received, str) or not hmac.compare_digest(received.encode(), expected.encode()):
        raise RefusedError(Refusal.WRONG_SECRET)


def _is_from_home(hass: HomeAssistant, request: Request) -> bool:
    """Return True if a request comes from the home network, by Home Assistant's own rule."""
    if is_cloud_connection(hass) or request.remote is None:
        return False
    try:
        return is_local(ip_address(request.remote))
    except ValueError:
        return False


@dataclass(eq=False)
class Knocks:
    """Who has knocked since the entry was loaded, for its set-up and its diagnostics."""

    answered: Counter[Refusal | None] = field(default_factory=Counter)
    """How many POSTs were refused, by the reason; None: accepted."""
    in_a_row: Counter[Refusal] = field(default_factory=Counter)
    """How many were refused since one was accepted."""
    late: int = 0
    repeated: int = 0
    remote: str = ""
    """Where the newest POST came from."""
    _knocked: asyncio.Event = field(default_factory=asyncio.Event)

    @callback
    def note(self, refusal: Refusal | None, remote: str | None) -> None:
        """Remember that somebody has posted."""
        self.remote = remote or CLOUD
        self.answered[refusal] += 1
        if refusal is None:
            self.in_a_row.clear()
        else:
            self.in_a_row[refusal] += 1
        if refusal in _SAID and self.answered[refusal] == 1:
            LOGGER.warning(_SAID[refusal], self.remote)
        self._knocked.set()
        self._knocked = asyncio.Event()

    @property
    def is_guessing(self) -> bool:
        """True if more wrong keys were tried than somebody mistypes."""
        return self.in_a_row[Refusal.WRONG_SECRET] > _MISTYPED

    async def async_wait(self) -> None:
        """Return when somebody posts."""
        await self._knocked.wait()
