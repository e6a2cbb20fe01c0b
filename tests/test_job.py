"""What notifications mean together, without Home Assistant: every kind after every other, and what holds of any sequence."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from homeassistant.helpers.json import json_bytes
from homeassistant.util.json import json_loads_object
from hypothesis import given, settings, strategies as st
import pytest

from custom_components.octoeverywhere.history import MAX_PRINTS, Totals, with_prints
from custom_components.octoeverywhere.job import Printer, Relation, decide
from custom_components.octoeverywhere.payload import NotificationType
from custom_components.octoeverywhere.store import Reader
from custom_components.octoeverywhere.view import view

from .kinds import KINDS
from .story import START, Arrival, Teller, fixture, story

MINUTE: Final = timedelta(minutes=1)
BOOT: Final = datetime(1970, 1, 2, tzinfo=UTC)
# What was said before, and what the printer's status and attention are then.
BEFORE: Final = {
    "printing": ("0:10 print_progress 600s 40%", "printing", "none"),
    "suspected": ("0:10 gadget_warning 600s 40%\n0:11 print_progress 660s 40%", "printing", "failure_suspected"),
    "paused": ("0:10 print_paused 600s 40%", "paused", "none"),
    "paused by Gadget": ("0:10 gadget_paused 600s 40%", "paused", "paused_by_gadget"),
    "error": ("0:10 error 600s 40%", "error", "error"),
    "filament": ("0:10 print_paused 600s 40%\n0:11 filament_change_required 660s 40%", "paused", "filament_change"),
}


@pytest.fixture(autouse=True)
def _custom_integrations() -> None:
    """Do without a running Home Assistant, which every other test has."""


def test_every_kind_was_thought_of() -> None:
    """For each kind of notification somebody decided what it means; its words and icons are tested with all others."""
    assert list(KINDS) == [type_.value for type_ in NotificationType]
    assert [kind.number for kind in KINDS.values()] == list(range(1, len(KINDS) + 1))


@pytest.mark.parametrize("print_id", ["id=print-1", "id="], ids=["named", "nameless"])
@pytest.mark.parametrize("slug", KINDS)
@pytest.mark.parametrize("before", BEFORE)
def test_status_and_attention(before: str, slug: str, print_id: str) -> None:
    """Each kind changes status and attention of a print, or leaves them, whatever they were before."""
    said, status, attention = BEFORE[before]
    kind = KINDS[slug]
    teller = Teller().tell(story(f"{said}\n0:20 {slug} 1200s 50% {print_id} error=Cold code=34"))
    is_over = before == "error" and slug == "bed_cooldown_complete"
    assert teller.view.status == ("failed" if is_over else kind.status or status)
    if slug == "print_progress":  # which is further than before
        assert teller.view.attention == "none"
        counts = attention != "none"
    else:
        assert teller.view.attention == (kind.attention or attention)
        counts = bool(kind.attention)
    assert (teller.view.error_message, teller.view.error_code) == (("Cold", "34") if counts else (None, None))
    assert teller.announced[-1] == slug


@pytest.mark.parametrize("slug", KINDS)
def test_repeat(slug: str) -> None:
    """What says the same to the second is a repetition for 45 minutes, and none after that, nor is a test ever one."""
    (first,) = story(f"0:10 {slug} 600s 40%")
    printer = decide(Printer(), first.notification, first.at).printer
    for minutes, is_repeat in ((0, True), (45, True), (46, False)):
        step = decide(printer, first.notification, first.at + minutes * MINUTE)
        assert (step.relation is Relation.REPEAT) == (is_repeat and slug != "test")
        assert (step.announcement is None) == (step.relation is Relation.REPEAT)


@pytest.mark.parametrize("name", ["smooth_20_hours", "troubled", "prusalink_ordinary", "bambu_cancelled"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_any_order(name: str, data: st.DataObject) -> None:
    """In whatever order the notifications of a print arrive, and partly twice, it ends as in order, and counts once."""
    arrivals = fixture(name)
    order = data.draw(st.permutations([*arrivals, *data.draw(st.lists(st.sampled_from(arrivals), max_size=6))]))
    shuffled = Teller().tell(Arrival(START + number * 20 * MINUTE, told.body) for number, told in enumerate(order))
    in_order = Teller().tell(arrivals)
    assert (shuffled.view.status, shuffled.view.attention) == (in_order.view.status, in_order.view.attention)
    assert shuffled.printer.totals == in_order.printer.totals
    assert [(print_.outcome, print_.duration) for print_ in shuffled.prints] == [
        (print_.outcome, print_.duration) for print_ in in_order.prints
    ]


def optional(key: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return a strategy for a key that is there or not."""
    return st.just({}) | values.map(lambda value: {key: value})


ANY: Final = st.tuples(
    st.sampled_from([{"EventType": kind.number, "PrinterId": "printer-1"} for kind in KINDS.values()]),
    st.sampled_from([{"PrintId": name} for name in (None, "print-1", "print-2", "print-3")]),
    optional("FileName", st.sampled_from(("a.gcode", "b.gcode"))),
    optional("SnapshotUrl", st.sampled_from(("https://x.example/1", "https://x.example/2"))),
    optional("DurationSec", st.integers(0, 9000)),
    optional("Progress", st.integers(0, 100)),
    optional("TimeRemainingSec", st.integers(-3, 5000)),
    optional("CurrentLayer", st.integers(0, 5)),
    optional("TotalLayers", st.integers(0, 5)),
    optional("PlatformErrorCode", st.sampled_from(("cancelled", "FAILED"))),
).map(lambda parts: {key: value for part in parts for key, value in part.items() if value is not None})
GAPS: Final = st.timedeltas(timedelta(0), timedelta(hours=30)) | st.timedeltas(timedelta(0), timedelta(minutes=2))


# A clock that is set: by hours, or from and to where a computer without a battery starts.
SET: Final = st.timedeltas(timedelta(hours=-3), timedelta(0)) | st.sampled_from([START, BOOT])


@given(sequence=st.lists(st.tuples(ANY, GAPS | SET, GAPS), max_size=14))
@settings(max_examples=400, deadline=None)
def test_any_sequence(sequence: list[tuple[dict[str, Any], timedelta | datetime, timedelta]]) -> None:
    """Whatever is told, and however the clock is set: every print counts once, what has ended stays, and all comes back."""
    teller, now = Teller(), START
    for body, gap, until_looked_at in sequence:
        now = gap if isinstance(gap, datetime) else now + gap
        before = teller.printer
        teller.tell([Arrival(now, body)])
        printer = teller.printer
        # A printer that never names its prints may have made another one, and ended it.
        is_same = before.job.print_id is not None and before.earlier == printer.earlier
        if is_same and before.job.ended and printer.job.ended:
            assert before.job.finish_at == printer.job.finish_at
        seen = view(printer, now + until_looked_at)
        assert seen.under_way is None or seen.under_way.started_at <= seen.under_way.ended_at
        assert seen.progress is None or 0 <= seen.progress <= 100
        assert seen.time_remaining is None or 0 <= seen.time_remaining <= 5000
        assert seen.print_duration is None or seen.print_duration >= 0
        prints = with_prints((), printer.unfiled)
        assert printer.totals == sum((known.totals for known in prints), Totals())
        assert all(known.started_at <= known.ended_at for known in teller.prints)
        assert Reader().value(Printer, json_loads_object(json_bytes(printer))) == printer
        assert with_prints(prints, printer.unfiled) == prints
        assert len(printer.recent) <= len(teller.steps)


def test_bounds() -> None:
    """Of many prints that the disk does not take the newest are kept."""
    teller = Teller().tell(
        arrival for number in range(MAX_PRINTS + 9) for arrival in story(f"0:10 print_complete 60s id=print-{number}")
    )
    assert len(teller.printer.unfiled) == MAX_PRINTS
    assert len(teller.prints) == MAX_PRINTS
    assert teller.prints[-1].print_id == f"print-{MAX_PRINTS + 8}"
