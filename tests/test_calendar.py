"""Tests of the calendar: what it shows of past prints and of the one under way, where, and until when."""

from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
import json
from typing import Any, cast
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.history import History, Outcome, Print
from custom_components.octoeverywhere.store import HistoryStore

from .conftest import FULL, WORDS, Clock, Post, value
from .test_translations import INTEGRATION

CALENDAR = "calendar.ender3_prints"
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

STARTED, COMPLETE, FAILED, PAUSED, PROGRESS = 1, 2, 3, 4, 6
PRINT = {"PrintId": "print-1", "FileName": "Boat.gcode"}


@pytest.fixture(autouse=True)
async def _berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Live where the clock changes, at a full minute."""
    freezer.move_to(MOMENT)
    await hass.config.async_set_time_zone("Europe/Berlin")


async def events(
    hass: HomeAssistant, start: datetime = MOMENT - 5000 * DAY, end: datetime = MOMENT + 5000 * DAY
) -> list[dict[str, Any]]:
    """Return what the calendar shows of a period, as automations and the frontend get it."""
    calendar = er.async_get(hass).async_get_entity_id("calendar", DOMAIN, "printer-1_prints")
    assert calendar is not None
    data = {"entity_id": calendar, "start_date_time": start, "end_date_time": end}
    response = cast(
        "dict[str, Any]",
        await hass.services.async_call("calendar", "get_events", data, blocking=True, return_response=True),
    )
    shown: list[dict[str, Any]] = response[calendar]["events"]
    return shown


async def spans(hass: HomeAssistant) -> list[tuple[str, str, str]]:
    """Return the summary, the start and the end of all that the calendar shows."""
    return [(event["summary"], event["start"], event["end"]) for event in await events(hass)]


async def fill(hass: HomeAssistant, post: Post, prints: Iterable[tuple[str, datetime, datetime]]) -> None:
    """Make a printer that has printed this before: the file, from when, until when."""
    await post(EventType=PAUSED)
    past = [
        Print(print_id=name, outcome=Outcome.COMPLETE, started_at=start, ended_at=end, file_name=name)
        for name, start, end in prints
    ]
    await HistoryStore(hass).async_save("printer-1", History(prints=tuple(past)))


def berlin(text: str) -> datetime:
    """Return a moment by what a clock in Berlin shows."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


async def test_identity(hass: HomeAssistant, post: Post) -> None:
    """Each printer has a calendar of its own, which nobody can write to."""
    await post(PRINT, EventType=STARTED)
    await post(PRINT, EventType=STARTED, PrinterId="printer-2", PrinterName="Voron")
    assert er.async_get(hass).async_get_entity_id("calendar", DOMAIN, "printer-1_prints") == CALENDAR
    assert value(hass, "calendar.voron_prints") == "on"
    state = hass.states.get(CALENDAR)
    assert state is not None
    assert state.attributes["friendly_name"] == "Ender3 Prints"
    assert not state.attributes.get("supported_features")
    assert await events(hass) != []


async def test_print_under_way(hass: HomeAssistant, post: Post, clock: Clock) -> None:
    """It lasts until its estimated finish, and moves with it; when it has ended, until it did."""
    await post(PRINT, EventType=STARTED, DurationSec=0)
    under_way = "Boat.gcode (under way)"
    start = "2026-03-14T10:00:00+01:00"
    assert await spans(hass) == [(under_way, start, "2026-03-14T11:00:00+01:00")]
    for remaining, end in ((7200, "12:10"), (9000, "12:50"), (600, "10:40")):
        await clock.elapse(10 * MINUTE)
        await post(PRINT, EventType=PROGRESS, TimeRemainingSec=remaining)
        assert await spans(hass) == [(under_way, start, f"2026-03-14T{end}:00+01:00")]
        state = hass.states.get(CALENDAR)
        assert state is not None
        assert (state.state, state.attributes["message"]) == ("on", under_way)
        assert state.attributes["end_time"] == f"2026-03-14 {end}:00"
    await clock.elapse(5 * MINUTE)
    await post(PRINT, EventType=COMPLETE, DurationSec=2100)
    assert value(hass, CALENDAR) == "off"
    assert await spans(hass) == [("Boat.gcode (complete)", start, "2026-03-14T10:35:00+01:00")]
    await clock.elapse(7 * DAY)
    assert len(await spans(hass)) == 1


@pytest.mark.parametrize(
    ("said", "on_until"),
    [
        pytest.param({"TimeRemainingSec": 3600}, 2 * HOUR, id="an hour after its estimate"),
        pytest.param({}, DAY, id="a day without an estimate"),
        pytest.param({"EventType": PAUSED}, None, id="paused"),
        pytest.param({"EventType": PAUSED, "TimeRemainingSec": 3600}, None, id="paused beyond its estimate"),
    ],
)
async def test_state_as_time_passes(
    hass: HomeAssistant, post: Post, clock: Clock, said: dict[str, Any], on_until: timedelta | None
) -> None:
    """The calendar is on until the print is silent; a paused one goes on. It never says that it should have ended."""
    await post(PRINT, **{"EventType": PROGRESS, "DurationSec": 0, **said})
    time = timedelta()
    while time < (on_until or 2 * DAY) - 30 * MINUTE:
        await clock.elapse(30 * MINUTE)
        time += 30 * MINUTE
        if time == on_until:
            break
        state = hass.states.get(CALENDAR)
        assert state is not None
        assert state.state == "on"
        ends = datetime.fromisoformat(state.attributes["end_time"]).replace(tzinfo=BERLIN)
        assert ends > MOMENT + time
    await clock.elapse(30 * MINUTE)
    assert value(hass, CALENDAR) == ("off" if on_until else "on")
    ((summary, start, end),) = await spans(hass)
    assert start == "2026-03-14T10:00:00+01:00"
    if on_until:
        assert (summary, end) == ("Boat.gcode (nothing more was heard)", "2026-03-14T10:01:00+01:00")


async def test_silent(hass: HomeAssistant, post: Post, clock: Clock) -> None:
    """A print that went silent ends at the last that was heard of it, also once another one has begun."""
    await post(PRINT, EventType=STARTED, DurationSec=0)
    await clock.elapse(HOUR)
    await post(PRINT, EventType=PROGRESS, DurationSec=3600, TimeRemainingSec=60)
    await clock.elapse(DAY)
    silent = ("Boat.gcode (nothing more was heard)", "2026-03-14T10:00:00+01:00", "2026-03-14T11:00:00+01:00")
    assert await spans(hass) == [silent]
    await post(PRINT, EventType=STARTED, DurationSec=0, PrintId="print-2")
    assert (await spans(hass))[0] == silent
    assert (await spans(hass))[1][0] == "Boat.gcode (under way)"


@pytest.mark.parametrize(
    ("said", "summary", "description"),
    [
        pytest.param(
            {**FULL, "EventType": FAILED, "DurationSec": 5025},
            "MyCoolPrint.gcode (failed or canceled)",
            "Layers: 50 / 100\nDuration: 1:23:45\nError: Oh no, something bad happened!\n"
            "Quick View: https://octoeverywhere.com/quickview/1",
            id="everything",
        ),
        pytest.param({"EventType": COMPLETE, "PrintId": "a"}, "complete", None, id="nothing"),
        pytest.param(
            {"EventType": COMPLETE, "PrintId": "a", "TotalLayers": 7, "DurationSec": 0},
            "complete",
            "Layers: 0 / 7\nDuration: 0:00:00",
            id="zeros",
        ),
        pytest.param(
            {"EventType": COMPLETE, "PrintId": "a", "CurrentLayer": 7}, "complete", None, id="no number of layers"
        ),
        pytest.param(
            FULL, "MyCoolPrint.gcode (under way)", "Quick View: https://octoeverywhere.com/quickview/1", id="under way"
        ),
    ],
)
async def test_words(
    hass: HomeAssistant, post: Post, said: dict[str, Any], summary: str, description: str | None
) -> None:
    """The summary says what was printed and what became of it, the description everything else that is known."""
    await post(said)
    (event,) = await events(hass)
    assert (event["summary"], event.get("description") or None) == (summary, description)


async def test_german(hass: HomeAssistant, entry: MockConfigEntry, post: Post) -> None:
    """The words are those of Home Assistant's language."""
    await hass.config.async_update(language="de")
    await hass.async_block_till_done()
    assert await hass.config_entries.async_reload(entry.entry_id)
    words = json.loads((INTEGRATION / "translations" / "de.json").read_text("utf-8"))["entity"]["calendar"]["prints"]
    names = words["state_attributes"]
    assert names["outcome"]["state"]["failed"] != "failed or canceled"
    await post({**FULL, "EventType": FAILED, "DurationSec": 5025})
    (event,) = await events(hass)
    assert event["summary"] == f"MyCoolPrint.gcode ({names['outcome']['state']['failed']})"
    assert [line.split(": ")[0] for line in event["description"].splitlines()] == [
        names[key]["name"] for key in ("layers", "duration", "error", "quick_view")
    ]


async def test_print_of_more_than_a_day(hass: HomeAssistant, post: Post) -> None:
    """A duration is written without words, which would be those of another language."""
    await post(PRINT, EventType=COMPLETE, DurationSec=30 * 3600)
    (event,) = await events(hass)
    assert event["description"] == "Duration: 30:00:00"


def test_every_word() -> None:
    """There is a word for every outcome."""
    names = WORDS["entity"]["calendar"]["prints"]["state_attributes"]
    assert set(names["outcome"]["state"]) == {outcome.value for outcome in Outcome}


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        pytest.param("2026-02-01", "2026-03-01", ["february", "over the end"], id="a month"),
        pytest.param("2026-03-01", "2026-04-01", ["over the end", "march"], id="the next one"),
        pytest.param("2026-02-28 23:00", "2026-03-01 01:00", ["over the end"], id="both ends are outside"),
        pytest.param("2026-02-10 12:00", "2026-02-10 13:00", [], id="begins when the print ends"),
        pytest.param("2026-02-10 11:59", "2026-02-10 13:00", ["february"], id="begins a minute earlier"),
        pytest.param("2026-02-10 09:00", "2026-02-10 10:00", [], id="ends when the print begins"),
        pytest.param("2026-02-10 09:00", "2026-02-10 10:01", ["february"], id="ends a minute later"),
        pytest.param("2026-02-10 11:00", "2026-02-10 11:01", ["february"], id="in its midst"),
        pytest.param("2026-03-05", "2026-03-06", ["march"], id="no longer than a moment"),
        pytest.param("2025-01-01", "2025-12-31", [], id="long ago"),
        pytest.param("2020-01-01", "2030-01-01", ["february", "over the end", "march"], id="everything"),
    ],
)
async def test_period(hass: HomeAssistant, post: Post, start: str, end: str, found: list[str]) -> None:
    """A period has what goes on in it, be it for a moment; what only touches it is not in it."""
    await fill(
        hass,
        post,
        [
            ("february", berlin("2026-02-10 10:00"), berlin("2026-02-10 12:00")),
            ("over the end", berlin("2026-02-28 22:00"), berlin("2026-03-01 02:00")),
            ("march", berlin("2026-03-05 12:00"), berlin("2026-03-05 12:00")),
        ],
    )
    shown = await events(hass, berlin(start), berlin(end))
    assert [event["summary"] for event in shown] == [f"{name} (complete)" for name in found]


@pytest.mark.parametrize(
    ("start", "time", "shown"),
    [
        pytest.param(
            datetime(2026, 3, 29, 0, 30, tzinfo=UTC),
            HOUR,
            ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"),
            id="the hour that is missing",
        ),
        pytest.param(
            datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
            4 * HOUR,
            ("2026-10-25T00:00:00+02:00", "2026-10-25T03:00:00+01:00"),
            id="the hour that comes twice",
        ),
    ],
)
async def test_daylight_saving(
    hass: HomeAssistant, post: Post, start: datetime, time: timedelta, shown: tuple[str, str]
) -> None:
    """A print over which the clock is changed lasts as long as it does."""
    await fill(hass, post, [("night", start, start + time)])
    (event,) = await events(hass)
    assert (event["start"], event["end"]) == shown


# Half past two, before the clock is set back, and a quarter past two after that.
SEEMS_TO_END_BEFORE_ITS_START = (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC))


async def test_hour_that_comes_twice(hass: HomeAssistant, post: Post) -> None:
    """A print that ends at an earlier hour of the clock than it began at is shown, and so are all others."""
    start, end = SEEMS_TO_END_BEFORE_ITS_START
    await fill(hass, post, [("before", MOMENT, MOMENT + HOUR), ("night", start, end)])
    shown = await events(hass)
    assert [event["summary"] for event in shown] == ["before (complete)", "night (complete)"]
    assert datetime.fromisoformat(shown[1]["end"]) == end


async def test_first_notification_in_the_hour_that_comes_twice(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory
) -> None:
    """A new printer whose print will end at an earlier hour of the clock than it began at is received as any other."""
    start, end = SEEMS_TO_END_BEFORE_ITS_START
    freezer.move_to(start)
    remaining = int((end - start).total_seconds())
    assert (await post(PRINT, EventType=STARTED, DurationSec=0, TimeRemainingSec=remaining)).status == 200
    state = hass.states.get(CALENDAR)
    assert state is not None
    assert state.attributes["end_time"] == "2026-10-25 02:15:00"


async def test_estimate_in_the_hour_that_comes_twice(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory
) -> None:
    """An estimate that moves there moves the end in the calendar."""
    start, end = SEEMS_TO_END_BEFORE_ITS_START
    freezer.move_to(start)
    await post(PRINT, EventType=STARTED, DurationSec=0, TimeRemainingSec=4 * 3600)
    remaining = int((end - start).total_seconds())
    await post(PRINT, EventType=PROGRESS, DurationSec=1, TimeRemainingSec=remaining)
    state = hass.states.get(CALENDAR)
    assert state is not None
    assert state.attributes["end_time"] == "2026-10-25 02:15:00"


async def test_start_that_is_not_known(hass: HomeAssistant, post: Post) -> None:
    """A print under way is shown as such although nothing said for how long it has been going on."""
    await post(PRINT, EventType=PROGRESS, TimeRemainingSec=7200)
    assert value(hass, CALENDAR) == "on"


async def test_many(hass: HomeAssistant, post: Post) -> None:
    """500 prints are shown, and any month of them."""
    await fill(hass, post, [(f"{day}", MOMENT - day * DAY, MOMENT - day * DAY + HOUR) for day in range(500)])
    assert len(await events(hass)) == 500
    assert len(await events(hass, berlin("2026-01-01"), berlin("2026-02-01"))) == 31


type Automate = Callable[[str], Coroutine[Any, Any, list[tuple[timedelta, str]]]]


@pytest.fixture
async def when_it_ends(hass: HomeAssistant, post: Post, clock: Clock) -> AsyncGenerator[Automate]:
    """Return a function that starts an automation of 'when a print ends', so much later or earlier.

    It returns the list, which grows, of when the automation ran and for what.
    """

    async def automate(offset: str) -> list[tuple[timedelta, str]]:
        trigger = {"trigger": "calendar", "entity_id": CALENDAR, "event": "end", "offset": offset}
        action = {"event": "ended", "event_data": {"summary": "{{ trigger.calendar_event.summary }}"}}
        automation = {"alias": "it", "triggers": [trigger], "actions": [action]}
        assert await async_setup_component(hass, "automation", {"automation": automation})
        ran: list[tuple[timedelta, str]] = []

        @callback
        def note(event: Event) -> None:
            ran.append((dt_util.utcnow() - MOMENT, event.data["summary"]))

        hass.bus.async_listen("ended", note)
        await hass.async_block_till_done()
        return ran

    yield automate
    await hass.services.async_call("automation", "turn_off", {"entity_id": "automation.it"}, blocking=True)


async def pass_minutes(clock: Clock, minutes: int) -> None:
    """Let time pass, minute by minute; Home Assistant looks for events in the background."""
    for _ in range(minutes):
        await clock.elapse(MINUTE, wait_background_tasks=True)


async def test_trigger_before_the_end(post: Post, clock: Clock, when_it_ends: Automate) -> None:
    """'A quarter of an hour before a print ends' is that once, although the estimate moves."""
    await post(PRINT, EventType=STARTED, DurationSec=0, TimeRemainingSec=3600)
    await pass_minutes(clock, 5)
    ran = await when_it_ends("-00:15:00")
    await pass_minutes(clock, 15)
    await post(PRINT, EventType=PROGRESS, DurationSec=1200, TimeRemainingSec=4200)
    await pass_minutes(clock, 70)
    await post(PRINT, EventType=COMPLETE, DurationSec=5400)
    await pass_minutes(clock, 120)
    assert ran == [(75 * MINUTE, "Boat.gcode (under way)")]


async def test_trigger_at_the_end(post: Post, clock: Clock, when_it_ends: Automate) -> None:
    """'When a print ends' is its estimated finish. A paused print has none."""
    await post(PRINT, EventType=STARTED, DurationSec=0, TimeRemainingSec=3600)
    await pass_minutes(clock, 5)
    ran = await when_it_ends("00:00:00")
    await pass_minutes(clock, 54)
    assert ran == []
    await pass_minutes(clock, 1)
    assert ran == [(HOUR, "Boat.gcode (under way)")]
    await post(PRINT, EventType=COMPLETE, DurationSec=3600)
    await post(PRINT, EventType=PAUSED, DurationSec=0, PrintId="print-2")
    await pass_minutes(clock, 120)
    assert len(ran) == 1
