"""One message from OctoEverywhere: its wire format in, a typed notification out.

Source of the format: https://docs.octoeverywhere.com/webhook-notifications/json-payload-format/
"""

from codecs import BOM_UTF8
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
import hashlib
import json
import math
import re
from typing import Any, Final, Self
from unicodedata import category

from homeassistant.helpers.json import json_bytes, json_dumps_sorted
from homeassistant.util.json import json_loads
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
EVENT_TYPES: Final = {type_: number for number, type_ in _TYPES.items()}
"""OctoEverywhere's numbers."""
# About the account or the connection.
_NOT_ABOUT_A_PRINTER: Final = (NotificationType.TEST, NotificationType.NOTIFICATION_LIMIT)

LINK_LIVES: Final = timedelta(days=7)
"""For so long OctoEverywhere keeps the picture that a notification links to."""

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

# What the platforms' codes say of a print that did not get to its end (OctoEverywhere's plugin 5.3.1). Klipper's and Bambu's, then
# Elegoo's, its Centauri 2's and PrusaLink's. Bambu's codes with a 4 in the middle are errors that end a job; those with an 8 pause
# it, and may still be shown where somebody cancels it then.
_CANCELLED_CODES: Final = re.compile(
    r"cancelled|0300400C|0500400E|(.*;)?(PrintInfoStatus=(8|14)|sub_status=(2503|2504)|job_state=STOPPED)(;.*)?|printer_state=STOPPED"
)
_FAILED_CODES: Final = re.compile(r"[0-9A-F]{4}4[0-9A-F]{3}")
# OctoPrint says it in the error; elsewhere, that may be any message of the printer.
_OCTOPRINT_CODES: Final = (None, "PrintFailed")
_OCTOPRINT_ERRORS: Final = {"cancelled": True, "error": False}


class PayloadError(ValueError):
    """The message lacks what every notification must have: `key` names it."""

    def __init__(self, key: str) -> None:
        """Remember the key."""
        super().__init__(key)
        self.key = key


def parse_json(body: bytes, read_constant: Callable[[str], object] | None = None) -> object:
    """Return what a body says. Raises ValueError where it is no JSON, or RecursionError where it is too deep.

    `NaN` and its like are no JSON either, unless `read_constant` says what they mean.
    """
    body = body.removeprefix(BOM_UTF8)
    try:
        return json_loads(body)
    except ValueError:
        # Half a surrogate pair, which only Python's own reader takes, becomes a replacement character.
        said = json.loads(body.decode("utf-8", "surrogatepass"), parse_constant=read_constant)
        text = json.dumps(said, ensure_ascii=False)
        return json_loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def parse_url(text: str) -> URL | None:
    """Return the http or https address with a host that a text is, None where it is none."""
    try:
        url = URL(text)
        # Home Assistant reads an address's name in its own letters, which not every name has.
        is_address = url.scheme in ("http", "https") and url.host and url.port
    except Exception:  # noqa: BLE001 - yarl refuses in more ways than it documents
        return None
    return url if is_address else None


# All links of an account lead to one host or two.
_is_host_valid = lru_cache(maxsize=16)(is_host_valid)


def read_url(value: object) -> str | None:
    """Return a link that a person may follow: http or https, to a host, without a password in it."""
    if not isinstance(value, str) or len(value) > _MAX_URL_LENGTH:
        return None
    url = parse_url(value)
    if url is None or not _is_host_valid(url.raw_host or "") or (url.raw_user, url.raw_password) != (None, None):
        return None
    return value if value.isprintable() and _NOT_IN_URLS.isdisjoint(value) else None


def read_text(value: object) -> str | None:
    """Return text that every database can hold."""
    if not isinstance(value, str):
        return None
    text = value.replace("\0", "")
    return text if text.strip() else None


def read_line(value: object) -> str | None:
    """Return text on one line: a line break in a name would break the headers that it is put into, as the subject of a mail."""
    text = read_text(value)
    if text is None or text.isprintable():
        return text
    return read_text("".join(" " if category(letter) in _CONTROLS else letter for letter in text))


def read_file_name(value: object) -> str | None:
    """Return the name of a file; "None" is what OctoEverywhere's plugin makes of a name that it does not know."""
    return None if value == "None" else read_line(value)


def read_identifier(value: object) -> str | None:
    """Return an id, letter for letter."""
    if not isinstance(value, str) or len(value) > _MAX_ID_LENGTH or "\0" in value:
        return None
    return value if value.strip() else None


def _code(value: object) -> str | None:
    """Return a code in the platform's own format, which may be a number."""
    return str(value) if type(value) is int else read_text(value)


def read_number(value: object) -> float | None:
    """Return a finite number: `21`, `21.0` and `"21"`, but not `true`."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError, OverflowError:
        return None
    return number if math.isfinite(number) else None


def _count(maximum: int) -> Callable[[object], int | None]:
    """Return a reader of whole numbers from 0 on; a fraction is dropped."""

    def read(value: object) -> int | None:
        number = read_number(value)
        return int(number) if number is not None and 0 <= number <= maximum else None

    return read


read_count: Final = _count(_MAX_COUNT)
"""Returns a number of layers, or of anything else."""


def read_seconds(value: object) -> int | None:
    """Return the seconds that remain. -1 says that they are unknown; a print that is overdue has 0 left."""
    number = read_number(value)
    if number is None or number > _MAX_SECONDS:
        return None
    return -1 if number == -1 else max(int(number), 0)


def _event_type(value: object) -> int | None:
    """Return the number of the EventType."""
    number = read_number(value)
    if number is None or abs(number) > _MAX_INTEGER or not number.is_integer():
        return None
    return int(number)


class Source(StrEnum):
    """How Home Assistant came to know what a notification says."""

    NOTIFICATION = "notification"
    LIVE = "live"
    """By asking the printer: no notification told it."""


def _key(key: str, read: Callable[[object], Any]) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Return an optional field with its key on the wire and its reader, which returns None for what is unusable."""
    return field(default=None, metadata={"key": key, "read": read})


@dataclass(frozen=True, kw_only=True)
class Notification:
    """One notification. None: absent, unusable or unknown."""

    # What stands beneath a field is what docs/events.md says of it.
    printer_id: str
    """OctoEverywhere's id of the printer"""
    event_type: int
    """OctoEverywhere's number of what has happened"""
    printer_name: str | None = _key("PrinterName", read_line)
    """the name that you gave the printer at OctoEverywhere"""
    print_id: str | None = _key("PrintId", read_identifier)
    """OctoEverywhere's id of the print, from its start to its end"""
    file_name: str | None = _key("FileName", read_file_name)
    """what is printed"""
    progress: int | None = _key("Progress", _count(100))
    """percent"""
    duration: int | None = _key("DurationSec", _count(_MAX_SECONDS))
    """seconds since the print started"""
    time_remaining: int | None = _key("TimeRemainingSec", read_seconds)
    """seconds, as the printer's own software estimates them"""
    z_offset: float | None = _key("ZOffsetMM", read_number)
    """millimeters; OctoEverywhere says it with the first and the third layer"""
    current_layer: int | None = _key("CurrentLayer", read_count)
    """the layer that is being printed"""
    total_layers: int | None = _key("TotalLayers", read_count)
    """how many layers there are"""
    error: str | None = _key("Error", read_text)
    """what went wrong, in the words of the printer's own software"""
    error_code: str | None = _key("PlatformErrorCode", _code)
    """its code for it"""
    snapshot_url: str | None = _key("SnapshotUrl", read_url)
    """a picture; the link lives a week"""
    quick_view_url: str | None = _key("QuickViewUrl", read_url)
    """OctoEverywhere's page to watch, pause and cancel the print"""
    source: Source = Source.NOTIFICATION
    """how Home Assistant came to know it: by a `notification`, or by a `live` connection because none told it"""
    extra: JsonObject = field(default_factory=dict)
    """whatever OctoEverywhere has added to its notifications since, as it came; empty where that is more than 8 KB"""
    unknown: frozenset[str] = frozenset()
    """Fields of which the message says that they are not known, which is more than leaving them out."""

    @classmethod
    def from_payload(cls, payload: JsonObject) -> Self:
        """Return what the body of a POST says. Raises PayloadError."""
        if (printer_id := read_identifier(payload.get(KEY_PRINTER_ID))) is None:
            raise PayloadError(KEY_PRINTER_ID)
        if (event_type := _event_type(payload.get(KEY_EVENT_TYPE))) is None:
            raise PayloadError(KEY_EVENT_TYPE)
        values = {name: read(payload.get(key)) for name, key, read in _OPTIONAL}
        unknown = _unknown(values)
        values |= dict.fromkeys(unknown)
        return cls(printer_id=printer_id, event_type=event_type, extra=_extra(payload), unknown=unknown, **values)

    def without(self, unknown: set[str]) -> Self:
        """Return the notification, which then says of these fields that they are not known."""
        changes: dict[str, Any] = dict.fromkeys(unknown)
        return replace(self, unknown=self.unknown | unknown, **changes)

    @property
    def type(self) -> NotificationType:
        """What the notification says."""
        return _TYPES.get(self.event_type, NotificationType.UNKNOWN)

    @property
    def is_about_a_printer(self) -> bool:
        """True unless the notification is about the account or the connection."""
        return self.type not in _NOT_ABOUT_A_PRINTER

    @property
    def cancelled(self) -> bool | None:
        """True if somebody cancelled the print, False if it failed by itself, None where its printer's words do not tell."""
        if self.type is not NotificationType.PRINT_FAILED:
            return None
        if self.error_code in _OCTOPRINT_CODES:
            return _OCTOPRINT_ERRORS.get(self.error or "")
        if _CANCELLED_CODES.fullmatch(self.error_code):
            return True
        return False if _FAILED_CODES.fullmatch(self.error_code) else None

    @property
    def told(self) -> str:
        """What is told of which print, in whatever words."""
        return f"{self.type} {self.print_id}"

    @cached_property
    def fingerprint(self) -> str:
        """Equal for two notifications that say the same, so for one that was sent twice."""
        # That a print goes on is told again and again.
        if self.source is Source.LIVE and self.type is not NotificationType.PRINT_PROGRESS:
            return self.told
        content = [sorted(value) if name == "unknown" else value for name, value in vars(self).items()]
        return hashlib.sha256(json_dumps_sorted(content).encode()).hexdigest()[:16]

    def finish(self, now: datetime) -> datetime | None:
        """When the print will be over, by what the notification says."""
        if self.time_remaining is None:
            return None
        return now.replace(microsecond=0) + timedelta(seconds=self.time_remaining)

    def as_event_data(self, now: datetime) -> dict[str, Any]:
        """Return the data of the Home Assistant event, less the device."""
        data = {name: getattr(self, name) for name in _EVENT_FIELDS}
        finish = self.finish(now)
        return data | {
            "type": self.type.value,
            "estimated_finish": finish and finish.isoformat(),
            "cancelled": self.cancelled,
            "source": self.source.value,
            "extra": dict(self.extra),
        }


_OPTIONAL: Final = [
    (entry.name, entry.metadata["key"], entry.metadata["read"]) for entry in fields(Notification) if entry.metadata
]
_KNOWN_KEYS: Final = frozenset({KEY_PRINTER_ID, KEY_EVENT_TYPE, KEY_SECRET_KEY, *(key for _, key, _ in _OPTIONAL)})
_EVENT_FIELDS: Final = [entry.name for entry in fields(Notification) if entry.name != "unknown"]
EVENT_KEYS: Final = frozenset({*_EVENT_FIELDS, "type", "estimated_finish", "cancelled"})
"""What the data of an event have, whatever the notification says."""


def _extra(payload: JsonObject) -> JsonObject:
    """Return what OctoEverywhere has added since, unless it is far more than anybody adds."""
    extra = {key: value for key, value in payload.items() if key not in _KNOWN_KEYS and _is_shallow(value)}
    return extra if len(json_bytes(extra)) <= _MAX_EXTRA else {}


def _is_shallow(value: object, depth: int = _MAX_DEPTH) -> bool:
    """Return True if a value can stand inside a state or an event."""
    if not isinstance(value, dict | list):
        return True
    children = value.values() if isinstance(value, dict) else value
    return depth > 0 and all(_is_shallow(child, depth - 1) for child in children)


def _unknown(values: JsonObject) -> frozenset[str]:
    """Return the fields that the printer's plugin says it does not know: -1 seconds remaining, layer 0 of 0."""
    unknown: set[str] = set()
    if values["time_remaining"] == -1:
        unknown.add("time_remaining")
    if values["total_layers"] == 0:
        unknown.add("total_layers")
        if values["current_layer"] == 0:
            unknown.add("current_layer")
    return frozenset(unknown)
