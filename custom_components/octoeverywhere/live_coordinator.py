"""One printer that can be asked: how often it is, what it is told to do, and what of it nobody told."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
import math
import random
from typing import Any, Final, override

from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LIGHT, LIVE_KEYS, LOGGER
from .coordinator import TICK, PrinterAccount, PrinterCoordinator
from .door import RefusedError
from .job import Printer, Status, Step
from .live import MAX_LIGHTS, UNTOLD_AFTER, Live, read_live, untold
from .payload import Source
from .plugin_api import Command, Credentials, PluginApi, PluginApiError, Problem
from .view import View, view
from .words import as_text

# Seconds from one look at the printer to the next, by what it does.
_PACE: Final = {Status.PREPARING: 15, Status.PRINTING: 15, Status.PAUSED: 30}
_PACE_IDLE: Final = 60
# As long as something may have to be told.
_PACE_UNTOLD: Final = 30
# But after a command, no look follows another sooner.
_SHORTEST: Final = 12
# At once.
_SOON: Final = 0.1
# Home Assistant's timers may be so early.
_EARLY: Final = 1
# The printers are looked at one after the other, and not all at once after a failure of OctoEverywhere.
_FIRST_LOOK: Final = (1, 6)
_JITTER: Final = (0.93, 1)
# The printer is switched off, or the computer next to it: each look would wake the plugin, which searches for the printer.
_OFF: Final = {
    Problem.PLUGIN_OFFLINE: 120,
    Problem.PRINTER_OFF: 120,
    Problem.TOO_MANY_CLIENTS: 120,
    Problem.PRINTER_REFUSES: 600,
}
# The owner has to put it right; only the first may come right by itself.
_REFUSED: Final = {
    Problem.NEEDS_SUPPORTER: 3600,
    Problem.NOT_FOUND: math.inf,
    Problem.REVOKED: math.inf,
    Problem.WRONG_CREDENTIALS: math.inf,
}
# Everything else passes by itself: what was said last is believed for one failure.
_FAILED: Final = (15, 60, 120, 240, 480, 600)
_FAILURES: Final = 2
# Seconds after a command until it is looked whether it was done.
_CONFIRMED_AFTER: Final = (1, 3, 10)
# What an owner is told of a command that was not done. Everything else does not say whether it was.
NOT_DONE: Final = {
    Problem.REFUSED: "refused",
    Problem.NOT_SUPPORTED: "not_supported",
    Problem.PRINTER_OFF: "printer_off",
    Problem.TOO_MANY_CLIENTS: "printer_off",
    Problem.PRINTER_REFUSES: "printer_off",
    Problem.PLUGIN_OFFLINE: "plugin_offline",
    Problem.WRONG_STATE: "not_printing",
    **dict.fromkeys(_REFUSED, "connection_ended"),
    **dict.fromkeys((Problem.PLUGIN_TOO_OLD, Problem.BETA_ONLY), "refused"),
}


class LiveCoordinator(PrinterCoordinator):
    """One printer with a live connection."""

    live: Live | None = None
    """What it says of itself, as long as that is believed."""
    problem: Problem | None = None
    """Why the last look failed; None if it did not, or if there was none."""
    _failures = 0
    """How many looks in a row have failed."""
    _has_answered = False
    _is_overtaken = False
    """True if a notification has told of another status since the last look."""
    _untold: tuple[str, datetime] | None = None
    """What may have to be told of which print, and since when."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        printer_id: str,
        printer: Printer,
        account: PrinterAccount,
        connection: ConfigSubentry,
    ) -> None:
        """Start from what is known of the printer, and from the entities that it had."""
        self._connection = connection
        self.api = PluginApi(account.session, Credentials.from_data(connection.data))
        super().__init__(hass, entry, printer_id, printer, account)
        self.live_keys = LIVE_KEYS | self.async_live_entities().keys()
        self._looked_at = -math.inf
        self._look_at = -math.inf
        self.update_interval = timedelta(seconds=random.uniform(*_FIRST_LOOK))  # noqa: S311 - no secret
        self._confirmations: list[CALLBACK_TYPE] = []

    @property
    def is_connected(self) -> bool | None:
        """True if OctoEverywhere reaches the printer, None where nobody knows."""
        if self.problem in _OFF:
            return False
        return None if self._is_lost or not self._has_answered else True

    @property
    def _is_lost(self) -> bool:
        """True if nothing is known any more of what the printer does."""
        return self.problem in (*_OFF, *_REFUSED) or self._failures >= _FAILURES

    @override
    def _view(self) -> View:
        return view(
            self.printer, dt_util.utcnow(), self.live, is_connected=self.is_connected, is_overtaken=self._is_overtaken
        )

    # Looking at the printer.

    @override
    async def _async_update_data(self) -> View:
        """Ask the printer, and return what can be said now."""
        if self.hass.loop.time() >= self._look_at:
            await self._async_look()
        self._plan()
        return await super()._async_update_data()

    async def _async_look(self) -> None:
        """Ask the printer what it does, and see to it that what nobody told is told."""
        self._looked_at = self.hass.loop.time()
        try:
            result = await self.api.async_status()
        except PluginApiError as err:
            if self._shutdown_requested:
                return
            self._note(err.problem)
            failed = _FAILED[min(self._failures, len(_FAILED)) - 1]
            self._look_again_in({**_OFF, **_REFUSED}.get(err.problem, failed))
            return
        if self._shutdown_requested:  # there is another one by now, or none
            return
        self._note(None)
        now = dt_util.utcnow()
        live = read_live(result, now)
        if live is None:
            self.live = self._untold = None
            self._look_again_in(_PACE_UNTOLD)
            return
        self.live, self._is_overtaken = live.after(self.live), False
        self._look_again_in(_PACE.get(live.status, _PACE_IDLE))
        await self._async_find_keys(self.live)
        await self._async_tell(self.live, now)

    def _note(self, problem: Problem | None) -> None:
        """Take over whether the printer could be asked: a change is logged, once, and told to an owner who can help."""
        was_lost, before = self._is_lost, self.problem
        self._has_answered |= problem is None
        self.problem, self._failures = problem, 0 if problem is None else self._failures + 1
        if self._is_lost:
            self.live = self._untold = None
        if self._is_lost is not was_lost:
            name = self.data.name or self.name  # an id may have line breaks in it
            LOGGER.info("%s %s", name, f"cannot be reached: {problem}" if self._is_lost else "can be reached again")
        if problem is not before and (problem in _REFUSED or before in _REFUSED):
            issue = problem if problem in _REFUSED else None
            self._account.issues.async_set_live(self._connection.subentry_id, as_text(self._connection.title), issue)

    def _look_again_in(self, seconds: float) -> None:
        """Have the printer looked at again."""
        self._look_at = self.hass.loop.time() + seconds * random.uniform(*_JITTER) - _EARLY  # noqa: S311
        self._plan()

    def _plan(self) -> None:
        """Wake up for the next look at the printer. What can be said changes with the clock as well, so not only then."""
        seconds = max(self._look_at + _EARLY - self.hass.loop.time(), _SOON)
        self.update_interval = timedelta(seconds=min(seconds, TICK.total_seconds()))

    @callback
    @override
    def async_show(self, step: Step) -> None:
        """Take over what is known, and look at the printer: something has just happened there."""
        status, told = step.printer.job.status, step.announcement
        is_told = told is not None and told.data["source"] == Source.NOTIFICATION
        if is_told and self.live is not None and status not in (self.printer.job.status, self.live.status):
            self._is_overtaken = True
        super().async_show(step)
        seconds = max(_SOON, self._looked_at + _SHORTEST - self.hass.loop.time())
        # Never later: whoever sends one notification after the other would put off the look on and on.
        if self.hass.loop.time() + seconds < self._look_at < math.inf:
            self._look_again_in(seconds)
            self._schedule_refresh()

    async def _async_find_keys(self, live: Live) -> None:
        """Have entities made for what the printer turns out to have."""
        found = live.keys
        lights = {key for key in found | self.live_keys if key.startswith(LIGHT)}
        if len(lights) > MAX_LIGHTS:
            found -= lights  # their names change with every answer
        if not found <= self.live_keys:
            self.live_keys |= found
            await self._account.async_add_entities(self)

    async def _async_tell(self, live: Live, now: datetime) -> None:
        """Tell what the printer has been doing for a minute without a notification that told it."""
        told, since = self._untold or (None, now)
        notification = untold(self.printer_id, self.printer, live, since)
        if notification is None:
            self._untold = None
            return
        if notification.told != told:
            since = now
        self._untold = (notification.told, since)
        if now - since < UNTOLD_AFTER:
            self._look_again_in(min(_PACE.get(live.status, _PACE_IDLE), _PACE_UNTOLD))
            return
        self._untold = None
        with suppress(RefusedError):  # flooded: what is still untold then is told after the next look
            await self._account.async_receive(notification)

    # Telling it what to do.

    async def async_command(self, command: Command, body: Mapping[str, Any]) -> None:
        """Have the printer do something. Raises HomeAssistantError where it does not, or where nobody knows."""
        try:
            await self.api.async_command(command, body)
        except PluginApiError as err:
            why = NOT_DONE.get(err.problem, "outcome_unknown")
            if command is Command.RESUME and err.problem is Problem.WRONG_STATE:
                why = "not_paused"
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key=why) from None
        finally:
            # What has come of it is seen soon, and again when the printer has had time for it.
            self._async_cancel_confirmations()
            self._confirmations = [
                async_call_later(self.hass, seconds, self._async_confirmed) for seconds in _CONFIRMED_AFTER
            ]

    async def _async_confirmed(self, _: datetime) -> None:
        self._look_at = -math.inf
        await self.async_refresh()

    @callback
    def _async_cancel_confirmations(self) -> None:
        for cancel in self._confirmations:
            cancel()

    @override
    async def async_shutdown(self) -> None:
        """Look no more."""
        self._async_cancel_confirmations()
        await super().async_shutdown()
