"""Tests of the calendar: what it shows of past prints and of the one under way, where, and until when."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
import pytest

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, Clock, Post, reload, shown, value

CALENDAR = "calendar.ender3_prints"
TRANSLATIONS = Path(__file__).parent.parent / "custom_components" / DOMAIN / "translations"
BERLIN = ZoneInfo("Europe/Berlin")
MOMENT = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

STARTED, COMPLETE, FAILED, PAUSED, PROGRESS = (
    NUMBERS[f"print_{what}"] for what in ("started", "complete", "failed", "paused", "progress")
)
PRINT = {"PrintId": "print-1", "FileName": "Boat.gcode"}


@pytest.fixture(autouse=True)
async def _berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """Live where the clock changes, at a full minute."""
    freezer.move_to(MOMENT)
    await hass.config.async_set_time_zone("Europe/Berlin")


def berlin(text: str) -> datetime:
    """Return a moment by what a clock in Berlin shows."""
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN)


async def events(
    hass: HomeAssistant, start: datetime = MOMENT - 5000 * DAY, end: datetime = MOMENT + 5000 * DAY
) -> list[dict[str, Any]]:
    """Return what the calendar shows of a period, as automations and the frontend get it."""
    data = {"entity_id": CALENDAR, "start_date_time": start, "end_date_time": end}
    response: Any = await hass.services.async_call("calendar", "get_events", data, blocking=True, return_response=True)
    return list(response[CALENDAR]["events"])


async def spans(hass: HomeAssistant) -> list[tuple[str, str, str]]:
    """Return the summary, the start and the end of all that the calendar shows."""
    return [(event["summary"], event["start"], event["end"]) for event in await events(hass)]


def attributes(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the calendar says of the print under way."""
    return shown(hass)[CALENDAR][1]


async def fill(post: Post, freezer: FrozenDateTimeFactory, prints: Iterable[tuple[str, datetime, datetime]]) -> None:
    """Print the past: the file, from when, until when."""
    for name, start, end in prints:
        freezer.move_to(end)
        said = {"PrintId": name, "FileName": name, "DurationSec": (end - start).total_seconds()}
        assert (await post(said, EventType=COMPLETE)).status == 200


async def test_one_per_printer(hass: HomeAssistant, post: Post) -> None:
    """Each printer has a calendar of its own, which nobody can write to."""
    await post(PRINT, EventType=STARTED)
    await post(PRINT, EventType=STARTED, PrinterId="printer-2", PrinterName="Voron")
    assert er.async_get(hass).async_get_entity_id("calendar", DOMAIN, "printer-1_prints") == CALENDAR
    assert value(hass, "calendar.voron_prints") == "on"
    assert attributes(hass)["friendly_name"] == "Ender3 Prints"
    assert not attributes(hass).get("supported_features")
    assert await events(hass) != []


async def test_print_under_way(hass: HomeAssistant, post: Post, clock: Clock) -> None:
    """It lasts until its estimated finish, and moves with it; when it has ended, until it did."""
    await post(PRINT, EventType=STARTED, DurationSec=0)
    under_way = "Boat.gcode (Under way)"
    start = "2026-03-14T10:00:00+01:00"
    assert await spans(hass) == [(under_way, start, "2026-03-14T11:00:00+01:00")]
    for remaining, end in ((7200, "12:10"), (9000, "12:50"), (600, "10:40")):
        await clock.elapse(10 * MINUTE)
        await post(PRINT, EventType=PROGRESS, TimeRemainingSec=remaining)
        assert await spans(hass) == [(under_way, start, f"2026-03-14T{end}:00+01:00")]
        assert (value(hass, CALENDAR), attributes(hass)["message"]) == ("on", under_way)
        assert attributes(hass)["end_time"] == f"2026-03-14 {end}:00"
    await clock.elapse(5 * MINUTE)
    await post(PRINT, EventType=COMPLETE, DurationSec=2100)
    assert value(hass, CALENDAR) == "off"
    assert await spans(hass) == [("Boat.gcode (Complete)", start, "2026-03-14T10:35:00+01:00")]
    await clock.elapse(7 * DAY)
    assert len(await spans(hass)) == 1


@pytest.mark.parametrize(
    ("said", "on_for", "end"),
    [
        pytest.param({"TimeRemainingSec": 3600}, 2.5 * HOUR, "11:00", id="an hour and a half after its estimate"),
        pytest.param({}, DAY, "10:01", id="a day without an estimate"),
        pytest.param({"EventType": PAUSED, "TimeRemainingSec": 3600}, None, None, id="paused beyond its estimate"),
    ],
)
async def test_silence(
    hass: HomeAssistant, post: Post, clock: Clock, said: dict[str, Any], on_for: timedelta | None, end: str | None
) -> None:
    """The calendar is on until the print is silent, and never says before that it should have ended; a paused one goes on."""
    await post(PRINT, **{"EventType": PROGRESS, "DurationSec": 0, **said})
    while dt_util.utcnow() < MOMENT + (on_for or 2 * DAY) - 30 * MINUTE:
        await clock.elapse(30 * MINUTE)
        assert value(hass, CALENDAR) == "on"
        assert berlin(attributes(hass)["end_time"]) > dt_util.utcnow()
    await clock.elapse(36 * MINUTE)
    assert value(hass, CALENDAR) == ("off" if on_for else "on")
    if on_for:
        silent = ("Boat.gcode (Nothing more was heard)", "2026-03-14T10:00:00+01:00", f"2026-03-14T{end}:00+01:00")
        assert await spans(hass) == [silent]
        await post(PRINT, EventType=STARTED, DurationSec=0, PrintId="print-2")
        assert (await spans(hass))[0] == silent


@pytest.mark.parametrize(
    ("said", "summary", "description"),
    [
        pytest.param(
            {**FULL, "EventType": FAILED, "DurationSec": 5025},
            "MyCoolPrint.gcode (Failed)",
            "50 / 100 layers\nError message: Oh no, something bad happened!\nhttps://octoeverywhere.com/quickview/1",
            id="everything",
        ),
        pytest.param(
            {"EventType": FAILED, "PrintId": "a", "PlatformErrorCode": "cancelled"}, "Canceled", None, id="canceled"
        ),
        pytest.param({"EventType": COMPLETE, "PrintId": "a"}, "Complete", None, id="nothing"),
        pytest.param({"EventType": COMPLETE, "PrintId": "a", "TotalLayers": 7}, "Complete", "0 / 7 layers", id="zeros"),
        pytest.param(
            {"EventType": COMPLETE, "PrintId": "a", "CurrentLayer": 7}, "Complete", None, id="no number of layers"
        ),
        pytest.param(FULL, "MyCoolPrint.gcode (Under way)", "https://octoeverywhere.com/quickview/1", id="under way"),
    ],
)
async def test_words(
    hass: HomeAssistant, post: Post, said: dict[str, Any], summary: str, description: str | None
) -> None:
    """The summary says what was printed and what became of it, the description everything else that is known."""
    await post(said)
    (event,) = await events(hass)
    assert (event["summary"], event.get("description") or None) == (summary, description)


async def test_german(hass: HomeAssistant, post: Post) -> None:
    """The words are those of Home Assistant's language, without a gap while it is being changed."""
    await post(FULL)
    hass.config.language = "de"
    await post(FULL, DurationSec=60, FileName="Boot.gcode")
    assert attributes(hass)["message"].startswith("Boot.gcode (")
    await hass.config.async_update(language="de")
    await hass.async_block_till_done()
    await reload(hass)
    german = json.loads((TRANSLATIONS / "de.json").read_text("utf-8"))
    outcome = german["selector"]["outcome"]["options"]["failed"]
    assert outcome != "Failed"
    await post(FULL, EventType=FAILED, DurationSec=5025)
    (event,) = await events(hass)
    assert event["summary"] == f"MyCoolPrint.gcode ({outcome})"
    sensors = german["entity"]["sensor"]
    assert event["description"].splitlines() == [
        f"50 / 100 {sensors['total_layers']['unit_of_measurement']}",
        f"{sensors['error_message']['name']}: {FULL['Error']}",
        FULL["QuickViewUrl"],
    ]


async def test_period(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A period has what goes on in it, be it for a moment; what only touches it is not in it."""
    await fill(
        post,
        freezer,
        [
            ("february", berlin("2026-02-10 10:00"), berlin("2026-02-10 12:00")),
            ("over the end", berlin("2026-02-28 22:00"), berlin("2026-03-01 02:00")),
            ("march", berlin("2026-03-05 12:00"), berlin("2026-03-05 12:00")),
        ],
    )
    for start, end, names in (
        ("2026-02-01", "2026-03-01", ["february", "over the end"]),
        ("2026-03-01", "2026-04-01", ["over the end", "march"]),
        ("2026-02-28 23:00", "2026-03-01 01:00", ["over the end"]),  # both ends are outside
        ("2026-02-10 12:00", "2026-02-10 13:00", []),  # begins when the print ends
        ("2026-02-10 11:59", "2026-02-10 13:00", ["february"]),
        ("2026-02-10 09:00", "2026-02-10 10:00", []),  # ends when the print begins
        ("2026-02-10 09:00", "2026-02-10 10:01", ["february"]),
        ("2026-02-10 11:00", "2026-02-10 11:01", ["february"]),  # in its midst
        ("2026-03-05", "2026-03-06", ["march"]),  # no longer than a moment
        ("2025-01-01", "2025-12-31", []),
        ("2020-01-01", "2030-01-01", ["february", "over the end", "march"]),
    ):
        found = [event["summary"] for event in await events(hass, berlin(start), berlin(end))]
        assert found == [f"{name} (Complete)" for name in names], (start, end)


async def test_hour_that_is_missing(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A print over which the clock is changed lasts as long as it does."""
    start = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
    await fill(post, freezer, [("night", start, start + HOUR)])
    (event,) = await events(hass)
    assert (event["start"], event["end"]) == ("2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00")


async def test_hour_that_comes_twice(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A print that ends at an earlier hour of the clock than it began at is shown, under way and past, with all others."""
    # Half past two, before the clock is set back, and a quarter past two after that.
    start, end = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 15, tzinfo=UTC)
    await fill(post, freezer, [("before", MOMENT, MOMENT + HOUR)])
    freezer.move_to(start)
    said = {"PrintId": "night", "FileName": "night"}
    for duration, ends_at in ((0, end), (60, end + HOUR), (120, end)):
        remaining = (ends_at - start).total_seconds()
        response = await post(said, EventType=PROGRESS, DurationSec=duration, TimeRemainingSec=remaining)
        assert response.status == 200
        assert attributes(hass)["end_time"] == f"{ends_at.astimezone(BERLIN):%Y-%m-%d %H:%M:%S}"
    freezer.move_to(end)
    await post(said, EventType=COMPLETE, DurationSec=2700)
    before, night = await events(hass)
    assert (before["summary"], night["summary"]) == ("before (Complete)", "night (Complete)")
    assert datetime.fromisoformat(night["end"]) == end
