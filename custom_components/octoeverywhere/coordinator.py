"""The printers of the account: who is known, what they look like in Home Assistant, and who hears of a notification."""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, Final, override
from weakref import WeakValueDictionary

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import MAX_LENGTH_STATE_STATE
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.device_registry import DeviceInfo
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import EntityPlatform, async_get_current_platform
from homeassistant.helpers.start import async_at_started
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator
from homeassistant.util import dt as dt_util

from .clock import Alarm
from .const import DOMAIN, LOGGER, NAME, event_name
from .history import History, Print, Totals, may_change, remember, unfinished
from .issues import Issues
from .payload import RETRIED_FOR, Notification
from .state import PrinterState, as_counted, as_shown, is_about_a_printer, is_late, is_silent, reduce, silent_from
from .store import Announcement, HistoryStore, PrinterRecord, PrinterStore

type OctoEverywhereConfigEntry = ConfigEntry[Account]


# Far more than there are retries under way at a time.
_REMEMBERED_UNANSWERED: Final = 32
# Notifications that wait for the disk, or for Home Assistant to start. With more, somebody floods it.
_MAX_PENDING: Final = 128
# Home Assistant allows a config entry 10,000 entities; what comes from more printers is announced, but gets no device.
_MAX_PRINTERS: Final = 450

_KEPT_FOR_DIAGNOSTICS: Final = 10

type CreateEntities = Callable[[PrinterCoordinator], Iterable[Entity]]


class PrinterCoordinator(DataUpdateCoordinator[PrinterState]):
    """One printer: its state, its device, and the entities that show it."""

    config_entry: OctoEverywhereConfigEntry

    def __init__(
        self,
        hass: HomeAssistant,
        entry: OctoEverywhereConfigEntry,
        printer_id: str,
        record: PrinterRecord,
        totals: Totals,
    ) -> None:
        """Start from what is known of the printer."""
        super().__init__(hass, LOGGER, config_entry=entry, name=printer_id)
        self.printer_id = printer_id
        self.state = record.state
        """What is known; `data` is what can be said of it now."""
        self.data = as_shown(record.state, dt_util.utcnow())
        self.totals = totals
        self.unsaved: History | None = None
        """The history, where the disk did not take it."""
        self.announcement = record.announcement
        self.device_info = DeviceInfo(identifiers={(DOMAIN, printer_id)})
        """What all its entities say of their device."""
        self._silence = Alarm(hass, self._async_fall_silent)
        self.device_id = self._async_register_device()
        self.is_added = False
        """Whether its entities are there."""
        self._unanswered: deque[tuple[str, float]] = deque(maxlen=_REMEMBERED_UNANSWERED)
        """Fingerprints of what was shown and announced, but not answered with 200, and when."""
        self._announce_to: set[Callable[[Announcement], None]] = set()
        self._async_await_silence()

    @override
    async def _async_update_data(self) -> PrinterState:
        """Return what is known: nothing can be asked of OctoEverywhere."""
        return as_shown(self.state, dt_util.utcnow())

    @override
    async def async_shutdown(self) -> None:
        """Wait for nothing any more."""
        self._silence.async_set(None)
        await super().async_shutdown()

    @callback
    def async_on_announcement(self, listener: Callable[[Announcement], None]) -> CALLBACK_TYPE:
        """Call the listener with each notification, once the state has been updated."""
        self._announce_to.add(listener)
        return partial(self._announce_to.discard, listener)

    @callback
    def async_show(self, state: PrinterState, totals: Totals) -> None:
        """Update the device and those entities that show something else than before."""
        self.state = state
        self._async_await_silence()
        before, now = self.data, as_shown(state, dt_util.utcnow())
        if (now, totals) == (before, self.totals):
            return
        self.totals = totals
        self.async_set_updated_data(now)
        if (now.name, now.quick_view_url) != (before.name, before.quick_view_url):
            self._async_register_device()

    @callback
    def _async_await_silence(self) -> None:
        """Look again at the moment from which a print that goes on is no longer believed to."""
        self._silence.async_set(None if is_silent(self.state, dt_util.utcnow()) else silent_from(self.state))

    @callback
    def _async_fall_silent(self) -> None:
        self.async_show(self.state, self.totals)

    @callback
    def async_expect(self, notification: Notification) -> None:
        """Expect to get a notification again that was shown and announced, but not answered with 200."""
        self._unanswered.append((notification.fingerprint, self.hass.loop.time()))

    def is_expected(self, notification: Notification) -> bool:
        """Tell whether a notification was expected to be sent again."""
        since = self.hass.loop.time() - RETRIED_FOR.total_seconds()
        return any(known == notification.fingerprint and at > since for known, at in self._unanswered)

    @callback
    def async_meet(self, notification: Notification) -> bool:
        """Expect it no longer; return whether it was expected."""
        is_expected = self.is_expected(notification)
        others = (entry for entry in self._unanswered if entry[0] != notification.fingerprint)
        self._unanswered = deque(others, maxlen=_REMEMBERED_UNANSWERED)
        return is_expected

    @callback
    def async_announce(self, announcement: Announcement) -> None:
        """Tell the event entity."""
        for listener in tuple(self._announce_to):
            listener(announcement)

    def event_data(self, announcement: Announcement) -> dict[str, Any]:
        """Return what an announcement says, and of which device."""
        return {"device_id": self.device_id, **announcement.data}

    @callback
    def _async_register_device(self) -> str:
        """Create or update the device and return its id. Without a name it gets a translated one."""
        return (
            dr.async_get(self.hass)
            .async_get_or_create(
                config_entry_id=self.config_entry.entry_id,
                identifiers={(DOMAIN, self.printer_id)},
                manufacturer=NAME,
                name=self.data.name and self.data.name[:MAX_LENGTH_STATE_STATE],
                configuration_url=self.data.quick_view_url,
                translation_key=None if self.data.name else "printer",
            )
            .id
        )


class Account:
    """All printers that post to the webhook."""

    def __init__(self, hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
        """Remember whose account it is; async_load fills it."""
        self.printers: dict[str, PrinterCoordinator] = {}
        self.issues = Issues(hass, entry)
        # For diagnostics, since Home Assistant started or the entry was loaded anew.
        self.accepted = 0
        self.late = 0
        self.refused: Counter[str] = Counter()
        self.recent: deque[Announcement] = deque(maxlen=_KEPT_FOR_DIAGNOSTICS)
        self._hass = hass
        self._entry = entry
        self._store = PrinterStore(hass)
        self._histories = HistoryStore(hass)
        self._platforms: list[tuple[EntityPlatform, CreateEntities]] = []
        self._has_warned = False
        self._pending = 0
        # One notification of a printer after the other; printers do not wait for each other.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def async_load(self) -> None:
        """Bring back the printers from the store, and those whose file was lost from their devices."""
        devices = async_get_devices(self._hass, self._entry)
        records = await self._store.async_load(devices)
        for printer_id, device in devices.items():
            known = PrinterState(name=device.name, quick_view_url=device.configuration_url)
            records.setdefault(printer_id, PrinterRecord(state=known))
        totals = await self._histories.async_load_totals(records)
        for printer_id, record in records.items():
            self._async_add_printer(printer_id, record, totals.get(printer_id, Totals())).is_added = True

    async def async_add_platform(self, create: CreateEntities) -> None:
        """Add the current platform's entities for every printer, known or to come."""
        platform = async_get_current_platform()
        self._platforms.append((platform, create))
        await platform.async_add_entities(entity for printer in self.printers.values() for entity in create(printer))

    @property
    def is_busy(self) -> bool:
        """Tell whether so much is waiting that a notification should rather be sent again later."""
        return self._pending >= _MAX_PENDING

    async def async_receive(self, notification: Notification) -> bool:
        """Save, show and announce a notification; return whether it was saved.

        Goes on to the end where its caller, whom Home Assistant stops when the sender hangs up, is cancelled.
        """
        self._pending += 1
        work = self._hass.async_create_task(self._async_receive(notification))
        work.add_done_callback(self._async_note_done)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            work.add_done_callback(partial(self._async_remember_unanswered, notification))
            raise

    @callback
    def _async_note_done(self, _: asyncio.Task[bool]) -> None:
        self._pending -= 1

    async def _async_receive(self, notification: Notification) -> bool:
        """Save, show and announce a notification; return whether it was saved."""
        now = dt_util.utcnow()
        announcement = Announcement(at=now, data=notification.as_event_data(now))
        async with self._lock(notification.printer_id):
            printer = self.printers.get(notification.printer_id)
            if printer is None and not self._may_add_printer(notification):
                self._async_announce(announcement)
                is_saved = not self._hass.is_stopping
            else:
                printer = printer or self._async_add_new_printer(notification)
                is_saved = await self._async_work_on(printer, notification, announcement)
        self.accepted += is_saved
        self.recent.append(announcement)
        self.issues.async_note_accepted(notification.type)
        return is_saved

    async def _async_work_on(
        self, printer: PrinterCoordinator, notification: Notification, announcement: Announcement
    ) -> bool:
        """Save, show and announce a notification of a printer; return whether it was saved."""
        now, is_old = announcement.at, is_late(printer.state, notification, announcement.at)
        self.late += is_old
        state = reduce(printer.state, notification, now)
        if state.elapsed_before and not is_old:
            announcement = Announcement(at=now, data=as_counted(state, notification).as_event_data(now))
        # First, and the same however often it is repeated: a crash in between is followed by the notification sent again.
        totals = await self._async_remember(printer, notification, now)
        newest = printer.announcement if printer.is_expected(notification) else announcement
        is_saved = totals is not None and await self._store.async_save(
            printer.printer_id, PrinterRecord(state=state, announcement=newest)
        )
        printer.async_show(state, totals or printer.totals)
        if not printer.is_added:
            await self._async_add_entities(printer)
        if not printer.async_meet(notification):
            printer.announcement = announcement
            self._async_announce(announcement, printer)
        if not is_saved:
            printer.async_expect(notification)
        return is_saved

    async def _async_remember(
        self, printer: PrinterCoordinator, notification: Notification, now: datetime
    ) -> Totals | None:
        """Remember a print that has ended; return the totals, None where the disk did not take it."""
        if printer.unsaved is None and not may_change(printer.state, notification, now):
            return printer.totals
        before = await self._async_history(printer)
        after = remember(before, printer.state, notification, now)
        if after is before and printer.unsaved is None:
            return after.totals
        is_saved = await self._histories.async_save(printer.printer_id, after)
        printer.unsaved = None if is_saved else after
        return after.totals if is_saved else None

    async def async_get_prints(self, printer: PrinterCoordinator) -> list[Print]:
        """Return the prints of a printer, the oldest first, the one under way included."""
        history = await self._async_history(printer)
        newest = unfinished(printer.state, dt_util.utcnow())
        prints = history.prints
        if newest is not None and history.find(newest.print_id, newest.started_at) is None:
            prints = (*prints, newest)
        return sorted(prints, key=lambda print_: print_.started_at)

    async def _async_history(self, printer: PrinterCoordinator) -> History:
        """Return what is remembered of a printer, whether or not the disk took it."""
        stored = printer.unsaved or await self._histories.async_load(printer.printer_id)
        return stored or History(totals=printer.totals)

    @callback
    def _async_remember_unanswered(self, notification: Notification, work: asyncio.Task[bool]) -> None:
        """Expect a notification once more whose sender did not wait for the answer."""
        printer = self.printers.get(notification.printer_id)
        # Where it was not saved, that is remembered already.
        is_saved = not work.cancelled() and work.exception() is None and work.result()
        if printer is not None and is_saved:
            printer.async_expect(notification)

    async def async_forget(self, printer_id: str) -> None:
        """Forget a printer and remove its device. Raises HomeAssistantError."""
        async with self._lock(printer_id):
            if not (await self._histories.async_forget(printer_id) and await self._store.async_forget(printer_id)):
                raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_saved")
            if printer := self.printers.pop(printer_id, None):
                # Here rather than by our caller, so that no notification comes in between and finds the old device.
                dr.async_get(self._hass).async_remove_device(printer.device_id)
                await printer.async_shutdown()

    async def async_finish(self) -> None:
        """Return when no notification is being worked on."""
        for lock in list(self._locks.values()):
            async with lock:
                pass

    def _lock(self, printer_id: str) -> asyncio.Lock:
        """Return the lock of a printer, which lasts as long as somebody holds it or waits for it."""
        return self._locks.setdefault(printer_id, asyncio.Lock())

    async def _async_add_entities(self, printer: PrinterCoordinator) -> None:
        """Add the entities of a printer that was heard of for the first time."""
        # Unlike the callback that a platform gets, its own method says when the entities are there to be told.
        for platform, create in self._platforms:
            await platform.async_add_entities(create(printer))
        printer.is_added = True

    def _may_add_printer(self, notification: Notification) -> bool:
        """Tell whether a notification of a printer that is not known makes it known."""
        if not is_about_a_printer(notification):
            return False
        if len(self.printers) < _MAX_PRINTERS:
            return True
        if not self._has_warned:
            self._has_warned = True
            LOGGER.warning("Only the first %s printers get a device, others are only announced", _MAX_PRINTERS)
        return False

    @callback
    def _async_add_new_printer(self, notification: Notification) -> PrinterCoordinator:
        """Remember a printer that was heard of for the first time."""
        known = PrinterState(name=notification.printer_name, quick_view_url=notification.quick_view_url)
        return self._async_add_printer(notification.printer_id, PrinterRecord(state=known), Totals())

    @callback
    def _async_add_printer(self, printer_id: str, record: PrinterRecord, totals: Totals) -> PrinterCoordinator:
        """Remember a printer."""
        printer = PrinterCoordinator(self._hass, self._entry, printer_id, record, totals)
        self.printers[printer_id] = printer
        return printer

    @callback
    def _async_announce(self, announcement: Announcement, printer: PrinterCoordinator | None = None) -> None:
        """Tell the event entity and Home Assistant's bus, in this order, once there are automations to hear it."""

        @callback
        def announce(hass: HomeAssistant) -> None:
            self._pending -= 1
            data = {"device_id": None, **announcement.data}
            if printer is not None:
                printer.async_announce(announcement)
                data = printer.event_data(announcement)
            hass.bus.async_fire(event_name(announcement.type), data)

        self._pending += 1
        async_at_started(self._hass, announce)


def printer_ids(device: dr.AnyDeviceEntry) -> set[str]:
    """Return which printers a device is: one, unless somebody else has made it."""
    return {printer_id for domain, printer_id in device.identifiers if domain == DOMAIN}


@callback
def async_get_devices(hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> dict[str, dr.DeviceEntry]:
    """Return the devices of the printers, by the printers' ids; after a crash those of new printers may be missing."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    return {printer_id: device for device in devices for printer_id in printer_ids(device)}


@callback
def async_get_account(hass: HomeAssistant) -> Account | None:
    """Return the account, as long as the config entry is loaded."""
    entries: list[OctoEverywhereConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return entries[0].runtime_data if entries else None


@callback
def async_get_printer(hass: HomeAssistant, device_id: str) -> PrinterCoordinator | None:
    """Return the printer that a device is, as long as the config entry is loaded."""
    account = async_get_account(hass)
    printers = account.printers.values() if account is not None else ()
    return next((printer for printer in printers if printer.device_id == device_id), None)
