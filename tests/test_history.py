"""Tests of what is remembered of prints: which, how they ended, for how long, and what that adds up to."""

import asyncio
from collections import defaultdict
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
import json
from pathlib import Path
from typing import Any, cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.recorder import Recorder
from homeassistant.components.recorder.statistics import StatisticsRow, statistics_during_period
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.recorder import get_instance
from homeassistant.util.file import WriteError
from hypothesis import given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.recorder.common import (
    async_wait_recording_done,
    do_adhoc_statistics,
)

from custom_components.octoeverywhere.const import DOMAIN
from custom_components.octoeverywhere.history import (
    MAX_PRINTS,
    History,
    Outcome,
    Print,
    Totals,
    may_change,
    remember,
    unfinished,
)
from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import PrinterState, reduce
from custom_components.octoeverywhere.store import HistoryStore

from .conftest import FULL, Disk, Post, device_of, value_of
from .replay import NAMES, Arrival, arrivals

MOMENT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

STARTED, COMPLETE, FAILED, PAUSED, PROGRESS, COOLED = 1, 2, 3, 4, 6, 15
ENDINGS = {COMPLETE: Outcome.COMPLETE, FAILED: Outcome.FAILED}

WHOLE = Print(
    print_id="print-1",
    outcome=Outcome.FAILED,
    started_at=MOMENT,
    ended_at=MOMENT + HOUR,
    file_name="Größe.gcode",
    duration=3600,
    current_layer=50,
    total_layers=100,
    error="Out of filament 🧵",
    quick_view_url="https://octoeverywhere.com/quickview/1",
    snapshot_url="https://octoeverywhere.com/snapshot/1.jpg",
)
"""A print of which everything is known."""


# What is remembered, without Home Assistant.


def says(event_type: int, print_id: str | None = "print-1", /, **keys: object) -> Notification:
    """Return a notification."""
    return Notification.from_payload({"PrinterId": "p", "PrintId": print_id, "EventType": event_type, **keys})


class Memory:
    """A printer's state and history, of which each comes back from JSON before the next notification."""

    def __init__(self) -> None:
        """Know nothing."""
        self.state = PrinterState()
        self.history = History()

    def hear(self, notification: Notification, at: datetime) -> None:
        """Do what Home Assistant does with a notification, then restart."""
        after = remember(self.history, self.state, notification, at)
        assert after is self.history or may_change(self.state, notification, at)
        self.history = after
        self.state = reduce(self.state, notification, at)
        assert PrinterState.from_dict(json.loads(json.dumps(self.state.as_dict()))) == self.state
        assert [Print.from_dict(json.loads(json.dumps(known.as_dict()))) for known in after.prints] == [*after.prints]

    def hear_all(self, *notifications: Notification) -> None:
        """Hear one notification a minute."""
        for number, notification in enumerate(notifications):
            self.hear(notification, MOMENT + number * MINUTE)

    @property
    def outcomes(self) -> dict[str, str]:
        """Return how each print ended."""
        return {known.print_id: known.outcome.value for known in self.history.prints}


def by_printer(*names: str) -> dict[str, list[Arrival]]:
    """Return what arrives of several files, a week after each other, by printer."""
    printers: dict[str, list[Arrival]] = defaultdict(list)
    for week, name in enumerate(names):
        for arrival in arrivals(name, MOMENT + week * 7 * DAY):
            printers[arrival.notification.printer_id].append(arrival)
    return dict(printers)


PRINTERS = by_printer(*(name for name in NAMES if name not in ("sparse", "same_file_again")))
"""All prints that have an id of their own, by printer: what is said without one belongs to whichever print is the newest."""


def said_endings(arrived: list[Arrival]) -> set[tuple[str | None, str, int | None]]:
    """Return what the notifications themselves say of how each print ended."""
    return {
        (said.print_id, ENDINGS[said.event_type].value, said.duration)
        for said in (arrival.notification for arrival in arrived)
        if said.event_type in ENDINGS
    }


def known_endings(history: History) -> list[tuple[str | None, str, int | None]]:
    """Return what is remembered of how each print ended."""
    return [
        (known.print_id, known.outcome.value, known.duration)
        for known in history.prints
        if known.outcome is not Outcome.SILENT
    ]


def check(memory: Memory, arrived: list[Arrival], now: datetime) -> None:
    """Check that every print is remembered once, as it was said, and that the totals are those of the prints."""
    endings = said_endings(arrived)
    assert sorted(known_endings(memory.history), key=str) == sorted(endings, key=str)
    assert memory.history.totals == Totals(
        completed=sum(outcome == "complete" for _, outcome, _ in endings),
        failed=sum(outcome == "failed" for _, outcome, _ in endings),
        seconds=sum(duration or 0 for _, _, duration in endings),
    )
    under_way = unfinished(memory.state, now)
    shown = [known.print_id for known in (*memory.history.prints, *([under_way] if under_way else []))]
    assert sorted(shown) == sorted({said for arrival in arrived if (said := arrival.notification.print_id)})
    assert all(known.started_at <= known.ended_at for known in memory.history.prints)


@pytest.mark.parametrize("printer_id", PRINTERS)
def test_in_order(printer_id: str) -> None:
    """In order, each print also lasts from its real start to its real end."""
    memory = Memory()
    for arrival in PRINTERS[printer_id]:
        memory.hear(arrival.notification, arrival.at)
    check(memory, PRINTERS[printer_id], arrival.at)
    for known in memory.history.prints:
        own = [arrival for arrival in PRINTERS[printer_id] if arrival.notification.print_id == known.print_id]
        ends = [arrival.at for arrival in own if arrival.notification.event_type in ENDINGS]
        assert abs(known.started_at - own[0].at) < 5 * SECOND
        assert abs(known.ended_at - (ends or [own[-1].at])[0]) < 5 * SECOND
        assert known.file_name == own[0].notification.file_name


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_order(data: st.DataObject) -> None:
    """However often and in whatever order notifications arrive, the same prints ended the same way and add up to the same.

    When exactly a print began and ended, and its layers, may differ: an ending that arrives before anything else of its
    print knows only its own moment, and one that arrives after the next print has begun is dated by its duration.
    """
    arrived = PRINTERS[data.draw(st.sampled_from(sorted(PRINTERS)))]
    again = data.draw(st.lists(st.sampled_from(arrived), max_size=10))
    memory = Memory()
    now = MOMENT
    for number, arrival in enumerate(data.draw(st.permutations([*arrived, *again]))):
        now = MOMENT + number * MINUTE
        memory.hear(arrival.notification, now)
    check(memory, arrived, now)


@pytest.mark.parametrize(
    ("notifications", "outcomes", "totals"),
    [
        pytest.param([], {}, Totals(), id="nothing"),
        pytest.param([says(STARTED)], {}, Totals(), id="under way"),
        pytest.param(
            [says(STARTED), says(COMPLETE, DurationSec=60)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="complete",
        ),
        pytest.param(
            [says(STARTED), says(FAILED, DurationSec=60)],
            {"print-1": "failed"},
            Totals(failed=1, seconds=60),
            id="failed",
        ),
        pytest.param(
            [says(COMPLETE), says(COMPLETE)], {"print-1": "complete"}, Totals(completed=1), id="only its end is heard"
        ),
        pytest.param(
            [says(COMPLETE, DurationSec=60), says(FAILED, DurationSec=70)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="what is said first of its end counts",
        ),
        pytest.param(
            [says(PROGRESS, DurationSec=60), says(COMPLETE)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="the last known duration, where the end says none",
        ),
        pytest.param(
            [says(STARTED), says(COMPLETE, None, DurationSec=60)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="an end without an id is the newest print's",
        ),
        pytest.param(
            [says(COMPLETE, DurationSec=60), says(COMPLETE, None, DurationSec=60)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="which may have ended already",
        ),
        pytest.param([says(STARTED, None), says(COMPLETE, None)], {}, Totals(), id="prints without ids are not known"),
        pytest.param(
            [says(STARTED), says(STARTED, "print-2")], {"print-1": "silent"}, Totals(), id="silent: the next one began"
        ),
        pytest.param(
            [says(STARTED), says(PROGRESS, None)], {}, Totals(), id="not silent: nothing says that it is another print"
        ),
        pytest.param([says(STARTED), says(16, "print-2")], {}, Totals(), id="not silent: a test is no print"),
        pytest.param(
            [says(PROGRESS, DurationSec=60), says(STARTED, "print-2"), says(COMPLETE)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="silent, until its end is heard after all",
        ),
        pytest.param(
            [says(STARTED), says(STARTED, "print-2"), says(COMPLETE, DurationSec=60), says(FAILED, DurationSec=70)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="which counts once",
        ),
        pytest.param(
            [says(STARTED), says(STARTED, "print-2"), says(COMPLETE)],
            {"print-1": "complete"},
            Totals(completed=1),
            id="silent, and how long it took was never said",
        ),
        pytest.param(
            [says(STARTED), says(STARTED, "print-2"), says(PROGRESS)],
            {"print-1": "silent"},
            Totals(),
            id="silent, whatever else is heard of it",
        ),
        pytest.param(
            [says(COMPLETE), says(STARTED, "print-2"), says(COOLED)],
            {"print-1": "complete"},
            Totals(completed=1),
            id="ended and cooled down",
        ),
        pytest.param(
            [says(COOLED), says(STARTED, "print-2")], {}, Totals(), id="all that is heard of a print is its cool-down"
        ),
        pytest.param(
            [says(STARTED), says(COMPLETE, "older", DurationSec=3600), says(COMPLETE, DurationSec=120)],
            {"older": "complete", "print-1": "complete"},
            Totals(completed=2, seconds=3720),
            id="the end of an older one is heard late, and nothing else of it",
        ),
        pytest.param(
            [says(COOLED), says(COMPLETE, DurationSec=60)],
            {"print-1": "complete"},
            Totals(completed=1, seconds=60),
            id="its end comes after its cool-down",
        ),
        pytest.param(
            [says(7), says(STARTED, "print-2")], {"print-1": "silent"}, Totals(), id="all that is heard is a warning"
        ),
    ],
)
def test_outcomes(notifications: list[Notification], outcomes: dict[str, str], totals: Totals) -> None:
    """A print ends once, or is silent."""
    memory = Memory()
    memory.hear_all(*notifications)
    assert memory.outcomes == outcomes
    assert memory.history.totals == totals


def test_what_is_remembered() -> None:
    """Everything that a print said is remembered."""
    memory = Memory()
    memory.hear(says(COMPLETE, **{**FULL, "EventType": FAILED, "DurationSec": 3600}), MOMENT + HOUR)
    assert memory.history.prints == (
        replace(WHOLE, file_name=FULL["FileName"], error=FULL["Error"]),  # type: ignore[arg-type]
    )


def test_silent_print() -> None:
    """A print that went silent ends at the last that was heard of it."""
    memory = Memory()
    memory.hear(says(STARTED, DurationSec=0), MOMENT)
    memory.hear(says(PROGRESS, DurationSec=3600, TimeRemainingSec=7200), MOMENT + HOUR)
    memory.hear(says(STARTED, "print-2"), MOMENT + 7 * DAY)
    (known,) = memory.history.prints
    assert (known.outcome, known.started_at, known.ended_at) == (Outcome.SILENT, MOMENT, MOMENT + HOUR)


def test_end_that_is_heard_late() -> None:
    """It is dated by its duration, keeps what is known and adds what is not; it cannot lie in the future."""
    memory = Memory()
    memory.hear(says(STARTED, DurationSec=0, SnapshotUrl="https://octoeverywhere.com/1.jpg"), MOMENT)
    memory.hear(says(STARTED, "print-2"), MOMENT + DAY)
    late = says(FAILED, DurationSec=3600, FileName="a", Error="b", SnapshotUrl="https://octoeverywhere.com/2.jpg")
    silent = memory
    for now, ended_at in ((MOMENT + DAY + HOUR, MOMENT + HOUR), (MOMENT + MINUTE, MOMENT + MINUTE)):
        (known,) = remember(silent.history, silent.state, late, now).prints
        assert (known.started_at, known.ended_at) == (MOMENT, ended_at)
        assert (known.file_name, known.error) == ("a", "b")
        assert known.snapshot_url == "https://octoeverywhere.com/2.jpg"
    (known,) = remember(silent.history, silent.state, says(COMPLETE), MOMENT + DAY + HOUR).prints
    assert known.snapshot_url == "https://octoeverywhere.com/1.jpg"


@pytest.mark.parametrize(
    ("said", "passed", "outcome", "ends"),
    [
        pytest.param({"TimeRemainingSec": 7200}, MINUTE, "under_way", 2 * HOUR, id="lasts until its estimated finish"),
        pytest.param({"TimeRemainingSec": 60}, 2 * MINUTE, "under_way", HOUR + MINUTE, id="beyond it, until silent"),
        pytest.param({}, MINUTE, "under_way", HOUR + MINUTE, id="without an estimate"),
        pytest.param({}, DAY - MINUTE, "under_way", DAY, id="without an estimate, soon silent"),
        pytest.param({"EventType": PAUSED}, 7 * DAY, "under_way", 7 * DAY + HOUR, id="paused, without an estimate"),
        pytest.param(
            {"EventType": PAUSED, "TimeRemainingSec": 60}, DAY, "under_way", DAY + HOUR, id="paused beyond its estimate"
        ),
        pytest.param({"TimeRemainingSec": 60}, HOUR + MINUTE, "silent", timedelta(), id="silent after its estimate"),
        pytest.param({}, DAY, "silent", timedelta(), id="silent without an estimate"),
    ],
)
def test_print_under_way(said: dict[str, Any], passed: timedelta, outcome: str, ends: timedelta) -> None:
    """A print under way lasts until its estimated finish, or an hour at least; a silent one is over."""
    memory = Memory()
    memory.hear(says(PROGRESS, **{"EventType": PROGRESS, "DurationSec": 3600, **said}), MOMENT)
    under_way = unfinished(memory.state, MOMENT + passed)
    assert under_way is not None
    assert (under_way.outcome, under_way.started_at) == (outcome, MOMENT - HOUR)
    assert under_way.ended_at == MOMENT + ends


@pytest.mark.parametrize("said", [[], [says(COMPLETE)], [says(STARTED, None)], [says(COOLED)]])
def test_nothing_under_way(said: list[Notification]) -> None:
    """There may be no print, or one that is remembered already."""
    memory = Memory()
    memory.hear_all(*said)
    assert unfinished(memory.state, MOMENT + HOUR) is None


def test_print_under_way_of_unknown_start() -> None:
    """A print that never said for how long it has been going on has begun when it was heard of."""
    memory = Memory()
    memory.hear(says(PROGRESS, TimeRemainingSec=7200), MOMENT)
    under_way = unfinished(memory.state, MOMENT + MINUTE)
    assert under_way is not None
    assert under_way.started_at == MOMENT


def test_bound() -> None:
    """Of 5,000 prints the newest are remembered, and all are counted."""
    memory = Memory()
    for number in range(5000):
        at = MOMENT + number * HOUR
        end = says(COMPLETE, f"print-{number}", DurationSec=1800)
        memory.history = remember(memory.history, memory.state, end, at)
        memory.state = reduce(memory.state, end, at)
    assert [known.print_id for known in memory.history.prints] == [f"print-{number}" for number in range(4500, 5000)]
    assert memory.history.totals == Totals(completed=5000, seconds=5000 * 1800)


def test_clock_that_was_wrong() -> None:
    """A print that ends while the clock is years behind counts once, and is remembered, as any other."""
    ids = [f"print-{number}" for number in range(MAX_PRINTS)]
    memory = Memory()
    memory.history = History(prints=tuple(replace(WHOLE, print_id=print_id) for print_id in ids))
    for _ in range(2):
        memory.hear(says(COMPLETE, "print-new", DurationSec=60), MOMENT - 365 * DAY)
    assert memory.history.totals.completed == 1
    assert memory.history.find("print-new")


# What is on the disk.


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let Home Assistant write real files."""
    return {}


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Keep them apart from those of other tests."""
    return hass_tmp_config_dir


def files(hass: HomeAssistant, kind: str = ".history") -> dict[Path, bytes]:
    """Return the integration's files, those of the histories alone at first, with what is in them."""
    folder = Path(hass.config.path(".storage"))
    return {path: path.read_bytes() for path in sorted(folder.glob(f"octoeverywhere{kind}*"))}


async def test_round_trip(hass: HomeAssistant) -> None:
    """Everything that is known of prints comes back from the disk as it was."""
    assert [name for name in (field.name for field in fields(Print)) if getattr(WHOLE, name) is None] == []
    bare = Print(print_id="print-2", outcome=Outcome.SILENT, started_at=MOMENT, ended_at=MOMENT)
    histories = {
        "printer-1": History(prints=(WHOLE, bare), totals=Totals(completed=3, failed=2, seconds=1)),
        "drucker-ü/../": History(totals=Totals(failed=1)),
    }
    for printer_id, history in histories.items():
        assert await HistoryStore(hass).async_save(printer_id, history)
    store = HistoryStore(hass)
    assert {printer_id: await store.async_load(printer_id) for printer_id in histories} == histories
    assert await store.async_load("printer-3") is None
    assert await store.async_load_totals([*histories, "printer-3"]) == {
        printer_id: history.totals for printer_id, history in histories.items()
    }
    assert all(path.stat().st_mode & 0o077 == 0 for path in files(hass))
    assert await store.async_forget("printer-1")
    assert len(files(hass)) == 1
    await store.async_remove(histories)
    assert files(hass) == {}


@pytest.mark.parametrize("name", [field.name for field in fields(Print)])
@pytest.mark.parametrize("damage", [5, "much", [], True, None])
def test_value_of_another_kind(name: str, damage: object) -> None:
    """Nothing is believed of a print of which a value is of another kind than what is written there."""
    written = json.loads(json.dumps(WHOLE.as_dict()))
    if type(damage) is type(written[name]) and name not in {"outcome", "quick_view_url", "snapshot_url"}:
        damage = not damage
    with pytest.raises((TypeError, ValueError)):
        Print.from_dict(written | {name: damage})


def test_missing_value() -> None:
    """Nor where what every print has is missing."""
    written = WHOLE.as_dict()
    for name in ("print_id", "outcome", "started_at", "ended_at"):
        with pytest.raises(TypeError):
            Print.from_dict({key: value for key, value in written.items() if key != name})
    for name in ("completed", "failed", "seconds"):
        totals = {"completed": 1, "failed": 1, "seconds": 1}
        with pytest.raises(KeyError):
            Totals.from_dict({key: value for key, value in totals.items() if key != name})
        with pytest.raises(TypeError):
            Totals.from_dict(totals | {name: True})


# The whole way.


def counters(hass: HomeAssistant, printer_id: str = "printer-1") -> list[str | None]:
    """Return what the three counters of a printer show."""
    keys = ("prints_completed", "prints_failed", "total_print_time")
    return [value_of(hass, printer_id, "sensor", key) for key in keys]


async def prints(hass: HomeAssistant) -> list[tuple[str, str]]:
    """Return all prints and how they ended, the newest first, as the action tells them."""
    response = cast(
        "dict[str, Any]", await hass.services.async_call(DOMAIN, "get_prints", {}, blocking=True, return_response=True)
    )
    return [(known["print_id"], known["outcome"]) for known in response["prints"]]


async def restart(hass: HomeAssistant, entry: MockConfigEntry, disk: dict[Path, bytes] | None = None) -> None:
    """Restart, if asked to with what the disk held when the power went."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    if disk is not None:
        for path in files(hass, ""):
            path.unlink()
        for path, content in disk.items():
            path.write_bytes(content)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


async def test_counters(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """They count each print of their own printer once, across restarts, and show the time in hours."""
    await post(FULL, EventType=STARTED)
    assert counters(hass) == ["0", "0", "0.0"]
    for _ in range(2):
        await post(FULL, EventType=COMPLETE, DurationSec=5400)
        assert counters(hass) == ["1", "0", "1.5"]
        await restart(hass, loaded)
        assert counters(hass) == ["1", "0", "1.5"]
    await post(FULL, EventType=FAILED, PrintId="print-2", DurationSec=1800)
    await post(FULL, EventType=STARTED, PrintId="print-3")
    await post(FULL, EventType=STARTED, PrintId="print-4")
    await post(FULL, EventType=STARTED, PrinterId="printer-2", PrinterName="Voron")
    assert counters(hass) == ["1", "1", "2.0"]
    assert counters(hass, "printer-2") == ["0", "0", "0.0"]


@pytest.mark.parametrize("is_crash", [False, True])
async def test_restart_after_every_notification(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, is_crash: bool
) -> None:
    """Prints of which each notification comes twice, with a restart after it, end in the same history and counters."""
    # Of the prints back to back, from the end of the one into the next.
    arrived = [*arrivals("cancelled", MOMENT), *arrivals("back_to_back", MOMENT + DAY)[10:18]]
    memory = Memory()
    for arrival in arrived:
        freezer.move_to(arrival.at)
        body = arrival.body | {"PrinterId": "printer-1"}
        for _ in range(2):
            assert (await post(body)).status == 200
        await restart(hass, loaded, files(hass, "") if is_crash else None)
        memory.hear(Notification.from_payload(body), arrival.at)
    assert await HistoryStore(hass).async_load("printer-1") == memory.history
    totals = memory.history.totals
    assert (totals.completed, totals.failed) == (1, 1)
    assert counters(hass)[:2] == ["1", "1"]
    assert float(counters(hass)[2] or 0) * 3600 == pytest.approx(totals.seconds)


async def test_ordinary_notification(hass: HomeAssistant, post: Post, disk: Disk) -> None:
    """Only the end of a print writes the history, and only once."""
    for number in (STARTED, PROGRESS, PAUSED, 5, 7, 9, 10, 11, 12, 14, 13, 16, 99):
        await post(FULL, EventType=number)
    assert files(hass) == {}
    before = disk.writes
    await post(FULL, EventType=PROGRESS, DurationSec=51)
    assert disk.writes == before + 1
    await post(FULL, EventType=COMPLETE)
    assert disk.writes == before + 3
    (written,) = files(hass)
    changed = written.stat().st_mtime_ns
    for number in (COMPLETE, COOLED, FAILED):
        await post(FULL, EventType=number)
    await post(FULL, EventType=STARTED, PrintId="print-2")
    assert disk.writes == before + 7
    assert written.stat().st_mtime_ns == changed


async def test_disk_error(hass: HomeAssistant, post: Post, disk: Disk) -> None:
    """A print that could not be remembered is not acknowledged, and counts once when it is sent again."""
    await post(FULL, EventType=STARTED)
    disk.error = WriteError("No space left on device")
    for _ in range(2):
        assert (await post(FULL, EventType=COMPLETE, DurationSec=3600)).status == 503
    assert counters(hass) == ["0", "0", "0.0"]
    assert await prints(hass) == [("print-1", "complete")]
    disk.error = None
    for _ in range(2):
        assert (await post(FULL, EventType=COMPLETE, DurationSec=3600)).status == 200
        assert counters(hass) == ["1", "0", "1.0"]
        assert await prints(hass) == [("print-1", "complete")]


async def test_disk_error_when_the_next_print_begins(hass: HomeAssistant, post: Post, disk: Disk) -> None:
    """A print that went silent is remembered although the disk was full when the next one began."""
    await post(FULL, EventType=STARTED)
    disk.error = WriteError("No space left on device")
    assert (await post(FULL, EventType=STARTED, PrintId="print-2")).status == 503
    disk.error = None
    assert (await post(FULL, EventType=STARTED, PrintId="print-2")).status == 200
    assert sorted(await prints(hass)) == [("print-1", "silent"), ("print-2", "under_way")]


async def test_disk_error_and_crash(hass: HomeAssistant, post: Post, loaded: MockConfigEntry, disk: Disk) -> None:
    """Nor is it forgotten where the disk took what is smaller, and the power went before the next one was sent again."""
    await post(FULL, EventType=STARTED)
    disk.error, disk.broken = WriteError("No space left on device"), "octoeverywhere.history"
    assert (await post(FULL, EventType=STARTED, PrintId="print-2")).status == 503
    disk.error = None
    await restart(hass, loaded, files(hass, ""))
    assert (await post(FULL, EventType=STARTED, PrintId="print-2")).status == 200
    assert sorted(await prints(hass)) == [("print-1", "silent"), ("print-2", "under_way")]


async def test_reader_that_gives_up(hass: HomeAssistant, post: Post) -> None:
    """Whoever reads at the same time as somebody who gives up reads on."""
    await post(FULL, EventType=COMPLETE)
    store = HistoryStore(hass)
    readers = [asyncio.create_task(store.async_load("printer-1")) for _ in range(3)]
    await asyncio.sleep(0)
    for reader in (readers[0], readers[2]):
        reader.cancel()
    history = await readers[1]
    assert history is not None
    assert history.find("print-1")
    assert len(files(hass)) == 1


async def crash_in_between(hass: HomeAssistant, post: Post, loaded: MockConfigEntry, **keys: object) -> None:
    """Post a notification, and lose power when its history was saved but not its printer."""
    before = files(hass, "")
    await post(FULL, **keys)
    await restart(hass, loaded, before | files(hass))


async def test_crash_in_between(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """A print counts once although only its history was saved before the power went and the notification came again."""
    await post(FULL, EventType=STARTED)
    await crash_in_between(hass, post, loaded, EventType=COMPLETE, DurationSec=3600)
    assert counters(hass) == ["1", "0", "1.0"]
    assert (await post(FULL, EventType=COMPLETE, DurationSec=3600)).status == 200
    assert counters(hass) == ["1", "0", "1.0"]
    assert await prints(hass) == [("print-1", "complete")]


async def test_same_file_again(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """The same file printed twice in a row is two prints although the plugin goes on with id and seconds, also after a crash."""
    await post(FULL, EventType=STARTED, DurationSec=0)
    freezer.tick(HOUR)
    await post(FULL, EventType=COMPLETE, DurationSec=3600)
    freezer.tick(10 * MINUTE)
    await post(FULL, EventType=STARTED, DurationSec=4200, Progress=52)
    assert await prints(hass) == [("print-1", "under_way"), ("print-1", "complete")]
    assert value_of(hass, "printer-1", "sensor", "status") == "printing"
    freezer.tick(HOUR)
    await crash_in_between(hass, post, loaded, EventType=COMPLETE, DurationSec=7800)
    assert await prints(hass) == [("print-1", "complete")] * 2
    assert (await post(FULL, EventType=COMPLETE, DurationSec=7800)).status == 200
    assert await prints(hass) == [("print-1", "complete")] * 2
    assert counters(hass) == ["2", "0", "2.0"]
    event = hass.states.get("event.ender3_notification")
    assert event is not None
    assert event.attributes["duration"] == 3600


def test_same_file_again_and_again() -> None:
    """Four prints of one file are four, as the plugin of a Klipper printer tells of them."""
    memory = Memory()
    for arrival in arrivals("same_file_again"):
        memory.hear(arrival.notification, arrival.at)
    ended = [(known.outcome.value, known.duration) for known in memory.history.prints]
    assert ended == [("complete", 3600), ("complete", 3600), ("failed", 1800), ("complete", 3600)]
    assert memory.history.totals == Totals(completed=3, failed=1, seconds=12_600)


def again(print_end: Notification, *others: Notification) -> list[tuple[str, int | None]]:
    """Print a file for an hour, then once more, as Klipper's plugin tells it; return how they ended and how long they took."""
    memory = Memory()
    memory.hear(says(STARTED, DurationSec=0, Progress=0), MOMENT)
    memory.hear(print_end, MOMENT + HOUR)
    memory.hear(says(STARTED, DurationSec=4200, Progress=52), MOMENT + 4200 * SECOND)
    for other in others:
        memory.hear(other, MOMENT + 4500 * SECOND)
        for heard in (other, print_end):  # once more
            memory.hear(heard, MOMENT + 4800 * SECOND)
    ended = [known for known in memory.history.prints if known.outcome is not Outcome.SILENT]
    assert memory.history.totals == Totals(
        completed=sum(known.outcome is Outcome.COMPLETE for known in ended),
        failed=sum(known.outcome is Outcome.FAILED for known in ended),
        seconds=sum(known.duration or 0 for known in ended),
    )
    assert all(known.ended_at <= MOMENT + 4800 * SECOND for known in memory.history.prints)
    return [(known.outcome.value, known.duration) for known in memory.history.prints]


@pytest.mark.parametrize(
    ("print_end", "others", "expected"),
    [
        pytest.param(says(COMPLETE, DurationSec=3600), [], [("complete", 3600)], id="the second one goes on"),
        pytest.param(
            says(COMPLETE, DurationSec=3600),
            [says(COMPLETE, DurationSec=4500)],
            [("complete", 3600), ("complete", 300)],
            id="both complete",
        ),
        pytest.param(
            says(COMPLETE, DurationSec=3600),
            [says(FAILED, DurationSec=290)],
            [("complete", 3600), ("failed", 290)],
            id="the second one canceled, which counts anew",
        ),
        pytest.param(
            says(FAILED, DurationSec=3600),
            [says(FAILED, DurationSec=3600)],
            [("failed", 3600)],
            id="the first one canceled, and told twice",
        ),
        pytest.param(
            says(PROGRESS, DurationSec=3600), [], [("silent", 3600)], id="nobody heard how the first one ended"
        ),
        pytest.param(
            says(PROGRESS, DurationSec=3600),
            [says(COMPLETE, DurationSec=3700), says(COMPLETE, DurationSec=4500)],
            [("complete", 3700), ("complete", 300)],
            id="until it is sent again",
        ),
    ],
)
def test_same_file_again_in_any_case(
    print_end: Notification, others: list[Notification], expected: list[tuple[str, int | None]]
) -> None:
    """Each of two prints of the same file counts once, whatever is heard of them and however often."""
    assert sorted(again(print_end, *others)) == sorted(expected)


@pytest.mark.parametrize(
    ("keys", "outcome"), [({"EventType": COMPLETE}, "complete"), ({"EventType": STARTED, "PrintId": "2"}, "silent")]
)
async def test_shown_once_after_a_crash(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, keys: dict[str, Any], outcome: str
) -> None:
    """Until the notification has come again, the print is shown once as well."""
    await post(FULL, EventType=STARTED)
    await crash_in_between(hass, post, loaded, **keys)
    assert await prints(hass) == [("print-1", outcome)]


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"version": 1, "data": {}}', b'{"version": 1, "data": {"totals": 5, "prints": []}}']
)
async def test_damaged_file(hass: HomeAssistant, post: Post, loaded: MockConfigEntry, content: bytes) -> None:
    """A damaged history is kept aside and begins afresh; what had been counted goes on as long as it is known."""
    await post(FULL, EventType=COMPLETE, DurationSec=3600)
    (path,) = files(hass)
    path.write_bytes(content)
    assert (await post(FULL, EventType=FAILED, DurationSec=3600, PrintId="print-2")).status == 200
    assert counters(hass) == ["1", "1", "2.0"]
    assert await prints(hass) == [("print-2", "failed")]
    (aside,) = [other for other in files(hass) if other != path]
    assert aside.read_bytes() == content
    await restart(hass, loaded)
    assert counters(hass) == ["1", "1", "2.0"]

    path.write_bytes(content)
    await restart(hass, loaded)
    assert counters(hass) == ["0", "0", "0.0"]
    assert await prints(hass) == []
    await post(FULL, EventType=COMPLETE, DurationSec=3600, PrintId="print-3")
    assert counters(hass) == ["1", "0", "1.0"]


async def test_removal(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """The history goes with its printer, and with the integration."""
    for number in (1, 2):
        await post(FULL, EventType=COMPLETE, PrinterId=f"printer-{number}", PrinterName=f"Printer {number}")
    assert len(files(hass)) == 2
    device = device_of(hass, "printer-1")
    assert device is not None
    await loaded.runtime_data.async_forget("printer-1")
    await hass.async_block_till_done()
    assert len(files(hass)) == 1
    assert dr.async_get(hass).async_get(device.id) is None

    await post(FULL, EventType=COMPLETE, PrintId="print-2")
    assert counters(hass) == ["1", "0", "0.0138888888888889"]
    assert sorted(await prints(hass)) == [("print-1", "complete"), ("print-2", "complete")]
    assert await hass.config_entries.async_remove(loaded.entry_id)
    assert files(hass, "") == {}


async def test_500_prints(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """The newest 500 prints are there after a restart; one more, and the oldest is not."""
    await post(FULL, EventType=STARTED, PrintId="now")
    old = tuple(
        replace(WHOLE, print_id=f"print-{number}", started_at=MOMENT + number * HOUR - 500 * DAY)
        for number in range(500)
    )
    await HistoryStore(hass).async_save("printer-1", History(prints=old, totals=Totals(failed=7000)))
    await restart(hass, loaded)
    assert counters(hass)[:2] == ["0", "7000"]
    await post(FULL, EventType=COMPLETE, PrintId="now")
    history = await HistoryStore(hass).async_load("printer-1")
    assert history is not None
    assert len(history.prints) == MAX_PRINTS
    assert (history.prints[0], history.prints[-1].print_id) == (old[1], "now")
    assert counters(hass)[:2] == ["1", "7000"]


class TestStatistics:
    """What the recorder makes of the counters."""

    @pytest.fixture(autouse=True)
    def _custom_integrations(self, recorder_mock: Recorder, enable_custom_integrations: None) -> None:
        """Start the recorder first."""

    async def test_sums(
        self, hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory
    ) -> None:
        """Long-term statistics add up every print once, across restarts, and even when a counter begins afresh."""
        start = MOMENT.replace(minute=0, second=0)

        async def end(event_type: int, print_id: str, duration: int) -> None:
            # The recorder puts states in order by their time.
            freezer.tick(SECOND)
            await post(FULL, EventType=event_type, PrintId=print_id, DurationSec=duration)

        async def compile_five_minutes(number: int) -> None:
            freezer.move_to(start + number * 5 * MINUTE)
            await async_wait_recording_done(hass)
            do_adhoc_statistics(hass, start=start + (number - 1) * 5 * MINUTE)
            await async_wait_recording_done(hass)

        freezer.move_to(start + SECOND)
        await post(FULL, EventType=STARTED)
        await compile_five_minutes(1)
        for _ in range(2):
            await end(COMPLETE, "print-1", 7200)
        await compile_five_minutes(2)
        await restart(hass, loaded)
        await end(FAILED, "print-2", 1800)
        await compile_five_minutes(3)
        await restart(hass, loaded, {path: text for path, text in files(hass, "").items() if path not in files(hass)})
        await compile_five_minutes(4)
        await end(COMPLETE, "print-3", 3600)
        await compile_five_minutes(5)

        assert await sums(hass, "prints_completed", start) == [0, 1, 1, 1, 2]
        assert await sums(hass, "prints_failed", start) == [0, 0, 1, 1, 1]
        assert await sums(hass, "total_print_time", start) == [0, 2, 2.5, 2.5, 3.5]


async def sums(hass: HomeAssistant, key: str, start: datetime) -> list[float | None]:
    """Return what the recorder has added up, for every five minutes."""
    statistic_id = f"sensor.ender3_{key}"
    rows: dict[str, list[StatisticsRow]] = await get_instance(hass).async_add_executor_job(
        lambda: statistics_during_period(hass, start, None, {statistic_id}, "5minute", None, {"sum"})
    )
    return [row.get("sum") for row in rows[statistic_id]]
