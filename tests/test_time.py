"""Tests of time: changes to and from summer time, clocks that are set while a print goes on, very short prints.

Two things are told apart here that a frozen clock makes one: what the clock says, which may be set to anything, and the
time that passes, by which timers go and which nothing turns back.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from homeassistant.core import Event, HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from .conftest import FULL, Clock, Disk, Post, get_prints, lasting, reload, shown, slugs, value

MOMENT: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
YEAR: Final = timedelta(days=365)
SILENCE: Final = timedelta(minutes=90)
TICK: Final = timedelta(minutes=5)
"""How late a silence may fall."""

NOON: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
BOOT: Final = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)
"""Where a Raspberry Pi starts before it has asked for the time."""
FORWARD: Final = [(NOON, NOON + HOUR), (NOON, NOON + YEAR), (BOOT, NOON)]
IS_SET: Final = [*FORWARD, (NOON, NOON - HOUR), (NOON, NOON - YEAR), (NOON, BOOT)]
"""What a clock says, and what it is set to."""

START: Final = "sensor.ender3_print_start"
FINISH: Final = "sensor.ender3_estimated_finish"
STATUS: Final = "sensor.ender3_status"
EVENT: Final = "event.ender3_notification"
SILENT: Final = (STATUS, "sensor.ender3_progress", "binary_sensor.ender3_printing")

type Shown = dict[str, tuple[str, dict[str, Any]]]


def told(hass: HomeAssistant) -> Shown:
    """Return what every entity shows, but for those that go by the clock themselves."""
    by_the_clock = ("calendar.", "image.", "sensor.ender3_time_remaining")
    return {key: state for key, state in lasting(hass).items() if not key.startswith(by_the_clock)}


def silent(before: Shown) -> Shown:
    """Return what is shown once the print is silent."""
    return before | {entity_id: ("unknown", before[entity_id][1]) for entity_id in SILENT}


async def reload_elsewhere(hass: HomeAssistant) -> None:
    """Load the entry anew after Home Assistant has moved to another time zone."""
    await hass.config.async_update(time_zone="Pacific/Auckland")
    await reload(hass)


@pytest.mark.parametrize("finish", [-30, 30], ids="finish {:+} min".format)
@pytest.mark.parametrize(
    ("zone", "change"),
    [
        ("Europe/Berlin", "2026-03-29T01:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30Z"),  # by half an hour
        ("Australia/Lord_Howe", "2026-04-04T15:00Z"),
    ],
)
async def test_summer_time(hass: HomeAssistant, post: Post, clock: Clock, zone: str, change: str, finish: int) -> None:
    """A change around the estimated finish moves no moment, no duration and no silence."""
    changes_at = datetime.fromisoformat(change)
    before, after = (at.astimezone(ZoneInfo(zone)).utcoffset() for at in (changes_at - MOMENT, changes_at))
    assert before != after
    finish_at = changes_at + timedelta(minutes=finish)
    await hass.config.async_update(time_zone=zone)
    clock.set(finish_at - 2 * HOUR)
    for hours in (0, 1, 2):
        await post(FULL, DurationSec=hours * 3600, TimeRemainingSec=(2 - hours) * 3600)
        assert value(hass, START) == (finish_at - 2 * HOUR).isoformat()
        assert value(hass, FINISH) == finish_at.isoformat()
        assert value(hass, "sensor.ender3_print_duration") == f"{float(hours)}"
        assert value(hass, "sensor.ender3_time_remaining") == f"{float(2 - hours)}"
        if hours < 2:
            await clock.elapse(HOUR)
    await clock.elapse(SILENCE - MOMENT)
    assert value(hass, STATUS) == "printing"
    await clock.elapse(TICK + MOMENT)
    assert value(hass, STATUS) == "unknown"
    assert value(hass, FINISH) == finish_at.isoformat()


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("first", "then"), IS_SET)
async def test_clock_is_set_during_a_print(
    hass: HomeAssistant,
    post: Post,
    clock: Clock,
    announced: list[Event],
    first: datetime,
    then: datetime,
    is_restarted: bool,
) -> None:
    """By itself no value moves, but to silence; what comes next counts, is announced once and mends a start that was years off."""
    clock.set(first)
    await post(FULL, EventType=1, DurationSec=600, TimeRemainingSec=7200)
    before = told(hass)
    clock.set(then)
    if is_restarted:
        await reload_elsewhere(hass)
        assert told(hass) == (silent(before) if then >= first + 3.5 * HOUR else before)
    else:
        await clock.elapse(MOMENT)
        assert told(hass) in (before, silent(before))
    assert slugs(announced) == ["print_started"]

    assert (await post(FULL, DurationSec=4200, Progress=50, TimeRemainingSec=5400)).status == 200
    assert value(hass, STATUS) == "printing"
    assert value(hass, "sensor.ender3_progress") == "50"
    known, counted = first - timedelta(minutes=10), dt_util.utcnow() - timedelta(seconds=4200)
    start = counted if then - first > YEAR / 2 else known
    assert value(hass, START) == start.isoformat()
    assert value(hass, FINISH) == (dt_util.utcnow() + 1.5 * HOUR).isoformat()
    assert shown(hass)[EVENT][1]["event_type"] == "print_progress"

    await clock.elapse(HOUR)
    await post(FULL, EventType=2, DurationSec=7800)
    assert value(hass, START) == start.isoformat()
    assert value(hass, FINISH) == dt_util.utcnow().isoformat()
    assert slugs(announced) == ["print_started", "print_progress", "print_complete"]
    (print_,) = await get_prints(hass)
    assert print_["start"] <= print_["end"]
    before = told(hass)
    for moment in (first, then, NOON + 2 * YEAR):
        clock.set(moment)
        await clock.elapse(TICK)
        assert told(hass) == before


@pytest.mark.parametrize(("first", "then"), FORWARD)
async def test_clock_is_set_while_the_disk_works(
    hass: HomeAssistant, post: Post, clock: Clock, disk: Disk, announced: list[Event], first: datetime, then: datetime
) -> None:
    """The moments of a notification are those of its arrival, before and after a restart, and it is announced once."""
    clock.set(first)
    disk.hold()
    answer = asyncio.create_task(post(FULL, EventType=1, DurationSec=600, TimeRemainingSec=7200))
    await asyncio.to_thread(disk.writing.wait)
    clock.set(then)
    disk.release()
    assert (await answer).status == 200
    for _ in range(2):
        assert value(hass, START) == (first - timedelta(minutes=10)).isoformat()
        assert value(hass, FINISH) == (first + 2 * HOUR).isoformat()
        assert shown(hass)[EVENT][1]["event_type"] == "print_started"
        await reload_elsewhere(hass)
    assert slugs(announced) == ["print_started"]


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("first", "then"), IS_SET)
async def test_silence_after_the_clock_is_set(
    hass: HomeAssistant, post: Post, clock: Clock, first: datetime, then: datetime, is_restarted: bool
) -> None:
    """It falls when the clock says that it is time, not before, and soon after the clock is set to later than that."""
    clock.set(first)
    await post(FULL, TimeRemainingSec=7200)
    clock.set(then)
    if is_restarted:
        await reload_elsewhere(hass)
    if then < first + 3.5 * HOUR:
        await clock.elapse(first + 3.5 * HOUR - MOMENT - then)
        assert value(hass, STATUS) == "printing"
    await clock.elapse(TICK + MOMENT)
    assert value(hass, STATUS) == "unknown"
    # What is heard then counts by the clock as it is now, whatever it said before.
    await post(FULL, DurationSec=4200, TimeRemainingSec=3600)
    await clock.elapse(HOUR + SILENCE - MOMENT)
    assert value(hass, STATUS) == "printing"
    await clock.elapse(TICK + MOMENT)
    assert value(hass, STATUS) == "unknown"
