"""Tests of time: changes to and from summer time, clocks that are set while a print goes on, very short and very long prints.

Two things are told apart here that a frozen clock makes one: what the clock says, which may be set to anything, and the
time that passes, by which timers go and which nothing turns back.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from homeassistant.core import CoreState, Event, HomeAssistant
from homeassistant.helpers.restore_state import async_get as async_get_restore_state
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util import dt as dt_util
from hypothesis import given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_test_home_assistant,
    mock_restore_cache_with_extra_data,
)

from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import PrinterState, as_shown, is_printed_again, reduce

from .conftest import FULL, PRINTER, Clock, Disk, Post, shown, slugs, value

MOMENT: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)
YEAR: Final = timedelta(days=365)
SOON: Final = timedelta(minutes=15)
"""How late a silence may fall because a clock was set."""

NOON: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
BOOT: Final = datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC)
"""Where a Raspberry Pi starts before it has asked for the time."""
FORWARD: Final = [(NOON, NOON + HOUR), (NOON, NOON + YEAR), (BOOT, NOON)]
BACK: Final = [(NOON, NOON - HOUR), (NOON, NOON - YEAR), (NOON, BOOT)]
IS_SET: Final = FORWARD + BACK
"""What a clock says, and what it is set to."""


START: Final = "sensor.ender3_print_start"
FINISH: Final = "sensor.ender3_estimated_finish"
STATUS: Final = "sensor.ender3_status"
EVENT: Final = "event.ender3_notification"
SILENT: Final = (STATUS, "sensor.ender3_progress", "sensor.ender3_time_remaining", "binary_sensor.ender3_printing")

type Shown = dict[str, tuple[str, dict[str, Any]]]


def told(hass: HomeAssistant) -> Shown:
    """Return what every entity shows, but for calendars and pictures, which go by the clock themselves."""
    return {key: state for key, state in shown(hass).items() if not key.startswith(("calendar.", "image."))}


def silent(before: Shown) -> Shown:
    """Return what is shown once the print is silent."""
    return before | {entity_id: ("unknown", before[entity_id][1]) for entity_id in SILENT}


async def reload_elsewhere(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Reload the entry after Home Assistant has moved to another time zone."""
    await hass.config.async_update(time_zone="Pacific/Auckland")
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


# Summer time


@pytest.mark.parametrize("finish", [-30, 0, 30], ids="finish {:+} min".format)
@pytest.mark.parametrize(
    ("zone", "change", "minutes"),
    [
        ("Europe/Berlin", "2026-03-29T01:00Z", 60),
        ("Europe/Berlin", "2026-10-25T01:00Z", -60),
        ("America/New_York", "2026-03-08T07:00Z", 60),
        ("America/New_York", "2026-11-01T06:00Z", -60),
        ("Australia/Lord_Howe", "2026-10-03T15:30Z", 30),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", -30),
        ("Asia/Kolkata", "2026-03-29T01:00Z", 0),
    ],
)
async def test_summer_time(
    hass: HomeAssistant, post: Post, clock: Clock, zone: str, change: str, minutes: int, finish: int
) -> None:
    """A change around the estimated finish moves no moment, no duration and no silence."""
    changes_at = datetime.fromisoformat(change)
    before, after = (at.astimezone(ZoneInfo(zone)).utcoffset() for at in (changes_at - MOMENT, changes_at))
    assert before is not None
    assert after is not None
    assert after - before == timedelta(minutes=minutes)

    finish_at = changes_at + timedelta(minutes=finish)
    await hass.config.async_update(time_zone=zone)
    clock.set(finish_at - 2 * HOUR)
    for hours in (0, 1, 2):
        await post(FULL, DurationSec=hours * 3600, TimeRemainingSec=(2 - hours) * 3600)
        assert value(hass, START) == (finish_at - 2 * HOUR).isoformat()
        assert value(hass, FINISH) == finish_at.isoformat()
        assert value(hass, "sensor.ender3_print_duration") == f"{float(hours)}"
        assert value(hass, "sensor.ender3_time_remaining") == f"{float(2 - hours)}"
        await clock.elapse_until(finish_at - (1 - hours) * HOUR - MOMENT)
        assert value(hass, STATUS) == "printing"
        await clock.elapse_until(finish_at - (1 - hours) * HOUR)
    await clock.elapse(MOMENT)
    assert value(hass, STATUS) == "unknown"
    assert value(hass, FINISH) == finish_at.isoformat()


# A clock that is set


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(("first", "then"), IS_SET)
async def test_clock_is_set_during_a_print(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    clock: Clock,
    announced: list[Event],
    first: datetime,
    then: datetime,
    *,
    is_restarted: bool,
) -> None:
    """By itself no value moves, but to silence; what comes next counts, is announced once and mends a start that was years off."""
    clock.set(first)
    await post(FULL, EventType=1, DurationSec=600, TimeRemainingSec=7200)
    before = told(hass)
    clock.set(then)
    if is_restarted:
        await reload_elsewhere(hass, loaded)
        assert told(hass) == (silent(before) if then >= first + 3 * HOUR else before)
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
    assert value(hass, EVENT) != before[EVENT][0]
    assert shown(hass)[EVENT][1]["event_type"] == "print_progress"

    await clock.elapse(HOUR)
    await post(FULL, EventType=2, DurationSec=7800)
    assert value(hass, START) == start.isoformat()
    assert value(hass, FINISH) == dt_util.utcnow().isoformat()
    assert slugs(announced) == ["print_started", "print_progress", "print_complete"]
    before = told(hass)
    for moment in (first, then, NOON + 2 * YEAR):
        clock.set(moment)
        await clock.elapse(MOMENT)
        assert told(hass) == before


@pytest.mark.parametrize(("first", "then"), FORWARD)
async def test_clock_is_set_while_the_disk_works(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    clock: Clock,
    disk: Disk,
    announced: list[Event],
    first: datetime,
    then: datetime,
) -> None:
    """The moments of a notification are those of its arrival, before and after a restart, and it is announced once."""
    clock.set(first)
    disk.hold()
    answer = asyncio.create_task(post(FULL, EventType=1, DurationSec=600, TimeRemainingSec=7200))
    await disk.writing.wait()
    clock.set(then)
    disk.release()
    assert (await answer).status == 200
    before = told(hass)
    assert value(hass, START) == (first - timedelta(minutes=10)).isoformat()
    assert value(hass, FINISH) == (first + 2 * HOUR).isoformat()
    await reload_elsewhere(hass, loaded)
    assert told(hass) == before
    assert slugs(announced) == ["print_started"]


@pytest.mark.parametrize(
    ("first", "then", "is_restarted"),
    [
        *((*moments, True) for moments in IS_SET),
        *((*moments, False) for moments in IS_SET),
    ],
)
async def test_silence_after_the_clock_is_set(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    clock: Clock,
    first: datetime,
    then: datetime,
    *,
    is_restarted: bool,
) -> None:
    """It falls when the clock says that it is time, not before, and soon after the clock is set to later than that."""
    clock.set(first)
    await post(FULL, TimeRemainingSec=7200)
    clock.set(then)
    if is_restarted:
        await reload_elsewhere(hass, loaded)
    if then < first + 3 * HOUR:
        await clock.elapse_until(first + 3 * HOUR - MOMENT)
        assert value(hass, STATUS) == "printing"
    await clock.elapse(SOON)
    assert value(hass, STATUS) == "unknown"
    clock.set(first)
    await clock.elapse(MOMENT)
    assert value(hass, STATUS) == "unknown"


async def test_silence_after_a_boot_without_a_clock(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, clock: Clock
) -> None:
    """A power cut ends the print and stops the clock: once that is set, the print is silent soon."""
    clock.set(NOON)
    await post(FULL, TimeRemainingSec=7200)
    clock.set(NOON - YEAR)
    await reload_elsewhere(hass, loaded)
    assert value(hass, STATUS) == "printing"
    await clock.elapse(timedelta(minutes=1))
    clock.set(NOON + 4 * HOUR)
    await clock.elapse(SOON)
    assert value(hass, STATUS) == "unknown"


@pytest.mark.parametrize(("first", "then"), IS_SET)
async def test_silence_after_the_next_word(
    hass: HomeAssistant, post: Post, clock: Clock, first: datetime, then: datetime
) -> None:
    """What is heard once the clock has been set falls silent to the second, whatever the clock said before."""
    clock.set(first)
    await post(FULL, TimeRemainingSec=7200)
    clock.set(then)
    await post(FULL, DurationSec=4200, TimeRemainingSec=3600)
    await clock.elapse(2 * HOUR - MOMENT)
    assert value(hass, STATUS) == "printing"
    await clock.elapse(2 * MOMENT)
    assert value(hass, STATUS) == "unknown"


# Restarts


async def test_power_cut_after_the_clock_went_back(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, clock: Clock
) -> None:
    """The event entity comes back with the newest notification, though what Home Assistant kept of it seems newer."""
    clock.set(NOON)
    await post(FULL, EventType=1)
    stored = async_get_restore_state(hass).async_get_stored_states()
    kept = [(item.state, item.extra_data.as_dict()) for item in stored if item.extra_data]
    clock.set(NOON - HOUR)
    await post(FULL, EventType=9)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    mock_restore_cache_with_extra_data(hass, kept)
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert shown(hass)[EVENT][1]["event_type"] == "error"


@pytest.mark.parametrize("then", [BOOT, NOON - HOUR, NOON + HOUR])
async def test_another_home_assistant(
    hass: HomeAssistant, post: Post, clock: Clock, entry_data: dict[str, Any], then: datetime
) -> None:
    """One that has nothing but the files, in another time zone and with another clock, shows the same."""
    await hass.config.async_update(time_zone="Europe/Berlin")
    clock.set(NOON)
    await post(FULL, EventType=1, DurationSec=600, TimeRemainingSec=7200)
    before = told(hass)
    clock.set(then)
    async with async_test_home_assistant(
        config_dir=hass.config.config_dir, initial_state=CoreState.starting
    ) as restarted:
        restarted.data.pop(DATA_CUSTOM_COMPONENTS)
        entry = MockConfigEntry(domain="octoeverywhere", data=entry_data)
        entry.add_to_hass(restarted)
        assert restarted.config.time_zone != hass.config.time_zone
        assert await restarted.config_entries.async_setup(entry.entry_id)
        await restarted.async_block_till_done()
        after = told(restarted)
        assert await restarted.config_entries.async_unload(entry.entry_id)
        await restarted.async_stop(force=True)
    del before[EVENT][1]["device_id"], after[EVENT][1]["device_id"]  # the registry does not come along
    assert after == before


# Short and long prints


@pytest.mark.parametrize("order", [(1, 2), (2, 1), (1, 3), (3, 1)])
async def test_no_time_at_all(
    hass: HomeAssistant, post: Post, clock: Clock, announced: list[Event], order: tuple[int, int]
) -> None:
    """A print that ends when it starts has both at that moment, whichever is heard of first."""
    clock.set(NOON)
    for event_type in order:
        await post(EventType=event_type, PrintId="print-1", DurationSec=0, Progress=0)
    assert value(hass, STATUS) == ("complete" if 2 in order else "failed")
    assert value(hass, START) == value(hass, FINISH) == NOON.isoformat()
    assert value(hass, "sensor.ender3_print_duration") == "0.0"
    assert value(hass, "sensor.ender3_progress") == ("100" if 2 in order else "0")
    assert len(announced) == 2


@pytest.mark.parametrize(
    ("start", "total"),
    [
        ("2026-06-01T00:00:00+00:00", timedelta(days=30)),
        # Beyond New Year and the leap day.
        ("2027-12-28T23:30:00+00:00", timedelta(days=70)),
    ],
)
def test_long_print(start: str, total: timedelta) -> None:
    """Start and finish of a print that goes as estimated are the same each hour and in the end, however long it takes."""
    state, now = PrinterState(), datetime.fromisoformat(start)
    finish_at = now + total
    while now < finish_at:
        elapsed = now - datetime.fromisoformat(start)
        numbers = {"DurationSec": elapsed.total_seconds(), "TimeRemainingSec": (finish_at - now).total_seconds()}
        state = reduce(state, Notification.from_payload(PRINTER | FULL | numbers), now)
        assert state.started_at == datetime.fromisoformat(start)
        assert (state.finish_at, state.duration) == (finish_at, numbers["DurationSec"])
        now += HOUR
        assert as_shown(state, now) == state
    end = PRINTER | FULL | {"EventType": 2, "DurationSec": total.total_seconds()}
    state = reduce(state, Notification.from_payload(end), now)
    assert (state.started_at, state.finish_at) == (datetime.fromisoformat(start), finish_at)


# Any clock


NOTIFICATIONS: Final = st.fixed_dictionaries(
    {
        "PrinterId": st.just("printer-1"),
        "PrintId": st.sampled_from(("print-1", "print-2")),
        "EventType": st.integers(1, 17),
    },
    optional={
        "DurationSec": st.integers(0, 90_000),
        "Progress": st.integers(0, 100),
        "TimeRemainingSec": st.integers(-1, 90_000),
    },
).map(Notification.from_payload)
CLOCKS: Final = st.datetimes(datetime(1970, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)) | st.builds(  # noqa: DTZ001 - hypothesis wants it so
    lambda seconds: NOON + timedelta(seconds=seconds), st.integers(-100_000, 100_000)
)


@given(sequence=st.lists(st.tuples(NOTIFICATIONS, CLOCKS, CLOCKS), max_size=12))
@settings(max_examples=150, deadline=None)
def test_any_clock(sequence: list[tuple[Notification, datetime, datetime]]) -> None:
    """Whatever the clock says: a start, once known, moves only forward, the finish of what has ended stays, and silence moves."""
    state = PrinterState()
    starts: dict[tuple[str | None, int], datetime] = {}
    ends: dict[tuple[str | None, int], datetime | None] = {}
    times = 1
    for notification, arrives, looked_at in sequence:
        times += is_printed_again(state, notification, arrives)
        state = reduce(state, notification, arrives)
        print_ = (state.print_id, times)
        if state.started_at is not None:
            known = starts.get(print_, state.started_at)
            starts[print_] = state.started_at
            assert state.started_at == known or state.started_at - known > timedelta(days=30)
        assert (state.started_at is not None) == (print_ in starts)
        if state.ended:
            assert ends.setdefault(print_, state.finish_at) == state.finish_at
        hidden = ("status", "progress", "time_remaining")
        seen = as_shown(state, looked_at).as_dict()
        assert seen in (state.as_dict(), {name: known for name, known in state.as_dict().items() if name not in hidden})
