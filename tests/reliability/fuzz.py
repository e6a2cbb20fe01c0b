"""Hostile bodies: a hundred thousand notifications that somebody has tampered with, posted to a real Home Assistant.

Each must be answered as promised, worked out here by other means than the integration's. None may stall Home
Assistant, leave an error in its log or a state that is none, or make it grow; and what is refused may change nothing.
"""

import asyncio
from codecs import BOM_UTF8
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from http import HTTPStatus
import json
import math
from pathlib import Path
import random
import re
from statistics import median
import tempfile
import time
from typing import Any, Final

from hass_process import Hass, Webhook
from simulator import PRINTS, Printer, play
from yarl import URL

from tests.kinds import KINDS

from .outcome import Outcome
from .rude import Answer, Connection, DroppedError, Log, connect, everything, request

_CONNECTIONS: Final = 4
_GUESSERS: Final = 64
_MAX_GUESSES: Final = 1000
# Printers that most bodies are about, and how many get a device.
_FUZZED: Final = 8
_DEVICES: Final = 450
_ENTITIES: Final = 10_000
_STALL: Final = 0.1
# Slow answers happen on a busy machine; a body is to blame when it is slow each time it comes alone.
_SUSPECTS: Final = 20
_TRIALS_OF_A_SUSPECT: Final = 3
_MAX_GROWTH: Final = 1.1
_MAX_STORAGE_MIB: Final = 64
_MAX_LOG_LINES: Final = 20
# A fault that many bodies meet would fill the screen.
_SHOWN: Final = 50
# What says, when Home Assistant starts, that a machine has no ffmpeg or libturbojpeg.
_LACKS: Final = ("haffmpeg.core", "homeassistant.components.camera.img_util")

_MAX_BODY: Final = 16 * 1024
_MAX_NESTED: Final = 1024
_MAX_ID: Final = 255
_MAX_INTEGER: Final = 2**53
_MAX_STATE: Final = 255

# What Jinja, HTML, databases, terminals, file systems and Python make more of than it is.
_LITERAL: Final = (
    "{{ 1/0 }}",
    "{% for i in range(10**9) %}x{% endfor %}",
    "{{ states | list }}",
    "${jndi:ldap://localhost/x}",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE states; --",
    "%s%n%(x)s{0}",
    "../../etc/passwd",
    "\u202egnp.exe",
    "\u200f\u05d0\u200e",
    "🖨️🧵👩‍👩‍👧‍👦",
    "z\u0351\u036b\u0343\u036a\u0302\u036b",
    "true",
    "None",
)
_TEXTS: Final = (
    *_LITERAL,
    "",
    " \t\n",
    "\0",
    "a\0b",
    "".join(map(chr, range(32))),
    "\u2028\u2029\x85\x7f\ufeff\uffff",
    "x" * 255,
    "🖨" * 256,
    "x" * 10_000,
    "\u202e" * 3_000,
    "unknown",
    "unavailable",
    "21",
    "-1",
    " 7 ",
    "1e400",
    "nan",
    "-inf",
    "1_000",
    "٢١",
    "0x10",
    "9" * 5_000,
)
_URLS: Final = (
    *(f"{scheme}//octoeverywhere.com/x" for scheme in ("http:", "HTTPS:", "ftp:", "file:", "javascript:", "ws:", "")),
    "data:text/html,<script>alert(1)</script>",
    "javascript:alert(1)",
    "mailto:a@b.c",
    "http://",
    "http:///x",
    "http://[",
    "http://[::1%25lo]:99999/",
    "http://host:port/",
    "http://host:-1/",
    "http://user:password@host/",
    "http://a b/",
    "http://a/\r\nX-Header: 1",
    "http://\u202eexample.com/",
    "https://[]@",
    "https://[]@host/",
    "https://@/",
    "https://[v1.x]/",
    "http://[::1]]/",
    "https://host:443@/",
    "https://ho\\st/",
    "http://xn--/",
    "http://xn--a/",
    "http://xn--a\u0301.com/",
    "http://例え.テスト/\ud7ff",
    "http://0x7f.1/",
    f"http://{'a' * 300}/",
    f"http://{'a.' * 300}/",
    f"https://octoeverywhere.com/{'a' * 3000}",
    "https://octoeverywhere.com/%zz%00{{ 1/0 }}",
)
# JSON as it may and may not be: what json.dumps would not write.
_TOKENS: Final = (
    *("null", "true", "false", "[]", "{}", '[""]', "[null,[{}]]", '{"a":{"b":[1]}}'),
    *("0", "-0", "-0.0", "0.5", "-1", "1e2", "100.0", "101", "1E+9", "2147483648", "1e308", "1e-400"),
    *("9007199254740992", "9007199254740994", "18446744073709551616", "1e400", "-1e400", "1" + "0" * 400),
    *("NaN", "Infinity", "-Infinity", "01", "+1", ".5", "1.", "0x10", "1e", "--1", "undefined", "True", ""),
    *("-7200", "-1.5", "-1e9", "-0.5", "-999999999999"),
    *(
        '"half \\ud83d of a pair"',
        '"\\ud83d\\ud83d\\udda8"',
        '{"\\udfff":"\\udbff"}',
        '"\\uFEFF"',
        '"\ud83d"',
        '"\ufeff"',
    ),
    *('"\\ud800"', '"\\udc00\\ud800"', '"\\ud83d\\udda8"', '"\\u0000"', '"\\x41"', "'a'", '"', '"\n"', '"\x01"', '"\\'),
    *("[" * depth + "]" * depth for depth in (5, 15, 16, 17, 100, 1000, 1022, 1023, 1024, 5000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (15, 16, 17, 1000, 1023, 1024, 2000)),
    "[" * 5000,
    "[" + "0," * 5000 + "0]",
)
_EVENT_TYPES: Final = range(len(KINDS) + 1)


def _seeds() -> list[dict[str, Any]]:
    """Return honest bodies: recorded ones and simulated ones."""
    folder = Path(__file__).parent.parent / "fixtures" / "prints"
    recorded = [step["body"] for path in sorted(folder.glob("*.json")) for step in json.loads(path.read_text("utf-8"))]
    printer = Printer(printer_id="simulated", name="Simulated")
    return recorded + [
        dict(step.body) for print_ in PRINTS.values() for step in play(printer, print_, random.Random(0))
    ]


class _Bodies:
    """Honest bodies, tampered with."""

    def __init__(self, chance: random.Random, secret_key: str) -> None:
        """Remember the key, which most of them have."""
        self._chance = chance
        self._secret_key = secret_key
        self._seeds = _seeds()
        self._mutations = (self._replace, self._leave_out, self._say_twice, self._add, self._swap, self._rename)
        self._damages = (_truncate, _flip, _insert, _encode, _pad, _double, _replace_all)

    def body(self) -> bytes:
        """Return the next one."""
        chance = self._chance
        is_stranger = chance.random() < 0.05
        honest = chance.choice(self._seeds) | {
            "PrinterId": f"fuzz-{chance.randrange(10**9 if is_stranger else _FUZZED)}",
            "PrintId": f"print-{chance.choice((0, 0, 1, chance.randrange(10**9)))}",
            "EventType": chance.choice(_EVENT_TYPES),
            "SecretKey": self._secret_key,
        }
        pairs = [(json.dumps(key), json.dumps(value)) for key, value in honest.items()]
        for _ in range(chance.choice((0, 1, 1, 2, 4, 8))):
            chance.choice(self._mutations)(pairs)
        if chance.random() < 0.05:
            self._spoil_secret(pairs)
        chance.shuffle(pairs)
        body = ",".join(f"{key}:{value}" for key, value in pairs)
        encoded = b"{%b}" % body.encode("utf-8", "surrogatepass")
        return chance.choice(self._damages)(encoded, chance) if chance.random() < 0.15 else encoded

    def _value(self) -> str:
        """Return something for a value, as JSON or not."""
        chance = self._chance
        if chance.random() < 0.5:
            return chance.choice(_TOKENS)
        return json.dumps(chance.choice(_TEXTS + _URLS), ensure_ascii=chance.random() < 0.5)

    def _replace(self, pairs: list[tuple[str, str]]) -> None:
        # The secret key has a mutation of its own: without it nothing else would be looked at.
        index = self._index(pairs)
        if pairs[index][0] != '"SecretKey"':
            pairs[index] = (pairs[index][0], self._value())

    def _leave_out(self, pairs: list[tuple[str, str]]) -> None:
        index = self._index(pairs)
        if len(pairs) > 1 and pairs[index][0] != '"SecretKey"':
            del pairs[index]

    def _say_twice(self, pairs: list[tuple[str, str]]) -> None:
        pairs.append((pairs[self._index(pairs)][0], self._value()))

    def _add(self, pairs: list[tuple[str, str]]) -> None:
        pairs.append((json.dumps(self._chance.choice(_TEXTS)), self._value()))

    def _swap(self, pairs: list[tuple[str, str]]) -> None:
        one, other = self._index(pairs), self._index(pairs)
        if '"SecretKey"' not in (pairs[one][0], pairs[other][0]):
            pairs[one], pairs[other] = (pairs[one][0], pairs[other][1]), (pairs[other][0], pairs[one][1])

    def _rename(self, pairs: list[tuple[str, str]]) -> None:
        index = self._index(pairs)
        pairs.append((pairs[index][0].lower(), pairs[index][1]))

    def _index(self, pairs: list[tuple[str, str]]) -> int:
        return self._chance.randrange(len(pairs))

    def _spoil_secret(self, pairs: list[tuple[str, str]]) -> None:
        key = self._secret_key
        similar = (key[:-1], f"{key} ", key.swapcase(), f"{key}\0", f"\u202e{key}")
        wrong = (*similar, [key], {"SecretKey": key}, True, 0, None)
        value = json.dumps(self._chance.choice(wrong)) if self._chance.random() < 0.5 else self._value()
        pairs[:] = [(name, value if name == '"SecretKey"' else known) for name, known in pairs]


def _truncate(body: bytes, chance: random.Random) -> bytes:
    return body[: chance.randrange(len(body))]


def _flip(body: bytes, chance: random.Random) -> bytes:
    flipped = bytearray(body)
    for _ in range(chance.randint(1, 4)):
        flipped[chance.randrange(len(body))] = chance.randrange(256)
    return bytes(flipped)


def _insert(body: bytes, chance: random.Random) -> bytes:
    where = chance.choice((0, len(body), chance.randrange(len(body))))
    return body[:where] + chance.randbytes(chance.randint(1, 4)) + body[where:]


def _encode(body: bytes, chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-8-sig", "utf-8-sig", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "utf-7"))
    return body.decode("utf-8", "replace").encode(encoding, "replace")


def _pad(body: bytes, chance: random.Random) -> bytes:
    size = chance.choice((_MAX_BODY - 1, _MAX_BODY, _MAX_BODY + 1, 2 * _MAX_BODY, 20 * _MAX_BODY))
    return chance.choice((body.ljust, body.rjust))(size, b" ")


def _double(body: bytes, chance: random.Random) -> bytes:
    return chance.choice((body + body, b"[%b]" % body, json.dumps(body.decode("utf-8", "replace")).encode()))


def _replace_all(body: bytes, chance: random.Random) -> bytes:
    return chance.choice(
        (
            b"",
            b" ",
            b"{}",
            b"null",
            b"\0" * 100,
            chance.randbytes(100),
            chance.choice(_TOKENS).encode("utf-8", "surrogatepass"),
        )
    )


def expected(body: bytes, secret_key: str) -> Answer:
    """Return what a body must be answered."""
    if len(body) > _MAX_BODY:
        return Answer(status=413, text="body_too_large")
    try:
        payload = _parse(body.removeprefix(BOM_UTF8))
    except ValueError, RecursionError:
        return Answer(status=400, text="not_json")
    said = payload if isinstance(payload, dict) else {}
    demands = {
        Answer(status=400, text="not_an_object"): isinstance(payload, dict),
        Answer(status=401, text="wrong_secret_key"): said.get("SecretKey") == secret_key,
        Answer(status=400, text="no_usable_printer_id"): _is_id(said.get("PrinterId")),
        Answer(status=400, text="no_usable_event_type"): _is_event_type(said.get("EventType")),
    }
    return next((refusal for refusal, is_met in demands.items() if not is_met), Answer(status=200, text=""))


def _parse(body: bytes) -> object:
    """Read JSON to the letter, as deep as any reader must. Raises RecursionError or ValueError."""
    # Of a key that is there twice, only what it says last need be JSON to the letter.
    text = json.dumps(json.loads(body.decode("utf-8", "surrogatepass")))
    payload = json.loads(text, parse_int=_finite, parse_float=_finite, parse_constant=_never)
    depth = deepest = 0
    for bracket in re.findall(r"[\[{}\]]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > _MAX_NESTED:
        raise RecursionError
    return payload


def _finite(number: str) -> float:
    """Read a number that a computer can hold. Raises ValueError."""
    if math.isinf(read := float(number)):
        raise ValueError(number)
    return read


def _never(constant: str) -> float:
    """Refuse what only JavaScript knows."""
    raise ValueError(constant)


def _is_id(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "\0" not in value and len(value) <= _MAX_ID


def _is_event_type(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, float | str):
        return False
    with suppress(ValueError):
        number = float(value)
        return number.is_integer() and abs(number) <= _MAX_INTEGER
    return False


def _between(minimum: float, maximum: float) -> Callable[[str], bool]:
    return lambda state: minimum <= float(state) <= maximum


def _one_of(*states: str) -> Callable[[str], bool]:
    return states.__contains__


def _is_moment(state: str) -> bool:
    return datetime.fromisoformat(state).tzinfo is not None


_VALID: Final[dict[str, Callable[[str], bool]]] = {
    "status": _one_of("printing", "paused", "complete", "failed", "cancelled", "error"),
    "attention": _one_of(
        "none", "failure_suspected", "paused_by_gadget", "error", "filament_change", "user_interaction"
    ),
    "printing": _one_of("on", "off"),
    "attention_required": _one_of("on", "off"),
    "progress": _between(0, 100),
    "current_layer": _between(0, 10**9),
    "total_layers": _between(0, 10**9),
    "time_remaining": _between(0, 10 * 366 * 24),
    "print_duration": _between(0, 10 * 366 * 24),
    "z_offset": lambda state: math.isfinite(float(state)),
    "estimated_finish": _is_moment,
    "print_start": _is_moment,
    "notification": _is_moment,
    "snapshot": _is_moment,
    "prints_completed": _between(0, 10**9),
    "prints_failed": _between(0, 10**9),
    "prints_cancelled": _between(0, 10**9),
    "total_print_time": _between(0, 10**9),
    "prints": _one_of("on", "off"),
}
"""What the state of an entity may be, by its key; it may be unknown as well. All others are text."""


def _still(dump: dict[str, Any]) -> dict[str, Any]:
    """Return all that the clock does not change within minutes: keys to pictures, and calendars whose print should be over."""
    moving = ("calendar.", "image.")
    return dump | {"states": {name: state for name, state in dump["states"].items() if not name.startswith(moving)}}


def _ours(dump: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the unique id, the key and the state of each entity that is enabled."""
    for entity in dump["entities"]:
        if entity["platform"] == "octoeverywhere" and entity["disabled_by"] is None:
            state = dump["states"].get(entity["entity_id"], {"state": "missing"})["state"]
            yield entity["unique_id"], entity["translation_key"], state


def _is_valid(key: str, state: str) -> bool:
    if key not in _VALID:
        return state != "missing" and len(state) <= _MAX_STATE
    with suppress(ValueError):
        return state == "unknown" or _VALID[key](state)
    return False


class _Trial:
    """A Home Assistant, and what it has done wrong so far."""

    def __init__(self, hass: Hass, webhook: Webhook, chance: random.Random) -> None:
        """Start with what is in the log then."""
        self.failures: list[str] = []
        self.answers: dict[int, int] = {}
        """How often each status was answered."""
        self.log = Log(hass.log, (webhook.secret_key, URL(webhook.url).name))
        self._hass = hass
        self._webhook = webhook
        self._bodies = _Bodies(chance, webhook.secret_key)
        self._pings: list[float] = []
        self._recent: deque[bytes] = deque(maxlen=_SUSPECTS)
        """The bodies that were posted last, answered or not."""
        self._suspects: list[bytes] = []

    def honest(self, **keys: Any) -> bytes:
        """Return a notification of a print that has started."""
        return json.dumps({"EventType": 1, "SecretKey": self._webhook.secret_key, **keys}).encode()

    async def post(self, *bodies: bytes) -> None:
        """Post over a connection that is kept."""
        await self._post(self._rows(bodies))

    def _rows(self, bodies: Iterable[bytes]) -> deque[tuple[bytes, Answer]]:
        """Work out the answers; beforehand, so that this does not look like a Home Assistant that is busy."""
        return deque([(body, expected(body, self._webhook.secret_key)) for body in bodies])

    async def _post(self, rows: deque[tuple[bytes, Answer]]) -> None:
        while rows:
            async with connect(self._webhook.url) as connection:
                while rows and await self._post_over(connection, *rows.popleft()):
                    pass

    async def _post_over(self, connection: Connection, body: bytes, must_be: Answer) -> bool:
        """Post, compare the answer, and return whether there was one."""
        self._recent.append(body)
        await connection.send([request(self._webhook.url, body)])
        try:
            answer = await connection.answer()
        except DroppedError as err:
            self.failures.append(f"no answer ({err}) to {body[:500]!r}")
            return False
        self.answers[answer.status] = self.answers.get(answer.status, 0) + 1
        if answer != must_be:
            self.failures.append(f"answered {answer}, not {must_be}, to {body[:500]!r}")
        return True

    @asynccontextmanager
    async def _pinging(self) -> AsyncGenerator[list[float]]:
        """Ask for a sign of life all the time; collect how many seconds each took."""
        pings: list[float] = []
        is_over = asyncio.Event()
        async with self._hass.websocket() as websocket:
            task = asyncio.create_task(self._ping(websocket.call, pings, is_over))
            try:
                yield pings
            finally:
                is_over.set()
                await task

    async def _ping(self, call: Callable[..., Any], pings: list[float], is_over: asyncio.Event) -> None:
        while not is_over.is_set():
            began = time.monotonic()
            # Answered at once, with the name of one integration.
            await call("manifest/get", integration="octoeverywhere")
            pings.append(time.monotonic() - began)
            if pings[-1] > _STALL:
                self._suspects += self._recent
            await asyncio.sleep(0.01)

    async def fill(self) -> None:
        """Announce more printers than get a device, one after the other."""
        names = [*(f"fuzz-{number}" for number in range(_FUZZED)), *_TEXTS, *(f"many-{n}" for n in range(_DEVICES))]
        bodies = [self.honest(PrinterId=name, PrinterName=name.removesuffix("0")) for name in names]
        async with self._pinging() as pings:
            await self._post(self._rows(bodies))
        self._suspects.clear()  # a printer is new only once
        if median(pings) > _STALL:
            self.failures.append(f"a new printer usually stalls Home Assistant for {median(pings) * 1000:.0f} ms")
        async with self._hass.websocket() as websocket:
            announced = await websocket.subscribe("subscribe_events", event_type="octoeverywhere_print_started")
            await self.post(self.honest(PrinterId="one-too-many"))
            if (await anext(announced))["data"]["device_id"] is not None:
                self.failures.append("there is a device too many")

    async def refuse(self, count: int) -> None:
        """Post what must be refused, and compare everything before and after."""
        secret_key = self._webhook.secret_key
        bodies = [self._bodies.body() for _ in range(count)]
        wrong = [body.replace(secret_key.encode(), b"wrong") for body in bodies]
        self.failures += self.log.problems()
        before, lines = _still(await everything(self._hass)), self.log.lines
        refused = [body for body in bodies + wrong if expected(body, secret_key).status != HTTPStatus.OK]
        # Each that guesses a key waits a second for its answer, and the clock changes something by itself after minutes.
        await asyncio.gather(*(self._post(self._rows(refused[first::_GUESSERS])) for first in range(_GUESSERS)))
        after = _still(await everything(self._hass))
        raised = {issue["issue_id"] for issue in after.pop("issues")} - {
            issue["issue_id"] for issue in before.pop("issues")
        }
        if before != after or raised - {"wrong_secret_key"}:
            self.failures.append(f"what was refused has changed something {raised}")
        self.failures += self.log.problems()
        if self.log.lines > lines:
            self.failures.append(f"what was refused has left {self.log.lines - lines} lines in the log")

    async def fuzz(self, count: int) -> None:
        """Post over several connections at once, and look who stalls Home Assistant."""
        share = count // _CONNECTIONS
        shares = [self._rows(self._bodies.body() for _ in range(share)) for _ in range(_CONNECTIONS)]
        async with self._pinging() as pings:
            await asyncio.gather(*(self._post(share) for share in shares))
        self._pings += pings
        suspects, self._suspects = self._suspects[-_SUSPECTS:], []
        for body in suspects:
            stalls = [await self._stall(body) for _ in range(_TRIALS_OF_A_SUSPECT)]
            if min(stalls) > _STALL:
                self.failures.append(f"stalls for {min(stalls) * 1000:.0f} ms: {body[:500]!r}")
        self.failures += self.log.problems()

    async def _stall(self, body: bytes) -> float:
        """Return for how long a body alone keeps Home Assistant busy."""
        async with self._pinging() as pings:
            await asyncio.sleep(0.05)
            pings.clear()
            await self.post(body)
            await asyncio.sleep(0.05)
        return max(pings, default=math.inf)

    async def look(self) -> dict[str, Any]:
        """Look for states that are none, and for too many printers."""
        dump = await everything(self._hass)
        self.failures += [
            f"{unique_id} is {state!r}" for unique_id, key, state in _ours(dump) if not _is_valid(key, state)
        ]
        devices = sum("octoeverywhere" in dict(device["identifiers"]) for device in dump["devices"])
        entities = sum(entity["disabled_by"] is None for entity in dump["entities"])
        if devices > _DEVICES or entities > _ENTITIES:
            self.failures.append(f"{devices} devices, {entities} entities")
        return dump

    async def literal(self) -> None:
        """Show texts that others would make something of; they must be shown as they are."""
        for number, text in enumerate(_LITERAL):
            # More than the text alone, which for a file may mean that its name is not known.
            keys = {"PrinterName": text, "FileName": f"{text}.gcode", "Error": text, "EventType": 9}
            await self.post(self.honest(PrinterId="fuzz-0", PrintId=f"literal-{number}", **keys))
            dump = await everything(self._hass)
            shown = {unique_id: state for unique_id, _, state in _ours(dump)}
            names = [
                device["name"] for device in dump["devices"] if ["octoeverywhere", "fuzz-0"] in device["identifiers"]
            ]
            found = [shown.get("fuzz-0_file_name"), shown.get("fuzz-0_error_message"), *names]
            if found != [f"{text}.gcode"[:255], text, text]:
                self.failures.append(f"{text!r} is shown as {found}")

    async def restart(self) -> None:
        """Start anew; all that is known must be as before, and the log as quiet."""
        before = {unique_id: state for unique_id, key, state in _ours(await everything(self._hass)) if key != "prints"}
        await self._hass.stop()
        self.failures += self.log.problems()
        await self._hass.start()
        self.failures += self.log.problems(but_of=_LACKS)
        after = {unique_id: state for unique_id, _, state in _ours(await self.look())}
        self.failures += [
            f"{unique_id} is {after.get(unique_id)!r} after a restart, not {state!r}"
            for unique_id, state in before.items()
            # Of a notification, the moment in which it was shown is not kept, but that in which it arrived.
            if after.get(unique_id) != state and not unique_id.endswith("_notification")
        ]

    def figures(self) -> dict[str, str]:
        """Return what was measured."""
        slowest = sorted(self._pings)
        return {
            "answers": ", ".join(f"{count} times {status}" for status, count in sorted(self.answers.items())),
            "another request meanwhile, half": f"{slowest[len(slowest) // 2] * 1000:.0f} ms",
            "another request meanwhile, 99 %": f"{slowest[len(slowest) * 99 // 100] * 1000:.0f} ms",
            "another request meanwhile, slowest": f"{slowest[-1] * 1000:.0f} ms",
            "log": f"{self.log.lines} lines",
        }

    def storage(self) -> float:
        """Return how large the folder is that Home Assistant stores things in, in MiB."""
        return sum(path.stat().st_size for path in (self._hass.folder / ".storage").iterdir()) / 2**20


def _grown(before: list[float], after: list[float]) -> list[str]:
    """Return what has grown too much of memory and storage, both in MiB."""
    failures = []
    if after[0] > before[0] * _MAX_GROWTH:
        failures.append(f"memory has grown from {before[0]:.0f} to {after[0]:.0f} MiB")
    if after[1] > _MAX_STORAGE_MIB:
        failures.append(f"{after[1]:.0f} MiB are stored")
    return failures


async def run(*, quick: bool, seed: int) -> Outcome:
    """Fill Home Assistant with printers, fuzz them round by round, and compare the end with the first quarter."""
    count, rounds = (4_000, 4) if quick else (100_000, 20)
    sizes: list[list[float]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder)) as hass:
            trial = _Trial(hass, await hass.add_integration(), random.Random(seed))
            await trial.literal()
            await trial.fill()
            for _ in range(rounds):
                await trial.fuzz(count // rounds)
                await trial.look()
                sizes.append([hass.memory(), trial.storage()])
            await trial.refuse(min(count // 10, _MAX_GUESSES))
            figures = trial.figures()
            if trial.log.lines > _MAX_LOG_LINES:
                trial.failures.append(f"{trial.log.lines} lines in the log")
            await trial.restart()
    quarter, end = sizes[rounds // 4 - 1], sizes[-1]
    figures["memory, from a quarter to the end"] = f"{quarter[0]:.0f} to {end[0]:.0f} MiB"
    figures["storage, from a quarter to the end"] = f"{quarter[1]:.1f} to {end[1]:.1f} MiB"
    failures = _grown(quarter, end) + trial.failures[:_SHOWN]
    return Outcome(rounds=f"{count} bodies", failures=failures, figures=figures)
