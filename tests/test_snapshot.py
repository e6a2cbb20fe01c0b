"""What a link in a notification can make Home Assistant fetch, and what it cannot.

A hostile server waits on this machine, and every address of the world leads to it: 127.0.0.1 as well as 93.184.216.34. So whatever
gets past the guard is seen there. Names mean what a test says they mean.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
import gzip
from ipaddress import IPv4Address, IPv6Address, ip_network
from itertools import repeat
import os
from pathlib import Path
import socket
import ssl
import traceback
from typing import Any, Final
from unittest.mock import patch

from aiohttp import ThreadedResolver
from hypothesis import HealthCheck, assume, given, settings, strategies as st
import pytest
import trustme

from custom_components.octoeverywhere import snapshot
from custom_components.octoeverywhere.snapshot import Failure, SnapshotError, async_fetch

pytestmark = pytest.mark.usefixtures("socket_enabled")

PUBLIC: Final = "93.184.216.34"
PUBLIC_6: Final = "2606:4700::1111"
WRAPPED: Final = (f"::ffff:{PUBLIC}", "64:ff9b::5db8:d822")
"""The first of them, as networks without IPv4 reach it."""

HOST: Final = "pictures.example"
LINK: Final = f"https://{HOST}/print.jpg?token=a-secret"
LIMIT: Final = 10 * 1024 * 1024

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
SVG: Final = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML: Final = b"<!DOCTYPE html><script>alert(1)</script>"

type Answer = Sequence[bytes | float]
"""What the server sends, piece by piece; a number is a pause in seconds."""


def answer(content: bytes = JPEG, *headers: str, status: str = "200 OK", length: int | None = None) -> list[bytes]:
    """Return an HTTP answer that is declared to be as long as it is, or as long as it is not."""
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}", *headers, "", "")
    return ["\r\n".join(lines).encode("utf-8", "surrogateescape"), content]


def chunked(content: bytes, *, end: bytes = b"0\r\n\r\n") -> list[bytes]:
    """Return an HTTP answer that does not say beforehand how long it is."""
    return [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"%x\r\n%b\r\n%b" % (len(content), content, end)]


def redirect(location: str, *headers: str, status: str = "302 Found") -> list[bytes]:
    """Return a redirect."""
    return answer(b"", f"Location: {location}", *headers, status=status)


def slowly(pieces: Iterable[bytes], pause: float) -> Answer:
    """Return the pieces with pauses in between."""
    return [part for piece in pieces for part in (piece, pause)]


class World:
    """Every address and every name there is, and the one server to which all of them lead."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        """Answer every request with the same picture, until told otherwise."""
        self.names: dict[str, list[list[str]]] = {HOST: [[PUBLIC]]}
        """The answers to each name: one for each time that it is asked for, the last one for ever."""
        self.answers: list[Answer] = [answer()]
        """One for each request, the last one for ever."""
        self.connections: list[str] = []
        """The addresses that were connected to."""
        self.requests: list[list[str]] = []
        """The lines of each request."""
        self.visits = 0
        """How many connections the server has seen, whether or not a request came of them."""
        self.pauses = {"name": 0.0, "connection": 0.0, "handshake": 0.0}
        self.is_there = True
        self.port = 0
        self.context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        certificate.configure_cert(self.context)
        self._loop = asyncio.get_running_loop()
        self._connect = self._loop.sock_connect
        self._serving: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def lead(self) -> AsyncGenerator[None]:
        """Start the server, and lead everything to it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
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
        await asyncio.sleep(self.pauses["connection"])
        if not self.is_there:
            raise ConnectionRefusedError
        # An IPv4 socket takes the place of this one, which may be of IPv6: not every machine has that.
        with socket.socket() as substitute:
            substitute.settimeout(0)
            await self._connect(substitute, ("127.0.0.1", self.port))
            os.dup2(substitute.fileno(), connection.fileno())

    async def resolve(self, host: str, port: int, **_: Any) -> list[Any]:
        """Return the addresses of a name. Numbers mean what they mean to the operating system, which knows many notations."""
        await asyncio.sleep(self.pauses["name"])
        turns = self.names.get(host) or [[numbers(host)]]
        addresses = turns.pop(0) if len(turns) > 1 else turns[0]
        return [
            entry
            for address in addresses
            for entry in socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        ]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        with suppress(OSError, EOFError), closing(writer):  # a client that does not trust the server, or has had enough
            await asyncio.sleep(self.pauses["handshake"])
            await writer.start_tls(self.context)
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head.decode().split("\r\n")[:-2])
            await send(writer, self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


def numbers(host: str) -> str:
    """Return what the operating system makes of an address in any notation. Raises OSError."""
    return host if ":" in host else socket.inet_ntoa(socket.inet_aton(host))


async def send(writer: asyncio.StreamWriter, pieces: Answer) -> None:
    """Send an answer, piece by piece."""
    for piece in pieces:
        if isinstance(piece, bytes):
            writer.write(piece)
            await writer.drain()
        else:
            await asyncio.sleep(piece)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return a certificate authority that Home Assistant trusts."""
    return trustme.CA()


@pytest.fixture(autouse=True)
def trust(authority: trustme.CA) -> Generator[None]:
    """Make Home Assistant trust it."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    with patch.object(snapshot, "get_default_context", return_value=context):
        yield


@pytest.fixture
async def world(authority: trustme.CA, caplog: pytest.LogCaptureFixture) -> AsyncIterator[World]:
    """Return the world, with a server whose certificate is as good as it gets."""
    world = World(authority.issue_cert(HOST, *NAMES, *TRUSTED))
    async with world.lead():
        yield world
    assert "a-secret" not in caplog.text


async def failure(link: str) -> Failure:
    """Return why there is no picture; what is told of it must not contain the link."""
    with pytest.raises(SnapshotError) as caught:
        await async_fetch(link)
    told = "".join(traceback.format_exception(caught.value, limit=0)) + repr(caught.value)
    assert "example" not in told
    assert "token" not in told
    assert str(caught.value) == caught.value.failure
    return caught.value.failure


@pytest.mark.parametrize(
    "declared", [None, "image/jpeg", "IMAGE/PNG; q=1", "application/octet-stream", "binary/octet-stream"]
)
@pytest.mark.parametrize(("content_type", "content"), PICTURES.items())
async def test_pictures(world: World, content_type: str, content: bytes, declared: str | None) -> None:
    """A picture is taken for what it is, whatever sort of picture the server calls it."""
    world.answers = [answer(content, *([f"Content-Type: {declared}"] if declared else []))]
    assert await async_fetch(LINK) == snapshot.Snapshot(content=content, content_type=content_type)
    assert world.connections == [PUBLIC]


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (f"https://{PUBLIC}/", PUBLIC),
        (f"https://[{PUBLIC_6}]/", PUBLIC_6),
        *((f"https://[{address}]/", address) for address in WRAPPED),
        (f"HTTPS://{HOST.upper()}:8443/", PUBLIC),
        (f"https://{HOST}./", PUBLIC),
        (f"https://127.0.0.1:443@{HOST}/#@127.0.0.1", PUBLIC),
    ],
)
async def test_public_links(world: World, link: str, address: str) -> None:
    """Public addresses can be had by name and by number."""
    world.names[f"{HOST}."] = [[PUBLIC]]
    assert (await async_fetch(link)).content == JPEG
    assert world.connections == [address]


async def test_what_is_sent(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The server learns what is wanted, and nothing else: not from the environment either, and not from the link before."""
    (tmp_path / "netrc").write_text(f"machine {HOST} login somebody password a-password", "utf-8")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:3128")
    sent = {"Host", "Accept", "Accept-Encoding", "Connection", "User-Agent"}
    world.answers = [redirect("/next", "Set-Cookie: session=1; Secure"), answer()]
    await async_fetch(LINK)
    assert world.connections == [PUBLIC, PUBLIC]
    for request, path in zip(world.requests, ("/print.jpg?token=a-secret", "/next"), strict=True):
        first, *headers = request
        assert first == f"GET {path} HTTP/1.1"
        assert {header.split(":")[0] for header in headers} == sent
        assert "Accept-Encoding: identity" in headers


HIDDEN: Final = {
    "itself": "127.0.0.1 127.255.255.254 0.0.0.0 [::1] [::]",
    "home network": "10.0.0.1 172.16.0.1 192.168.1.1 100.64.0.1 169.254.1.1 [fd00::1] [fe80::1] [fe80::1%25lo] [fec0::1]",
    "metadata of clouds": "169.254.169.254 100.100.100.200 168.63.129.16 192.0.0.192 [fd00:ec2::254] [fd20:ce::254]",
    "many at once": "224.0.0.1 239.255.255.250 255.255.255.255 [ff02::1]",
    "special": "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 240.0.0.1 [100::1] [2001:db8::1] [4000::1]",
    "mapped": "[::ffff:127.0.0.1] [::FFFF:7F00:1] [0:0:0:0:0:ffff:169.254.169.254] [::ffff:168.63.129.16] [::ffff:127.0.0.1%25lo]",
    "translated": "[64:ff9b::127.0.0.1] [64:ff9b::a9fe:a9fe] [64:ff9b:1::127.0.0.1] [::ffff:0:127.0.0.1] [::127.0.0.1]",
    "in a tunnel": "[2002:7f00:1::] [2002:c0a8:101::1] [2001:0:7f00:1::]",
    "other numbers": "2130706433 017700000001 0x7f000001 0x7F.0.0.1 0177.0.0.1 127.1 127.0.1 0 127.0.0.1. 127.0.0.1..",
    "other letters": "１２７.０.０.１ 127。0。0。1 １２７．０．０．１ ①②⑦.⓪.⓪.① [::①] ⓛocalhost ＬＯＣＡＬＨＯＳＴ ١٢٧.٠.٠.١",  # noqa: RUF001
    "escaped": "127%2e0%2e0%2e1 %31%32%37.0.0.1 127.0.0.1%00.pictures.example",
    "in disguise": f"{HOST}@127.0.0.1 {HOST}:443@127.0.0.1 127.0.0.1\\@{HOST}",
    "broken": f"[::1 [fe80::1%25a%25b] [v1.7f000001] 127.0.0.1:99999 {'a' * 64}.example",
    "name": " ".join(("LOCALHOST", *NAMES)),
}
"""Hosts that only Home Assistant reaches, or nobody."""

ATTEMPTS: Final = {
    **{
        f"{kind}, {host}": (f"https://{host}/print.jpg?token=a-secret", Failure.NOT_REACHED)
        for kind, hosts in HIDDEN.items()
        for host in hosts.split(" ")
    },
    **{
        f"not encrypted, {link}": (link, Failure.NOT_ENCRYPTED)
        for link in (
            f"http://{HOST}/",
            "http://127.0.0.1/",
            f"http+unix://{HOST}/",
            f"wss://{HOST}/",
            f"ftp://{HOST}/",
            "file:///etc/passwd",
            "data:image/gif;base64,R0lGODlh",
            "javascript:alert(1)",
        )
    },
}
"""Links, and what comes of them."""

RELATIVE: Final = {
    "": Failure.NOT_ENCRYPTED,
    "//127.0.0.1/": Failure.NOT_ENCRYPTED,
    "https:///": Failure.NOT_REACHED,
    "https:/127.0.0.1/": Failure.NOT_REACHED,
    "https:127.0.0.1": Failure.NOT_REACHED,
}
"""What is no link where there is no page that it stands on."""


@pytest.fixture
def known(world: World) -> World:
    """Return the world with names for what only this machine reaches."""
    world.names |= {name: [addresses] for name, addresses in NAMES.items()}
    return world


@pytest.mark.parametrize(("link", "expected"), [*ATTEMPTS.values(), *RELATIVE.items()], ids=[*ATTEMPTS, *RELATIVE])
async def test_attempts(known: World, link: str, expected: Failure) -> None:
    """Whatever is not public is refused before anything is connected."""
    assert await failure(link) is expected
    assert (known.connections, known.visits) == ([], 0)


@pytest.mark.parametrize(("link", "expected"), ATTEMPTS.values(), ids=ATTEMPTS)
async def test_redirected_attempts(known: World, link: str, expected: Failure) -> None:
    """A redirect opens no way that a link does not have."""
    known.answers = [redirect(link)]
    assert await failure(LINK) is expected
    assert (known.connections, known.visits) == ([PUBLIC], 1)


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "[::1]", "[::ffff:127.0.0.1]", "0x7f.1", *NAMES])
async def test_only_the_guard_refuses(known: World, host: str) -> None:
    """Without the guard the hostile server would be reached, so the tests above do tell something."""
    guard = patch.object(snapshot, "_is_public", return_value=True)
    with guard, suppress(SnapshotError):  # not every notation is in the certificate
        await async_fetch(f"https://{host}/")
    assert known.connections
    assert known.visits


async def test_name_with_public_and_private_addresses(world: World) -> None:
    """Of several addresses of a name, those that are not public are left out, wherever they stand."""
    world.names[HOST] = [["127.0.0.1", "fd00::1", PUBLIC, "::1", "10.0.0.1"]]
    assert (await async_fetch(LINK)).content == JPEG
    assert world.connections == [PUBLIC]


async def test_rebinding(world: World) -> None:
    """A name that is public when it is looked at and private when it is used: it is looked at when it is used."""
    world.names[HOST] = [[PUBLIC], ["127.0.0.1"]]
    world.answers = [redirect(f"https://{HOST}:8123/")]
    assert await failure(LINK) is Failure.NOT_REACHED
    assert await failure(LINK) is Failure.NOT_REACHED
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


def disguises(address: IPv4Address) -> list[str]:
    """Return ways to write an IPv4 address as a host."""
    text, number = str(address), int(address)
    first, second, *_ = address.packed
    return [
        *(text, f"{text}.", str(number), f"{number:#x}", f"0{number:o}", f"{first}.{number & 0xFFFFFF}"),
        *(f"{first}.{second}.{number & 0xFFFF}", ".".join(f"0{part:o}" for part in address.packed)),
        *(".".join(f"{part:#x}" for part in address.packed), text.replace(".", "。")),
        text.translate({ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789."}),
        *(
            f"[{prefix}{text}]"
            for prefix in ("::", "::ffff:", "::FFFF:0:", "64:ff9b::", "64:ff9b:1::", "0:0:0:0:0:ffff:")
        ),
        f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]",
    ]


def spellings(address: IPv6Address) -> list[str]:
    """Return ways to write an IPv6 address as a host."""
    head, tail = address.exploded[:30], IPv4Address(address.packed[-4:])
    return [
        f"[{text}]"
        for text in (address, address.exploded.upper(), f"{head}{tail}", f"{address}%25lo", f"{address}%251")
    ]


def hosts(address: IPv4Address | IPv6Address) -> st.SearchStrategy[str]:
    """Return any way to write an address as a host, or a name for it."""
    return st.sampled_from([HOST, *(disguises(address) if isinstance(address, IPv4Address) else spellings(address))])


ANY_TIME: Final = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(address=addresses(HIDDEN_4, HIDDEN_6), data=st.data())
@ANY_TIME
async def test_any_hidden_address(world: World, address: IPv4Address | IPv6Address, data: st.DataObject) -> None:
    """No address that is not public is connected to, however it is written."""
    world.names[HOST] = [[str(address)]]
    assert await failure(f"https://{data.draw(hosts(address))}/") is Failure.NOT_REACHED
    assert world.connections == []


@given(address=addresses("0.0.0.0/0", "2000::/3"))
@ANY_TIME
async def test_any_public_address(world: World, address: IPv4Address | IPv6Address) -> None:
    """Every other address is connected to, and no other one in its place."""
    assume(not any(address in ip_network(network) for network in f"{HIDDEN_4} {HIDDEN_6}".split(" ")))
    world.is_there = False
    world.connections.clear()
    world.names[HOST] = [[str(address)]]
    assert await failure(LINK) is Failure.NOT_REACHED
    assert set(world.connections) == {str(address)}


@pytest.mark.parametrize(
    "address", ["192.0.0.9", "192.0.0.10", "2001:1::1", "2001:1::2", "2001:3::1", "2001:20::1", "2001:30::1"]
)
async def test_nearest_router(world: World, address: str) -> None:
    """An address that leads to whichever router is nearest leads into the home network."""
    world.is_there = False
    world.names[HOST] = [[address]]
    assert await failure(LINK) is Failure.NOT_REACHED
    assert world.connections == []


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"])
@pytest.mark.parametrize(
    "location", ["next.jpg", "/next", "?next", f"//{HOST}/next", f"https://{PUBLIC}/next", "#next", "", "\udcff"]
)
async def test_redirects(world: World, location: str, status: str) -> None:
    """A redirect to a public address is followed, once more for each."""
    world.answers = [*(redirect(location, status=status) for _ in range(5)), answer()]
    assert (await async_fetch(LINK)).content == JPEG
    assert world.visits == 6


@pytest.mark.parametrize(
    "headers", [[], ["Location: /next"], ["Location: https://pictures.example/print.jpg?token=a-secret"]]
)
async def test_endless_redirects(world: World, headers: list[str]) -> None:
    """Redirects come to an end."""
    world.answers = [answer(b"", *headers, status="302 Found")]
    assert await failure(LINK) is Failure.TOO_MANY_REDIRECTS
    assert world.visits == 6


ZIPPED: Final = gzip.compress(JPEG)
JPEG_TYPE: Final = "Content-Type: image/jpeg"
REFUSED: Final[dict[str, tuple[Answer, Failure]]] = {
    "not found": (answer(status="404 Not Found"), Failure.GONE),
    "server error": (answer(status="500 Oh no"), Failure.GONE),
    "nothing": (answer(b"", status="204 No Content"), Failure.GONE),
    "a part": (answer(status="206 Partial Content"), Failure.GONE),
    "not a redirect": (answer(b"", "Location: https://127.0.0.1/", status="300 Multiple Choices"), Failure.GONE),
    "another protocol": (answer(b"", "Upgrade: h2c", "Connection: upgrade", status="101 Switching"), Failure.GONE),
    "empty": (answer(b""), Failure.NO_PICTURE),
    "too short": (answer(b"\xff\xd8"), Failure.NO_PICTURE),
    "picture further on": (answer(b" " + JPEG), Failure.NO_PICTURE),
    "other RIFF": (answer(b"RIFF\x10\x00\x00\x00WAVE"), Failure.NO_PICTURE),
    "other GIF": (answer(b"GIF88a a picture"), Failure.NO_PICTURE),
    "SVG": (answer(SVG, "Content-Type: image/svg+xml"), Failure.NO_PICTURE),
    "SVG as JPEG": (answer(SVG, JPEG_TYPE), Failure.NO_PICTURE),
    "SVG as octets": (answer(SVG, "Content-Type: application/octet-stream"), Failure.NO_PICTURE),
    "SVG as nothing": (answer(SVG), Failure.NO_PICTURE),
    "HTML": (answer(HTML, "Content-Type: text/html"), Failure.NO_PICTURE),
    "HTML as PNG": (answer(HTML, "Content-Type: image/png"), Failure.NO_PICTURE),
    "JPEG as HTML": (answer(JPEG, "Content-Type: text/html; charset=utf-8"), Failure.NO_PICTURE),
    "JPEG as SVG document": (answer(JPEG, "Content-Type: application/xml"), Failure.NO_PICTURE),
    "gzip": (answer(ZIPPED, JPEG_TYPE, "Content-Encoding: gzip"), Failure.COMPRESSED),
    "deflate": (answer(ZIPPED, JPEG_TYPE, "Content-Encoding: deflate"), Failure.COMPRESSED),
    "gzip twice": (answer(gzip.compress(ZIPPED), JPEG_TYPE, "Content-Encoding: gzip, gzip"), Failure.COMPRESSED),
    "gzip, not declared": (answer(ZIPPED, JPEG_TYPE), Failure.NO_PICTURE),
    "gzip, declared late": (
        answer(ZIPPED, JPEG_TYPE, "Content-Encoding: identity", "Content-Encoding: gzip"),
        Failure.NO_PICTURE,
    ),
    "one byte too many": (answer(JPEG.ljust(LIMIT + 1)), Failure.TOO_LARGE),
    "one byte too many, in pieces": (chunked(JPEG.ljust(LIMIT + 1)), Failure.TOO_LARGE),
    "endless": ([*answer(JPEG, length=2**62), b" " * (LIMIT + 1)], Failure.TOO_LARGE),
    "endless, in pieces": (
        [*chunked(JPEG)[:1], *repeat(b"10000\r\n%b\r\n" % JPEG.ljust(0x10000), 161)],
        Failure.TOO_LARGE,
    ),
    "broken off": (answer(JPEG, length=100), Failure.NOT_REACHED),
    "broken off in pieces": (chunked(JPEG, end=b""), Failure.NOT_REACHED),
    "closed": ([], Failure.NOT_REACHED),
    "no HTTP": ([b"SSH-2.0-OpenSSH_10.0\r\n\r\n"], Failure.NOT_REACHED),
    "no picture without HTTP": ([JPEG], Failure.NOT_REACHED),
    "negative length": (answer(length=-1), Failure.NOT_REACHED),
    "no number as length": ([b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"], Failure.NOT_REACHED),
    "two lengths": (answer(JPEG, "Content-Length: 5"), Failure.NOT_REACHED),
    "no number as piece": ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n"], Failure.NOT_REACHED),
    "long line": (answer(JPEG, f"X-Long: {'x' * 100_000}"), Failure.NOT_REACHED),
    "broken redirect": (redirect("https://[::1/"), Failure.NOT_REACHED),
}


@pytest.mark.parametrize(("pieces", "expected"), REFUSED.values(), ids=REFUSED)
async def test_refused_answers(world: World, pieces: Answer, expected: Failure) -> None:
    """What is not a whole picture of a known type is refused."""
    world.answers = [pieces]
    assert await failure(LINK) is expected
    assert set(world.connections) == {PUBLIC}


@pytest.mark.parametrize("answered", [answer, chunked])
async def test_largest(world: World, answered: Callable[[bytes], Answer]) -> None:
    """A picture may have 10 MiB."""
    world.answers = [answered(JPEG.ljust(LIMIT))]
    assert len((await async_fetch(LINK)).content) == LIMIT


SLOW: Final[dict[str, Answer]] = {
    "silent": [60],
    "headers": slowly((b"HTTP/1.1 200 OK\r\n", *repeat(b"X: x\r\n", 100)), 0.1),
    "hints": slowly(repeat(b"HTTP/1.1 103 Early Hints\r\n\r\n", 100), 0.1),
    "body": [*answer(JPEG, length=1000), *slowly(repeat(b" ", 100), 0.1)],
    "pieces": [*chunked(JPEG, end=b""), *slowly(repeat(b"1\r\n \r\n", 100), 0.1)],
    "redirects": [0.1, *redirect("/next")],
}


@pytest.fixture
def hurry() -> Generator[None]:
    """Give everything together not ten seconds but less than half of one."""
    assert snapshot.SECONDS == 10
    with patch.object(snapshot, "SECONDS", 0.4):
        yield


@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
@pytest.mark.usefixtures("hurry")
async def test_slow_answers(world: World, pieces: Answer) -> None:
    """However often the server says a little, all of it together must not take too long."""
    world.answers = [pieces]
    async with asyncio.timeout(3):
        assert await failure(LINK) is Failure.TOO_SLOW


@pytest.mark.parametrize("what", ["name", "connection", "handshake"])
@pytest.mark.usefixtures("hurry")
async def test_slow_beginnings(world: World, what: str) -> None:
    """The time that it takes to get through counts as well."""
    world.pauses[what] = 60
    async with asyncio.timeout(3):
        assert await failure(LINK) is Failure.TOO_SLOW
    assert world.requests == []


async def test_nobody_there(world: World) -> None:
    """A server that does not answer is not reached."""
    world.is_there = False
    assert await failure(LINK) is Failure.NOT_REACHED


CERTIFICATES: Final[dict[str, Callable[[trustme.CA], trustme.LeafCert]]] = {
    "of another host": lambda authority: authority.issue_cert("other.example", PUBLIC),
    "of the address alone": lambda authority: authority.issue_cert(PUBLIC),
    "of nobody known": lambda _: trustme.CA().issue_cert(HOST),
    "expired": lambda authority: authority.issue_cert(HOST, not_after=datetime(2020, 1, 1, tzinfo=UTC)),
}


@pytest.mark.parametrize("certificate", CERTIFICATES.values(), ids=CERTIFICATES)
async def test_certificates(authority: trustme.CA, certificate: Callable[[trustme.CA], trustme.LeafCert]) -> None:
    """A server must prove that it is the one, or it is not even told what is wanted."""
    world = World(certificate(authority))
    async with world.lead():
        assert await failure(LINK) is Failure.NOT_REACHED
    assert (world.visits, world.requests) == (1, [])
