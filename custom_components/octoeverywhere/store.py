"""What is known of the printers, on the disk: versions, files, and nothing acknowledged that is not there."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
import hashlib
import os
from pathlib import Path
from typing import Any, Final, Self, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import STORAGE_DIR, Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .history import History, Print, Totals
from .payload import NotificationType
from .state import PrinterState, has_type, moment

_VERSION: Final = 1
# The printers are spread over this many files, so that what a notification writes stays as small with hundreds of printers
# as with one. A file exists only where a printer is in it: most people have one. The number is part of the format.
_FILES: Final = 64
_HISTORY: Final = f"{DOMAIN}.history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The newest notification that was announced, as the event entity shows it."""

    at: datetime
    type: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterRecord:
    """What is kept of one printer."""

    state: PrinterState = field(default_factory=PrinterState)
    announcement: Announcement | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what from_dict reads, in types that JSON has."""
        data: dict[str, Any] = {"state": self.state.as_dict()}
        if self.announcement is not None:
            data["announcement"] = {
                "at": self.announcement.at.isoformat(),
                "type": self.announcement.type,
                "data": self.announcement.data,
            }
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what as_dict wrote. Raises KeyError, TypeError or ValueError where it did not."""
        announcement = data.get("announcement")
        return cls(
            state=PrinterState.from_dict(data["state"]),
            announcement=None
            if announcement is None
            else Announcement(
                at=moment(announcement["at"]),
                type=NotificationType(announcement["type"]),
                data=has_type(dict)(announcement["data"]),
            ),
        )


class PrinterStore:
    """The records of all printers."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Name the files; nothing is read yet."""
        self._files = [_PrintersFile(hass, f"{DOMAIN}.{number:02}") for number in range(_FILES)]

    async def async_load(self) -> dict[str, PrinterRecord]:
        """Read everything. A damaged file is set aside, and its printers are not in the result."""
        loaded = await asyncio.gather(*(file.async_read_printers() for file in self._files))
        return {printer_id: record for records in loaded for printer_id, record in records.items()}

    async def async_save(self, printer_id: str, record: PrinterRecord) -> bool:
        """Return whether the record is on the disk now."""
        file = self._file_of(printer_id)
        file.printers[printer_id] = record.as_dict()
        return await file.async_write_printers()

    async def async_forget(self, printer_id: str) -> bool:
        """Return whether the disk has no record of the printer any more."""
        file = self._file_of(printer_id)
        record = file.printers.pop(printer_id, None)
        is_forgotten = await file.async_write_printers()
        if record is not None and not is_forgotten:
            file.printers.setdefault(printer_id, record)
        return is_forgotten

    async def async_remove(self) -> None:
        """Delete everything."""
        await asyncio.gather(*(file.async_remove() for file in self._files))

    def _file_of(self, printer_id: str) -> _PrintersFile:
        """Return the file that a printer is in, always the same one."""
        digest = hashlib.sha256(printer_id.encode()).digest()
        return self._files[digest[0] % _FILES]


class HistoryStore:
    """The histories of all printers, a file for each: one is written when a print ends, and read when somebody looks."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Read nothing yet."""
        self._hass = hass

    async def async_load_totals(self, printer_ids: Iterable[str]) -> dict[str, Totals]:
        """Return the totals of those printers of which a print has ended."""
        names = await self._hass.async_add_executor_job(self._names)
        known = [printer_id for printer_id in printer_ids if _history_name(printer_id) in names]
        totals = await asyncio.gather(*(self._file_of(printer_id).async_read(_read_totals) for printer_id in known))
        return {printer_id: found for printer_id, found in zip(known, totals, strict=True) if found is not None}

    async def async_load(self, printer_id: str) -> History | None:
        """Return the history of a printer, None where there is none that could be read."""
        return await self._file_of(printer_id).async_read(_read_history)

    async def async_save(self, printer_id: str, history: History) -> bool:
        """Return whether the history is on the disk now."""
        data = {"totals": asdict(history.totals), "prints": [known.as_dict() for known in history.prints]}
        return await self._file_of(printer_id).async_write(data)

    async def async_forget(self, printer_id: str) -> None:
        """Delete the history of a printer."""
        await self._file_of(printer_id).async_remove()

    async def async_remove(self) -> None:
        """Delete everything."""
        for name in await self._hass.async_add_executor_job(self._names):
            await _File(self._hass, name).async_remove()

    def _file_of(self, printer_id: str) -> _File:
        """Return the file of a printer."""
        return _File(self._hass, _history_name(printer_id))

    def _names(self) -> set[str]:
        """Return the names of the files that are there."""
        return {path.name for path in Path(self._hass.config.path(STORAGE_DIR)).glob(f"{_HISTORY}.{'[0-9a-f]' * 16}")}


def _history_name(printer_id: str) -> str:
    """Return the name of the file that a printer's history is in: an id may hold what no file's name can."""
    return f"{_HISTORY}.{hashlib.sha256(printer_id.encode()).hexdigest()[:16]}"


def _read_totals(data: Mapping[str, Any]) -> Totals:
    """Read the totals alone, which are all that is needed most of the time."""
    return Totals.from_dict(data["totals"])


def _read_history(data: Mapping[str, Any]) -> History:
    """Read a history."""
    return History(totals=_read_totals(data), prints=tuple(Print.from_dict(known) for known in data["prints"]))


class _File(Store[dict[str, Any]]):
    """One file, which says when it was not written, and is set aside when it cannot be read."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        """Name the file. It holds links to pictures, so nobody else may read it; a power cut leaves the old or the new one."""
        super().__init__(hass, _VERSION, name, private=True, atomic_writes=True)
        self._is_written = True

    async def async_read[T](self, read: Callable[[dict[str, Any]], T]) -> T | None:
        """Return what is in it, None where there is nothing. Home Assistant sets aside what is not JSON, we the rest."""
        try:
            data = await self.async_load()
            return None if data is None else read(data)
        except Exception as err:  # noqa: BLE001 - whatever is in a damaged file, the others can be read
            await self._async_set_aside(err)
            return None

    async def async_write(self, data: dict[str, Any]) -> bool:
        """Return whether this is on the disk now. Writes that are asked for together share one."""
        await self.async_save(data)
        # While Home Assistant stops, it puts off what it is asked to write.
        return self._is_written and not self.hass.is_stopping

    @override
    async def _async_write_data(self, data: dict[str, Any]) -> None:
        """Remember whether the write went well: Store logs the error and keeps it to itself."""
        self._is_written = False
        await super()._async_write_data(data)
        self._is_written = True

    async def _async_set_aside(self, err: Exception) -> None:
        """Keep a file that cannot be read, for somebody who can, and say so."""
        aside = f"{self.path}.corrupt.{dt_util.utcnow().isoformat()}"
        with suppress(OSError):
            await self.hass.async_add_executor_job(os.replace, self.path, aside)
        LOGGER.error(
            "The file %s cannot be read (%r) and was kept as %s; what was in it starts afresh", self.path, err, aside
        )


class _PrintersFile(_File):
    """One file of printers."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        """Start without a printer."""
        super().__init__(hass, name)
        self.printers: dict[str, Any] = {}

    async def async_read_printers(self) -> dict[str, PrinterRecord]:
        """Read the records."""
        return await self.async_read(self._read) or {}

    async def async_write_printers(self) -> bool:
        """Return whether `printers` is on the disk now."""
        return await self.async_write({"printers": self.printers})

    def _read(self, data: dict[str, Any]) -> dict[str, PrinterRecord]:
        """Read the records, and keep them as they are for the next write."""
        records = {printer_id: PrinterRecord.from_dict(record) for printer_id, record in data["printers"].items()}
        self.printers = data["printers"]
        return records
