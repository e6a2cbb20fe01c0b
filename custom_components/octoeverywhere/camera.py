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
# By their content, whatever they are called: neither what runs a program to be read, nor what a browser would run, nor what takes
# long to look into.
_FORMATS: Final = ("JPEG", "PNG")
# More than any camera has. Home Assistant may make a picture smaller, and does nothing else meanwhile.
_MAX_PIXELS: Final = 4096 * 4096
# By then a picture has said how large it is.
_HEAD: Final = 256 * 1024
# A JPEG may be told again and again, each time over all of its pixels. A dozen times is usual.
_SCAN: Final = b"\xff\xda"
_MAX_SCANS: Final = 32
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
    await entry.runtime_data.async_add_live_platform(lambda printer: [PrinterCamera(printer)])


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
        if not self.available:  # which Home Assistant does not ask, and looking would wake the plugin
            return None
        async with self._lock:
            if self.hass.loop.time() >= self._next_look:
                await self._async_look()
        return self._picture

    async def _async_look(self) -> None:
        """Fetch a picture."""
        rest = _KEPT
        # Whoever looks may give up before an answer comes, and look again.
        self._next_look = self.hass.loop.time() + rest
        self._picture = None  # Home Assistant waits no longer than it likes, and an old one is no picture of now
        try:
            picture = await self.coordinator.api.async_picture()
            self._picture = await self.hass.async_add_executor_job(_turn, picture)
            self._rest = _REST
        except Exception as err:  # noqa: BLE001 - what is in a picture can break more than Pillow has errors for
            LOGGER.debug("%s has no picture: %s", self.entity_id, type(err).__name__)
            if isinstance(err, PluginApiError) and err.problem is Problem.CAMERA_RESTS:
                rest, self._rest = self._rest, min(self._rest * 2, _LONGEST_REST)
        self._next_look = self.hass.loop.time() + rest


def _turn(picture: Picture) -> bytes:
    """Return a picture as it is meant to be seen. Raises any error where it is none, or none of a camera."""
    content = picture.content
    turns = [_TURN[word] for word in picture.transform if word in _TURN]
    with _open(content[:_HEAD]) as image:
        is_endless = image.format != "PNG" and content.count(_SCAN) > _MAX_SCANS
        is_large = image.width * image.height > _MAX_PIXELS
    if is_endless or is_large or len(turns) > _MAX_TURNS or _BOUNDARY in content:
        raise ValueError
    return _turned(content, turns) if turns else content


def _turned(content: bytes, turns: list[Image.Transpose]) -> bytes:
    """Return a picture after some turns. Raises any error where it is none."""
    with _open(content) as image:
        turned: Image.Image = image
        for turn in turns:
            turned = turned.transpose(turn)
        found = BytesIO()
        turned.convert("RGB").save(found, "JPEG")
    return found.getvalue()


def _open(content: bytes) -> Image.Image:
    """Return a picture, of which only the size has been read yet. Raises any error where it is none."""
    return Image.open(BytesIO(content), formats=_FORMATS)
