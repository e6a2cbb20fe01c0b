"""Tests of prints of which nothing is heard any more."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant
import pytest

from .conftest import FULL, NUMBERS, Disk, Post, issues, pass_time, shown, value

START: Final = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
SILENCE: Final = timedelta(minutes=90)
SILENT_AFTER: Final = timedelta(seconds=605) + SILENCE
TICK: Final = timedelta(minutes=5)
"""So late it may be told."""
MOMENT: Final = timedelta(seconds=1)
SILENT: Final = {
    "sensor.ender3_status",
    "sensor.ender3_progress",
    "sensor.ender3_time_remaining",
    "binary_sensor.ender3_printing",
}
"""What nothing is known of while a print is silent."""
BY_THE_CLOCK: Final = {"sensor.ender3_time_remaining", "calendar.ender3_prints"}


@pytest.fixture(autouse=True)
def _start(freezer: FrozenDateTimeFactory) -> None:
    """Start at a full second."""
    freezer.move_to(START)


def unknown(hass: HomeAssistant) -> set[str]:
    """Return the entities of which nothing is known."""
    return {entity_id for entity_id, (state, _) in shown(hass).items() if state == "unknown"}


def still(hass: HomeAssistant, *but: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what all entities show but those that go by the clock, and these."""
    return {entity_id: state for entity_id, state in shown(hass).items() if entity_id not in BY_THE_CLOCK.union(but)}


@pytest.mark.parametrize(
    ("changes", "silent_after"),
    [
        *(({"EventType": number}, SILENT_AFTER) for number in (1, 5, 6, 10, 14)),
        ({"TimeRemainingSec": 0}, SILENCE),
        ({"TimeRemainingSec": 2 * 86400}, timedelta(days=2) + SILENCE),
        ({"TimeRemainingSec": -1}, timedelta(hours=24)),
        ({"PrintId": None}, SILENT_AFTER),
        # What does not print may wait for its owner as long as it likes.
        *(({"EventType": number}, None) for number in (2, 3, 4, 8)),
    ],
)
async def test_falls_silent(
    hass: HomeAssistant,
    post: Post,
    freezer: FrozenDateTimeFactory,
    announced: list[Event],
    disk: Disk,
    changes: dict[str, Any],
    silent_after: timedelta | None,
) -> None:
    """Then it is not known whether it prints and how far it is; everything else stays, and nothing is announced or written."""
    await post(FULL, PrinterId="printer-2", PrinterName="Voron", EventType=2)
    await post(FULL, **changes)
    before, was_unknown, finish = still(hass), unknown(hass), value(hass, "sensor.ender3_estimated_finish")
    disk.writes.clear()
    await pass_time(hass, freezer, (silent_after or timedelta(days=3)) - MOMENT)
    assert still(hass) == before
    if silent_after is None:
        return
    assert value(hass, "calendar.ender3_prints") == ("off" if "PrintId" in changes else "on")

    await pass_time(hass, freezer, TICK)
    assert unknown(hass) == was_unknown | SILENT
    assert value(hass, "calendar.ender3_prints") == "off"
    assert value(hass, "sensor.ender3_estimated_finish") == finish
    silent = shown(hass)
    await pass_time(hass, freezer, timedelta(days=4))
    assert shown(hass) == silent
    assert still(hass, *SILENT) == {name: state for name, state in before.items() if name not in SILENT}
    assert len(announced) == 2
    assert disk.writes == []


@pytest.mark.parametrize(
    ("changes", "status", "progress"),
    [
        ({}, "printing", "21"),
        ({"TimeRemainingSec": None}, "printing", "21"),
        ({"EventType": 4}, "paused", "21"),
        ({"EventType": 7}, "printing", "21"),
        ({"EventType": 2}, "complete", "100"),
        ({"EventType": 16}, "unknown", "unknown"),
        # It is late, and so changes no state.
        ({"DurationSec": 10, "Progress": 5}, "unknown", "unknown"),
    ],
)
async def test_comes_back(
    hass: HomeAssistant,
    post: Post,
    freezer: FrozenDateTimeFactory,
    announced: list[Event],
    changes: dict[str, Any],
    status: str,
    progress: str,
) -> None:
    """The next notification that counts is believed, even if it says the same as the last."""
    await post(FULL)
    await pass_time(hass, freezer, SILENT_AFTER + TICK)
    assert unknown(hass) >= SILENT
    await post(FULL | changes)
    assert len(announced) == 2
    assert value(hass, "sensor.ender3_status") == status
    assert value(hass, "sensor.ender3_progress") == progress
    assert value(hass, "binary_sensor.ender3_printing") == {"printing": "on", "unknown": "unknown"}.get(status, "off")
    assert value(hass, "calendar.ender3_prints") == ("on" if status in ("printing", "paused") else "off")
    if status == "printing":  # and falls silent again like any other: without a new estimate, from its last word on
        silent_after = SILENCE if changes.get("TimeRemainingSec", "") is None else SILENT_AFTER
        await pass_time(hass, freezer, silent_after - MOMENT)
        assert value(hass, "sensor.ender3_status") == "printing"
        await pass_time(hass, freezer, TICK)
        assert unknown(hass) >= SILENT


async def test_day_of_a_free_account(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A free account hears three words of a print of six hours, and that this was all; each hour shows what can be said then."""
    for minute, slug, percent in (
        (0, "print_started", 0),
        (10, "first_layer_complete", 2),
        (30, "third_layer_complete", 5),
        (36, "notification_limit", 9),
    ):
        freezer.move_to(START + timedelta(minutes=minute))
        seconds = {"DurationSec": minute * 60, "TimeRemainingSec": (360 - minute) * 60}
        await post(EventType=NUMBERS[slug], PrintId="print-1", Progress=percent, **seconds)
    last_word = (START + timedelta(minutes=36)).isoformat(timespec="milliseconds")
    for hour in range(1, 26):
        await pass_time(hass, freezer, START + timedelta(hours=hour) - datetime.now(UTC))
        left = str(max(0.0, 6.0 - hour))
        believed = ("printing", "on", "5", left, "on")
        keys = ("sensor.ender3_status", "binary_sensor.ender3_printing", "sensor.ender3_progress")
        states = [value(hass, key) for key in (*keys, "sensor.ender3_time_remaining", "calendar.ender3_prints")]
        assert states == list(believed if hour < 8 else (*["unknown"] * 4, "off")), hour
        assert value(hass, "sensor.ender3_estimated_finish") == (START + timedelta(hours=6)).isoformat()
        assert value(hass, "event.ender3_notification") == last_word
        assert issues(hass) == ({"notification_limit"} if hour < 25 else set())
    await post(EventType=NUMBERS["print_started"], PrintId="print-2", DurationSec=0, TimeRemainingSec=7200)
    assert [value(hass, key) for key in keys] == ["printing", "on", "0"]
