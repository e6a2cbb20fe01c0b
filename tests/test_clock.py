"""Tests of waiting for a moment of a clock that may be set meanwhile; test_time.py has what a user sees of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant
import pytest

from custom_components.octoeverywhere.clock import async_call_at

from .conftest import Clock

NOON: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
SECOND: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)
HOUR: Final = timedelta(hours=1)


@pytest.fixture
def calls(clock: Clock) -> list[datetime]:
    """Collect when the action was called; it is noon."""
    clock.set(NOON)
    return []


@pytest.fixture
def call_at(hass: HomeAssistant, calls: list[datetime]) -> Callable[[datetime], CALLBACK_TYPE]:
    """Return a function that waits for a moment."""
    return lambda moment: async_call_at(hass, moment, lambda: calls.append(moment))


type CallAt = Callable[[datetime], CALLBACK_TYPE]


@pytest.mark.parametrize("wait", [SECOND, 10 * MINUTE, 25 * MINUTE, 7 * 24 * HOUR])
async def test_once(call_at: CallAt, calls: list[datetime], clock: Clock, wait: timedelta) -> None:
    """It is called at the moment, not before, and not again, whatever the clock says afterwards."""
    call_at(NOON + wait)
    await clock.elapse(wait - SECOND)
    assert calls == []
    await clock.elapse(SECOND)
    assert calls == [NOON + wait]
    for now in (NOON - 24 * HOUR, NOON, NOON + wait):
        clock.set(now)
        await clock.elapse(HOUR)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "moment", [NOON, NOON - SECOND, datetime(1970, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]
)
async def test_moment_has_passed(call_at: CallAt, calls: list[datetime], clock: Clock, moment: datetime) -> None:
    """A moment that has passed already is not waited for."""
    call_at(moment)
    await clock.elapse(timedelta(0))
    assert calls == [moment]


async def test_moment_never_comes(call_at: CallAt, calls: list[datetime], clock: Clock) -> None:
    """The last moment that there is can be waited for, for years."""
    stop = call_at(datetime.max.replace(tzinfo=UTC))
    for _ in range(10):
        await clock.elapse(365 * 24 * HOUR)
    stop()
    assert calls == []


async def test_clock_stands_still(call_at: CallAt, calls: list[datetime], clock: Clock) -> None:
    """As long as the clock is set back again and again, the moment has not come."""
    stop = call_at(NOON + HOUR)
    for _ in range(20):
        clock.set(NOON)
        await clock.elapse(59 * MINUTE)
    assert calls == []
    await clock.elapse(MINUTE)
    assert calls == [NOON + HOUR]
    stop()


@pytest.mark.parametrize("elapsed", [timedelta(0), 10 * MINUTE, 25 * MINUTE, HOUR, 2 * HOUR])
async def test_stop(call_at: CallAt, calls: list[datetime], clock: Clock, elapsed: timedelta) -> None:
    """It can be prevented at any time, also twice, and when it is too late."""
    stop = call_at(NOON + HOUR)
    await clock.elapse(elapsed)
    stop()
    stop()
    await clock.elapse(3 * HOUR)
    assert calls == [NOON + HOUR] * (elapsed >= HOUR)


async def test_each_for_itself(call_at: CallAt, calls: list[datetime], clock: Clock) -> None:
    """Of several that wait, one is prevented, and the others are called in order."""
    stops = [call_at(NOON + minutes * MINUTE) for minutes in (25, 15, 5)]
    stops[1]()
    for _ in range(30):
        await clock.elapse(MINUTE)
    assert calls == [NOON + 5 * MINUTE, NOON + 25 * MINUTE]


async def test_stop_within_the_action(hass: HomeAssistant, calls: list[datetime], clock: Clock) -> None:
    """What is called may stop itself and wait for the next moment."""
    stop: CALLBACK_TYPE

    def again() -> None:
        nonlocal stop
        calls.append(NOON)
        stop()
        stop = async_call_at(hass, NOON + (len(calls) + 1) * HOUR, again)

    stop = async_call_at(hass, NOON + HOUR, again)
    for _ in range(6):
        await clock.elapse(HOUR / 2)
    assert len(calls) == 3
    stop()
