"""One printer's Plugin API, through a Shared Connection of OctoEverywhere: its state, commands to it, and a picture.

Whoever has the address of a connection can do with the printer what its owner can do. So it is never part of an error's text.
Source: https://docs.octoeverywhere.com/plugin-api/
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from http import HTTPStatus
import re
from typing import Any, Final

from aiohttp import ClientResponse, ClientSession, ClientTimeout
from aiohttp.hdrs import AUTHORIZATION
from yarl import URL

from .payload import JsonObject, parse_json, parse_url

CONNECTIONS_PAGE: Final = "https://octoeverywhere.com/sharedconnections"
"""Where a person makes a Shared Connection."""

# Each as the end of a host with a dot in front of it.
_DOMAIN: Final = ".octoeverywhere.com"
_SHORT_DOMAIN: Final = ".oe.ink"
# Hosts that are OctoEverywhere's own.
_NOT_A_PRINTER: Final = ("", "www", "docs", "blog", "help")
_COMMANDS: Final = "octoeverywhere-command-api"
# Words that surround an address where it was copied from; a password may hold any sign but a blank.
_ADDRESS: Final = re.compile(r"[a-z]+://\S+", re.IGNORECASE)
_BARE_ADDRESS: Final = re.compile(r"\S+\.(?:octoeverywhere\.com|oe\.ink)\S*|oe\.ink\S*", re.IGNORECASE)

# How much of what was pasted is looked at.
_MAX_PASTED: Final = 2048
_MAX_STATUS: Final = 256 * 1024
_MAX_PICTURE: Final = 8 * 1024 * 1024
# Seconds. Klipper answers a command when its macro is done, after a minute at most.
_STATUS_TAKES: Final = 20
_COMMAND_TAKES: Final = 75
_TRANSFORM: Final = "x-oe-webcam-transform"


class Command(StrEnum):
    """All that is ever asked of a printer: the last part of the address."""

    STATUS = "status"
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    SET_LIGHT = "set-light"
    SET_TEMP = "set-temp"
    SNAPSHOT = "webcam/snapshot"


class Problem(StrEnum):
    """Why a connection cannot be used, or does not do what it was asked to."""

    # What a person entered.
    NO_ADDRESS = "no_address"
    NO_HTTPS = "no_https"
    OTHER_DOMAIN = "other_domain"
    LIVE_LINK = "live_link"
    NOT_A_CONNECTION = "not_a_connection"
    # What OctoEverywhere answers: 600 to 613.
    RELAY_FAILED = "relay_failed"
    PLUGIN_OFFLINE = "plugin_offline"
    TOO_SLOW = "too_slow"
    NOT_FOUND = "not_found"
    REVOKED = "revoked"
    NEEDS_SUPPORTER = "needs_supporter"
    WRONG_CREDENTIALS = "wrong_credentials"
    TOO_MUCH_DATA = "too_much_data"
    CAMERA_RESTS = "camera_rests"
    PLUGIN_TOO_OLD = "plugin_too_old"
    BETA_ONLY = "beta_only"
    PLUGIN_FAILED = "plugin_failed"
    NO_PRINT = "no_print"
    # What the plugin answers: 400, and 750 to 789.
    REFUSED = "refused"
    FAILED = "failed"
    NO_PICTURE = "no_picture"
    PRINTER_OFF = "printer_off"
    WRONG_STATE = "wrong_state"
    TOO_MANY_CLIENTS = "too_many_clients"
    NOT_SUPPORTED = "not_supported"
    PRINTER_REFUSES = "printer_refuses"
    # What is no answer of either.
    LOGIN_PAGE = "login_page"
    WEB_PAGE = "web_page"
    NOT_UNDERSTOOD = "not_understood"
    NO_ANSWER = "no_answer"


_PROBLEMS: Final = {
    400: Problem.REFUSED,
    600: Problem.RELAY_FAILED,
    601: Problem.PLUGIN_OFFLINE,
    602: Problem.TOO_SLOW,
    603: Problem.NOT_FOUND,
    604: Problem.REVOKED,
    605: Problem.NEEDS_SUPPORTER,
    606: Problem.WRONG_CREDENTIALS,
    607: Problem.TOO_MUCH_DATA,
    608: Problem.TOO_MUCH_DATA,
    609: Problem.CAMERA_RESTS,
    610: Problem.PLUGIN_TOO_OLD,
    611: Problem.BETA_ONLY,
    612: Problem.PLUGIN_FAILED,
    613: Problem.NO_PRINT,
    752: Problem.FAILED,
    754: Problem.NO_PICTURE,
    785: Problem.PRINTER_OFF,
    786: Problem.WRONG_STATE,
    787: Problem.TOO_MANY_CLIENTS,
    788: Problem.NOT_SUPPORTED,
    789: Problem.PRINTER_REFUSES,
}


class PluginApiError(Exception):
    """The connection did not do what it was asked to."""

    def __init__(self, problem: Problem) -> None:
        """Remember why."""
        super().__init__(problem)
        self.problem = problem


@dataclass(frozen=True, kw_only=True, repr=False)
class Credentials:
    """How to reach one printer: all of it secret, so that it does not show itself."""

    url: str
    username: str = ""
    password: str = ""
    token: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What every request says of who asks."""
        if self.token:
            return {AUTHORIZATION: f"Bearer {self.token}"}
        if self.username or self.password:
            return {AUTHORIZATION: f"Basic {b64encode(f'{self.username}:{self.password}'.encode()).decode()}"}
        return {}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Credentials:
        """Return what a person has entered, as the config entry keeps it."""
        return cls(**{entry.name: data[entry.name] for entry in fields(cls) if entry.name in data})

    @property
    def data(self) -> dict[str, str]:
        """What the config entry keeps of it."""
        return {name: value for name, value in vars(self).items() if value}

    @classmethod
    def from_text(cls, text: str) -> Credentials:
        """Return what a person has pasted. Raises PluginApiError where it cannot be the address of a connection."""
        text = text[:_MAX_PASTED]
        found = _ADDRESS.search(text) or _BARE_ADDRESS.search(text)
        address = found.group().strip("<>\"'`()[],;.") if found else text.strip()
        url = parse_url(address if "://" in address else f"https://{address}")
        if url is None:
            raise PluginApiError(Problem.NO_ADDRESS)
        _check_host(url)
        return cls(url=f"https://{url.host}", username=url.user or "", password=url.password or "")


def _check_host(url: URL) -> None:
    """Return if an address may lead to a connection. Raises PluginApiError."""
    host = f".{url.host}"
    if host.endswith(_SHORT_DOMAIN) or (host.endswith(_DOMAIN) and url.path.startswith("/live/")):
        raise PluginApiError(Problem.LIVE_LINK)
    if not host.endswith(_DOMAIN):
        raise PluginApiError(Problem.OTHER_DOMAIN)
    if host.removesuffix(_DOMAIN).strip(".") in _NOT_A_PRINTER:
        raise PluginApiError(Problem.NOT_A_CONNECTION)
    if url.scheme != "https":
        raise PluginApiError(Problem.NO_HTTPS)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """What the printer's camera sees."""

    content: bytes
    transform: tuple[str, ...]
    """What to do with it, in this order, before it is shown: `fliph`, `flipv`, `rotate=90` (clockwise); or `none`."""


class PluginApi:
    """The way to one printer; one request at a time goes there."""

    def __init__(self, session: ClientSession, credentials: Credentials) -> None:
        """Remember the way."""
        self._session = session
        self._credentials = credentials
        self._lock = asyncio.Lock()

    async def async_status(self) -> JsonObject:
        """Return what the printer says of itself: the `Result` of `status`. Raises PluginApiError."""
        _, content = await self._async_request(Command.STATUS, _MAX_STATUS, _STATUS_TAKES)
        result = _read_answer(content).get("Result")
        if not isinstance(result, dict):
            raise PluginApiError(Problem.NOT_UNDERSTOOD)
        return result

    async def async_command(self, command: Command, body: Mapping[str, Any]) -> None:
        """Have the printer do something, which takes up to 75 s. Raises PluginApiError."""
        _, content = await self._async_request(command, _MAX_STATUS, _COMMAND_TAKES, dict(body))
        _read_answer(content)

    async def async_picture(self) -> Picture:
        """Return what the printer's camera sees. Raises PluginApiError."""
        response, content = await self._async_request(Command.SNAPSHOT, _MAX_PICTURE, _STATUS_TAKES)
        if not response.headers.get("Content-Type", "").startswith("image/"):
            _read_answer(content)
            raise PluginApiError(Problem.NO_PICTURE)
        return Picture(content=content, transform=tuple(response.headers.get(_TRANSFORM, "").split()))

    async def _async_request(
        self, command: Command, max_bytes: int, seconds: int, body: dict[str, Any] | None = None
    ) -> tuple[ClientResponse, bytes]:
        """Return the answer to a GET, or to a POST where there is a body. Raises PluginApiError unless its HTTP status is 200."""
        url = f"{self._credentials.url}/{_COMMANDS}/{command}"
        try:
            async with (
                self._lock,
                self._session.request(
                    "GET" if body is None else "POST",
                    url,
                    json=body,
                    headers=self._credentials.headers,
                    allow_redirects=False,
                    timeout=ClientTimeout(total=seconds),
                ) as response,
            ):
                _check_status(response)
                content = await _async_read(response, max_bytes)
        except PluginApiError:
            raise
        except Exception:  # noqa: BLE001 - what a server sends can break more than aiohttp has errors for
            # Without its text, and without where it came from: both name the address.
            raise PluginApiError(Problem.NO_ANSWER) from None
        return response, content


def _check_status(response: ClientResponse) -> None:
    """Return if the HTTP status is 200. Raises PluginApiError."""
    if response.status == HTTPStatus.OK:
        return
    if response.status // 100 == 3 or response.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):  # noqa: PLR2004
        raise PluginApiError(Problem.LOGIN_PAGE)
    raise PluginApiError(_PROBLEMS.get(response.status, Problem.NO_ANSWER))


async def _async_read(response: ClientResponse, max_bytes: int) -> bytes:
    """Return the content of an answer. Raises PluginApiError where it is too large."""
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > max_bytes:
            raise PluginApiError(Problem.TOO_MUCH_DATA)
    return bytes(content)


def _read_answer(content: bytes) -> dict[str, Any]:
    """Return the answer of the plugin, which says that all is well. Raises PluginApiError."""
    try:
        # A number that is none, which the plugin may write, is an unknown one.
        answer = parse_json(content, read_constant=lambda _: None)
    except ValueError, RecursionError:
        is_page = content.lstrip()[:1] == b"<"
        raise PluginApiError(Problem.WEB_PAGE if is_page else Problem.NOT_UNDERSTOOD) from None
    if not isinstance(answer, dict) or type(status := answer.get("Status")) is not int:
        raise PluginApiError(Problem.NOT_UNDERSTOOD)
    if status != HTTPStatus.OK:
        raise PluginApiError(_PROBLEMS.get(status, Problem.FAILED))
    return answer
