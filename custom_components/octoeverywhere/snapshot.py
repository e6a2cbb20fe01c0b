"""The one way out to the network: the picture that a notification links to, from a public address and from nowhere else.

Who may post a notification may name any link. So a link must not lead Home Assistant to what only Home Assistant can reach:
itself, the home network, or what a cloud tells its own machines.
"""

import asyncio
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from errno import EACCES
from http import HTTPStatus
from ipaddress import IPv4Address, ip_address, ip_network
import re
import socket
from typing import Any, Final

from aiohttp import ClientError, ClientResponse, ClientSession, DummyCookieJar, TCPConnector
from aiohttp.hdrs import ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, LOCATION
from homeassistant.util.ssl import get_default_context
from yarl import URL

MAX_BYTES: Final = 10 * 1024 * 1024
SECONDS: Final = 10
"""For everything together: names, redirects and the picture itself."""

LINK_LIVES: Final = timedelta(days=7)
"""For so long OctoEverywhere keeps what it links to."""

_MAX_REDIRECTS: Final = 5
_CHUNK: Final = 64 * 1024
_REDIRECTS: Final = (
    HTTPStatus.MOVED_PERMANENTLY,
    HTTPStatus.FOUND,
    HTTPStatus.SEE_OTHER,
    HTTPStatus.TEMPORARY_REDIRECT,
    HTTPStatus.PERMANENT_REDIRECT,
)
# What a picture of each type begins with. Neither SVG nor HTML: Home Assistant serves what it is given from its own address,
# where a script in it could do what its owner can do.
_SIGNATURES: Final[Mapping[str, re.Pattern[bytes]]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
# What storage services say of files whose type nobody told them.
_UNTYPED: Final = ("application/octet-stream", "binary/octet-stream")
# Where an IPv6 address stands for the IPv4 address in its last four bytes: mapped, and through NAT64.
_WRAPPINGS: Final = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
# Not public all the same: what only Azure's own machines reach, which it tells about themselves; what is set aside for protocols,
# some of which end at the router; and IPv6's first private range.
_EXCEPTIONS: Final = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "2001::/23", "fec0::/10")))
_HEADERS: Final = {ACCEPT: ", ".join(_SIGNATURES), ACCEPT_ENCODING: "identity"}


class Failure(StrEnum):
    """Why there is no picture to be had."""

    NOT_ENCRYPTED = "not encrypted"
    NOT_REACHED = "not reached"
    TOO_SLOW = "too slow"
    TOO_MANY_REDIRECTS = "too many redirects"
    GONE = "gone"
    COMPRESSED = "compressed"
    NO_PICTURE = "no picture"
    TOO_LARGE = "too large"


class SnapshotError(Exception):
    """There is no picture to be had."""

    def __init__(self, failure: Failure) -> None:
        """Remember why."""
        super().__init__(failure)
        self.failure = failure


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A picture."""

    content: bytes
    content_type: str


async def async_fetch(link: str) -> Snapshot:
    """Return the picture that a link leads to. Raises SnapshotError."""
    connector = TCPConnector(ssl=get_default_context(), socket_factory=_public_socket, force_close=True)
    try:
        # Not Home Assistant's shared session: it would reach every address, and send cookies that others were given.
        async with (
            asyncio.timeout(SECONDS),
            ClientSession(
                connector=connector, cookie_jar=DummyCookieJar(), headers=_HEADERS, auto_decompress=False
            ) as session,
        ):
            return await _async_follow(session, URL(link))
    except TimeoutError:
        raise SnapshotError(Failure.TOO_SLOW) from None
    except ClientError, OSError, ValueError:
        raise SnapshotError(Failure.NOT_REACHED) from None


def _public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Create the socket for a connection, which every connection needs, however its address was found. Raises OSError."""
    family, type_, protocol, _, (host, *_) = address
    if not _is_public(host):
        raise OSError(EACCES, host)
    return socket.socket(family, type_, protocol)


def _is_public(host: str) -> bool:
    """Tell whether an address, in numbers, is one of the public internet."""
    try:
        address = ip_address(host)
    except ValueError:  # numbers in some other notation, which the operating system would understand
        return False
    if any(address in wrapping for wrapping in _WRAPPINGS):
        address = IPv4Address(address.packed[-4:])
    is_special = address.is_multicast or address.is_reserved or any(address in network for network in _EXCEPTIONS)
    return address.is_global and not is_special


async def _async_follow(session: ClientSession, url: URL) -> Snapshot:
    """Return the picture at a link, or at the one that it redirects to. Raises SnapshotError."""
    for _ in range(_MAX_REDIRECTS + 1):
        if url.scheme != "https":
            raise SnapshotError(Failure.NOT_ENCRYPTED)
        async with session.get(url, allow_redirects=False) as response:
            if response.status not in _REDIRECTS:
                return await _async_read(response)
            url = url.join(URL(response.headers.get(LOCATION, "")))
    raise SnapshotError(Failure.TOO_MANY_REDIRECTS)


async def _async_read(response: ClientResponse) -> Snapshot:
    """Return the picture that was answered. Raises SnapshotError."""
    if response.status != HTTPStatus.OK:
        raise SnapshotError(Failure.GONE)
    if response.headers.get(CONTENT_ENCODING, "identity") != "identity":
        raise SnapshotError(Failure.COMPRESSED)
    if CONTENT_TYPE in response.headers and not _may_be_picture(response.content_type):
        raise SnapshotError(Failure.NO_PICTURE)
    content = await _async_collect(response.content.iter_chunked(_CHUNK))
    for content_type, signature in _SIGNATURES.items():
        if signature.match(content):
            return Snapshot(content=content, content_type=content_type)
    raise SnapshotError(Failure.NO_PICTURE)


def _may_be_picture(content_type: str) -> bool:
    """Tell whether a server's word on what it sends allows for a picture; the content has the last word."""
    return content_type.startswith("image/") or content_type in _UNTYPED


async def _async_collect(chunks: AsyncIterable[bytes]) -> bytes:
    """Return the chunks as one, unless they are too many. Raises SnapshotError."""
    content = bytearray()
    async for chunk in chunks:
        content += chunk
        if len(content) > MAX_BYTES:
            raise SnapshotError(Failure.TOO_LARGE)
    return bytes(content)
