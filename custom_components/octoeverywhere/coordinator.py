"""One printer: its device, and what its entities show."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol, override

from aiohttp import ClientSession
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, CoreState, Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.event import async_track_point_in_utc_time
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util, slugify
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN, LOGGER, NAME, event_name, is_live_key
from .history import Print, with_prints
from .issues import Issues
from .job import Announcement, Printer, Status, Step, expire, finish_soon, unfinished
from .payload import EVENT_KEYS, Notification, read_url
from .store import Store
from .view import View, view

TICK: Final = timedelta(minutes=5)
"""What can be said of a printer changes with the clock as well. It may be told so late."""
# Of a printer's part of its entities' ids, so that they fit Home Assistant's limit with their keys and domains.
_MAX_OBJECT_ID: Final = 200
_MAX_NAME: Final = 200
# What is due already is told so late: automations are set up one after the other, and each that wants it is to hear it.
_SETTLE: Final = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True, eq=False)
class SoonListener:
    """Somebody who wants to hear, once in each print, that it finishes soon."""

    before: int
    """How many seconds before."""
    wants: Callable[[str], bool]
    """True for the device of a printer that is meant."""
    tell: Callable[[Event[Any]], None]


# They are there for longer than the entry is loaded.
SOON_LISTENERS: Final[HassKey[set[SoonListener]]] = HassKey(f"{DOMAIN}_soon_listeners")


class PrinterAccount(Protocol):
    """What a printer needs of its account, which is that of account.py."""

    issues: Issues
    session: ClientSession
    store: Store

    async def async_change(self, printer_id: str, step_from: Callable[[Printer], Step | None]) -> None:
        """Have what the function returns follow from time that has passed."""

    async def async_receive(self, notification: Notification) -> None:
        """Have something follow that no notification told. Raises RefusedError."""

    async def async_add_entities(self, printer: PrinterCoordinator) -> None:
        """Add entities for what the printer turns out to have."""


class PrinterCoordinator(DataUpdateCoordinator[View]):
    """One printer: its record, its device, and the view that its entities show."""

    live_keys: frozenset[str] = frozenset()
    """The keys of its entities that need a live connection."""
    problem: str | None = None
    """Why it could not be asked."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry[Any],
        printer_id: str,
        printer: Printer,
        account: PrinterAccount,
    ) -> None:
        """Start from what is known of the printer."""
        super().__init__(
            hass, LOGGER, config_entry=entry, name=repr(printer_id), update_interval=TICK, always_update=False
        )
        self.printer_id = printer_id
        self.printer = printer
        """What is known; `data` is what can be said of it now."""
        self.data = self._view()
        self.device_info = DeviceInfo(identifiers={(DOMAIN, printer_id)})
        """What all its entities say of their device."""
        self.object_id = slugify(self.data.name or DOMAIN)[:_MAX_OBJECT_ID].strip("_")
        """What the ids of its entities begin with."""
        self._entry_id = entry.entry_id
        self.device_id = self._async_register_device()
        self._account = account
        self._unique_ids: set[str | None] = set()
        self._announce_to: set[Callable[[Announcement], None]] = set()
        self._cancel_soon: CALLBACK_TYPE = lambda: None

    @override
    async def _async_update_data(self) -> View:
        """Return what can be said now: nothing can be asked of OctoEverywhere."""
        now = dt_util.utcnow()
        if expire(self.printer, now) is not None:
            await self._account.async_change(self.printer_id, partial(expire, now=now))
        return self._view()

    @callback
    @override
    def _async_refresh_finished(self) -> None:
        """Look ahead from what can be said now; the clock may have been set as well."""
        super()._async_refresh_finished()
        self.async_look_ahead()

    def _view(self) -> View:
        """Return what can be said now."""
        return view(self.printer, dt_util.utcnow())

    @callback
    def async_show(self, step: Step) -> None:
        """Take over what is known; update the device and those entities that show something else than before."""
        self.printer = step.printer
        before, self.data = self.data, self._view()
        if self.data != before:
            # Not async_set_updated_data, which would put off the next look at the clock each time.
            self.async_update_listeners()
            if (self.data.name, self.data.quick_view_url) != (before.name, before.quick_view_url):
                self._async_register_device()
        if step.soon:
            self._async_tell_soon(step.soon)
        self.async_look_ahead()

    async def async_get_prints(self) -> list[Print]:
        """Return the prints of the printer, the oldest first, the one under way included. Raises HomeAssistantError."""
        try:
            filed = await self.hass.async_add_executor_job(self._account.store.read_prints, self.printer_id)
        except OSError as err:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_read") from err
        newest = unfinished(self.printer, dt_util.utcnow())
        prints = with_prints(filed, self.printer.unfiled)
        return sorted((*prints, *([newest] if newest else [])), key=lambda print_: print_.started_at)

    async def async_file_prints(self) -> None:
        """File the prints that have ended. Raises OSError."""
        await self.hass.async_add_executor_job(self._account.store.file_prints, self.printer_id, self.printer.unfiled)
        self.printer = replace(self.printer, unfiled=())

    @callback
    def async_on_announcement(self, listener: Callable[[Announcement], None]) -> CALLBACK_TYPE:
        """Call the listener with each notification, once the state has been updated."""
        self._announce_to.add(listener)
        return partial(self._announce_to.discard, listener)

    @callback
    def async_announce(self, announcement: Announcement) -> None:
        """Tell the event entity."""
        for listener in tuple(self._announce_to):
            listener(announcement)

    def event_data(self, announcement: Announcement) -> dict[str, Any]:
        """Return what an announcement says, and of which device."""
        return {"device_id": self.device_id, **announcement.data}

    # Its entities.

    def new_entities[E: Entity](self, entities: Iterable[E]) -> list[E]:
        """Return those entities that are asked for the first time."""
        new = [entity for entity in entities if entity.unique_id not in self._unique_ids]
        self._unique_ids.update(entity.unique_id for entity in new)
        return new

    @callback
    def async_live_entities(self) -> dict[str, str]:
        """Return the ids of those entities in the registry that need a live connection, by their keys."""
        entities = er.async_entries_for_device(er.async_get(self.hass), self.device_id, include_disabled_entities=True)
        prefix = f"{self.printer_id}_"
        keys = {entity.unique_id.removeprefix(prefix): entity.entity_id for entity in entities}
        return {key: entity_id for key, entity_id in keys.items() if is_live_key(key)}

    # Who wants to hear that the print finishes soon.

    @callback
    def async_look_ahead(self) -> None:
        """See to it that those who want to hear that the print finishes soon hear it in time."""
        self._cancel_soon()
        moments = self._soon_moments().values()
        if moments and self.hass.state is CoreState.running:
            at, now = min(moments), dt_util.utcnow()
            self._cancel_soon = async_track_point_in_utc_time(
                self.hass, self._async_is_soon, at if at > now else now + _SETTLE
            )

    async def _async_is_soon(self, now: datetime) -> None:
        """Have it saved that somebody is told, which comes back as _async_tell_soon."""
        due = [before for before, at in self._soon_moments().items() if at <= now]
        await self._account.async_change(self.printer_id, partial(finish_soon, due=due))

    def _soon_moments(self) -> dict[int, datetime]:
        """Return when the print will have only so many seconds left, for each that somebody wants to hear and has not yet."""
        finish, job = self.data.estimated_finish, self.printer.job
        if self.data.status is not Status.PRINTING or finish is None or not job.is_open:
            return {}
        wanted = {listener.before for listener in self._soon_listeners()}.difference(job.soon)
        return {before: finish - timedelta(seconds=before) for before in wanted}

    @callback
    def _async_tell_soon(self, soon: Iterable[int]) -> None:
        """Tell those who want to hear that the print finishes in so many seconds."""
        finish = self.data.estimated_finish
        left = finish and max(0, round((finish - dt_util.utcnow()).total_seconds()))
        data = {key: getattr(self.data, key, None) for key in EVENT_KEYS} | {
            "device_id": self.device_id,
            "printer_id": self.printer_id,
            "printer_name": self.data.name,
            "type": "finishes_soon",
            "duration": self.data.print_duration,
            "time_remaining": left,
            "estimated_finish": finish and finish.isoformat(),
            "extra": {},
        }
        event: Event[Any] = Event(event_name("finishes_soon"), data)
        for listener in self._soon_listeners():
            if listener.before in soon:
                listener.tell(event)

    def _soon_listeners(self) -> list[SoonListener]:
        """Return those who want to hear when the print of this printer finishes soon."""
        return [listener for listener in self.hass.data.get(SOON_LISTENERS, ()) if listener.wants(self.device_id)]

    @override
    async def async_shutdown(self) -> None:
        """Look ahead no more."""
        self._cancel_soon()
        await super().async_shutdown()

    @callback
    def _async_register_device(self) -> str:
        """Create or update the device and return its id. Without a name it gets a translated one."""
        name = self.data.name and self.data.name[:_MAX_NAME].rstrip()
        device = dr.async_get(self.hass).async_get_or_create(
            config_entry_id=self._entry_id,
            identifiers={(DOMAIN, self.printer_id)},
            manufacturer=NAME,
            name=name,
            configuration_url=read_url(self.data.quick_view_url),  # which a damaged file may have made into none
            translation_key=None if name else "printer",
        )
        return device.id


def printer_ids(device: dr.AnyDeviceEntry) -> set[str]:
    """Return which printers a device is: one, unless somebody else has made it."""
    return {printer_id for domain, printer_id in device.identifiers if domain == DOMAIN}
