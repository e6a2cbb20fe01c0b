"""What a link in a notification can make Home Assistant fetch, and what it cannot.

A hostile server waits on this machine, and every address of the world leads to it: 127.0.0.1 as well as 93.184.216.34. So whatever
gets past the guard is seen there. Names mean what a test says they mean.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
import gzip
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import repeat
import logging
import os
from pathlib import Path
import socket
import ssl
import time
import traceback
from typing import Any, Final
from unittest.mock import patch

from aiohttp import ThreadedResolver
from homeassistant.components.image import Image
from hypothesis import HealthCheck, assume, given, settings, strategies as st
import pytest
import trustme

from custom_components.octoeverywhere import snapshot
from custom_components.octoeverywhere.snapshot import SnapshotError, async_fetch

pytestmark = pytest.mark.usefixtures("socket_enabled")

PUBLIC: Final = "93.184.216.34"
PUBLIC_6: Final = "2606:4700::1111"
WRAPPED: Final = (f"::ffff:{PUBLIC}", "64:ff9b::5db8:d822")
"""The first of them, as networks without IPv4 reach it."""

HOST: Final = "pictures.example"
LINK: Final = f"https://{HOST}/print.jpg?token=a-secret"
LIMIT: Final = 3 * 1024 * 1024

NAMES: Final = {
    "localhost": ["127.0.0.1", "::1"],
    "homeassistant.local": ["192.168.1.10"],
    "printer.fritz.box": ["fd00::10", "fe80::1%lo"],
    "metadata.google.internal": ["169.254.169.254"],
    "127.0.0.1.nip.io": ["127.0.0.1"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "translated.example": ["64:ff9b::7f00:1"],
    "several.example": ["127.0.0.1", "10.0.0.1", "fd00::10"],
}
"""Names of what only this machine reaches."""

TRUSTED: Final = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", PUBLIC, PUBLIC_6, *WRAPPED)
"""Addresses that the server has a certificate for, so that nothing but the guard refuses them."""

PICTURES: Final = {
    "image/jpeg": b"\xff\xd8\xff\xe0 a picture",
    "image/png": b"\x89PNG\r\n\x1a\n a picture",
    "image/gif": b"GIF89a a picture",
    "image/webp": b"RIFF\x10\x00\x0a\x00WEBP a picture",
}
JPEG: Final = PICTURES["image/jpeg"]
OK: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = OK + b"Transfer-Encoding: chunked\r\n\r\n"

type Answer = Iterable[bytes | float]
"""What the server sends, piece by piece; a number is a pause in seconds."""


def answer(content: bytes = JPEG, *headers: str, status: str = "200 OK", length: int | None = None) -> list[bytes]:
    """Return an HTTP answer that is declared to be as long as it is, or as long as it is not."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}", *headers, "", "")
    return ["\r\n".join(lines).encode("utf-8", "surrogateescape"), content]


def chunked(content: bytes) -> list[bytes]:
    """Return an HTTP answer that does not say beforehand how long it is."""
    return [CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)]


def redirect(location: str, status: str = "302 Found") -> list[bytes]:
    """Return a redirect."""
    return answer(b"", f"Location: {location}", "Set-Cookie: session=1; Secure", status=status)


def slowly(*pieces: bytes) -> list[bytes | float]:
    """Return pieces with pauses in between."""
    return [part for piece in pieces for part in (piece, 0.1)]


class World:
    """Every address and every name there is, and the one server to which all of them lead."""

    def __init__(self, context: ssl.SSLContext) -> None:
        """Answer every request with the same picture, until told otherwise."""
        self.names: dict[str, list[list[str]]] = {HOST: [[PUBLIC]], f"{HOST}.": [[PUBLIC]]}
        """The answers to each name: one for each time that it is asked for, the last one for ever."""
        self.answers: list[Answer] = [answer()]
        """One for each request, the last one for ever."""
        self.connections: list[str] = []
        """The addresses that were connected to."""
        self.requests: list[list[str]] = []
        """The lines of each request."""
        self.visits = 0
        """How many connections the server has seen, whether or not a request came of them."""
        self.slow = ""
        """What takes a minute: to look a name up, to connect, or to shake hands."""
        self.is_there = True
        self._port = 0
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._connect = self._loop.sock_connect
        self._serving: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def lead(self) -> AsyncGenerator[None]:
        """Start the server, and lead everything to it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        with (
            patch.object(self._loop, "sock_connect", self.connect),
            patch.object(self._loop, "getaddrinfo", self.resolve),
            patch("aiohttp.connector.DefaultResolver", ThreadedResolver),
        ):
            yield
        server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await server.wait_closed()

    async def connect(self, connection: socket.socket, address: tuple[Any, ...]) -> None:
        """Connect to the server, whatever the address."""
        self.connections.append(address[0])
        await self._pause("connection")
        if not self.is_there:
            raise ConnectionRefusedError
        # An IPv4 socket takes the place of this one, which may be of IPv6: not every machine has that.
        with socket.socket() as substitute:
            substitute.settimeout(0)
            await self._connect(substitute, ("127.0.0.1", self._port))
            os.dup2(substitute.fileno(), connection.fileno())

    async def resolve(self, host: str, port: int, **_: Any) -> list[Any]:
        """Return the addresses of a name. Numbers mean what they mean to the operating system, which knows many notations."""
        await self._pause("name")
        turns = self.names.get(host) or [[host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))]]
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            entry
            for address in addresses
            for entry in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ]

    async def _pause(self, what: str) -> None:
        await asyncio.sleep(60 if what == self.slow else 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with suppress(OSError, EOFError), closing(writer):  # a client that does not trust the server, or has had enough
            await self._pause("handshake")
            await writer.start_tls(self._context)
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode().split("\r\n")[:-2])
            for piece in self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]:
                if isinstance(piece, bytes):
                    writer.write(piece)
                    await writer.drain()
                else:
                    await asyncio.sleep(piece)


def served(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """Return what a server needs to show a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture(scope="module")
def authority() -> Generator[trustme.CA]:
    """Return a certificate authority that Home Assistant trusts, and no other one."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    with patch.object(snapshot, "get_default_context", return_value=context):
        yield authority


@pytest.fixture(scope="module")
def context(authority: trustme.CA) -> ssl.SSLContext:
    """Return what the server needs, with a certificate that is as good as it gets."""
    return served(authority.issue_cert(HOST, *NAMES, *TRUSTED))


@pytest.fixture
async def world(context: ssl.SSLContext, caplog: pytest.LogCaptureFixture) -> AsyncIterator[World]:
    """Return the world; nothing that happens in it is worth a warning, and no link is logged."""
    world = World(context)
    world.names |= {name: [addresses] for name, addresses in NAMES.items()}
    async with world.lead():
        yield world
    assert "a-secret" not in caplog.text
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


async def refusal(link: str = LINK) -> str:
    """Return why there is no picture; what is told of it must not contain the link."""
    with pytest.raises(SnapshotError) as caught:
        await async_fetch(link)
    told = "".join(traceback.format_exception(caught.value, limit=0)) + repr(caught.value)
    assert "example" not in told
    assert "token" not in told
    return str(caught.value)


@pytest.mark.parametrize("declared", ["", "image/jpeg", "IMAGE/PNG; q=1", "application/octet-stream", "text/html", "a"])
@pytest.mark.parametrize(("content_type", "content"), PICTURES.items())
async def test_pictures(world: World, content_type: str, content: bytes, declared: str) -> None:
    """A picture is taken for what it is, whatever the server calls it."""
    world.answers = [answer(content, *([f"Content-Type: {declared}"] if declared else []))]
    assert await async_fetch(LINK) == Image(content_type, content)
    assert world.connections == [PUBLIC]


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (f"https://{PUBLIC}/", PUBLIC),
        (f"https://[{PUBLIC_6}]/", PUBLIC_6),
        *((f"https://[{address}]/", address) for address in WRAPPED),
        (f"HTTPS://{HOST.upper()}:8443/", PUBLIC),
        (f"https://{HOST}./#@127.0.0.1", PUBLIC),
    ],
)
async def test_public_links(world: World, link: str, address: str) -> None:
    """Public addresses can be had by name and by number."""
    assert (await async_fetch(link)).content == JPEG
    assert world.connections == [address]


async def test_what_is_sent(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server learns what is wanted, and nothing else: not from the environment either, and not from the link before."""
    (tmp_path / "netrc").write_text(f"machine {HOST} login somebody password a-password", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:3128")
    world.answers = [redirect("/next"), answer()]
    await async_fetch(LINK)
    assert world.connections == [PUBLIC, PUBLIC]
    assert [request[0] for request in world.requests] == [f"GET {path} HTTP/1.1" for path in (LINK[24:], "/next")]
    for _, *headers in world.requests:
        names = {header.split(":")[0] for header in headers}
        assert names == {"Host", "Accept", "Accept-Encoding", "Connection", "User-Agent"}
        assert "Accept-Encoding: identity" in headers


HIDDEN: Final = {
    "itself": "127.0.0.1 127.255.255.254 0.0.0.0 [::1] [::]",
    "home network": "10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.1.1 [fd00::1] [fe80::1] [fe80::1%25lo] [fec0::1]",
    "metadata of clouds": "169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 [fd00:ec2::254] [fd20:ce::254]",
    "many at once": "224.0.0.1 239.255.255.250 255.255.255.255 [ff02::1] [ff02::1%251]",
    "special": "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 240.0.0.1 [100::1] [2001:db8::1] [4000::1]",
    "nearest router": "192.0.0.9 192.0.0.10 [2001:1::1] [2001:1::2] [2001:3::1] [2001:20::1] [2001:30::1]",
    "mapped": "[::ffff:127.0.0.1] [::FFFF:7F00:1] [0:0:0:0:0:ffff:169.254.169.254] [::ffff:168.63.129.16] [::ffff:127.0.0.1%25lo]",
    "translated": "[64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::127.0.0.1] [::ffff:0:127.0.0.1] [::127.0.0.1]",
    "in a tunnel": "[2002:7f00:1::] [2002:c0a8:101::1] [2001:0:7f00:1::]",
    "other numbers": "2130706433 017700000001 0x7f000001 0x7F.0.0.1 0x7f.0x0.0x0.0x1 0177.0.0.1 0177.00.00.01 010.0.0.1 127.1 127.0.1 "
    "0 127.0.0.1. 127.0.0.1..",
    "other letters": "１２７.０.０.１ 127。0。0。1 １２７．０．０．１ ①②⑦.⓪.⓪.① [::①] ⓛocalhost ＬＯＣＡＬＨＯＳＴ ١٢٧.٠.٠.١",  # noqa: RUF001
    "escaped": "127%2e0%2e0%2e1 %31%32%37.0.0.1 127.0.0.1%00.pictures.example",
    "in disguise": f"{HOST}@127.0.0.1 {HOST}:443@127.0.0.1 127.0.0.1\\@{HOST}",
    "broken": f"[::1 [fe80::1%25a%25b] [v1.7f000001] []@ []@{HOST} [::1]@{HOST} 127.0.0.1:99999 xn--a {'a' * 64}.example {'ü' * 999}",
    "with a password": f"user:password@{HOST} user@{HOST} :password@{HOST} user:@{HOST} a:b:c@{HOST} 127.0.0.1:443@{HOST} u@{PUBLIC}",
    "name": " ".join(("LOCALHOST", *NAMES)),
}
"""Hosts that only Home Assistant reaches, or nobody, or that something secret would be sent to."""

OTHER_SCHEMES: Final = (
    f"http://{HOST}/ http://127.0.0.1/ http://user:password@{HOST}/ http+unix://{HOST}/ ws://{HOST}/ wss://{HOST}/ "
    f"ftp://{HOST}/ file:///etc/passwd data:image/gif;base64,R0lGODlh javascript:alert(1)"
)
ATTEMPTS: Final = {"other schemes": OTHER_SCHEMES.split(" ")} | {
    kind: [f"https://{host}/print.jpg?token=a-secret" for host in hosts.split(" ")] for kind, hosts in HIDDEN.items()
}
NO_LINKS: Final = ("", f"//{HOST}/", "https:///", f"https:/{HOST}/", f"https:{HOST}")
"""What is no link where there is no page that it stands on."""


@pytest.mark.parametrize("links", [*ATTEMPTS.values(), NO_LINKS], ids=[*ATTEMPTS, "no links"])
async def test_attempts(world: World, links: Iterable[str]) -> None:
    """Whatever is not public or not safe is refused before anything is connected."""
    for link in links:
        await refusal(link)
        assert (link, world.connections, world.visits) == (link, [], 0)


@pytest.mark.parametrize("links", ATTEMPTS.values(), ids=ATTEMPTS)
async def test_redirected_attempts(world: World, links: Iterable[str]) -> None:
    """A redirect opens no way that a link does not have."""
    for visits, link in enumerate(links, 1):
        world.answers = [redirect(link)]
        await refusal()
        assert (link, world.connections, world.visits) == (link, [PUBLIC] * visits, visits)


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", *NAMES])
async def test_only_the_guard_refuses(world: World, host: str) -> None:
    """Without the guard the hostile server would be reached, so the tests above do tell something."""
    guard = patch.object(snapshot, "_is_public", return_value=True)
    with guard, suppress(SnapshotError):  # not every notation is in the certificate
        await async_fetch(f"https://{host}/")
    assert world.connections
    assert world.visits


async def test_name_with_public_and_private_addresses(world: World) -> None:
    """Of several addresses of a name, those that are not public are left out, wherever they stand."""
    world.names[HOST] = [["127.0.0.1", "fd00::1", PUBLIC, "::1", "10.0.0.1"]]
    assert (await async_fetch(LINK)).content == JPEG
    assert world.connections == [PUBLIC]


async def test_rebinding(world: World) -> None:
    """A name that is public when it is looked at and private when it is used: it is looked at when it is used."""
    world.names[HOST] = [[PUBLIC], ["127.0.0.1"]]
    world.answers = [redirect(f"https://{HOST}:8123/")]
    await refusal()
    await refusal()
    assert (world.connections, world.visits) == ([PUBLIC], 1)


HIDDEN_4: Final = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
HIDDEN_6: Final = (
    "::/96 ::ffff:0:0:0/96 64:ff9b:1::/48 100::/8 2001::/23 2001:db8::/32 2002::/16 3fff::/20 4000::/2 8000::/1 fc00::/7 "
    "fe80::/10 fec0::/10 ff00::/8"
)
"""What the registries of IANA do not count as public, written down once more."""


def addresses(*networks: str) -> st.SearchStrategy[IPv4Address | IPv6Address]:
    """Return any address of any of the networks."""
    return st.sampled_from(" ".join(networks).split(" ")).flatmap(lambda network: st.ip_addresses(network=network))


def wrapped(address: IPv4Address | IPv6Address) -> st.SearchStrategy[str]:
    """Return an address as a name may lead to it: as it is, or within one of IPv6."""
    prefixes = ("", "::", "::ffff:", "::ffff:0:", "64:ff9b::", "64:ff9b:1::") if address.version == 4 else ("",)
    return st.sampled_from([f"{prefix}{address}" for prefix in prefixes])


ANY_TIME: Final = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(address=addresses(HIDDEN_4, HIDDEN_6).flatmap(wrapped))
@ANY_TIME
async def test_any_hidden_address(world: World, address: str) -> None:
    """No address that is not public is connected to, by number or by name."""
    world.names[HOST] = [[address]]
    await refusal()
    await refusal(f"https://[{address}]/" if ":" in address else f"https://{address}/")
    assert world.connections == []


@given(address=addresses("0.0.0.0/0", "2000::/3"))
@ANY_TIME
async def test_any_public_address(world: World, address: IPv4Address | IPv6Address) -> None:
    """Every other address is connected to, and no other one in its place."""
    assume(not any(address in ip_network(network) for network in f"{HIDDEN_4} {HIDDEN_6}".split(" ")))
    world.is_there = False
    world.connections.clear()
    world.names[HOST] = [[str(address)]]
    await refusal()
    assert set(world.connections) == {str(address)}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
async def test_redirects(world: World, status: str) -> None:
    """A redirect to a public address is followed, five times."""
    locations = ("next.jpg", "?next#\udcff", f"//{HOST}/next", f"https://{PUBLIC}/next", "/next")
    world.answers = [*(redirect(location, status) for location in locations), answer()]
    assert (await async_fetch(LINK)).content == JPEG
    assert world.connections == [PUBLIC] * 6


@pytest.mark.parametrize("location", ["/next", LINK])
async def test_endless_redirects(world: World, location: str) -> None:
    """Redirects come to an end, also of a link to itself."""
    world.answers = [redirect(location)]
    assert await refusal() == "TooManyRedirects"
    assert world.visits == 6


SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML: Final = b"<!DOCTYPE html><script>alert(1)</script>"
ZIPPED: Final = gzip.compress(JPEG)
BOMB: Final = gzip.compress(JPEG.ljust(10 * LIMIT))
REFUSED: Final[dict[str, tuple[Answer, str | None]]] = {
    **{
        status: (answer(JPEG, "Location: https://127.0.0.1/", status=status), "not found")
        for status in ("404 Not Found", "500 Oh no", "206 Partial Content", "300 Multiple Choices")
    },
    "nothing": (answer(b"", status="204 No Content"), "not found"),
    "another protocol": (answer(b"", "Upgrade: h2c", "Connection: upgrade", status="101 Switching"), "not found"),
    "redirect to nowhere": (answer(status="302 Found"), "not found"),
    **{
        f"{content[:14]!r} as {declared}": (answer(content, f"Content-Type: {declared}"), "no picture")
        for content in (b"", b"\xff\xd8", b" " + JPEG, b"RIFF\x10\x00\x00\x00WAVE", b"GIF88a", SVG, HTML, ZIPPED)
        for declared in ("image/jpeg", "image/svg+xml", "application/octet-stream")
    },
    **{
        encoding: (answer(BOMB, "Content-Type: image/jpeg", f"Content-Encoding: {encoding}"), "no picture")
        for encoding in ("gzip", "deflate", "br", "zstd", "gzip, gzip", "identity\r\nContent-Encoding: gzip")
    },
    "one byte too many": (answer(JPEG.ljust(LIMIT + 1)), "too large"),
    "one byte too many, in pieces": (chunked(JPEG.ljust(LIMIT + 1)), "too large"),
    "endless": ([*answer(JPEG, length=2**62), *repeat(b" " * 0x10000, 49)], "too large"),
    "endless, in pieces": ([CHUNKED, *repeat(b"10000\r\n%b\r\n" % JPEG.ljust(0x10000), 49)], "too large"),
    "broken off": (answer(JPEG, length=100), None),
    "broken off in pieces": (chunked(JPEG)[:1], None),
    "closed": ([], None),
    "no HTTP": ([b"SSH-2.0-OpenSSH_10.0\r\n\r\n"], None),
    "no picture without HTTP": ([JPEG], None),
    "negative length": (answer(length=-1), None),
    "no number as length": ([OK + b"Content-Length: x\r\n\r\n"], None),
    "two lengths": (answer(JPEG, "Content-Length: 5"), None),
    "length and pieces": (answer(JPEG, "Transfer-Encoding: chunked"), None),
    "no number as piece": ([CHUNKED, b"x\r\n"], None),
    "long header": (answer(JPEG, f"X-Long: {'x' * 5000}"), None),
    "long status": (answer(JPEG, status=f"200 {'x' * 5000}"), None),
    "many headers": (answer(JPEG, *(f"X-{number}: x" for number in range(100))), None),
    "endless header": ([OK + b"X: ", *repeat(b"x" * 5000, 10)], None),
    "endless end": ([CHUNKED, b"0\r\n", *repeat(b"X: x\r\n" * 1000, 10)], None),
}


@pytest.mark.parametrize(("pieces", "reason"), REFUSED.values(), ids=REFUSED)
async def test_refused_answers(world: World, pieces: Answer, reason: str | None) -> None:
    """What is not a whole picture of a known type is refused."""
    world.answers = [pieces]
    assert reason in (None, await refusal())
    assert set(world.connections) == {PUBLIC}


@pytest.mark.parametrize("answered", [answer, chunked])
async def test_largest(world: World, answered: Callable[[bytes], Answer]) -> None:
    """A picture may have 3 MiB."""
    world.answers = [answered(JPEG.ljust(LIMIT))]
    assert len((await async_fetch(LINK)).content) == LIMIT


HEAVY: Final[dict[str, Answer]] = {
    "comments as type": answer(JPEG, f"Content-Type: image/{'(a)' * 1300}"),
    "open comments as type": answer(JPEG, f"Content-Type: image/{'(' * 4000}"),
    "longer ones": answer(JPEG, f"Content-Type: image/{'(a)' * 2700}"),
    "half a parameter": answer(JPEG, "Content-Type: image/jpeg; a*"),
    "cookies": answer(JPEG, *(f'Set-Cookie: a="{"(" * 4000}' for _ in range(60))),
    "redirect to a long name": redirect(f"https://{'ü' * 2000}"),
    "redirect to many dots": redirect(f"https://{'a.' * 2000}"),
    "redirect up": redirect("/.." * 1300),
    "tiny pieces": [CHUNKED, *repeat(b"1\r\n \r\n" * 10_000, 20), b"0\r\n\r\n"],
    "hints": [*repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000, 20), *answer()],
}


@pytest.mark.parametrize("pieces", HEAVY.values(), ids=HEAVY)
async def test_heavy_answers(world: World, pieces: Answer) -> None:
    """No answer holds Home Assistant up, or does anything else than to be a picture or none."""
    world.answers = [pieces]
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            start = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - start)

    watching = asyncio.create_task(watch())
    with suppress(SnapshotError):
        assert (await async_fetch(LINK)).content == JPEG
    watching.cancel()
    assert longest < 0.3


SLOW: Final[dict[str, Answer]] = {
    "name": [],
    "connection": [],
    "handshake": [],
    "answer": [60],
    "status": slowly(b"HTTP/1.1 200 ", *repeat(b"O", 100)),
    "header": slowly(OK + b"X:", *repeat(b"x", 100)),
    "headers": slowly(OK, *repeat(b"X: x\r\n", 100)),
    "hints": slowly(*repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n", 100)),
    "endless hints": repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 1000),
    "body": slowly(*answer(JPEG, length=1000), *repeat(b" ", 100)),
    "pieces": slowly(CHUNKED, *repeat(b"1\r\n \r\n", 100)),
    "redirects": [0.1, *redirect("/next")],
}


@pytest.mark.parametrize("what", SLOW)
async def test_slow(world: World, what: str) -> None:
    """However often the server says a little, all of it together takes less than the ten seconds that Home Assistant waits."""
    assert snapshot.SECONDS == 8
    world.slow = what
    world.answers = [SLOW[what]]
    with patch.object(snapshot, "SECONDS", 0.4):
        async with asyncio.timeout(3):
            assert await refusal() == "TimeoutError"


CERTIFICATES: Final[dict[str, Callable[[trustme.CA], trustme.LeafCert]]] = {
    "of another host": lambda authority: authority.issue_cert("other.example", PUBLIC),
    "of the address alone": lambda authority: authority.issue_cert(PUBLIC),
    "of nobody known": lambda _: trustme.CA().issue_cert(HOST),
    "expired": lambda authority: authority.issue_cert(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("certificate", CERTIFICATES.values(), ids=CERTIFICATES)
async def test_certificates(authority: trustme.CA, certificate: Callable[[trustme.CA], trustme.LeafCert]) -> None:
    """A server must prove that it is the one, or it is not even told what is wanted."""
    world = World(served(certificate(authority)))
    async with world.lead():
        assert await refusal() == "ClientConnectorCertificateError"
    assert (world.visits, world.requests) == (1, [])
