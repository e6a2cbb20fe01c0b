"""Tests of a printer that can be asked: a real Home Assistant asks a fake of OctoEverywhere's Plugin API."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
import logging
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentry, ConfigSubentryData
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import ALL_MAKES, NUMBERS, Clock, Post, connection_to, issues, lasting, reload, shown, slugs, value
from .fake_plugin_api import FakePluginApi, RelayedPrinter

type Pass = Callable[..., Coroutine[Any, Any, None]]
LIVE: Final = ("nozzle_temperature", "nozzle_target", "bed_temperature", "bed_target", "status_detail")


@pytest.fixture
def connections(relayed: RelayedPrinter) -> list[ConfigSubentryData]:
    """Return the connection to the printer."""
    return [connection_to(relayed)]


@pytest.fixture
def pass_time(clock: Clock) -> Pass:
    """Return a function that lets time pass, and Home Assistant ask the printer meanwhile."""

    async def pass_time(seconds: float, step: float = 15) -> None:
        while seconds > 0:
            await clock.elapse(timedelta(seconds=min(step, seconds)), wait_background_tasks=True)
            seconds -= step

    return pass_time


@pytest.fixture
async def known(post: Post, pass_time: Pass, plugin_api: FakePluginApi) -> None:
    """Have Home Assistant know the printer, and ask it for the first time."""
    await post(EventType=12)
    await pass_time(10)


def sensor(hass: HomeAssistant, key: str) -> str | None:
    """Return what a sensor shows."""
    return value(hass, f"sensor.ender3_{key}")


def told(announced: list[Event]) -> list[str]:
    """Return what was announced of prints, in order, that of polling with a mark."""
    names = [f"{event.data['type']}{'*' if event.data['source'] == 'live' else ''}" for event in announced]
    return [name for name in names if name != "user_interaction_required"]


def totals(hass: HomeAssistant) -> list[int]:
    """Return how many prints were completed, failed and cancelled."""
    return [int(sensor(hass, f"prints_{kind}") or -1) for kind in ("completed", "failed", "cancelled")]


@pytest.mark.parametrize("make", ALL_MAKES)
async def test_life(
    hass: HomeAssistant, known: None, pass_time: Pass, relayed: RelayedPrinter, announced: list[Event], make: str
) -> None:
    """A print of which no notification tells is shown, and told, from its start to its end."""
    assert (sensor(hass, "status"), value(hass, "binary_sensor.ender3_connected")) == ("idle", "on")
    statuses = [sensor(hass, "status")]

    async def watch(seconds: float) -> None:
        for _ in range(int(seconds / 15)):
            await pass_time(15)
            if (status := sensor(hass, "status")) != statuses[-1]:
                statuses.append(status)

    relayed.start("benchy.gcode", seconds=1800, layers=100)
    await watch(900)
    assert 20 <= float(sensor(hass, "progress") or 0) <= 60
    assert 0.1 < float(sensor(hass, "time_remaining") or 0) < 0.5
    assert "enchy" in str(sensor(hass, "file_name"))
    assert float(sensor(hass, "nozzle_temperature") or 0) > 200
    assert value(hass, "binary_sensor.ender3_printing") == "on"
    relayed.pause()
    await watch(150)
    remaining = sensor(hass, "time_remaining")
    await watch(60)
    assert sensor(hass, "time_remaining") == remaining
    relayed.resume()
    await watch(1500)
    seen = [status for status in statuses if status != "preparing"]  # which may be over between two looks
    assert seen[:4] == ["idle", "printing", "paused", "printing"]
    assert seen[4:] in (["complete"], ["idle"], ["complete", "idle"])
    assert told(announced) == ["print_started*", "print_paused*", "print_resumed*", "print_complete*"]
    assert totals(hass) == [1, 0, 0]
    assert not issues(hass)


class Life:
    """A printer's life, as a table tells it: what it does, how long, and which notifications come of it."""

    def __init__(self, hass: HomeAssistant, relayed: RelayedPrinter, post: Post, pass_time: Pass) -> None:
        """Begin."""
        self._hass = hass
        self._relayed = relayed
        self._post = post
        self._pass_time = pass_time
        self._began: float = 0
        self._made: dict[str, dict[str, Any]] = {}

    async def live(self, steps: str) -> None:
        """Do one step after the other: so many seconds, what the printer does, or a notification."""
        for step in steps.split(";"):
            name, *words = step.split()
            if name.isdecimal():
                await self._pass_time(int(name))
            elif name == "reload":
                await reload(self._hass, self._hass.config_entries.async_entries(DOMAIN)[0])
            elif name in ("make", "send", "tell"):
                await getattr(self, f"_{name}")(*words)
            else:
                if name in ("start", "reprint"):
                    self._began = self._relayed.clock()
                arguments = [*(words or ["benchy.gcode"]), 1800, 100] if name == "start" else words
                getattr(self._relayed, name)(*arguments)

    async def _make(self, kind: str) -> None:
        """Make a notification, which is sent later, if at all."""
        numbers = self._relayed.status()["Result"]["JobStatus"]["CurrentPrint"]
        self._made[kind] = {
            "EventType": NUMBERS[kind],
            "PrintId": self._relayed.print_id,
            "DurationSec": int(self._relayed.clock() - self._began),
            "Progress": int(numbers["Progress"]),
            "TimeRemainingSec": numbers["TimeLeftSec"],
            "FileName": numbers["FileName"],
        }

    async def _send(self, kind: str) -> None:
        """Send a notification, perhaps once more."""
        self._relayed.excuse()
        assert (await self._post(self._made[kind])).status == 200

    async def _tell(self, kind: str) -> None:
        """Tell at once."""
        await self._make(kind)
        await self._send(kind)


@pytest.fixture
def life(hass: HomeAssistant, relayed: RelayedPrinter, post: Post, pass_time: Pass, known: None) -> Life:
    """Return the life of the printer."""
    return Life(hass, relayed, post, pass_time)


UNTIL_PRINTING: Final = "start; 240"
LIVES: Final = [
    # Cancelled: each make shows it in its own way, and a Bambu not so that it could be told from a failure.
    *(
        (make, f"{UNTIL_PRINTING}; cancel; 240", "print_started* print_failed*", [0, 1, 0] if make == "bambu" else [0, 0, 1])
        for make in ALL_MAKES if make not in ("elegoo_cc2",)
    ),
    ("elegoo_cc2", f"{UNTIL_PRINTING}; cancel; 240", "print_started* print_failed*", [0, 1, 0]),
    # It died, or went on.
    ("klipper", f"{UNTIL_PRINTING}; 300; fail; 240; start; 300", "print_started* error* print_started*", [0, 1, 0]),
    ("octoprint", f"{UNTIL_PRINTING}; fail; 240", "print_started* error*", [0, 0, 0]),
    ("bambu", f"{UNTIL_PRINTING}; fail Nozzle; 240", "print_started* error*", [0, 0, 0]),
    ("bambu", f"{UNTIL_PRINTING}; filament_out; 240; resume; 120", "print_started* print_paused* print_resumed*", [0, 0, 0]),
    ("elegoo_cc1", f"{UNTIL_PRINTING}; fail; 240", "print_started* print_failed*", [0, 0, 1]),
    ("elegoo_cc2", f"{UNTIL_PRINTING}; fail; 240", "print_started* error*", [0, 0, 0]),
    ("prusalink", f"{UNTIL_PRINTING}; fail Hot; 240; unload; 240", "print_started* error*", [0, 0, 0]),
    # A notification in time says it all; one that comes too late, or twice, nothing.
    ("klipper", "start; tell print_started; 240; tell print_complete; complete; 240", "print_started print_complete", [1, 0, 0]),
    ("klipper", "start; 60; make print_started; 30; send print_started; 120; pause; 45; tell print_paused; 90", "print_started print_paused", [0, 0, 0]),
    ("klipper", "start; 60; make print_started; 240; send print_started; send print_started; 120", "print_started*", [0, 0, 0]),
    ("klipper", f"{UNTIL_PRINTING}; complete; make print_complete; 240; send print_complete; send print_complete; 30", "print_started* print_complete*", [1, 0, 0]),
    ("octoprint", "start; tell print_started; 200; cancel; 120; tell print_failed; 60", "print_started print_failed*", [0, 0, 1]),
    # Home Assistant starts anew: nothing is told again, and what happened meanwhile is told once.
    ("klipper", f"{UNTIL_PRINTING}; reload; 120; reload; 300", "print_started*", [0, 0, 0]),
    ("klipper", f"{UNTIL_PRINTING}; complete; reload; 240; reload; 120", "print_started* print_complete*", [1, 0, 0]),
    ("elegoo_cc2", f"{UNTIL_PRINTING}; complete; 60; reload; 240", "print_started* print_failed*", [0, 1, 0]),
    # Klipper's plugin takes the same file for the same print.
    ("klipper", f"{UNTIL_PRINTING}; complete; 240; reprint; 240; complete; 240", "print_started* print_complete* print_started* print_complete*", [2, 0, 0]),
    # Its plugin is started anew in mid-print; on Klipper, the print may get another id.
    *((make, f"{UNTIL_PRINTING}; restart_plugin; 300; complete; 240", "print_started* print_complete*", [1, 0, 0]) for make in ("klipper", "bambu", "octoprint")),
    # One print follows the other, and nobody saw the end.
    ("bambu", f"{UNTIL_PRINTING}; complete; start other.gcode; 400", "print_started* print_started*", [0, 0, 0]),
    # Switched off in between.
    ("prusalink", f"{UNTIL_PRINTING}; switch_off; 300; complete; switch_on; 300", "print_started* print_complete*", [1, 0, 0]),
    ("elegoo_cc1", f"{UNTIL_PRINTING}; switch_off; 30; switch_on; 300", "print_started*", [0, 0, 0]),
    # Idle with a loaded file is idle.
    ("octoprint", "load; 240", "", [0, 0, 0]),
]  # fmt: skip


@pytest.mark.parametrize(("make", "steps", "expected", "counted"), LIVES)
async def test_lives(
    hass: HomeAssistant, life: Life, announced: list[Event], steps: str, expected: str, counted: list[int]
) -> None:
    """What a printer does is announced and counted once, by whom it was told first."""
    await life.live(steps)
    assert told(announced) == expected.split()
    assert totals(hass) == counted
