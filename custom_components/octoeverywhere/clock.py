"""Moments of the wall clock, which may be set while one waits."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.util import dt as dt_util

# Home Assistant's timers count the seconds that pass. A computer without a battery for its clock may start years behind, and be
# set right a minute later; one that sleeps counts none.
_LOOK_EVERY: Final = timedelta(minutes=10)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Alarm:
    """Calls an action once the clock has passed a moment, which may be put off at no cost."""

    def __init__(self, hass: HomeAssistant, action: Callable[[], None]) -> None:
        """Wait for nothing yet."""
        self._hass = hass
        self._action = action
        self._moment = _NEVER
        self._looks_at = _NEVER
        self._cancel: CALLBACK_TYPE | None = None

    @callback
    def async_set(self, moment: datetime | None) -> None:
        """Wait for this moment instead; None: for nothing."""
        self._moment = moment or _NEVER
        if moment is None:
            self._async_stop()
        elif self._cancel is None or moment < self._looks_at:
            self._async_wait()
        # Who looks too early waits on: a moment that is put off needs no other timer.

    @callback
    def _async_wait(self) -> None:
        self._async_stop()
        self._looks_at = min(self._moment, dt_util.utcnow() + _LOOK_EVERY)
        self._cancel = async_track_point_in_utc_time(self._hass, self._async_look, self._looks_at)

    @callback
    def _async_stop(self) -> None:
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _async_look(self, _: datetime) -> None:
        self._cancel = None
        if dt_util.utcnow() < self._moment:
            self._async_wait()
        else:
            self._action()
