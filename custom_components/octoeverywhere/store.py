"""What is known of the printers, on the disk: versions, files, and nothing acknowledged that is not there."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
import hashlib
import os
from typing import Any, Final, Self, override

from homeassistant.core import HomeAssistant
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .payload import NotificationType
from .state import PrinterState, moment

_VERSION: Final = 1
# The printers are spread over this many files, so that what a notification writes stays as small with hundreds of printers
# as with one. A file exists only where a printer is in it: most people have one. The number is part of the format.
_FILES: Final = 64


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
            announcement=announcement
            and Announcement(
                at=moment(announcement["at"]),
                type=NotificationType(announcement["type"]),
                data=dict(announcement["data"]),
            ),
        )


class PrinterStore:
    """The records of all printers."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Name the files; nothing is read yet."""
        self._files = [_File(hass, number) for number in range(_FILES)]

    async def async_load(self) -> dict[str, PrinterRecord]:
        """Read everything. A damaged file is set aside, and its printers are not in the result."""
        loaded = await asyncio.gather(*(file.async_read() for file in self._files))
        return {printer_id: record for records in loaded for printer_id, record in records.items()}

    async def async_save(self, printer_id: str, record: PrinterRecord) -> bool:
        """Return whether the record is on the disk now."""
        file = self._file_of(printer_id)
        file.printers[printer_id] = record.as_dict()
        return await file.async_write()

    async def async_forget(self, printer_id: str) -> bool:
        """Return whether the disk has no record of the printer any more."""
        file = self._file_of(printer_id)
        record = file.printers.pop(printer_id, None)
        is_forgotten = await file.async_write()
        if record is not None and not is_forgotten:
            file.printers.setdefault(printer_id, record)
        return is_forgotten

    async def async_remove(self) -> None:
        """Delete everything."""
        await asyncio.gather(*(file.async_remove() for file in self._files))

    def _file_of(self, printer_id: str) -> _File:
        """Return the file that a printer is in, always the same one."""
        digest = hashlib.sha256(printer_id.encode()).digest()
        return self._files[digest[0] % _FILES]


class _File(Store[dict[str, Any]]):
    """One file of printers, which says when it was not written."""

    def __init__(self, hass: HomeAssistant, number: int) -> None:
        """Name the file. It holds links to pictures, so nobody else may read it; a power cut leaves the old or the new one."""
        super().__init__(
            hass,
            _VERSION,
            f"{DOMAIN}.{number:02}",
            private=True,
            atomic_writes=True,
        )
        self.printers: dict[str, Any] = {}
        self._is_written = True

    async def async_read(self) -> dict[str, PrinterRecord]:
        """Read the records. Home Assistant sets aside what is not JSON, we what is not ours to read."""
        try:
            data = await self.async_load() or {"printers": {}}
            records = {printer_id: PrinterRecord.from_dict(record) for printer_id, record in data["printers"].items()}
        except Exception as err:  # noqa: BLE001 - whatever is in a damaged file, the others can be read
            await self._async_set_aside(err)
            return {}
        self.printers = data["printers"]
        return records

    async def async_write(self) -> bool:
        """Return whether `printers` is on the disk now. Writes that are asked for together share one."""
        await self.async_save({"printers": self.printers})
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
            "The file %s cannot be read (%r) and was kept as %s; the printers in it start afresh",
            self.path,
            err,
            aside,
        )
