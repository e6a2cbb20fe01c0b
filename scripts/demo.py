"""The integration's main job on a real Home Assistant: two printers print, and this shows what Home Assistant makes of it."""

import argparse
import asyncio
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
import random
import shutil
import signal
import socket
import sys
from typing import Any, Final

from hass_process import WITH_FRONTEND, Hass, Webhook, WebSocket
from simulator import PRINTS, Print, Printer, Step, play, run

FOLDER: Final = Path(__file__).parent.parent / ".cache" / "demo-home"
PRINTERS: Final = {
    Printer(printer_id="demo-mk4", name="Prusa MK4"): PRINTS["smooth"],
    Printer(printer_id="demo-x1", name="Bambu X1"): PRINTS["troubled"],
}
# What a print that went to its end leaves behind.
EXPECTED: Final = {
    "status": "complete",
    "progress": "100",
    "time_remaining": "0.0",
    "attention": "none",
    "error_message": "unknown",
    "printing": "off",
    "attention_required": "off",
}
SECONDS_ONCE: Final = 45
SECONDS: Final = 300
_BAR: Final = 24
_DOMAIN: Final = "octoeverywhere"


@dataclass
class View:
    """What Home Assistant holds, as its websocket API tells it."""

    is_terminal: bool
    states: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    """Printer's name -> entity's key -> state."""
    events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Printer's name -> the types of its events, in order."""
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Entity id -> printer's name and entity's key."""
    _lines: int = 0

    async def follow(self, websocket: WebSocket) -> None:
        """Show what happens until cancelled."""
        async for event in await websocket.subscribe("subscribe_events"):
            if event["event_type"].startswith(f"{_DOMAIN}_"):
                self._on_notification(event["data"])
            elif event["event_type"] == "entity_registry_updated":
                await self.learn(websocket)
            elif event["event_type"] == "state_changed" and event["data"]["entity_id"] in self.keys:
                printer, key = self.keys[event["data"]["entity_id"]]
                self.states[printer][key] = (event["data"]["new_state"] or {}).get("state", "gone")
                self._draw()

    async def learn(self, websocket: WebSocket) -> None:
        """Find out which entity is what, and its state."""
        devices = {device["id"]: device for device in await websocket.call("config/device_registry/list")}
        for entity in await websocket.call("config/entity_registry/list"):
            if entity["platform"] == _DOMAIN:
                printer = devices[entity["device_id"]]["name"]
                self.keys[entity["entity_id"]] = printer, entity["translation_key"]
        for state in await websocket.call("get_states"):
            if state["entity_id"] in self.keys:
                printer, key = self.keys[state["entity_id"]]
                self.states[printer][key] = state["state"]

    def _on_notification(self, data: dict[str, Any]) -> None:
        """Tell of an event."""
        self.events[data["printer_name"]].append(data["type"])
        error = f": {data['error']}" if data["error"] else ""
        self.say(f"  {data['printer_name']:10}  {_DOMAIN}_{data['type']}{error}")
        if not self.is_terminal:
            self.say(self._line(data["printer_name"]))

    def _line(self, printer: str) -> str:
        """Return how the printer is, in one line."""
        states = self.states[printer]
        progress = states.get("progress", "")
        done = int(float(progress) * _BAR / 100) if progress.isdigit() else 0
        layers = f"{_known(states, 'current_layer')}/{_known(states, 'total_layers')}"
        attention = "" if states.get("attention") == "none" else f"  ! {states.get('attention')}"
        return (
            f"{printer:10}  {_known(states, 'status'):9} [{'#' * done:.<{_BAR}}] {_known(states, 'progress'):>3} %"
            f"  layer {layers:>9}  {_clock(states.get('time_remaining', '')):>9} left{attention}"
        )

    def say(self, line: str) -> None:
        """Print a line above the printers."""
        self._erase()
        print(line, flush=True)
        self._draw()

    def _draw(self) -> None:
        """Print the printers anew, where a terminal lets us."""
        if self.is_terminal:
            self._erase()
            for printer in self.states:
                print(self._line(printer))
            self._lines = len(self.states)
            sys.stdout.flush()

    def _erase(self) -> None:
        """Take the printers away again."""
        if self._lines:
            sys.stdout.write(f"\x1b[{self._lines}F\x1b[J")
            self._lines = 0


def _known(states: dict[str, str], key: str) -> str:
    """Return a state, or a dash for none."""
    return {"unknown": "-"}.get(state := states.get(key, "-"), state)


def _clock(hours: str) -> str:
    """Return a duration as hours and minutes."""
    minutes = _minutes(hours)
    return "-" if minutes is None else f"{minutes // 60}:{minutes % 60:02} h"


def _minutes(hours: str) -> int | None:
    """Return how many minutes a state in hours stands for."""
    try:
        return round(float(hours) * 60)
    except ValueError:
        return None


async def print_all(view: View, webhook: Webhook, within: float) -> list[list[Step]]:
    """Let every printer print; return what was posted."""

    def check(step: Step, status: int) -> None:
        if status != 200:
            view.say(f"  {step.body['PrinterName']}: EventType {step.body['EventType']} was answered {status}")

    chance = random.Random()
    prints = [list(play(printer, print_, chance)) for printer, print_ in PRINTERS.items()]
    longest = max(steps[-1].at for steps in prints)
    await asyncio.gather(
        *(
            run(steps, webhook.url, secret=webhook.secret_key, within=within * steps[-1].at / longest, on_answer=check)
            for steps in prints
        )
    )
    return prints


def summarize(view: View, prints: list[list[Step]]) -> bool:
    """Print a table; return whether Home Assistant holds what the prints should have led to."""
    wrong: list[str] = []
    print(f"\n{'printer':12}{'status':10}{'progress':>9}{'layers':>10}{'events':>8}  file")
    for (printer, print_), steps in zip(PRINTERS.items(), prints, strict=True):
        states = view.states[printer.name]
        layers = f"{states.get('current_layer')}/{states.get('total_layers')}"
        events = view.events[printer.name]
        print(
            f"{printer.name:12}{states.get('status', '-'):10}{states.get('progress', '-'):>7} %{layers:>10}"
            f"{len(events):>8}  {states.get('file_name')}"
        )
        wrong += [
            f"{printer.name}: {key} is {states.get(key)}, not {expected}"
            for key, expected in (EXPECTED | _expected(print_)).items()
            if states.get(key) != expected
        ]
        if _minutes(states["print_duration"]) != round(print_.seconds / 60):
            wrong.append(f"{printer.name}: it printed for {_clock(states['print_duration'])}")
        if len(events) != len(steps):
            wrong.append(f"{printer.name}: {len(events)} events for {len(steps)} notifications")
    print("\n".join(wrong) or "Home Assistant holds what the prints should have led to.", flush=True)
    return not wrong


def _expected(print_: Print) -> dict[str, str]:
    """Return the states that depend on the print."""
    return {
        "file_name": print_.file_name,
        "current_layer": str(print_.layers),
        "total_layers": str(print_.layers),
    }


async def demo(*, once: bool) -> bool:
    """Start Home Assistant, print, and show. Returns whether all is as it should be."""
    if FOLDER.exists():
        await asyncio.to_thread(shutil.rmtree, FOLDER)
    FOLDER.mkdir(parents=True)
    view = View(is_terminal=sys.stdout.isatty())
    view.say("Starting Home Assistant (the first time it installs what its frontend needs: a minute or two)")
    async with Hass(FOLDER, port=_default_port(), configuration=WITH_FRONTEND) as hass, hass.websocket() as websocket:
        webhook = await hass.add_integration()
        view.say(f"\nHome Assistant: {hass.url}   name: {hass.user}   password: {hass.password}")
        view.say(f"Webhook:        {webhook.url}\nSecret key:     {webhook.secret_key}\n")
        following = asyncio.create_task(view.follow(websocket))
        while True:
            prints = await print_all(view, webhook, SECONDS_ONCE if once else SECONDS)
            # Its answer comes after all events of what was posted.
            await view.learn(websocket)
            if once:
                following.cancel()
                return summarize(view, prints)
            view.say("Both prints are over; the next ones begin. Ctrl-C ends the demo.")


def _default_port() -> int | None:
    """Return Home Assistant's own port where it is free, for an address that people know."""
    port = 8123
    with socket.socket() as probe, suppress(OSError):
        probe.bind(("127.0.0.1", port))
        return port
    return None


async def _until_ended(*, once: bool) -> bool:
    """Run the demo; a termination ends it as Ctrl-C does, and with it what it started."""
    task = asyncio.ensure_future(demo(once=once))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="end when both prints are over; 0 if all is as it should be"
    )
    arguments = parser.parse_args()
    try:
        return 0 if asyncio.run(_until_ended(once=arguments.once)) else 1
    except KeyboardInterrupt, asyncio.CancelledError:
        return 130


if __name__ == "__main__":
    sys.exit(main())
