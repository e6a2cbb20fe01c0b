"""What the notifications of one printer mean together: one pure function, (state, notification, now) -> state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
import math
from typing import Any, Final, Self

from .json_fields import as_json, from_json, has_type, link, moment
from .payload import RETRIED_FOR, Notification, NotificationType

# Enough for every retry of the plugin, however short the prints.
_REMEMBERED_PRINTS: Final = 32
# Estimates wander by seconds from one notification to the next; less than this is the same moment.
_SAME_MOMENT: Final = timedelta(minutes=1)
# Further back than any pause makes it, the start of a print is that of a clock that had not been set yet.
_LONGEST_PAUSE: Final = timedelta(days=30)
# A printing print without a word for so long after its estimated finish is no longer believed to print.
_SILENT_AFTER_FINISH: Final = timedelta(hours=1)
_SILENT_WITHOUT_FINISH: Final = timedelta(hours=24)


class Status(StrEnum):
    """What the printer does."""

    PRINTING = "printing"
    PAUSED = "paused"
    COMPLETE = "complete"
    FAILED = "failed"
    ERROR = "error"


class Attention(StrEnum):
    """Why somebody should look after the printer."""

    NONE = "none"
    FAILURE_SUSPECTED = "failure_suspected"
    PAUSED_BY_GADGET = "paused_by_gadget"
    ERROR = "error"
    FILAMENT_CHANGE = "filament_change"
    USER_INTERACTION = "user_interaction"


_STATUS: Final = {
    NotificationType.PRINT_STARTED: Status.PRINTING,
    NotificationType.PRINT_RESUMED: Status.PRINTING,
    NotificationType.PRINT_PROGRESS: Status.PRINTING,
    NotificationType.FIRST_LAYER_COMPLETE: Status.PRINTING,
    NotificationType.THIRD_LAYER_COMPLETE: Status.PRINTING,
    NotificationType.PRINT_PAUSED: Status.PAUSED,
    NotificationType.GADGET_PAUSED: Status.PAUSED,
    NotificationType.PRINT_COMPLETE: Status.COMPLETE,
    NotificationType.PRINT_FAILED: Status.FAILED,
    NotificationType.ERROR: Status.ERROR,
}
_ATTENTION: Final = {
    NotificationType.GADGET_WARNING: Attention.FAILURE_SUSPECTED,
    NotificationType.GADGET_PAUSED: Attention.PAUSED_BY_GADGET,
    NotificationType.ERROR: Attention.ERROR,
    NotificationType.FILAMENT_CHANGE_REQUIRED: Attention.FILAMENT_CHANGE,
    NotificationType.USER_INTERACTION_REQUIRED: Attention.USER_INTERACTION,
    NotificationType.PRINT_STARTED: Attention.NONE,
    NotificationType.PRINT_RESUMED: Attention.NONE,
    NotificationType.PRINT_PROGRESS: Attention.NONE,
    NotificationType.FIRST_LAYER_COMPLETE: Attention.NONE,
    NotificationType.THIRD_LAYER_COMPLETE: Attention.NONE,
    NotificationType.PRINT_COMPLETE: Attention.NONE,
    NotificationType.PRINT_FAILED: Attention.NONE,
}
_ENDINGS: Final = (NotificationType.PRINT_COMPLETE, NotificationType.PRINT_FAILED)
# What an idle printer may say, whose plugin goes on to name its last print and to count its seconds.
_OF_AN_IDLE_PRINTER: Final = (
    NotificationType.ERROR,
    NotificationType.FILAMENT_CHANGE_REQUIRED,
    NotificationType.USER_INTERACTION_REQUIRED,
)
# What arrives takes its time, and seconds are whole ones.
_ON_THE_WAY: Final = timedelta(seconds=10)
# The printer's own clock and the plugin's begin to count a print at moments that differ by so much at most.
_SAME_COUNT: Final = timedelta(minutes=1)
# About the account or the connection, not about the printer.
_NOT_ABOUT_A_PRINTER: Final = (
    NotificationType.TEST,
    NotificationType.NOTIFICATION_LIMIT,
)
_MEASUREMENTS: Final = (
    "file_name",
    "duration",
    "progress",
    "time_remaining",
    "z_offset",
    "current_layer",
    "total_layers",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterState:
    """What is known of a printer and of its newest print. None: unknown."""

    name: str | None = None
    quick_view_url: str | None = None
    superseded: tuple[str, ...] = ()
    """The ids of earlier prints, the newest last."""

    # From here on about the newest print.
    print_id: str | None = None
    elapsed_before: int = 0
    """Seconds that OctoEverywhere had counted already when the print began: those of the same file before, under the same id."""
    ended: bool = False
    status: Status | None = None
    attention: Attention = Attention.NONE
    error_message: str | None = None
    error_code: str | None = None
    file_name: str | None = None
    duration: int | None = None
    """Seconds."""
    progress: int | None = None
    """Percent."""
    time_remaining: int | None = None
    """Seconds."""
    z_offset: float | None = None
    """Millimetres."""
    current_layer: int | None = None
    total_layers: int | None = None
    started_at: datetime | None = None
    finish_at: datetime | None = None
    """The estimate, or the moment the print ended."""
    estimated_at: datetime | None = None
    """When that estimate was made, or held again because the print went on."""
    least_remaining: int | None = None
    """Seconds: how close the finish had come by the estimates before that one."""
    snapshot_url: str | None = None
    snapshot_at: datetime | None = None
    """When that link arrived."""
    fingerprint: str | None = None
    """Of the newest notification that counted."""
    heard_at: datetime | None = field(default=None, compare=False)
    """When the newest notification that counted arrived."""

    @property
    def elapsed(self) -> int | None:
        """How long the print has been going on, as OctoEverywhere counts it; seconds."""
        return None if self.duration is None else self.elapsed_before + self.duration

    @property
    def needs_attention(self) -> bool:
        """Whether somebody should look after the printer."""
        return self.attention is not Attention.NONE

    def as_dict(self) -> dict[str, Any]:
        """Return what from_dict reads."""
        return as_json(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what as_dict wrote. Raises KeyError, TypeError or ValueError where it did not."""
        return from_json(cls, _FROM_JSON, data)


_FROM_JSON: Final[Mapping[str, Callable[[Any], Any]]] = {
    "name": has_type(str),
    "quick_view_url": link,
    "superseded": lambda ids: tuple(map(has_type(str), has_type(list)(ids))),
    "print_id": has_type(str),
    "elapsed_before": has_type(int),
    "ended": has_type(bool),
    "status": Status,
    "attention": Attention,
    "error_message": has_type(str),
    "error_code": has_type(str),
    "file_name": has_type(str),
    "duration": has_type(int),
    "progress": has_type(int),
    "time_remaining": has_type(int),
    "z_offset": has_type(int, float),
    "current_layer": has_type(int),
    "total_layers": has_type(int),
    "started_at": moment,
    "finish_at": moment,
    "estimated_at": moment,
    "least_remaining": has_type(int),
    "snapshot_url": link,
    "snapshot_at": moment,
    "fingerprint": has_type(str),
    "heard_at": moment,
}


def reduce(state: PrinterState, notification: Notification, now: datetime) -> PrinterState:
    """Return what is known once the notification has arrived."""
    if not is_about_a_printer(notification):
        return state
    if is_late(state, notification, now):
        return _superseding(state, notification)
    slate = _slate(state, notification, now)
    notification = as_counted(slate, notification)
    return replace(
        slate,
        name=notification.printer_name or state.name,
        quick_view_url=notification.quick_view_url or state.quick_view_url,
        status=_STATUS.get(notification.type, slate.status),
        fingerprint=notification.fingerprint,
        heard_at=now,
        **_snapshot(slate, notification, now),
        **_attention(notification),
        **_progress(slate, notification, now),
    )


def is_about_a_printer(notification: Notification) -> bool:
    """Tell whether the notification says anything about its printer."""
    return notification.type not in _NOT_ABOUT_A_PRINTER


def is_late(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether something newer than the notification is known already."""
    if notification.print_id is None:
        return False
    if notification.print_id != state.print_id:
        return notification.print_id in state.superseded or _began_before(state, notification, now)
    if is_printed_again(state, notification, now):
        return False
    if state.ended:
        is_news = notification.type in _OF_AN_IDLE_PRINTER and _has_gone_on(state, notification, now)
        return notification.type is not NotificationType.BED_COOLDOWN_COMPLETE and not is_news
    if _is_less(notification.duration, state.elapsed_before) and not _begins_to_count_anew(state, notification, now):
        return True
    return notification.type not in _ENDINGS and _says_less(state, as_counted(state, notification))


def is_printed_again(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether the same file is printed once more: some plugins, Klipper's among them, go on with its id and its seconds."""
    if notification.print_id is None or notification.print_id != state.print_id:
        return False
    # Where its start was not heard, it can be told from what was sent before the end, and again and again since.
    goes_on = _STATUS.get(notification.type) is Status.PRINTING and state.ended
    is_new = goes_on and state.finish_at is not None and now - state.finish_at > RETRIED_FOR
    return (is_new or notification.type is NotificationType.PRINT_STARTED) and _has_gone_on(state, notification, now)


def _has_gone_on(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether the seconds have gone on, as they do after the end of a print until there is another, no faster than the clock."""
    if notification.duration is None or state.elapsed is None or notification.duration <= state.elapsed:
        return False
    # Either of these may have arrived late.
    known_at = state.finish_at if state.ended else state.heard_at
    return _fits(notification.duration - state.elapsed, known_at, now) or _fits(
        notification.duration - state.elapsed_before, state.started_at, now
    )


def _fits(seconds: int, since: datetime | None, now: datetime) -> bool:
    """Tell whether so many seconds can have passed since a moment."""
    return since is not None and timedelta(seconds=seconds) <= now - since + _ON_THE_WAY


def _began_before(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether the end of a print that nobody has heard of is that of one before the print under way."""
    is_end = notification.type in (*_ENDINGS, NotificationType.BED_COOLDOWN_COMPLETE)
    is_under_way = state.status in (Status.PRINTING, Status.PAUSED) and not is_silent(state, now)
    if not is_end or not is_under_way or state.started_at is None or notification.duration is None:
        return False
    return now - timedelta(seconds=notification.duration) < state.started_at <= now


def _says_less(state: PrinterState, notification: Notification) -> bool:
    """Tell whether the notification is of an earlier moment of the print."""
    is_further = notification.progress is not None and (
        state.progress is None or notification.progress > state.progress
    )
    return _is_less(notification.duration, state.duration) and not is_further


def _begins_to_count_anew(state: PrinterState, notification: Notification, now: datetime) -> bool:
    """Tell whether the seconds are those of this print alone: some plugins are told how long a canceled print took."""
    if (
        notification.type is not NotificationType.PRINT_FAILED
        or notification.duration is None
        or state.started_at is None
    ):
        return False
    gone = now - state.started_at - timedelta(seconds=notification.duration)
    return state.elapsed_before > 0 and abs(gone) < _SAME_COUNT


def as_counted(state: PrinterState, notification: Notification) -> Notification:
    """Return a notification of the newest print with the seconds of that print, where OctoEverywhere counts others as well."""
    before, duration = state.elapsed_before, notification.duration
    if not before or duration is None or duration < before or notification.print_id not in (None, state.print_id):
        return notification
    # How far it is then is worked out of those seconds as well.
    is_start = notification.type is NotificationType.PRINT_STARTED and duration == before
    return replace(notification, duration=duration - before, progress=0 if is_start else notification.progress)


def as_shown(state: PrinterState, now: datetime) -> PrinterState:
    """Return what can be said of a printer now: of a silent print neither that it prints nor how far it is."""
    if not is_silent(state, now):
        return state
    return replace(state, status=None, progress=None, time_remaining=None)


def is_silent(state: PrinterState, now: datetime) -> bool:
    """Tell whether a print that should be going on has not been heard of for too long."""
    silent_at = silent_from(state)
    return silent_at is not None and silent_at <= now


def silent_from(state: PrinterState) -> datetime | None:
    """When a print that goes on is no longer believed to, should nothing more be heard of it."""
    if state.status is not Status.PRINTING or state.heard_at is None:
        return None
    if state.finish_at is None:
        return state.heard_at + _SILENT_WITHOUT_FINISH
    return max(state.finish_at, state.heard_at) + _SILENT_AFTER_FINISH


def _slate(state: PrinterState, notification: Notification, now: datetime) -> PrinterState:
    """Return what the notification adds to: a clean slate where it brings a new print."""
    if is_printed_again(state, notification, now):
        elapsed = notification.duration or 0
        return PrinterState(superseded=state.superseded, print_id=state.print_id, elapsed_before=elapsed)
    if notification.print_id == state.print_id is not None:
        return replace(state, elapsed_before=0) if _begins_to_count_anew(state, notification, now) else state
    if notification.print_id is None:
        # Of a printer that never names its prints, nothing else tells the next one.
        goes_on = _STATUS.get(notification.type) is Status.PRINTING
        ends = notification.type in _ENDINGS and notification.fingerprint != state.fingerprint
        return PrinterState() if state.print_id is None and state.ended and (goes_on or ends) else state
    earlier = state.superseded if state.print_id is None else _with(state.superseded, state.print_id)
    return PrinterState(superseded=earlier, print_id=notification.print_id)


def _superseding(state: PrinterState, late: Notification) -> PrinterState:
    """Return the state, which knows the print of what came too late."""
    if late.print_id is None or late.print_id in (state.print_id, *state.superseded):
        return state
    return replace(state, superseded=_with(state.superseded, late.print_id))


def _with(superseded: tuple[str, ...], print_id: str) -> tuple[str, ...]:
    """Return the ids of earlier prints with one more."""
    return (*superseded, print_id)[-_REMEMBERED_PRINTS:]


def _snapshot(slate: PrinterState, notification: Notification, now: datetime) -> dict[str, Any]:
    """Return what the notification changes of the picture."""
    if notification.snapshot_url in (None, slate.snapshot_url):
        return {}
    return {"snapshot_url": notification.snapshot_url, "snapshot_at": now}


def _attention(notification: Notification) -> dict[str, Any]:
    """Return what the notification changes of the attention that the printer wants."""
    if (attention := _ATTENTION.get(notification.type)) is None:
        return {}
    return {
        "attention": attention,
        "error_message": notification.error,
        "error_code": notification.error_code,
    }


def _progress(slate: PrinterState, notification: Notification, now: datetime) -> dict[str, Any]:
    """Return what the notification changes of how far the print is."""
    goes_on = _STATUS.get(notification.type) is Status.PRINTING
    ends = notification.type in _ENDINGS
    if slate.ended and not goes_on and not ends:
        return {}
    if notification.print_id is None and slate.print_id is not None and not ends and _says_less(slate, notification):
        # It is about the printer. Where the plugin does not know the print, it says zero for all that it does not know.
        return {}
    changes: dict[str, Any] = {
        name: value
        for name in _MEASUREMENTS
        if (value := getattr(notification, name)) is not None or name in notification.unknown
    }
    changes["started_at"] = _started_at(slate, notification, now)
    changes |= _estimate(slate, notification, now)
    if ends:
        changes |= _outcome(slate, notification)
    return changes


def _outcome(slate: PrinterState, notification: Notification) -> dict[str, Any]:
    """Return what is known of a print because it has ended."""
    if notification.type is NotificationType.PRINT_COMPLETE:
        return {"ended": True, "progress": 100, "time_remaining": 0}
    # A cancelled print may report that it is back at 0 %: it stays where it was.
    reached = [progress for progress in (slate.progress, notification.progress) if progress is not None]
    return {
        "ended": True,
        "progress": max(reached, default=None),
        "time_remaining": None,
    }


def _started_at(slate: PrinterState, notification: Notification, now: datetime) -> datetime | None:
    """Return when the print started; what is known of it once does not change, unless the clock was far behind."""
    known, duration = slate.started_at, notification.duration
    if duration is None and notification.type is NotificationType.PRINT_STARTED and known is None:
        duration = 0
    if duration is None:
        return known
    started_at = now.replace(microsecond=0) - timedelta(seconds=duration)
    return started_at if known is None or started_at - known > _LONGEST_PAUSE else known


def _finish_at(slate: PrinterState, notification: Notification, now: datetime) -> datetime | None:
    """Return when the print will be over, or was."""
    known = slate.finish_at
    if slate.ended and slate.print_id is not None:
        return known  # the moment at which that print ended
    sent_twice = notification.fingerprint == slate.fingerprint
    if notification.type in _ENDINGS:
        return known if sent_twice else now.replace(microsecond=0)
    if "time_remaining" in notification.unknown:
        return None
    estimate = notification.finish(now)
    if estimate is None or known is None:
        return estimate or known
    if sent_twice and not is_silent(slate, now):
        return known
    return known if abs(estimate - known) < _SAME_MOMENT else estimate


def _estimate(slate: PrinterState, notification: Notification, now: datetime) -> dict[str, Any]:
    """Return what the notification changes of when the print will be over."""
    finish_at = _finish_at(slate, notification, now)
    is_another = finish_at != slate.finish_at
    goes_on = _STATUS.get(notification.type, slate.status) is Status.PRINTING
    changes: dict[str, Any] = {"finish_at": finish_at}
    if is_another or (goes_on and slate.status is not Status.PRINTING):
        changes["estimated_at"] = finish_at and now
    if is_another or not goes_on:
        changes["least_remaining"] = _least_remaining(slate, now)
    return changes


def _least_remaining(slate: PrinterState, now: datetime) -> int | None:
    """Return the least time that was left until now; while a print is paused, nothing passes of it."""
    if slate.status is not Status.PRINTING or slate.finish_at is None or slate.estimated_at is None:
        return slate.least_remaining
    # What nobody saw did not count: automations look at each full minute, and where there is a new estimate.
    looked_at = max(slate.estimated_at, now.replace(second=0, microsecond=0))
    is_left = math.ceil((slate.finish_at - looked_at).total_seconds())
    return is_left if slate.least_remaining is None else min(is_left, slate.least_remaining)


def _is_less(one: int | None, other: int | None) -> bool:
    """Compare two numbers; nothing follows from an unknown one."""
    return one is not None and other is not None and one < other
