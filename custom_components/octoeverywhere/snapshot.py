"""The one way out to the network: the picture that a notification links to, from a public address and from nowhere else.

Who may post a notification may name any link. So a link must not lead Home Assistant to what only Home Assistant can reach:
itself, the home network, or what a cloud tells its own machines. Nor may a server there hold Home Assistant up.
"""

import asyncio
from collections.abc import Mapping
from enum import StrEnum
from errno import EACCES
from http import HTTPStatus
from ipaddress import IPv4Address, ip_address, ip_network
import re
import socket
from typing import Any, Final

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, DummyCookieJar, TCPConnector
from aiohttp.hdrs import ACCEPT, ACCEPT_ENCODING, AUTHORIZATION
from homeassistant.components.image import Image
from homeassistant.util.ssl import get_default_context

MAX_BYTES: Final = 3 * 1024 * 1024
SECONDS: Final = 8
"""For everything together: names, redirects and the picture itself. Home Assistant waits ten for what it shows."""

_MAX_REDIRECTS: Final = 5
# How many headers an answer may have, and how long each may be: Home Assistant does nothing else while one is read.
_MAX_HEADERS: Final = 64
_MAX_HEADER_BYTES: Final = 4096
# What a picture of each type begins with, whatever the server calls it. Neither SVG nor HTML: Home Assistant serves what it is
# given from its own address, where a script in it could do what its owner can do.
_SIGNATURES: Final[Mapping[str, re.Pattern[bytes]]] = {
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/gif": re.compile(rb"GIF8[79]a"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
}
# Where an IPv6 address stands for the IPv4 address in its last four bytes: mapped, and through NAT64.
_WRAPPINGS: Final = (ip_network("::ffff:0:0/96"), ip_network("64:ff9b::/96"))
# Not public all the same: what only Azure's own machines reach, which it tells about themselves; what is set aside for protocols,
# some of which end at the router; and IPv6's first private range.
_EXCEPTIONS: Final = tuple(map(ip_network, ("168.63.129.16/32", "192.0.0.0/24", "2001::/23", "fec0::/10")))


class Failure(StrEnum):
    """Why a link, or what it leads to, is refused."""

    UNSAFE_LINK = "unsafe link"
    NOT_FOUND = "not found"
    NO_PICTURE = "no picture"
    TOO_LARGE = "too large"


class SnapshotError(Exception):
    """There is no picture to be had. Its text says why, in a few words without the link."""


async def async_fetch(link: str) -> Image:
    """Return the picture that a link leads to. Raises SnapshotError, and nothing else."""
    try:
        async with (
            asyncio.timeout(SECONDS),
            _create_session() as session,
            # aiohttp refuses the last redirect of so many.
            session.get(link, max_redirects=_MAX_REDIRECTS + 1) as response,
        ):
            return await _async_read(response)
    except SnapshotError:
        raise
    except Exception as err:  # noqa: BLE001 - what a server sends can break more than aiohttp has errors for
        # The name of the error alone: its text may hold the link.
        raise SnapshotError(type(err).__name__) from None


def _create_session() -> ClientSession:
    """Return a session for one picture. Home Assistant's own reaches every address, and sends cookies that others were given."""
    return ClientSession(
        connector=TCPConnector(ssl=get_default_context(), socket_factory=_public_socket, force_close=True),
        middlewares=(_async_send,),
        cookie_jar=DummyCookieJar(),
        headers={ACCEPT: ", ".join(_SIGNATURES), ACCEPT_ENCODING: "identity"},
        auto_decompress=False,
        max_line_size=_MAX_HEADER_BYTES,
        max_field_size=_MAX_HEADER_BYTES,
        max_headers=_MAX_HEADERS,
    )


async def _async_send(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    """Return the answer to a request, the first or a redirected one. Raises SnapshotError where it is not safe to send it."""
    # A name and password in a link have become a header.
    if request.url.scheme != "https" or AUTHORIZATION in request.headers:
        raise SnapshotError(Failure.UNSAFE_LINK)
    return await send(request)


def _public_socket(address: tuple[Any, ...]) -> socket.socket:
    """Return the socket for a connection, which every connection needs, however its address was found. Raises OSError."""
    family, type_, protocol, _, (host, *_) = address
    if not _is_public(host):
        raise OSError(EACCES, host)
    return socket.socket(family, type_, protocol)


def _is_public(host: str) -> bool:
    """Return True if an address is public. Raises ValueError where only the operating system can read its numbers."""
    address = ip_address(host)
    if any(address in wrapping for wrapping in _WRAPPINGS):
        address = IPv4Address(address.packed[-4:])
    is_special = address.is_multicast or address.is_reserved or any(address in network for network in _EXCEPTIONS)
    return address.is_global and not is_special


async def _async_read(response: ClientResponse) -> Image:
    """Return the picture that was answered. Raises SnapshotError."""
    if response.status != HTTPStatus.OK:
        raise SnapshotError(Failure.NOT_FOUND)
    content = bytearray()
    async for chunk in response.content.iter_any():
        content += chunk
        if len(content) > MAX_BYTES:
            raise SnapshotError(Failure.TOO_LARGE)
    for content_type, signature in _SIGNATURES.items():
        if signature.match(content):
            return Image(content_type=content_type, content=bytes(content))
    raise SnapshotError(Failure.NO_PICTURE)
