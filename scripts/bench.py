"""What the integration costs on a real Home Assistant, beside YAML by hand and three ways to do less.

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

# The recorder writes when it is told to: once per notification, as in life, where they are minutes apart.
CONFIGURATION: Final = f"{WITHOUT_FRONTEND}recorder:\n  commit_interval: 3600\n  auto_purge: false\nbench_probe:\n"

_DAY: Final = 24 * 60 * 60
_MANY: Final = 16
"""Connections."""
_PER_CONNECTION: Final = 8
_SETTLE_SECONDS: Final = 3

# What Home Assistant imports anyway, or imports for the kinds of entities that it is asked for, is not ours.
_IMPORT: Final = """
import importlib, pathlib, sys, time
import homeassistant.bootstrap
from homeassistant.components import binary_sensor, calendar, device_automation, diagnostics, event, http, image
from homeassistant.components import recorder, repairs, sensor, webhook
from homeassistant.components.homeassistant.triggers import event as event_trigger
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
    bursts: int
    """How often each is posted to as fast as it answers."""
    starts: int


FULL: Final = Scale(printers=(1, 10, 100, 400), rounds=25, bursts=9, starts=3)
QUICK: Final = Scale(printers=(1, 10), rounds=2, bursts=2, starts=1)


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
        """Look into it."""
        with sqlite3.connect(f"file:{hass.folder / 'home-assistant_v2.db'}?mode=ro", uri=True) as database:

            def number(query: str) -> int:
                return int(database.execute(query).fetchone()[0])

            tables = ("states", "state_attributes", "events", "event_data")
            rows = sum(number(f"SELECT COUNT(*) FROM {table}") for table in tables)  # noqa: S608 - ours
            return cls(rows=rows, kilobytes=number("PRAGMA page_count") * number("PRAGMA page_size") / 1024)


@dataclass(frozen=True, kw_only=True)
class Burst:
    """How quickly notifications were answered that came at once."""

    per_second: float
    p50: float
    """Milliseconds."""
    p99: float


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
        self._webhook_id = webhook_id
        self._integration = integration
        self._secret_key = ""
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
            await self._open()
            for _ in range(max(self.printers, len(PRINT))):
                await self.notify()
            yield

    async def _open(self) -> None:
        """Find out where to post to."""
        if self._webhook_id is None:
            webhook = await self.hass.add_integration()
            self._url, self._secret_key = webhook.url, webhook.secret_key
        else:
            self._url = self._webhook_url(self._webhook_id)

    def _webhook_url(self, webhook_id: str) -> str:
        return f"{self.hass.url}/api/webhook/{webhook_id}"

    async def notify(self) -> None:
        """Post the next notification, of the printer whose turn it is, when it is due."""
        at, body = next(self._turns[self._turn])
        self._turn = (self._turn + 1) % self.printers
        await self.probe(clock=at)
        await self._post(self._session, body)

    async def _post(self, session: ClientSession, body: Mapping[str, Any]) -> float:
        """Post a notification; return how many milliseconds the answer took. Raises HassError."""
        began = time.perf_counter()
        async with session.post(self._url, json={**body, "SecretKey": self._secret_key}) as response:
            if not response.ok:
                raise HassError(f"{self.name}: a notification was answered {response.status}")
            await response.read()
        return 1000 * (time.perf_counter() - began)

    async def probe(self, **request: Any) -> Any:
        """Have the recorder write down what it has, and ask for something."""
        async with self._session.post(self._webhook_url("bench_probe"), json=request) as response:
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
        percentiles = quantiles(answers, n=100, method="inclusive")
        return Burst(per_second=len(answers) / seconds, p50=percentiles[49], p99=percentiles[98])

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
        size = 0
        for _ in PRINT:
            before = self.stored()
            await self.notify()
            size += sum(now[1] for path, now in self.stored().items() if before.get(path) != now)
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
        self.plain = Contestant(
            "plain entities", configuration="sensor:\n  - platform: bench_plain\n", webhook_id="bench_plain"
        )
        self.same = Contestant("the same entities, bare", configuration="bench_same:\n", webhook_id="bench_same")
        self.ours = Contestant("this integration")
        self.others = [Contestant("the other version", integration=other)] if other else []
        self.singles = [self.json, self.by_hand, self.plain, self.same, self.ours, *self.others]
        self.farms = [self.ours, *(Contestant("", printers=number) for number in scale.printers if number > 1)]

    async def run(self) -> None:
        """Measure everything."""
        everybody = [*self.singles, *self.farms[1:]]
        with tempfile.TemporaryDirectory() as folder:
            async with AsyncExitStack() as stack:
                begun = (
                    stack.enter_async_context(contestant.at_work(Path(folder) / str(number)))
                    for number, contestant in enumerate(everybody)
                )
                await asyncio.gather(*begun)
                await self._measure_cpu(everybody)
                await self._measure_starts()
                await self._measure_bursts()
        self.import_ = import_milliseconds(INTEGRATION, self._scale.starts)

    async def _measure_cpu(self, everybody: list[Contestant]) -> None:
        """Measure what a notification costs, and what the recorder and the store make of it."""
        scale = self._scale
        self.written = {contestant: await contestant.written() for contestant in everybody}
        before = {contestant: Recorded.of(contestant.hass) for contestant in everybody}
        cpu = await take_turns(everybody, scale.rounds, lambda contestant: contestant.notify())
        self.recorded = {
            contestant: Recorded(
                rows=(now.rows - before[contestant].rows) / scale.rounds,
                kilobytes=(now.kilobytes - before[contestant].kilobytes) / scale.rounds,
            )
            for contestant in everybody
            if (now := Recorded.of(contestant.hass))
        }
        self.memory = {contestant: contestant.hass.memory() for contestant in everybody}
        # What the probe costs is not the contestants'.
        record = json.loads(max(self.ours.stored(), key=lambda path: path.stat().st_mtime_ns).read_text())
        idle = await take_turns(everybody, scale.rounds, lambda contestant: contestant.probe(clock=0))
        save = await take_turns(everybody, scale.rounds, lambda contestant: contestant.probe(clock=0, save=record))
        self.cpu = {contestant: used - idle[contestant] for contestant, used in cpu.items()}
        self.save = save[self.json] - idle[self.json]

    async def _measure_starts(self) -> None:
        """Measure starts without the integration and with ever more printers."""
        found: dict[Contestant, list[Start]] = {contestant: [] for contestant in (self.json, *self.farms)}
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


def report(bench: Bench) -> Iterator[str]:
    """Yield the lines of what was measured."""
    yield from _table("CPU, memory and disk", _comparison(bench))
    yield from _table("More printers", _growth(bench))
    yield from _table("Targets", _targets(bench))


def _table(title: str, rows: Iterable[list[str]]) -> Iterator[str]:
    """Yield a table, the first of whose rows is its head, as people and Markdown read it."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [f"| {' | '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))} |" for row in cells]
    yield from (f"### {title}", "", lines[0], f"|{'|'.join('-' * (width + 2) for width in widths)}|", *lines[1:], "")


def _comparison(bench: Bench) -> Iterator[list[str]]:
    """Yield what each contestant costs with one printer."""
    save, ours = bench.save.process, (bench.ours, *bench.others)

    def row(name: str, figure: Callable[[Contestant], str]) -> list[str]:
        return [name, *map(figure, bench.singles)]

    yield row("", lambda one: one.name)
    yield row("CPU per notification, ms", lambda one: f"{bench.cpu[one].process:.2f}")
    yield row("... as a share of YAML by hand", lambda one: f"{_share(bench, one):.2f}")
    yield row("of it the event loop, ms", lambda one: f"{bench.cpu[one].loop:.2f}")
    yield row("... as a share of YAML by hand", lambda one: f"{_loop_share(bench, one):.2f}")
    yield row("of it the durable save, measured alone, ms", lambda one: f"{save:.2f}" if one in ours else "")
    yield row("rows in the recorder per print", lambda one: f"{bench.recorded[one].rows:.0f}")
    yield row("KB in the recorder per print", lambda one: f"{bench.recorded[one].kilobytes:.0f}")
    yield row("KB of own files written per print", lambda one: f"{bench.written[one]:.0f}")
    yield row("memory of the process, MB", lambda one: f"{bench.memory[one]:.0f}")
    yield row("notifications per second over 1 connection", lambda one: f"{bench.bursts[one, 1].per_second:.0f}")
    yield row("... answered within, p50 / p99, ms", lambda one: _latency(bench.bursts[one, 1]))
    yield row(
        f"notifications per second over {_MANY} connections", lambda one: f"{bench.bursts[one, _MANY].per_second:.0f}"
    )
    yield row("... answered within, p50 / p99, ms", lambda one: _latency(bench.bursts[one, _MANY]))


def _latency(burst: Burst) -> str:
    return f"{burst.p50:.1f} / {burst.p99:.1f}"


def _share(bench: Bench, one: Contestant) -> float:
    return bench.cpu[one].process / bench.cpu[bench.by_hand].process


def _loop_share(bench: Bench, one: Contestant) -> float:
    return bench.cpu[one].loop / bench.cpu[bench.by_hand].loop


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


def _targets(bench: Bench) -> Iterator[list[str]]:
    """Yield what was aimed at and what became of it."""
    ours, by_hand, plain = bench.ours, bench.by_hand, bench.plain

    def row(name: str, target: float, value: float, unit: str = "") -> list[str]:
        return [name, f"{target:g}{unit}", f"{value:.3g}{unit}", "yes" if value <= target else "no"]

    def cost(one: Contestant) -> float:
        return bench.cpu[one].process

    yield ["", "at most", "measured", "met"]
    yield row("CPU per notification : YAML by hand", 0.7, _share(bench, ours))
    yield row(
        f"CPU per notification, less {bench.save.process:.2f} ms for the durable save : plain entities",
        1.1,
        (cost(ours) - bench.save.process) / cost(plain),
    )
    yield row("CPU of the event loop : YAML by hand", 0.3, _loop_share(bench, ours))
    yield row(
        "KB in the recorder : YAML by hand", 0.8, bench.recorded[ours].kilobytes / bench.recorded[by_hand].kilobytes
    )
    yield row(
        f"p99 over {_MANY} connections : p50 of YAML by hand",
        1,
        bench.bursts[ours, _MANY].p99 / bench.bursts[by_hand, _MANY].p50,
    )
    growth = {100: 1.1, 400: 1.2}
    set_up = {100: 0.5, 400: 2}
    for one in bench.farms[1:]:
        if one.printers in growth:
            yield row(
                f"CPU per notification, {one.printers} printers : 1", growth[one.printers], cost(one) / cost(ours)
            )
            yield row(f"setting up {one.printers} printers", set_up[one.printers], bench.starts[one].set_up, " s")
    most = bench.farms[-1]
    per_printer = 1024 * (bench.starts[most].memory - bench.starts[ours].memory) / (most.printers - 1)
    yield row("memory per printer", 150, per_printer, " KB")
    yield row("importing the integration", 50, bench.import_, " ms")


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
    arguments = parser.parse_args()
    bench = Bench(QUICK if arguments.quick else FULL, arguments.other and arguments.other.resolve())
    began = time.monotonic()
    asyncio.run(bench.run())
    print("\n".join(report(bench)))
    print(f"Measured in {time.monotonic() - began:.0f} s.")


if __name__ == "__main__":
    main()
