"""What entities show of a printer: `view`, a pure function (printer, now, live) -> view, and nothing else that they read."""

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Final

from .history import Outcome, Print
from .job import Attention, Job, Printer, Status, unfinished
from .live import UNDER_WAY, Live
from .payload import LINK_LIVES

# Between notifications, the time that remains follows the clock in such steps: each is a row in the database.
_STEP: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What can be said of a printer now; each sensor shows what stands here under its key. None: unknown."""

    name: str | None
    quick_view_url: str | None
    status: Status | None
    progress: int | None
    """Percent."""
    time_remaining: int | None
    """Seconds."""
    print_duration: int | None
    """Seconds."""
    estimated_finish: datetime | None
    """The moment the print ended, once it has."""
    print_start: datetime | None
    current_layer: int | None
    total_layers: int | None
    file_name: str | None
    attention: Attention
    error_message: str | None
    error_code: str | None
    z_offset: float | None
    """Millimetres."""
    print_id: str | None
    snapshot_url: str | None
    snapshot_at: datetime | None
    """When that link arrived."""
    prints_completed: int
    prints_failed: int
    prints_cancelled: int
    total_print_time: int
    """Seconds."""
    under_way: Print | None
    """The print of now, until its end."""
    # Only a printer that can be asked says these.
    live: Live | None = None
    connected: bool | None = None
    """True if OctoEverywhere reaches the printer."""
    status_detail: str | None = None
    nozzle_temperature: float | None = None
    """Degrees Celsius, as all of these."""
    nozzle_target: float | None = None
    bed_temperature: float | None = None
    bed_target: float | None = None
    chamber_temperature: float | None = None

    @property
    def printing(self) -> bool | None:
        """True while a print is under way and not paused."""
        return None if self.status is None else self.status in (Status.PREPARING, Status.PRINTING)

    @property
    def attention_required(self) -> bool:
        """True while somebody should look after the printer."""
        return self.attention is not Attention.NONE


def view(
    printer: Printer,
    now: datetime,
    live: Live | None = None,
    *,
    is_connected: bool | None = None,
    is_overtaken: bool = False,
) -> View:
    """Return what can be said of a printer now.

    What it says of itself, while that is fresh, comes before what notifications told: their numbers are counted differently, so the
    two are never mixed. It is overtaken where a notification has changed the status since.
    """
    told = _told(printer, now, is_connected=is_connected)
    if live is None:
        return told
    own = {name: getattr(live, name) for name in (_ONLY_LIVE if is_overtaken else _OWN)}
    if not is_overtaken and live.status not in UNDER_WAY and printer.job.ended:
        own["estimated_finish"] = told.estimated_finish
    return replace(told, **own, live=live)


def _told(printer: Printer, now: datetime, *, is_connected: bool | None) -> View:
    """Return what notifications told, of a silent print neither that it prints nor how far it is; and whether it is connected."""
    job = printer.job
    is_silent = job.is_silent(now)
    is_alive = job.snapshot_at is not None and now - job.snapshot_at < LINK_LIVES
    has_attention = job.attention_until is None or now < job.attention_until
    print_ = unfinished(printer, now)
    return View(
        name=printer.name,
        quick_view_url=printer.quick_view_url,
        status=None if is_silent else job.status,
        progress=None if is_silent else job.progress,
        time_remaining=None if is_silent else _time_remaining(job, now),
        print_duration=job.duration,
        estimated_finish=job.finish_at,
        print_start=job.started_at,
        current_layer=job.current_layer,
        total_layers=job.total_layers,
        file_name=job.file_name,
        attention=job.attention if has_attention else Attention.NONE,
        error_message=job.error_message,
        error_code=job.error_code,
        z_offset=job.z_offset,
        print_id=job.print_id,
        snapshot_url=job.snapshot_url if is_alive else None,
        snapshot_at=job.snapshot_at if is_alive else None,
        prints_completed=printer.totals.completed,
        prints_failed=printer.totals.failed,
        prints_cancelled=printer.totals.cancelled,
        total_print_time=printer.totals.seconds,
        under_way=print_ if print_ is not None and print_.outcome is Outcome.UNDER_WAY else None,
        connected=is_connected,
    )


# What the printer says of itself under the name that it has here. Its `print_id` may be that of the print before.
_OWN: Final = {entry.name for entry in fields(Live)} & {entry.name for entry in fields(View)} - {"print_id"}
# What of it nobody else says.
_ONLY_LIVE: Final = _OWN & {entry.name for entry in fields(View) if entry.default is None}


def _time_remaining(job: Job, now: datetime) -> int | None:
    """Return the seconds that remain, which follow the clock while the print goes on."""
    if job.time_remaining is None or job.remaining_at is None or job.status is not Status.PRINTING:
        return job.time_remaining
    gone = (now - job.remaining_at) // _STEP * _STEP
    return min(job.time_remaining, max(0, job.time_remaining - int(gone.total_seconds())))
