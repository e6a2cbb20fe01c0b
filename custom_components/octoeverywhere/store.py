"""What is known of the printers, on the disk: versions, files, and nothing acknowledged that is not there."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from errno import EMFILE, ENFILE, ENOMEM
import hashlib
import os
from typing import Any, Final, Self, override

from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER
from .history import History, Print, Totals
from .json_fields import has_type, moment
from .payload import NotificationType
from .state import PrinterState

_VERSION: Final = 1
# What the computer lacks for a moment.
_PASSING: Final = (EMFILE, ENFILE, ENOMEM)


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """The newest notification that was announced, as the event entity shows it."""

    at: datetime
    data: Mapping[str, Any]

    @property
    def type(self) -> str:
        """What it says."""
        return str(self.data["type"])


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
                "data": self.announcement.data,
            }
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what as_dict wrote. Raises KeyError, TypeError or ValueError where it did not."""
        announcement = data.get("announcement")
        return cls(
            state=PrinterState.from_dict(data["state"]),
            announcement=None if announcement is None else _read_announcement(announcement),
        )


class PrinterStore:
    """The records of all printers, a file for each: what a notification writes is as small with hundreds of them as with one."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Read nothing yet."""
        self._files = _Files(hass, f"{DOMAIN}.printer")
        self._index = _File(hass, f"{DOMAIN}.printers")
        # Whose files there are: after a crash the device registry may not know of a new printer.
        self._printer_ids: set[str] = set()

    async def async_load(self, printer_ids: Iterable[str]) -> dict[str, PrinterRecord]:
        """Read everything, of these printers and of all others. A damaged file is set aside, its printer not in the result."""
        self._printer_ids = await self._async_whose(printer_ids)
        return await self._files.async_read_all(self._printer_ids, PrinterRecord.from_dict)

    async def async_save(self, printer_id: str, record: PrinterRecord) -> bool:
        """Return whether the record is on the disk now."""
        if printer_id not in self._printer_ids:
            self._printer_ids.add(printer_id)
            if not await self._async_write_index():
                self._printer_ids.discard(printer_id)
                return False
        return await self._files.of(printer_id).async_write(record.as_dict())

    async def async_forget(self, printer_id: str) -> bool:
        """Return whether the disk has no record of the printer any more."""
        if not await self._files.of(printer_id).async_delete():
            return False
        self._printer_ids.discard(printer_id)
        await self._async_write_index()
        return True

    async def async_remove(self, printer_ids: Iterable[str]) -> set[str]:
        """Delete everything, of these printers and of all others; return whose it was."""
        found = await self._async_whose(printer_ids)
        await self._files.async_remove(found)
        await self._index.async_delete()
        return found

    async def _async_whose(self, printer_ids: Iterable[str]) -> set[str]:
        """Return whose files there may be, these printers among them."""
        return {*printer_ids, *(await self._index.async_read(_read_printer_ids) or ())}

    async def _async_write_index(self) -> bool:
        """Return whether the disk knows whose files there are."""
        return await self._index.async_write({"printer_ids": sorted(self._printer_ids)})


class HistoryStore:
    """The histories of all printers, a file for each: one is written when a print ends, and read when somebody looks."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Read nothing yet."""
        self._files = _Files(hass, f"{DOMAIN}.history")

    async def async_load_totals(self, printer_ids: Iterable[str]) -> dict[str, Totals]:
        """Return the totals of those printers of which a print has ended."""
        return await self._files.async_read_all(printer_ids, _read_totals)

    async def async_load(self, printer_id: str) -> History | None:
        """Return the history of a printer, None where there is none that could be read."""
        return await self._files.of(printer_id).async_read(_read_history)

    async def async_save(self, printer_id: str, history: History) -> bool:
        """Return whether the history is on the disk now."""
        data = {"totals": asdict(history.totals), "prints": [known.as_dict() for known in history.prints]}
        return await self._files.of(printer_id).async_write(data)

    async def async_forget(self, printer_id: str) -> bool:
        """Return whether the disk has no history of the printer any more."""
        return await self._files.of(printer_id).async_delete()

    async def async_remove(self, printer_ids: Iterable[str]) -> None:
        """Delete the histories of these printers."""
        await self._files.async_remove(printer_ids)


def _read_announcement(data: Mapping[str, Any]) -> Announcement:
    """Read the newest notification. Raises KeyError, TypeError or ValueError where there is something else."""
    announcement = Announcement(at=moment(data["at"]), data=has_type(dict)(data["data"]))
    NotificationType(announcement.type)
    return announcement


def _read_printer_ids(data: Mapping[str, Any]) -> set[str]:
    """Read whose files there are."""
    return set(map(has_type(str), has_type(list)(data["printer_ids"])))


def _read_totals(data: Mapping[str, Any]) -> Totals:
    """Read the totals alone, which are all that is needed most of the time."""
    return Totals.from_dict(data["totals"])


def _read_history(data: Mapping[str, Any]) -> History:
    """Read a history."""
    return History(totals=_read_totals(data), prints=tuple(Print.from_dict(known) for known in data["prints"]))


class _Files:
    """The files of one kind, one for each printer."""

    def __init__(self, hass: HomeAssistant, kind: str) -> None:
        """Name the kind."""
        self._hass = hass
        self._kind = kind

    def of(self, printer_id: str) -> _File:
        """Return a printer's file, whether or not it exists."""
        # An id may hold what no file's name can. So much of a hash is enough for any number of printers.
        digest = hashlib.sha256(printer_id.encode()).hexdigest()[:16]
        # A new object each time: who reads with another and gives up would take the other along.
        return _File(self._hass, f"{self._kind}.{digest}")

    async def async_read_all[T](
        self, printer_ids: Iterable[str], read: Callable[[Mapping[str, Any]], T]
    ) -> dict[str, T]:
        """Return what is in the files of these printers, as far as there is something."""
        known = list(printer_ids)
        found = await asyncio.gather(*(self.of(printer_id).async_read(read) for printer_id in known))
        return {printer_id: data for printer_id, data in zip(known, found, strict=True) if data is not None}

    async def async_remove(self, printer_ids: Iterable[str]) -> None:
        """Delete the files of these printers."""
        await asyncio.gather(*(self.of(printer_id).async_delete() for printer_id in printer_ids))


class _File(Store[dict[str, Any]]):
    """One file, which says when it was not written, and is set aside when it cannot be read."""

    def __init__(self, hass: HomeAssistant, name: str) -> None:
        """Name the file. It holds links to pictures, so nobody else may read it; a power cut leaves the old or the new one."""
        super().__init__(hass, _VERSION, name, private=True, atomic_writes=True)
        self._is_written = True

    async def async_read[T](self, read: Callable[[dict[str, Any]], T]) -> T | None:
        """Return what is in it, None where there is nothing. Home Assistant sets aside what is not JSON, we the rest.

        Raises HomeAssistantError where it is well and may be read later.
        """
        try:
            data = await self.async_load()
            return None if data is None else read(data)
        except Exception as err:  # whatever is in a damaged file, the others can be read
            if isinstance(err.__cause__, OSError) and err.__cause__.errno in _PASSING:
                raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_read") from err
            await self._async_set_aside(err)
            return None

    async def async_write(self, data: dict[str, Any]) -> bool:
        """Return whether this is on the disk now. Writes that are asked for together share one."""
        await self.async_save(data)
        # While Home Assistant stops, it puts off what it is asked to write.
        return self._is_written and not self.hass.is_stopping

    async def async_delete(self) -> bool:
        """Return whether it is gone."""
        try:
            await self.async_remove()
        except OSError as err:
            LOGGER.error("The file %s cannot be deleted (%r)", self.path, err)
            return False
        return True

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
        # Not what the error says: it may quote a link.
        LOGGER.error(
            "The file %s cannot be read (%s) and was kept as %s; what was in it starts afresh",
            self.path,
            type(err).__name__,
            aside,
        )
