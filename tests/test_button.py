"""Tests of what a printer can be told to do: its buttons, on every make of the fake."""

import json
from typing import Any, Final

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from .conftest import ALL_MAKES, WORDS, Clock, Post, connection_to, value
from .fake_plugin_api import RelayedPrinter, body, properly

BUTTONS: Final = ("pause", "resume", "cancel", "heaters_off")
BODIES: Final = {
    "pause": {"SuppressNotification": False},
    "resume": {},
    "cancel": {},
    "set-temp": {"BedC": 0, "ToolC": 0, "ToolNumber": 0},
}

pytestmark = pytest.mark.usefixtures("looked_at")


@pytest.fixture
def connections(relayed: RelayedPrinter) -> list[ConfigSubentryData]:
    """Return the connection to the printer."""
    return [connection_to(relayed)]


async def press(hass: HomeAssistant, key: str) -> None:
    """Press a button."""
    await hass.services.async_call("button", "press", {"entity_id": f"button.ender3_{key}"}, blocking=True)


def usable(hass: HomeAssistant) -> set[str]:
    """Return which buttons can be pressed."""
    return {key for key in BUTTONS if value(hass, f"button.ender3_{key}") not in (None, "unavailable")}


@pytest.mark.parametrize("make", ALL_MAKES)
async def test_every_make(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter, make: str) -> None:
    """Each button can be pressed while it makes sense, and does what it says; what is sent is what the plugin wants."""
    bodies = []

    async def note(printer: RelayedPrinter, request: Any) -> Any:
        if request.method == "POST":
            bodies.append((request.path.removeprefix("/octoeverywhere-command-api/"), json.loads(await request.read())))
        return await properly(printer, request)

    relayed.respond(note)
    heaters = {"heaters_off"} if make in ("klipper", "elegoo_cc2") else set()
    assert usable(hass) == heaters
    if heaters:
        relayed.command("set-temp", {"ToolC": 200})
        await press(hass, "heaters_off")
        await clock.elapse_in_steps(5, 5)
        assert value(hass, "sensor.ender3_nozzle_target") == "0.0"
    relayed.start(seconds=36000)
    await clock.elapse_in_steps(300, 5)
    assert usable(hass) == {"pause", "cancel"}
    for key, status in (("pause", "paused"), ("resume", "printing"), ("cancel", None)):
        await press(hass, key)
        await clock.elapse_in_steps(35, 5)
        if status is not None:
            assert value(hass, "sensor.ender3_status") == status
            assert usable(hass) == {"resume", "cancel"} if key == "pause" else {"pause", "cancel"}
    if make == "elegoo_cc2":  # it is idle soon, which may be said of a print that goes on
        assert usable(hass) == set()
        await clock.elapse_in_steps(120, 5)
    assert usable(hass) == heaters
    assert (
        bodies == [(command, body) for command, body in BODIES.items() if command != "set-temp"]
        if not heaters
        else True
    )
    assert all(body == BODIES[command] for command, body in bodies)


@pytest.mark.parametrize(
    ("answer", "key", "reason"),
    [
        ('{"Status": 786}', "cancel", "not_printing"),
        ('{"Status": 788}', "cancel", "not_supported"),
        ('{"Status": 785}', "cancel", "printer_off"),
        ('{"Status": 787}', "cancel", "printer_off"),
        ('{"Status": 789}', "cancel", "printer_off"),
        ('{"Status": 400}', "cancel", "refused"),
        ('{"Status": 752}', "cancel", "outcome_unknown"),
        ('{"Status": 500}', "cancel", "outcome_unknown"),
        ("<html>", "cancel", "outcome_unknown"),
        (601, "cancel", "plugin_offline"),
        (602, "cancel", "outcome_unknown"),
        (600, "cancel", "outcome_unknown"),
        (502, "cancel", "outcome_unknown"),
        (603, "cancel", "connection_ended"),
        (604, "cancel", "connection_ended"),
        (605, "cancel", "connection_ended"),
        (606, "cancel", "connection_ended"),
        ("reset", "cancel", "outcome_unknown"),
        ('{"Status": 786}', "resume", "not_paused"),
        ('{"Status": 786}', "pause", "not_printing"),
    ],
)
async def test_refused(
    hass: HomeAssistant,
    clock: Clock,
    relayed: RelayedPrinter,
    answer: Any,
    key: str,
    reason: str,
) -> None:
    """What was not done, or may have been, is said in the person's language; nothing is sent again."""
    relayed.start(seconds=36000)
    if key == "resume":
        relayed.pause()
    await clock.elapse_in_steps(70, 5)
    relayed.respond(body(answer) if str(answer).startswith(("{", "<")) else answer, key)
    with pytest.raises(HomeAssistantError) as info:
        await press(hass, key)
    assert info.value.translation_key == reason
    assert str(info.value) == WORDS["exceptions"][reason]["message"].rstrip(".")
    assert relayed.host not in repr(info.value)
    relayed.respond(None, key)
    await clock.elapse_in_steps(120, 5)
    assert [request.command for request in relayed.requests if request.method == "POST"] == [key]


async def test_confirmed(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """It is looked 1, 3 and 10 seconds later what has come of it; an answer alone is no proof."""
    relayed.start(seconds=36000)
    await clock.elapse_in_steps(60, 5)
    relayed.ignores_commands = True
    pressed_at = relayed.clock()
    await press(hass, "pause")
    await clock.elapse_in_steps(12, 0.5)
    after = [round(at - pressed_at) for at, method, _ in relayed.requests if method == "GET" and at > pressed_at]
    assert after == [1, 3, 10]
    assert value(hass, "sensor.ender3_status") != "paused"
    assert usable(hass) == {"pause", "cancel"}
    relayed.ignores_commands = False
    relayed.effect_after = 8
    await press(hass, "pause")
    await clock.elapse_in_steps(12, 0.5)
    assert value(hass, "sensor.ender3_status") == "paused"


async def test_unloaded(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """Who unloads the integration after a command has it ask no more."""
    relayed.start(seconds=36000)
    await clock.elapse_in_steps(60, 5)
    await press(hass, "pause")
    asked = len(relayed.requests)
    (entry,) = hass.config_entries.async_entries("octoeverywhere")
    assert await hass.config_entries.async_unload(entry.entry_id)
    await clock.elapse_in_steps(60, 5)
    assert len(relayed.requests) == asked


async def test_heaters_within_a_print(hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter) -> None:
    """A printer whose plugin does not know what it is doing says that it is idle; its heaters are left alone."""
    await clock.elapse_in_steps(20, 5)
    assert "heaters_off" in usable(hass)
    relayed.excuse(100)
    await post(EventType=1, PrintId="A", DurationSec=1, TimeRemainingSec=3000)
    await clock.elapse_in_steps(20, 5)
    assert value(hass, "sensor.ender3_status") == "idle"
    assert "heaters_off" not in usable(hass)
