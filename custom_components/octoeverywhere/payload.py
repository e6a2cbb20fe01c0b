"""One message from OctoEverywhere: its wire format in, a typed notification out.

Source of the format: https://docs.octoeverywhere.com/webhook-notifications/json-payload-format/
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
import hashlib
import math
from typing import Any, Final, Self
from unicodedata import category

from homeassistant.helpers.json import json_bytes, json_dumps_sorted
from homeassistant.util.network import is_host_valid
from yarl import URL

type JsonObject = Mapping[str, Any]


class NotificationType(StrEnum):
    """What a notification says. Members 1 to 16 of EventType in their order, then every number added since."""

    PRINT_STARTED = "print_started"
    PRINT_COMPLETE = "print_complete"
    PRINT_FAILED = "print_failed"
    PRINT_PAUSED = "print_paused"
    PRINT_RESUMED = "print_resumed"
    PRINT_PROGRESS = "print_progress"
    GADGET_WARNING = "gadget_warning"
    GADGET_PAUSED = "gadget_paused"
    ERROR = "error"
    FIRST_LAYER_COMPLETE = "first_layer_complete"
    FILAMENT_CHANGE_REQUIRED = "filament_change_required"
    USER_INTERACTION_REQUIRED = "user_interaction_required"
    NOTIFICATION_LIMIT = "notification_limit"
    THIRD_LAYER_COMPLETE = "third_layer_complete"
    BED_COOLDOWN_COMPLETE = "bed_cooldown_complete"
    TEST = "test"
    UNKNOWN = "unknown"


_TYPES: Final = dict(enumerate(list(NotificationType)[:-1], start=1))

RETRIED_FOR: Final = timedelta(minutes=20)
"""Longer than a plugin tries to send something again, which is a quarter of an hour; shorter than until it repeats itself."""

KEY_PRINTER_ID: Final = "PrinterId"
KEY_EVENT_TYPE: Final = "EventType"
KEY_SECRET_KEY: Final = "SecretKey"

# Far beyond any print, and small enough for every sum of dates and every database column.
_MAX_SECONDS: Final = 10 * 366 * 24 * 60 * 60
_MAX_COUNT: Final = 10**9
# What a JavaScript number, and so the frontend, holds exactly.
_MAX_INTEGER: Final = 2**53
# Ids become keys of Home Assistant's registries, links become columns of a database.
_MAX_ID_LENGTH: Final = 255
_MAX_URL_LENGTH: Final = 2048
# Control characters, and the line and paragraph separators.
_CONTROLS: Final = ("Cc", "Zl", "Zp")
# What could end a link where it is shown.
_NOT_IN_URLS: Final = frozenset(' "<>')
# Bytes of JSON. With more, an event would be too large for Home Assistant's database, since short numbers may become long there.
_MAX_EXTRA: Final = 8 * 1024
# A value nested deeper than this could be read, but not written again inside a state or an event.
_MAX_DEPTH: Final = 16


class PayloadError(ValueError):
    """The message lacks what every notification must have: `key` names it."""

    def __init__(self, key: str) -> None:
        """Remember the key."""
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One notification. None: absent, unusable or unknown."""

    printer_id: str
    event_type: int
    print_id: str | None = None
    printer_name: str | None = None
    quick_view_url: str | None = None
    snapshot_url: str | None = None
    file_name: str | None = None
    duration: int | None = None
    """Seconds since the print started."""
    progress: int | None = None
    """Percent."""
    time_remaining: int | None = None
    """Seconds, the platform's estimate."""
    z_offset: float | None = None
    """Millimetres."""
    current_layer: int | None = None
    total_layers: int | None = None
    error: str | None = None
    error_code: str | None = None
    extra: JsonObject = field(default_factory=dict)
    """Keys that OctoEverywhere added since, as received."""
    unknown: frozenset[str] = frozenset()
    """Fields of which the message says that they are not known, which is more than leaving them out."""

    @classmethod
    def from_payload(cls, payload: JsonObject) -> Self:
        """Read the body of a POST. Raises PayloadError."""
        if (printer_id := _identifier(payload.get(KEY_PRINTER_ID))) is None:
            raise PayloadError(KEY_PRINTER_ID)
        if (event_type := _event_type(payload.get(KEY_EVENT_TYPE))) is None:
            raise PayloadError(KEY_EVENT_TYPE)
        values = {name: read(payload.get(key)) for key, (name, read) in _OPTIONAL.items()}
        unknown = _unknown(values)
        return cls(
            printer_id=printer_id,
            event_type=event_type,
            extra=_extra(payload),
            unknown=unknown,
            **(values | dict.fromkeys(unknown)),
        )

    @property
    def type(self) -> NotificationType:
        """What the notification says."""
        return _TYPES.get(self.event_type, NotificationType.UNKNOWN)

    @cached_property
    def fingerprint(self) -> str:
        """Equal for two notifications that say the same, so for one that was sent twice."""
        content = [getattr(self, field_.name) for field_ in fields(self) if field_.name != "unknown"] + sorted(
            self.unknown
        )
        return hashlib.sha256(json_dumps_sorted(content).encode()).hexdigest()[:16]

    def finish(self, now: datetime) -> datetime | None:
        """When the print will be over, by what the notification says."""
        if self.time_remaining is None:
            return None
        return now.replace(microsecond=0) + timedelta(seconds=self.time_remaining)

    def as_event_data(self, now: datetime) -> dict[str, Any]:
        """Return the data of the Home Assistant event, less the device."""
        finish = self.finish(now)
        return {
            "printer_id": self.printer_id,
            "printer_name": self.printer_name,
            "print_id": self.print_id,
            "type": self.type.value,
            "event_type": self.event_type,
            "file_name": self.file_name,
            "progress": self.progress,
            "duration": self.duration,
            "time_remaining": self.time_remaining,
            "estimated_finish": finish and finish.isoformat(),
            "z_offset": self.z_offset,
            "current_layer": self.current_layer,
            "total_layers": self.total_layers,
            "error": self.error,
            "error_code": self.error_code,
            "snapshot_url": self.snapshot_url,
            "quick_view_url": self.quick_view_url,
            "extra": dict(self.extra),
        }


EVENT_KEYS: Final = frozenset(Notification(printer_id="", event_type=0).as_event_data(datetime.min.replace(tzinfo=UTC)))
"""What the data of an event have, whatever the notification says."""


def _text(value: object) -> str | None:
    """Return text that every database can hold."""
    if not isinstance(value, str):
        return None
    text = value.replace("\0", "")
    return text if text.strip() else None


def _line(value: object) -> str | None:
    """Return text on one line: a line break in a name would break the headers that Home Assistant puts it into."""
    text = _text(value)
    if text is None:
        return None
    return _text("".join(" " if category(letter) in _CONTROLS else letter for letter in text))


def _file_name(value: object) -> str | None:
    """Return the name of a file; "None" is what OctoEverywhere's plugin makes of a name that it does not know."""
    return None if value == "None" else _line(value)


def _identifier(value: object) -> str | None:
    """Return an id, letter for letter."""
    if not isinstance(value, str) or len(value) > _MAX_ID_LENGTH or "\0" in value:
        return None
    return value if value.strip() else None


def _code(value: object) -> str | None:
    """Return a code in the platform's own format, which may be a number."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _text(value)


def _number(value: object) -> float | None:
    """Return a finite number: `21`, `21.0` and `"21"`, but not `true`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _count(maximum: int, minimum: int = 0) -> Callable[[object], int | None]:
    """Return a reader of whole numbers; a fraction is dropped."""

    def read(value: object) -> int | None:
        number = _number(value)
        return int(number) if number is not None and minimum <= number <= maximum else None

    return read


def _event_type(value: object) -> int | None:
    """Return the number of the EventType."""
    number = _number(value)
    if number is None or abs(number) > _MAX_INTEGER or not number.is_integer():
        return None
    return int(number)


def _millimetres(value: object) -> float | None:
    """Return a length; a whole one without its decimals."""
    number = _number(value)
    if number is None or abs(number) > _MAX_COUNT:
        return None
    return int(number) if number.is_integer() else number


def read_url(value: object) -> str | None:
    """Return a link that a person may follow: http or https, to a host, without a password in it."""
    if not isinstance(value, str) or len(value) > _MAX_URL_LENGTH:
        return None
    try:
        url = URL(value)
        # Home Assistant reads a link's name in its own letters, which not every name has.
        host = url.raw_host if url.host else None
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not host or not is_host_valid(host):
        return None
    if url.raw_user is not None or url.raw_password is not None:
        return None
    return value if value.isprintable() and _NOT_IN_URLS.isdisjoint(value) else None


def _extra(payload: JsonObject) -> JsonObject:
    """Return what OctoEverywhere has added since, unless it is far more than anybody adds."""
    extra = {key: value for key, value in payload.items() if key not in _KNOWN_KEYS and _is_shallow(value)}
    return extra if len(json_bytes(extra)) <= _MAX_EXTRA else {}


def _is_shallow(value: object, depth: int = _MAX_DEPTH) -> bool:
    """Tell whether a value can stand inside a state or an event."""
    children: list[object]
    match value:
        case dict():
            children = list(value.values())
        case list():
            children = value
        case _:
            return True
    return depth > 0 and all(_is_shallow(child, depth - 1) for child in children)


def _unknown(values: Mapping[str, Any]) -> frozenset[str]:
    """Find what the printer's plugin says it does not know: -1 seconds remaining, layer 0 of 0."""
    unknown: set[str] = set()
    if values["time_remaining"] == -1:
        unknown.add("time_remaining")
    if values["total_layers"] == 0:
        unknown.add("total_layers")
        if values["current_layer"] == 0:
            unknown.add("current_layer")
    return frozenset(unknown)


_OPTIONAL: Final[Mapping[str, tuple[str, Callable[[object], Any]]]] = {
    "PrintId": ("print_id", _identifier),
    "PrinterName": ("printer_name", _line),
    "QuickViewUrl": ("quick_view_url", read_url),
    "SnapshotUrl": ("snapshot_url", read_url),
    "FileName": ("file_name", _file_name),
    "DurationSec": ("duration", _count(_MAX_SECONDS)),
    "Progress": ("progress", _count(100)),
    "TimeRemainingSec": ("time_remaining", _count(_MAX_SECONDS, minimum=-1)),
    "ZOffsetMM": ("z_offset", _millimetres),
    "CurrentLayer": ("current_layer", _count(_MAX_COUNT)),
    "TotalLayers": ("total_layers", _count(_MAX_COUNT)),
    "Error": ("error", _text),
    "PlatformErrorCode": ("error_code", _code),
}
_KNOWN_KEYS: Final = frozenset({KEY_PRINTER_ID, KEY_EVENT_TYPE, KEY_SECRET_KEY, *_OPTIONAL})
