"""Pull the plug: whatever Home Assistant has answered 200 must be there when it comes back.

Each round posts notifications to a real Home Assistant, kills it the moment the last one is answered, starts it again and
compares what it holds with what the notifications mean, computed here.
"""

import argparse
import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
import random
import sys
import tempfile
from typing import Any

from aiohttp import ClientSession
from hass_process import Hass, Webhook
from simulator import PRINTS, Printer, play, send

from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import PrinterState, reduce


@dataclass
class Expected:
    """What Home Assistant must hold of a printer."""

    state: PrinterState = field(default_factory=PrinterState)
    newest: str = "unknown"
    """The type that was announced last."""

    def differences(self, states: dict[str, dict[str, Any]]) -> list[str]:
        """Compare with the printer's entities, by their keys."""
        expected = {
            "status": self.state.status,
            "progress": self.state.progress,
            "current_layer": self.state.current_layer,
            "total_layers": self.state.total_layers,
            "time_remaining": self.state.time_remaining,
            "print_duration": self.state.duration,
            "file_name": self.state.file_name,
            "attention": self.state.attention,
            "error_message": self.state.error_message,
        }
        found = {key: states.get(key, {"state": "missing"})["state"] for key in expected}
        for key in ("time_remaining", "print_duration"):
            found[key] = _seconds(found[key])
        differences = [
            f"{key} is {found[key]}, not {value}"
            for key, value in expected.items()
            if found[key] != ("unknown" if value is None else str(value))
        ]
        newest = states.get("notification", {"attributes": {}})["attributes"].get("event_type")
        if newest != self.newest:
            differences.append(f"the newest notification is {newest}, not {self.newest}")
        return differences


def _seconds(state: str) -> str:
    """Return what a duration is that is shown in hours."""
    return state if state in ("unknown", "missing") else str(round(float(state) * 3600))


def _bodies(printer: Printer, chance: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the bodies of one print after the other."""
    for print_ in cycle(PRINTS.values()):
        yield from (dict(step.body) for step in play(printer, print_, chance))


async def _states(hass: Hass) -> dict[str, dict[str, dict[str, Any]]]:
    """Return printer's id -> entity's key -> state, of what the integration has."""
    async with hass.websocket() as websocket:
        entities = {
            entity["entity_id"]: (
                entity["unique_id"].removesuffix(f"_{entity['translation_key']}"),
                entity["translation_key"],
            )
            for entity in await websocket.call("config/entity_registry/list")
            if entity["platform"] == "octoeverywhere"
        }
        printers: dict[str, dict[str, dict[str, Any]]] = {}
        for state in await websocket.call("get_states"):
            if state["entity_id"] in entities:
                printer, key = entities[state["entity_id"]]
                printers.setdefault(printer, {})[key] = state
        return printers


async def _post(webhook: Webhook, body: dict[str, Any], expected: dict[str, Expected]) -> None:
    """Post a notification, wait for the 200, and take note of what follows from it."""
    async with ClientSession() as session:
        status = await send(session, webhook.url, body, webhook.secret_key)
    assert status == 200, f"answered {status}"
    notification = Notification.from_payload(body)
    printer = expected.setdefault(notification.printer_id, Expected())
    printer.state = reduce(printer.state, notification, datetime.now(UTC))
    printer.newest = notification.type


async def crash(rounds: int, seed: int) -> list[str]:
    """Run the rounds; return what was lost or wrong."""
    chance = random.Random(seed)
    expected: dict[str, Expected] = {}
    failures: list[str] = []
    streams: list[Iterator[dict[str, Any]]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with Hass(Path(folder)) as hass:
            webhook = await hass.add_integration()
            # Home Assistant itself writes the entry and the user a little later.
            await hass.stop()
            await hass.start()
            for number in range(rounds):
                if number % 4 == 0:  # a printer that Home Assistant has not heard of
                    printer = Printer(printer_id=f"crash-{number}", name=f"Crash {number}")
                    streams.append(_bodies(printer, chance))
                    chosen = streams[-1:]
                else:
                    chosen = chance.choices(streams, k=chance.randint(1, 4))
                for stream in chosen:
                    await _post(webhook, next(stream), expected)
                await hass.kill()
                killed_at = datetime.now(UTC)
                await hass.start()
                found = await _states(hass)
                for printer_id, printer_expected in expected.items():
                    states = found.get(printer_id, {})
                    wrong = printer_expected.differences(states)
                    if not wrong and datetime.fromisoformat(states["notification"]["state"]) > killed_at:
                        wrong.append("its newest notification was announced again")
                    failures += [f"round {number}: {printer_id}: {problem}" for problem in wrong]
    return failures


async def crash_in_parallel(rounds: int, workers: int, seed: int) -> list[str]:
    """Share the rounds between so many Home Assistants."""
    shares = [rounds // workers + (worker < rounds % workers) for worker in range(workers)]
    results = await asyncio.gather(*(crash(share, seed + worker) for worker, share in enumerate(shares)))
    return [failure for failures in results for failure in failures]


def main() -> int:
    """Read the command line and say what was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2, help="Home Assistants side by side")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    arguments = parser.parse_args()
    failures = asyncio.run(crash_in_parallel(arguments.rounds, arguments.workers, arguments.seed))
    for failure in failures:
        print(failure)
    print(f"{arguments.rounds} crashes, {len(failures)} failures (seed {arguments.seed})")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
