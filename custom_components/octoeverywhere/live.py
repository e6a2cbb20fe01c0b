"""What a printer says of itself when it is asked, and what of it nobody has told. Pure.

Source: OctoEverywhere's plugin 5.3.1, which answers for every make in one form, and fills it as each make lets it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from .const import CHAMBER, HEATERS_OFF, LIGHT
from .job import SAME_MOMENT, Job, Printer, Status, goes_on_under_another_id, shorten
from .payload import (
    EVENT_TYPES,
    JsonObject,
    Notification,
    NotificationType as Type,
    Source,
    read_count,
    read_file_name,
    read_identifier,
    read_line,
    read_number,
    read_seconds,
    read_text,
)

UNTOLD_AFTER: Final = timedelta(minutes=1)
"""So long a notification may take; what none has told by then is told by us."""

_STATUS: Final = {
    "idle": Status.IDLE,
    "warmingup": Status.PREPARING,
    "printing": Status.PRINTING,
    "resuming": Status.PRINTING,
    "paused": Status.PAUSED,
    "complete": Status.COMPLETE,
    "cancelled": Status.CANCELLED,
    "error": Status.ERROR,
}
UNDER_WAY: Final = (Status.PREPARING, Status.PRINTING, Status.PAUSED)
_TEMPERATURES: Final = {
    "nozzle_temperature": "HotendActual",
    "nozzle_target": "HotendTarget",
    "bed_temperature": "BedActual",
    "bed_target": "BedTarget",
    "chamber_temperature": "ChamberActual",
}
_NUMBERS: Final = ("progress", "print_duration", "current_layer", "total_layers", "file_name")
# Bits of `Features`.
_SETS_TEMPERATURES: Final = 16
# Of a Bambu: an error that it shows while it merely waits in a pause.
_FILAMENT_OUT: Final = "Filament Run Out"
# Degrees. A temperature that has moved by less stays as it is shown: each is a row in the database.
_MOVED: Final = 1
# No printer is hotter, or colder.
_HOTTEST: Final = 1000
# No more lights are taken, nor longer names: each becomes an entity.
MAX_LIGHTS: Final = 16
_MAX_LIGHT: Final = 64
# A print that has been going on for no longer has just started, although nobody saw that.
_JUST_STARTED: Final = 10 * 60
# Percent from which on a printer that is idle all at once has come to the end of its print.
_AT_ITS_END: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a printer says of itself. What entities show of it has the name that it has in `View`. None: unknown."""

    status: Status
    status_detail: str | None = None
    error: str | None = None
    print_id: str | None = None
    """In `preparing`, it may be that of the print before."""
    progress: int | None = None
    """Percent."""
    time_remaining: int | None = None
    """Seconds, in whole minutes."""
    print_duration: int | None = None
    """Seconds, in whole minutes."""
    estimated_finish: datetime | None = None
    current_layer: int | None = None
    total_layers: int | None = None
    file_name: str | None = None
    nozzle_temperature: float | None = None
    """Degrees Celsius, as all of these."""
    nozzle_target: float | None = None
    bed_temperature: float | None = None
    bed_target: float | None = None
    chamber_temperature: float | None = None
    """0 where there is none."""
    lights: Mapping[str, bool] = field(default_factory=dict)
    """Which are on, by their names."""
    sets_temperatures: bool = False
    ends_idle: bool = False
    """True if the printer is idle at once where a print is cancelled: OctoPrint."""
    last_progress: int | None = None
    """Percent, when the print was last seen under way."""

    @property
    def keys(self) -> set[str]:
        """The keys of those entities that this printer has, and not every one."""
        keys = {f"{LIGHT}{name}" for name in self.lights}
        if self.chamber_temperature:  # some say 0 instead of nothing
            keys.add(CHAMBER)
        if self.sets_temperatures:
            keys.add(HEATERS_OFF)
        return keys

    def after(self, before: Live | None) -> Live:
        """Return what to show after what was shown before: what has hardly moved stays, and the end of a print shows its numbers."""
        if before is None:
            return self
        changes: dict[str, Any] = {
            "last_progress": self.last_progress if self.status in UNDER_WAY else before.last_progress
        }
        for name in _TEMPERATURES:
            if _is_near(getattr(self, name), known := getattr(before, name), _MOVED):
                changes[name] = known
        if _is_near(self.estimated_finish, before.estimated_finish, SAME_MOMENT):
            changes["estimated_finish"] = before.estimated_finish
        # Both times move together, once a minute.
        is_same_minute = self.print_duration == before.print_duration and self.status is before.status
        if is_same_minute and None not in (self.time_remaining, before.time_remaining, self.print_duration):
            changes["time_remaining"] = before.time_remaining
        is_same_print = self.print_id == before.print_id and before.status is not Status.IDLE
        if is_same_print and self.status is Status.PAUSED:
            # Bambu's countdown goes on in a pause.
            changes |= {name: getattr(before, name) for name in ("time_remaining", "estimated_finish")}
        elif is_same_print and self.status not in (*UNDER_WAY, Status.IDLE):
            changes |= {name: getattr(before, name) for name in _NUMBERS if getattr(self, name) is None}
        return replace(self, **changes)


def read_live(result: JsonObject, now: datetime) -> Live | None:
    """Return what a printer says of itself; None if it says nothing yet, as one that has just been switched on."""
    job = _object(result, "JobStatus")
    version = read_text(result.get("PlatformVersion")) or ""
    status = _STATUS.get(read_text(job.get("State")) or "")
    if status is None or (status is Status.IDLE and version.startswith("0.0.0")):
        return None
    is_bambu = "-BambuPrinters." in version
    error = shorten(read_text(job.get("Error")))
    if is_bambu and error == _FILAMENT_OUT:
        status = Status.PAUSED
    elif is_bambu and status is Status.CANCELLED:
        status = Status.FAILED  # it says the same of both
    # A Bambu goes on to show the stage in which its last print ended.
    is_left_over = is_bambu and status not in (*UNDER_WAY, Status.ERROR)
    current = _object(job, "CurrentPrint")
    said = _object(current, "Temps")
    temperatures: dict[str, Any] = {name: _degrees(said.get(key)) for name, key in _TEMPERATURES.items()}
    live = Live(
        status=status,
        status_detail=None if is_left_over else shorten(read_text(job.get("SubState"))),
        error=error,
        print_id=read_identifier(_object(result, "OctoEverywhereStatus").get("MostRecentPrintIdStr")),
        lights=_read_lights(job.get("Lights")),
        sets_temperatures=bool((read_count(result.get("Features")) or 0) & _SETS_TEMPERATURES),
        ends_idle="SubState" not in job,
        **temperatures,
    )
    if status in UNDER_WAY or (is_bambu and status is Status.ERROR):
        return _with_numbers(live, current, now, is_bambu=is_bambu)
    if status is Status.COMPLETE:
        return replace(live, progress=100, time_remaining=0)
    return live


def _with_numbers(live: Live, current: JsonObject, now: datetime, *, is_bambu: bool) -> Live:
    """Return what a printer says of itself with how far its print is, which means nothing while none is under way."""
    remaining = read_seconds(current.get("TimeLeftSec"))
    # For a Bambu, 0 says that nobody knows; the others say so only before the print has begun.
    if remaining == -1 or (remaining == 0 and (is_bambu or live.status is Status.PREPARING)):
        remaining = None
    duration, total = read_seconds(current.get("DurationSec")), read_count(current.get("TotalLayers")) or None
    progress = min(read_count(current.get("Progress")) or 0, 100)
    if live.status is Status.PREPARING:
        # What else it says may be of the print before.
        total, progress = None, 0
    elif progress == 0 and remaining == duration:
        remaining = None  # how Klipper guesses of a file of which it knows nothing
    return replace(
        live,
        file_name=shorten(read_file_name(current.get("FileName"))),
        progress=progress,
        last_progress=progress,
        time_remaining=_minutes(remaining),
        estimated_finish=None if remaining is None else now.replace(microsecond=0) + timedelta(seconds=remaining),
        print_duration=_minutes(duration),
        current_layer=None if total is None else read_count(current.get("CurrentLayer")),
        total_layers=total,
    )


def _read_lights(value: object) -> dict[str, bool]:
    """Return the lights that a printer names, and whether they are on."""
    lights: dict[str, bool] = {}
    for light in value[:MAX_LIGHTS] if isinstance(value, list) else ():
        name = light.get("Name") if isinstance(light, dict) else None
        # A name that would have to be changed could not be sent back.
        if isinstance(name, str) and name == read_line(name) and len(name) <= _MAX_LIGHT:
            lights[name] = light.get("On") is True
    return lights


def _object(value: Mapping[str, Any], key: str) -> JsonObject:
    """Return an object within another, an empty one where there is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def _degrees(value: object) -> float | None:
    """Return a temperature as it is shown."""
    number = read_number(value)
    return None if number is None or abs(number) > _HOTTEST else round(number, 1)


def _minutes(seconds: int | None) -> int | None:
    """Return seconds as they are shown: in whole minutes."""
    return None if seconds is None else seconds // 60 * 60


def _is_near(one: Any, other: Any, distance: Any) -> bool:  # noqa: ANN401 - temperatures, or moments
    """Return True if two values are known, and closer to each other than that."""
    return one is not None and other is not None and abs(one - other) < distance


# What nobody has told.


def untold(printer_id: str, printer: Printer, live: Live, since: datetime) -> Notification | None:
    """Return what a printer does of which no notification told, as it would have told; `since` it has been doing so."""
    tell = _TELL_OF.get(live.status)
    told = tell(printer, live, since) if tell is not None else None
    if told is None:
        return None
    type_, facts = told
    return Notification(
        printer_id=printer_id,
        event_type=EVENT_TYPES[type_],
        printer_name=printer.name,
        quick_view_url=printer.quick_view_url,
        source=Source.LIVE,
        **{
            "print_id": live.print_id or printer.job.print_id,
            "file_name": live.file_name,
            "progress": live.progress,
            "time_remaining": live.time_remaining,
            "current_layer": live.current_layer,
            "total_layers": live.total_layers,
            **facts,
        },
    )


type _Told = tuple[Type, dict[str, Any]] | None


def _is_of(job: Job, live: Live) -> bool:
    """Return True if a printer says something of the print that is known to be under way."""
    return job.is_open and live.print_id in (None, job.print_id)


def _goes_on(job: Job, live: Live, since: datetime) -> bool:
    """Return True if the print of another id is the one that is known to be under way: a plugin may name it anew."""
    return goes_on_under_another_id(job, live.file_name, since - timedelta(seconds=live.print_duration or 0), since)


def _untold_going_on(printer: Printer, live: Live, since: datetime) -> _Told:
    """Return what a print that goes on, or waits in a pause, makes of what was told."""
    job = printer.job
    if _is_of(job, live):
        if live.status is Status.PAUSED:
            return (Type.PRINT_PAUSED, {}) if job.status is Status.PRINTING else None
        if job.status is Status.ERROR and (live.progress or 0) < (job.progress or 0):
            return Type.PRINT_STARTED, {"duration": _counted_on(job, live, since)}
        return (Type.PRINT_RESUMED, {}) if job.status in (Status.PAUSED, Status.ERROR) else None
    is_again = live.print_id == job.print_id
    is_earlier = not is_again and printer.has_had(live.print_id)
    if live.print_id is None or is_earlier or _goes_on(job, live, since):
        return None
    has_started = (live.print_duration or 0) < _JUST_STARTED and live.status is Status.PRINTING
    duration = _counted_on(job, live, since) if is_again else live.print_duration or 0
    return (Type.PRINT_STARTED if has_started else Type.PRINT_PROGRESS), {"duration": duration}


def _counted_on(job: Job, live: Live, since: datetime) -> int:
    """Return the seconds of a file that is printed again as Klipper's plugin counts, for which it is the same print."""
    ended_at = job.finish_at if job.ended else job.stopped_at
    if ended_at is None or job.counted is None:
        return live.print_duration or 0
    return job.counted + max(0, int((since - ended_at).total_seconds()))


def _untold_error(printer: Printer, live: Live, since: datetime) -> _Told:
    """Return what an error makes of what was told."""
    is_news = _is_of(printer.job, live) and printer.job.status in (Status.PRINTING, Status.PAUSED)
    return (Type.ERROR, {"error": live.error or live.status_detail}) if is_news else None


def _untold_end(printer: Printer, live: Live, since: datetime) -> _Told:
    """Return what an end makes of what was told."""
    job = printer.job
    if not _is_of(job, live) and not _goes_on(job, live, since):
        return None
    duration = live.print_duration if job.started_at is None else max(0, int((since - job.started_at).total_seconds()))
    if live.status is Status.COMPLETE:
        return Type.PRINT_COMPLETE, {"duration": duration, "progress": 100, "time_remaining": 0}
    # The code is Klipper's for it.
    return Type.PRINT_FAILED, {
        "duration": duration,
        "error_code": "cancelled" if live.status is Status.CANCELLED else None,
    }


def _untold_idle(printer: Printer, live: Live, since: datetime) -> _Told:
    """Return what a printer that is idle makes of what was told: a state that the plugin does not know is idle, too."""
    job = printer.job
    is_over = live.ends_idle or live.nozzle_target == 0
    if not _is_of(job, live) or job.status not in (Status.PRINTING, Status.PAUSED) or not is_over:
        return None
    is_due = job.finish_at is not None and job.finish_at <= since
    if is_due or max(live.last_progress or 0, job.progress or 0) >= _AT_ITS_END:
        status = Status.COMPLETE
    else:
        status = Status.CANCELLED if live.ends_idle else Status.FAILED
    return _untold_end(printer, replace(live, status=status), since)


_TELL_OF: Final[Mapping[Status, Callable[[Printer, Live, datetime], _Told]]] = {
    Status.PRINTING: _untold_going_on,
    Status.PAUSED: _untold_going_on,
    Status.ERROR: _untold_error,
    Status.COMPLETE: _untold_end,
    Status.FAILED: _untold_end,
    Status.CANCELLED: _untold_end,
    Status.IDLE: _untold_idle,
}
