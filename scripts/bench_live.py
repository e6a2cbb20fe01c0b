"""What a live connection costs, beside Home Assistant's own integration of OctoPrint.

A print of 20 hours is told by one simulated printer to both: to this integration by way of OctoEverywhere, each 15 s, and to the
other one directly, at its own pace, each 30 s. What counts is CPU time, and its ratios.
"""

import argparse
import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
import random
import sys
import tempfile
from typing import Any, Final

from aiohttp import web
from bench import CONFIGURATION, ENTRY, RIVALS, Cpu, Recorded
from hass_process import INTEGRATION, Hass, HassError

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.fake_plugin_api import FakePluginApi, RelayedPrinter

RELAY: Final = Path(__file__).parent / "demo_home" / "custom_components" / "relay"
PRINTER_ID: Final = "bench-printer"

_PRINT: Final = 20 * 60 * 60
"""Seconds."""
_OURS: Final = 15
_THEIRS: Final = 30
_STILL: Final = 400
"""Polls that change nothing."""
_JITTER: Final = 0.25
"""Degrees by which a thermometer is off, more or less, from one look to the next."""


class Printer:
    """One printer, as OctoEverywhere's plugin and as OctoPrint itself tell of it."""

    def __init__(self, relayed: RelayedPrinter) -> None:
        """Let its thermometers be as restless as they are in life."""
        self.relayed = relayed
        self.is_still = False
        temps: Callable[[], dict[str, float]] = relayed._temps  # noqa: SLF001 - there is no restless one
        self._random = random.Random(0)

        def restless() -> dict[str, float]:
            return {name: self._read(name, value) for name, value in temps().items()}

        vars(relayed)["_temps"] = restless

    def _read(self, name: str, value: float) -> float:
        is_off = name.endswith("Actual") and value and not self.is_still
        return round(value + self._random.gauss(0, _JITTER), 2) if is_off else value

    @asynccontextmanager
    async def as_octoprint(self) -> AsyncGenerator[int]:
        """Serve what OctoPrint says; yield the port."""
        application = web.Application()
        application.router.add_get("/api/job", self._job)
        application.router.add_get("/api/printer", self._printer)
        application.router.add_get("/api/settings", self._settings)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield runner.addresses[0][1]
        await runner.cleanup()

    def _status(self) -> dict[str, Any]:
        job: dict[str, Any] = self.relayed.status()["Result"]["JobStatus"]
        return job

    async def _job(self, _: web.Request) -> web.Response:
        job = self._status()
        current = job["CurrentPrint"]
        return web.json_response(
            {
                "job": {"file": {"name": current["FileName"], "origin": "local", "size": 7654321}},
                "progress": {
                    "completion": current["Progress"],
                    "printTime": current["DurationSec"],
                    "printTimeLeft": current["TimeLeftSec"],
                },
                "state": "Printing" if job["State"] == "printing" else "Operational",
            }
        )

    async def _printer(self, _: web.Request) -> web.Response:
        job = self._status()
        temps = job["CurrentPrint"]["Temps"]
        is_printing = job["State"] in ("warmingup", "printing")
        return web.json_response(
            {
                "temperature": {
                    "tool0": {"actual": temps["HotendActual"], "target": temps["HotendTarget"], "offset": 0},
                    "bed": {"actual": temps["BedActual"], "target": temps["BedTarget"], "offset": 0},
                },
                "state": {
                    "text": "Printing" if is_printing else "Operational",
                    "flags": {"operational": True, "printing": is_printing, "ready": not is_printing, "error": False},
                },
            }
        )

    async def _settings(self, _: web.Request) -> web.Response:
        return web.json_response({"plugins": {}})


class Side:
    """An integration that asks the printer, in a Home Assistant of its own."""

    def __init__(self, hass: Hass, domain: str, pace: int) -> None:
        """Ask each so many seconds."""
        self.hass = hass
        self._domain = domain
        self.pace = pace

    async def probe(self, **request: Any) -> Any:
        """Have the recorder write down what it has, and ask for something."""
        async with self.hass.session.post(f"{self.hass.url}/api/webhook/bench_probe", json=request) as response:
            if response.content_type != "application/json":
                raise HassError(f"{self._domain}: {', '.join(request)} went wrong; see {self.hass.log}")
            return await response.json()

    async def poll(self, moment: float) -> None:
        """Look at the printer at a moment."""
        await self.probe(clock=moment, look=self._domain)


class Bench:
    """One run."""

    def __init__(self, seconds: int, still: int) -> None:
        """Choose how long the print takes, and how many polls that change nothing are measured."""
        self._seconds = seconds
        self._still = still
        self._moment = 0.0

    async def run(self) -> dict[str, float]:
        """Return the figures."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            fake = await stack.enter_async_context(FakePluginApi(clock=lambda: 1_800_000_000 + self._moment))
            fake.pace = None
            printer = Printer(fake.add("octoprint"))
            port = await stack.enter_async_context(printer.as_octoprint())
            ours, theirs = await asyncio.gather(
                self._begin(stack, folder / "ours", INTEGRATION.name, _OURS, fake),
                self._begin(stack, folder / "theirs", "octoprint", _THEIRS, fake),
            )
            await ours.probe(add_entry=self._our_entry(ours.hass, printer.relayed.url))
            await theirs.probe(add_entry=self._their_entry(port))
            await self._tell(ours.hass)
            return await self._measure(printer, ours, theirs)

    async def _begin(self, stack: AsyncExitStack, folder: Path, domain: str, pace: int, fake: FakePluginApi) -> Side:
        components = folder / "custom_components"
        components.mkdir(parents=True)
        for component in (RIVALS / "bench_probe", INTEGRATION, RELAY):
            (components / component.name).symlink_to(component)
        configuration = f"{CONFIGURATION}relay:\n  port: {fake.port}\n"
        hass = Hass(folder, configuration=configuration, environment=fake.environment)
        return Side(await stack.enter_async_context(hass), domain, pace)

    def _our_entry(self, hass: Hass, url: str) -> dict[str, Any]:
        connection = {
            "data": {"printer_id": PRINTER_ID, "url": url},
            "subentry_type": "live",
            "title": "Ender",
            "unique_id": PRINTER_ID,
        }
        data = {**ENTRY, "own_url": hass.url, "base_url": hass.url}
        return {"domain": INTEGRATION.name, "data": data, "options": {}, "subentries_data": [connection]}

    def _their_entry(self, port: int) -> dict[str, Any]:
        data = {
            "api_key": "key",
            "host": "127.0.0.1",
            "name": "OctoPrint",
            "path": "/",
            "port": port,
            "ssl": False,
            "username": "user",
            "verify_ssl": True,
        }
        return {"domain": "octoprint", "data": data, "options": {}, "unique_id": "octoprint"}

    async def _tell(self, hass: Hass) -> None:
        """Let this integration know the printer, as its first notification does."""
        body = {"PrinterId": PRINTER_ID, "PrinterName": "Ender", "EventType": 12, "SecretKey": ENTRY["secret_key"]}
        async with hass.session.post(f"{hass.url}/api/webhook/{ENTRY['webhook_id']}", json=body) as response:
            response.raise_for_status()

    async def _measure(self, printer: Printer, ours: Side, theirs: Side) -> dict[str, float]:
        for side in (ours, theirs):
            await side.poll(self._moment)
        printer.relayed.start("a_long_print.gcode", self._seconds, None)
        sides = (ours, theirs)
        recorded = [Recorded.of(side.hass) for side in sides]
        cpus = [Cpu.of(side.hass.pid) for side in sides]
        polls = dict.fromkeys(sides, 0)
        while self._moment < self._seconds + 600:
            self._moment += _OURS
            for side in sides:
                if self._moment % side.pace == 0:
                    await side.poll(self._moment)
                    polls[side] += 1
        spent = [Cpu.of(side.hass.pid) - cpu for side, cpu in zip(sides, cpus, strict=True)]
        kept = [Recorded.of(side.hass) - before for side, before in zip(sides, recorded, strict=True)]
        printer.is_still = True
        idle = [await self._repeated(side, "clock") for side in sides]
        still = [await self._repeated(side, "poll") for side in sides]
        # What the probe costs is not theirs.
        cpu = [
            one.process - polls[side] * nothing.process for one, nothing, side in zip(spent, idle, sides, strict=True)
        ]
        return {
            "KB in the recorder, ours": kept[0].kilobytes,
            "KB in the recorder, OctoPrint's": kept[1].kilobytes,
            "rows, ours": kept[0].rows,
            "rows, OctoPrint's": kept[1].rows,
            "CPU, ours, s": cpu[0] / 1000,
            "CPU, OctoPrint's, s": cpu[1] / 1000,
            "event loop of a poll that changes nothing, ours, ms": still[0].loop - idle[0].loop,
            "event loop of a poll that changes nothing, OctoPrint's, ms": still[1].loop - idle[1].loop,
        }

    async def _repeated(self, side: Side, act: str) -> Cpu:
        """Return what it costs, on average, to look at a printer that does nothing, or only to be asked."""
        before = Cpu.of(side.hass.pid)
        for _ in range(self._still):
            await (side.poll(self._moment) if act == "poll" else side.probe(clock=self._moment))
        return (Cpu.of(side.hass.pid) - before) / self._still


def report(figures: dict[str, float]) -> Iterator[str]:
    """Yield the lines of what was measured."""
    ratios = {"KB in the recorder": 0.6, "CPU": 1.0, "event loop of a poll that changes nothing": 0.5}
    for name, value in figures.items():
        yield f"{name}: {value:.2f}"
    for name, target in ratios.items():
        ours, theirs = (value for known, value in figures.items() if known.startswith(name))
        yield f"{name}: {ours / theirs:.2f} of OctoPrint's, at most {target:g} aimed at"


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/bench --live", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short print, to see that it works")
    arguments = parser.parse_args()
    bench = Bench(600, 20) if arguments.quick else Bench(_PRINT, _STILL)
    print("\n".join(report(asyncio.run(bench.run()))))


if __name__ == "__main__":
    main()
