"""Tests of who hears of a notification, when, and how often."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
import json
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import webhook
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED, EVENT_STATE_CHANGED
from homeassistant.core import CoreState, Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity_platform import MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY
from homeassistant.setup import async_setup_component
from homeassistant.util.file import WriteError
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.octoeverywhere import coordinator
from custom_components.octoeverywhere.state import PrinterState, reduce

from .conftest import FULL, NUMBERS, Disk, Post, device_of, remove_device, shown, slugs, value, value_of
from .replay import NAMES, arrivals

type HangUp = Callable[..., Coroutine[Any, Any, None]]


@pytest.fixture
def shown_events(hass: HomeAssistant) -> list[str]:
    """Collect what the event entity of the first printer shows, one after the other."""
    events: list[str] = []

    @callback
    def collect(event: Event[EventStateChangedData]) -> None:
        if event.data["entity_id"] == "event.ender3_notification" and (state := event.data["new_state"]):
            events.append(state.attributes["event_type"])

    hass.bus.async_listen(EVENT_STATE_CHANGED, collect)
    return events


@pytest.fixture
def hang_up(loaded: MockConfigEntry, send: Post, disk: Disk) -> HangUp:
    """Return a function that posts one notification and hangs up while it is being saved, which goes on until released."""

    async def hang_up(payload: dict[str, Any] | None = None, /, **keys: Any) -> None:
        stopped = asyncio.Event()
        handle = webhook.async_handle_webhook

        async def watch(*arguments: Any) -> Any:
            try:
                return await handle(*arguments)
            except asyncio.CancelledError:
                stopped.set()
                raise

        disk.hold()
        with patch("homeassistant.components.webhook.async_handle_webhook", watch):
            sending = asyncio.create_task(send(payload, **keys))
            await disk.writing.wait()
            sending.cancel()
            await stopped.wait()

    return hang_up


def entities_of(hass: HomeAssistant, printer_id: str) -> set[str]:
    """Return the keys of a printer's entities, those that are disabled at first included."""
    return {
        entity.unique_id.removeprefix(f"{printer_id}_")
        for entity in er.async_get(hass).entities.values()
        if entity.unique_id.startswith(f"{printer_id}_")
    }


def written(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> set[str]:
    """Return the entities that were written since the clock was last moved."""
    now = freezer().timestamp()
    return {state.entity_id for state in hass.states.async_all() if state.last_reported_timestamp >= now}


async def test_first_notifications_of_a_printer(
    hass: HomeAssistant, post: Post, disk: Disk, announced: list[Event], shown_events: list[str]
) -> None:
    """The notification that makes a printer, and the one right behind it, are each announced once, in order."""
    disk.hold()
    first = asyncio.create_task(post(FULL, EventType=1))
    await disk.writing.wait()
    second = asyncio.create_task(post(FULL, EventType=10))
    disk.release()
    assert [response.status for response in await asyncio.gather(first, second)] == [200, 200]
    device = device_of(hass)
    assert device is not None
    assert slugs(announced) == ["print_started", "first_layer_complete"]
    assert {event.data["device_id"] for event in announced} == {device.id}
    assert [slug for slug in shown_events if slug] == ["print_started", "first_layer_complete"]


async def test_many_at_once(hass: HomeAssistant, post: Post, announced: list[Event], shown_events: list[str]) -> None:
    """Of a volley to several unknown printers nothing is lost, doubled or mixed up."""
    numbers = [1, 10, 14, 4, 5, 7]
    responses = await asyncio.gather(
        *(
            post(FULL, EventType=number, PrinterId=f"printer-{printer}", PrinterName=name)
            for printer, name in ((1, "Ender3"), (2, "Voron"), (3, "Prusa"))
            for number in numbers
        )
    )
    assert {response.status for response in responses} == {200}
    for printer in (1, 2, 3):
        printer_id = f"printer-{printer}"
        device = device_of(hass, printer_id)
        assert device is not None
        own = [event.data for event in announced if event.data["printer_id"] == printer_id]
        assert sorted(data["event_type"] for data in own) == sorted(numbers)
        assert {data["device_id"] for data in own} == {device.id}
    assert [slug for slug in shown_events if slug] == [
        event.data["type"] for event in announced if event.data["printer_id"] == "printer-1"
    ]


@pytest.mark.parametrize("slug", ["test", "notification_limit"])
async def test_not_about_a_printer(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    announced: list[Event],
    freezer: FrozenDateTimeFactory,
    slug: str,
) -> None:
    """A test or the daily limit makes no printer and changes none; the event entity of a known one announces it."""
    assert (await post(FULL, EventType=NUMBERS[slug])).status == 200
    assert slugs(announced) == [slug]
    assert announced[0].data["device_id"] is None
    assert announced[0].data["file_name"] == "MyCoolPrint.gcode"
    assert dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id) == []
    assert shown(hass) == {}

    await post(FULL, EventType=1)
    await post(FULL, EventType=1, PrinterId="printer-2", PrinterName="Voron")
    before = shown(hass)
    freezer.tick(60)
    await post(FULL, EventType=NUMBERS[slug], Progress=99, PrinterName="Renamed")
    device = device_of(hass)
    assert device is not None
    assert device.name == "Ender3"
    assert slugs(announced) == [slug, "print_started", "print_started", slug]
    assert announced[-1].data["device_id"] == device.id
    assert written(hass, freezer) == {"event.ender3_notification"}
    after = shown(hass)
    assert after["event.ender3_notification"][1]["event_type"] == slug
    assert after | {"event.ender3_notification": before["event.ender3_notification"]} == before


async def test_late(hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory) -> None:
    """What comes late changes no state but the totals, if it tells of an end, and is announced all the same."""
    await post(FULL, EventType=1, PrintId="print-1")
    await post(FULL, EventType=6, PrintId="print-2")
    before = shown(hass)
    late: list[tuple[dict[str, Any], set[str]]] = [
        ({"EventType": 2, "PrintId": "print-1"}, {"sensor.ender3_prints_completed", "sensor.ender3_total_print_time"}),
        ({"EventType": 9, "PrintId": "print-1", "Error": "Long ago"}, set()),
        ({"EventType": 4, "PrintId": "print-2", "DurationSec": 40, "Progress": 20}, set()),
    ]
    changed = {"event.ender3_notification"}
    for keys, totals in late:
        freezer.tick(1)
        assert (await post(FULL, **keys)).status == 200
        assert written(hass, freezer) == {"event.ender3_notification"} | totals
        changed |= totals
    assert slugs(announced)[2:] == ["print_complete", "error", "print_paused"]
    after = shown(hass)
    assert after["event.ender3_notification"][1]["event_type"] == "print_paused"
    assert after["sensor.ender3_prints_completed"][0] == "1"
    assert after | {entity_id: before[entity_id] for entity_id in changed} == before


@pytest.mark.parametrize("state", [CoreState.not_running, CoreState.starting])
async def test_announced_once_started(
    hass: HomeAssistant, post: Post, announced: list[Event], shown_events: list[str], state: CoreState
) -> None:
    """What comes while Home Assistant starts is shown at once, and announced when automations can hear it."""
    hass.set_state(state)
    assert (await post(EventType=16)).status == 200
    assert (await post(FULL, EventType=1)).status == 200
    assert (await post(FULL, EventType=4)).status == 200
    assert value(hass, "sensor.ender3_status") == "paused"
    assert announced == []

    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    assert slugs(announced) == ["test", "print_started", "print_paused"]
    device = device_of(hass)
    assert device is not None
    assert [event.data["device_id"] for event in announced] == [None, device.id, device.id]
    assert [slug for slug in shown_events if slug] == ["print_started", "print_paused"]


async def test_only_what_changes_is_written(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """A notification writes the entities that show something else than before, and nothing of another printer."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    steps: list[tuple[dict[str, Any], set[str]]] = [
        ({}, set()),
        (
            {"Progress": 22, "DurationSec": 60, "TimeRemainingSec": 594},
            {"progress", "print_duration", "time_remaining"},
        ),
        ({"CurrentLayer": 51}, {"current_layer", "progress", "print_duration", "time_remaining"}),
        # What is left to the finish once the print goes on starts from how close it has come.
        ({"EventType": 4}, {"status", "current_layer", "estimated_finish"}),
    ]
    known = dict(FULL)
    for changes, sensors in steps:
        freezer.tick(1)
        known = FULL | {"DurationSec": 70, "Progress": 23, "TimeRemainingSec": 590} | changes if sensors else known
        await post(known)
        expected = {f"sensor.ender3_{sensor}" for sensor in sensors} | {"event.ender3_notification"}
        if "status" in sensors:
            expected.add("binary_sensor.ender3_printing")
        assert written(hass, freezer) == expected


async def test_states_come_before_the_event(hass: HomeAssistant, post: Post) -> None:
    """Who hears of a notification on the bus finds the states up to date, its event entity's included."""
    found: list[tuple[str | None, str | None, Any, str | None]] = []

    @callback
    def look(event: Event) -> None:
        states = shown(hass)
        device = device_of(hass)
        found.append(
            (
                value(hass, "sensor.ender3_status"),
                value(hass, "binary_sensor.ender3_printing"),
                states["event.ender3_notification"][1]["event_type"],
                device.name if device else None,
            )
        )

    hass.bus.async_listen("octoeverywhere_print_started", look)
    hass.bus.async_listen("octoeverywhere_print_paused", look)
    await post(FULL, EventType=1)
    await post(FULL, EventType=4, PrinterName="Renamed")
    assert found == [
        ("printing", "on", "print_started", "Ender3"),
        ("paused", "off", "print_paused", "Renamed"),
    ]


async def test_update_entity(hass: HomeAssistant, post: Post, announced: list[Event]) -> None:
    """Whoever asks for an update gets what is known."""
    assert await async_setup_component(hass, "homeassistant", {})
    await post(FULL)
    before = shown(hass)
    await hass.services.async_call(
        "homeassistant",
        "update_entity",
        {"entity_id": ["sensor.ender3_status", "event.ender3_notification"]},
        blocking=True,
    )
    await hass.async_block_till_done()
    assert shown(hass) == before
    assert len(announced) == 1


@pytest.mark.parametrize("name", NAMES)
async def test_whole_prints(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    announced: list[Event],
    freezer: FrozenDateTimeFactory,
    name: str,
) -> None:
    """Notification by notification, the entities show what the notifications mean together, a reload in between or not."""
    printers: dict[str, PrinterState] = {}
    for number, arrival in enumerate(arrivals(name), start=1):
        freezer.move_to(arrival.at)
        assert (await post(arrival.body)).status == 200
        if number % 5 == 0:
            assert await hass.config_entries.async_reload(loaded.entry_id)
            await hass.async_block_till_done()
        assert len(announced) == number
        notification = arrival.notification
        assert announced[-1].data["type"] == notification.type
        known = printers.get(notification.printer_id, PrinterState(name=notification.printer_name))
        printers[notification.printer_id] = state = reduce(known, notification, arrival.at)
        shows = {
            key: value_of(hass, notification.printer_id, "sensor", key)
            for key in ("status", "progress", "attention", "file_name")
        }
        assert shows == {
            "status": state.status or "unknown",
            "progress": "unknown" if state.progress is None else str(state.progress),
            "attention": state.attention,
            "file_name": state.file_name or "unknown",
        }
        since = value_of(hass, notification.printer_id, "event", "notification")
        assert since == arrival.at.isoformat(timespec="milliseconds")
    assert len(dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)) == len(printers)


@pytest.mark.parametrize("is_known", [False, True])
async def test_sender_hangs_up(
    hass: HomeAssistant,
    hang_up: HangUp,
    post: Post,
    disk: Disk,
    announced: list[Event],
    shown_events: list[str],
    hass_storage: dict[str, Any],
    is_known: bool,
) -> None:
    """Whether or not its sender waits for the answer, a notification is saved, shown and announced, and once."""
    if is_known:
        await post(FULL, EventType=1)
    earlier = ["print_started"] * is_known
    await hang_up(FULL, EventType=4)
    assert slugs(announced) == earlier
    disk.release()
    await hass.async_block_till_done()
    device = device_of(hass)
    assert device is not None
    assert value(hass, "sensor.ender3_status") == "paused"
    assert slugs(announced) == [*earlier, "print_paused"]
    assert announced[-1].data["device_id"] == device.id
    assert "paused" in json.dumps(hass_storage)

    before = shown(hass)
    assert (await post(FULL, EventType=4)).status == 200
    assert shown(hass) == before
    await post(FULL, EventType=5)
    assert slugs(announced) == [*earlier, "print_paused", "print_resumed"]
    assert [slug for slug in shown_events if slug] == slugs(announced)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    assert entities_of(hass, "printer-1") == entities_of(hass, "printer-2") != set()


async def test_sender_hangs_up_again(
    hass: HomeAssistant, hang_up: HangUp, post: Post, disk: Disk, announced: list[Event]
) -> None:
    """However often the sender of a notification hangs up, it is announced once."""
    for _ in range(3):
        await hang_up(FULL)
        disk.release()
        await hass.async_block_till_done()
    assert (await post(FULL)).status == 200
    assert slugs(announced) == ["print_progress"]


async def test_sender_comes_back_early(
    hass: HomeAssistant, hang_up: HangUp, send: Post, disk: Disk, announced: list[Event]
) -> None:
    """What is sent again while it is still being saved is answered, and announced once."""
    await hang_up(FULL)
    again = asyncio.create_task(send(FULL))
    # Whoever asks next is served next, so the second sending has been handed in once this has been answered.
    await send(FULL, SecretKey="wrong")
    with patch.object(disk.released, "wait", partial(asyncio.sleep, 0)):  # as long as any real disk takes
        disk.release()
        assert (await again).status == 200
    await hass.async_block_till_done()
    assert slugs(announced) == ["print_progress"]


@pytest.mark.parametrize("is_known", [False, True])
async def test_sender_hangs_up_and_not_saved(
    hass: HomeAssistant, hang_up: HangUp, post: Post, disk: Disk, announced: list[Event], is_known: bool
) -> None:
    """What was neither saved nor answered is expected once more, and only once."""
    if is_known:
        await post(FULL, EventType=1)
        announced.clear()
    disk.error = WriteError("No space left on device")
    await hang_up(FULL, EventType=4)
    disk.release()
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_status") == "paused"
    assert (await post(FULL, EventType=4)).status == 503
    disk.error = None
    assert (await post(FULL, EventType=4)).status == 200
    assert slugs(announced) == ["print_paused"]
    # This has been answered, so whoever sends it now has something to say.
    assert (await post(FULL, EventType=4)).status == 200
    assert slugs(announced) == ["print_paused"] * 2


async def test_sender_hangs_up_and_unload(
    hass: HomeAssistant,
    hang_up: HangUp,
    loaded: MockConfigEntry,
    disk: Disk,
    announced: list[Event],
    hass_storage: dict[str, Any],
) -> None:
    """An unload waits also for what nobody waits for any more."""
    await hang_up(FULL)
    unload = hass.async_create_task(hass.config_entries.async_unload(loaded.entry_id))
    await asyncio.sleep(0)
    assert not unload.done()
    disk.release()
    assert await unload
    assert slugs(announced) == ["print_progress"]
    assert "print_progress" in json.dumps(hass_storage)

    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_progress") == "21"


async def test_sender_hangs_up_and_unexpected_error(
    hass: HomeAssistant, hang_up: HangUp, post: Post, disk: Disk, announced: list[Event]
) -> None:
    """An error of our own is heard of though nobody waits for it, and what is sent again makes up for it."""
    errors: list[str] = []
    handler = hass.loop.get_exception_handler()
    hass.loop.set_exception_handler(lambda _, context: errors.append(repr(context.get("exception"))))
    disk.error = RuntimeError("Unheard of")
    await hang_up(FULL)
    with patch("custom_components.octoeverywhere.coordinator.PrinterCoordinator.async_show", side_effect=disk.error):
        disk.release()
        await hass.async_block_till_done()
    hass.loop.set_exception_handler(handler)
    assert errors == [repr(disk.error)]
    assert announced == []

    disk.error = None
    assert (await post(FULL)).status == 200
    assert slugs(announced) == ["print_progress"]
    assert value(hass, "sensor.ender3_status") == "printing"


async def test_room_for_every_printer(hass: HomeAssistant, loaded: MockConfigEntry, post: Post) -> None:
    """All printers that get a device have as many entities as Home Assistant allows a config entry, print ids included."""
    await post(FULL)
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    assert coordinator._MAX_PRINTERS * len(entities) <= MAX_ENABLED_ENTITIES_PER_CONFIG_ENTRY  # noqa: SLF001 - ours


async def test_flood(
    hass: HomeAssistant, loaded: MockConfigEntry, post: Post, send: Post, disk: Disk, announced: list[Event]
) -> None:
    """Where more is waiting for the disk than there can be, the rest is asked for again, whoever waits for the answer."""
    disk.hold()
    with patch("custom_components.octoeverywhere.coordinator._MAX_PENDING", 3):
        waiting = [asyncio.create_task(send(FULL, DurationSec=number)) for number in range(3)]
        await disk.writing.wait()
        for task in waiting[1:]:
            task.cancel()
        response = await send(FULL, PrinterId="printer-2")
        assert (response.status, await response.text()) == (503, "not_ready_send_again")
        disk.release()
        assert (await waiting[0]).status == 200
        await hass.async_block_till_done()
        assert (await post(FULL, PrinterId="printer-2")).status == 200
    assert slugs(announced)[-1] == "print_progress"
    assert announced[-1].data["printer_id"] == "printer-2"


async def test_flood_before_the_start(hass: HomeAssistant, post: Post, announced: list[Event]) -> None:
    """Nor are there more than so many to be announced once Home Assistant has started."""
    hass.set_state(CoreState.starting)
    with patch("custom_components.octoeverywhere.coordinator._MAX_PENDING", 3):
        assert [(await post(FULL, Progress=progress)).status for progress in range(5)] == [200, 200, 200, 503, 503]
        assert announced == []
        hass.set_state(CoreState.running)
        hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        await hass.async_block_till_done()
        assert len(announced) == 3
        assert (await post(FULL, Progress=50)).status == 200
        assert len(announced) == 4


async def test_too_many_printers(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    announced: list[Event],
    hass_ws_client: WebSocketGenerator,
    hass_storage: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Beyond a number of printers that nobody has, others are only announced; those that are known go on."""
    with patch("custom_components.octoeverywhere.coordinator._MAX_PRINTERS", 2):
        for number in range(1, 6):
            assert (await post(FULL, PrinterId=f"printer-{number}")).status == 200
        assert (await post(FULL, PrinterId="printer-1", EventType=4)).status == 200
        devices = [device_of(hass, f"printer-{number}") for number in range(1, 6)]
        assert devices[0] is not None
        assert devices[1] is not None
        assert devices[2:] == [None] * 3
        ids = [devices[0].id, devices[1].id]
        assert [event.data["device_id"] for event in announced] == [*ids, None, None, None, ids[0]]
        assert value_of(hass, "printer-1", "sensor", "status") == "paused"
        assert entities_of(hass, "printer-3") == set()
        assert "printer-3" not in json.dumps({key: hass_storage[key] for key in hass_storage if "octoe" in key})
        assert caplog.text.count("Only the first 2 printers") == 1

        websocket = await hass_ws_client(hass)
        assert (await remove_device(hass, websocket, devices[1].id))["success"]
        assert (await post(FULL, PrinterId="printer-5")).status == 200
        device = device_of(hass, "printer-5")
        assert device is not None
        assert announced[-1].data["device_id"] == device.id
        assert entities_of(hass, "printer-5") == entities_of(hass, "printer-1")
        assert (await post(FULL, PrinterId="printer-2")).status == 200
        assert device_of(hass, "printer-2") is None
        assert caplog.text.count("Only the first 2 printers") == 1


async def test_printers_of_a_lower_limit(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """Printers that are known come back, however many they are."""
    for number in range(3):
        await post(FULL, PrinterId=f"printer-{number}")
    with patch("custom_components.octoeverywhere.coordinator._MAX_PRINTERS", 2):
        assert await hass.config_entries.async_reload(loaded.entry_id)
        await hass.async_block_till_done()
        assert loaded.state is ConfigEntryState.LOADED
        assert {value_of(hass, f"printer-{number}", "sensor", "status") for number in range(3)} == {"printing"}


@pytest.mark.parametrize("name", ["x" * 10_000, "ß" * 2_000, "🦑" * 1_000], ids=["x", "ß", "🦑"])
async def test_long_name(hass: HomeAssistant, post: Post, announced: list[Event], name: str) -> None:
    """A name far too long is cut where it names a device, whose entities are complete; the event has all of it."""
    assert (await post(FULL, PrinterName=name)).status == 200
    device = device_of(hass)
    assert device is not None
    assert device.name == name[:255]
    assert announced[0].data["printer_name"] == name
    await post(FULL, PrinterId="printer-2")
    assert entities_of(hass, "printer-1") == entities_of(hass, "printer-2")
    assert value_of(hass, "printer-1", "sensor", "status") == "printing"

    await post(FULL, PrinterName="Ender3")
    device = device_of(hass)
    assert device is not None
    assert device.name == "Ender3"


@pytest.mark.parametrize(
    ("name", "shows"),
    [
        ("Ender\r\n3", "Ender  3"),
        ("Ender\u20283\x07", "Ender 3 "),
        ("\u200fשלם 🖨️", "\u200fשלם 🖨️"),
        ("\n\x01\u2029", None),
    ],
)
async def test_name_on_one_line(
    hass: HomeAssistant, post: Post, announced: list[Event], name: str, shows: str | None
) -> None:
    """Names have no line breaks, and other controls neither, whereas an error is told as it is."""
    await post(FULL, EventType=9, PrinterName=name, FileName=name, Error="Two\nlines\t")
    device = device_of(hass)
    assert device is not None
    assert device.name == (shows or "3D printer")
    said = announced[0].data
    assert (said["printer_name"], said["file_name"], said["error"]) == (shows, shows, "Two\nlines\t")
    assert value_of(hass, "printer-1", "sensor", "file_name") == (shows or "unknown")
    assert value_of(hass, "printer-1", "sensor", "error_message") == "Two\nlines\t"
