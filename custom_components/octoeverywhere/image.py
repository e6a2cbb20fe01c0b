"""Image: the newest snapshot of a printer."""

import asyncio
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, override

from homeassistant.components.image import ImageEntity, ImageEntityDescription
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.util import dt as dt_util

from .clock import Alarm
from .const import LOGGER
from .coordinator import OctoEverywhereConfigEntry, PrinterCoordinator
from .entity import PrinterEntity
from .snapshot import LINK_LIVES, Snapshot, SnapshotError, async_fetch

PARALLEL_UPDATES = 0

SNAPSHOT = ImageEntityDescription(key="snapshot")

_NO_SNAPSHOT: Final = Path(__file__).parent / "no_snapshot.png"
# At a time, for all printers.
_FETCHES: Final = 4
# Of pictures, of all printers.
_MAX_BYTES: Final = 32 * 1024 * 1024
# Seconds; less than Home Assistant waits.
_VIEWER_WAITS: Final = 8
# Seconds, after which it is tried again to fetch what could not be had.
_TRY_AGAIN: Final = 60


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the image of every printer, known or to come."""
    content = await hass.async_add_executor_job(_NO_SNAPSHOT.read_bytes)
    gallery = Gallery(Snapshot(content=content, content_type="image/png"))
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterImage(printer, gallery)],
    )


class Gallery:
    """The pictures of all printers that were looked at lately, as many as there is room for."""

    def __init__(self, no_snapshot: Snapshot) -> None:
        """Begin with the one that says that there is none."""
        self.no_snapshot = no_snapshot
        self._fetches = asyncio.Semaphore(_FETCHES)
        self._snapshots: dict[str, Snapshot] = {}

    def find(self, printer_id: str) -> Snapshot | None:
        """Return the picture of a printer, as long as it is kept."""
        return self._snapshots.get(printer_id)

    async def async_fetch(self, printer_id: str, link: str) -> None:
        """Fetch the picture of a printer, and keep it in the place of the oldest ones. Raises SnapshotError."""
        async with self._fetches:
            snapshot = await async_fetch(link)
        self._snapshots[printer_id] = snapshot
        while sum(len(kept.content) for kept in self._snapshots.values()) > _MAX_BYTES:
            self.drop(next(iter(self._snapshots)))

    def drop(self, printer_id: str) -> None:
        """Keep the picture of a printer no longer."""
        self._snapshots.pop(printer_id, None)


class PrinterImage(PrinterEntity, ImageEntity):
    """The newest picture of the newest print, for as long as OctoEverywhere keeps it."""

    _link: tuple[str, datetime] | None = None
    """And when it arrived."""
    _fetching: asyncio.Task[None] | None = None
    _failed_at: float | None = None
    """By the clock of the event loop."""
    _is_missed: bool = False
    """Whether somebody has looked in vain while it was being fetched."""

    def __init__(self, printer: PrinterCoordinator, gallery: Gallery) -> None:
        """Wait until somebody looks: most pictures are not looked at."""
        ImageEntity.__init__(self, printer.hass)
        self._expiry = Alarm(printer.hass, self._handle_coordinator_update)
        self._gallery = gallery
        super().__init__(printer, SNAPSHOT)

    @override
    async def async_added_to_hass(self) -> None:
        """Forget the picture when its link dies."""
        await super().async_added_to_hass()
        self.async_on_remove(partial(self._expiry.async_set, None))
        self.async_on_remove(self._async_drop)
        self._async_await_expiry()

    @override
    async def async_image(self) -> bytes:
        """Return the picture, or one that says that there is none: Home Assistant shows an error where it gets nothing in time."""
        if self._shown is None and (link := self._link) is not None and self._may_be_had():
            fetching = self._async_fetch_once(link[0])
            await asyncio.wait({fetching}, timeout=_VIEWER_WAITS)
            if self._link != link:
                return await self.async_image()
            self._is_missed = not fetching.done()
        return (self._shown or self._gallery.no_snapshot).content

    @property
    @override
    def content_type(self) -> str:
        """Return the type of what async_image has returned."""
        return (self._shown or self._gallery.no_snapshot).content_type

    @property
    def _shown(self) -> Snapshot | None:
        """Return the picture, if it was fetched and is kept."""
        return self._gallery.find(self.coordinator.printer_id)

    def _may_be_had(self) -> bool:
        """Tell whether it is worth while to fetch the picture: not at every look where that has just failed."""
        return self._failed_at is None or self.hass.loop.time() - self._failed_at >= _TRY_AGAIN

    @override
    def _update(self) -> bool:
        """Take over the link; return whether there is another picture."""
        state, link = self.coordinator.data, None
        if state.snapshot_url is not None and state.snapshot_at is not None:
            is_alive = dt_util.utcnow() - state.snapshot_at < LINK_LIVES
            link = (state.snapshot_url, state.snapshot_at) if is_alive else None
        if link == self._link:
            return False
        self._async_drop()
        self._link = link
        self._attr_image_last_updated = link and link[1]
        return True

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        """Show that there is another picture: whoever looks at it asks for it then."""
        super()._handle_coordinator_update()
        self._async_await_expiry()

    @callback
    def _async_fetch_once(self, link: str) -> asyncio.Task[None]:
        """Return what fetches the picture, one at a time however many look."""
        if self._fetching is None or self._fetching.done():
            # Not the config entry's: it would wait for it when it is unloaded, with its webhook closed already.
            self._fetching = self.hass.async_create_background_task(self._async_fetch(link), self.entity_id)
        return self._fetching

    @callback
    def _async_drop(self) -> None:
        """Have no picture, and be about to have none."""
        if self._fetching is not None:
            self._fetching.cancel()
        self._fetching, self._is_missed, self._failed_at = None, False, None
        self._gallery.drop(self.coordinator.printer_id)

    async def _async_fetch(self, link: str) -> None:
        """Fetch the picture; cancelled where there is a newer one meanwhile."""
        self._failed_at = None
        try:
            await self._gallery.async_fetch(self.coordinator.printer_id, link)
        except SnapshotError as err:
            LOGGER.debug("%s has no picture: %s", self.entity_id, err.failure)
            self._failed_at = self.hass.loop.time()
            return
        if self._is_missed:
            # Under another address: otherwise nobody would look again.
            self._is_missed = False
            self.async_update_token()
            self.async_write_ha_state()

    @callback
    def _async_await_expiry(self) -> None:
        """Look again when the link dies."""
        self._expiry.async_set(self._link and self._link[1] + LINK_LIVES)
