"""Tests of the newest snapshot: which one is shown, for how long, and when it is fetched."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
import json
import logging
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from homeassistant.core import Event, HomeAssistant
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere import image, snapshot as guarded
from custom_components.octoeverywhere.snapshot import Failure, Snapshot, SnapshotError

from .conftest import FULL, Client, Clock, Post, describe, device_of, remove_device, shown, value

NOON: Final = datetime(2026, 3, 14, 12, tzinfo=UTC)
MOMENT: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
SOON: Final = timedelta(minutes=15)
"""How late a picture may go because the clock was set."""

ENTITY: Final = "image.ender3_snapshot"
A, B, C = (f"https://snapshots.example/{name}.jpg?token=a-secret" for name in "abc")
NO_PICTURE: Final = ("image/png", (Path(image.__file__).parent / "no_snapshot.png").read_bytes())

type Seen = tuple[str, bytes]
type Look = Callable[..., Coroutine[Any, Any, Seen]]
type Restart = Callable[..., Coroutine[Any, Any, None]]


def picture(link: str | None) -> Seen:
    """Return what is seen of a link, None for no picture."""
    return ("image/jpeg", b"\xff\xd8\xff" + link.encode()) if link else NO_PICTURE


class Gallery:
    """The pictures at OctoEverywhere: some are not to be had, and some can take their time."""

    def __init__(self) -> None:
        """Start with a picture behind every link, there at once."""
        self.fetched: list[str] = []
        self.missing: set[str] = set()
        self.under_way = 0
        self.most = 0
        """How many were fetched at a time."""
        self._asked = asyncio.Condition()
        self._held: dict[str, asyncio.Event] = {}

    async def async_fetch(self, link: str) -> Snapshot:
        """Return the picture that a link leads to."""
        self.fetched.append(link)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            async with self._asked:
                self._asked.notify_all()
            if held := self._held.get(link):
                await held.wait()
        finally:
            self.under_way -= 1
        if link in self.missing:
            raise SnapshotError(Failure.GONE)
        content_type, content = picture(link)
        return Snapshot(content=content, content_type=content_type)

    def hold(self, *links: str) -> None:
        """Let these pictures wait until they are released."""
        self._held |= {link: asyncio.Event() for link in links}

    def release(self, *links: str) -> None:
        """Let them go on."""
        for link in links:
            self._held.pop(link).set()

    async def asked(self, times: int = 1) -> None:
        """Wait until so many pictures have been asked for."""
        async with self._asked:
            await self._asked.wait_for(lambda: len(self.fetched) >= times)


@pytest.fixture
async def gallery() -> AsyncGenerator[Gallery]:
    """Let links lead to pictures; in the end nothing is being fetched any more."""
    gallery = Gallery()
    with patch.object(image, "async_fetch", gallery.async_fetch):
        yield gallery
    assert gallery.under_way == 0


@pytest.fixture
def look(hass: HomeAssistant, client: Client) -> Look:
    """Return a function that looks at a picture as a dashboard does; it must never see an error."""

    async def look(entity_id: str = ENTITY) -> Seen:
        state = hass.states.get(entity_id)
        assert state is not None
        response = await client.get(state.attributes["entity_picture"])
        assert response.status == 200
        return response.content_type, await response.read()

    return look


@pytest.fixture
def restart(hass: HomeAssistant, loaded: MockConfigEntry) -> Restart:
    """Return a function that sets up the entry anew, after something has happened meanwhile."""

    async def restart(meanwhile: Callable[[], None] = lambda: None) -> None:
        assert await hass.config_entries.async_unload(loaded.entry_id)
        meanwhile()
        assert await hass.config_entries.async_setup(loaded.entry_id)
        await hass.async_block_till_done()

    return restart


async def settle(hass: HomeAssistant) -> None:
    """Wait for what goes on in the background as well."""
    await hass.async_block_till_done(wait_background_tasks=True)


@pytest.mark.usefixtures("gallery")
async def test_entity(hass: HomeAssistant, post: Post, clock: Clock, snapshot: SnapshotAssertion) -> None:
    """The name, the ids and the state of the entity."""
    clock.set(NOON)
    await post(FULL)
    assert describe(hass, "image") == snapshot


async def look_patiently(look: Look, clock: Clock) -> Seen:
    """Let time pass until a look shows something, as slowly as a second at a time."""
    seeing = asyncio.create_task(look())
    while not seeing.done():
        await clock.elapse(MOMENT)
    return seeing.result()


# Which one


@pytest.mark.parametrize(
    ("notifications", "link"),
    [
        pytest.param([{}], None, id="none"),
        pytest.param([{"SnapshotUrl": A}], A, id="first"),
        pytest.param([{"SnapshotUrl": A}, {"SnapshotUrl": B}], B, id="newer"),
        pytest.param([{"SnapshotUrl": A}, {"SnapshotUrl": B}, {"SnapshotUrl": A}], A, id="to and fro"),
        pytest.param([{"SnapshotUrl": A}, {}], A, id="nothing said"),
        pytest.param([{"SnapshotUrl": A}, {"SnapshotUrl": "https://..."}], A, id="no link"),
        pytest.param([{"SnapshotUrl": A}, {"SnapshotUrl": 7}], A, id="a number"),
        pytest.param([{"SnapshotUrl": A}, {"PrintId": None, "SnapshotUrl": B}], B, id="print not named"),
        pytest.param([{"SnapshotUrl": A}, {"EventType": 2}], A, id="print complete"),
        pytest.param(
            [{"SnapshotUrl": A}, {"EventType": 3, "SnapshotUrl": B}], B, id="print failed, with another picture"
        ),
        pytest.param(
            [{"SnapshotUrl": A}, {"EventType": 2}, {"EventType": 15, "SnapshotUrl": B}], B, id="bed cooled down"
        ),
        pytest.param([{"SnapshotUrl": A}, {"EventType": 16, "SnapshotUrl": B}], A, id="test"),
        pytest.param([{"SnapshotUrl": A}, {"EventType": 13, "SnapshotUrl": B}], A, id="daily limit"),
        pytest.param([{"SnapshotUrl": A}, {"PrintId": "print-2"}], None, id="next print, without"),
        pytest.param([{"SnapshotUrl": A}, {"PrintId": "print-2", "SnapshotUrl": B}], B, id="next print"),
        pytest.param(
            [{"SnapshotUrl": A}, {"PrintId": "print-2"}, {"PrintId": "print-2", "SnapshotUrl": B}],
            B,
            id="next print, later",
        ),
        pytest.param(
            [{"SnapshotUrl": A}, {"PrintId": "print-2", "SnapshotUrl": B}, {"EventType": 2, "SnapshotUrl": C}],
            B,
            id="late, of the print before",
        ),
        pytest.param(
            [{"SnapshotUrl": A}, {"PrintId": "print-2"}, {"SnapshotUrl": C}], None, id="late, and none of this print"
        ),
        pytest.param([{"SnapshotUrl": A}, {"DurationSec": 40, "Progress": 9, "SnapshotUrl": C}], A, id="late"),
        pytest.param(
            [{"EventType": 2, "SnapshotUrl": A}, {"EventType": 4, "SnapshotUrl": C}], A, id="late, the print has ended"
        ),
    ],
)
async def test_newest(
    hass: HomeAssistant,
    post: Post,
    gallery: Gallery,
    look: Look,
    restart: Restart,
    clock: Clock,
    notifications: list[dict[str, Any]],
    link: str | None,
) -> None:
    """It is the newest one of the newest print, also after a restart, and nothing late is ever fetched."""
    for minute, notification in enumerate(notifications):
        clock.set(NOON + timedelta(minutes=minute))
        assert (await post(FULL | {"SnapshotUrl": None} | notification)).status == 200
        await look()
    arrived = [minute for minute, notification in enumerate(notifications) if notification.get("SnapshotUrl") == link]
    since = (NOON + timedelta(minutes=arrived[-1])).isoformat() if link else "unknown"
    for _ in range(2):
        assert value(hass, ENTITY) == since
        assert await look() == picture(link)
        await restart()
    assert C not in gallery.fetched


async def test_same_link_again(hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, clock: Clock) -> None:
    """What is known already is neither fetched nor shown as new."""
    clock.set(NOON)
    await post(FULL, SnapshotUrl=A)
    assert await look() == picture(A)
    for progress in range(30, 90, 10):
        await clock.elapse(timedelta(minutes=1))
        await post(FULL, SnapshotUrl=A, Progress=progress)
        assert await look() == picture(A)
    assert gallery.fetched == [A]
    assert value(hass, ENTITY) == NOON.isoformat()


async def test_same_link_in_the_next_print(
    hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, clock: Clock
) -> None:
    """A link that never changes leads to another picture in the next print, which is shown for a week as well."""
    clock.set(NOON)
    await post(FULL, SnapshotUrl=A)
    await look()
    await clock.elapse(DAY)
    await post(FULL, SnapshotUrl=A, PrintId="print-2")
    assert value(hass, ENTITY) == (NOON + DAY).isoformat()
    await look()
    assert gallery.fetched == [A, A]
    await clock.elapse(WEEK - MOMENT)
    assert await look() == picture(A)
    await clock.elapse(MOMENT)
    assert await look() == NO_PICTURE


async def test_each_printer_for_itself(post: Post, gallery: Gallery, look: Look) -> None:
    """Nobody sees the picture of another printer, though one be slow and the other have none."""
    gallery.hold(B)
    for printer_id, name, link in (("1", "Ender3", A), ("2", "Voron", B), ("3", "Prusa", None)):
        await post(FULL, PrinterId=printer_id, PrinterName=name, SnapshotUrl=link)
    voron = asyncio.create_task(look("image.voron_snapshot"))
    assert await look() == picture(A)
    assert await look("image.prusa_snapshot") == NO_PICTURE
    gallery.release(B)
    assert await voron == picture(B)


# For how long


@pytest.mark.parametrize("is_looked_at", [False, True])
async def test_week(
    hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, clock: Clock, *, is_looked_at: bool
) -> None:
    """It is shown for a week, to the second, and no dead link is asked for; another one is shown at once."""
    clock.set(NOON)
    await post(FULL, SnapshotUrl=A)
    if is_looked_at:
        assert await look() == picture(A)
    await clock.elapse(WEEK - MOMENT)
    assert value(hass, ENTITY) == NOON.isoformat()
    if is_looked_at:
        assert await look() == picture(A)
    await clock.elapse(MOMENT)
    assert value(hass, ENTITY) == "unknown"
    assert await look() == NO_PICTURE
    assert gallery.fetched == [A] * is_looked_at

    await post(FULL, SnapshotUrl=B)
    assert value(hass, ENTITY) == (NOON + WEEK).isoformat()
    assert await look() == picture(B)


async def test_week_of_the_newest(hass: HomeAssistant, post: Post, look: Look, gallery: Gallery, clock: Clock) -> None:
    """The week of one picture does not end that of the next."""
    clock.set(NOON)
    await post(FULL, SnapshotUrl=A)
    await clock.elapse(DAY)
    await post(FULL, SnapshotUrl=B)
    await clock.elapse(WEEK - MOMENT)
    assert await look() == picture(B)
    await clock.elapse(MOMENT)
    assert value(hass, ENTITY) == "unknown"
    assert await look() == NO_PICTURE
    assert gallery.fetched == [B]


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize(
    ("then", "is_over"),
    [
        (NOON + WEEK - timedelta(hours=1), False),
        (NOON + WEEK, True),
        (NOON + 52 * WEEK, True),
        (NOON - 52 * WEEK, False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
    ],
    ids=["nearly a week", "a week", "a year", "a year back", "1970"],
)
async def test_clock_is_set(
    hass: HomeAssistant,
    post: Post,
    gallery: Gallery,
    look: Look,
    restart: Restart,
    clock: Clock,
    then: datetime,
    *,
    is_over: bool,
    is_restarted: bool,
) -> None:
    """It goes by what the clock says, after a restart at once, otherwise soon, and to the second where it is not over yet."""
    clock.set(NOON)
    await post(FULL, SnapshotUrl=A)
    assert await look() == picture(A)
    if is_restarted:
        await restart(lambda: clock.set(then))
    else:
        clock.set(then)
        await clock.elapse(SOON)
    assert await look() == (NO_PICTURE if is_over else picture(A))
    assert value(hass, ENTITY) == ("unknown" if is_over else NOON.isoformat())

    await clock.elapse_until(NOON + WEEK - MOMENT)
    assert await look() == (NO_PICTURE if is_over else picture(A))
    await clock.elapse(MOMENT)
    assert value(hass, ENTITY) == "unknown"
    assert await look() == NO_PICTURE
    assert gallery.fetched == [A] * (2 if is_restarted and not is_over else 1)


# When it is fetched


async def test_nobody_looks(
    hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, restart: Restart, clock: Clock
) -> None:
    """A picture is shown as new at once, and fetched by the first look; what nobody looks at is not fetched."""
    clock.set(NOON)
    for number in range(6):
        for link in (C, B, A):
            await post(FULL, PrinterId=str(number), PrinterName=f"Printer {number}", SnapshotUrl=link)
    assert value(hass, "image.printer_3_snapshot") == NOON.isoformat()
    for _ in range(2):
        await settle(hass)
        assert gallery.fetched == []
        for _ in range(3):
            assert await look("image.printer_3_snapshot") == picture(A)
        assert gallery.fetched == [A]
        gallery.fetched.clear()
        await restart()


async def test_not_to_be_had(hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, clock: Clock) -> None:
    """What cannot be fetched shows that there is no picture, however many look, until somebody looks a minute later."""
    clock.set(NOON)
    gallery.missing.add(A)
    await post(FULL, SnapshotUrl=A)
    for _ in range(10):
        assert await look() == NO_PICTURE
        await clock.elapse(5 * MOMENT)
    assert gallery.fetched == [A]
    assert value(hass, ENTITY) == NOON.isoformat()
    gallery.missing.clear()
    await clock.elapse(10 * MOMENT)
    assert await look() == picture(A)
    gallery.missing.add(A)
    assert await look() == picture(A)


async def test_another_link_after_one_that_is_not_to_be_had(post: Post, gallery: Gallery, look: Look) -> None:
    """The next picture need not wait because the one before could not be had."""
    gallery.missing.add(A)
    for link in (A, B):
        await post(FULL, SnapshotUrl=link)
        assert await look() == picture(link if link == B else None)


async def test_room(post: Post, gallery: Gallery, look: Look) -> None:
    """Only so many pictures are kept as there is room for; one that had to go is fetched again when somebody looks."""
    entities = [f"image.printer_{number}_snapshot" for number in range(5)]
    links = [f"{A}&printer={number}" for number in range(5)]
    sizes = [len(picture(link)[1]) for link in links]
    with patch.object(image, "_MAX_BYTES", sum(sizes[:3])):
        for number, link in enumerate(links):
            await post(FULL, PrinterId=str(number), PrinterName=f"Printer {number}", SnapshotUrl=link)
            assert await look(entities[number]) == picture(link)
        for entity, link in zip(entities[2:], links[2:], strict=True):
            assert await look(entity) == picture(link)
        assert gallery.fetched == links
        assert await look(entities[0]) == picture(links[0])
        assert gallery.fetched == [*links, links[0]]
        await post(FULL, PrinterId="4", PrinterName="Printer 4", SnapshotUrl=None, PrintId="print-2")
        assert await look(entities[3]) == picture(links[3])
        assert await look(entities[2]) == picture(links[2])
        assert await look(entities[4]) == NO_PICTURE
        assert gallery.fetched == [*links, links[0], links[2]]


@pytest.mark.parametrize("then", [None, B], ids=["next print, without", "newer"])
async def test_overtaken(hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, then: str | None) -> None:
    """A picture that took too long is not shown in the place of what came after it."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    before = asyncio.create_task(look())
    await gallery.asked()
    await post(FULL, SnapshotUrl=then, PrintId="print-2")
    early = asyncio.create_task(look())
    gallery.release(A)
    assert await early == await before == picture(then)
    await settle(hass)
    assert await look() == picture(then)
    assert gallery.fetched == ([A, B] if then else [A])


async def test_overtaken_for_good(post: Post, gallery: Gallery, look: Look, clock: Clock) -> None:
    """A newer picture is there at once, however long the one before would take."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    before = asyncio.create_task(look())
    await gallery.asked()
    await post(FULL, SnapshotUrl=B)
    assert await look_patiently(look, clock) == picture(B)
    gallery.release(A)
    await before


async def test_many_looks(post: Post, gallery: Gallery, look: Look) -> None:
    """However many people look at the same moment, it is fetched once."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    looks = [asyncio.create_task(look()) for _ in range(10)]
    await gallery.asked()
    gallery.release(A)
    assert set(await asyncio.gather(*looks)) == {picture(A)}
    assert gallery.fetched == [A]


async def test_viewer_leaves(post: Post, gallery: Gallery, look: Look) -> None:
    """Whoever goes on looking sees the picture, though the first viewer has left meanwhile."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    first = asyncio.create_task(look())
    await gallery.asked()
    second = asyncio.create_task(look())
    first.cancel()
    gallery.release(A)
    assert await second == picture(A)


async def test_slow_picture(hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, clock: Clock) -> None:
    """Whoever has looked in vain is shown the picture as soon as it is there: the entity has another address then."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    address = hass.states.get(ENTITY).attributes["entity_picture"]  # type: ignore[union-attr]
    for _ in range(2):
        assert await look_patiently(look, clock) == NO_PICTURE
    assert hass.states.get(ENTITY).attributes["entity_picture"] == address  # type: ignore[union-attr]
    gallery.release(A)
    await settle(hass)
    assert hass.states.get(ENTITY).attributes["entity_picture"] != address  # type: ignore[union-attr]
    assert await look() == picture(A)
    assert gallery.fetched == [A]


async def test_newer_picture_while_one_waits(hass: HomeAssistant, post: Post, gallery: Gallery, look: Look) -> None:
    """Who waits for a picture gets the one that takes its place."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    viewer = asyncio.create_task(look())
    await gallery.asked()
    await post(FULL, SnapshotUrl=B)
    assert await viewer == picture(B)
    gallery.release(A)


async def test_many_printers(hass: HomeAssistant, post: Post, gallery: Gallery, look: Look) -> None:
    """For all printers together, four pictures at most are fetched at a time, and all of them in the end."""
    links = {f"printer_{number}": f"{A}&printer={number}" for number in range(10)}
    gallery.hold(*links.values())
    for printer_id, link in links.items():
        await post(FULL, PrinterId=printer_id, PrinterName=printer_id, SnapshotUrl=link)
    looks = [asyncio.create_task(look(f"image.{printer_id}_snapshot")) for printer_id in links]
    await gallery.asked(4)
    await asyncio.sleep(0)
    assert gallery.under_way == 4
    for link in links.values():
        gallery.release(link)
    assert await asyncio.gather(*looks) == [picture(link) for link in links.values()]
    assert sorted(gallery.fetched) == sorted(links.values())
    assert gallery.most == 4


# The end


async def test_unload_during_a_fetch(
    hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, restart: Restart
) -> None:
    """An entry is unloaded at once, whatever is being fetched, which is fetched again when somebody looks."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    viewer = asyncio.create_task(look())
    await gallery.asked()
    await restart()
    await settle(hass)
    assert gallery.under_way == 0
    assert await viewer == NO_PICTURE
    gallery.release(A)
    assert await look() == picture(A)


async def test_printer_is_removed_during_a_fetch(
    hass: HomeAssistant, post: Post, gallery: Gallery, look: Look, hass_ws_client: WebSocketGenerator
) -> None:
    """A printer that comes back does not come back with the old picture."""
    await post(FULL, SnapshotUrl=A)
    gallery.hold(A)
    viewer = asyncio.create_task(look())
    await gallery.asked()
    device = device_of(hass)
    assert device is not None
    websocket = await hass_ws_client(hass)
    assert (await remove_device(hass, websocket, device.id))["success"]
    await post(FULL, SnapshotUrl=None)
    gallery.release(A)
    await viewer
    await settle(hass)
    assert await look() == NO_PICTURE
    assert value(hass, ENTITY) == "unknown"


# What a link can do


@pytest.mark.parametrize(
    "link",
    [
        "http://snapshots.example/a.jpg",
        "https://127.0.0.1:8123/api/",
        "https://192.168.1.1/picture.jpg",
        "https://[::1]/picture.jpg",
        "https://169.254.169.254/latest/meta-data/",
    ],
)
@pytest.mark.usefixtures("gallery")
async def test_link_to_elsewhere(
    hass: HomeAssistant, post: Post, look: Look, monkeypatch: pytest.MonkeyPatch, announced: list[Event], link: str
) -> None:
    """What the guard does not let through shows that there is no picture; the event has the link all the same."""
    monkeypatch.setattr(image, "async_fetch", guarded.async_fetch)
    await post(FULL, SnapshotUrl=None)
    assert (await post(FULL, SnapshotUrl=link)).status == 200
    await settle(hass)
    assert await look() == NO_PICTURE
    assert announced[-1].data["snapshot_url"] == link


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], str]:
    """Return a function that returns everything that was logged of pictures, to the last detail."""
    loggers = ("custom_components.octoeverywhere", "homeassistant.components.image", "aiohttp", "asyncio")
    for logger in loggers:
        caplog.set_level(logging.DEBUG, logger=logger)
    return lambda: "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(loggers))


async def test_link_is_not_shown(
    hass: HomeAssistant,
    post: Post,
    gallery: Gallery,
    look: Look,
    clock: Clock,
    announced: list[Event],
    logged: Callable[[], str],
) -> None:
    """Who knows the link sees the printer, so only the event has it: neither the entity nor the log."""
    clock.set(NOON)
    gallery.missing.add(B)
    for link in (A, B, "http://snapshots.example/c.jpg"):
        await post(FULL, SnapshotUrl=link)
        await look()
        assert announced[-1].data["snapshot_url"] == link
        assert link in json.dumps(shown(hass)["event.ender3_notification"], default=str)
        assert "snapshots.example" not in json.dumps(describe(hass, "image"))
    await clock.elapse(WEEK)
    assert await look() == NO_PICTURE
    assert "snapshots.example" not in logged()
    assert f"{ENTITY} has no picture: gone" in logged()
