"""Tests of what the estimate of a print's end says of itself: when it was made, and how close the end had come before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
import json
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from hypothesis import given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.state import PrinterState, Status, reduce

from .conftest import FULL, NUMBERS, Post

START: Final = datetime(2026, 3, 14, 9, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
ENTITY: Final = "sensor.ender3_estimated_finish"

type Said = tuple[float, str, float | None]
"""In which minute, which notification, and how many minutes remain: None where it does not say, -1 where unknown."""


def says(slug: str, remaining: float | None, **keys: Any) -> Notification:
    """Return a notification of the first print, unless the keys say otherwise."""
    if remaining is not None:
        keys["TimeRemainingSec"] = -1 if remaining < 0 else round(remaining * 60)
    return Notification.from_payload(
        {"PrinterId": "printer-1", "PrintId": "print-1", "EventType": NUMBERS[slug]} | keys
    )


def told(said: Iterable[Said], state: PrinterState | None = None, **keys: Any) -> PrinterState:
    """Return what is known once these notifications have arrived."""
    state = state or PrinterState()
    for minute, slug, remaining in said:
        state = reduce(state, says(slug, remaining, **keys), START + minute * MINUTE)
    return state


def minutes(state: PrinterState) -> tuple[float | None, float | None]:
    """Return in which minute the estimate was made, and how many minutes had been left at least before."""
    at, least = state.estimated_at, state.least_remaining
    return None if at is None else (at - START) / MINUTE, None if least is None else least / 60


@pytest.mark.parametrize(
    ("said", "estimated_at", "least"),
    [
        ([(0, "print_started", None)], None, None),
        ([(0, "print_started", -1)], None, None),
        ([(0, "print_started", 60)], 0, None),
        # A silent word leaves the estimate; so does one that differs by less than a minute.
        ([(0, "print_started", 60), (10, "print_progress", None)], 0, None),
        ([(0, "print_started", 60), (10, "print_progress", 50)], 0, None),
        ([(0, "print_started", 60), (10, "print_progress", 50.9)], 0, None),
        ([(0, "print_started", 60), (10, "print_progress", 49.1)], 0, None),
        # The finish had come to within 50 minutes when the estimate moved.
        ([(0, "print_started", 60), (10, "print_progress", 51)], 10, 50),
        ([(0, "print_started", 60), (10, "print_progress", 49)], 10, 50),
        ([(0, "print_started", 60), (10, "print_progress", 80), (20, "print_progress", 90)], 20, 50),
        ([(0, "print_started", 60), (10, "print_progress", 20), (15, "print_progress", 90)], 15, 15),
        # It had even passed.
        ([(0, "print_started", 60), (70, "print_progress", 30), (90, "print_progress", 30.5)], 90, -10),
        # An estimate that becomes unknown is over.
        ([(0, "print_started", 60), (10, "print_progress", -1)], None, 50),
        ([(0, "print_started", 60), (10, "print_progress", -1), (30, "print_progress", 40)], 30, 50),
        # While the print is paused, by whomever, no time passes.
        ([(0, "print_started", 60), (10, "print_paused", 50)], 0, 50),
        ([(0, "print_started", 60), (10, "print_paused", None), (40, "print_resumed", 50)], 40, 50),
        ([(0, "print_started", 60), (10, "gadget_paused", None), (40, "print_resumed", 50)], 40, 50),
        ([(0, "print_started", 60), (10, "error", None), (40, "print_progress", 50)], 40, 50),
        ([(0, "print_started", 60), (10, "print_paused", 50), (20, "print_paused", 50.1)], 20, 50),
        ([(0, "print_started", 60), (10, "print_paused", 50), (40, "user_interaction_required", 50)], 40, 50),
        ([(0, "print_paused", 60), (40, "print_resumed", 60)], 40, None),
        # The printer goes on printing.
        ([(0, "print_started", 60), (10, "gadget_warning", 50), (20, "print_progress", 50)], 20, 40),
        ([(0, "print_started", 60), (10, "filament_change_required", 60)], 10, 50),
        # Nothing is known of whether it prints.
        ([(0, "gadget_warning", 60), (20, "gadget_warning", 60.5)], 20, None),
        # What is not about the print, or late, says nothing.
        ([(0, "print_started", 60), (10, "test", 5), (20, "notification_limit", 5)], 0, None),
        ([(0, "print_started", 60), (61, "print_complete", 0), (62, "print_progress", 5)], 61, -1),
    ],
)
def test_estimates(said: list[Said], estimated_at: float | None, least: float | None) -> None:
    """Estimates follow each other."""
    assert minutes(told(said)) == (estimated_at, least)


def test_late() -> None:
    """A notification that comes late changes nothing of the estimate."""
    state = told([(0, "print_started", 60), (10, "print_progress", 80)], DurationSec=600, Progress=10)
    assert told([(30, "print_progress", 5)], state, DurationSec=30, Progress=1) is state


@pytest.mark.parametrize("end", ["print_complete", "print_failed", "print_paused", "print_progress"])
def test_next_print(end: str) -> None:
    """A print that is new begins anew, however far the one before had come."""
    before = told([(0, "print_started", 60), (10, "print_progress", 90), (90, end, 5)])
    after = told([(100, "print_started", 40)], before, PrintId="print-2")
    assert minutes(after) == (100, None)
    assert minutes(told([(110, "print_progress", 90)], after, PrintId="print-2")) == (110, 30)
    silent = told([(100, "print_started", None)], before, PrintId="print-2")
    assert minutes(silent) == (None, None)
    assert minutes(told([(110, "print_progress", 90)], silent, PrintId="print-2")) == (110, None)


@pytest.mark.parametrize("end", ["print_complete", "print_failed"])
@pytest.mark.parametrize(
    ("said", "estimated_at", "least"),
    [
        ([(100, "print_started", 40)], 100, None),
        ([(100, "print_started", -1), (110, "print_progress", 90)], 110, None),
        ([(100, "print_started", None), (110, "print_progress", 90)], 110, None),
        ([(100, "print_progress", 40), (110, "print_progress", 90)], 110, 30),
        ([(91, "bed_cooldown_complete", None), (100, "print_started", 40), (110, "print_progress", 90)], 110, 30),
        ([(91, "gadget_warning", 5), (100, "print_started", 40), (110, "print_progress", 90)], 110, 30),
        ([(100, "print_complete", 0)], 100, None),
    ],
)
def test_next_print_without_an_id(end: str, said: list[Said], estimated_at: float, least: float | None) -> None:
    """A printer that never names its prints begins anew with what comes after an end."""
    before = told([(0, "print_started", 60), (10, "print_progress", 90), (90, end, 5)], PrintId=None)
    assert minutes(told(said, before, PrintId=None)) == (estimated_at, least)


@pytest.mark.parametrize("end", ["print_complete", "print_failed"])
def test_end_without_an_id_sent_twice(end: str) -> None:
    """The same notification twice leaves the same state."""
    state = told([(0, "print_started", 60), (50, end, 0)], PrintId=None)
    assert told([(51, end, 0)], state, PrintId=None) == state


# Against a model that looks at the clock

STEP: Final = timedelta(seconds=20)
PRINTS: Final = ("print_started", "print_resumed", "print_progress", "first_layer_complete", "third_layer_complete")
PAUSES: Final = ("print_paused", "gadget_paused", "error")
STAYS: Final = ("gadget_warning", "filament_change_required", "user_interaction_required", "unknown")
LEFT: Final = st.none() | st.integers(0, 90)
GAPS: Final = st.integers(1, 90)


@dataclass
class Model:
    """A person with a clock, who looks at it every minute and at a new estimate, and notes how much time is left."""

    now: datetime = START
    is_printing: bool = False
    finish_at: datetime | None = None
    estimated_at: datetime | None = None
    closest: timedelta | None = None
    """The least time that was left so far."""
    closest_before: timedelta | None = None
    """The same, when the estimate was made."""

    def wait(self, steps: int) -> None:
        """Look at the clock at each full minute, until something is said."""
        for _ in range(steps):
            self.now += STEP
            if self.now.second == 0:
                self.look()

    def look(self) -> None:
        """Note how much time is left."""
        self.closest = self.seen()

    def seen(self) -> timedelta | None:
        """Return the least time that was left so far, the present included, if any passes."""
        if not self.is_printing or self.finish_at is None:
            return self.closest
        left = self.finish_at - self.now
        return left if self.closest is None else min(self.closest, left)

    def hear(self, slug: str, remaining: int | None) -> None:
        """Note what is said: how many steps remain, None where that is not said."""
        if slug in PRINTS and not self.is_printing:
            # It is held again, as of now.
            self.estimated_at, self.closest_before = self.finish_at and self.now, self.closest
        if slug in (*PRINTS, *PAUSES):
            self.is_printing = slug in PRINTS
        if remaining is None:
            return
        finish_at = self.now + remaining * STEP
        if self.finish_at is None or abs(finish_at - self.finish_at) >= MINUTE:
            self.finish_at, self.estimated_at, self.closest_before = finish_at, self.now, self.closest


def seconds(left: timedelta | None) -> int | None:
    """Return a time as the state has it."""
    return None if left is None else int(left.total_seconds())


@given(
    prints=st.lists(
        st.lists(st.tuples(GAPS, st.sampled_from(PRINTS + PAUSES + STAYS), LEFT), min_size=1, max_size=10),
        max_size=3,
    )
)
@settings(max_examples=200, deadline=None)
def test_against_the_clock(prints: list[list[tuple[int, str, int | None]]]) -> None:
    """The least time that was ever left, in whichever order estimates, pauses and prints come, is never lost."""
    state, now = PrinterState(), START
    for number, said in enumerate(prints):
        model = Model(now)
        for index, (steps, slug, remaining) in enumerate(said):
            model.wait(steps)
            model.hear(slug, remaining)
            left = None if remaining is None else remaining * STEP / MINUTE
            # The number keeps one from being taken for the other, sent twice.
            notification = says(slug, left, PrintId=f"print-{number}", Number=index)
            state = reduce(state, notification, model.now)
            state = PrinterState.from_dict(json.loads(json.dumps(state.as_dict())))
            assert (state.finish_at, state.estimated_at) == (model.finish_at, model.estimated_at)
            if state.estimated_at == model.now:
                assert state.least_remaining == seconds(model.closest_before)
            assert closest(state, model.now) == seconds(model.seen())
            if model.estimated_at == model.now:
                model.look()
        now = model.now


def closest(state: PrinterState, now: datetime) -> int | None:
    """Return the least time that was left, the present included, as the blueprint reads it from the state."""
    known = [] if state.least_remaining is None else [state.least_remaining]
    if state.status is Status.PRINTING and state.finish_at is not None:
        known.append(int((state.finish_at - now).total_seconds()))
    return min(known, default=None)


# What a user sees


def attributes(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the sensor says of its estimate."""
    state = hass.states.get(ENTITY)
    assert state is not None
    return {key: state.attributes[key] for key in ("estimated_at", "least_remaining")}


async def test_sensor(hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory) -> None:
    """The sensor of the estimate says both, before and after a restart, and keeps them out of the database."""
    freezer.move_to(START)
    await post(FULL, TimeRemainingSec=3600)
    assert attributes(hass) == {"estimated_at": START, "least_remaining": None}
    freezer.tick(10 * MINUTE)
    await post(FULL, TimeRemainingSec=6000)
    expected = {"estimated_at": START + 10 * MINUTE, "least_remaining": 3000}
    assert attributes(hass) == expected
    freezer.tick(MINUTE)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert attributes(hass) == expected
    state = hass.states.get(ENTITY)
    assert state is not None
    assert state.state_info is not None
    assert state.state_info["unrecorded_attributes"] >= expected.keys()


async def test_unchanged(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """An estimate that differs by less than a minute is none: the sensor is not even written."""
    freezer.move_to(START)
    await post(FULL, TimeRemainingSec=3600)
    before = hass.states.get(ENTITY)
    assert before is not None
    for seconds_off in (0, 59, -59):
        freezer.tick(MINUTE)
        left = (START + timedelta(hours=1) - datetime.now(UTC)).total_seconds() + seconds_off
        await post(FULL, Progress=22, TimeRemainingSec=left, FileName=f"{seconds_off}.gcode")
        after = hass.states.get(ENTITY)
        assert after is before
        assert after.last_reported == START


async def test_pause(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A pause shows what was left when it began, and nothing of that passes until the print goes on."""
    freezer.move_to(START)
    await post(FULL, TimeRemainingSec=3600)
    freezer.tick(10 * MINUTE)
    await post(FULL, EventType=NUMBERS["print_paused"], TimeRemainingSec=3000)
    assert attributes(hass) == {"estimated_at": START, "least_remaining": 3000}
    freezer.tick(100 * MINUTE)
    await post(FULL, EventType=NUMBERS["print_resumed"], TimeRemainingSec=3000)
    assert attributes(hass) == {"estimated_at": START + 110 * MINUTE, "least_remaining": 3000}
