"""Camera: what a printer with a live connection sees, when somebody looks."""

import asyncio
from io import BytesIO
from typing import Final, override

from homeassistant.components.camera import Camera, CameraEntityDescription
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from PIL import Image

from .account import OctoEverywhereConfigEntry
from .const import LOGGER
from .entity import PrinterEntity
from .live_coordinator import LiveCoordinator
from .plugin_api import Picture, PluginApiError, Problem

PARALLEL_UPDATES = 0

LIVE = CameraEntityDescription(key="live")

# Seconds. OctoEverywhere lets nobody look often, and a printer may have to switch its camera on.
_KEPT: Final = 10
_REST: Final = 60
_LONGEST_REST: Final = 3600
# By their content, whatever they are called: neither what runs a program to be read, nor what a browser would run.
_FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")
# 16 times full HD: unpacked, a picture takes up to 4 bytes for each, and Home Assistant makes it smaller where everything else waits.
_MAX_PIXELS: Final = 4 * 3840 * 2160
# What stands between pictures where Home Assistant serves one after the other; a picture with it in it could go on as a page.
_BOUNDARY: Final = b"frameboundary"
_MAX_TURNS: Final = 3
_TURN: Final = {
    "fliph": Image.Transpose.FLIP_LEFT_RIGHT,
    "flipv": Image.Transpose.FLIP_TOP_BOTTOM,
    # Pillow turns the other way round.
    "rotate=90": Image.Transpose.ROTATE_270,
    "rotate=180": Image.Transpose.ROTATE_180,
    "rotate=270": Image.Transpose.ROTATE_90,
}


async def async_setup_entry(
    hass: HomeAssistant,
    entry: OctoEverywhereConfigEntry,
    async_add_entities: AddConfigEntryEntitiesCallback,
) -> None:
    """Add the camera of every printer with a live connection, known or to come."""
    await entry.runtime_data.async_add_platform(
        lambda printer: [PrinterCamera(printer)] if isinstance(printer, LiveCoordinator) else [],
    )


class PrinterCamera(PrinterEntity, Camera):
    """A printer's camera: a still picture, kept for a moment."""

    platform_name = Platform.CAMERA
    coordinator: LiveCoordinator

    def __init__(self, coordinator: LiveCoordinator) -> None:
        """Begin without a picture."""
        Camera.__init__(self)
        super().__init__(coordinator, LIVE)
        self._picture: bytes | None = None
        self._next_look = 0.0
        self._rest = _REST
        # Held by whoever looks; who comes meanwhile gets the same picture.
        self._lock = asyncio.Lock()

    @override
    async def async_camera_image(self, width: int | None = None, height: int | None = None) -> bytes | None:
        """Return what the printer sees, None where it sees nothing."""
        async with self._lock:
            if self.hass.loop.time() >= self._next_look:
                await self._async_look()
        return self._picture

    async def _async_look(self) -> None:
        """Fetch a picture."""
        rest = float(_KEPT)
        # Whoever looks may give up before an answer comes, and look again.
        self._next_look = self.hass.loop.time() + rest
        try:
            picture = await self.coordinator.async_picture()
            self._picture = await self.hass.async_add_executor_job(_turn, picture)
            self._rest = _REST
        except Exception as err:  # noqa: BLE001 - what is in a picture can break more than Pillow has errors for
            LOGGER.debug("%s has no picture: %s", self.entity_id, type(err).__name__)
            self._picture = None
            if isinstance(err, PluginApiError) and err.problem is Problem.CAMERA_RESTS:
                rest, self._rest = self._rest, min(self._rest * 2, _LONGEST_REST)
        self._next_look = self.hass.loop.time() + rest


def _turn(picture: Picture) -> bytes:
    """Return a picture as it is meant to be seen. Raises any error where it is none, or none of a camera."""
    turns = [_TURN[word] for word in picture.transform if word in _TURN]
    with Image.open(BytesIO(picture.content), formats=_FORMATS) as image:
        if image.width * image.height > _MAX_PIXELS or len(turns) > _MAX_TURNS or _BOUNDARY in picture.content:
            raise ValueError
        if not turns:
            return picture.content
        turned: Image.Image = image
        for turn in turns:
            turned = turned.transpose(turn)
        content = BytesIO()
        turned.convert("RGB").save(content, "JPEG")
    return content.getvalue()
