"""What became of the prints of one printer: one pure function, (history, state, notification, now) -> history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, Self

from homeassistant.const import MAX_LENGTH_STATE_STATE

from .json_fields import as_json, from_json, has_type, link, moment
from .payload import Notification, NotificationType
from .state import PrinterState, is_about_a_printer, is_late, is_printed_again, is_silent, reduce, silent_from

MAX_PRINTS: Final = 500
"""How many prints of a printer are remembered."""

# How long a print is shown to go on of whose end nothing is known, until something is.
_UNKNOWN_REST: Final = timedelta(hours=1)


class Outcome(StrEnum):
    """How a print ended."""

    COMPLETE = "complete"
    FAILED = "failed"
    SILENT = "silent"
    """Nothing more was heard of it."""
    UNDER_WAY = "under_way"
    """It has not ended; never stored."""


_OUTCOMES: Final = {
    NotificationType.PRINT_COMPLETE: Outcome.COMPLETE,
    NotificationType.PRINT_FAILED: Outcome.FAILED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One print. None: unknown."""

    print_id: str
    outcome: Outcome
    started_at: datetime
    ended_at: datetime
    """For a print under way the estimate."""
    file_name: str | None = None
    duration: int | None = None
    """Seconds."""
    current_layer: int | None = None
    total_layers: int | None = None
    error: str | None = None
    quick_view_url: str | None = None
    snapshot_url: str | None = None
    """The last picture; the link lives a week."""

    def as_dict(self) -> dict[str, Any]:
        """Return what from_dict reads."""
        return as_json(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what as_dict wrote. Raises KeyError, TypeError or ValueError where it did not."""
        return from_json(cls, _FROM_JSON, data)


_FROM_JSON: Final[Mapping[str, Callable[[Any], Any]]] = {
    "print_id": has_type(str),
    "outcome": Outcome,
    "started_at": moment,
    "ended_at": moment,
    "file_name": has_type(str),
    "duration": has_type(int),
    "current_layer": has_type(int),
    "total_layers": has_type(int),
    "error": has_type(str),
    "quick_view_url": link,
    "snapshot_url": link,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a printer has done in all, also by prints that are no longer remembered."""

    completed: int = 0
    failed: int = 0
    seconds: int = 0
    """Of all prints that were complete or failed."""

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what dataclasses.asdict wrote. Raises KeyError or TypeError where it did not."""
        return cls(**{entry.name: has_type(int)(data[entry.name]) for entry in fields(cls)})


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The prints of a printer, the oldest first, and what they add up to."""

    prints: tuple[Print, ...] = ()
    totals: Totals = field(default_factory=Totals)

    def find(self, print_id: str, since: datetime | None = None) -> Print | None:
        """Return the newest print with an id, unless it had ended by then."""
        known = next((known for known in reversed(self.prints) if known.print_id == print_id), None)
        return None if known is not None and since is not None and known.ended_at < since else known

    def add(self, print_: Print, instead_of: Print | None = None) -> Self:
        """Remember a print, instead of what was known of it."""
        others = (known for known in self.prints if known is not instead_of)
        return replace(self, prints=(*others, print_)[-MAX_PRINTS:])


def may_change(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether a notification, in this state, may change the history: few do."""
    return notification.type in _OUTCOMES or _is_superseded(state, notification, now)


def remember(history: History, state: PrinterState, notification: Notification, now: datetime) -> History:
    """Return what is remembered once the notification has arrived; the state is that before it."""
    if (
        _is_superseded(state, notification, now)
        and state.print_id
        and not history.find(state.print_id, state.started_at)
    ):
        history = history.add(_of_state(state, state.print_id, Outcome.SILENT, state.heard_at or now))
    print_id = notification.print_id or state.print_id
    if notification.type not in _OUTCOMES or print_id is None:
        return history
    # What is late is about an earlier print, also of the same id.
    is_of_now = print_id == state.print_id and not is_late(state, notification, now)
    known = history.find(print_id, state.started_at if is_of_now else None)
    if known is not None and known.outcome is not Outcome.SILENT:
        return history
    if known is None or is_of_now:
        # Of a print that nobody has heard of before, this is what its only notification says.
        after = reduce(state if is_of_now else PrinterState(), notification, now)
        print_ = _of_state(after, print_id, _OUTCOMES[notification.type], after.finish_at or now)
    else:
        print_ = _ended(known, notification, now)
    return replace(history.add(print_, instead_of=known), totals=_added(history.totals, print_))


def unfinished(state: PrinterState, now: datetime) -> Print | None:
    """Return the print that the history does not have yet, because nothing said that it has ended."""
    if state.print_id is None or not _goes_on(state):
        return None
    if is_silent(state, now):
        return _of_state(state, state.print_id, Outcome.SILENT, state.heard_at or now)
    return _of_state(state, state.print_id, Outcome.UNDER_WAY, _expected_end(state, now))


def _is_superseded(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether a notification brings a new print although nothing said that the one before has ended."""
    return (
        state.print_id is not None
        and _goes_on(state)
        and is_about_a_printer(notification)
        and (
            is_printed_again(state, notification, now)
            or (notification.print_id not in (None, state.print_id) and not is_late(state, notification, now))
        )
    )


def _goes_on(state: PrinterState) -> bool:
    """Tell whether the newest print has not ended yet, as far as anybody knows: of one, only that its bed has cooled may be known."""
    return not state.ended and (state.status is not None or state.needs_attention)


def _ended(known: Print, notification: Notification, now: datetime) -> Print:
    """Return a silent print of which was said only now that it has ended."""
    duration = known.duration if notification.duration is None else notification.duration
    ended_at = now if duration is None else min(now, known.started_at + timedelta(seconds=duration))
    return replace(
        known,
        outcome=_OUTCOMES[notification.type],
        ended_at=ended_at,
        file_name=known.file_name or _short(notification.file_name),
        duration=duration,
        error=_short(notification.error),
        snapshot_url=notification.snapshot_url or known.snapshot_url,
    )


def _of_state(state: PrinterState, print_id: str, outcome: Outcome, ended_at: datetime) -> Print:
    """Return a print as the printer's state knows it."""
    ended_at = ended_at.replace(microsecond=0)
    # Of a print that never said for how long it has been going on, the last that was heard.
    started_at = state.started_at or min(state.heard_at or ended_at, ended_at).replace(microsecond=0)
    return Print(
        print_id=print_id,
        outcome=outcome,
        started_at=started_at,
        ended_at=max(started_at, ended_at),
        file_name=_short(state.file_name),
        duration=state.duration,
        current_layer=state.current_layer,
        total_layers=state.total_layers,
        error=_short(state.error_message),
        quick_view_url=state.quick_view_url,
        snapshot_url=state.snapshot_url,
    )


def _short(text: str | None) -> str | None:
    """Return a text as long as a state may be: five hundred of them are kept together."""
    return text and text[:MAX_LENGTH_STATE_STATE]


def _expected_end(state: PrinterState, now: datetime) -> datetime:
    """Return until when a print goes on, as far as anybody knows."""
    if state.finish_at is not None and state.finish_at > now:
        return state.finish_at
    silent_at = silent_from(state)
    return now + _UNKNOWN_REST if silent_at is None else min(now + _UNKNOWN_REST, silent_at)


def _added(totals: Totals, print_: Print) -> Totals:
    """Return the totals with one print more."""
    return Totals(
        completed=totals.completed + (print_.outcome is Outcome.COMPLETE),
        failed=totals.failed + (print_.outcome is Outcome.FAILED),
        seconds=totals.seconds + (print_.duration or 0),
    )
