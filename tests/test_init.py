"""Tests of the life of the entry and of its devices: set-up, restart, renaming, removal."""

import asyncio
from copy import deepcopy
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_HOMEASSISTANT_STARTED
from homeassistant.core import CoreState, Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.util.file import WriteError
from hypothesis import HealthCheck, example, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_test_home_assistant
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.octoeverywhere.payload import read_url

from .conftest import FULL, PATH, WEBHOOK_ID, Client, Disk, Post, device_of, remove_device, shown, slugs, value


async def webhooks(hass: HomeAssistant, hass_ws_client: WebSocketGenerator) -> list[dict[str, Any]]:
    """Return the integration's webhooks."""
    websocket = await hass_ws_client(hass)
    await websocket.send_json_auto_id({"type": "webhook/list"})
    answer = await websocket.receive_json()
    return [webhook for webhook in answer["result"] if webhook["domain"] == "octoeverywhere"]


async def remove(hass: HomeAssistant, hass_ws_client: WebSocketGenerator, device_id: str) -> bool:
    """Remove a device as the frontend does; return whether that was allowed."""
    websocket = await hass_ws_client(hass)
    answer = await remove_device(hass, websocket, device_id)
    await hass.async_block_till_done()
    return bool(answer["success"])


async def reload(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Reload the entry."""
    assert await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def test_set_up_and_unload(
    hass: HomeAssistant, post: Post, client: Client, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """The webhook is there for as long as the entry is, and so are the values of the entities."""
    await post(FULL)
    assert await webhooks(hass, hass_ws_client) == [
        {
            "webhook_id": WEBHOOK_ID,
            "domain": "octoeverywhere",
            "name": "OctoEverywhere",
            "local_only": True,
            "allowed_methods": ["POST"],
        }
    ]
    assert {state for state, _ in shown(hass).values()}.isdisjoint({"unavailable"})

    assert await hass.config_entries.async_unload(loaded.entry_id)
    await hass.async_block_till_done()
    assert await webhooks(hass, hass_ws_client) == []
    assert {state for state, _ in shown(hass).values()} == {"unavailable"}
    assert device_of(hass) is not None


async def test_reload(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, announced: list[Event], freezer: FrozenDateTimeFactory
) -> None:
    """A reload loses nothing, announces nothing again, and the next notification goes on from there."""
    # Estimates that the reload does not come after: the calendar goes by the clock.
    await post(FULL, EventType=1, TimeRemainingSec=9000)
    await post(FULL, EventType=9, TimeRemainingSec=9000, PrinterId="printer-2", PrinterName="Voron")
    freezer.tick(60)
    await post(EventType=16, PrinterId="printer-2")
    announced.clear()
    before = shown(hass)
    assert len(before) > 20

    freezer.tick(3600)
    await reload(hass, loaded)
    assert shown(hass) == before
    assert announced == []

    await post(FULL, EventType=4)
    assert slugs(announced) == ["print_paused"]
    assert value(hass, "sensor.ender3_status") == "paused"


async def test_reload_shows_the_same_time(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, disk: Disk, freezer: FrozenDateTimeFactory
) -> None:
    """The event entity keeps its time over a reload, however long the disk took and whenever Home Assistant had started."""
    disk.hold()
    saved = hass.async_create_task(post(FULL))
    await disk.writing.wait()
    freezer.tick(3)
    disk.release()
    await saved
    before = shown(hass)
    await reload(hass, loaded)
    assert shown(hass)["event.ender3_notification"] == before["event.ender3_notification"]

    hass.set_state(CoreState.starting)
    await post(FULL, EventType=4)
    freezer.tick(30)
    hass.set_state(CoreState.running)
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
    await hass.async_block_till_done()
    before = shown(hass)
    await reload(hass, loaded)
    assert shown(hass)["event.ender3_notification"] == before["event.ender3_notification"]


async def test_reload_shows_the_same_of_two_at_once(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """The event entity keeps its time over a reload, also when two notifications came in the same moment."""
    await post(FULL)
    await post(FULL, EventType=10)
    before = shown(hass)
    freezer.tick(1)
    await reload(hass, loaded)
    assert shown(hass)["event.ender3_notification"] == before["event.ender3_notification"]


async def test_reload_shows_the_newest_and_not_what_came_again(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, disk: Disk, freezer: FrozenDateTimeFactory
) -> None:
    """What could not be saved and is sent again after something newer does not become the newest by that."""
    disk.error = WriteError("No space left on device")
    assert (await post(FULL, EventType=4)).status == 503
    disk.error = None
    freezer.tick(10)
    await post(FULL, EventType=5)
    before = shown(hass)["event.ender3_notification"]
    freezer.tick(10)
    assert (await post(FULL, EventType=4)).status == 200
    assert shown(hass)["event.ender3_notification"] == before
    await reload(hass, loaded)
    assert shown(hass)["event.ender3_notification"] == before


async def test_power_cut(
    hass: HomeAssistant,
    post: Post,
    entry_data: dict[str, Any],
    hass_storage: dict[str, Any],
    freezer: FrozenDateTimeFactory,
) -> None:
    """Another Home Assistant that has nothing but the files shows the same after a power cut, and announces nothing."""
    await post(FULL, EventType=1)
    await post(FULL, EventType=9, PrinterId="printer-2", PrinterName="Voron")
    freezer.tick(60)
    await post(EventType=13)
    before = shown(hass)
    files = {key: deepcopy(file) for key, file in hass_storage.items() if key.startswith("octoeverywhere")}
    hass_storage.clear()
    hass_storage.update(files)

    fired: list[str] = []

    @callback
    def collect(event: Event) -> None:
        fired.append(str(event.event_type))

    async with async_test_home_assistant(
        config_dir=hass.config.config_dir, initial_state=CoreState.starting
    ) as restarted:
        restarted.data.pop(DATA_CUSTOM_COMPONENTS)
        restarted.bus.async_listen("*", collect)
        entry = MockConfigEntry(domain="octoeverywhere", title="OctoEverywhere", data=entry_data)
        entry.add_to_hass(restarted)
        assert await restarted.config_entries.async_setup(entry.entry_id)
        await restarted.async_block_till_done()
        restarted.set_state(CoreState.running)
        restarted.bus.async_fire(EVENT_HOMEASSISTANT_STARTED)
        await restarted.async_block_till_done()
        after = shown(restarted)
        for printer_id, entity_id in (("printer-1", "ender3"), ("printer-2", "voron")):
            device = device_of(restarted, printer_id)
            assert device is not None
            # The registry was lost with the power, and with it the old id of the device.
            before[f"event.{entity_id}_notification"][1]["device_id"] = device.id
        assert await restarted.config_entries.async_unload(entry.entry_id)
        await restarted.async_stop(force=True)
    assert after == before
    assert not [event for event in fired if event.startswith("octoeverywhere")]


async def test_remove_entry(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_storage: dict[str, Any]
) -> None:
    """With the entry go its printers and all that was stored."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2")
    assert [key for key in hass_storage if key.startswith("octoeverywhere")]
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert not [key for key in hass_storage if key.startswith("octoeverywhere")]
    assert shown(hass) == {}
    assert not dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)


async def test_remove_printer(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    announced: list[Event],
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A removed printer is forgotten, no other is, and it comes back from a clean slate with its next notification."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    device = device_of(hass)
    assert device is not None
    assert await remove(hass, hass_ws_client, device.id)
    for _ in range(2):
        assert device_of(hass) is None
        assert not [entity_id for entity_id in shown(hass) if "ender3" in entity_id]
        assert value(hass, "sensor.voron_status") == "printing"
        await reload(hass, loaded)

    announced.clear()
    await post(EventType=4)
    device = device_of(hass)
    assert device is not None
    assert [event.data["device_id"] for event in announced] == [device.id]
    assert value(hass, "sensor.ender3_status") == "paused"
    assert value(hass, "sensor.ender3_file_name") == "unknown"
    assert shown(hass)["event.ender3_notification"][1]["event_type"] == "print_paused"


@pytest.mark.usefixtures("freezer")
async def test_removal_that_cannot_be_saved(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    disk: Disk,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Where the disk does not forget the printer, it stays as it is, whatever is saved later."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    before = shown(hass)
    device = device_of(hass)
    assert device is not None
    disk.error = WriteError("No space left on device")
    assert not await remove(hass, hass_ws_client, device.id)
    assert device_of(hass) == device
    assert shown(hass) == before

    disk.error = None
    await post(FULL, PrinterId="printer-2", PrinterName="Voron", EventType=4)
    await reload(hass, loaded)
    assert value(hass, "sensor.voron_status") == "paused"
    after = shown(hass)
    assert {entity_id: after[entity_id] for entity_id in before if "ender3" in entity_id} == {
        entity_id: before[entity_id] for entity_id in before if "ender3" in entity_id
    }


async def test_remove_printer_twice_at_once(
    hass: HomeAssistant, post: Post, disk: Disk, hass_ws_client: WebSocketGenerator
) -> None:
    """Two people who remove the same printer in the same moment both succeed."""
    await post(FULL)
    device = device_of(hass)
    assert device is not None
    websockets = [await hass_ws_client(hass), await hass_ws_client(hass)]
    disk.hold()
    removals = asyncio.gather(*(remove_device(hass, websocket, device.id) for websocket in websockets))
    await disk.writing.wait()
    disk.release()
    assert [answer["success"] for answer in await removals] == [True, True]
    assert device_of(hass) is None


async def test_remove_foreign_identifier(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """A device that somebody else added to the entry can be removed, and no printer is forgotten with it."""
    await post(FULL)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={("somebody_else", "printer-1")}
    )
    assert await remove(hass, hass_ws_client, device.id)
    assert value(hass, "sensor.ender3_status") == "printing"


async def test_remove_while_unloaded(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """While the entry is not loaded, a printer is either removed for good or stays, and the answer says which."""
    await post(FULL)
    device = device_of(hass)
    assert device is not None
    assert await hass.config_entries.async_unload(loaded.entry_id)
    websocket = await hass_ws_client(hass)
    answer = await remove_device(hass, websocket, device.id)
    assert answer["success"] or answer["error"]["code"] != "unknown_error"
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert (device_of(hass) is None) is answer["success"]
    assert (shown(hass) == {}) is answer["success"]


async def test_device(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """The device says who it is, who made it and where to look at the print, as of the newest valid link."""
    links = {
        "https://octoeverywhere.com/quickview/1": "https://octoeverywhere.com/quickview/1",
        "https://octoeverywhere.com/quickview/2": "https://octoeverywhere.com/quickview/2",
        "https://...": "https://octoeverywhere.com/quickview/2",
        "javascript:alert(1)": "https://octoeverywhere.com/quickview/2",
        None: "https://octoeverywhere.com/quickview/2",
        "http://octoprint.local/": "http://octoprint.local/",
    }
    for received, link in links.items():
        await post(EventType=1, QuickViewUrl=received)
        device = device_of(hass)
        assert isinstance(device, dr.DeviceEntry)
        assert device.identifiers == {("octoeverywhere", "printer-1")}
        assert device.manufacturer == "OctoEverywhere"
        assert device.name == "Ender3"
        assert device.configuration_url == link
    assert len(dr.async_entries_for_config_entry(dr.async_get(hass), loaded.entry_id)) == 1


HOSTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.text("abcxyz0189-.", max_size=12)


@given(scheme=st.sampled_from(("http", "https")), prefix=st.sampled_from(("", "xn--", "a.xn--")), host=HOSTS)
@example(scheme="https", prefix="xn--", host="a")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_link_that_is_taken(
    hass: HomeAssistant, loaded: MockConfigEntry, scheme: str, prefix: str, host: str
) -> None:
    """Home Assistant takes every link that we do, or one notification would stop all of them."""
    link = read_url(f"{scheme}://{prefix}{host}/")
    dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={("octoeverywhere", "printer-1")}, configuration_url=link
    )


@pytest.mark.parametrize("link", [None, "https://...", 7])
async def test_device_without_link(hass: HomeAssistant, post: Post, link: object) -> None:
    """A first notification without a usable link makes a device without one."""
    await post(EventType=1, QuickViewUrl=link)
    device = device_of(hass)
    assert isinstance(device, dr.DeviceEntry)
    assert device.configuration_url is None


async def test_device_without_name(hass: HomeAssistant, post: Post) -> None:
    """A printer that does not say its name gets one in the user's language, until it does."""
    await post(EventType=1, PrinterName=None)
    device = device_of(hass)
    assert device is not None
    assert device.name == "3D printer"
    assert value(hass, "sensor.3d_printer_status") == "printing"

    await post(EventType=6, PrinterName="Ender3")
    device = device_of(hass)
    assert device is not None
    assert device.name == "Ender3"
    assert shown(hass)["sensor.3d_printer_status"][1]["friendly_name"] == "Ender3 Status"


async def test_rename(hass: HomeAssistant, post: Post) -> None:
    """A new name at OctoEverywhere reaches device and entities, not their ids and not what the user named."""
    await post(EventType=1)
    er.async_get(hass).async_update_entity("sensor.ender3_progress", name="How far")
    await hass.async_block_till_done()
    await post(EventType=6, PrinterName="Ender3 in the attic", Progress=21)
    device = device_of(hass)
    assert device is not None
    assert device.name == "Ender3 in the attic"
    states = shown(hass)
    assert states["sensor.ender3_status"][1]["friendly_name"] == "Ender3 in the attic Status"
    assert states["event.ender3_notification"][1]["friendly_name"] == "Ender3 in the attic Notification"
    assert states["sensor.ender3_progress"][1]["friendly_name"].endswith("How far")

    dr.async_get(hass).async_update_device(device.id, name_by_user="Mine")
    await post(EventType=6, PrinterName="Ender3 in the cellar", Progress=30)
    device = device_of(hass)
    assert device is not None
    assert (device.name, device.name_by_user) == ("Ender3 in the cellar", "Mine")
    assert shown(hass)["sensor.ender3_status"][1]["friendly_name"] == "Mine Status"


async def test_late_name(hass: HomeAssistant, post: Post) -> None:
    """A notification that arrives late brings no old name back."""
    await post(EventType=1, PrintId="print-1", PrinterName="Old")
    await post(EventType=1, PrintId="print-2", PrinterName="New")
    await post(EventType=2, PrintId="print-1", PrinterName="Old")
    device = device_of(hass)
    assert device is not None
    assert device.name == "New"


async def test_two_printers_of_one_name(hass: HomeAssistant, post: Post) -> None:
    """Printers are told apart by their ids."""
    await post(EventType=1)
    await post(EventType=4, PrinterId="printer-2")
    first, second = device_of(hass), device_of(hass, "printer-2")
    assert first is not None
    assert second is not None
    assert first.id != second.id
    assert value(hass, "sensor.ender3_status") == "printing"
    assert value(hass, "sensor.ender3_status_2") == "paused"


async def test_state_of_the_entry(hass: HomeAssistant, client: Client, loaded: MockConfigEntry) -> None:
    """The entry can be unloaded and set up again, and the webhook with it."""
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert loaded.state is ConfigEntryState.NOT_LOADED
    assert await hass.config_entries.async_setup(loaded.entry_id)
    assert (await client.post(PATH, data=b"")).status == 400
