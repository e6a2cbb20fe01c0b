"""Tests of the life of the entry and of its devices: set-up, restart, names, removal."""

import asyncio
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CoreState, Event, HomeAssistant, valid_entity_id
from homeassistant.helpers import device_registry as dr
from homeassistant.loader import DATA_CUSTOM_COMPONENTS
from homeassistant.setup import async_setup_component
from hypothesis import HealthCheck, example, given, settings, strategies as st
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_test_home_assistant,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.octoeverywhere.payload import read_url

from .conftest import (
    FULL,
    FULL_DISK,
    WEBHOOK_ID,
    Client,
    Disk,
    Post,
    Remove,
    device_of,
    devices_of,
    entities_of,
    files,
    hand_over,
    lasting,
    load,
    reload,
    shown,
    start,
    the_device,
    the_entry,
    unload,
    value,
    value_of,
)


def name_of(hass: HomeAssistant, printer_id: str = "printer-1") -> str | None:
    """Return the name of a printer's device."""
    device = device_of(hass, printer_id)
    return device.name if device else None


def set_aside(hass: HomeAssistant) -> None:
    """Have files that were set aside because they were damaged."""
    for name in ("printers", "prints.0123456789abcdef"):
        Path(hass.config.path(f".storage/octoeverywhere.{name}.corrupt.2026-03-14T09:26:53")).touch()


# The entry


async def test_set_up_and_unload(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> None:
    """The webhook is there for as long as the entry is, and so are the values of the entities."""
    await post(FULL)
    websocket = await hass_ws_client(hass)
    for is_loaded in (True, False, True):
        await websocket.send_json_auto_id({"type": "webhook/list"})
        hooks = (await websocket.receive_json())["result"]
        hook = {"webhook_id": WEBHOOK_ID, "domain": "octoeverywhere", "name": "OctoEverywhere", "local_only": False}
        assert hooks == ([{**hook, "allowed_methods": ["POST"]}] if is_loaded else [])
        assert ({state for state, _ in shown(hass).values()} == {"unavailable"}) is not is_loaded
        assert device_of(hass) is not None
        if is_loaded:
            await unload(hass)
        else:
            await load(hass)
    assert loaded.state is ConfigEntryState.NOT_LOADED


async def test_power_cut(
    hass: HomeAssistant,
    post: Post,
    freezer: FrozenDateTimeFactory,
    entry_data: dict[str, Any],
    hass_storage: dict[str, Any],
) -> None:
    """Another Home Assistant that has nothing but our files shows the same after a power cut, and announces nothing."""
    await post(FULL, EventType=1, TimeRemainingSec=90000)
    await post(FULL, EventType=9, PrinterId="printer-2", PrinterName="Voron")
    freezer.tick(60)
    await post(EventType=13)
    before, stored = lasting(hass), files(hass)
    freezer.tick(60)
    hass_storage.clear()
    config_dir = hass.config.config_dir
    async with async_test_home_assistant(config_dir=config_dir, initial_state=CoreState.starting) as restarted:
        restarted.data.pop(DATA_CUSTOM_COMPONENTS)
        fired = async_capture_events(restarted, "*")
        entry = MockConfigEntry(domain="octoeverywhere", title="OctoEverywhere", data=entry_data)
        entry.add_to_hass(restarted)
        await load(restarted)
        await start(restarted)
        after = deepcopy(lasting(restarted))
        for printer_id, name in (("printer-1", "ender3"), ("printer-2", "voron")):
            # The registry was lost with the power, and with it the old id of the device.
            before[f"event.{name}_notification"][1]["device_id"] = the_device(restarted, printer_id).id
        await unload(restarted)
        await restarted.async_stop(force=True)
    assert (after, files(hass)) == (before, stored)
    assert not [event for event in fired if str(event.event_type).startswith("octoeverywhere")]


async def test_remove_entry(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """With the entry go its printers and all that was stored, what was set aside included; until then nothing is in vain."""
    assert files(hass) == {}
    await post(FULL)
    await post(FULL, PrinterId="printer-2", EventType=2)
    set_aside(hass)
    await hass.config_entries.async_remove(loaded.entry_id)
    await hass.async_block_till_done()
    assert (files(hass), shown(hass)) == ({}, {})
    assert not dr.async_get(hass).devices


# The removal of a printer


async def test_remove_printer(hass: HomeAssistant, post: Post, announced: list[Event], remove: Remove) -> None:
    """A removed printer is forgotten, no other is, and it comes back from a clean slate with its next notification."""
    await post(FULL, EventType=2)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    device = the_device(hass)
    assert await remove(device.id)
    for _ in range(2):
        assert device_of(hass) is None
        assert not [entity_id for entity_id in shown(hass) if "ender3" in entity_id]
        assert list(files(hass)) == ["printers"]
        assert value(hass, "sensor.voron_status") == "printing"
        await reload(hass)

    announced.clear()
    await post(FULL, EventType=4)
    assert [event.data["device_id"] for event in announced] == [the_device(hass).id]
    assert value(hass, "sensor.ender3_status") == "paused"
    assert value(hass, "sensor.ender3_prints_completed") == "0"
    assert shown(hass)["event.ender3_notification"][1]["event_type"] == "print_paused"


@pytest.mark.usefixtures("freezer")
async def test_removal_that_cannot_be_saved(hass: HomeAssistant, post: Post, disk: Disk, remove: Remove) -> None:
    """Where the disk does not forget the printer, it stays as it is, whatever is saved later."""
    await post(FULL)
    await post(FULL, PrinterId="printer-2", PrinterName="Voron")
    before, device = lasting(hass), the_device(hass)
    for broken in ("printers", "prints."):
        disk.error, disk.broken = FULL_DISK, broken
        assert not await remove(device.id)
        assert device_of(hass) == device
        assert lasting(hass) == before
    disk.error = None
    await post(FULL, PrinterId="printer-2", PrinterName="Voron", EventType=4)
    await reload(hass)
    assert value(hass, "sensor.voron_status") == "paused"
    kept = {entity_id: state for entity_id, state in before.items() if "ender3" in entity_id}
    assert lasting(hass).items() >= kept.items()


async def test_remove_printer_twice_at_once(
    hass: HomeAssistant, post: Post, disk: Disk, announced: list[Event], remove: Remove
) -> None:
    """Two people who remove the same printer both succeed; what arrives meanwhile brings it back."""
    await post(FULL)
    device = the_device(hass)
    disk.hold()
    account = the_entry(hass).runtime_data
    forget, begun, have_begun = account.async_forget, [], asyncio.Event()

    async def begin(printer_ids: set[str]) -> None:
        begun.append(printer_ids)
        if len(begun) == 2:
            have_begun.set()
        await forget(printer_ids)

    with patch.object(account, "async_forget", begin):
        removals = asyncio.gather(*(remove(device.id) for _ in range(2)))
        await have_begun.wait()
        disk.release()
        assert await removals == [True, True]
    assert device_of(hass) is None
    await post(FULL, EventType=4)
    assert announced[-1].data["device_id"] == the_device(hass).id


async def test_remove_what_is_no_printer(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, remove: Remove
) -> None:
    """A device that somebody else added to the entry can be removed; while the entry is not loaded, no printer can."""
    await post(FULL)
    foreign = dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={("somebody_else", "printer-1")}
    )
    assert await remove(foreign.id)
    assert value(hass, "sensor.ender3_status") == "printing"
    device = the_device(hass)
    await unload(hass)
    assert not await remove(device.id)
    await load(hass)
    assert device_of(hass) == device
    assert value(hass, "sensor.ender3_status") == "printing"


# The device


async def test_device(hass: HomeAssistant, post: Post) -> None:
    """The device says who it is, who made it and where to look at the print, as of the newest valid link."""
    first, second = (f"https://octoeverywhere.com/quickview/{number}" for number in (1, 2))
    links = {
        7: None,
        first: first,
        second: second,
        "https://...": second,
        "https://[]@": second,
        "javascript:alert(1)": second,
        None: second,
        "http://octoprint.local/": "http://octoprint.local/",
    }
    for received, link in links.items():
        await post(EventType=1, QuickViewUrl=received)
        device = the_device(hass)
        assert device.identifiers == {("octoeverywhere", "printer-1")}
        assert (device.manufacturer, device.name, device.configuration_url) == ("OctoEverywhere", "Ender3", link)
    assert len(devices_of(hass)) == 1


HOSTS = st.text(st.characters(codec="utf-8"), max_size=8) | st.text("abcxyz0189-.[]@", max_size=12)


@given(scheme=st.sampled_from(("http", "https")), prefix=st.sampled_from(("", "xn--", "a.xn--")), host=HOSTS)
@example(scheme="https", prefix="xn--", host="a")
@example(scheme="https", prefix="", host="[]@")
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_link_that_is_taken(
    hass: HomeAssistant, loaded: MockConfigEntry, scheme: str, prefix: str, host: str
) -> None:
    """Home Assistant takes every link that we do, or one notification would stop all of them."""
    link = read_url(f"{scheme}://{prefix}{host}/")
    dr.async_get(hass).async_get_or_create(
        config_entry_id=loaded.entry_id, identifiers={("octoeverywhere", "printer-1")}, configuration_url=link
    )


async def test_names(hass: HomeAssistant, post: Post) -> None:
    """A new name at OctoEverywhere reaches device and entities, not their ids and not what the user named."""
    await post(EventType=1, PrinterName=None)
    assert name_of(hass) == "3D printer"
    (status,) = [entity_id for entity_id in shown(hass) if entity_id.endswith("_status")]
    await post(EventType=6, PrinterName="Ender3")
    assert name_of(hass) == "Ender3"
    assert shown(hass)[status][1]["friendly_name"] == "Ender3 Status"
    device = the_device(hass)
    dr.async_get(hass).async_update_device(device.id, name_by_user="Mine")
    await post(EventType=6, PrinterName="Ender3 in the cellar", Progress=30)
    assert name_of(hass) == "Ender3 in the cellar"
    assert shown(hass)[status][1]["friendly_name"] == "Mine Status"
    # What arrives late brings no old name back.
    await post(EventType=1, PrintId="print-1", PrinterName="New")
    await post(EventType=1, PrintId="print-2", PrinterName="Newer")
    await post(EventType=2, PrintId="print-1", PrinterName="New")
    assert name_of(hass) == "Newer"


async def test_two_printers_of_one_name(hass: HomeAssistant, post: Post) -> None:
    """Printers are told apart by their ids."""
    await post(EventType=1)
    await post(EventType=4, PrinterId="printer-2")
    assert value(hass, "sensor.ender3_status") == "printing"
    assert value(hass, "sensor.ender3_status_2") == "paused"


@pytest.mark.parametrize(
    ("name", "says", "begins"),
    [
        ("Ender\r\n3", "Ender  3", "ender_3"),
        ("Ender\u20283\x07", "Ender 3", "ender_3"),
        ("\u200fשלם 🖨️", None, ""),
        ("🖨️", "🖨️", ""),
        ("\n\x01\u2029", "3D-Drucker", ""),
        ("Größe 中文", "Größe 中文", "gro"),
        ("---", "---", ""),
        ("x" * 5_000, "x" * 200, "x" * 200),
        ("ß" * 600, "ß" * 200, "ss" * 100),
        ("a " * 300, None, "a_a_a"),
    ],
    ids=lambda name: str(name)[:10],
)
async def test_odd_names(hass: HomeAssistant, post: Post, name: str, says: str | None, begins: str) -> None:
    """Whatever a printer is called, its device has a name on one line, and every entity a valid id; the event says it all."""
    await hass.config.async_update(language="de")
    await post(FULL, EventType=9, PrinterName=name, FileName=name, Error="Two\nlines\t")
    device_name = name_of(hass)
    assert device_name
    assert device_name == (says or device_name)
    assert len(device_name) <= 200
    entities = entities_of(hass)
    assert len(entities) == 23
    for entity in entities:
        assert valid_entity_id(entity.entity_id)
        domain, _, object_id = entity.entity_id.partition(".")
        assert object_id.startswith(begins)
        assert object_id.endswith(f"_{entity.unique_id.removeprefix('printer-1_')}")
        assert len(f"{domain}.{object_id}") <= 255
    assert value_of(hass, "printer-1", "sensor", "status") == "error"
    assert value_of(hass, "printer-1", "sensor", "error_message") == "Two\nlines\t"
    before = {entity.entity_id for entity in entities}
    await reload(hass)
    assert {entity.entity_id for entity in entities_of(hass)} == before


@pytest.mark.parametrize("language", ["de", "zh-Hans", "ja"])
async def test_entity_ids_are_english(
    hass: HomeAssistant, client: Client, entry: MockConfigEntry, language: str
) -> None:
    """In every language the ids are those that dashboards and recipes know, and the names are translated."""
    hass.config.language = language
    await load(hass)
    assert await async_setup_component(hass, "homeassistant", {})
    assert await hand_over(hass, FULL) == (200, "")
    await hass.async_block_till_done()
    ids = {entity.entity_id for entity in entities_of(hass)}
    assert ids >= {
        "binary_sensor.ender3_attention_required",
        "calendar.ender3_prints",
        "event.ender3_notification",
        "image.ender3_snapshot",
        "sensor.ender3_time_remaining",
    }
    assert shown(hass)["sensor.ender3_time_remaining"][1]["friendly_name"] != "Ender3 Time remaining"
