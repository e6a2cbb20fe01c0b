"""What is known of the printers, on the disk: one file of records, and a file of prints for each printer.

All of it blocks, so it runs in the executor, and all of it raises OSError. A file may be of an older or newer version: what both
know is read.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
import hashlib
from pathlib import Path
import shutil
from types import NoneType
from typing import Any, Final, get_args, get_origin, get_type_hints

from homeassistant.core import HomeAssistant
from homeassistant.helpers.json import json_bytes, json_fragment, save_json
from homeassistant.helpers.storage import STORAGE_DIR
from homeassistant.util import dt as dt_util
from homeassistant.util.file import WriteError
from homeassistant.util.json import json_loads_object

from .const import DOMAIN, LOGGER
from .history import Print, with_prints
from .job import Printer

_VERSION: Final = 1
# Others than these a damaged file may say; to add to them, or to move them to a time zone, could be more than a date can hold.
_YEARS: Final = range(1900, 9000)


class Store:
    """The files of the integration."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Name the folder."""
        self._folder = Path(hass.config.path(STORAGE_DIR))
        self._records = self._folder / f"{DOMAIN}.printers"
        self._encoded: dict[str, tuple[Printer, json_fragment]] = {}

    def read(self) -> dict[str, Printer]:
        """Return the records of all printers."""
        return _read_file(self._records, "printers", dict[str, Printer]) or {}

    def write(self, printers: Mapping[str, Printer]) -> None:
        """Write the records of all printers: a power cut leaves the old ones or these."""
        self._encoded = {printer_id: self._encode(printer_id, printer) for printer_id, printer in printers.items()}
        records = {printer_id: encoded for printer_id, (_, encoded) in self._encoded.items()}
        _write_file(self._records, "printers", records)

    def _encode(self, printer_id: str, printer: Printer) -> tuple[Printer, json_fragment]:
        """Return a record and its JSON: only those that have changed are encoded anew."""
        known = self._encoded.get(printer_id)
        return known if known is not None and known[0] is printer else (printer, json_fragment(json_bytes(printer)))

    def read_prints(self, printer_id: str) -> tuple[Print, ...]:
        """Return the prints of a printer that are filed, the oldest first."""
        return _read_file(self._prints_of(printer_id), "prints", tuple[Print, ...]) or ()

    def file_prints(self, printer_id: str, prints: Iterable[Print]) -> None:
        """Add prints to those of a printer."""
        known = self.read_prints(printer_id)
        _write_file(self._prints_of(printer_id), "prints", with_prints(known, prints))

    def forget(self, printer_ids: Iterable[str]) -> None:
        """Delete the prints of printers."""
        for printer_id in printer_ids:
            self._prints_of(printer_id).unlink(missing_ok=True)

    def remove(self) -> None:
        """Delete everything, what was set aside included."""
        for path in self._folder.glob(f"{DOMAIN}.*"):
            path.unlink(missing_ok=True)

    def _prints_of(self, printer_id: str) -> Path:
        """Return the path of a printer's prints: an id may hold what no file's name can."""
        digest = hashlib.sha256(printer_id.encode()).hexdigest()[:16]
        return self._folder / f"{DOMAIN}.prints.{digest}"


def _write_file(path: Path, key: str, content: object) -> None:
    """Write a file, which holds links to pictures: nobody else may read it."""
    path.parent.mkdir(exist_ok=True)
    try:
        save_json(str(path), {"version": _VERSION, key: content}, private=True, atomic_writes=True)
    except WriteError as err:
        raise OSError from err


def _read_file[T](path: Path, key: str, kind: type[T]) -> T | None:
    """Return what is in a file, None where there is none or nothing of it can be read. Damage is set aside, and said once."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    reader = Reader()
    try:
        content: T = reader.value(kind, json_loads_object(data)[key])
    except Exception as err:  # noqa: BLE001 - whatever is in a damaged file
        _set_aside(path, path.replace, type(err).__name__)
        return None
    if reader.damaged and _set_aside(path, lambda aside: shutil.copy2(path, aside), f"{reader.damaged} entries"):
        _write_file(path, key, content)
    return content


def _set_aside(path: Path, move: Callable[[Path], object], what: str) -> bool:
    """Keep a damaged file for somebody who can read it; return whether that went well."""
    aside = path.with_name(f"{path.name}.corrupt.{dt_util.utcnow():%Y-%m-%dT%H:%M:%S}")
    try:
        move(aside)
    except OSError as err:
        LOGGER.error(
            "%s is damaged (%s), and could not be set aside (%s). The damage is lost", path, what, err.strerror
        )
        return False
    # Not what the error said: it may quote a link.
    LOGGER.error("%s is damaged (%s). It was kept as %s, and what could not be read starts afresh", path, what, aside)
    return True


class Reader:
    """Reads dataclasses from JSON by the types of their own fields.

    A field that is not known is ignored; one that is missing, of a wrong type, or of an enum's value that is not known, takes its
    default. One of many that cannot be read costs that one, and is counted.
    """

    def __init__(self) -> None:
        """Begin to count."""
        self.damaged = 0

    def value(self, kind: Any, data: Any) -> Any:  # noqa: ANN401 - types are values here
        """Return a value of a type. Raises TypeError or ValueError where the data are of another."""
        arguments = get_args(kind)
        if NoneType in arguments:
            return None if data is None else self.value(arguments[0], data)
        if get_origin(kind) is tuple:
            return tuple(item for _, item in self._items(arguments[0], enumerate(_checked(data, list))))
        if get_origin(kind) is dict:
            return dict(self._items(arguments[1], _checked(data, dict).items()))
        if is_dataclass(kind):
            return self._dataclass(kind, _checked(data, dict))
        if kind in _PLAIN:
            return _checked(data, *_PLAIN[kind])
        return _moment(data) if issubclass(kind, datetime) else kind(data)  # an enum

    def _items(self, kind: Any, items: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401 - as above
        """Yield those of many, with their keys, that can be read."""
        for key, data in items:
            try:
                yield key, self.value(kind, data)
            except TypeError, ValueError:
                self.damaged += 1

    def _dataclass(self, kind: Any, data: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        """Return a dataclass. Raises TypeError where a field without a default is missing."""
        values = {}
        for name, type_ in _types(kind):
            if name in data:
                try:
                    values[name] = self.value(type_, data[name])
                except TypeError, ValueError:
                    continue
        return kind(**values)


_PLAIN: Final[dict[Any, tuple[type, ...]]] = {
    bool: (bool,),
    int: (int,),
    float: (float, int),
    str: (str,),
    Mapping[str, Any]: (dict,),
}


@cache
def _types(kind: type) -> list[tuple[str, Any]]:
    """Return the names and types of a dataclass's fields."""
    hints = get_type_hints(kind)
    return [(entry.name, hints[entry.name]) for entry in fields(kind)]


def _checked(data: object, *types: type) -> Any:  # noqa: ANN401 - as above
    """Return the data if they have one of these types; for Python `true` is a number. Raises TypeError."""
    if type(data) not in types:
        raise TypeError(data)
    return data


def _moment(data: object) -> datetime:
    """Return a moment that was written with its time zone. Raises TypeError or ValueError."""
    moment = datetime.fromisoformat(_checked(data, str))
    if moment.tzinfo is None or moment.year not in _YEARS:
        raise ValueError(data)
    return moment
