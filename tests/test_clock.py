"""Tests of waiting for a moment of a clock that may be set meanwhile; test_time.py has what a user sees of it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
import pytest

from custom_components.octoeverywhere.clock import Alarm

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
def call_at(hass: HomeAssistant, calls: list[datetime]) -> CallAt:
    """Return a function that waits for a moment."""

    def call_at(moment: datetime) -> Alarm:
        alarm = Alarm(hass, lambda: calls.append(moment))
        alarm.async_set(moment)
        return alarm

    return call_at


type CallAt = Callable[[datetime], Alarm]


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
    alarm = call_at(datetime.max.replace(tzinfo=UTC))
    for _ in range(10):
        await clock.elapse(365 * 24 * HOUR)
    alarm.async_set(None)
    assert calls == []


async def test_clock_stands_still(call_at: CallAt, calls: list[datetime], clock: Clock) -> None:
    """As long as the clock is set back again and again, the moment has not come."""
    call_at(NOON + HOUR)
    for _ in range(20):
        clock.set(NOON)
        await clock.elapse(59 * MINUTE)
    assert calls == []
    await clock.elapse(MINUTE)
    assert calls == [NOON + HOUR]


@pytest.mark.parametrize("elapsed", [timedelta(0), 10 * MINUTE, 25 * MINUTE, HOUR, 2 * HOUR])
async def test_stop(call_at: CallAt, calls: list[datetime], clock: Clock, elapsed: timedelta) -> None:
    """It can be prevented at any time, also twice, and when it is too late."""
    alarm = call_at(NOON + HOUR)
    await clock.elapse(elapsed)
    alarm.async_set(None)
    alarm.async_set(None)
    await clock.elapse(3 * HOUR)
    assert calls == [NOON + HOUR] * (elapsed >= HOUR)


@pytest.mark.parametrize("puts_off", [1, 7])
@pytest.mark.parametrize("step", [MINUTE, 10 * MINUTE, HOUR, 24 * HOUR])
async def test_put_off(hass: HomeAssistant, clock: Clock, step: timedelta, puts_off: int) -> None:
    """However often the moment is put off, it is called once, at the last one, and again where it is set again."""
    called: list[datetime] = []
    alarm = Alarm(hass, lambda: called.append(dt_util.utcnow()))
    clock.set(NOON)
    for _ in range(2):
        called.clear()
        now = dt_util.utcnow()
        for number in range(puts_off):
            alarm.async_set(now + (number + 2) * step)
            await clock.elapse(step)
        assert called == []
        await clock.elapse(step - SECOND)
        assert called == []
        await clock.elapse(SECOND)
        assert called == [now + (puts_off + 1) * step]
        await clock.elapse(24 * HOUR)
        assert len(called) == 1


async def test_brought_forward(hass: HomeAssistant, calls: list[datetime], clock: Clock) -> None:
    """A moment that is brought forward is not missed, also after the clock was set."""
    alarm = Alarm(hass, lambda: calls.append(dt_util.utcnow()))
    for moment in (NOON + HOUR, NOON + 5 * MINUTE):
        alarm.async_set(moment)
    await clock.elapse(5 * MINUTE)
    assert calls == [NOON + 5 * MINUTE]

    alarm.async_set(NOON + HOUR)
    clock.set(NOON - 24 * HOUR)
    alarm.async_set(NOON - 23 * HOUR)
    await clock.elapse(HOUR - SECOND)
    assert len(calls) == 1
    await clock.elapse(SECOND)
    assert calls[1:] == [NOON - 23 * HOUR]


async def test_each_for_itself(call_at: CallAt, calls: list[datetime], clock: Clock) -> None:
    """Of several that wait, one is prevented, and the others are called in order."""
    alarms = [call_at(NOON + minutes * MINUTE) for minutes in (25, 15, 5)]
    alarms[1].async_set(None)
    for _ in range(30):
        await clock.elapse(MINUTE)
    assert calls == [NOON + 5 * MINUTE, NOON + 25 * MINUTE]


async def test_set_within_the_action(hass: HomeAssistant, calls: list[datetime], clock: Clock) -> None:
    """What is called may wait for the next moment, or for none."""

    def again() -> None:
        calls.append(NOON)
        alarm.async_set(None)
        alarm.async_set(NOON + (len(calls) + 1) * HOUR)

    alarm = Alarm(hass, again)
    alarm.async_set(NOON + HOUR)
    for _ in range(6):
        await clock.elapse(HOUR / 2)
    assert len(calls) == 3
    alarm.async_set(None)
