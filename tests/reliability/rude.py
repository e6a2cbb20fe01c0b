"""Bad manners: requests that break the rules of HTTP, or wear a server out by following them.

Each is made to a real Home Assistant over a bare connection. It must be answered as the table below says, change nothing,
leave no error in the log, and be over at once: the notification that comes next is answered 200.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
import gzip
from http import HTTPStatus
import json
from pathlib import Path
import random
import re
import tempfile
import time
from typing import Any, Final
import zlib

from hass_process import Hass, Webhook
from yarl import URL

from .outcome import Outcome

# What the integration says once, however often it has a reason to.
_SAID_ONCE: Final = ("from outside the home network", "with another secret key", "printers get a device")
_LOG_START: Final = re.compile(r"^(?=\d{4}-\d\d-\d\d \S+ [A-Z]+ \()", re.MULTILINE)
_LOG_RECORD: Final = re.compile(r"\S+ \S+ ([A-Z]+) \(.*?\) \[(.*?)\] (.{0,200})", re.DOTALL)
_ANSWER_SECONDS: Final = 25
_HEADER_END: Final = b"\r\n\r\n"
# Home Assistant's own, which names the webhook that somebody asks for by another method than its own.
_NAMES_WEBHOOKS: Final = "homeassistant.components.webhook"
_SERVER: Final = "aiohttp.server"
# What the web server says of one request that is none, traceback included.
_MAX_LINES: Final = 40
# With more than half of the notifications quicker than this, other programs on the machine may be slow now and then.
_MAX_WAIT: Final = 0.5
# Unpacked as a whole they would take more than 200.
_BOMBS: Final = 20
_MAX_MIB: Final = 32
_BOMB: Final = gzip.compress(bytes(10 * 2**20))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    text: str


class DroppedError(Exception):
    """The connection ended without an answer."""


class Connection:
    """A bare connection: what is sent over it need not be HTTP."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take over an open connection."""
        self._reader = reader
        self._writer = writer

    async def send(self, parts: Iterable[bytes | float]) -> None:
        """Send bytes, and wait where there is a number of seconds."""
        with suppress(ConnectionError):  # whether that was in order, the answer tells
            for part in parts:
                if isinstance(part, bytes):
                    self._writer.write(part)
                    await self._writer.drain()
                else:
                    await asyncio.sleep(part)

    async def answer(self) -> Answer:
        """Return the next answer. Raises DroppedError."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                head = (await self._reader.readuntil(_HEADER_END)).decode("latin-1").lower()
                length = re.search(r"\ncontent-length: (\d+)", head)
                status = int(head.split(" ", 2)[1])
                if status == HTTPStatus.CONTINUE:
                    return await self.answer()
                text = await self._reader.readexactly(int(length[1]) if length else 0)
        except (EOFError, ConnectionError, TimeoutError) as err:
            raise DroppedError(repr(err)) from None
        return Answer(status=status, text=text.decode())

    async def ask(self, *parts: bytes | float) -> Answer:
        """Send, and return the answer, which may come before everything is sent. Raises DroppedError."""
        sending = asyncio.create_task(self.send(parts))
        try:
            return await self.answer()
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    def hang_up(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()


@asynccontextmanager
async def connect(url: str) -> AsyncGenerator[Connection]:
    """Open a bare connection to where the URL leads."""
    where = URL(url)
    connection = Connection(*await asyncio.open_connection(where.host, where.port, limit=2**20))
    try:
        yield connection
    finally:
        connection.hang_up()


def request(url: str, body: bytes, *headers: str, method: str = "POST", version: str = "1.1") -> bytes:
    """Return a request in the words of HTTP; a header may replace the Content-Length."""
    if not any(header.lower().startswith(("content-length", "transfer-encoding")) for header in headers):
        headers = (f"Content-Length: {len(body)}", *headers)
    lines = [f"{method} {URL(url).raw_path} HTTP/{version}", "Host: localhost", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


@dataclass
class Log:
    """What Home Assistant says in its log from now on."""

    path: Path
    secrets: tuple[str, ...]
    lines: int = 0
    """How many there are so far."""
    _read: int = field(init=False)
    _said: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Skip what was said before."""
        self._read = self.path.stat().st_size

    def problems(self, *, but_of: tuple[str, ...] = ()) -> list[str]:
        """Return what should not have been said since the last time; these loggers may say what they like."""
        with self.path.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        text = new.decode(errors="replace")
        self.lines += text.count("\n")
        records = [record for record in map(_LOG_RECORD.match, _LOG_START.split(text)) if record]
        told = [
            f"a secret is in the log: {secret[:6]}…"
            for secret in self.secrets
            for record in records
            if secret in record.string and record[2] != _NAMES_WEBHOOKS
        ]
        return told + [f"the log says: {record[0]!r}" for record in records if self._is_bad(record, but_of)]

    def _is_bad(self, record: re.Match[str], but_of: tuple[str, ...]) -> bool:
        level, logger, text = record.groups()
        if level != "WARNING":
            return level in ("ERROR", "CRITICAL") and logger not in but_of
        if "octoeverywhere" not in logger:
            return False
        once = next((words for words in _SAID_ONCE if words in text), "")
        is_new = once not in self._said
        self._said.add(once)
        return not (once and is_new)


async def everything(hass: Hass) -> dict[str, Any]:
    """Return all that a person could see of Home Assistant: states, devices, entities, repairs."""
    async with hass.websocket() as websocket:
        return {
            "states": {state["entity_id"]: state for state in await websocket.call("get_states")},
            "devices": await websocket.call("config/device_registry/list"),
            "entities": await websocket.call("config/entity_registry/list"),
            "issues": (await websocket.call("repairs/list_issues"))["issues"],
        }


@dataclass(frozen=True, kw_only=True)
class _Case:
    """Something that no honest client does."""

    name: str
    parts: tuple[bytes | float, ...]
    """What is sent, and seconds to wait in between."""
    status: int | None
    """Of the answer; None where nobody waits for one."""
    of_server: bool = False
    """Whether Home Assistant's web server turns it away by itself, and says so in its log; no integration can keep it from it."""


_CHUNKED: Final = "Transfer-Encoding: chunked"
_GZIP: Final = "Content-Encoding: gzip"


def _chunks(*chunks: bytes) -> bytes:
    """Return a body in chunks; an empty one is the last."""
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


def _methods(url: str, body: bytes) -> list[_Case]:
    """Return requests that are no POST."""
    return [
        _Case(name=method, parts=(request(url, body, method=method),), status=status)
        for method, status in {"GET": 405, "HEAD": 200, "PUT": 405, "DELETE": 405, "PATCH": 405, "OPTIONS": 403}.items()
    ]


def _lengths(url: str, body: bytes) -> list[_Case]:
    """Return bodies that are not as long as was said."""
    rows: dict[str, tuple[tuple[str, ...], int | None, bool]] = {
        "too small a length": ((f"Content-Length: {len(body) - 5}",), 400, False),
        "too large a length, then gone": ((f"Content-Length: {len(body) + 5}",), None, False),
        "a negative length": (("Content-Length: -5",), 400, True),
        "a length in words": (("Content-Length: many",), 400, True),
        "an astronomical length": ((f"Content-Length: {10**30}",), 400, True),
        "a length of terabytes, then gone": ((f"Content-Length: {10**13}",), None, False),
        "two lengths": ((f"Content-Length: {len(body)}", "Content-Length: 3"), 400, True),
        "a length and chunks": ((f"Content-Length: {len(body)}", _CHUNKED), 400, True),
    }
    return [
        _Case(name=name, parts=(request(url, body, *headers), 0.1), status=status, of_server=of_server)
        for name, (headers, status, of_server) in rows.items()
    ]


def _chunked(url: str, body: bytes) -> list[_Case]:
    """Return bodies in chunks, well-formed and not."""
    spaces = b" " * 20_000
    rows: dict[str, tuple[bytes, int | None, bool]] = {
        "chunks": (_chunks(body[:9], body[9:], b""), 200, False),
        "a large chunk": (_chunks(spaces, body, b""), 413, False),
        "too many small chunks": (_chunks(*[b" " * 20] * 1000, body, b""), 413, False),
        "a chunk of terabytes, then gone": (b"ffffffffff\r\n" + body, None, False),
        "an astronomical chunk": (b"f" * 30 + b"\r\n" + body, 400, True),
        "a chunk whose size is no number": (b"zz\r\n" + body, 400, True),
        "chunks without an end, then gone": (_chunks(body), None, False),
    }
    return [
        _Case(name=name, parts=(request(url, sent, _CHUNKED), 0.1), status=status, of_server=of_server)
        for name, (sent, status, of_server) in rows.items()
    ]


def _packed(url: str, body: bytes) -> list[_Case]:
    """Return bodies that are packed, or say that they are."""
    packed = gzip.compress(body)
    rows: dict[str, tuple[bytes, str, int]] = {
        "gzip": (packed, _GZIP, 200),
        "deflate": (zlib.compress(body), "Content-Encoding: deflate", 200),
        "gzip that does not say so": (packed, "Accept: */*", 400),
        "deflate that does not say so": (zlib.compress(body), "Accept: */*", 400),
        "no gzip that says so": (body, _GZIP, 400),
        "gzip cut off": (packed[:-20], _GZIP, 400),
        "gzip damaged": (packed[:20] + b"damaged" + packed[27:], _GZIP, 400),
        "a large gzip damaged": (gzip.compress(random.randbytes(12_000))[:10_000] + b"\0" * 10**6, _GZIP, 400),
        "a packing that nobody knows": (body, "Content-Encoding: shrink", 200),
        "gzip of 10 MiB": (_BOMB, _GZIP, 413),
        "gzip of 10 MiB that does not say so": (_BOMB, "Accept: */*", 400),
    }
    return [
        _Case(name=name, parts=(request(url, sent, header),), status=status)
        for name, (sent, header, status) in rows.items()
    ]


def _heads(url: str, body: bytes) -> list[_Case]:
    """Return heads of requests that are unusual; a Content-Type says nothing that matters."""
    types = (
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "nonsense",
    )
    rows: dict[str, tuple[bytes, int]] = {
        "no Content-Type": (request(url, body), 200),
        **{f"Content-Type {type_!r}": (request(url, body, f"Content-Type: {type_}"), 200) for type_ in types},
        "HTTP/1.0": (request(url, body, version="1.0"), 200),
        "an answer in between": (request(url, body, "Expect: 100-continue"), 200),
        "an expectation that nobody knows": (request(url, body, "Expect: miracle"), 417),
        "a header of 6,000 characters": (request(url, body, f"X-Long: {'x' * 6000}"), 200),
        "a byte order mark": (request(url, b"\xef\xbb\xbf" + body), 200),
        "100 headers": (request(url, body, *("X-Many: 1" for _ in range(100))), 200),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, 400),
    }
    cases = [_Case(name=name, parts=(sent,), status=status) for name, (sent, status) in rows.items()]
    many = request(url, body, *(f"X-Many-{number}: 1" for number in range(1000)))
    return [*cases, _Case(name="1,000 headers", parts=(many,), status=400, of_server=True)]


def _pages(url: str, body: bytes) -> list[_Case]:
    """Return what a browser at home posts for a web page; no browser can be made to leave these headers out."""
    headers = (
        "Origin: https://evil.example",
        "origin: null",
        "ORIGIN:",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: none",
        "Origin: http://localhost:8123",
    )
    types = ("text/plain", "application/x-www-form-urlencoded", "application/json")
    return [
        _Case(name=f"{header}, {type_}", parts=(request(url, body, header, f"Content-Type: {type_}"),), status=403)
        for header in headers
        for type_ in types
    ]


def _broken_off(url: str, body: bytes) -> list[_Case]:
    """Return requests of somebody who hangs up."""
    whole = request(url, body)
    return [
        _Case(name="gone in the middle of the head", parts=(whole[:20], 0.1), status=None),
        _Case(name="gone in the middle of the body", parts=(whole[:-5], 0.1), status=None),
        _Case(name="gone after the request", parts=(whole, 0.1), status=None),
        _Case(name="gone right after the request", parts=(whole,), status=None),
        _Case(name="gone after 100 requests", parts=(whole * 100,), status=None),
    ]


def _cases(webhook: Webhook) -> list[_Case]:
    """Return the table. What is valid in it is a test notification, which changes nothing either."""
    body = json.dumps({"PrinterId": "nobody", "EventType": 16, "SecretKey": webhook.secret_key}).encode()
    tables = (_methods, _lengths, _chunked, _packed, _heads, _pages, _broken_off)
    return [case for table in tables for case in table(webhook.url, body)]


class _Trial:
    """A Home Assistant, and what it has done wrong so far."""

    def __init__(self, hass: Hass, webhook: Webhook) -> None:
        """Start with what is in the log then."""
        self.failures: list[str] = []
        self.figures: dict[str, str] = {}
        self.count = 0
        self._hass = hass
        self._url = webhook.url
        self._secret_key = webhook.secret_key
        self._log = Log(hass.log, (webhook.secret_key, URL(webhook.url).name))
        self._minute = 0

    async def post(self) -> float:
        """Post a notification as OctoEverywhere does; return how long the answer took."""
        self._minute += 1
        body = {
            "PrinterId": "rude",
            "PrintId": "rude-1",
            "EventType": 6,
            "DurationSec": self._minute * 60,
            "SecretKey": self._secret_key,
        }
        began = time.monotonic()
        async with connect(self._url) as connection:
            answer = await connection.ask(request(self._url, json.dumps(body).encode()))
        if answer.status != 200:
            self.failures.append(f"a notification was answered {answer}")
        return time.monotonic() - began

    async def try_case(self, case: _Case) -> None:
        """Be rude once, and look what has become of Home Assistant."""
        self.count += 1
        before = await everything(self._hass)
        lines = self._log.lines
        problems = await self._answer(case)
        if await everything(self._hass) != before:
            problems.append("something has changed")
        problems += self._log.problems(but_of=(_SERVER,) if case.of_server else ())
        if (said := self._log.lines - lines) > (_MAX_LINES if case.of_server else 1):
            problems.append(f"{said} lines in the log")
        self.failures += [f"{case.name}: {problem}" for problem in problems]
        await self.post()

    async def _answer(self, case: _Case) -> list[str]:
        """Return what is wrong with the answer."""
        async with connect(self._url) as connection:
            if case.status is None:
                await connection.send(case.parts)
                return []
            try:
                answer = await connection.ask(*case.parts)
            except DroppedError as err:
                return [f"no answer: {err}"]
        return [] if answer.status == case.status else [f"answered {answer}"]

    async def try_slow(self, count: int) -> None:
        """Send many bodies a byte a second; others must not notice."""
        head = request(self._url, b"", "Content-Length: 10000")
        slowly = [part for _ in range(_ANSWER_SECONDS) for part in (b" ", 1.0)]
        endless = request(self._url, b"1\r\n \r\n", _CHUNKED)
        cases = [
            _Case(name="a byte a second", parts=(head, *slowly), status=408),
            _Case(name="no body", parts=(head,), status=408),
            _Case(name="chunks without an end", parts=(endless,), status=408),
        ]
        self.count += count
        began = time.monotonic()
        slow = asyncio.gather(*(self._answer(cases[number % len(cases)]) for number in range(count)))
        waits = []
        while not slow.done():
            waits.append(await self.post())
            await asyncio.sleep(0.1)
        self.failures += [f"{count} slow bodies: {problem}" for problems in await slow for problem in problems]
        self.figures[f"{count} slow bodies answered 408 after"] = f"{time.monotonic() - began:.1f} s"
        self._note_waits(f"{count} slow bodies", waits)

    async def try_idle(self, count: int) -> None:
        """Open many connections and do nothing with them."""
        self.count += count
        async with AsyncExitStack() as stack:
            for number in range(count):
                connection = await stack.enter_async_context(connect(self._url))
                if number % 2:
                    await connection.send([b"POST /api"])
            self._note_waits(f"{count} idle connections", [await self.post() for _ in range(20)])

    async def try_bombs(self, rounds: int) -> None:
        """Send small bodies, many at once, that are huge when unpacked."""
        bomb = _Case(name="a bomb", parts=(request(self._url, _BOMB, _GZIP),), status=413)
        before = self._hass.memory("VmHWM")
        for _ in range(rounds):
            self.count += _BOMBS
            for problems in await asyncio.gather(*(self._answer(bomb) for _ in range(_BOMBS))):
                self.failures += problems
        grown = self._hass.memory("VmHWM") - before
        self.figures[f"memory for {_BOMBS} bombs of 10 MiB at once"] = f"{grown:.1f} MiB"
        if grown > _MAX_MIB:
            self.failures.append(f"{_BOMBS} bombs at once take {grown:.0f} MiB")
        self.failures += self._log.problems()

    def _note_waits(self, meanwhile: str, waits: list[float]) -> None:
        """Remember how long notifications took while something else went on."""
        self.figures[f"slowest notification during {meanwhile}"] = f"{max(waits) * 1000:.0f} ms"
        if sorted(waits)[len(waits) // 2] > _MAX_WAIT:
            self.failures.append(f"{meanwhile}: a notification usually takes longer than {_MAX_WAIT} s")
        self.failures += self._log.problems()


async def run(*, quick: bool, seed: int) -> Outcome:
    """Go through the table, again and again in another order, and then through what takes many at once."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder)) as hass:
            webhook = await hass.add_integration()
            trial = _Trial(hass, webhook)
            await trial.post()
            cases = _cases(webhook)
            for _ in range(1 if quick else 20):
                for case in chance.sample(cases, len(cases)):
                    await trial.try_case(case)
            await trial.try_bombs(2 if quick else 20)
            await trial.try_slow(60 if quick else 300)
            await trial.try_idle(100 if quick else 500)
            await trial.post()
    return Outcome(rounds=f"{trial.count} requests", failures=trial.failures, figures=trial.figures)
