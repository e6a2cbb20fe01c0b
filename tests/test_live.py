"""Tests of what is read from a printer's answers, how it is damped, and what of it is to be told."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import HealthCheck, given, settings, strategies as st
import pytest
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.job import Printer, Status, decide
from custom_components.octoeverywhere.live import Live, read_live, untold
from custom_components.octoeverywhere.view import view

from .conftest import ALL_MAKES
from .story import START, Teller, moment, story
from .test_fake_plugin_api import SAMPLES

NOW: Final = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
_UNSEEN: Final = ("print_id", "last_progress")


def line(live: Live | None) -> str:
    """Return what is known of a printer, on one line; what is not known is left out."""
    known = {} if live is None else {name: getattr(live, name) for name in Live.__dataclass_fields__}
    shown = {
        name: value
        for name, value in known.items()
        if name not in _UNSEEN and value not in (None, {}) and value is not False
    }
    return " ".join(
        f"{name}={value:%H:%M:%S}" if isinstance(value, datetime) else f"{name}={value}"
        for name, value in shown.items()
    )


@pytest.mark.parametrize("make", ALL_MAKES)
def test_samples(make: str, snapshot: SnapshotAssertion) -> None:
    """Real answers of every make are read as they are meant; nothing that is left over is shown."""
    answers = {row["moment"]: row["body"] for row in SAMPLES[make] if row["body"]["Status"] == 200}
    assert {name: line(read_live(answer["Result"], NOW)) for name, answer in answers.items()} == snapshot
    for name, answer in answers.items():
        live = read_live(answer["Result"], NOW)
        if live is not None and live.status is Status.IDLE:
            shown = view(Printer(), NOW, live)
            numbers = (shown.progress, shown.time_remaining, shown.print_duration, shown.total_layers, shown.file_name)
            assert numbers == (None,) * 5, name


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
BROKEN: Final = st.fixed_dictionaries(
    {},
    optional={
        "JobStatus": json_values
        | st.fixed_dictionaries(
            {"State": st.sampled_from(["idle", "warmingup", "printing", "paused", "error", "complete", "x", None])},
            optional={
                "SubState": json_values,
                "Error": json_values | st.just("Filament Run Out"),
                "Lights": json_values | st.lists(st.fixed_dictionaries({"Name": json_values, "On": json_values})),
                "CurrentPrint": json_values
                | st.fixed_dictionaries(
                    {},
                    optional=dict.fromkeys(
                        ("Progress", "DurationSec", "TimeLeftSec", "FileName", "CurrentLayer", "TotalLayers"),
                        json_values,
                    )
                    | {"Temps": json_values | st.fixed_dictionaries({"HotendActual": json_values})},
                ),
            },
        ),
        "OctoEverywhereStatus": json_values | st.fixed_dictionaries({"MostRecentPrintIdStr": json_values}),
        "PlatformVersion": json_values | st.just("1-BambuPrinters.X1C"),
        "Features": json_values,
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(result=BROKEN)
def test_anything(result: dict[str, Any]) -> None:
    """Whatever is answered is read, and what is shown of it can be."""
    live = read_live(result, NOW)
    if live is not None:
        shown = view(Printer(), NOW, live.after(live), is_connected=True)
        assert shown.progress is None or 0 <= shown.progress <= 100
        assert shown.time_remaining is None or shown.time_remaining >= 0
        untold("printer-1", Printer(), live, NOW)


def live(status: str = "printing", **more: Any) -> Live:
    """Return what a printer says of itself."""
    return Live(status=Status(status), **more)


FIRST: Final[dict[str, Any]] = {"nozzle_temperature": 200.0, "bed_temperature": 60.0, "nozzle_target": 200.0}


@pytest.mark.parametrize(
    ("then", "is_shown"),
    [
        ({}, False),
        ({"nozzle_temperature": 200.9}, False),
        ({"nozzle_temperature": 201.0}, True),
        ({"bed_temperature": 58.9}, True),
        ({"nozzle_target": 0.0}, True),
        ({"chamber_temperature": 30.0}, True),
        ({"nozzle_temperature": None}, True),
    ],
)
def test_steady_temperatures(then: dict[str, Any], is_shown: bool) -> None:
    """A temperature is shown anew when it has moved."""
    before = live(**FIRST)
    after = live(**{**FIRST, **then}).after(before)
    assert after == (live(**{**FIRST, **then}) if is_shown else before)


def test_steady_times() -> None:
    """The times of a print move together, once a minute, but at once where its state changes."""
    before = live(time_remaining=600, print_duration=60)
    for status, duration, shown in (("printing", 60, 600), ("printing", 120, 540), ("preparing", 60, 540)):
        assert live(status, time_remaining=540, print_duration=duration).after(before).time_remaining == shown


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        # An estimate that wanders by seconds stays; one that moves does not.
        ({"estimated_finish": NOW}, {"estimated_finish": NOW + timedelta(seconds=59)}, {"estimated_finish": NOW}),
        (
            {"estimated_finish": NOW},
            {"estimated_finish": NOW + timedelta(minutes=1)},
            {"estimated_finish": NOW + timedelta(minutes=1)},
        ),
        ({}, {"estimated_finish": NOW}, {"estimated_finish": NOW}),
        # Bambu's countdown goes on in a pause.
        ({"time_remaining": 600}, {"status": "paused", "time_remaining": 300}, {"time_remaining": 600}),
        ({"status": "paused", "time_remaining": 600}, {"status": "paused"}, {"time_remaining": 600}),
        ({"time_remaining": 600, "print_id": "a"}, {"status": "paused", "print_id": "b"}, {"time_remaining": None}),
        ({"status": "idle"}, {"status": "paused", "time_remaining": 300}, {"time_remaining": 300}),
        # The end of a print shows its numbers, and how far it was.
        (
            {"progress": 40, "total_layers": 9, "file_name": "a", "print_duration": 60, "time_remaining": 9},
            {"status": "cancelled"},
            {"progress": 40, "total_layers": 9, "file_name": "a", "print_duration": 60, "time_remaining": None},
        ),
        ({"progress": 99}, {"status": "complete", "progress": 100}, {"progress": 100}),
        ({"progress": 40, "print_id": "a"}, {"status": "complete", "print_id": "b"}, {"progress": None}),
        ({"progress": 40, "file_name": "a"}, {"status": "idle"}, {"progress": None, "file_name": None}),
        ({"last_progress": 99}, {"status": "idle"}, {"last_progress": 99}),
        ({"last_progress": 99}, {"last_progress": 1}, {"last_progress": 1}),
    ],
)
def test_after(before: dict[str, Any], after: dict[str, Any], shown: dict[str, Any]) -> None:
    """What hardly says anything new leaves what was shown; what a printer makes up does not show."""
    now = live(**after).after(live(**before))
    assert {name: getattr(now, name) for name in shown} == shown


def test_fresh_before_told() -> None:
    """What the printer says of itself comes before what notifications told; nothing is mixed."""
    told = (
        Teller().tell(story("0:00 print_started 0s file=a.gcode\n0:10 print_progress 600s 20% 2400left 5/50")).printer
    )
    shown = view(told, moment("0:11"), live(file_name="b.gcode", progress=3), is_connected=True)
    assert (shown.file_name, shown.progress, shown.time_remaining, shown.current_layer) == ("b.gcode", 3, None, None)
    assert (shown.print_id, shown.connected, shown.printing) == ("print-1", True, True)
    gone = view(told, moment("0:11"), None, is_connected=False)
    assert (gone.file_name, gone.progress, gone.connected) == ("a.gcode", 20, False)
    assert view(told, moment("0:11")).connected is None


# What is to be told.

STARTED: Final = "0:00 print_started 0s file=a.gcode"
PAUSED: Final = f"{STARTED}\n0:05 print_paused 300s 10%"
FAILING: Final = f"{STARTED}\n0:05 error 300s 10%"
COMPLETE: Final = f"{STARTED}\n0:05 print_complete 300s"
SAME: Final = {"print_id": "print-1", "file_name": "a.gcode"}
OTHER: Final = {"print_id": "print-2", "file_name": "b.gcode"}


@pytest.mark.parametrize(
    ("told", "status", "more", "expected"),
    [
        # A print goes on as was told.
        (STARTED, "printing", SAME, None),
        (STARTED, "preparing", SAME, None),
        (STARTED, "preparing", OTHER, None),
        (PAUSED, "paused", SAME, None),
        (PAUSED, "preparing", SAME, None),
        (STARTED, "printing", {"file_name": "a.gcode"}, None),
        # A start that nobody told, as long as it is one.
        ("", "printing", OTHER, ("print_started", {"duration": 0})),
        ("", "printing", OTHER | {"print_duration": 540}, ("print_started", {"duration": 540})),
        ("", "printing", OTHER | {"print_duration": 600, "progress": 5}, ("print_progress", {"progress": 5})),
        ("", "paused", OTHER, ("print_progress", {})),
        ("", "printing", {"file_name": "b.gcode"}, None),
        ("", "preparing", OTHER, None),
        (STARTED, "printing", OTHER, ("print_started", {"print_id": "print-2", "file_name": "b.gcode"})),
        (COMPLETE, "printing", OTHER, ("print_started", {})),
        # Of a print before, nothing; of the same file printed again, its start, counted as Klipper's plugin does.
        (f"{COMPLETE}\n0:06 print_started 0s id=print-2", "printing", SAME, None),
        (COMPLETE, "printing", SAME, ("print_started", {"duration": 300 + 300})),
        ("0:05 print_complete", "printing", SAME, ("print_started", {"duration": 0})),
        # A plugin that was restarted names the print under way anew.
        (f"{STARTED}\n0:05 print_progress 300s 10%", "printing", {"print_id": "print-2", "file_name": "a.gcode", "print_duration": 600}, None),
        (f"{STARTED}\n0:05 print_progress 300s 10%", "complete", {"print_id": "print-2", "file_name": None, "print_duration": 600}, ("print_complete", {"print_id": "print-2"})),
        # Pauses.
        (STARTED, "paused", SAME, ("print_paused", {})),
        (PAUSED, "printing", SAME, ("print_resumed", {})),
        (FAILING, "printing", SAME | {"progress": 10}, ("print_resumed", {})),
        (FAILING, "printing", SAME | {"progress": 1}, ("print_started", {"duration": 600})),
        (FAILING, "paused", SAME, None),
        # Errors.
        (STARTED, "error", SAME | {"error": "Too hot"}, ("error", {"error": "Too hot"})),
        (PAUSED, "error", SAME | {"status_detail": "Stop"}, ("error", {"error": "Stop"})),
        (FAILING, "error", SAME, None),
        (COMPLETE, "error", SAME, None),
        (STARTED, "error", OTHER, None),
        ("", "error", SAME, None),
        # Ends.
        (STARTED, "complete", SAME, ("print_complete", {"progress": 100, "duration": 600, "cancelled": None})),
        (PAUSED, "cancelled", SAME, ("print_failed", {"cancelled": True})),
        (STARTED, "failed", SAME, ("print_failed", {"cancelled": None})),
        (FAILING, "failed", SAME, ("print_failed", {"cancelled": None})),
        (COMPLETE, "complete", SAME, None),
        (COMPLETE, "cancelled", SAME, None),
        (STARTED, "complete", OTHER, None),
        ("", "complete", SAME, None),
        ("0:00 gadget_warning", "complete", SAME | {"print_duration": 60}, ("print_complete", {"duration": 60})),
        # Idle, once it is sure: a state that the plugin does not know is idle, too.
        (STARTED, "idle", SAME | {"nozzle_target": 200.0}, None),
        (STARTED, "idle", SAME | {"nozzle_target": 0.0}, ("print_failed", {"cancelled": None})),
        (PAUSED, "idle", SAME | {"nozzle_target": 0.0, "last_progress": 99}, ("print_complete", {"progress": 100})),
        (STARTED, "idle", SAME | {"ends_idle": True, "nozzle_target": 200.0}, ("print_failed", {"cancelled": True})),
        (STARTED, "idle", SAME | {"ends_idle": True, "last_progress": 99}, ("print_complete", {})),
        (f"{STARTED} 540left", "idle", SAME | {"nozzle_target": 0.0}, ("print_complete", {})),
        (f"{STARTED} 660left", "idle", SAME | {"nozzle_target": 0.0}, ("print_failed", {})),
        (FAILING, "idle", SAME | {"nozzle_target": 0.0}, None),
        (COMPLETE, "idle", SAME | {"nozzle_target": 0.0}, None),
        (STARTED, "idle", OTHER | {"nozzle_target": 0.0}, None),
    ],
)  # fmt: skip
def test_untold(told: str, status: str, more: dict[str, Any], expected: tuple[str, dict[str, Any]] | None) -> None:
    """What a printer does is told where nobody told it, as a notification would have."""
    printer = Teller().tell(story(told) if told else []).printer
    notification = untold(
        "printer-1", printer, live(status, **more), START.replace(microsecond=0) + timedelta(minutes=10)
    )
    data = None if notification is None else notification.as_event_data(NOW)
    assert data is None or data["source"] == "live"
    if expected is None:
        assert data is None
    else:
        type_, facts = expected
        assert data is not None
        assert data["type"] == type_
        assert facts.items() <= data.items()


@pytest.mark.parametrize("slug", ["print_paused", "print_complete", "print_failed"])
def test_overtaken(slug: str) -> None:
    """Where a notification tells it just before we do, nobody hears of it twice."""
    before = Teller().tell(story("0:00 print_started 0s id=print-1"))
    status = {"print_paused": "paused", "print_complete": "complete", "print_failed": "cancelled"}[slug]
    late = untold("printer-1", before.printer, live(status, print_id="print-1"), START)
    assert late is not None
    for news in (f"0:10 {slug} 600s id=print-1", "0:10 print_started 0s id=print-2"):  # or the next print has begun
        told = before.tell(story(news)).printer
        step = decide(told, late, moment("0:11"))
        assert (step.printer, step.announcement) == (told, None)


def test_left_over_stage() -> None:
    """The stage that a Bambu goes on to name after its print is not shown."""
    result: dict[str, Any] = {
        "JobStatus": {"State": "idle", "SubState": "Paused By User"},
        "PlatformVersion": "1-BambuPrinters.X1C",
    }
    (idle, paused) = (
        read_live({**result, "JobStatus": {**result["JobStatus"], "State": state}}, NOW) for state in ("idle", "paused")
    )
    assert idle is not None
    assert paused is not None
    assert (idle.status_detail, paused.status_detail) == (None, "Paused By User")
