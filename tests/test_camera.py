"""Tests of a printer's camera: fetched when somebody looks, kept for a moment, and turned as it is meant to be seen."""

import asyncio
from datetime import timedelta
from io import BytesIO
from typing import Any, Final
from zlib import crc32

from homeassistant.components.camera import async_get_image
from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from PIL import Image
import pytest

from .conftest import Clock, connection_to
from .fake_plugin_api import Answer, RelayedPrinter, body, http

CAMERA: Final = "camera.ender3_live"
ORANGE: Final = (242, 107, 33)

pytestmark = pytest.mark.usefixtures("looked_at")


@pytest.fixture
def connections(relayed: RelayedPrinter) -> list[ConfigSubentryData]:
    """Return the connection to the printer."""
    return [connection_to(relayed)]


def looks(relayed: RelayedPrinter) -> int:
    """Return how often a picture was fetched."""
    return sum(request.command == "webcam/snapshot" for request in relayed.requests)


async def sees(hass: HomeAssistant) -> bool:
    """Return whether there is a picture."""
    try:
        return bool((await async_get_image(hass, CAMERA)).content)
    except HomeAssistantError:
        return False


@pytest.mark.parametrize(
    ("flip_h", "flip_v", "rotation", "corner"),
    [
        (False, False, 0, (0, 0)),
        (True, False, 0, (1, 0)),
        (False, True, 0, (0, 1)),
        (False, False, 90, (1, 0)),
        (False, False, 180, (1, 1)),
        (False, False, 270, (0, 1)),
        (True, False, 90, (1, 1)),
        (True, True, 0, (1, 1)),
        (True, True, 270, (1, 0)),
    ],
)
@pytest.mark.parametrize("answer", [None, "png"])
async def test_turned(
    hass: HomeAssistant,
    relayed: RelayedPrinter,
    answer: str | None,
    flip_h: bool,
    flip_v: bool,
    rotation: int,
    corner: tuple[int, int],
) -> None:
    """First flipped, then rotated clockwise: the mark of the fake's picture, above on the left, goes where it belongs."""
    relayed.respond(answer, "webcam/snapshot")
    relayed.webcams[0] |= {"FlipH": flip_h, "FlipV": flip_v, "Rotation": rotation}
    content = (await async_get_image(hass, CAMERA)).content
    with Image.open(BytesIO(content)) as image:
        width, height = image.size
        assert (width > height) is (rotation in (0, 180))
        at = (corner[0] * (width - 40) + 20, corner[1] * (height - 40) + 20)
        pixel: Any = image.convert("RGB").getpixel(at)
    assert all(abs(one - other) < 30 for one, other in zip(pixel, ORANGE, strict=True))


async def test_kept(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """Nothing is fetched while nobody looks; who looks at the same time, or soon after, sees the same picture."""
    assert looks(relayed) == 0
    pictures = await asyncio.gather(*(async_get_image(hass, CAMERA) for _ in range(5)))
    assert len({picture.content for picture in pictures}) == looks(relayed) == 1
    await clock.elapse(timedelta(seconds=9))
    assert await sees(hass)
    assert looks(relayed) == 1
    await clock.elapse(timedelta(seconds=2))
    assert (await async_get_image(hass, CAMERA)).content != pictures[0].content
    assert looks(relayed) == 2


@pytest.mark.parametrize(
    "answer", ["no_picture", "missing", "page", "huge_picture", "truncated", http(502), "broken", "bomb"]
)
async def test_no_picture(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter, answer: str | Answer) -> None:
    """Without a picture there is none, and soon one again."""
    assert await sees(hass)
    await clock.elapse(timedelta(seconds=11))
    relayed.respond(BROKEN.get(str(answer), answer), "webcam/snapshot")
    assert not await sees(hass)
    relayed.respond(None, "webcam/snapshot")
    await clock.elapse(timedelta(seconds=11))
    assert await sees(hass)


def turned(content: bytes) -> Answer:
    """Return a way to answer with a picture that has to be turned."""

    async def answer(printer: RelayedPrinter, request: Any) -> Any:
        response: Any = await body(content, "image/png")(printer, request)
        response.headers["x-oe-webcam-transform"] = "rotate=180 "
        return response

    return answer


def bomb() -> bytes:
    """Return a small file that says it holds more than anybody's memory does."""
    content = BytesIO()
    Image.new("1", (1, 1)).save(content, "PNG")
    data = bytearray(content.getvalue())
    data[16:24] = (20000).to_bytes(4) * 2
    data[29:33] = crc32(data[12:29]).to_bytes(4)
    return bytes(data)


BROKEN: Final = {"broken": turned(b"\x89PNG\r\n\x1a\n" + bytes(99)), "bomb": turned(bomb())}


async def test_rests(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """Where OctoEverywhere has had enough, the camera rests, each time for longer; who looks again finds it rested."""
    relayed.respond(609, "webcam/snapshot")
    counts = []
    for _ in range(130):
        assert not await sees(hass)
        counts.append(looks(relayed))
        await clock.elapse(timedelta(minutes=1), wait_background_tasks=True)
    assert [counts.index(count) for count in range(1, 8)] == [0, 1, 3, 7, 15, 31, 63]
    relayed.respond(None, "webcam/snapshot")
    await clock.elapse(timedelta(hours=1), wait_background_tasks=True)
    assert await sees(hass)
    relayed.respond(609, "webcam/snapshot")
    await clock.elapse(timedelta(seconds=11), wait_background_tasks=True)
    before = looks(relayed)
    for _ in range(3):
        await sees(hass)
        await clock.elapse(timedelta(seconds=61), wait_background_tasks=True)
    assert looks(relayed) == before + 2


async def test_off(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """The camera of a printer that cannot be reached is not asked."""
    relayed.switch_off()
    await clock.elapse(timedelta(seconds=70), wait_background_tasks=True)
    assert not await sees(hass)
    assert looks(relayed) == 0


async def test_old_picture(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """Where nobody waits for a new picture any more, an old one is not shown in its place."""
    assert await sees(hass)
    await clock.elapse(timedelta(seconds=30))
    relayed.respond("hang", "webcam/snapshot")
    looking = asyncio.create_task(sees(hass))
    while looks(relayed) < 2:  # noqa: ASYNC110 - until the request is there
        await asyncio.sleep(0)
    looking.cancel()
    await asyncio.wait({looking})
    assert not await sees(hass)
