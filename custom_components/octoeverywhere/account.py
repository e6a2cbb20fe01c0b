"""The account: which printers there are, and the one queue through which everything passes that changes what is known of them."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Set as AbstractSet
from copy import copy
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from aiohttp import DummyCookieJar
from homeassistant.config_entries import ConfigEntry
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.aiohttp_client import async_create_clientsession
from homeassistant.helpers.debounce import Debouncer
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import EntityPlatform, async_get_current_platform
from homeassistant.helpers.start import async_at_started
from homeassistant.util import dt as dt_util

from .const import DOMAIN, LOGGER, event_name
from .coordinator import SOON_LISTENERS, PrinterCoordinator, SoonListener, printer_ids
from .door import Knocks, Refusal, RefusedError
from .issues import Issues
from .job import Announcement, Printer, Relation, Step, decide
from .live_coordinator import LiveCoordinator
from .payload import Notification, Source
from .store import Store

type OctoEverywhereConfigEntry = ConfigEntry[Account]
type CreateEntities = Callable[[PrinterCoordinator], Iterable[Entity]]

# With more that wait, for the disk or for Home Assistant to start, somebody floods it.
_MAX_WAITING: Final = 128
# Home Assistant allows a config entry 10,000 entities; what comes from more printers is announced, but gets no device.
_MAX_PRINTERS: Final = 450
_KEPT_FOR_DIAGNOSTICS: Final = 10
# Seconds after which it is tried again to write what the disk did not take.
_TRY_AGAIN: Final = 60


@dataclass(eq=False, kw_only=True)
class _Change:
    """Something that changes what is known of a printer, and waits for its turn."""

    printer_id: str
    step_from: Callable[[Printer], Step | None]
    """Returns what follows from it, for what is known of the printer by then."""
    may_add: bool
    """True if a printer that is not known becomes known by it."""
    done: asyncio.Future[None]


class Account:
    """All printers that post to the webhook."""

    def __init__(self, hass: HomeAssistant, entry: OctoEverywhereConfigEntry) -> None:
        """Remember whose account it is; async_load fills it."""
        self.printers: dict[str, PrinterCoordinator] = {}
        self.issues = Issues(hass, entry)
        self.knocks = Knocks()
        self.recent: deque[Announcement] = deque(maxlen=_KEPT_FOR_DIAGNOSTICS)
        """The newest announcements, for diagnostics."""
        self._hass = hass
        self._entry = entry
        self.store = Store(hass)
        # Its own, since one printer's cookies are none of another's.
        self.session = async_create_clientsession(hass, cookie_jar=DummyCookieJar())
        self._waiting: list[_Change] = []
        # Held by whoever works on what waits.
        self._lock = asyncio.Lock()
        self._unannounced = 0
        self._platforms: list[tuple[EntityPlatform, CreateEntities]] = []
        self.connections = {subentry_id: copy(subentry) for subentry_id, subentry in entry.subentries.items()}
        """The live connections as they are in use; Home Assistant changes its own in place."""
        self._has_warned = False
        self._is_unsaved = False
        self._retry = Debouncer(hass, LOGGER, cooldown=_TRY_AGAIN, immediate=False, function=self.async_work)

    # From the start to the end.

    async def async_load(self) -> None:
        """Bring back the printers from the disk, and from their devices those that it has lost. Raises OSError."""
        printers = await self._hass.async_add_executor_job(self.store.read)
        for device in dr.async_entries_for_config_entry(dr.async_get(self._hass), self._entry.entry_id):
            for printer_id in printer_ids(device):
                printers.setdefault(printer_id, Printer(name=device.name, quick_view_url=device.configuration_url))
        for printer_id, printer in printers.items():
            self._async_add_printer(printer_id, printer)
        self._entry.async_on_unload(async_at_started(self._hass, self.async_look_ahead))
        stop = self._hass.bus.async_listen_once(EVENT_HOMEASSISTANT_FINAL_WRITE, self.async_work)
        self._entry.async_on_unload(stop)
        self._entry.async_on_unload(self._retry.async_shutdown)

    async def async_add_platform(self, create: CreateEntities) -> None:
        """Add the current platform's entities for every printer, known or to come."""
        platform = async_get_current_platform()
        self._platforms.append((platform, create))
        await platform.async_add_entities(
            entity for printer in self.printers.values() for entity in printer.new_entities(create(printer))
        )

    async def async_add_live_platform(self, create: Callable[[LiveCoordinator], Iterable[Entity]]) -> None:
        """Add the current platform's entities for every printer with a live connection, known or to come."""
        await self.async_add_platform(lambda printer: create(printer) if isinstance(printer, LiveCoordinator) else ())

    async def async_add_entities(self, printer: PrinterCoordinator) -> None:
        """Add what a printer has now and had not before, and return when it is there to be told."""
        for platform, create in self._platforms:
            # Unlike the callback that a platform gets, its own method can be waited for.
            await platform.async_add_entities(printer.new_entities(create(printer)))

    # The queue: decide, save, show, announce.

    async def async_receive(self, notification: Notification) -> None:
        """Return when a notification is saved, shown and announced, which goes on where the caller gives up.

        What the disk does not take is saved as soon as it does. Raises RefusedError where too many wait.
        """
        if len(self._waiting) + self._unannounced >= _MAX_WAITING:
            raise RefusedError(Refusal.NOT_READY)
        now = dt_util.utcnow()
        await self.async_change(
            notification.printer_id,
            lambda printer: decide(printer, notification, now),
            # What polling saw of a printer that is not known is of one that was removed.
            may_add=notification.is_about_a_printer and notification.source is not Source.LIVE,
        )

    async def async_change(
        self, printer_id: str, step_from: Callable[[Printer], Step | None], *, may_add: bool = False
    ) -> None:
        """Return when what follows is saved, shown and told, which goes on where the caller gives up."""
        done = self._hass.loop.create_future()
        self._waiting.append(_Change(printer_id=printer_id, step_from=step_from, may_add=may_add, done=done))
        if len(self._waiting) == 1:  # whoever waits already has brought somebody who works
            self._hass.async_create_task(self.async_work())
        await done

    async def async_work(self, _: object = None) -> None:
        """Return when nothing waits any more, and everything is saved that the disk takes: what waits together shares one write."""
        async with self._lock:
            if self._waiting or self._is_unsaved:
                changes, self._waiting = self._waiting, []
                await self._async_work_on(changes)
                await self._async_file_prints()

    async def _async_work_on(self, changes: list[_Change]) -> None:
        """Decide on these changes one after the other, save once, and show and announce each."""
        try:
            known = self._records()
            decided = [(change, step) for change in changes if (step := self._decide(known, change)) is not None]
            if self._is_unsaved or any(step.relation is not Relation.REPEAT for _, step in decided):
                await self._async_save(known)
            for change, step in decided:
                await self._async_show(change.printer_id, step, is_kept=change.printer_id in known)
        except Exception as err:  # noqa: BLE001 - an error of ours, for those who wait for an answer
            for change in changes:
                if not change.done.done():
                    change.done.set_exception(err)
        for change in changes:
            if not change.done.done():
                change.done.set_result(None)

    def _decide(self, known: dict[str, Printer], change: _Change) -> Step | None:
        """Return what follows from a change, and put the printer's record among those that are known."""
        printer = known.get(change.printer_id)
        step = change.step_from(printer or Printer())
        if step is not None and (printer is not None or (change.may_add and self._has_room(len(known)))):
            known[change.printer_id] = step.printer
        return step

    def _has_room(self, count: int) -> bool:
        """Return True if there may be more printers than so many; that there may not is logged once."""
        if count < _MAX_PRINTERS:
            return True
        if not self._has_warned:
            self._has_warned = True
            LOGGER.warning("Only the first %s printers get a device, others are only announced", _MAX_PRINTERS)
        return False

    def _records(self) -> dict[str, Printer]:
        """Return what is known of all printers, by their ids."""
        return {printer_id: printer.printer for printer_id, printer in self.printers.items()}

    async def _async_save(self, records: dict[str, Printer]) -> None:
        """Write what is known of all printers, or see to it that it is tried again."""
        try:
            await self._hass.async_add_executor_job(self.store.write, records)
        except OSError:
            self._async_set_unsaved(is_unsaved=True)
        else:
            self._async_set_unsaved(is_unsaved=False)

    @callback
    def _async_set_unsaved(self, *, is_unsaved: bool) -> None:
        """Tell the owner whether the disk takes what is known; where it does not, try again."""
        self._is_unsaved = is_unsaved
        self.issues.async_set_not_saved(is_not_saved=is_unsaved)
        if is_unsaved:
            self._retry.async_schedule_call()

    async def _async_show(self, printer_id: str, step: Step, *, is_kept: bool) -> None:
        """Show and announce what was decided."""
        printer = self.printers.get(printer_id)
        if printer is None and is_kept:
            # Its event entity begins with nothing, or it would show the first notification before that is announced.
            printer = self._async_add_printer(printer_id, replace(step.printer, announcement=None))
            await self.async_add_entities(printer)
        if printer is not None:
            printer.async_show(step)
        self.knocks.late += step.relation is Relation.EARLIER
        self.knocks.repeated += step.relation is Relation.REPEAT
        if step.announcement is not None:
            self.recent.append(step.announcement)
            if step.announcement.data["source"] == Source.NOTIFICATION:
                self.issues.async_note_announced(step.announcement.type)
            self._async_announce(step.announcement, printer)

    @callback
    def _async_announce(self, announcement: Announcement, printer: PrinterCoordinator | None) -> None:
        """Tell the event entity and Home Assistant's bus, in this order, once there are automations to hear it."""

        @callback
        def announce(hass: HomeAssistant) -> None:
            self._unannounced -= 1
            data = {"device_id": None, **announcement.data}
            if printer is not None:
                printer.async_announce(announcement)
                data = printer.event_data(announcement)
            hass.bus.async_fire(event_name(announcement.type), data)

        self._unannounced += 1
        async_at_started(self._hass, announce)

    async def _async_file_prints(self) -> None:
        """File the prints that have ended: that may take longer than anybody waits for an answer."""
        try:
            for printer in [printer for printer in self.printers.values() if printer.printer.unfiled]:
                await printer.async_file_prints()
        except OSError:
            self._async_set_unsaved(is_unsaved=True)

    # The printers.

    @callback
    def async_look_ahead(self, _: HomeAssistant | None = None) -> None:
        """See to it that those who want to hear that a print finishes soon hear it in time."""
        for printer in self.printers.values():
            printer.async_look_ahead()

    async def async_forget(self, printer_ids: AbstractSet[str]) -> None:
        """Forget printers, remove their devices and their live connections. Raises HomeAssistantError."""
        async with self._lock:
            others = {other: record for other, record in self._records().items() if other not in printer_ids}
            try:
                await self._hass.async_add_executor_job(self.store.write, others)
                await self._hass.async_add_executor_job(self.store.forget, printer_ids)
            except OSError as err:
                raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_saved") from err
            for printer in [self.printers.pop(known) for known in printer_ids if known in self.printers]:
                # Here rather than by our caller, so that no notification comes in between and finds the old device.
                dr.async_get(self._hass).async_remove_device(printer.device_id)
                await printer.async_shutdown()
        for connection in self.connections.values():
            if connection.unique_id in printer_ids and connection.subentry_id in self._entry.subentries:
                self._hass.config_entries.async_remove_subentry(self._entry, connection.subentry_id)

    @callback
    def async_note(self, refusal: Refusal | None, remote: str | None) -> None:
        """Remember that somebody has posted, and tell the owner what has to be told."""
        self.knocks.note(refusal, remote)
        self.issues.async_note_knock(refusal, self.knocks)

    @callback
    def _async_add_printer(self, printer_id: str, printer: Printer) -> PrinterCoordinator:
        """Return a printer that is known from now on."""
        known = (self._hass, self._entry, printer_id, printer, self)
        connection = next((one for one in self.connections.values() if one.unique_id == printer_id), None)
        if connection is None:
            coordinator = PrinterCoordinator(*known)
            for entity_id in coordinator.async_live_entities().values():
                er.async_get(self._hass).async_remove(entity_id)
        else:
            coordinator = LiveCoordinator(*known, connection)
        self.printers[printer_id] = coordinator
        return coordinator


@callback
def async_get_account(hass: HomeAssistant) -> Account | None:
    """Return the account, as long as the config entry is loaded."""
    entries: list[OctoEverywhereConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    return entries[0].runtime_data if entries else None


@callback
def async_on_soon(hass: HomeAssistant, listener: SoonListener) -> CALLBACK_TYPE:
    """Have somebody told that a print finishes soon, until what is returned is called."""
    listeners = hass.data.setdefault(SOON_LISTENERS, set())
    listeners.add(listener)
    if (account := async_get_account(hass)) is not None:
        account.async_look_ahead()
    return partial(listeners.discard, listener)


@callback
def async_get_printer(hass: HomeAssistant, device_id: str) -> PrinterCoordinator | None:
    """Return the printer that a device is, as long as the config entry is loaded."""
    account = async_get_account(hass)
    printers = account.printers.values() if account is not None else ()
    return next((printer for printer in printers if printer.device_id == device_id), None)
