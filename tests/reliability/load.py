"""A farm at work: many printers post at once, all is told once and in order, and Home Assistant stays quick and small.

Once with the recorder, as people have it: in the same process, it writes down every state and event meanwhile. What it piles up
would hide what is kept for good, so that memory is judged in a second run without it.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, zip_longest
from pathlib import Path
import random
import re
from statistics import median, quantiles
import tempfile
import time
from typing import Any, Final

from aiohttp import ClientSession, TCPConnector
from hass_process import WITHOUT_FRONTEND, Hass, Webhook, WebSocket
from simulator import PRINTS, Printer, play

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.payload import Notification, NotificationType

from .expected import Expected, states
from .outcome import Outcome

_WITH_RECORDER: Final = f"{WITHOUT_FRONTEND}recorder:\n"
# Memory is compared from the end of the first stage, when every printer is known, to that of the last. The ids of earlier prints
# and what else fills up slowly add one or two percent.
_STAGES: Final = 4
_MAX_GROWTH: Final = 0.04
# The recorder writes to the disk every five seconds.
_SETTLE_SECONDS: Final = 10
_ASK_EVERY_SECONDS: Final = 0.05
_MAX_MEDIAN_SECONDS: Final = 0.1
_ERROR: Final = re.compile(r" (ERROR|CRITICAL) |^Traceback")


@dataclass(frozen=True, kw_only=True)
class _Scale:
    """How large the farm is."""

    connections: int
    printers: int
    notifications: int


_FULL: Final = _Scale(connections=64, printers=200, notifications=20_000)
_QUICK: Final = _Scale(connections=16, printers=40, notifications=2_000)


@dataclass
class _Measured:
    """What was measured while the farm was at work."""

    seconds: float = 0
    answers: list[float] = field(default_factory=list)
    """Seconds until each notification was answered."""
    others: list[float] = field(default_factory=list)
    """Seconds until each other request was answered."""
    memory: list[float] = field(default_factory=list)
    """Megabytes after each stage."""
    backlog: int = 0
    """The most that the recorder still had to write down at the end of a stage."""
    log: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """Return how much memory was added to that of the first stage, as a share of it."""
        return self.memory[-1] / self.memory[0] - 1

    def figures(self) -> dict[str, str]:
        """Return it for people."""
        return {
            "throughput": f"{len(self.answers) / self.seconds:.0f} notifications/s",
            "webhook": _times(self.answers),
            "other requests meanwhile": _times(self.others),
            "memory after each stage": f"{' '.join(f'{memory:.0f}' for memory in self.memory)} MB ({self.growth:+.1%})",
            "recorder's backlog": f"at most {self.backlog}",
            "log meanwhile": f"{len(self.log)} lines",
        }


class _Connection:
    """A connection that is kept, and the printers that post over it, one notification after the other."""

    def __init__(self, number: int, printers: list[Printer], seed: int) -> None:
        """Let the printers take turns."""
        self._number = number
        self._bodies = [_bodies(printer, random.Random(f"{seed} {printer.printer_id}")) for printer in printers]
        self._posted = 0
        self._heard: list[int] = []
        self._expected = {printer.printer_id: Expected() for printer in printers}
        self._failures: list[str] = []

    async def work(self, webhook: Webhook, tickets: Iterator[int]) -> list[float]:
        """Post a notification for each ticket that the connections share; return how long each answer took."""
        seconds = []
        async with ClientSession(connector=TCPConnector(limit=1)) as session:
            for _ in tickets:
                body = next(self._bodies[self._posted % len(self._bodies)])
                body |= {"SecretKey": webhook.secret_key, "Connection": self._number, "Sequence": self._posted}
                self._posted += 1
                began = time.perf_counter()
                async with session.post(webhook.url, json=body) as response:
                    seconds.append(time.perf_counter() - began)
                    self._note(body, response.status)
        return seconds

    def _note(self, body: dict[str, Any], status: int) -> None:
        """Take note of what follows from a notification."""
        if status != 200:
            self._failures.append(f"notification {body['Sequence']} was answered {status}")
            return
        notification = Notification.from_payload(body)
        expected = self._expected[notification.printer_id]
        self._expected[notification.printer_id] = expected.after(notification, datetime.now(UTC))

    def hear(self, sequence: int) -> None:
        """Take note of an event."""
        self._heard.append(sequence)

    def failures(self, found: dict[str, dict[str, dict[str, Any]]]) -> Iterator[str]:
        """Yield what was refused, not heard once and in order, or is not shown."""
        yield from (f"connection {self._number}: {failure}" for failure in self._failures)
        for heard, posted in zip_longest(self._heard, range(self._posted), fillvalue="nothing"):
            if heard != posted:
                yield f"connection {self._number}: an event told of {heard} instead of {posted}"
                break
        for printer_id, expected in self._expected.items():
            yield from (f"{printer_id}: {wrong}" for wrong in expected.differences(found.get(printer_id, {})))


def _bodies(printer: Printer, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the bodies of one print after the other."""
    while True:
        print_ = chance.choice(list(PRINTS.values()))
        yield from (dict(step.body) for step in play(printer, print_, chance))


def _times(seconds: list[float]) -> str:
    """Describe how long something took."""
    percentiles = quantiles(seconds, n=100)
    shown = {"p50": percentiles[49], "p95": percentiles[94], "p99": percentiles[98], "max": max(seconds)}
    return ", ".join(f"{name} {1000 * value:.0f} ms" for name, value in shown.items())


@asynccontextmanager
async def _heard_by(connections: list[_Connection], websocket: WebSocket) -> AsyncGenerator[None]:
    """Hand every event of the integration to the connection whose notification it tells of."""
    # One trigger hears of all of them in the order in which they were fired.
    trigger = {"platform": "event", "event_type": [f"{DOMAIN}_{type_}" for type_ in NotificationType]}
    subscription = await websocket.subscribe("subscribe_trigger", trigger=trigger)

    async def listen() -> None:
        async for message in subscription:
            extra = message["variables"]["trigger"]["event"]["data"]["extra"]
            connections[extra["Connection"]].hear(extra["Sequence"])

    listener = asyncio.create_task(listen())
    try:
        yield
    finally:
        listener.cancel()


async def _work(hass: Hass, webhook: Webhook, connections: list[_Connection], measured: _Measured, share: int) -> None:
    """Post a share of the notifications over all connections, and ask for something else now and then."""
    began = time.perf_counter()
    tickets = iter(range(share))
    posting = asyncio.gather(*(connection.work(webhook, tickets) for connection in connections))
    while not posting.done():
        asked = time.perf_counter()
        await hass.get("/api/config")
        measured.others.append(time.perf_counter() - asked)
        await asyncio.sleep(_ASK_EVERY_SECONDS)
    measured.answers += chain.from_iterable(await posting)
    measured.seconds += time.perf_counter() - began


async def _backlog(hass: Hass, websocket: WebSocket) -> int:
    """Return how much the recorder, where it is loaded, still has to write down."""
    if "recorder" not in (await hass.get("/api/config"))["components"]:
        return 0
    return int((await websocket.call("recorder/info"))["backlog"])


async def _settle(hass: Hass, websocket: WebSocket, measured: _Measured) -> None:
    """Wait until the recorder has written everything down, then look at the memory."""
    while backlog := await _backlog(hass, websocket):
        measured.backlog = max(measured.backlog, backlog)
        await asyncio.sleep(1)
    await asyncio.sleep(_SETTLE_SECONDS)
    measured.memory.append(hass.memory())


def _log(hass: Hass) -> list[str]:
    """Return what Home Assistant has said."""
    return hass.log.read_text().splitlines()


async def _measure(configuration: str, scale: _Scale, seed: int) -> _Measured:
    """Let the farm work in stages; compare what was told and what is shown with what was posted."""
    printers = [Printer(printer_id=f"load-{number}", name=f"Load {number}") for number in range(scale.printers)]
    connections = [
        _Connection(number, printers[number :: scale.connections], seed) for number in range(scale.connections)
    ]
    measured = _Measured()
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder), configuration=configuration) as hass:
            webhook = await hass.add_integration()
            began = len(_log(hass))  # what this machine lacks is said while Home Assistant starts
            async with hass.websocket() as websocket, _heard_by(connections, websocket):
                for _ in range(_STAGES):
                    await _work(hass, webhook, connections, measured, scale.notifications // _STAGES)
                    await _settle(hass, websocket, measured)
            found = await states(hass)
        measured.log = _log(hass)[began:]
    measured.failures = [failure for connection in connections for failure in connection.failures(found)]
    measured.failures += [line for line in measured.log if _ERROR.search(line)]
    if (middle := median(measured.others)) > _MAX_MEDIAN_SECONDS:
        measured.failures.append(f"half of the other requests took more than {1000 * middle:.0f} ms")
    return measured


async def run(*, quick: bool, seed: int) -> Outcome:
    """Let the farm work with the recorder, and without it for the memory."""
    scale = _QUICK if quick else _FULL
    recorded = await _measure(_WITH_RECORDER, scale, seed)
    bare = await _measure(WITHOUT_FRONTEND, scale, seed)
    failures = recorded.failures + bare.failures
    if bare.growth > _MAX_GROWTH:
        failures.append(f"memory grew by {bare.growth:.1%}")
    return Outcome(
        rounds=f"2 x {scale.notifications} notifications of {scale.printers} printers, {scale.connections} connections",
        failures=failures,
        figures=recorded.figures() | {f"{name}, no recorder": value for name, value in bare.figures().items()},
    )
