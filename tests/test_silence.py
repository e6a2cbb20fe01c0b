"""Tests of prints of which nothing is heard any more."""

from datetime import datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from .conftest import FULL, NUMBERS, Post, pass_time, seen, shown, slugs, value

START = "2026-03-14T09:26:53+00:00"
REMAINING = FULL["TimeRemainingSec"]
assert isinstance(REMAINING, int)
SILENT_AFTER = timedelta(seconds=REMAINING, hours=1)
SILENT_WITHOUT_ESTIMATE = timedelta(hours=24)
MOMENT = timedelta(seconds=1)
SILENT = {
    "sensor.ender3_status",
    "sensor.ender3_progress",
    "sensor.ender3_time_remaining",
    "binary_sensor.ender3_printing",
}
"""What nothing is known of while a print is silent."""

CALENDAR = "calendar.ender3_prints"
IMAGE = "image.ender3_snapshot"

pytestmark = pytest.mark.usefixtures("entity_registry_enabled_by_default")


@pytest.fixture(autouse=True)
def _start(freezer: FrozenDateTimeFactory) -> None:
    """Start at a full second."""
    freezer.move_to(START)


@pytest.fixture
def written(hass: HomeAssistant) -> list[str]:
    """Collect the entities that change."""
    entities: list[str] = []

    @callback
    def collect(event: Event[EventStateChangedData]) -> None:
        before, after = event.data["old_state"], event.data["new_state"]
        if before is None or after is None or seen(before) != seen(after):
            entities.append(event.data["entity_id"])

    hass.bus.async_listen(EVENT_STATE_CHANGED, collect)
    return entities


def unknown(hass: HomeAssistant) -> set[str]:
    """Return the entities of which nothing is known."""
    return {entity_id for entity_id, (state, _) in shown(hass).items() if state == "unknown"}


@pytest.mark.parametrize(
    ("changes", "silent_after"),
    [
        ({}, SILENT_AFTER),
        ({"EventType": 1}, SILENT_AFTER),
        ({"EventType": 5}, SILENT_AFTER),
        ({"EventType": 10}, SILENT_AFTER),
        ({"EventType": 14}, SILENT_AFTER),
        ({"TimeRemainingSec": 0}, timedelta(hours=1)),
        ({"TimeRemainingSec": 2 * 86400}, timedelta(days=2, hours=1)),
        ({"TimeRemainingSec": None}, SILENT_WITHOUT_ESTIMATE),
        ({"TimeRemainingSec": -1}, SILENT_WITHOUT_ESTIMATE),
        ({"PrintId": None}, SILENT_AFTER),
    ],
)
async def test_falls_silent(
    hass: HomeAssistant,
    post: Post,
    freezer: FrozenDateTimeFactory,
    announced: list[Event],
    written: list[str],
    changes: dict[str, Any],
    silent_after: timedelta,
) -> None:
    """Then it is not known whether it prints and how far it is; everything else stays, and nothing is announced."""
    await post(FULL, **changes)
    before = shown(hass)
    known = set(before) - unknown(hass)
    is_named = "PrintId" not in changes
    await pass_time(hass, freezer, silent_after - MOMENT)
    assert without(shown(hass), CALENDAR) == without(before, CALENDAR)
    assert value(hass, CALENDAR) == ("on" if is_named else "off")
    written.clear()

    await pass_time(hass, freezer, MOMENT)
    assert sorted(written) == sorted(SILENT & known | ({CALENDAR} if is_named else set()))
    assert unknown(hass) == unknown_of(before) | SILENT
    assert value(hass, CALENDAR) == "off"
    assert without(shown(hass), CALENDAR, *SILENT) == without(before, CALENDAR, *SILENT)
    assert len(announced) == 1
    written.clear()
    await pass_time(hass, freezer, timedelta(days=30))
    # The link to the picture lives a week.
    assert written == [IMAGE]


def without(states: dict[str, tuple[str, dict[str, Any]]], *entity_ids: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return what all entities show but these."""
    return {entity_id: state for entity_id, state in states.items() if entity_id not in entity_ids}


def unknown_of(states: dict[str, tuple[str, dict[str, Any]]]) -> set[str]:
    """Return the entities of which nothing was known."""
    return {entity_id for entity_id, (state, _) in states.items() if state == "unknown"}


@pytest.mark.parametrize(
    ("changes", "status", "progress"),
    [
        ({}, "printing", "21"),
        ({"TimeRemainingSec": None}, "printing", "21"),
        ({"Progress": 90, "DurationSec": 5000}, "printing", "90"),
        ({"EventType": 4}, "paused", "21"),
        ({"EventType": 7}, "printing", "21"),
        ({"EventType": 2}, "complete", "100"),
        ({"EventType": 3}, "failed", "21"),
        ({"EventType": 1, "PrintId": "print-2", "Progress": 0, "DurationSec": 0}, "printing", "0"),
        ({"EventType": 16}, "unknown", "unknown"),
        ({"EventType": 13}, "unknown", "unknown"),
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
    await pass_time(hass, freezer, SILENT_AFTER)
    assert unknown(hass) >= SILENT
    await post(FULL | changes)
    assert len(announced) == 2
    assert value(hass, "sensor.ender3_status") == status
    assert value(hass, "sensor.ender3_progress") == progress
    assert value(hass, "binary_sensor.ender3_printing") == {"printing": "on", "unknown": "unknown"}.get(status, "off")
    assert value(hass, CALENDAR) == ("on" if status in ("printing", "paused") else "off")


@pytest.mark.parametrize(
    ("changes", "silent_after"),
    [
        # A new estimate, which counts from now.
        ({}, SILENT_AFTER),
        # None: the old one, and from now an hour without a word.
        ({"TimeRemainingSec": None}, timedelta(hours=1)),
    ],
)
async def test_falls_silent_again(
    hass: HomeAssistant,
    post: Post,
    freezer: FrozenDateTimeFactory,
    changes: dict[str, Any],
    silent_after: timedelta,
) -> None:
    """What came back falls silent like any other."""
    await post(FULL)
    await pass_time(hass, freezer, SILENT_AFTER)
    await post(FULL | changes)
    await pass_time(hass, freezer, silent_after - MOMENT)
    assert value(hass, "sensor.ender3_status") == "printing"
    await pass_time(hass, freezer, MOMENT)
    assert unknown(hass) >= SILENT


async def test_every_word_counts(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """As long as something is heard, the print goes on, however wrong the estimate was."""
    await post(FULL, TimeRemainingSec=60)
    for hour in range(1, 6):
        await pass_time(hass, freezer, timedelta(minutes=59))
        assert value(hass, "sensor.ender3_status") == "printing"
        await post(FULL, TimeRemainingSec=None, DurationSec=hour * 3600)
    await pass_time(hass, freezer, timedelta(minutes=59))
    assert value(hass, "sensor.ender3_status") == "printing"
    await pass_time(hass, freezer, timedelta(minutes=1))
    assert value(hass, "sensor.ender3_status") == "unknown"


@pytest.mark.parametrize("slug", ["print_paused", "gadget_paused", "print_complete", "print_failed", "error"])
@pytest.mark.parametrize("seconds", [60, None])
async def test_never_silent(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, slug: str, seconds: int | None
) -> None:
    """What does not print may wait for its owner as long as it likes."""
    await post(FULL, EventType=1)
    await post(FULL, EventType=NUMBERS[slug], TimeRemainingSec=seconds)
    before = shown(hass)
    await pass_time(hass, freezer, timedelta(days=3))
    # Until when is a guess, which moves with the clock.
    assert without(shown(hass), CALENDAR) == without(before, CALENDAR)
    assert value(hass, CALENDAR) == ("off" if slug in ("print_complete", "print_failed") else "on")


@pytest.mark.parametrize("seconds", [REMAINING, None])
async def test_reload(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    announced: list[Event],
    seconds: int | None,
) -> None:
    """It makes no difference whether Home Assistant is restarted, before, at, or after the moment."""
    await post(FULL, TimeRemainingSec=seconds)
    silent_after = SILENT_AFTER if seconds else SILENT_WITHOUT_ESTIMATE
    freezer.tick(silent_after - 2 * MOMENT)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    assert value(hass, "sensor.ender3_status") == "printing"
    await pass_time(hass, freezer, MOMENT)
    assert value(hass, "sensor.ender3_status") == "printing"
    await pass_time(hass, freezer, MOMENT)
    assert unknown(hass) >= SILENT

    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert unknown(hass) >= SILENT
    assert value(hass, "sensor.ender3_current_layer") == "50"
    await post(FULL, TimeRemainingSec=seconds)
    assert value(hass, "sensor.ender3_status") == "printing"

    # And one for which the moment passes while Home Assistant is not there.
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await pass_time(hass, freezer, silent_after)
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert unknown(hass) >= SILENT
    assert slugs(announced) == ["print_progress", "print_progress"]


async def test_each_printer_for_itself(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """One printer's silence says nothing of another."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron", TimeRemainingSec=9000)
    await pass_time(hass, freezer, SILENT_AFTER)
    assert value(hass, "sensor.ender3_status") == "unknown"
    assert value(hass, "sensor.voron_status") == "printing"
    await pass_time(hass, freezer, timedelta(seconds=9000))
    assert value(hass, "sensor.voron_status") == "unknown"


async def test_nothing_is_left(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, written: list[str]
) -> None:
    """No timer outlives the entry; the test would fail in the end if one did."""
    await post(FULL)
    assert await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    written.clear()
    await pass_time(hass, freezer, timedelta(days=3))
    assert written == []


async def test_estimate_stays(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """The estimate, once passed, stays as it was last known."""
    await post(FULL)
    finish = value(hass, "sensor.ender3_estimated_finish")
    assert finish == (datetime.fromisoformat(START) + SILENT_AFTER - timedelta(hours=1)).isoformat()
    await pass_time(hass, freezer, SILENT_AFTER)
    assert value(hass, "sensor.ender3_estimated_finish") == finish
