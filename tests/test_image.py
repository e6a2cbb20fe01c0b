"""Tests of the newest snapshot: which one is shown, and when it is fetched."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
import json
import logging
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.image import Image, async_get_image
from homeassistant.core import Event, HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.octoeverywhere import image, snapshot as guarded
from custom_components.octoeverywhere.snapshot import Failure, SnapshotError

from .conftest import FULL, Client, Clock, Post, Remove, describe, reload, shown, the_device, value

NOON: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
MOMENT: Final = timedelta(seconds=1)
MINUTE: Final = timedelta(minutes=1)

ENTITY: Final = "image.ender3_snapshot"
A, B, C = (f"https://snapshots.example/{name}.jpg?token=a-secret" for name in "abc")
NO_PICTURE: Final = ("image/png", (Path(image.__file__).parent / "no_snapshot.png").read_bytes())

type Seen = tuple[str, bytes]
type Look = Callable[[], Coroutine[Any, Any, Seen]]


def picture(link: str | None) -> Seen:
    """Return what is seen of a link, None for no picture."""
    return ("image/jpeg", b"\xff\xd8\xff" + link.encode()) if link else NO_PICTURE


class OctoEverywhere:
    """The pictures at OctoEverywhere: some are not to be had, and some can take their time."""

    def __init__(self) -> None:
        """Start with a picture behind every link, there at once."""
        self.fetched: list[str] = []
        self.missing: set[str] = set()
        self.under_way = 0
        self.asked = asyncio.Event()
        self._held: dict[str, asyncio.Event] = {}

    async def async_fetch(self, link: str) -> Image:
        """Return the picture that a link leads to."""
        self.fetched.append(link)
        self.under_way += 1
        self.asked.set()
        try:
            if held := self._held.get(link):
                await held.wait()
        finally:
            self.under_way -= 1
        if link in self.missing:
            raise SnapshotError(Failure.NOT_FOUND)
        return Image(*picture(link))

    def hold(self, *links: str) -> None:
        """Let these pictures wait until they are released."""
        self._held |= {link: asyncio.Event() for link in links}

    def release(self, *links: str) -> None:
        """Let them go on."""
        for link in links:
            self._held.pop(link).set()


@pytest.fixture
async def pictures() -> AsyncGenerator[OctoEverywhere]:
    """Let links lead to pictures; in the end nothing is being fetched any more."""
    pictures = OctoEverywhere()
    with patch.object(image, "async_fetch", pictures.async_fetch):
        yield pictures
    assert pictures.under_way == 0


@pytest.fixture
def look(hass: HomeAssistant, client: Client) -> Look:
    """Return a function that looks at a picture as a dashboard does; it must never see an error."""

    async def look() -> Seen:
        state = hass.states.get(ENTITY)
        assert state is not None
        response = await client.get(state.attributes["entity_picture"])
        assert response.status == 200
        return response.content_type, await response.read()

    return look


@pytest.fixture
async def looking(post: Post, pictures: OctoEverywhere, look: Look) -> asyncio.Task[Seen]:
    """Return what somebody sees who has begun to look at A, which takes its time."""
    await post(FULL, SnapshotUrl=A)
    pictures.hold(A)
    looking = asyncio.create_task(look())
    await pictures.asked.wait()
    return looking


# Which one

OF_A: Final = {"SnapshotUrl": A}
OF_B: Final = {"SnapshotUrl": B}
OF_C: Final = {"SnapshotUrl": C}
NEXT: Final = {"PrintId": "print-2", "FileName": "next.gcode"}
NEWEST: Final[dict[str, tuple[list[dict[str, Any]], str | None]]] = {
    "none": ([{}], None),
    "first": ([OF_A], A),
    "newer": ([OF_A, OF_B], B),
    "to and fro": ([OF_A, OF_B, OF_A], A),
    "nothing said": ([OF_A, {}], A),
    "no link": ([OF_A, {"SnapshotUrl": "https://..."}], A),
    "a number": ([OF_A, {"SnapshotUrl": 7}], A),
    "print not named": ([OF_A, OF_B | {"PrintId": None}], B),
    "print complete": ([OF_A, {"EventType": 2}], A),
    "print failed, with another picture": ([OF_A, OF_B | {"EventType": 3}], B),
    "bed cooled down": ([OF_A, {"EventType": 2}, OF_B | {"EventType": 15}], B),
    "test": ([OF_A, OF_B | {"EventType": 16}], A),
    "daily limit": ([OF_A, OF_B | {"EventType": 13}], A),
    "next print": ([OF_A, OF_B | NEXT], B),
    "next print, without": ([OF_A, NEXT], None),
    "next print, later": ([OF_A, NEXT, OF_B | NEXT], B),
    "next print, same link": ([OF_A, OF_A | NEXT], A),
    "late, of the print before": ([OF_A, OF_B | NEXT, OF_C | {"EventType": 2}], B),
    "late, and none of this print": ([OF_A, NEXT, OF_C], None),
    "late": ([OF_A, OF_C | {"DurationSec": 40, "Progress": 9}], A),
    "late, the print has ended": ([OF_A | {"EventType": 2}, OF_C | {"EventType": 4}], A),
}


@pytest.mark.parametrize(("notifications", "link"), NEWEST.values(), ids=NEWEST)
async def test_newest(
    hass: HomeAssistant,
    post: Post,
    pictures: OctoEverywhere,
    look: Look,
    clock: Clock,
    notifications: list[dict[str, Any]],
    link: str | None,
) -> None:
    """It is the newest one of the newest print, also after a restart, and nothing late is ever fetched."""
    for minute, notification in enumerate(notifications):
        clock.set(NOON + minute * MINUTE)
        said = {"SnapshotUrl": None, "DurationSec": 50 + minute}
        assert (await post(FULL | said | notification)).status == 200
        await look()
    arrived = [minute for minute, notification in enumerate(notifications) if notification.get("SnapshotUrl") == link]
    since = (NOON + arrived[-1] * MINUTE).isoformat() if link else "unknown"
    for _ in range(2):
        assert value(hass, ENTITY) == since
        assert await look() == picture(link)
        await reload(hass)
    assert C not in pictures.fetched


async def test_same_link(hass: HomeAssistant, post: Post, pictures: OctoEverywhere, look: Look, clock: Clock) -> None:
    """A link that is known is neither fetched nor shown as new; in the next print it leads to another picture."""
    clock.set(NOON)
    for progress in range(30, 90, 10):
        await post(FULL, SnapshotUrl=A, Progress=progress)
        assert await look() == picture(A)
        await clock.elapse(MINUTE)
    assert pictures.fetched == [A]
    assert value(hass, ENTITY) == NOON.isoformat()
    await post(FULL, SnapshotUrl=A, PrintId="print-2")
    assert await look() == picture(A)
    assert pictures.fetched == [A, A]


async def test_week(
    hass: HomeAssistant, post: Post, pictures: OctoEverywhere, look: Look, freezer: FrozenDateTimeFactory
) -> None:
    """A picture is shown for a week, as long as its link lives, and another one at once."""
    freezer.move_to(NOON)
    await post(FULL, SnapshotUrl=A)
    assert await look() == picture(A)
    for passed, seen in ((timedelta(days=7) - MINUTE, NOON.isoformat()), (timedelta(days=7) + 6 * MINUTE, "unknown")):
        freezer.move_to(NOON + passed)
        async_fire_time_changed(hass, NOON + passed + 6 * MINUTE)
        await hass.async_block_till_done(wait_background_tasks=True)
        assert value(hass, ENTITY) == seen
    assert await look() == NO_PICTURE
    assert pictures.fetched == [A]
    await post(FULL, SnapshotUrl=B)
    assert await look() == picture(B)


# When it is fetched


async def test_nobody_looks(hass: HomeAssistant, post: Post, pictures: OctoEverywhere, look: Look) -> None:
    """A picture is fetched by the first look; what nobody looks at is not fetched, not after a restart either."""
    for printer in ("Ender3", "Voron"):
        for link in (C, B, A):
            await post(FULL, PrinterId=printer, PrinterName=printer, SnapshotUrl=link)
    for _ in range(2):
        assert pictures.fetched == []
        for _ in range(3):
            assert await look() == picture(A)
        assert pictures.fetched == [A]
        pictures.fetched.clear()
        await reload(hass)


async def test_not_to_be_had(
    hass: HomeAssistant, post: Post, pictures: OctoEverywhere, look: Look, clock: Clock
) -> None:
    """What cannot be fetched shows that there is no picture, and is tried again after a minute; another link at once."""
    clock.set(NOON)
    pictures.missing = {A}
    await post(FULL, SnapshotUrl=A)
    for _ in range(10):
        assert await look() == NO_PICTURE
        await clock.elapse(5 * MOMENT)
    assert pictures.fetched == [A]
    assert value(hass, ENTITY) == NOON.isoformat()
    pictures.missing = {C}
    await clock.elapse(10 * MOMENT)
    assert await look() == picture(A)
    for link, seen in ((C, NO_PICTURE), (B, picture(B))):
        await post(FULL, SnapshotUrl=link)
        assert await look() == seen


async def test_many_look(hass: HomeAssistant, post: Post, pictures: OctoEverywhere) -> None:
    """However many people look at the same moment, it is fetched once, also where the first of them leaves."""
    await post(FULL, SnapshotUrl=A)
    pictures.hold(A)
    first, *others = [asyncio.create_task(async_get_image(hass, ENTITY)) for _ in range(10)]
    await pictures.asked.wait()
    first.cancel()
    with pytest.raises(HomeAssistantError):
        await first
    pictures.release(A)
    assert await asyncio.gather(*others) == [Image(*picture(A))] * 9
    assert pictures.fetched == [A]


@pytest.mark.parametrize("then", [None, B], ids=["next print, without", "newer"])
async def test_overtaken(
    post: Post, pictures: OctoEverywhere, looking: asyncio.Task[Seen], look: Look, then: str | None
) -> None:
    """Who waits for a picture sees what takes its place, at once; it is not fetched any further."""
    await post(FULL | NEXT, SnapshotUrl=then)
    assert await looking == await look() == picture(then)
    assert pictures.fetched == ([A, B] if then else [A])
    assert pictures.under_way == 0


async def test_too_slow(
    clock: Clock, post: Post, pictures: OctoEverywhere, looking: asyncio.Task[Seen], look: Look
) -> None:
    """Nobody waits the ten seconds after which Home Assistant shows an error, also where there is a newer picture meanwhile."""
    await clock.elapse(7 * MOMENT)
    pictures.hold(B)
    await post(FULL, SnapshotUrl=B)
    assert not looking.done()
    for _ in range(4):
        await clock.elapse(MOMENT)
    assert await looking == NO_PICTURE
    pictures.release(A, B)
    assert await look() == picture(B)


# The end


async def test_unload_during_a_fetch(
    hass: HomeAssistant, pictures: OctoEverywhere, looking: asyncio.Task[Seen], look: Look
) -> None:
    """An entry is unloaded at once, whatever is being fetched, which is fetched again when somebody looks."""
    await reload(hass)
    assert pictures.under_way == 0
    assert await looking == NO_PICTURE
    pictures.release(A)
    assert await look() == picture(A)


async def test_printer_is_removed_during_a_fetch(
    hass: HomeAssistant, post: Post, looking: asyncio.Task[Seen], look: Look, remove: Remove
) -> None:
    """A printer that comes back does not come back with the old picture."""
    assert await remove(the_device(hass).id)
    await post(FULL, SnapshotUrl=None)
    assert await looking == await look() == NO_PICTURE
    assert value(hass, ENTITY) == "unknown"


# What a link can do


@pytest.mark.parametrize(
    "link", ["http://snapshots.example/a.jpg", "https://127.0.0.1:8123/api/", "https://[::1]/a.jpg"]
)
async def test_link_to_elsewhere(post: Post, look: Look, announced: list[Event], link: str) -> None:
    """What the guard does not let through shows that there is no picture; the event has the link all the same."""
    with patch.object(image, "async_fetch", guarded.async_fetch):
        assert (await post(FULL, SnapshotUrl=link)).status == 200
        assert await look() == NO_PICTURE
    assert announced[-1].data["snapshot_url"] == link


async def test_link_is_not_shown(
    hass: HomeAssistant,
    post: Post,
    pictures: OctoEverywhere,
    look: Look,
    announced: list[Event],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Who knows the link sees the printer, so only the event has it: neither the entity nor the log."""
    loggers = ("custom_components.octoeverywhere", "homeassistant.components.image", "aiohttp", "asyncio")
    for logger in loggers:
        caplog.set_level(logging.DEBUG, logger)
    pictures.missing.add(B)
    for link in (A, B):
        await post(FULL, SnapshotUrl=link)
        await look()
        assert announced[-1].data["snapshot_url"] == link
        assert link in json.dumps(shown(hass)["event.ender3_notification"], default=str)
        assert "snapshots.example" not in json.dumps(describe(hass, "image"))
    logged = {record.getMessage(): record.levelno for record in caplog.records if record.name.startswith(loggers)}
    assert "snapshots.example" not in "".join(logged)
    assert logged[f"{ENTITY} has no picture: not found"] == logging.DEBUG
