"""Tests of all printers together: in which order notifications are worked on, who hears of them, and how often."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_FINAL_WRITE, EVENT_STATE_CHANGED
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.helpers.entity_platform import MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_capture_events

from custom_components.octoeverywhere import account, job

from .conftest import (
    FULL,
    FULL_DISK,
    NUMBERS,
    Disk,
    Post,
    Remove,
    device_of,
    devices_of,
    entities_of,
    files,
    get_prints,
    hand_over,
    lasting,
    load,
    pass_time,
    records,
    reload,
    shown,
    slugs,
    start,
    the_device,
    value,
    value_of,
    watched,
)
from .story import FIXTURES, Teller, fixture

type HangUp = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture(autouse=True)
async def enable_event_loop_debug() -> None:
    """Let asyncio complain where a thread does what only the event loop may do."""
    asyncio.get_running_loop().set_debug(True)


def written(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> set[str]:
    """Return the entities that were written since the clock was last moved."""
    now = freezer().timestamp()
    return {state.entity_id for state in hass.states.async_all() if state.last_reported_timestamp >= now}


@pytest.mark.parametrize("slug", ["print_started", "print_complete", "print_progress", "error", "test"])
async def test_one_decision(post: Post, slug: str) -> None:
    """What a notification is about is worked out once, and what follows from it as well."""
    await post(FULL, EventType=1)
    with (
        patch.object(job, "relation", wraps=job.relation) as relation,
        patch("custom_components.octoeverywhere.account.decide", wraps=job.decide) as decide,
    ):
        await post(FULL, EventType=NUMBERS[slug], DurationSec=60)
    assert (relation.call_count, decide.call_count) == (1, 1)


@pytest.mark.parametrize("name", FIXTURES)
async def test_whole_prints(
    hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory, name: str
) -> None:
    """Notification by notification, Home Assistant shows what the notifications mean together, a reload in between or not."""
    printers: dict[str, Teller] = {}
    for number, arrival in enumerate(fixture(name), start=1):
        freezer.move_to(arrival.at)
        assert (await post(arrival.body)).status == 200
        if number % 8 == 0:
            await reload(hass)
        printer_id = arrival.notification.printer_id
        expected = printers.setdefault(printer_id, Teller()).tell([arrival]).view
        for key in ("status", "progress", "attention", "file_name", "current_layer", "error_message"):
            is_known = getattr(expected, key) is not None
            assert value_of(hass, printer_id, "sensor", key) == (str(getattr(expected, key)) if is_known else "unknown")
    for printer_id, teller in printers.items():
        device = the_device(hass, printer_id)
        found = [(print_["outcome"], print_["duration"]) for print_ in await get_prints(hass, printer=device.id)]
        assert found == [(print_.outcome, print_.duration) for print_ in reversed(teller.prints)]
        assert slugs([event for event in announced if event.data["device_id"] == device.id]) == teller.announced


# One queue, one write


@pytest.mark.usefixtures("loaded")
@pytest.mark.parametrize("error", [None, OSError("full")])
async def test_what_waits_together_shares_one_write(
    hass: HomeAssistant, disk: Disk, announced: list[Event], error: OSError | None
) -> None:
    """Each is answered and announced when it is on the disk and not before, in order, the first one of a printer included.

    Where the disk does not take it, that is tried no more often.
    """
    kinds = ["print_started", "first_layer_complete", "third_layer_complete", "print_paused"]
    changes = async_capture_events(hass, EVENT_STATE_CHANGED)
    disk.hold()
    posts = [
        hass.async_create_task(
            hand_over(hass, FULL, EventType=NUMBERS[kind], PrinterId=f"printer-{printer}", PrinterName=name)
        )
        for kind in kinds
        for printer, name in ((1, "Ender3"), (2, "Voron"), (3, "Prusa"), (4, "Bambu"))
    ]
    await asyncio.to_thread(disk.writing.wait)
    assert not any(post.done() for post in posts)
    assert (announced, shown(hass)) == ([], {})

    disk.error = error
    disk.release()
    assert await asyncio.gather(*posts) == [(200, "")] * 16
    await hass.async_block_till_done()
    assert disk.writes == ["octoeverywhere.printers"] * 2
    for printer in (1, 2, 3, 4):
        told = [event for event in announced if event.data["printer_id"] == f"printer-{printer}"]
        assert slugs(told) == kinds
        assert {event.data["device_id"] for event in told} == {the_device(hass, f"printer-{printer}").id}
        assert value_of(hass, f"printer-{printer}", "sensor", "status") == "paused"
    states = [event.data["new_state"] for event in changes if event.data["entity_id"] == "event.ender3_notification"]
    assert [state.attributes["event_type"] for state in states] == [None, *kinds]


@pytest.fixture
def hang_up(loaded: MockConfigEntry, send: Post, disk: Disk) -> HangUp:
    """Return a function that posts one notification and hangs up while it is being saved, which goes on until released."""

    async def hang_up(payload: dict[str, Any] | None = None, /, **keys: Any) -> None:
        disk.hold()
        with watched() as (_, handled):
            sending = asyncio.create_task(send(payload, **keys))
            await asyncio.to_thread(disk.writing.wait)
            sending.cancel()
            await handled.wait()

    return hang_up


@pytest.mark.parametrize("is_known", [False, True])
@pytest.mark.parametrize("error", [None, FULL_DISK], ids=["", "full disk"])
async def test_sender_hangs_up(
    hass: HomeAssistant,
    hang_up: HangUp,
    post: Post,
    send: Post,
    disk: Disk,
    announced: list[Event],
    error: OSError | None,
    is_known: bool,
) -> None:
    """Whether or not its sender waits for the answer, a notification is saved, shown and announced, and once."""
    if is_known:
        await post(FULL, EventType=1)
        announced.clear()
    disk.error = error
    await hang_up(FULL, EventType=4)
    again = asyncio.create_task(send(FULL, EventType=4))  # while the first one is still being saved
    disk.release()
    assert (await again).status == 200
    await hass.async_block_till_done()
    disk.error = None
    assert (await post(FULL, EventType=4)).status == 200
    assert value(hass, "sensor.ender3_status") == "paused"
    assert records(hass)["printer-1"]["job"]["status"] == "paused"
    assert slugs(announced) == ["print_paused"]
    assert announced[0].data["device_id"] == the_device(hass).id
    await post(FULL, EventType=5)
    assert slugs(announced) == ["print_paused", "print_resumed"]


async def test_unload_while_it_is_saved(
    hass: HomeAssistant, hang_up: HangUp, loaded: MockConfigEntry, disk: Disk, announced: list[Event]
) -> None:
    """An unload waits also for what nobody waits for any more, and for all that came before it; what comes then is not taken."""
    await hang_up(FULL)
    behind = [hass.async_create_task(hand_over(hass, FULL, EventType=number)) for number in (10, 14, 4)]
    unload = hass.async_create_task(hass.config_entries.async_unload(loaded.entry_id))
    assert await hand_over(hass, FULL, EventType=5) == (503, "not_ready")
    assert not unload.done()
    disk.release()
    assert await asyncio.gather(*behind) == [(200, "")] * 3
    assert await unload
    assert slugs(announced) == ["print_progress", "first_layer_complete", "third_layer_complete", "print_paused"]
    await load(hass)
    assert value(hass, "sensor.ender3_status") == "paused"
    assert len(announced) == 4


async def test_unexpected_error(
    hass: HomeAssistant, loaded: MockConfigEntry, disk: Disk, announced: list[Event], caplog: pytest.LogCaptureFixture
) -> None:
    """An error of our own is the answer to all that wait together and have had none; what comes next is shown again."""
    disk.hold()
    posts = [hass.async_create_task(hand_over(hass, FULL, EventType=number)) for number in (1, 10, 14, 4)]
    await asyncio.to_thread(disk.writing.wait)
    posts[1].cancel()
    with patch("custom_components.octoeverywhere.account.decide", side_effect=RuntimeError("Unheard of")):
        disk.release()
        answers = await asyncio.gather(*posts, return_exceptions=True)
        await hass.async_block_till_done()
    assert [answer for answer in answers if not isinstance(answer, BaseException)] == [(200, ""), (500, ""), (500, "")]
    assert "Unheard of" in caplog.text
    assert await hand_over(hass, FULL, EventType=4) == (200, "")
    assert slugs(announced) == ["print_started", "print_paused"]


async def test_stop(hass: HomeAssistant, loaded: MockConfigEntry, disk: Disk) -> None:
    """What arrives while Home Assistant stops is saved at once, and what the disk did not take, before the end."""
    hass.set_state(CoreState.stopping)
    assert await hand_over(hass, FULL) == (200, "")
    assert records(hass)["printer-1"]["job"]["status"] == "printing"
    disk.error = FULL_DISK
    assert await hand_over(hass, FULL, EventType=4) == (200, "")
    disk.error = None
    hass.set_state(CoreState.final_write)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_FINAL_WRITE)
    await hass.async_block_till_done()
    assert records(hass)["printer-1"]["job"]["status"] == "paused"
    hass.set_state(CoreState.running)


async def test_flood(hass: HomeAssistant, loaded: MockConfigEntry, disk: Disk, announced: list[Event]) -> None:
    """Where far more wait for the disk than anybody sends, the rest is not taken; what was taken is not lost."""
    disk.hold()
    posts = [hass.async_create_task(hand_over(hass, FULL, DurationSec=number)) for number in range(140)]
    await asyncio.to_thread(disk.writing.wait)
    disk.release()
    answers = await asyncio.gather(*posts)
    taken = answers.count((200, ""))
    assert 100 <= taken < 140
    assert answers == [(200, "")] * taken + [(503, "not_ready")] * (140 - taken)
    await hass.async_block_till_done()
    assert [event.data["duration"] for event in announced] == list(range(taken))
    assert await hand_over(hass, FULL, DurationSec=200) == (200, "")


async def test_flood_before_the_start(hass: HomeAssistant, loaded: MockConfigEntry, announced: list[Event]) -> None:
    """Nor are there more than so many to be announced once Home Assistant has started."""
    hass.set_state(CoreState.starting)
    answers = [await hand_over(hass, FULL, DurationSec=number) for number in range(140)]
    taken = answers.count((200, ""))
    assert 100 <= taken < 140
    assert announced == []
    await start(hass)
    assert len(announced) == taken
    assert await hand_over(hass, FULL, DurationSec=200) == (200, "")


# Who hears of it


@pytest.mark.parametrize("slug", ["test", "notification_limit"])
async def test_not_about_a_printer(
    hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory, slug: str
) -> None:
    """A test or the daily limit makes no printer and changes none; the event entity of a known one announces it."""
    await post(FULL, EventType=NUMBERS[slug])
    assert slugs(announced) == [slug]
    assert announced[0].data["device_id"] is None
    assert announced[0].data["file_name"] == "MyCoolPrint.gcode"
    assert devices_of(hass) == []
    assert (shown(hass), records(hass)) == ({}, {})

    await post(FULL, EventType=1)
    freezer.tick(60)
    await post(FULL, EventType=NUMBERS[slug], Progress=99, PrinterName="Renamed")
    device = the_device(hass)
    assert (device.name, announced[-1].data["device_id"]) == ("Ender3", device.id)
    assert written(hass, freezer) == {"event.ender3_notification"}
    assert shown(hass)["event.ender3_notification"][1]["event_type"] == slug


async def test_repeat(
    hass: HomeAssistant, post: Post, announced: list[Event], disk: Disk, freezer: FrozenDateTimeFactory
) -> None:
    """What is sent twice within the time of retries is answered, and changes, announces and writes nothing."""
    await post(FULL, EventType=1)
    await post(FULL, EventType=10)
    disk.writes.clear()
    await pass_time(hass, freezer, timedelta(minutes=44))
    freezer.tick(1)
    for number in (1, 10, 1):
        assert (await post(FULL, EventType=number)).status == 200
    assert len(announced) == 2
    assert disk.writes == []
    assert written(hass, freezer) == set()


async def test_late(hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory) -> None:
    """What comes late changes no state but the totals, if it tells of an end, and is announced all the same."""
    await post(FULL, EventType=1, PrintId="print-1")
    await post(FULL, EventType=6, PrintId="print-2", DurationSec=500)
    late: list[tuple[dict[str, Any], set[str]]] = [
        ({"EventType": 2, "PrintId": "print-1"}, {"sensor.ender3_prints_completed", "sensor.ender3_total_print_time"}),
        ({"EventType": 9, "PrintId": "print-1", "Error": "Long ago"}, set()),
        ({"EventType": 4, "PrintId": "print-2", "DurationSec": 40, "Progress": 20}, set()),
    ]
    for keys, totals in late:
        freezer.tick(1)
        assert (await post(FULL, **keys)).status == 200
        assert written(hass, freezer) == {"event.ender3_notification"} | totals
    assert slugs(announced)[2:] == ["print_complete", "error", "print_paused"]
    assert value(hass, "sensor.ender3_prints_completed") == "1"


@pytest.mark.parametrize("state", [CoreState.not_running, CoreState.starting])
@pytest.mark.parametrize("is_reloaded", [False, True])
async def test_announced_once_started(
    hass: HomeAssistant, post: Post, announced: list[Event], state: CoreState, is_reloaded: bool
) -> None:
    """What comes while Home Assistant starts is shown at once, and announced when automations can hear it."""
    hass.set_state(state)
    await post(EventType=16)
    await post(FULL, EventType=1)
    await post(FULL, EventType=4)
    assert value(hass, "sensor.ender3_status") == "paused"
    assert announced == []
    if is_reloaded:
        await reload(hass)
    await start(hass)
    assert slugs(announced) == ["test", "print_started", "print_paused"]
    device = the_device(hass)
    assert [event.data["device_id"] for event in announced] == [None, device.id, device.id]
    assert shown(hass)["event.ender3_notification"][1]["event_type"] == "print_paused"


async def test_only_what_changes_is_written(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A notification writes the entities that show something else than before, and nothing of another printer."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    steps: list[tuple[dict[str, Any], set[str]]] = [
        ({"DurationSec": 51}, {"print_duration"}),
        ({"Progress": 22, "TimeRemainingSec": 594}, {"progress", "time_remaining"}),
        ({"CurrentLayer": 51}, {"current_layer"}),
        ({"EventType": 4}, {"status"}),
    ]
    said = FULL
    for changes, sensors in steps:
        freezer.tick(1)
        said = said | changes
        await post(said)
        expected = {f"sensor.ender3_{sensor}" for sensor in sensors} | {"event.ender3_notification"}
        if "status" in sensors:  # a paused print has no known end
            expected |= {"binary_sensor.ender3_printing", "calendar.ender3_prints"}
        assert written(hass, freezer) == expected


async def test_states_come_before_the_event(hass: HomeAssistant, post: Post) -> None:
    """Who hears of a notification on the bus finds the states up to date, its event entity's included."""
    found: list[tuple[Any, ...]] = []

    @callback
    def look(_: Event) -> None:
        device = device_of(hass)
        newest = shown(hass)["event.ender3_notification"][1]["event_type"]
        status, printing = value(hass, "sensor.ender3_status"), value(hass, "binary_sensor.ender3_printing")
        found.append((status, printing, newest, device and device.name))

    hass.bus.async_listen("octoeverywhere_print_started", look)
    hass.bus.async_listen("octoeverywhere_print_paused", look)
    await post(FULL, EventType=1)
    await post(FULL, EventType=4, PrinterName="Renamed")
    assert found == [("printing", "on", "print_started", "Ender3"), ("paused", "off", "print_paused", "Renamed")]


async def test_what_follows_from_time(
    hass: HomeAssistant, post: Post, disk: Disk, announced: list[Event], freezer: FrozenDateTimeFactory
) -> None:
    """What a day without a word means is saved like a notification, and announced to nobody."""
    await post(FULL, EventType=9)
    disk.error = FULL_DISK
    await pass_time(hass, freezer, timedelta(days=1))
    disk.error = None
    await pass_time(hass, freezer, timedelta(minutes=1))
    assert value(hass, "sensor.ender3_status") == "failed"
    assert [print_["outcome"] for print_ in await get_prints(hass)] == ["failed"]
    assert records(hass)["printer-1"]["totals"]["failed"] == 1
    assert slugs(announced) == ["error"]
    before = lasting(hass)
    await reload(hass)
    assert lasting(hass) == before


# How many there may be


async def test_room_for_every_printer(hass: HomeAssistant, post: Post) -> None:
    """All printers that get a device have as many entities as Home Assistant allows a config entry."""
    await post(FULL)
    entities = entities_of(hass)
    enabled = [entity for entity in entities if entity.disabled_by is None]
    assert account._MAX_PRINTERS * len(enabled) <= MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY  # noqa: SLF001 - ours


async def test_too_many_printers(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    announced: list[Event],
    remove: Remove,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Beyond a number of printers that nobody has, others are only announced; those that are known go on."""
    await post(FULL, PrinterId="printer-0")
    with patch.object(account, "_MAX_PRINTERS", 2):
        for number in range(4):
            assert (await post(FULL, PrinterId=f"printer-{number}", EventType=4)).status == 200
        devices = [device_of(hass, f"printer-{number}") for number in range(4)]
        assert [device is not None for device in devices] == [True, True, False, False]
        assert [event.data["device_id"] for event in announced[1:]] == [device and device.id for device in devices]
        assert set(records(hass)) == {"printer-0", "printer-1"}
        assert caplog.text.count("Only the first 2 printers") == 1

        assert devices[1] is not None
        assert await remove(devices[1].id)
        for number in (3, 1):
            await post(FULL, PrinterId=f"printer-{number}", EventType=5)
        assert device_of(hass, "printer-3") is not None
        assert device_of(hass, "printer-1") is None
        await post(FULL, PrinterId="printer-1", EventType=14)
    # Once there are more already, as of a version with a higher limit, all of them come back.
    await post(FULL, PrinterId="printer-1", EventType=4)
    with patch.object(account, "_MAX_PRINTERS", 2):
        await reload(hass)
        assert loaded.state is ConfigEntryState.LOADED
        statuses = [value_of(hass, f"printer-{number}", "sensor", "status") for number in (0, 1, 3)]
        assert statuses == ["paused", "paused", "printing"]
    assert "printer-2" not in str(files(hass))
