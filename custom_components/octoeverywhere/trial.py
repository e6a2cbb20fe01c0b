"""A set-up that waits for the proof that notifications arrive."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from .payload import Notification

# What a set-up keeps of what arrives; a whole account does not send as much in a few minutes.
_MAX_NOTIFICATIONS: Final = 100
# Long enough to log in at OctoEverywhere, find the page, paste two things and press the button.
_WAITS: Final = timedelta(minutes=5)


class Proof(Enum):
    """What came of waiting for a notification."""

    ARRIVED = auto()
    WRONG_KEY = auto()
    NOTHING = auto()


@dataclass(eq=False, kw_only=True)
class Trial:
    """A set-up that waits for the proof that notifications arrive."""

    webhook_id: str
    secret_key: str
    is_local: bool
    notifications: deque[Notification] = field(default_factory=partial(deque, maxlen=_MAX_NOTIFICATIONS))
    """What arrived while there was no entry to take it."""
    is_over: bool = False
    """Whether an entry is about to take over: it may fail to, so nothing is taken for it any more."""
    _seen: Proof = Proof.NOTHING
    _waiter: asyncio.Future[None] | None = None

    def is_like(self, other: Trial) -> bool:
        """Tell whether another trial would wait for the same."""
        return (self.webhook_id, self.secret_key, self.is_local) == (other.webhook_id, other.secret_key, other.is_local)

    @callback
    def notice(self, *, is_authentic: bool) -> None:
        """Take note of a POST; the proof stays one, whatever comes after it."""
        if self._seen is not Proof.ARRIVED:
            self._seen = Proof.ARRIVED if is_authentic else Proof.WRONG_KEY
        self._wake()

    @callback
    def _wake(self, _: datetime | None = None) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def async_wait(self, hass: HomeAssistant) -> Proof:
        """Return what has arrived since the last time, or what arrives within a few minutes."""
        if self._seen is Proof.NOTHING:
            self._waiter = hass.loop.create_future()
            cancel = async_call_later(hass, _WAITS, self._wake)
            try:
                await self._waiter
            finally:
                cancel()
        seen = self._seen
        if seen is not Proof.ARRIVED:
            self._seen = Proof.NOTHING
        return seen
