"""What the integration costs on a real Home Assistant, beside YAML by hand and two ways to do less.

All of them run at the same time and take turns, print by print, so that what else this machine does befalls all of them. What
counts is CPU time, and its ratios, which are about the same on every machine.
"""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count, islice
import json
from pathlib import Path
import random
import sqlite3
from statistics import median, quantiles
import subprocess
import sys
import tempfile
import time
from typing import Any, Final, Self

from aiohttp import ClientSession, TCPConnector
from hass_process import INTEGRATION, WITHOUT_FRONTEND, Hass, HassError

PRINT: Final = json.loads(
    (Path(__file__).parent.parent / "tests" / "fixtures" / "prints" / "smooth_20_hours.json").read_text()
)
RIVALS: Final = Path(__file__).parent / "bench_rivals"

# What an entry holds of which two versions of the integration differ, each knows its own of it.
ENTRY: Final = {"webhook_id": "bench_entry", "secret_key": "correct horse battery staple", "connection": "lan"}

# The recorder writes when it is told to: once per notification, as in life, where they are minutes apart.
CONFIGURATION: Final = f"""{WITHOUT_FRONTEND}
recorder:
  commit_interval: 3600
  auto_purge: false
bench_probe:
automation: !include {RIVALS / "automation.yaml"}
"""

_DAY: Final = 24 * 60 * 60
_MANY: Final = 16
"""Connections."""
_PER_CONNECTION: Final = 8
_SETTLE_SECONDS: Final = 3
_TICK: Final = 5 * 60
"""How often the integration looks at the clock; seconds."""
_SLOW_FSYNC: Final = 0.1
"""What a worn SD card takes; seconds."""

# What Home Assistant imports anyway, or imports for the kinds of entities that it is asked for, is not ours.
_IMPORT: Final = """
import importlib, pathlib, sys, time
import homeassistant.bootstrap
from homeassistant.components import binary_sensor, button, calendar, camera, diagnostics, event, http, image, light
from homeassistant.components import recorder, repairs, sensor, webhook
from homeassistant.helpers import condition, selector, trigger
folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(folder.parent))
began = time.process_time()
for path in folder.glob("*.py"):
    importlib.import_module(f"{folder.name}.{path.stem}".removesuffix(".__init__"))
print(time.process_time() - began)
"""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    printers: tuple[int, ...]
    rounds: int
    """Whole prints that are posted to each, one after the other."""
    lives: int
    """Prints between whose notifications the clock goes on in small steps, as in life."""
    bursts: int
    """How often each is posted to as fast as it answers."""
    starts: int
    reactions: int
    """Prints whose notifications an automation waits for."""
    slow_reactions: int
    """The same with a slow disk."""


FULL: Final = Scale(printers=(1, 10, 100, 400), rounds=25, lives=10, bursts=9, starts=3, reactions=9, slow_reactions=3)
QUICK: Final = Scale(printers=(1, 10), rounds=2, lives=1, bursts=2, starts=1, reactions=1, slow_reactions=1)


@dataclass(frozen=True, kw_only=True)
class Cpu:
    """Milliseconds of CPU time."""

    process: float
    loop: float
    """Of the thread that runs the event loop, which everything else in Home Assistant waits for."""

    @classmethod
    def of(cls, pid: int) -> Self:
        """Return what a process has used so far."""
        clock = (~pid << 3) | 2  # the kernel's number for the CPU clock of another process
        nanoseconds = Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]
        return cls(process=time.clock_gettime_ns(clock) / 1e6, loop=int(nanoseconds) / 1e6)

    def __sub__(self, other: Cpu) -> Cpu:
        """Return the difference."""
        return Cpu(process=self.process - other.process, loop=self.loop - other.loop)

    def __truediv__(self, number: int) -> Cpu:
        """Return the share of one of so many."""
        return Cpu(process=self.process / number, loop=self.loop / number)


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What is in the recorder's database."""

    rows: float
    kilobytes: float

    @classmethod
    def of(cls, hass: Hass) -> Self:
        """Return what is in it so far."""
        with sqlite3.connect(f"file:{hass.folder / 'home-assistant_v2.db'}?mode=ro", uri=True) as database:

            def number(query: str) -> int:
                return int(database.execute(query).fetchone()[0])

            tables = ("states", "state_attributes", "events", "event_data")
            rows = sum(number(f"SELECT COUNT(*) FROM {table}") for table in tables)  # noqa: S608 - ours
            return cls(rows=rows, kilobytes=number("PRAGMA page_count") * number("PRAGMA page_size") / 1024)

    def __sub__(self, other: Recorded) -> Recorded:
        """Return the difference."""
        return Recorded(rows=self.rows - other.rows, kilobytes=self.kilobytes - other.kilobytes)

    def __truediv__(self, number: int) -> Recorded:
        """Return the share of one of so many."""
        return Recorded(rows=self.rows / number, kilobytes=self.kilobytes / number)


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How quickly something was answered, or acted upon; milliseconds."""

    p50: float
    p99: float

    @classmethod
    def of(cls, milliseconds: list[float]) -> Self:
        """Return what half of them, and all but one in a hundred, were quicker than."""
        percentiles = quantiles(milliseconds, n=100, method="inclusive")
        return cls(p50=percentiles[49], p99=percentiles[98])

    def __str__(self) -> str:
        """Return both."""
        return f"{self.p50:.1f} / {self.p99:.1f}"


@dataclass(frozen=True, kw_only=True)
class Burst(Latency):
    """How quickly notifications were answered that came at once."""

    per_second: float


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a start of Home Assistant took."""

    cpu: float
    """Seconds."""
    set_up: float
    """Seconds of CPU time for setting up the config entry."""
    memory: float
    """Megabytes."""


def prints(printer: int, phase: int = 0) -> Iterator[tuple[float, dict[str, Any]]]:
    """Yield when, and what, OctoEverywhere posts of one print of a printer after the other, from so far in the first one on."""

    def endless() -> Iterator[tuple[float, dict[str, Any]]]:
        for number in count():
            for item in PRINT:
                body = item["body"] | {
                    "PrinterId": f"{printer:04}{item['body']['PrinterId'][4:]}",
                    "PrintId": f"{number:04}{printer:04}{item['body']['PrintId'][8:]}",
                    "PrinterName": f"Ender {printer}",
                }
                yield number * _DAY + item["at"], body

    return islice(endless(), phase % len(PRINT), None)


class Contestant:
    """Something that takes notifications, in a Home Assistant of its own."""

    def __init__(
        self,
        name: str,
        *,
        configuration: str = "",
        webhook_id: str | None = None,
        integration: Path = INTEGRATION,
        printers: int = 1,
    ) -> None:
        """Name it; without the id of a webhook it is this integration, or another version of it."""
        self.name = name
        self.printers = printers
        self._configuration = CONFIGURATION + configuration
        self._webhook_id = webhook_id or ENTRY["webhook_id"]
        self._has_entry = webhook_id is None
        self._integration = integration
        self._at = 0.0
        # Each printer is somewhere else in its print, so that every round has a little of everything.
        self._turns = [prints(printer, phase=printer) for printer in range(printers)]
        self._turn = 0
        self._connected = [prints(self.printers + connection) for connection in range(_MANY)]

    @asynccontextmanager
    async def at_work(self, folder: Path) -> AsyncGenerator[None]:
        """Run Home Assistant, and let it know the printers."""
        components = folder / "custom_components"
        components.mkdir(parents=True)
        for component in (*RIVALS.glob("bench_*"), self._integration):
            (components / component.name).symlink_to(component)
        async with Hass(folder, configuration=self._configuration) as self.hass, ClientSession() as self._session:
            self._url = self._webhook_url(self._webhook_id)
            if self._has_entry:
                await self.probe(add_entry=self._entry())
            for _ in range(max(self.printers, len(PRINT))):
                await self.notify()
            yield

    def _entry(self) -> dict[str, Any]:
        """Return the config entry of any version of the integration; each knows its own part of it."""
        own_url = {"own_url": self.hass.url}
        data = {**ENTRY, **own_url, "base_url": self.hass.url, "cloudhook": False}
        return {"domain": INTEGRATION.name, "data": data, "options": own_url}

    def _webhook_url(self, webhook_id: str) -> str:
        return f"{self.hass.url}/api/webhook/{webhook_id}"

    def _next(self) -> dict[str, Any]:
        """Return the next notification, of the printer whose turn it is; `_at` is when it is due."""
        self._at, body = next(self._turns[self._turn])
        self._turn = (self._turn + 1) % self.printers
        return body

    async def notify(self) -> None:
        """Post the next notification."""
        body = self._next()
        await self.probe(clock=self._at)
        await self._post(self._session, body)

    async def live(self) -> float:
        """Post the next notification, up to which the clock goes on in steps; return the milliseconds of CPU time of these."""
        before, began = Cpu.of(self.hass.pid).process, int(self._at)
        body = self._next()
        for moment in range(began + _TICK, int(self._at), _TICK):
            await self.probe(clock=moment, tick=INTEGRATION.name)
        spent = Cpu.of(self.hass.pid).process - before
        await self.probe(clock=self._at)
        await self._post(self._session, body)
        return spent

    async def react(self) -> float:
        """Post the next notification; return after how many milliseconds an automation acts upon it."""
        body = self._next()
        await self.probe(clock=self._at)
        began = time.monotonic()
        await self._post(self._session, body)
        acted: float = await self.probe(acted=None)
        return 1000 * (acted - began)

    async def _post(self, session: ClientSession, body: Mapping[str, Any]) -> float:
        """Post a notification; return how many milliseconds the answer took. Raises HassError."""
        began = time.perf_counter()
        async with session.post(self._url, json={**body, "SecretKey": ENTRY["secret_key"]}) as response:
            if not response.ok:
                raise HassError(f"{self.name}: a notification was answered {response.status}")
            await response.read()
        return 1000 * (time.perf_counter() - began)

    async def probe(self, **request: Any) -> Any:
        """Have the recorder write down what it has, and ask for something."""
        async with self._session.post(self._webhook_url("bench_probe"), json=request) as response:
            if response.content_type != "application/json":
                raise HassError(f"{self.name}: {', '.join(request)} went wrong; see {self.hass.log}")
            return await response.json()

    async def burst(self, connections: int) -> Burst:
        """Post as fast as is answered, over so many connections, each for a printer of its own."""

        async def post_some(bodies: Iterator[tuple[float, dict[str, Any]]]) -> list[float]:
            async with ClientSession(connector=TCPConnector(limit=1)) as session:
                return [await self._post(session, body) for _, body in islice(bodies, _PER_CONNECTION)]

        began = time.perf_counter()
        posting = await asyncio.gather(*(post_some(bodies) for bodies in self._connected[:connections]))
        seconds = time.perf_counter() - began
        await self.probe()
        answers = [answer for some in posting for answer in some]
        return Burst(per_second=len(answers) / seconds, **vars(Latency.of(answers)))

    async def restart(self) -> Start:
        """Start Home Assistant once more; then, when it has nothing else to do, set up the config entry once more."""
        await self.hass.stop()
        await self.hass.start()
        await asyncio.sleep(_SETTLE_SECONDS)
        cpu, memory = Cpu.of(self.hass.pid).process / 1000, self.hass.memory()
        return Start(cpu=cpu, set_up=await self.probe(set_up=INTEGRATION.name), memory=memory)

    def stored(self) -> dict[Path, tuple[int, int]]:
        """Return when each of the integration's own files was written, and its size."""
        files = (self.hass.folder / ".storage").glob(f"{INTEGRATION.name}.*")
        return {path: ((stat := path.stat()).st_mtime_ns, stat.st_size) for path in files}

    async def written(self) -> float:
        """Return how many kilobytes a print writes to the integration's own files."""
        size, before = 0, self.stored()
        for _ in PRINT:
            await self.notify()
            now = self.stored()
            # What is written after the answer is counted with the next one.
            size += sum(file[1] for path, file in now.items() if before.get(path) != file)
            before = now
        return size / 1024


async def take_turns(
    contestants: list[Contestant], rounds: int, act: Callable[[Contestant], Awaitable[object]]
) -> dict[Contestant, Cpu]:
    """Let them act in turn, each time as often as a print has notifications; return the medians for one act."""
    found: dict[Contestant, list[Cpu]] = {contestant: [] for contestant in contestants}
    for _ in range(rounds):
        for contestant in random.sample(contestants, len(contestants)):
            before = Cpu.of(contestant.hass.pid)
            for _ in PRINT:
                await act(contestant)
            await contestant.probe()
            found[contestant].append((Cpu.of(contestant.hass.pid) - before) / len(PRINT))
    return {contestant: _medians(Cpu, cpus) for contestant, cpus in found.items()}


def _medians[T](kind: type[T], measured: Iterable[T]) -> T:
    """Return the median of each figure."""
    figures = [vars(one) for one in measured]
    return kind(**{name: median(one[name] for one in figures) for name in figures[0]})


def import_milliseconds(folder: Path, rounds: int) -> float:
    """Return the CPU time of importing all modules of the integration, beyond what Home Assistant imports."""
    command = [sys.executable, "-c", _IMPORT, str(folder)]
    runs = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(rounds)]
    return 1000 * median(float(run.stdout) for run in runs)


class Bench:
    """One run."""

    def __init__(self, scale: Scale, other: Path | None) -> None:
        """Choose who takes part."""
        self._scale = scale
        by_hand = f"template: !include {RIVALS / 'by_hand.yaml'}\n"
        self.json = Contestant("JSON read", webhook_id="bench_json")
        self.by_hand = Contestant("YAML by hand", configuration=by_hand, webhook_id="bench_by_hand")
        self.same = Contestant("the same entities, bare", configuration="bench_same:\n", webhook_id="bench_same")
        self.ours = Contestant("this integration")
        self.others = [Contestant("the other version", integration=other)] if other else []
        self.singles = [self.json, self.by_hand, self.same, self.ours, *self.others]
        self.farms = [self.ours, *(Contestant("", printers=number) for number in scale.printers if number > 1)]
        most = scale.printers[-1]
        self.other_farms = [Contestant("", integration=other, printers=most)] if other else []

    async def run(self) -> None:
        """Measure everything."""
        everybody = [*self.singles, *self.farms[1:], *self.other_farms]
        with tempfile.TemporaryDirectory() as folder:
            async with AsyncExitStack() as stack:
                begun = (
                    stack.enter_async_context(contestant.at_work(Path(folder) / str(number)))
                    for number, contestant in enumerate(everybody)
                )
                await asyncio.gather(*begun)
                await self._measure_cpu(everybody)
                await self._measure_lives()
                await self._measure_starts()
                await self._measure_bursts()
                self.reactions = await self._measure_reactions(0, self._scale.reactions)
                self.slow_reactions = await self._measure_reactions(_SLOW_FSYNC, self._scale.slow_reactions)
        self.import_ = import_milliseconds(INTEGRATION, self._scale.starts)

    async def _measure_cpu(self, everybody: list[Contestant]) -> None:
        """Measure what a notification costs, and a durable save alone."""
        rounds = self._scale.rounds
        self.written = {contestant: await contestant.written() for contestant in everybody}
        cpu = await take_turns(everybody, rounds, lambda contestant: contestant.notify())
        self.memory = {contestant: contestant.hass.memory() for contestant in everybody}
        record = json.loads((self.ours.hass.folder / ".storage" / f"{INTEGRATION.name}.printers").read_text())
        # What the probe costs is not the contestants'.
        self._idle = await take_turns(everybody, rounds, lambda contestant: contestant.probe(clock=0))
        save = await take_turns(everybody, rounds, lambda contestant: contestant.probe(clock=0, save=record))
        self.cpu = {contestant: used - self._idle[contestant] for contestant, used in cpu.items()}
        self.save = save[self.json] - self._idle[self.json]

    async def _measure_lives(self) -> None:
        """Measure what a print leaves in the recorder, and what the clock costs between its notifications, in a day with one print."""
        lives = self._scale.lives
        before = {one: Recorded.of(one.hass) for one in self.singles}
        clocks: dict[Contestant, list[float]] = {one: [] for one in self.singles}
        for _ in range(lives):
            for one in random.sample(self.singles, len(self.singles)):
                clocks[one].append(sum([await one.live() for _ in PRINT]))
                await one.probe()
        self.recorded = {one: (Recorded.of(one.hass) - before[one]) / lives for one in self.singles}
        self.clock = {one: median(clocks[one]) - _DAY / _TICK * self._idle[one].process for one in self.singles}

    async def _measure_starts(self) -> None:
        """Measure starts without the integration and with ever more printers."""
        found: dict[Contestant, list[Start]] = {one: [] for one in (self.json, *self.farms, *self.other_farms)}
        for _ in range(self._scale.starts):
            for one, start in zip(found, await asyncio.gather(*(one.restart() for one in found)), strict=True):
                found[one].append(start)
        self.starts = {contestant: _medians(Start, starts) for contestant, starts in found.items()}

    async def _measure_bursts(self) -> None:
        """Measure how quickly is answered what comes at once."""
        self.bursts: dict[tuple[Contestant, int], Burst] = {}
        for connections in (1, _MANY):
            found: dict[Contestant, list[Burst]] = {contestant: [] for contestant in self.singles}
            for _ in range(self._scale.bursts + 1):
                for contestant in random.sample(self.singles, len(self.singles)):
                    found[contestant].append(await contestant.burst(connections))
            # In the first one the printers become known.
            self.bursts |= {(one, connections): _medians(Burst, bursts[1:]) for one, bursts in found.items()}

    async def _measure_reactions(self, fsync: float, rounds: int) -> dict[Contestant, Latency]:
        """Measure how long it takes until an automation acts."""
        found: dict[Contestant, list[float]] = {one: [] for one in self.singles if one is not self.json}
        for one in found:
            await one.probe(automate=fsync)
        for _ in range(rounds):
            for one in random.sample([*found], len(found)):
                found[one] += [await one.react() for _ in PRINT]
        return {one: Latency.of(milliseconds) for one, milliseconds in found.items()}


def report(bench: Bench) -> Iterator[str]:
    """Yield the lines of what was measured."""
    yield from _table("CPU, memory and disk", _comparison(bench))
    yield from _table("More printers", _growth(bench))
    yield from _table("Targets", _targets(bench))
    if bench.others:
        yield from _table("Beside the other version", _beside(bench, bench.others[0], bench.other_farms[0]))


def _table(title: str, rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield a table, the first of whose rows is its head, as people and Markdown read it."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in cells]
    yield from (f"### {title}", "", lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:], "")


def _comparison(bench: Bench) -> Iterator[list[str]]:
    """Yield what each contestant costs with one printer."""
    ours = (bench.ours, *bench.others)

    def row(name: str, figure: Callable[[Contestant], object]) -> list[str]:
        return [name, *(str(figure(one)) for one in bench.singles)]

    yield row("", lambda one: one.name)
    yield row("CPU per notification, ms", lambda one: f"{bench.cpu[one].process:.2f}")
    yield row("of it the event loop, ms", lambda one: f"{bench.cpu[one].loop:.2f}")
    yield row(
        "of it the durable save, measured alone, ms",
        lambda one: f"{bench.save.process:.2f}" if one is bench.ours else "",
    )
    yield row(
        "CPU for the clock between notifications, ms per day",
        lambda one: f"{bench.clock[one]:.0f}" if one in ours else "",
    )
    yield row("rows in the recorder per print", lambda one: f"{bench.recorded[one].rows:.0f}")
    yield row("KB in the recorder per print", lambda one: f"{bench.recorded[one].kilobytes:.0f}")
    yield row("KB of own files written per print", lambda one: f"{bench.written[one]:.0f}")
    yield row("memory of the process, MB", lambda one: f"{bench.memory[one]:.0f}")
    for connections in (1, _MANY):
        bursts = [bench.bursts[one, connections] for one in bench.singles]
        yield [
            f"notifications per second, connections: {connections}",
            *(f"{burst.per_second:.0f}" for burst in bursts),
        ]
        yield ["... answered within, p50 / p99, ms", *map(str, bursts)]
    yield row("an automation acts within, p50 / p99, ms", lambda one: bench.reactions.get(one, ""))
    slow = f"... where a file takes the disk {1000 * _SLOW_FSYNC:.0f} ms longer, p50 / p99, ms"
    yield row(slow, lambda one: bench.slow_reactions.get(one, ""))


def _growth(bench: Bench) -> Iterator[list[str]]:
    """Yield what becomes of the cost with ever more printers."""
    farms = bench.farms
    without = bench.starts[bench.json]

    def row(name: str, nothing: str, figure: Callable[[Contestant], str]) -> list[str]:
        return [name, nothing, *map(figure, farms)]

    yield row("printers", "not installed", lambda one: str(one.printers))
    yield row("CPU per notification, ms", "", lambda one: f"{bench.cpu[one].process:.2f}")
    yield row("of it the event loop, ms", "", lambda one: f"{bench.cpu[one].loop:.2f}")
    yield row("KB of own files written per print", "", lambda one: f"{bench.written[one]:.0f}")
    yield row("start of Home Assistant, s of CPU", f"{without.cpu:.2f}", lambda one: f"{bench.starts[one].cpu:.2f}")
    yield row("setting up the entry, s of CPU", "", lambda one: f"{bench.starts[one].set_up:.2f}")
    yield row(
        "memory after the start, MB",
        f"{without.memory:.0f}",
        lambda one: f"{bench.starts[one].memory:.0f}",
    )


def _target(name: str, target: float, value: float, unit: str = "") -> list[str]:
    """Return what was aimed at and what became of it."""
    return [name, f"{target:g}{unit}", f"{value:.3g}{unit}", "yes" if value <= target else "no"]


def _targets(bench: Bench) -> Iterator[list[str]]:
    """Yield the targets, and whether they were met."""
    ours, same, by_hand, save = bench.ours, bench.same, bench.by_hand, bench.save.process
    cpu, recorded, bursts = bench.cpu, bench.recorded, bench.bursts
    yield ["", "at most", "measured", "met"]
    less = (cpu[ours].process - save) / cpu[same].process
    yield _target(f"CPU per notification, less {save:.2f} ms for the durable save : the same, bare", 1.2, less)
    yield _target("CPU per notification : YAML by hand", 1.15, cpu[ours].process / cpu[by_hand].process)
    yield _target("CPU of the event loop : the same, bare", 1.4, cpu[ours].loop / cpu[same].loop)
    yield _target("KB in the recorder : the same, bare", 1.25, recorded[ours].kilobytes / recorded[same].kilobytes)
    p99 = bursts[ours, _MANY].p99 / bursts[same, _MANY].p99
    yield _target(f"p99 over {_MANY} connections : the same, bare", 2, p99)
    yield _target("p99 until an automation acts", 50, bench.reactions[ours].p99, " ms")
    yield _target("p99 until an automation acts, slow disk", 500, bench.slow_reactions[ours].p99, " ms")
    growth = {100: 1.1, 400: 1.2}
    set_up = {100: 0.5, 400: 2}
    for one in bench.farms[1:]:
        if (count := one.printers) in growth:
            dearer = cpu[one].process / cpu[ours].process
            yield _target(f"CPU per notification, {count} printers : 1", growth[count], dearer)
            yield _target(f"setting up {count} printers", set_up[count], bench.starts[one].set_up, " s")
    most = bench.farms[-1]
    per_printer = 1024 * (bench.starts[most].memory - bench.starts[ours].memory) / (most.printers - 1)
    yield _target("memory per printer", 150, per_printer, " KB")
    yield _target("importing the integration", 50, bench.import_, " ms")


def _beside(bench: Bench, other: Contestant, other_farm: Contestant) -> Iterator[list[str]]:
    """Yield what this version costs beside the other one, whose cost is 1."""
    ours, farm = bench.ours, bench.farms[-1]
    cpu, starts = bench.cpu, bench.starts
    yield ["", "at most", "measured", "met"]
    yield _target("CPU of the event loop per notification", 0.65, cpu[ours].loop / cpu[other].loop)
    yield _target("CPU per notification", 0.85, cpu[ours].process / cpu[other].process)
    p99 = bench.bursts[ours, _MANY].p99 / bench.bursts[other, _MANY].p99
    yield _target(f"p99 over {_MANY} connections", 0.5, p99)
    yield _target(f"setting up {farm.printers} printers", 0.5, starts[farm].set_up / starts[other_farm].set_up)
    yield _target("KB in the recorder", 1, bench.recorded[ours].kilobytes / bench.recorded[other].kilobytes)


def put_into(file: Path, lines: Iterable[str]) -> None:
    """Put the lines into a file, between its two marks. Raises ValueError where it has none."""
    before, begin, rest = file.read_text().partition("<!-- measured -->\n")
    _, end, after = rest.partition("<!-- until here -->\n")
    if not end:
        raise ValueError(f"{file} has no place for the figures")
    file.write_text("".join((before, begin, "\n", *(f"{line}\n" for line in lines), end, after)))


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a minute, to see that it works; its figures say little")
    parser.add_argument(
        "--other",
        type=Path,
        metavar="FOLDER",
        help="another version of custom_components/octoeverywhere to compare with",
    )
    parser.add_argument("--into", type=Path, metavar="FILE", help="put the tables into this file: docs/performance.md")
    arguments = parser.parse_args()
    bench = Bench(QUICK if arguments.quick else FULL, arguments.other and arguments.other.resolve())
    began = time.monotonic()
    asyncio.run(bench.run())
    lines = [*report(bench)]
    print("\n".join(lines))
    print(f"Measured in {time.monotonic() - began:.0f} s.")
    if arguments.into:
        put_into(arguments.into, lines)


if __name__ == "__main__":
    main()
