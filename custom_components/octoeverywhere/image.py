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
# At a time, for all printers: each may take as much memory as a picture may be large.
_FETCHES: Final = 4
# Seconds; less than Home Assistant waits.
_PATIENCE: Final = 8


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the image of every printer, known or to come."""
    fetches = asyncio.Semaphore(_FETCHES)
    content = await hass.async_add_executor_job(_NO_SNAPSHOT.read_bytes)
    no_snapshot = Snapshot(content=content, content_type="image/png")
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterImage(printer, fetches, no_snapshot)],
    )


class PrinterImage(PrinterEntity, ImageEntity):
    """The newest picture of the newest print, for as long as OctoEverywhere keeps it."""

    _newest: tuple[str, datetime] | None = None
    """The link and when it arrived."""
    _snapshot: Snapshot | None = None
    _fetching: asyncio.Task[None] | None = None

    def __init__(self, printer: PrinterCoordinator, fetches: asyncio.Semaphore, no_snapshot: Snapshot) -> None:
        """Fetch nothing: a picture is fetched when somebody looks at it, and most are not looked at."""
        ImageEntity.__init__(self, printer.hass)
        self._expiry = Alarm(printer.hass, self._handle_coordinator_update)
        self._fetches = fetches
        self._no_snapshot = no_snapshot
        super().__init__(printer, SNAPSHOT)

    @override
    async def async_added_to_hass(self) -> None:
        """Forget the picture when its link dies."""
        await super().async_added_to_hass()
        self.async_on_remove(partial(self._expiry.async_set, None))
        self._async_await_expiry()

    @override
    async def async_image(self) -> bytes:
        """Return the picture, or one that says that there is none: Home Assistant shows an error where it gets nothing in time."""
        if self._snapshot is None and self._newest is not None:
            await asyncio.wait({self._async_fetch_once(self._newest[0])}, timeout=_PATIENCE)
        return (self._snapshot or self._no_snapshot).content

    @property
    @override
    def content_type(self) -> str:
        """Return the type of what async_image has returned."""
        return (self._snapshot or self._no_snapshot).content_type

    @override
    def _update(self) -> bool:
        """Take over the link; return whether there is another picture."""
        state, newest = self.coordinator.data, None
        if state.snapshot_url is not None and state.snapshot_at is not None:
            is_alive = dt_util.utcnow() - state.snapshot_at < LINK_LIVES
            newest = (state.snapshot_url, state.snapshot_at) if is_alive else None
        if newest == self._newest:
            return False
        if self._fetching is not None:
            self._fetching.cancel()
        self._newest, self._snapshot, self._fetching = newest, None, None
        self._attr_image_last_updated = state.snapshot_at if newest else None
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
            self._fetching = self.coordinator.config_entry.async_create_background_task(
                self.hass, self._async_fetch(link), self.entity_id
            )
        return self._fetching

    async def _async_fetch(self, link: str) -> None:
        """Fetch the picture; cancelled where there is a newer one meanwhile."""
        try:
            async with self._fetches:
                self._snapshot = await async_fetch(link)
        except SnapshotError as err:
            LOGGER.debug("%s has no picture: %s", self.entity_id, err.failure)

    @callback
    def _async_await_expiry(self) -> None:
        """Look again when the link dies."""
        self._expiry.async_set(self._newest and self._newest[1] + LINK_LIVES)
