"""What notifications mean together: the rules of a printer's state, one table or property each."""

from dataclasses import replace
from datetime import datetime, timedelta
import json
from types import NoneType
from typing import Any, Final, get_args, get_type_hints

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.octoeverywhere.payload import Notification, NotificationType
from custom_components.octoeverywhere.state import (
    Attention,
    PrinterState,
    Status,
    is_about_a_printer,
    is_late,
    is_silent,
    reduce,
    silent_from,
)

from .kinds import KEEPS, KINDS, Kind
from .replay import NAMES, START, arrivals

STARTED, COMPLETE, FAILED, PAUSED, RESUMED, PROGRESS, WARNING, GADGET_PAUSED, ERROR = range(1, 10)
FIRST_LAYER, FILAMENT, INTERACTION, LIMIT, THIRD_LAYER, COOLDOWN, TEST = range(10, 17)
ADDED_SINCE: Final = KINDS["unknown"].number
EVERY_TYPE: Final = [kind.number for kind in KINDS.values()]
ABOUT_A_PRINTER: Final = [kind.number for kind in KINDS.values() if kind.is_about_a_printer]

SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)
# Timestamps have no fractions of a second, though notifications arrive at any time.
NOW: Final = START
NOW_SHOWN: Final = START.replace(microsecond=0)

SNAPSHOT: Final = "https://octoeverywhere.com/snapshots/1.jpg"
VIEW: Final = "https://octoeverywhere.com/view/1"
FULL: Final = {
    "PrinterName": "Ender 3",
    "QuickViewUrl": VIEW,
    "SnapshotUrl": SNAPSHOT,
    "FileName": "benchy.gcode",
    "DurationSec": 600,
    "Progress": 40,
    "TimeRemainingSec": 5400,
    "ZOffsetMM": 3,
    "CurrentLayer": 60,
    "TotalLayers": 150,
    "Error": "Clogged",
    "PlatformErrorCode": "33",
}


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without a running Home Assistant, which every other test has."""


def says(event_type: int, **keys: Any) -> Notification:
    """Return a notification of the first print, unless the keys say otherwise."""
    return Notification.from_payload({"PrinterId": "printer-1", "PrintId": "print-1", "EventType": event_type} | keys)


def told(*notifications: Notification, state: PrinterState | None = None, at: datetime = NOW) -> PrinterState:
    """Return the state once the notifications have arrived, all at the same time."""
    state = state or PrinterState()
    for notification in notifications:
        state = reduce(state, notification, at)
    return state


def shown(state: PrinterState, *names: str) -> tuple[Any, ...]:
    """Return some of the values of a state."""
    return tuple(getattr(state, name) for name in names)


# Status and attention

EARLIER: Final = {
    "nothing": ((), None, Attention.NONE),
    "printing": ((STARTED,), Status.PRINTING, Attention.NONE),
    "suspected": ((PROGRESS, WARNING), Status.PRINTING, Attention.FAILURE_SUSPECTED),
    "paused": ((PROGRESS, PAUSED), Status.PAUSED, Attention.NONE),
    "paused by gadget": ((PROGRESS, GADGET_PAUSED), Status.PAUSED, Attention.PAUSED_BY_GADGET),
    "error": ((PROGRESS, ERROR), Status.ERROR, Attention.ERROR),
    "filament": ((PROGRESS, PAUSED, FILAMENT), Status.PAUSED, Attention.FILAMENT_CHANGE),
    "interaction": ((PROGRESS, INTERACTION), Status.PRINTING, Attention.USER_INTERACTION),
}


def test_every_kind_was_thought_of() -> None:
    """For each kind of notification somebody decided what it means; its words and icons are tested with all others."""
    assert list(KINDS) == [type_.value for type_ in NotificationType]
    assert list(range(1, len(KINDS) + 1)) == EVERY_TYPE


@pytest.mark.parametrize("print_id", ["print-1", None])
@pytest.mark.parametrize("slug", KINDS)
@pytest.mark.parametrize("earlier", EARLIER)
def test_status_and_attention(earlier: str, slug: str, print_id: str | None) -> None:
    """Each EventType changes status and attention, or leaves them, whatever they were before."""
    types, status, attention = EARLIER[earlier]
    before = told(*(says(number, PrintId=print_id) for number in types))
    assert (before.status, before.attention) == (status, attention)
    notification = says(KINDS[slug].number, PrintId=print_id)
    after = told(notification, state=before)
    assert notification.type == slug
    assert after.status == (KINDS[slug].status or status)
    assert after.attention == (KINDS[slug].attention or attention)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_error(kind: Kind) -> None:
    """Error and code are those of the newest notification that set or cleared the attention, which may have none."""
    before = told(says(ERROR, Error="Clogged", PlatformErrorCode=33))
    assert (before.error_message, before.error_code) == ("Clogged", "33")
    counts = kind.attention is not KEEPS
    other = told(says(kind.number, Error="Cold", PlatformErrorCode="34"), state=before)
    assert (other.error_message, other.error_code) == (("Cold", "34") if counts else ("Clogged", "33"))
    silent = told(says(kind.number), state=before)
    assert (silent.error_message, silent.error_code) == ((None, None) if counts else ("Clogged", "33"))


@pytest.mark.parametrize("event_type", sorted({*EVERY_TYPE} - {*ABOUT_A_PRINTER}))
@pytest.mark.parametrize("keys", [{}, {"PrintId": None}, {"PrintId": "print-2"}])
def test_not_about_a_printer(event_type: int, keys: dict[str, Any]) -> None:
    """A test and the notification limit change nothing, whatever they carry."""
    notification = says(event_type, **FULL | keys)
    assert not is_about_a_printer(notification)
    for before in (PrinterState(), told(says(PROGRESS))):
        assert reduce(before, notification, NOW) is before


@pytest.mark.parametrize("event_type", ABOUT_A_PRINTER)
def test_about_a_printer(event_type: int) -> None:
    """Every other notification, of an unknown type as well, is about its printer."""
    assert is_about_a_printer(says(event_type))
    assert told(says(event_type, PrinterName="Ender 3")).name == "Ender 3"


# What a print says of itself

SAID: Final[dict[str, Any]] = {
    "name": "Ender 3",
    "quick_view_url": VIEW,
    "snapshot_url": SNAPSHOT,
    "file_name": "benchy.gcode",
    "duration": 600,
    "progress": 40,
    "time_remaining": 5400,
    "z_offset": 3,
    "current_layer": 60,
    "total_layers": 150,
    "started_at": NOW_SHOWN - 600 * SECOND,
    "finish_at": NOW_SHOWN + 5400 * SECOND,
}


def test_everything_said() -> None:
    """What the first notification says is all known at once."""
    state = told(says(PROGRESS, **FULL))
    assert shown(state, *SAID) == tuple(SAID.values())
    assert shown(state, "print_id", "ended", "heard_at") == ("print-1", False, NOW)


@pytest.mark.parametrize("event_type", sorted({*EVERY_TYPE} - {COMPLETE, FAILED}))
@pytest.mark.parametrize("print_id", ["print-1", None])
def test_absent_values(event_type: int, print_id: str | None) -> None:
    """An absent value leaves what the same print said before."""
    before = told(says(PROGRESS, **FULL))
    assert shown(told(says(event_type, PrintId=print_id), state=before, at=NOW + HOUR), *SAID) == tuple(SAID.values())


def test_unknown_time_remaining() -> None:
    """-1 seconds remaining take back the time remaining and the estimate, and nothing else."""
    before = told(says(PROGRESS, **FULL))
    after = told(says(PROGRESS, TimeRemainingSec=-1), state=before)
    assert shown(after, *SAID) == tuple((SAID | {"time_remaining": None, "finish_at": None}).values())


def test_unknown_layers() -> None:
    """Layers 0 of 0 take back the layers, and nothing else; layer 0 of some does not."""
    before = told(says(PROGRESS, **FULL))
    after = told(says(PROGRESS, CurrentLayer=0, TotalLayers=0), state=before)
    assert shown(after, *SAID) == tuple((SAID | {"current_layer": None, "total_layers": None}).values())
    assert shown(told(says(PROGRESS, CurrentLayer=0, TotalLayers=9)), "current_layer", "total_layers") == (0, 9)


def test_newer_values() -> None:
    """A newer value replaces the older one; what counts down may fall."""
    after = told(
        says(PROGRESS, **FULL),
        says(
            PROGRESS,
            PrinterName="Ender 3 (cellar)",
            QuickViewUrl=f"{VIEW}0",
            SnapshotUrl=f"{SNAPSHOT}2",
            FileName="other.gcode",
            DurationSec=700,
            Progress=39,
            TimeRemainingSec=0,
            ZOffsetMM=0,
            CurrentLayer=0,
            TotalLayers=149,
        ),
    )
    assert shown(after, *SAID) == (
        "Ender 3 (cellar)",
        f"{VIEW}0",
        f"{SNAPSHOT}2",
        "other.gcode",
        700,
        39,
        0,
        0,
        0,
        149,
        SAID["started_at"],
        NOW_SHOWN,
    )


@pytest.mark.parametrize(
    ("notifications", "started_at"),
    [
        ([says(STARTED)], NOW_SHOWN),
        ([says(STARTED, DurationSec=3)], NOW_SHOWN - 3 * SECOND),
        ([says(PROGRESS, DurationSec=600)], NOW_SHOWN - 600 * SECOND),
        ([says(PROGRESS, DurationSec=600), says(PROGRESS, DurationSec=700)], NOW_SHOWN - 600 * SECOND),
        ([says(STARTED), says(STARTED, DurationSec=3)], NOW_SHOWN),
        ([says(PROGRESS)], None),
        ([says(PROGRESS), says(COMPLETE, DurationSec=900)], NOW_SHOWN - 900 * SECOND),
    ],
)
def test_start_of_the_print(notifications: list[Notification], started_at: datetime | None) -> None:
    """The start follows from the first duration, or from being told of it, and does not change."""
    assert told(*notifications).started_at == started_at


# A new print


@pytest.mark.parametrize("event_type", ABOUT_A_PRINTER)
@pytest.mark.parametrize("last", [PROGRESS, ERROR, COMPLETE, FAILED])
def test_clean_slate(last: int, event_type: int) -> None:
    """Nothing of the print before shows through in a new one; the printer keeps its name and its page."""
    before = told(says(last, **FULL))
    new = says(event_type, PrintId="print-2")
    after = told(new, state=before, at=NOW + HOUR)
    assert (after.name, after.quick_view_url) == ("Ender 3", VIEW)
    fresh = told(new, at=NOW + HOUR).as_dict()
    assert after.as_dict() == fresh | {
        "name": "Ender 3",
        "quick_view_url": VIEW,
        "superseded": ("print-1",),
    }


def test_print_after_the_nameless() -> None:
    """What was said before any print had an id does not show through in the first one that has."""
    after = told(says(ERROR, **FULL, PrintId=None), says(STARTED))
    assert after.as_dict() == told(says(STARTED)).as_dict() | {"name": "Ender 3", "quick_view_url": VIEW}


@pytest.mark.parametrize("event_type", [COOLDOWN, ERROR, WARNING, PAUSED, INTERACTION, ADDED_SINCE])
@pytest.mark.parametrize("end", [COMPLETE, FAILED])
def test_nameless_notification_after_the_end(end: int, event_type: int) -> None:
    """Without a PrintId a notification is about the printer: it starts no print and changes nothing of the last one."""
    before = told(says(end, **FULL))
    numbers = {"DurationSec": 5, "Progress": 1, "TimeRemainingSec": 60, "CurrentLayer": 1, "TotalLayers": 2}
    notification = says(event_type, PrintId=None, FileName="other.gcode", **numbers)
    after = told(notification, state=before, at=NOW + HOUR)
    kept = (*SAID, "print_id", "ended", "superseded")
    assert shown(after, *kept) == shown(before, *kept)
    kind = KINDS[notification.type]
    assert after.status == (kind.status or before.status)
    assert after.attention == (kind.attention or Attention.NONE)


def test_prints_without_an_id() -> None:
    """A printer that never names its prints still goes from print to print."""
    first = told(says(STARTED, PrintId=None), says(COMPLETE, PrintId=None, Progress=99))
    assert shown(first, "status", "progress", "ended") == (Status.COMPLETE, 100, True)
    second = told(says(STARTED, PrintId=None, Progress=0, DurationSec=1), state=first)
    assert shown(second, "status", "progress", "ended") == (Status.PRINTING, 0, False)
    third = told(says(FAILED, PrintId=None), state=told(says(PROGRESS, PrintId=None, Progress=30), state=second))
    assert shown(third, "status", "progress", "ended") == (Status.FAILED, 30, True)


def test_next_end_without_an_id() -> None:
    """Where only the ends of nameless prints are heard of, each end is another print's; a retry is not."""
    end = says(COMPLETE, PrintId=None, FileName="clip.gcode", DurationSec=900)
    first = told(says(COMPLETE, **FULL | {"PrintId": None}))
    second = told(end, state=first, at=NOW + HOUR)
    assert shown(second, "file_name", "duration", "finish_at") == ("clip.gcode", 900, NOW_SHOWN + HOUR)
    assert told(end, state=second, at=NOW + HOUR + 15 * MINUTE) == second


@pytest.mark.parametrize("event_type", [STARTED, RESUMED, PROGRESS])
def test_nameless_start_after_the_end(event_type: int) -> None:
    """A print that has ended does not go on because the printer does: what it still says is late."""
    state = told(says(COMPLETE, DurationSec=600), says(event_type, PrintId=None))
    assert state.status is Status.PRINTING
    assert is_late(state, says(PROGRESS, DurationSec=700, Progress=90), NOW + MINUTE)


# The end of a print


@pytest.mark.parametrize(
    "keys", [{}, {"Progress": 99, "TimeRemainingSec": 30}, {"Progress": 0, "TimeRemainingSec": -1}]
)
@pytest.mark.parametrize("is_known", [False, True])
def test_complete(*, keys: dict[str, Any], is_known: bool) -> None:
    """A complete print is at 100 % with no time remaining, whatever the notification says."""
    before = told(says(PROGRESS, **FULL)) if is_known else PrinterState()
    after = told(says(COMPLETE, **keys), state=before, at=NOW + HOUR)
    assert shown(after, "progress", "time_remaining", "finish_at", "ended") == (100, 0, NOW_SHOWN + HOUR, True)


@pytest.mark.parametrize(
    ("known", "told_last", "expected"),
    [
        (40, None, 40),
        (40, 0, 40),
        (40, 39, 40),
        (40, 41, 41),
        (None, 37, 37),
        (None, 0, 0),
        (0, None, 0),
        (None, None, None),
    ],
)
@pytest.mark.parametrize(
    "remaining", [{}, {"TimeRemainingSec": -1}, {"TimeRemainingSec": 0}, {"TimeRemainingSec": 900}]
)
def test_failed(known: int | None, told_last: int | None, expected: int | None, remaining: dict[str, Any]) -> None:
    """The progress of a failed print does not fall, and its time remaining is unknown."""
    before = told(says(PROGRESS, Progress=known, TimeRemainingSec=5400))
    after = told(says(FAILED, Progress=told_last, **remaining), state=before, at=NOW + HOUR)
    assert shown(after, "progress", "time_remaining", "finish_at", "ended") == (
        expected,
        None,
        NOW_SHOWN + HOUR,
        True,
    )


@pytest.mark.parametrize("end", [COMPLETE, FAILED])
def test_bed_cooldown(end: int) -> None:
    """Bed cool-down changes no number of the print that ended, but may show its picture."""
    before = told(says(PROGRESS, **FULL), says(end, **FULL))
    numbers = {"DurationSec": 900, "Progress": 0, "TimeRemainingSec": 60, "CurrentLayer": 0, "TotalLayers": 0}
    after = told(says(COOLDOWN, SnapshotUrl=f"{SNAPSHOT}2", **numbers), state=before, at=NOW + HOUR)
    kept = (*SAID.keys() - {"snapshot_url"}, "status", "attention", "error_message", "error_code", "ended")
    assert shown(after, *kept) == shown(before, *kept)
    assert shown(after, "snapshot_url", "heard_at") == (f"{SNAPSHOT}2", NOW + HOUR)


# The estimate


@pytest.mark.parametrize(
    ("seconds", "moves"),
    [(0, False), (1, False), (-1, False), (59, False), (-59, False), (60, True), (-60, True), (3600, True)],
)
def test_estimate(seconds: int, *, moves: bool) -> None:
    """An estimate that differs by less than a minute is the same moment; the time remaining is what was said."""
    before = told(says(PROGRESS, DurationSec=1, TimeRemainingSec=5400))
    after = told(says(PROGRESS, DurationSec=2, TimeRemainingSec=4800 + seconds), state=before, at=NOW + 10 * MINUTE)
    assert after.finish_at == NOW_SHOWN + timedelta(seconds=5400 + (seconds if moves else 0))
    assert after.time_remaining == 4800 + seconds


def test_slow_drift_of_the_estimate() -> None:
    """Differences below a minute do not add up unseen."""
    state = told(says(PROGRESS, DurationSec=0, TimeRemainingSec=3600))
    for step in range(1, 11):
        state = told(says(PROGRESS, DurationSec=step, TimeRemainingSec=3600 + 30 * step), state=state)
        assert state.finish_at is not None
        assert abs(state.finish_at - (NOW_SHOWN + timedelta(seconds=3600 + 30 * step))) < MINUTE


def test_repeated_estimate() -> None:
    """The same notification, retried minutes later, does not put off the end; hours later it is news of a print."""
    once = says(PROGRESS, DurationSec=60, TimeRemainingSec=600)
    before = told(once)
    assert told(once, state=before, at=NOW + 15 * MINUTE).finish_at == before.finish_at
    assert told(once, state=before, at=NOW + 2 * HOUR).finish_at == NOW_SHOWN + 2 * HOUR + 10 * MINUTE


# Late notifications


@pytest.mark.parametrize("event_type", ABOUT_A_PRINTER)
def test_late_for_a_superseded_print(event_type: int) -> None:
    """Whatever an earlier print still says is late."""
    state = told(says(PROGRESS), says(STARTED, PrintId="print-2"))
    late = says(event_type, **FULL | {"DurationSec": 9999, "Progress": 100})
    assert is_late(state, late, NOW + MINUTE)
    assert reduce(state, late, NOW + MINUTE) is state


@pytest.mark.parametrize("event_type", ABOUT_A_PRINTER)
@pytest.mark.parametrize("end", [COMPLETE, FAILED])
def test_late_after_the_end(end: int, event_type: int) -> None:
    """When a print has ended, all it says but bed cool-down is late, and all that the printer says is not."""
    state = told(says(end, DurationSec=600))
    late = says(event_type, **FULL | {"DurationSec": 9999, "Progress": 100})
    assert is_late(state, late, NOW + MINUTE) == (event_type != COOLDOWN)
    assert (reduce(state, late, NOW + MINUTE) is state) == (event_type != COOLDOWN)
    assert not is_late(state, says(event_type, PrintId=None), NOW + MINUTE)
    assert not is_late(state, says(event_type, PrintId="print-2"), NOW + MINUTE)


def after_the_end(event_type: int, seconds: int, /, **keys: Any) -> Notification:
    """Return what the plugin of an idle printer sends: it goes on to name the print that has ended, and to count its seconds."""
    return says(event_type, DurationSec=600 + seconds, **keys)


@pytest.mark.parametrize("end", [COMPLETE, FAILED])
@pytest.mark.parametrize("slug", ["error", "filament_change_required", "user_interaction_required"])
def test_news_of_an_idle_printer(end: int, slug: str) -> None:
    """What an idle printer needs is shown, although it names the print that has ended, of which nothing else changes."""
    ended, kind = told(says(end, **FULL)), KINDS[slug]
    state = reduce(ended, after_the_end(kind.number, 3600, Error="Too hot", Progress=0, CurrentLayer=0), NOW + HOUR)
    assert state.attention == kind.attention
    assert state.error_message == "Too hot"
    assert state.status == (ended.status if kind.status is KEEPS else kind.status)
    assert shown(state, *SAID) == shown(ended, *SAID)
    assert state.ended
    assert reduce(state, says(STARTED, PrintId="print-2"), NOW + 2 * HOUR).attention is Attention.NONE


@pytest.mark.parametrize(
    ("seconds", "passed"), [(-1, HOUR), (0, HOUR), (3600, MINUTE), (10**6, HOUR)], ids=["before", "at", "ahead", "far"]
)
@pytest.mark.parametrize("event_type", ABOUT_A_PRINTER)
def test_no_news_after_the_end(event_type: int, seconds: int, passed: timedelta) -> None:
    """What was said before the end is late, and so is what would be further than the clock."""
    ended = told(says(COMPLETE, **FULL))
    assert is_late(ended, after_the_end(event_type, seconds, Progress=0), NOW + passed) == (event_type != COOLDOWN)


def test_no_news_without_seconds() -> None:
    """Nothing tells whether what says no seconds was said before or after the end."""
    for end, late in (({}, {"DurationSec": 600}), ({"DurationSec": 600}, {})):
        assert is_late(told(says(COMPLETE, **end)), says(ERROR, **late), NOW + HOUR)


def test_same_file_again() -> None:
    """The same file printed twice in a row is two prints, although Klipper's plugin goes on with the id and the seconds."""
    first = told(says(STARTED, **FULL | {"DurationSec": 0}), says(COMPLETE, **FULL))
    state = reduce(first, after_the_end(STARTED, 900, Progress=52, FileName="benchy.gcode"), NOW + 900 * SECOND)
    assert shown(state, "status", "progress", "duration", "ended") == (Status.PRINTING, 0, 0, False)
    assert shown(state, "started_at", "snapshot_url", "total_layers") == (NOW_SHOWN + 900 * SECOND, None, None)
    assert reduce(state, after_the_end(STARTED, 900, Progress=52, FileName="benchy.gcode"), NOW + HOUR) == state
    # What the first one said, and says again, is late.
    for late in (
        says(PROGRESS, DurationSec=590, Progress=99),
        says(COMPLETE, **FULL),
        says(FAILED, **FULL),
        after_the_end(COOLDOWN, 800),
    ):
        assert reduce(state, late, NOW + 901 * SECOND) is state
    state = reduce(state, after_the_end(PROGRESS, 1200, Progress=50, TimeRemainingSec=300), NOW + 1200 * SECOND)
    assert shown(state, "progress", "duration", "finish_at") == (50, 300, NOW_SHOWN + 1500 * SECOND)
    assert is_late(state, after_the_end(PROGRESS, 1100, Progress=40), NOW + 1201 * SECOND)
    state = reduce(state, after_the_end(COMPLETE, 1500, Progress=100), NOW + 1500 * SECOND)
    assert shown(state, "status", "duration", "ended") == (Status.COMPLETE, 600, True)
    state = reduce(state, after_the_end(STARTED, 1800, Progress=68), NOW + 1800 * SECOND)
    assert shown(state, "status", "duration", "ended") == (Status.PRINTING, 0, False)


def test_same_file_again_and_canceled() -> None:
    """Of a print that is canceled Klipper says itself how long it took, and from then on its plugin counts from there."""
    state = told(says(COMPLETE, **FULL))
    state = reduce(state, after_the_end(STARTED, 900, Progress=52), NOW + 900 * SECOND)
    state = reduce(state, says(FAILED, DurationSec=120), NOW + 1020 * SECOND)
    assert shown(state, "status", "duration", "ended") == (Status.FAILED, 120, True)
    assert is_late(state, says(PROGRESS, DurationSec=110), NOW + 1021 * SECOND)
    state = reduce(state, says(STARTED, DurationSec=180, Progress=34), NOW + 1080 * SECOND)
    assert shown(state, "status", "duration", "started_at") == (Status.PRINTING, 0, NOW_SHOWN + 1080 * SECOND)


def test_same_file_again_where_nobody_heard_of_the_end() -> None:
    """Beyond the daily limit the end of the first one is not heard; the second one is one all the same."""
    state = told(says(STARTED, DurationSec=0, Progress=0), says(PROGRESS, **FULL))
    state = reduce(state, says(STARTED, DurationSec=86_400, Progress=99), NOW + timedelta(days=1))
    assert shown(state, "status", "progress", "duration") == (Status.PRINTING, 0, 0)
    assert state.started_at == NOW_SHOWN + timedelta(days=1)


@pytest.mark.parametrize("duration", [0, 600, None])
@pytest.mark.parametrize("before", [COMPLETE, PROGRESS])
def test_start_of_the_same_print(before: int, duration: int | None) -> None:
    """A start that is sent again starts no other print."""
    state = told(says(before, **FULL))
    again = says(STARTED, DurationSec=duration, Progress=0)
    assert reduce(state, again, NOW + 900 * SECOND).elapsed_before == 0
    assert before == PROGRESS or is_late(state, again, NOW + 900 * SECOND)


@pytest.mark.parametrize("event_type", [RESUMED, PROGRESS, FIRST_LAYER, THIRD_LAYER])
def test_same_file_again_where_nobody_heard_of_the_start(event_type: int) -> None:
    """Once nothing of the first one can be under way any more, what goes on is the second; it began when it was first heard of."""
    state = told(says(COMPLETE, **FULL))
    assert is_late(state, after_the_end(event_type, 900, Progress=30), NOW + 900 * SECOND)
    state = reduce(state, after_the_end(event_type, 1800, Progress=30), NOW + 1800 * SECOND)
    assert shown(state, "status", "progress", "duration") == (Status.PRINTING, 30, 0)
    state = reduce(state, after_the_end(COMPLETE, 2400), NOW + 2400 * SECOND)
    assert shown(state, "status", "duration", "started_at") == (Status.COMPLETE, 600, NOW_SHOWN + 1800 * SECOND)


def test_same_file_again_and_canceled_late() -> None:
    """However long the second one took until it was canceled, that is how long it took."""
    state = told(says(COMPLETE, **FULL))
    state = reduce(state, after_the_end(STARTED, 60, Progress=16), NOW + 60 * SECOND)
    state = reduce(state, says(FAILED, DurationSec=3600), NOW + 3660 * SECOND)
    assert shown(state, "status", "duration") == (Status.FAILED, 3600)


def test_first_one_canceled_and_told_late() -> None:
    """Where the end of the first one arrives once more while the second one has gone on for longer, it is not the second's."""
    state = told(says(STARTED, DurationSec=0))
    state = reduce(state, says(FAILED, DurationSec=60), NOW + MINUTE)
    state = reduce(state, says(STARTED, DurationSec=90, Progress=2), NOW + 90 * SECOND)
    assert is_late(state, says(FAILED, DurationSec=60), NOW + 280 * SECOND)


@pytest.mark.parametrize("event_type", [COMPLETE, FAILED, COOLDOWN])
def test_end_of_an_older_print(event_type: int) -> None:
    """The end of a print that nobody has heard of, but that began before the one under way, does not take its place."""
    state = told(says(STARTED, DurationSec=0))
    older = says(event_type, PrintId="older", DurationSec=3600)
    after = reduce(state, older, NOW + 3 * MINUTE)
    assert after == replace(state, superseded=("older",))
    for event in ABOUT_A_PRINTER:
        assert is_late(after, says(event, PrintId="older", DurationSec=3500, Progress=90), NOW + 4 * MINUTE)
    assert not is_late(after, says(PROGRESS, DurationSec=240), NOW + 4 * MINUTE)


@pytest.mark.parametrize(
    ("said", "keys", "passed"),
    [
        pytest.param(says(STARTED, DurationSec=0), {"DurationSec": 60}, MINUTE, id="began with it"),
        pytest.param(says(STARTED, DurationSec=0), {}, MINUTE, id="says no seconds"),
        pytest.param(says(STARTED, DurationSec=0, TimeRemainingSec=60), {"DurationSec": 9999}, 2 * HOUR, id="silent"),
        pytest.param(says(PROGRESS), {"DurationSec": 9999}, MINUTE, id="no start is known"),
        pytest.param(says(COMPLETE, **FULL), {"DurationSec": 9999}, MINUTE, id="has ended"),
        pytest.param(says(STARTED, DurationSec=0), {"DurationSec": 9999}, -HOUR, id="the clock was set back"),
    ],
)
def test_end_of_a_print_that_may_be_newer(said: Notification, keys: dict[str, Any], passed: timedelta) -> None:
    """An end of which nothing tells that it is older is that of the newest print."""
    state = reduce(told(said), says(COMPLETE, PrintId="other", **keys), NOW + passed)
    assert shown(state, "print_id", "status") == ("other", Status.COMPLETE)


def test_printer_that_knows_nothing_of_its_print() -> None:
    """Where a plugin does not know which print goes on, it says zero for everything, which is not how far the print is."""
    state = told(says(PROGRESS, **FULL))
    nothing = {"DurationSec": 0, "Progress": 0, "TimeRemainingSec": -1, "CurrentLayer": 0, "TotalLayers": 0}
    after = reduce(state, says(ERROR, PrintId=None, Error="Too hot", **nothing), NOW + MINUTE)
    assert shown(after, "status", "attention", "error_message") == (Status.ERROR, Attention.ERROR, "Too hot")
    assert shown(after, *SAID) == shown(state, *SAID)


def test_next_print_of_a_nameless_printer() -> None:
    """Of a printer that never names its prints, what says that printing goes on begins the next one."""
    state = told(says(COMPLETE, **FULL | {"PrintId": None}))
    state = reduce(state, says(STARTED, PrintId=None, FileName="next.gcode"), NOW + HOUR)
    assert shown(state, "status", "ended", "file_name", "started_at") == (
        Status.PRINTING,
        False,
        "next.gcode",
        NOW_SHOWN + HOUR,
    )
    assert shown(state, "progress", "duration", "snapshot_url") == (None, None, None)


def test_moment_of_the_end_stays() -> None:
    """The moment at which a print ended stays, whatever a printer says later that does not name its print."""
    ended = told(says(COMPLETE, **FULL))
    for event_type in (PROGRESS, COMPLETE):
        later = says(event_type, PrintId=None, DurationSec=900, TimeRemainingSec=600)
        assert reduce(ended, later, NOW + HOUR).finish_at == ended.finish_at


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"DurationSec": 599, "Progress": 39}, True),
        ({"DurationSec": 599, "Progress": 40}, True),
        ({"DurationSec": 599, "Progress": 41}, False),
        ({"DurationSec": 599}, True),
        ({"DurationSec": 600, "Progress": 39}, False),
        ({"DurationSec": 601, "Progress": 39}, False),
        ({"DurationSec": 601}, False),
        ({"Progress": 39}, False),
        ({}, False),
    ],
)
@pytest.mark.parametrize("event_type", ABOUT_A_PRINTER)
def test_late_within_a_print(event_type: int, keys: dict[str, Any], expected: bool) -> None:
    """A shorter duration without a larger progress is late, but for complete and failed."""
    state = told(says(PROGRESS, DurationSec=600, Progress=40))
    notification = says(event_type, **keys)
    expected = expected and event_type not in (COMPLETE, FAILED)
    assert is_late(state, notification, NOW + MINUTE) == expected
    assert (reduce(state, notification, NOW + MINUTE) is state) == expected


@pytest.mark.parametrize("known", [{}, {"DurationSec": 600}, {"Progress": 40}])
def test_not_late_where_too_little_is_known(known: dict[str, Any]) -> None:
    """Without a known duration nothing is late, nor is a progress where none was known."""
    state = told(says(PROGRESS, **known))
    assert not is_late(state, says(PROGRESS, DurationSec=1, Progress=1), NOW + MINUTE)


def test_superseded_prints_are_remembered() -> None:
    """Of many short prints in a row the last dozens are remembered, and no more than that."""
    ids = [f"print-{number}" for number in range(100)]
    state = told(*(says(STARTED, PrintId=print_id) for print_id in ids))
    assert all(is_late(state, says(COMPLETE, PrintId=print_id), NOW) for print_id in ids[-33:-1])
    assert state.superseded == tuple(ids[-33:-1])


# Silence

SILENT_AT: Final = NOW_SHOWN + 10 * MINUTE + HOUR


@pytest.mark.parametrize(
    ("notifications", "silent_at"),
    [
        ([says(PROGRESS, TimeRemainingSec=600)], SILENT_AT),
        ([says(PROGRESS, TimeRemainingSec=600), says(WARNING)], SILENT_AT),
        ([says(PROGRESS)], NOW + 24 * HOUR),
        ([says(PROGRESS, TimeRemainingSec=-1)], NOW + 24 * HOUR),
        ([says(PROGRESS, TimeRemainingSec=600), says(PROGRESS, TimeRemainingSec=-1)], NOW + 24 * HOUR),
        ([says(PROGRESS, TimeRemainingSec=600), says(PAUSED)], None),
        ([says(PROGRESS, TimeRemainingSec=600), says(GADGET_PAUSED)], None),
        ([says(PROGRESS, TimeRemainingSec=600), says(ERROR)], None),
        ([says(PROGRESS, TimeRemainingSec=600), says(COMPLETE)], None),
        ([says(PROGRESS, TimeRemainingSec=600), says(FAILED)], None),
        ([says(WARNING, TimeRemainingSec=600)], None),
        ([], None),
    ],
)
def test_silence(notifications: list[Notification], silent_at: datetime | None) -> None:
    """Only what prints falls silent: an hour after the estimate, or 24 after the last word without one."""
    state = told(*notifications)
    assert silent_from(state) == silent_at
    if silent_at is None:
        assert not is_silent(state, NOW + 10_000 * HOUR)
    else:
        assert not is_silent(state, silent_at - timedelta(microseconds=1))
        assert is_silent(state, silent_at)
        assert is_silent(state, silent_at + 10_000 * HOUR)


@pytest.mark.parametrize("event_type", [PROGRESS, WARNING, ADDED_SINCE])
@pytest.mark.parametrize("print_id", ["print-1", None])
def test_end_of_the_silence(event_type: int, print_id: str | None) -> None:
    """The next notification ends the silence, even if it brings no new estimate."""
    state = told(says(PROGRESS, TimeRemainingSec=600))
    later = NOW + 3 * HOUR
    assert is_silent(state, later)
    assert not is_silent(told(says(event_type, PrintId=print_id), state=state, at=later), later)


@pytest.mark.parametrize("word", [30 * MINUTE, 69 * MINUTE])
def test_word_after_the_estimate(word: timedelta) -> None:
    """A print that was heard of after its estimate is not silent an hour after the estimate."""
    state = told(says(PROGRESS, TimeRemainingSec=600))
    assert not is_silent(told(says(PROGRESS, DurationSec=1), state=state, at=NOW + word), SILENT_AT)


def test_24_hours_count_from_the_last_word() -> None:
    """Without an estimate each notification that counts puts off the silence, and a late one does not."""
    state = told(says(PROGRESS, DurationSec=600))
    heard = told(says(PROGRESS, DurationSec=700), state=state, at=NOW + HOUR)
    late = told(says(PROGRESS, DurationSec=650), state=heard, at=NOW + 2 * HOUR)
    assert silent_from(heard) == silent_from(late) == NOW + 25 * HOUR


# Whole prints

DRAGON: Final = {
    "name": "Ender 3 V3",
    "status": Status.COMPLETE,
    "ended": True,
    "attention": Attention.NONE,
    "error_message": None,
    "error_code": None,
    "file_name": "dragon_articulated_0.2mm_PLA_20h12m.gcode",
    "duration": 72754,
    "progress": 100,
    "time_remaining": 0,
    "z_offset": 1,
    "current_layer": 412,
    "total_layers": 412,
    "started_at": NOW_SHOWN - 3 * SECOND,
    "finish_at": NOW_SHOWN + 72748 * SECOND,
    "superseded": (),
}
LAMPSHADE: Final = DRAGON | {
    "name": "X1 Carbon",
    "file_name": "Lampshade - twisted.gcode.3mf",
    "duration": 21480,
    "z_offset": 1,
    "current_layer": 268,
    "total_layers": 268,
    "finish_at": NOW_SHOWN + 21475 * SECOND,
}
# Where each printer of a file ends up, in the order in which they were first heard of.
EXPECTED: Final[dict[str, list[dict[str, Any]]]] = {
    "smooth_20_hours": [DRAGON],
    "troubled": [LAMPSHADE],
    "cancelled": [
        {
            "name": "Prusa MK4S",
            "status": Status.FAILED,
            "ended": True,
            "attention": Attention.NONE,
            "error_message": "Cancelled by the user",
            "duration": 6107,
            "progress": 30,
            "time_remaining": None,
            "current_layer": 71,
            "total_layers": 184,
            "finish_at": NOW_SHOWN + 6104 * SECOND,
        }
    ],
    "back_to_back": [
        {
            "name": "Voron 2.4",
            "status": Status.COMPLETE,
            "file_name": "clip_x20.gcode",
            "duration": 3455,
            "progress": 100,
            "current_layer": 60,
            "started_at": NOW_SHOWN + 3815 * SECOND,
            "finish_at": NOW_SHOWN + 7272 * SECOND,
        }
    ],
    "two_printers": [
        {
            "name": "Ender 3 V3",
            "status": Status.COMPLETE,
            "file_name": "vase_spiral_0.3mm.gcode",
            "duration": 7380,
            "progress": 100,
            "current_layer": 610,
            "total_layers": 610,
        },
        {
            "name": "X1 Carbon (garage)",
            "status": Status.PRINTING,
            "file_name": "Gridfinity bins 2x3.gcode.3mf",
            "duration": 8259,
            "progress": 90,
            "time_remaining": 847,
            "current_layer": 131,
            "total_layers": 145,
        },
    ],
    "free_account": [
        {
            "name": "Prusa MK4S",
            "status": Status.PRINTING,
            "ended": False,
            "duration": 222,
            "progress": 0,
            "time_remaining": 15924,
            "current_layer": 4,
            "total_layers": 330,
            "started_at": NOW_SHOWN - 3 * SECOND,
        }
    ],
    "sparse": [
        {
            "name": None,
            "quick_view_url": None,
            "snapshot_url": None,
            "print_id": None,
            "superseded": (),
            "status": Status.COMPLETE,
            "ended": True,
            "attention": Attention.NONE,
            "file_name": None,
            "duration": None,
            "progress": 100,
            "time_remaining": 0,
            "current_layer": None,
            "started_at": NOW_SHOWN,
            "finish_at": (NOW + 9433.1 * SECOND).replace(microsecond=0),
        }
    ],
    # What the plugin of a Klipper printer really says of four prints of one file, the third of them canceled.
    "same_file_again": [
        {
            "name": "Voron 0.2",
            "status": Status.COMPLETE,
            "ended": True,
            "file_name": "benchy.gcode",
            "duration": 3600,
            "progress": 100,
            "started_at": NOW_SHOWN + 9660 * SECOND,
            "finish_at": (NOW + 13260.6 * SECOND).replace(microsecond=0),
        }
    ],
    "error_while_idle": [
        {
            "name": "X1 Carbon (garage)",
            "status": Status.ERROR,
            "ended": True,
            "attention": Attention.ERROR,
            "error_message": "The nozzle temperature is abnormal. Please check the heater.",
            "error_code": "0300-0100",
            "file_name": "spool_holder.gcode.3mf",
            "duration": 2890,
            "progress": 100,
            "time_remaining": 0,
            "current_layer": 95,
        }
    ],
}
# Positions of the notifications that change nothing: late ones, and the account's limit.
WITHOUT_EFFECT: Final = {"back_to_back": [14, 17], "free_account": [3]}


def test_every_print_is_expected_to_end() -> None:
    """For each file somebody wrote down what its printers should look like in the end."""
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", EXPECTED)
def test_whole_print(name: str) -> None:
    """A whole print, or several, end in the expected state."""
    states: dict[str, PrinterState] = {}
    without_effect = []
    for position, arrival in enumerate(arrivals(name)):
        notification = arrival.notification
        before = states.get(notification.printer_id, PrinterState())
        after = states[notification.printer_id] = reduce(before, notification, arrival.at)
        if after is before:
            without_effect.append(position)
    assert [
        {field: getattr(state, field) for field in expected}
        for state, expected in zip(states.values(), EXPECTED[name], strict=True)
    ] == EXPECTED[name]
    assert without_effect == WITHOUT_EFFECT.get(name, [])


def test_back_to_back_ids() -> None:
    """Of two prints of one file the second is the newest, with its own pictures, and the first is superseded."""
    first, *_, last = (arrival.notification for arrival in arrivals("back_to_back"))
    state = told(*(arrival.notification for arrival in arrivals("back_to_back")))
    assert (state.superseded, state.print_id) == ((first.print_id,), last.print_id)
    assert state.snapshot_url == last.snapshot_url


def test_troubled_attention() -> None:
    """Each trouble of a print sets its attention, and each sign that the print goes on clears it."""
    state = PrinterState()
    seen: list[tuple[Status | None, Attention]] = []
    for arrival in arrivals("troubled"):
        state = reduce(state, arrival.notification, arrival.at)
        if not seen or seen[-1] != (state.status, state.attention):
            seen.append((state.status, state.attention))
    assert seen == [
        (Status.PRINTING, Attention.NONE),
        (Status.PAUSED, Attention.NONE),
        (Status.PRINTING, Attention.NONE),
        (Status.PRINTING, Attention.FAILURE_SUSPECTED),
        (Status.PAUSED, Attention.PAUSED_BY_GADGET),
        (Status.PRINTING, Attention.NONE),
        (Status.PRINTING, Attention.FILAMENT_CHANGE),
        (Status.PRINTING, Attention.NONE),
        (Status.COMPLETE, Attention.NONE),
    ]


def test_free_account_falls_silent() -> None:
    """After the day's last notification the print is believed until an hour after its estimate."""
    *heard, _ = arrivals("free_account")
    state = PrinterState()
    for arrival in heard:
        state = reduce(state, arrival.notification, arrival.at)
    finish = (heard[1].at + 16010 * SECOND).replace(microsecond=0)
    assert state.finish_at is not None
    assert abs(state.finish_at - finish) < MINUTE
    assert silent_from(state) == state.finish_at + HOUR


@pytest.mark.parametrize("name", ["smooth_20_hours", "troubled"])
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_whole_print_in_any_order(name: str, data: st.DataObject) -> None:
    """Out of order and partly twice, the notifications of a print end where they end in order."""
    in_order = [arrival.notification for arrival in arrivals(name)]
    twice = data.draw(st.lists(st.sampled_from(in_order), max_size=10))
    state = PrinterState()
    for seconds, notification in enumerate(data.draw(st.permutations(in_order + twice))):
        state = reduce(state, notification, NOW + seconds * SECOND)
    names = ("status", "progress", "current_layer", "total_layers", "attention", "ended")
    assert shown(state, *names) == shown(told(*in_order), *names)


# Any notifications


def optional(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for a key that is there or not."""
    return st.just({}) | values.map(lambda value: {key: value})


NOTIFICATIONS: Final = st.builds(
    lambda event_type, keys: says(event_type, **{name: value for key in keys for name, value in key.items()}),
    st.sampled_from(EVERY_TYPE),
    st.tuples(
        st.sampled_from((None, "print-1", "print-2", "print-3")).map(lambda print_id: {"PrintId": print_id}),
        optional("PrinterName", st.sampled_from(("Ender 3", "Voron"))),
        optional("QuickViewUrl", st.just(VIEW)),
        optional("SnapshotUrl", st.sampled_from((SNAPSHOT, f"{SNAPSHOT}2"))),
        optional("FileName", st.sampled_from(("benchy.gcode", "größe 🦑.gcode"))),
        optional("DurationSec", st.integers(0, 2000)),
        optional("Progress", st.integers(0, 100)),
        optional("TimeRemainingSec", st.integers(-1, 5000)),
        optional("ZOffsetMM", st.integers(-5, 300) | st.sampled_from((0.25, -0.1))),
        optional("CurrentLayer", st.integers(0, 5)),
        optional("TotalLayers", st.integers(0, 5)),
        optional("Error", st.just("Clogged")),
        optional("PlatformErrorCode", st.integers(0, 3)),
    ),
)
GAPS: Final = st.timedeltas(timedelta(0), timedelta(hours=30)) | st.timedeltas(timedelta(0), timedelta(minutes=2))
RETRIES: Final = st.timedeltas(SECOND, 15 * MINUTE)


@given(sequence=st.lists(st.tuples(NOTIFICATIONS, GAPS, RETRIES), max_size=12))
@settings(max_examples=300, deadline=None)
def test_any_sequence(sequence: list[tuple[Notification, timedelta, timedelta]]) -> None:
    """What holds after any notification, whatever was before."""
    state, now = PrinterState(), NOW
    for notification, gap, retry in sequence:
        now += gap
        before, state = state, reduce(state, notification, now)
        if is_late(before, notification, now) or not is_about_a_printer(notification):
            assert replace(state, superseded=before.superseded) == before
        else:
            assert state.heard_at == now
        # What was ahead of the clock may have come true by then.
        is_ahead = (notification.duration or 0) > (state.elapsed or 0)
        assert reduce(state, notification, now + retry) == state or (is_ahead and is_late(before, notification, now))
        restored = PrinterState.from_dict(json.loads(json.dumps(state.as_dict())))
        assert restored == state
        assert restored.heard_at == state.heard_at


@given(sequence=st.lists(st.tuples(NOTIFICATIONS, GAPS), max_size=12), end=st.sampled_from((COMPLETE, FAILED)))
@settings(max_examples=200, deadline=None)
def test_what_has_ended_stays(sequence: list[tuple[Notification, timedelta]], end: int) -> None:
    """Once a print has ended, nothing that it said before changes how, when and how far it got."""
    before = told(says(PROGRESS, **FULL), says(end, **FULL))
    state, now = before, NOW
    names = ("ended", "status", "attention", *SAID.keys() - {"name", "quick_view_url", "snapshot_url"})
    for notification, gap in sequence:
        now += gap
        if notification.print_id == before.print_id and (notification.duration or 0) <= SAID["duration"]:
            state = reduce(state, notification, now)
            assert shown(state, *names) == shown(before, *names)


# What comes from the disk

ANY_JSON: Final[tuple[Any, ...]] = (None, True, 5, 2.5, "text", [], [5], ["text"], {}, {"text": "text"})
# What JSON has for a type of ours. Not every text is a status or a moment, and "text" is none.
AS_JSON: Final[dict[Any, tuple[type, ...]]] = {
    str: (str,),
    bool: (bool,),
    int: (int,),
    float: (int, float),
    tuple[str, ...]: (list,),
    Status: (),
    Attention: (),
    datetime: (),
}


def wrong_types() -> list[Any]:
    """Return every field of a state with every value of a type that JSON has and the field has not."""
    rows = []
    for name, hint in get_type_hints(PrinterState).items():
        (ours,) = {hint} & AS_JSON.keys() or {*get_args(hint)} - {NoneType}
        for index, value in enumerate(value for value in ANY_JSON if type(value) not in AS_JSON[ours]):
            rows.append(pytest.param({name: value}, id=f"{name}-{index}"))
    return rows


NO_MOMENTS: Final = ("soon", "", "2026-03-14", "2026-03-14T09:26:53", "2026-03-14T09:26:53.589793")


@pytest.mark.parametrize(
    "data",
    [
        {"status": "dancing"},
        {"status": ""},
        {"attention": "PAUSED_BY_GADGET"},
        {"superseded": [5]},
        {"superseded": ["print-1", None]},
        {"superseded": [["print-1"]]},
        {"no_such": 1},
        {"": None},
        *({name: value} for name in ("started_at", "finish_at", "heard_at") for value in NO_MOMENTS),
        *wrong_types(),
    ],
)
def test_not_a_state(data: dict[str, Any]) -> None:
    """What as_dict did not write is refused rather than believed."""
    with pytest.raises((KeyError, TypeError, ValueError)):
        PrinterState.from_dict(data)


def test_empty_state_is_small() -> None:
    """What is as in an empty state is not written, and missing is read as empty."""
    assert PrinterState().as_dict() == {}
    assert PrinterState.from_dict({}) == PrinterState()
