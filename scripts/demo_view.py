"""What the demo shows: the printers as Home Assistant holds them, and the events that it fires."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from hass_process import WebSocket
from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

DOMAIN: Final = "octoeverywhere"
# Of a terminal. No wider where there is room: what is printed would wrap when the window is made smaller.
_WIDTH: Final = 60
_NAME_COLUMN: Final = 10
_INDENT: Final = 12
_COLOURS: Final = {
    "preparing": "cyan",
    "printing": "cyan",
    "paused": "yellow",
    "complete": "green",
    "error": "red",
    "failed": "red",
}


class View:
    """What Home Assistant holds, as its websocket API tells it: live on a terminal, in plain lines elsewhere."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self.console = Console(highlight=False)
        self.states: dict[str, dict[str, str]] = defaultdict(dict)
        """Printer's name -> entity's key -> state."""
        self.events: dict[str, list[dict[str, Any]]] = defaultdict(list)
        """Printer's name -> its events, in order."""
        self.warmest: dict[str, float] = defaultdict(float)
        """Printer's name -> the highest temperature of its nozzle."""
        self.keys: dict[str, tuple[str, str]] = {}
        """Entity id -> printer's name and entity's key."""

    async def follow(self, websocket: WebSocket) -> None:
        """Take over what happens until cancelled."""
        async for event in await websocket.subscribe("subscribe_events"):
            if event["event_type"].startswith(f"{DOMAIN}_"):
                self._tell(event["data"])
            elif event["event_type"] == "entity_registry_updated":
                await self.learn(websocket)
            elif event["event_type"] == "state_changed" and event["data"]["entity_id"] in self.keys:
                printer, key = self.keys[event["data"]["entity_id"]]
                self._take_over(printer, key, (event["data"]["new_state"] or {}).get("state", "gone"))

    async def learn(self, websocket: WebSocket) -> None:
        """Find out which entity is what, and its state."""
        # In this order: an entity whose device is not listed yet is not listed either.
        entities = await websocket.call("config/entity_registry/list")
        devices = {device["id"]: device for device in await websocket.call("config/device_registry/list")}
        for entity in entities:
            if entity["platform"] == DOMAIN:
                printer = devices[entity["device_id"]]["name"]
                self.keys[entity["entity_id"]] = printer, entity["translation_key"]
        for state in await websocket.call("get_states"):
            if state["entity_id"] in self.keys:
                self._take_over(*self.keys[state["entity_id"]], state["state"])

    def _take_over(self, printer: str, key: str, state: str) -> None:
        """Remember a state."""
        self.states[printer][key] = state
        if key == "nozzle_temperature" and (degrees := number(state)) is not None:
            self.warmest[printer] = max(self.warmest[printer], degrees)

    async def see_live(self, printers: Iterable[str]) -> None:
        """Return when the newest event of each of these printers is one that no notification told."""
        waiting = set(printers)
        while waiting:
            waiting = {name for name in waiting if not self.events[name] or self.events[name][-1]["source"] != "live"}
            await asyncio.sleep(0.1)

    def entity_id(self, printer: str, key: str) -> str:
        """Return an entity of a printer, or nothing."""
        return next((entity_id for entity_id, known in self.keys.items() if known == (printer, key)), "")

    def say(self, line: str = "") -> None:
        """Print a line; above the printers, where they are shown."""
        self.console.print(Text(line), soft_wrap=not self.console.is_terminal)

    @contextmanager
    def printers(self) -> Iterator[None]:
        """Show the printers all the while, where there is a terminal."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, get_renderable=self._draw, refresh_per_second=8):
            yield

    def _tell(self, data: dict[str, Any]) -> None:
        """Tell of an event."""
        printer, kind = data["printer_name"], data["type"]
        self.events[printer].append(data)
        # A terminal shows the progress anyway.
        if kind == "print_progress" and self.console.is_terminal:
            return
        progress = "" if data["progress"] is None else f"{data['progress']:.0f} %"
        source = " (live)" if data["source"] == "live" else ""
        self.say(f"{printer[:_NAME_COLUMN]:{_NAME_COLUMN}} {progress:>5}  {DOMAIN}_{kind}{source}")
        if data["error"]:
            self.say(f"    {data['error']}")

    def _draw(self) -> Group:
        """Return how all printers are."""
        return Group("", *(self._draw_printer(printer, states) for printer, states in self.states.items()))

    def _draw_printer(self, printer: str, states: dict[str, str]) -> Group:
        """Return how a printer is, in two lines; in three where it says its temperatures."""
        status, progress = known(states, "status"), states.get("progress", "")
        line = Table.grid(padding=(0, 2), expand=True)
        line.width = _WIDTH
        for width in (_NAME_COLUMN, max(map(len, _COLOURS)), None, 5):
            line.add_column(width=width, ratio=None if width else 1, no_wrap=True)
        done = float(progress) if progress.replace(".", "").isdigit() else 0
        bar = ProgressBar(total=100, completed=done)
        line.add_row(Text(printer, "bold"), Text(status, _COLOURS.get(status, "")), bar, f"{done:3.0f} %")
        details = Text(f"layer {known(states, 'current_layer')}/{known(states, 'total_layers')}", "dim")
        if minutes(left := states.get("time_remaining", "")):
            details.append(f", {clock(left)} left")
        if (attention := known(states, "attention")) not in ("none", "-"):
            details.append(f" ! {attention}", "bold yellow")
        if temperatures := ", ".join(temperatures_of(states)):
            details.append(f"\n{temperatures}", "dim")
        return Group(line, Padding(details, (0, 0, 0, _INDENT)))


def temperatures_of(states: dict[str, str]) -> Iterator[str]:
    """Yield what a printer with a live connection says of its temperatures."""
    for part in ("nozzle", "bed", "chamber"):
        if (degrees := number(states.get(f"{part}_temperature", ""))) is not None:
            yield f"{part} {degrees:.0f} °C"


def known(states: dict[str, str], key: str) -> str:
    """Return a state, or a dash for none."""
    return {"unknown": "-"}.get(state := states.get(key, "-"), state)


def clock(hours: str) -> str:
    """Return a duration as hours and minutes."""
    length = minutes(hours)
    return "-" if length is None else f"{length // 60}:{length % 60:02} h"


def minutes(hours: str) -> int | None:
    """Return how many minutes a state in hours stands for."""
    length = number(hours)
    return None if length is None else round(length * 60)


def number(state: str) -> float | None:
    """Return the number that a state is, None where it is none."""
    try:
        return float(state)
    except ValueError:
        return None
