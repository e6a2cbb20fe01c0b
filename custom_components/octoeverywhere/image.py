"""Image: the newest snapshot of a printer."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Final, override

from homeassistant.components.image import Image, ImageEntity, ImageEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .account import OctoEverywhereConfigEntry
from .const import LOGGER
from .coordinator import PrinterCoordinator
from .entity import PrinterEntity
from .snapshot import SECONDS, SnapshotError, async_fetch

PARALLEL_UPDATES = 0

SNAPSHOT = ImageEntityDescription(key="snapshot")

_NO_SNAPSHOT: Final = Path(__file__).parent / "no_snapshot.png"
# Seconds from one attempt to fetch a picture to the next.
_TRY_AGAIN: Final = 60


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the image of every printer, known or to come."""
    content = await hass.async_add_executor_job(_NO_SNAPSHOT.read_bytes)
    no_snapshot = Image(content_type="image/png", content=content)
    await entry.runtime_data.async_add_platform(lambda printer: [PrinterImage(printer, no_snapshot)])


class PrinterImage(PrinterEntity, ImageEntity):
    """The newest picture of the newest print, fetched when somebody looks: most pictures are not looked at."""

    platform_name = Platform.IMAGE
    _link: str | None = None
    _fetching: asyncio.Task[None] | None = None
    _next_attempt: float = 0
    """By the clock of the event loop."""

    def __init__(self, printer: PrinterCoordinator, no_snapshot: Image) -> None:
        """Show `no_snapshot` where there is no picture: Home Assistant would show an error."""
        ImageEntity.__init__(self, printer.hass)
        self._no_snapshot = no_snapshot
        super().__init__(printer, SNAPSHOT)

    @override
    async def async_will_remove_from_hass(self) -> None:
        """Stop fetching, and drop the picture."""
        self._async_replace(None)
        await super().async_will_remove_from_hass()

    @override
    async def async_image(self) -> bytes:
        """Return the picture, or the one that says that there is none, after SECONDS at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SECONDS):
                while fetching := self._async_fetch_once():  # again if there is a newer picture meanwhile
                    await asyncio.wait({fetching})
        return self._shown.content

    @property
    @override
    def content_type(self) -> str:
        """The type of what async_image returned."""
        return self._shown.content_type

    @property
    def _shown(self) -> Image:
        """The picture, or the one that says that there is none."""
        return self._cached_image or self._no_snapshot

    @override
    def _update(self) -> bool:
        """Take over the link; return True if it leads to another picture than before."""
        view = self.coordinator.data
        if (view.snapshot_url, view.snapshot_at) == (self._link, self._attr_image_last_updated):
            return False
        self._async_replace(view.snapshot_url)
        self._attr_image_last_updated = view.snapshot_at
        return True

    @callback
    def _async_replace(self, link: str | None) -> None:
        """Take another link, and drop the picture of the one before, whether it is there or still being fetched."""
        if self._fetching is not None:
            self._fetching.cancel()
        self._link, self._fetching, self._cached_image, self._next_attempt = link, None, None, 0

    @callback
    def _async_fetch_once(self) -> asyncio.Task[None] | None:
        """Return the task that fetches the picture, the same for all who look; None if there is nothing to fetch now."""
        if self._fetching is not None and not self._fetching.done():
            return self._fetching
        now = self.hass.loop.time()
        if self._link is None or self._cached_image is not None or now < self._next_attempt:
            return None
        self._next_attempt = now + _TRY_AGAIN
        # Not a task of the config entry, whose unloading would wait for it with the webhook closed already.
        self._fetching = self.hass.async_create_background_task(self._async_fetch(self._link), self.entity_id)
        return self._fetching

    async def _async_fetch(self, link: str) -> None:
        """Fetch the picture; cancelled when another one takes its place."""
        try:
            self._cached_image = await async_fetch(link)
        except SnapshotError as err:
            LOGGER.debug("%s has no picture: %s", self.entity_id, err)
