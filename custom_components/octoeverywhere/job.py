"""What the notifications of one printer mean together: `decide`, a pure function (printer, notification, now) -> step."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, StrEnum, auto
from typing import Any, Final

from homeassistant.const import MAX_LENGTH_STATE_STATE

from .history import MAX_PRINTS, Outcome, Print, Totals
from .payload import Notification, NotificationType as Type, Source

RETRIED_FOR: Final = timedelta(minutes=45)
"""Longer than a plugin goes on trying to send something, which is 38 minutes; shorter than until it repeats itself, an hour."""
SAME_MOMENT: Final = timedelta(minutes=1)
"""Estimates wander by seconds from one notification to the next; less than this is the same moment."""
# As many as a plugin may send within that time.
_REMEMBERED_NOTIFICATIONS: Final = 16
# Enough for everything that may still arrive of prints of a few minutes; each is written with every notification.
_REMEMBERED_PRINTS: Final = 10
# Further back than any pause makes it, the start of a print is that of a clock that had not been set yet.
_LONGEST_PAUSE: Final = timedelta(days=30)
# A printing print without a word for so long after its estimated finish is no longer believed to print. The plugin of an overdue
# print sends a word each hour.
_SILENT_AFTER_FINISH: Final = timedelta(minutes=90)
_SILENT_WITHOUT_FINISH: Final = timedelta(hours=24)
_IDLE_ATTENTION_LASTS: Final = timedelta(hours=1)
_DEAD_AFTER: Final = timedelta(days=1)
# Neighbours overtake each other by so much at most, since a picture is taken before each is sent.
_ON_THE_WAY: Final = timedelta(seconds=40)
# The printer's own clock and the plugin's begin to count a print at moments that differ by so much at most.
_SAME_COUNT: Final = timedelta(minutes=1)
# So much may the start of a print move where the plugin works it out anew.
_SAME_START: Final = timedelta(minutes=2)
# More than any clock is off by itself: it was set.
_CLOCK_WAS_SET: Final = timedelta(days=1)
# How long a print is shown to go on of whose end nothing is known, until something is.
_UNKNOWN_REST: Final = timedelta(hours=1)
# Seconds by which what OctoEverywhere's servers make, or what waits for a picture, may be overtaken.
_OVERTAKEN: Final = 30
# Seconds by which the time that remains may grow while a print goes on.
_WANDERS: Final = 60


class Status(StrEnum):
    """What the printer does. The first two are known of a printer that can be asked, and never of a print."""

    IDLE = "idle"
    PREPARING = "preparing"
    PRINTING = "printing"
    PAUSED = "paused"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
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
    Type.PRINT_STARTED: Status.PRINTING,
    Type.PRINT_RESUMED: Status.PRINTING,
    Type.PRINT_PROGRESS: Status.PRINTING,
    Type.FIRST_LAYER_COMPLETE: Status.PRINTING,
    Type.THIRD_LAYER_COMPLETE: Status.PRINTING,
    Type.PRINT_PAUSED: Status.PAUSED,
    Type.GADGET_PAUSED: Status.PAUSED,
    Type.PRINT_COMPLETE: Status.COMPLETE,
    Type.PRINT_FAILED: Status.FAILED,
    Type.ERROR: Status.ERROR,
}
_ATTENTION: Final = {
    Type.GADGET_WARNING: Attention.FAILURE_SUSPECTED,
    Type.GADGET_PAUSED: Attention.PAUSED_BY_GADGET,
    Type.ERROR: Attention.ERROR,
    Type.FILAMENT_CHANGE_REQUIRED: Attention.FILAMENT_CHANGE,
    Type.USER_INTERACTION_REQUIRED: Attention.USER_INTERACTION,
}
_ENDINGS: Final = (Type.PRINT_COMPLETE, Type.PRINT_FAILED)
_CLEARS_ATTENTION: Final = (
    Type.PRINT_STARTED,
    Type.PRINT_RESUMED,
    Type.FIRST_LAYER_COMPLETE,
    Type.THIRD_LAYER_COMPLETE,
    *_ENDINGS,
)
# What an idle printer may say, whose plugin goes on to name its last print and to count its seconds.
_OF_AN_IDLE_PRINTER: Final = (Type.ERROR, Type.FILAMENT_CHANGE_REQUIRED, Type.USER_INTERACTION_REQUIRED)
_MAY_BE_OVERTAKEN: Final = (
    Type.GADGET_WARNING,
    Type.GADGET_PAUSED,
    Type.FILAMENT_CHANGE_REQUIRED,
    Type.USER_INTERACTION_REQUIRED,
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


# What is known.


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The newest print of a printer. None: unknown."""

    print_id: str | None = None
    duration_offset: int = 0
    """Seconds to take off what the plugin counts: those of the same file before, or of a clock that was set in mid-print."""
    ended: bool = False
    status: Status | None = None
    attention: Attention = Attention.NONE
    attention_progress: int | None = None
    """How far the print was when the attention was set; percent."""
    attention_layer: int | None = None
    attention_until: datetime | None = None
    """When the attention ends by itself; None: never."""
    error_message: str | None = None
    error_code: str | None = None
    file_name: str | None = None
    duration: int | None = None
    """Seconds."""
    progress: int | None = None
    """Percent."""
    time_remaining: int | None = None
    """Seconds."""
    remaining_at: datetime | None = None
    """When that was said."""
    z_offset: float | None = None
    """Millimetres."""
    current_layer: int | None = None
    total_layers: int | None = None
    started_at: datetime | None = None
    finish_at: datetime | None = None
    """The estimate, or the moment the print ended."""
    stopped_at: datetime | None = None
    """When a print said error, as long as it goes no further."""
    snapshot_url: str | None = None
    snapshot_at: datetime | None = None
    """When that link arrived."""
    heard_at: datetime | None = None
    """When the newest notification that counted arrived."""
    soon: tuple[int, ...] = ()
    """How many seconds before its finish it was told that it finishes soon: once for each that somebody wants."""

    @property
    def is_open(self) -> bool:
        """True from the first word of a print until its end: of a print, only that it may be failing may be known."""
        is_wanting = self.print_id is not None and self.attention is not Attention.NONE
        return not self.ended and (self.status is not None or is_wanting)

    @property
    def counted(self) -> int | None:
        """The seconds that the plugin has counted; those of other prints may be among them."""
        return None if self.duration is None else self.duration_offset + self.duration

    def is_silent(self, now: datetime) -> bool:
        """Return True if a print that should be going on has not been heard of for too long."""
        if self.status is not Status.PRINTING or self.heard_at is None:
            return False
        if self.finish_at is None:
            return now - self.heard_at >= _SILENT_WITHOUT_FINISH
        return now - max(self.finish_at, self.heard_at) >= _SILENT_AFTER_FINISH


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A notification that counted, so that it can be told from one that says the same."""

    fingerprint: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A print that has ended, or was followed by another."""

    print_id: str
    is_settled: bool = False
    """True once its end was told: what is said of it from then on counts no more, and nothing else is kept of it."""
    started_at: datetime | None = None
    duration: int | None = None
    """Seconds."""
    totals: Totals = field(default_factory=Totals)
    """What it has added to the printer's totals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """A notification as it was announced."""

    at: datetime
    data: Mapping[str, Any]

    @property
    def type(self) -> str:
        """What it says."""
        return str(self.data.get("type", Type.UNKNOWN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Printer:
    """All that is kept of a printer, less the prints that are filed already."""

    name: str | None = None
    quick_view_url: str | None = None
    job: Job = field(default_factory=Job)
    earlier: tuple[Earlier, ...] = ()
    """Prints before the newest one, and that one as well once it has ended; the newest last."""
    recent: tuple[Heard, ...] = ()
    totals: Totals = field(default_factory=Totals)
    unfiled: tuple[Print, ...] = ()
    """Prints that have ended and may not be in the file of prints yet."""
    announcement: Announcement | None = None
    """The newest one."""

    def has_had(self, print_id: str | None) -> bool:
        """Return True if an earlier print had this id."""
        return any(earlier.print_id == print_id for earlier in self.earlier)


class Relation(Enum):
    """What a notification is about, beside what is known already."""

    SAME = auto()
    """The print under way."""
    NEXT = auto()
    """The next print."""
    AGAIN = auto()
    """The same file, printed once more under the same id."""
    EARLIER = auto()
    """Something older than what is known: a print before, or an earlier moment of this one."""
    PRINTER = auto()
    """The printer, or the account: no print."""
    REPEAT = auto()
    """Nothing new: it was sent twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What follows from a notification, or from time that has passed."""

    printer: Printer
    relation: Relation
    announcement: Announcement | None = None
    """None: nobody hears of it."""
    soon: tuple[int, ...] = ()
    """So many seconds before its finish a print is now, which is told now."""


# What it follows from.


def relation(printer: Printer, notification: Notification, now: datetime) -> Relation:
    """Return what a notification is about.

    Facts (OctoEverywhere's plugin): what is sent twice is the same to the second, and comes within 38 minutes. A print has an id from
    its start, and the seconds since then; both go on after the end, until the next print. Neighbours may overtake each other. The
    plugin of a Klipper printer takes a file that is printed again for the same print: id and seconds go on. PrusaLink and Elegoo's
    Centauri 2 tell of a start when a print goes on after an error. After a restart in mid-print, Klipper's plugin may give the print
    another id, with the same start or with seconds that begin anew.
    """
    job = printer.job
    if notification.source is Source.LIVE:
        return _relation_of_live(printer, notification, now)
    if not _is_new(printer, notification, now):
        return Relation.REPEAT
    if not notification.is_about_a_printer:
        return Relation.PRINTER
    if notification.print_id is None:
        return _relation_without_id(printer, notification)
    if notification.print_id != job.print_id:
        return _relation_of_another_id(printer, notification, now)
    if job.ended:
        return _relation_after_end(job, notification, now)
    if notification.type is Type.PRINT_STARTED and _is_at_its_start(job, notification, now):
        return Relation.AGAIN
    return Relation.EARLIER if _is_late(printer, notification, now) else Relation.SAME


def _is_new(printer: Printer, notification: Notification, now: datetime) -> bool:
    """Return True unless one of the newest notifications said the same. A print that has no seconds may say the same again."""
    is_timeless = notification.duration is None and notification.is_about_a_printer
    if notification.type is Type.TEST or is_timeless:
        return True
    said = (notification.fingerprint, notification.told)
    return all(heard.fingerprint not in said or now - heard.at > RETRIED_FOR for heard in printer.recent)


def _relation_of_live(printer: Printer, notification: Notification, now: datetime) -> Relation:
    """Return what is about that a printer does, and of which no notification had told when it was looked at."""
    job = printer.job
    if notification.print_id != job.print_id:
        if printer.has_had(notification.print_id):
            return Relation.REPEAT
        return _relation_of_another_id(printer, notification, now)
    if job.ended:
        is_again = _STATUS.get(notification.type) is Status.PRINTING
        return Relation.AGAIN if is_again else Relation.REPEAT
    if _status(job, notification) is job.status:
        return Relation.REPEAT
    return Relation.AGAIN if notification.type is Type.PRINT_STARTED else Relation.SAME


def _relation_without_id(printer: Printer, notification: Notification) -> Relation:
    """Return what a notification without a print's id is about: it starts no print, unless the printer never names any."""
    names_none = printer.job.print_id is None and not printer.earlier
    if names_none and notification.type is Type.PRINT_STARTED:
        return Relation.NEXT
    if printer.job.is_open:
        return Relation.SAME
    is_idle = notification.type in (*_OF_AN_IDLE_PRINTER, Type.BED_COOLDOWN_COMPLETE)
    return Relation.NEXT if names_none and not is_idle else Relation.PRINTER


def _relation_of_another_id(printer: Printer, notification: Notification, now: datetime) -> Relation:
    """Return what a notification with another id than that of the newest print is about."""
    if printer.has_had(notification.print_id) or _ended_before(printer.job, notification, now):
        return Relation.EARLIER
    return Relation.SAME if _goes_on_under(printer.job, notification, now) else Relation.NEXT


def _relation_after_end(job: Job, notification: Notification, now: datetime) -> Relation:
    """Return what a notification with the id of a print that has ended is about."""
    if notification.type is Type.BED_COOLDOWN_COMPLETE:
        return Relation.PRINTER
    if not _has_gone_on(job, notification, now):
        return Relation.EARLIER
    if notification.type in _OF_AN_IDLE_PRINTER:
        return Relation.PRINTER
    # Where its start was not heard, it can be told from what was sent before the end, again and again, only since that is over.
    is_after_retries = job.finish_at is not None and now - job.finish_at > RETRIED_FOR
    is_printing = _STATUS.get(notification.type) is Status.PRINTING
    is_again = notification.type is Type.PRINT_STARTED or (is_printing and is_after_retries)
    return Relation.AGAIN if is_again else Relation.EARLIER


def _is_at_its_start(job: Job, notification: Notification, now: datetime) -> bool:
    """Return True if a start in mid-print is that of the same file, printed once more."""
    if not _has_gone_on(job, notification, now):
        return False
    remaining, known = notification.time_remaining, job.time_remaining
    if remaining is not None and known is not None:
        # A start that says the end knows no estimate, unless the end is near.
        return remaining > known + _WANDERS or (remaining == 0 and known > _WANDERS)
    return notification.progress is None or job.progress is None or notification.progress < job.progress


def _is_late(printer: Printer, notification: Notification, now: datetime) -> bool:
    """Return True if a notification with the id of the print under way is of an earlier moment, or of the print before."""
    job, seconds = printer.job, notification.duration
    is_again = printer.has_had(job.print_id)
    if is_again and _is_less(seconds, job.duration_offset) and not _counts_anew(job, notification, now):
        return True
    if notification.type in _ENDINGS:
        return False
    if notification.type in _MAY_BE_OVERTAKEN and seconds is not None:
        seconds += _OVERTAKEN
    return _says_less(job, notification, seconds)


def _says_less(job: Job, notification: Notification, seconds: int | None) -> bool:
    """Return True if fewer seconds are counted than known, and the print is no further."""
    is_further = notification.progress is not None and (job.progress is None or notification.progress > job.progress)
    return _is_less(seconds, job.counted) and not is_further


def _has_gone_on(job: Job, notification: Notification, now: datetime) -> bool:
    """Return True if the seconds have gone on since, as they do until there is another print, no faster than the clock."""
    seconds, known = notification.duration, job.counted
    if seconds is None or known is None or seconds <= known:
        return False
    # Either of these may have arrived late.
    known_at = job.finish_at if job.ended else job.heard_at
    return _fits(seconds - known, known_at, now) or _fits(seconds - job.duration_offset, job.started_at, now)


def _fits(seconds: int, since: datetime | None, now: datetime) -> bool:
    """Return True if so many seconds can have passed since a moment."""
    return since is not None and timedelta(seconds=seconds) <= now - since + _ON_THE_WAY


def _ended_before(job: Job, notification: Notification, now: datetime) -> bool:
    """Return True if the end of a print that nobody has heard of is that of one before the print under way."""
    is_end = notification.type in (*_ENDINGS, Type.BED_COOLDOWN_COMPLETE)
    is_under_way = job.status in (Status.PRINTING, Status.PAUSED) and not job.is_silent(now)
    if not is_end or not is_under_way or job.started_at is None or notification.duration is None:
        return False
    return now - timedelta(seconds=notification.duration) < job.started_at <= now


def _goes_on_under(job: Job, notification: Notification, now: datetime) -> bool:
    """Return True if the print under way goes on under the id of a notification."""
    if notification.type is Type.PRINT_STARTED or notification.duration is None:
        return False
    started_at = now - timedelta(seconds=notification.duration)
    is_less = _is_less(notification.progress, job.progress)
    return not is_less and goes_on_under_another_id(job, notification.file_name, started_at, now)


def goes_on_under_another_id(job: Job, file_name: str | None, started_at: datetime, now: datetime) -> bool:
    """Return True if a print with another id is the one under way: its file, and a start that fits, or seconds that begin anew."""
    # After its restart, the plugin may know no file.
    if file_name not in (None, job.file_name) or not job.is_open or job.print_id is None or job.is_silent(now):
        return False
    if job.started_at is None or job.heard_at is None or now - job.heard_at > _SILENT_WITHOUT_FINISH:
        return False
    return started_at >= job.heard_at - _ON_THE_WAY or abs(started_at - job.started_at) <= _SAME_START


def _counts_anew(job: Job, notification: Notification, now: datetime) -> bool:
    """Return True if the seconds are those of this print alone: some plugins are told how long a cancelled print took."""
    if notification.type is not Type.PRINT_FAILED or notification.duration is None or job.started_at is None:
        return False
    return abs(now - job.started_at - timedelta(seconds=notification.duration)) < _SAME_COUNT


# What follows.


def decide(printer: Printer, notification: Notification, now: datetime) -> Step:
    """Return what follows from a notification."""
    relation_ = relation(printer, notification, now)
    if relation_ is Relation.REPEAT:
        return Step(printer=printer, relation=relation_)
    recent = _recent(printer, notification, now)
    if relation_ is Relation.EARLIER:
        printer = _with_late_end(printer, notification, now)
    elif relation_ is Relation.PRINTER:
        printer = _of_printer(printer, notification, now)
    else:
        printer, notification = _of_print(printer, notification, now, relation_)
    announcement = Announcement(at=now, data=notification.as_event_data(now))
    printer = replace(printer, announcement=announcement, recent=recent)
    return Step(printer=printer, relation=relation_, announcement=announcement)


def expire(printer: Printer, now: datetime) -> Step | None:
    """Return what follows from time that has passed, if anything does: a print that said error a day ago has failed."""
    stopped_at = printer.job.stopped_at
    if stopped_at is None or now - stopped_at < _DEAD_AFTER:
        return None
    return Step(printer=_dead(printer, stopped_at), relation=Relation.PRINTER)


def finish_soon(printer: Printer, due: Iterable[int]) -> Step | None:
    """Return what follows where the print of a printer has only so many seconds left: it is told once in each print."""
    soon = tuple(before for before in due if before not in printer.job.soon)
    if not soon or not printer.job.is_open:
        return None
    job = replace(printer.job, soon=(*printer.job.soon, *soon))
    return Step(printer=replace(printer, job=job), relation=Relation.PRINTER, soon=soon)


def unfinished(printer: Printer, now: datetime) -> Print | None:
    """Return the newest print where nothing said that it has ended, as far as it has an id."""
    job = printer.job
    if not job.is_open:
        return None
    outcome = Outcome.SILENT if job.is_silent(now) else Outcome.UNDER_WAY
    return _as_print(printer, outcome, _believed_end(job, now))


def _recent(printer: Printer, notification: Notification, now: datetime) -> tuple[Heard, ...]:
    """Return the newest notifications, this one included, as long as they may be sent again."""
    recent = [heard for heard in printer.recent if now - heard.at <= RETRIED_FOR]
    return (*recent, Heard(fingerprint=notification.fingerprint, at=now))[-_REMEMBERED_NOTIFICATIONS:]


def _of_printer(printer: Printer, notification: Notification, now: datetime) -> Printer:
    """Return the printer once it said something while no print is under way."""
    if not notification.is_about_a_printer:
        return printer
    job = printer.job
    if notification.type in _OF_AN_IDLE_PRINTER:
        job = _with_attention(job, notification, now + _IDLE_ATTENTION_LASTS)
    if notification.print_id is not None:
        job = _with_snapshot(job, notification, now)
    return _with_job(printer, job, notification)


def _of_print(
    printer: Printer, notification: Notification, now: datetime, relation_: Relation
) -> tuple[Printer, Notification]:
    """Return the printer once its print said something, and that as it is meant of this print alone."""
    if relation_ is not Relation.SAME:
        printer = replace(_superseded(printer, now), job=Job(print_id=notification.print_id))
        if notification.type is Type.PRINT_STARTED:
            notification = _as_start(notification)
    before = printer.job
    print_id = notification.print_id or before.print_id
    if before.print_id is not None and before.print_id != print_id:
        printer = _with_earlier(printer, Earlier(print_id=before.print_id, is_settled=True))
    offset = notification.duration or 0 if relation_ is Relation.AGAIN else _offset(before, notification, now)
    job = replace(before, print_id=print_id, duration_offset=offset)
    is_older = notification.type not in _ENDINGS and _says_less(job, notification, notification.duration)
    if notification.duration is not None:
        notification = replace(notification, duration=max(notification.duration - offset, 0))
    job = _after(job, notification, now, is_older=is_older)
    printer = _with_job(printer, job, notification)
    if job.ended:
        printer = _closed(printer, _as_print(printer, Outcome(str(job.status)), now))
    elif job.stopped_at is not None and notification.type is Type.BED_COOLDOWN_COMPLETE:
        printer = _dead(printer, job.stopped_at)
    return printer, notification


def _with_late_end(printer: Printer, notification: Notification, now: datetime) -> Printer:
    """Return the printer once something late was said of an earlier print: its end counts, unless it was told before."""
    print_id = notification.print_id
    known = next((known for known in reversed(printer.earlier) if known.print_id == print_id), None)
    if known is None and print_id is not None and print_id != printer.job.print_id:
        # Nobody has heard of that print before.
        known = Earlier(print_id=print_id)
        printer = _with_earlier(printer, known)
    # None: an earlier moment of the print under way.
    if known is None or known.is_settled or notification.type not in _ENDINGS:
        return printer
    before = Job(print_id=known.print_id, started_at=known.started_at, duration=known.duration)
    job = _after(before, notification, now)
    ended_at = now
    if known.started_at is not None and job.duration is not None:
        # The word of it may have been long on its way, and the clock may have been set back.
        ended_at = min(now, known.started_at + timedelta(seconds=job.duration))
    ended_at = max(ended_at, known.started_at or ended_at)
    print_ = _as_print(_with_job(printer, job, notification), Outcome(str(job.status)), ended_at)
    others = tuple(other for other in printer.earlier if other is not known)
    return _closed(replace(printer, earlier=others, totals=printer.totals + -known.totals), print_)


def _superseded(printer: Printer, now: datetime) -> Printer:
    """Return the printer once another print has begun: of the one before, nothing more will be heard."""
    job = printer.job
    if job.stopped_at is not None:
        return _dead(printer, job.stopped_at)
    if job.is_open:
        return _closed(printer, _as_print(printer, Outcome.SILENT, min(_believed_end(job, now), now)))
    if job.print_id is None or job.ended:
        return printer
    return _with_earlier(printer, Earlier(print_id=job.print_id))


def _dead(printer: Printer, ended_at: datetime) -> Printer:
    """Return the printer once its print, which said error and went no further, has failed: it lasted until the error."""
    job = replace(printer.job, status=Status.FAILED, stopped_at=None)
    printer = replace(printer, job=_ended(job, job.progress, ended_at))
    print_ = _as_print(printer, Outcome.FAILED, ended_at)
    return _closed(printer, print_ and replace(print_, is_told=False))


def _closed(printer: Printer, print_: Print | None) -> Printer:
    """Return the printer with one print more that has ended; one without an id cannot be told from others."""
    if print_ is None:
        return printer
    earlier = Earlier(print_id=print_.print_id, is_settled=True)
    if not print_.is_settled:
        earlier = Earlier(
            print_id=print_.print_id, started_at=print_.started_at, duration=print_.duration, totals=print_.totals
        )
    return replace(
        _with_earlier(printer, earlier),
        totals=printer.totals + print_.totals,
        unfiled=(*printer.unfiled, print_)[-MAX_PRINTS:],
    )


def _with_earlier(printer: Printer, earlier: Earlier) -> Printer:
    """Return the printer with one print more of which the id is known."""
    return replace(printer, earlier=(*printer.earlier, earlier)[-_REMEMBERED_PRINTS:])


def _with_job(printer: Printer, job: Job, notification: Notification) -> Printer:
    """Return the printer with its print, and with the name and page that a notification gives it."""
    return replace(
        printer,
        job=job,
        name=notification.printer_name or printer.name,
        quick_view_url=notification.quick_view_url or printer.quick_view_url,
    )


# What is known of a print afterwards.


def _as_start(notification: Notification) -> Notification:
    """Return the start of a new print as it is meant: at 0 %, whatever the plugin works out of an estimate that it lacks."""
    unknown = set()
    if notification.time_remaining == 0:
        unknown.add("time_remaining")
    if notification.current_layer is not None and notification.current_layer > 1:
        unknown |= {"current_layer", "total_layers"}  # those of the print before
    return replace(notification.without(unknown), progress=0)


def _offset(job: Job, notification: Notification, now: datetime) -> int:
    """Return how many seconds to take off what the plugin counts."""
    seconds = notification.duration
    if seconds is None or job.started_at is None or job.started_at > now:
        return job.duration_offset
    if seconds < job.duration_offset:
        return 0
    gone = int((now - job.started_at).total_seconds())
    ahead = timedelta(seconds=seconds - job.duration_offset - gone)
    begins_anew = notification.print_id not in (None, job.print_id) and abs(ahead) > _SAME_START
    return seconds - gone if begins_anew or ahead > _CLOCK_WAS_SET else job.duration_offset


def _after(job: Job, notification: Notification, now: datetime, *, is_older: bool = False) -> Job:
    """Return what is known of a print once it said something; the seconds of what is older do not count."""
    status = _status(job, notification)
    is_stopped = status is Status.ERROR
    known_progress = job.progress
    if not is_older and not (is_stopped and job.stopped_at is not None):
        job = _with_numbers(job, notification, now)
    stopped_at = (job.stopped_at or now.replace(microsecond=0)) if is_stopped else None
    job = replace(job, status=status, stopped_at=stopped_at, heard_at=now)
    if notification.type in _ATTENTION:
        job = _with_attention(job, notification, stopped_at and stopped_at + _DEAD_AFTER)
    elif notification.type in _CLEARS_ATTENTION or _is_further(job, notification):
        job = _with_attention(job, notification, None)
    if notification.type in _ENDINGS:
        job = _ended(job, known_progress, now)
    return _with_snapshot(job, notification, now)


def _status(job: Job, notification: Notification) -> Status | None:
    """Return the status of a print once it said something."""
    if notification.cancelled:
        return Status.CANCELLED
    return _STATUS.get(notification.type, job.status)


def _is_further(job: Job, notification: Notification) -> bool:
    """Return True if progress is told of a print that wants attention, and it is further than when it began to."""
    if notification.type is not Type.PRINT_PROGRESS or job.attention is Attention.NONE:
        return False
    return _is_less(job.attention_progress, notification.progress) or _is_less(
        job.attention_layer, notification.current_layer
    )


def _with_attention(job: Job, notification: Notification, until: datetime | None) -> Job:
    """Return a print with the attention that a notification sets or clears."""
    return replace(
        job,
        attention=_ATTENTION.get(notification.type, Attention.NONE),
        attention_progress=job.progress,
        attention_layer=job.current_layer,
        attention_until=until,
        error_message=notification.error,
        error_code=notification.error_code,
    )


def _with_snapshot(job: Job, notification: Notification, now: datetime) -> Job:
    """Return a print with the picture that a notification brings, if it brings another one."""
    if notification.snapshot_url in (None, job.snapshot_url):
        return job
    return replace(job, snapshot_url=notification.snapshot_url, snapshot_at=now)


def _with_numbers(job: Job, notification: Notification, now: datetime) -> Job:
    """Return a print with what a notification says of how far it is; an absent value leaves what was said before."""
    values = {name: getattr(notification, name) for name in _MEASUREMENTS}
    changes = {name: value for name, value in values.items() if value is not None or name in notification.unknown}
    if "time_remaining" in changes:
        changes["remaining_at"] = now
    return replace(
        job,
        started_at=_started_at(job, notification, now),
        finish_at=_finish_at(job, notification, now),
        **changes,
    )


def _started_at(job: Job, notification: Notification, now: datetime) -> datetime | None:
    """Return when the print started; what is known of it once does not change, unless the clock was far behind."""
    known, duration = job.started_at, notification.duration
    if duration is None and notification.type is Type.PRINT_STARTED and known is None:
        duration = 0
    if duration is None:
        return known
    started_at = now.replace(microsecond=0) - timedelta(seconds=duration)
    return started_at if known is None or started_at - known > _LONGEST_PAUSE else known


def _finish_at(job: Job, notification: Notification, now: datetime) -> datetime | None:
    """Return when the print will be over."""
    known, estimate = job.finish_at, notification.finish(now)
    if "time_remaining" in notification.unknown:
        return None
    if estimate is None or known is None:
        return estimate or known
    return known if abs(estimate - known) < SAME_MOMENT else estimate


def _ended(job: Job, known_progress: int | None, ended_at: datetime) -> Job:
    """Return a print that has ended; one that did not get to its end stays where it was before, whatever its end says."""
    is_complete = job.status is Status.COMPLETE
    return replace(
        job,
        ended=True,
        progress=100 if is_complete else known_progress,
        time_remaining=0 if is_complete else None,
        finish_at=ended_at.replace(microsecond=0),
    )


def _as_print(printer: Printer, outcome: Outcome, ended_at: datetime) -> Print | None:
    """Return the newest print as it is remembered, None where it has no id."""
    job = printer.job
    if job.print_id is None:
        return None
    ended_at = ended_at.replace(microsecond=0)
    # Of a print that never said for how long it has been going on, the last that was heard.
    started_at = job.started_at or min(job.heard_at or ended_at, ended_at).replace(microsecond=0)
    if started_at > ended_at:  # the clock was set back
        started_at = ended_at - timedelta(seconds=job.duration or 0)
    return Print(
        print_id=job.print_id,
        outcome=outcome,
        started_at=started_at,
        ended_at=ended_at,
        file_name=shorten(job.file_name),
        duration=job.duration,
        current_layer=job.current_layer,
        total_layers=job.total_layers,
        error=shorten(job.error_message),
        quick_view_url=printer.quick_view_url,
        snapshot_url=job.snapshot_url,
    )


def shorten(text: str | None) -> str | None:
    """Return the beginning of a text, as long as a state may be: events, files and databases are to hold many of them."""
    return text and text[:MAX_LENGTH_STATE_STATE]


def _believed_end(job: Job, now: datetime) -> datetime:
    """Return when an open print will be over, or until when it was believed to go on: the next full hour where nobody knows."""
    known = job.heard_at or now
    if job.status is Status.PRINTING and job.finish_at is not None:
        known = max(known, job.finish_at)
    if known > now or job.is_silent(now):
        return known
    # It moves on well before it comes, or Home Assistant would start what is to happen at the end of a print.
    return known + _UNKNOWN_REST * ((now - known + _UNKNOWN_REST / 2) // _UNKNOWN_REST + 1)


def _is_less(one: int | None, other: int | None) -> bool:
    """Return True if one is less than the other; nothing follows from an unknown one."""
    return one is not None and other is not None and one < other
