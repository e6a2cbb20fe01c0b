"""Moments of the wall clock, which may be set while one waits."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

# Home Assistant's timers count the seconds that pass. A computer without a battery for its clock may start years behind, and be
# set right a minute later; one that sleeps counts none.
_LOOK_EVERY: Final = timedelta(minutes=10)


@callback
def async_call_at(hass: HomeAssistant, moment: datetime, action: Callable[[], None]) -> CALLBACK_TYPE:
    """Call the action once the clock has passed a moment; return what prevents it."""
    cancel: CALLBACK_TYPE

    @callback
    def wait() -> None:
        nonlocal cancel
        cancel = async_track_point_in_utc_time(hass, look, min(moment, dt_util.utcnow() + _LOOK_EVERY))

    @callback
    def look(_: datetime) -> None:
        if dt_util.utcnow() < moment:
            wait()
        else:
            action()

    @callback
    def stop() -> None:
        cancel()

    wait()
    return stop
