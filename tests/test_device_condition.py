"""Tests of the device conditions: what a printer does right now."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.condition import async_from_config, async_validate_condition_config
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, Post, device_of, pass_time, remove_device, value

CONDITIONS = ["is_printing", "is_paused", "needs_attention"]
SECOND = {"PrinterId": "printer-2", "PrinterName": "Voron"}


def condition_of(device_id: str, type_: str) -> dict[str, Any]:
    """Return a condition as the automation editor writes it."""
    return {"condition": "device", "domain": DOMAIN, "device_id": device_id, "type": type_}


async def met(hass: HomeAssistant, device_id: str) -> set[str]:
    """Return the conditions that are met, as the button "Test" of the automation editor finds out."""
    found = set()
    for type_ in CONDITIONS:
        config = await async_validate_condition_config(hass, cv.CONDITION_SCHEMA(condition_of(device_id, type_)))
        if (await async_from_config(hass, config)).async_check():
            found.add(type_)
    return found


async def printer(hass: HomeAssistant, post: Post, *slugs: str, **keys: Any) -> str:
    """Let a printer say these notifications, one after the other; return the id of its device."""
    for slug in slugs:
        await post(FULL, **keys, EventType=NUMBERS[slug])
    device = device_of(hass, keys.get("PrinterId", "printer-1"))
    assert device is not None
    return device.id


def seen(hass: HomeAssistant) -> set[str]:
    """Return which conditions the entities of the printer show to be met."""
    shows = {
        "is_printing": value(hass, "binary_sensor.ender3_printing") == "on",
        "is_paused": value(hass, "sensor.ender3_status") == "paused",
        "needs_attention": value(hass, "binary_sensor.ender3_attention_required") == "on",
    }
    return {type_ for type_, is_met in shows.items() if is_met}


async def test_list(hass: HomeAssistant, post: Post, hass_ws_client: WebSocketGenerator) -> None:
    """The automation editor offers the conditions of a printer, in words."""
    device_id = await printer(hass, post, "print_started")
    assert await async_setup_component(hass, "device_automation", {})
    websocket = await hass_ws_client(hass)
    await websocket.send_json_auto_id({"type": "device_automation/condition/list", "device_id": device_id})
    answer = await websocket.receive_json()
    offered = [condition for condition in answer["result"] if condition["domain"] == DOMAIN]
    assert [condition["type"] for condition in offered] == CONDITIONS
    assert all(condition["device_id"] == device_id for condition in offered)
    words = await async_get_translations(hass, "en", "device_automation", {DOMAIN})
    prefix = f"component.{DOMAIN}.device_automation.condition_type."
    assert [type_ for type_ in CONDITIONS if not words.get(prefix + type_)] == []


@pytest.mark.parametrize(
    ("slugs", "expected"),
    [
        (["print_started"], {"is_printing"}),
        (["print_progress"], {"is_printing"}),
        (["first_layer_complete"], {"is_printing"}),
        (["third_layer_complete"], {"is_printing"}),
        (["print_complete"], set()),
        (["print_failed"], set()),
        (["print_paused"], {"is_paused"}),
        (["print_paused", "print_resumed"], {"is_printing"}),
        (["print_paused", "print_complete"], set()),
        (["error"], {"needs_attention"}),
        (["error", "print_progress"], {"is_printing"}),
        (["error", "print_failed"], set()),
        (["print_paused", "error"], {"needs_attention"}),
        # Nothing is known yet of what the printer does.
        (["gadget_warning"], {"needs_attention"}),
        (["filament_change_required"], {"needs_attention"}),
        (["bed_cooldown_complete"], set()),
        (["unknown"], set()),
        (["print_started", "gadget_warning"], {"is_printing", "needs_attention"}),
        (["print_started", "filament_change_required"], {"is_printing", "needs_attention"}),
        (["print_started", "user_interaction_required"], {"is_printing", "needs_attention"}),
        (["print_started", "gadget_warning", "print_progress"], {"is_printing"}),
        (["print_started", "gadget_warning", "gadget_paused"], {"is_paused", "needs_attention"}),
        (["gadget_paused", "print_resumed"], {"is_printing"}),
        (["gadget_paused", "print_paused"], {"is_paused", "needs_attention"}),
        (["print_paused", "user_interaction_required"], {"is_paused", "needs_attention"}),
        (["print_paused", "test", "notification_limit", "unknown"], {"is_paused"}),
        (["print_complete", "bed_cooldown_complete"], set()),
    ],
)
async def test_met(hass: HomeAssistant, post: Post, slugs: list[str], expected: set[str]) -> None:
    """The conditions are met as the printer's entities show it."""
    device_id = await printer(hass, post, *slugs)
    assert await met(hass, device_id) == expected
    assert seen(hass) == expected


@pytest.mark.parametrize(
    ("slugs", "before", "after"),
    [
        (["print_started"], {"is_printing"}, set()),
        (["print_started", "gadget_warning"], {"is_printing", "needs_attention"}, {"needs_attention"}),
        (["print_started", "print_paused"], {"is_paused"}, {"is_paused"}),
    ],
)
async def test_silence(
    hass: HomeAssistant,
    post: Post,
    freezer: FrozenDateTimeFactory,
    slugs: list[str],
    before: set[str],
    after: set[str],
) -> None:
    """A print of which nothing is heard any more is not said to print; what waits for somebody still does."""
    device_id = await printer(hass, post, *slugs)
    await pass_time(hass, freezer, timedelta(seconds=605, minutes=59))
    assert await met(hass, device_id) == before == seen(hass)
    await pass_time(hass, freezer, timedelta(minutes=2))
    assert await met(hass, device_id) == after == seen(hass)
    await printer(hass, post, "print_resumed")
    assert await met(hass, device_id) == {"is_printing"} == seen(hass)


async def test_each_printer_for_itself(hass: HomeAssistant, post: Post) -> None:
    """A condition is about its own printer."""
    first = await printer(hass, post, "print_started")
    second = await printer(hass, post, "gadget_paused", **SECOND)
    assert await met(hass, first) == {"is_printing"}
    assert await met(hass, second) == {"is_paused", "needs_attention"}


async def test_entities_do_not_matter(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """Somebody who renames or disables a printer's entities keeps the conditions."""
    device_id = await printer(hass, post, "print_started", "gadget_warning")
    registry = er.async_get(hass)
    for number, entity in enumerate(er.async_entries_for_config_entry(registry, loaded.entry_id)):
        changes: dict[str, Any] = {"disabled_by": er.RegistryEntryDisabler.USER} if number % 2 else {}
        registry.async_update_entity(entity.entity_id, new_entity_id=f"{entity.domain}.renamed_{number}", **changes)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert await met(hass, device_id) == {"is_printing", "needs_attention"}
    await printer(hass, post, "gadget_paused")
    assert await met(hass, device_id) == {"is_paused", "needs_attention"}


async def test_unloaded(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """No condition is met while nothing listens to the printer; they are again once something does."""
    device_id = await printer(hass, post, "gadget_paused")
    assert await hass.config_entries.async_unload(loaded.entry_id)
    assert await met(hass, device_id) == set()
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert await met(hass, device_id) == {"is_paused", "needs_attention"}


@pytest.mark.parametrize(
    "wrong",
    [{"type": type_} for type_ in ("is_complete", "Is paused", "", None, 1, ["is_paused"])]
    + [{"device_id": "gone"}, {"entity_id": "sensor.ender3_status"}],
)
async def test_invalid(
    hass: HomeAssistant, post: Post, hass_ws_client: WebSocketGenerator, wrong: dict[str, Any]
) -> None:
    """The automation editor refuses a condition that there is not, and a device that is not there."""
    valid = condition_of(await printer(hass, post, "print_paused"), "is_paused")
    websocket = await hass_ws_client(hass)
    without_type = {key: value for key, value in valid.items() if key != "type"}
    for condition, expected in ((valid, True), (valid | wrong, False), (without_type, False)):
        await websocket.send_json_auto_id({"type": "validate_config", "conditions": [condition]})
        assert (await websocket.receive_json())["result"]["conditions"]["valid"] is expected


async def test_automation(hass: HomeAssistant, post: Post, hass_ws_client: WebSocketGenerator) -> None:
    """An automation goes on where its condition is met, also after its printer was removed and came back."""
    device_id = await printer(hass, post, "print_started")
    calls = async_mock_service(hass, "test", "act")
    automation = {
        "triggers": [{"trigger": "event", "event_type": "go"}],
        "conditions": [condition_of(device_id, "is_printing")],
        "actions": [{"action": "test.act"}],
    }
    assert await async_setup_component(hass, "automation", {"automation": [automation]})

    async def acts() -> bool:
        calls.clear()
        hass.bus.async_fire("go")
        await hass.async_block_till_done()
        return bool(calls)

    assert await acts()
    await printer(hass, post, "print_paused")
    assert not await acts()
    await printer(hass, post, "print_resumed")
    assert await acts()
    websocket = await hass_ws_client(hass)
    assert (await remove_device(hass, websocket, device_id))["success"]
    await hass.async_block_till_done()
    assert not await acts()
    await printer(hass, post, "print_started")
    assert await acts()
