"""Tests of what starts an automation: the device triggers, and Home Assistant's own trigger for event entities."""

from typing import Any

from homeassistant.core import Event, HomeAssistant, ServiceCall
from homeassistant.helpers.translation import async_get_translations
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_mock_service
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, Post, device_of, remove_device, value

TYPES = [slug for slug in NUMBERS if slug != "unknown"]
SECOND = {"PrinterId": "printer-2", "PrinterName": "Voron"}


@pytest.fixture
async def devices(hass: HomeAssistant, post: Post) -> tuple[str, str]:
    """Have two printers at work; return the ids of their devices."""
    await post(FULL)
    await post(FULL, **SECOND)
    first, second = device_of(hass), device_of(hass, "printer-2")
    assert first is not None
    assert second is not None
    return first.id, second.id


def trigger_of(device_id: str, slug: str) -> dict[str, Any]:
    """Return a trigger as the automation editor writes it."""
    return {"trigger": "device", "domain": DOMAIN, "device_id": device_id, "type": slug}


async def automate(hass: HomeAssistant, data: str, *triggers: dict[str, Any]) -> list[ServiceCall]:
    """Set up an automation for each trigger; return a list that fills with its number and the data, a template."""
    automations = [
        {
            "alias": f"Number {number}",
            "triggers": [trigger],
            "actions": [{"action": "test.hear", "data": {"number": number, "data": data}}],
        }
        for number, trigger in enumerate(triggers)
    ]
    assert await async_setup_component(hass, "automation", {"automation": automations})
    await hass.async_block_till_done()
    calls: list[ServiceCall] = async_mock_service(hass, "test", "hear")
    return calls


def heard(calls: list[ServiceCall]) -> list[tuple[int, Any]]:
    """Return which automation ran, with which data."""
    return [(call.data["number"], call.data["data"]) for call in calls]


async def test_list(hass: HomeAssistant, devices: tuple[str, str], hass_ws_client: WebSocketGenerator) -> None:
    """The automation editor offers every kind of notification of a printer, in words."""
    assert await async_setup_component(hass, "device_automation", {})
    websocket = await hass_ws_client(hass)
    words = await async_get_translations(hass, "en", "device_automation", {DOMAIN})
    for device_id in devices:
        await websocket.send_json_auto_id({"type": "device_automation/trigger/list", "device_id": device_id})
        offered = [trigger for trigger in (await websocket.receive_json())["result"] if trigger["domain"] == DOMAIN]
        assert [trigger["type"] for trigger in offered] == TYPES
        assert all(trigger["device_id"] == device_id for trigger in offered)
    prefix = f"component.{DOMAIN}.device_automation.trigger_type."
    assert [slug for slug in TYPES if not words.get(prefix + slug)] == []


@pytest.mark.parametrize("slug", TYPES)
async def test_fires(
    hass: HomeAssistant, post: Post, devices: tuple[str, str], announced: list[Event], slug: str
) -> None:
    """A trigger fires for its kind of notification of its printer alone, and has what the notification says."""
    calls = await automate(hass, "{{ trigger.event.data }}", *(trigger_of(device_id, slug) for device_id in devices))
    for number in NUMBERS.values():
        await post(FULL, EventType=number)
        await post(FULL, **SECOND, EventType=number)
    first, second = [dict(event.data) for event in announced if event.data["type"] == slug][-2:]
    assert heard(calls) == [(0, first), (1, second)]
    assert (first["device_id"], second["device_id"]) == devices
    assert first["event_type"] == NUMBERS[slug]


async def test_what_a_template_sees(hass: HomeAssistant, post: Post, devices: tuple[str, str]) -> None:
    """To templates it is a device trigger that carries an event, like those of other integrations."""
    template = "{{ trigger.platform }}, {{ trigger.event.event_type }}, {{ trigger.event.data.file_name }}"
    calls = await automate(hass, template, trigger_of(devices[0], "print_complete"))
    await post(FULL, EventType=2)
    assert heard(calls) == [(0, "device, octoeverywhere_print_complete, MyCoolPrint.gcode")]


@pytest.mark.parametrize(
    "wrong",
    [{"type": type_} for type_ in ("unknown", "print_stopped", "Error", "", None, 9, ["error"])]
    + [{"device_id": "gone"}, {"entity_id": "sensor.ender3_status"}],
)
async def test_invalid(
    hass: HomeAssistant, devices: tuple[str, str], hass_ws_client: WebSocketGenerator, wrong: dict[str, Any]
) -> None:
    """The automation editor refuses what no printer ever says, and a device that is not there."""
    assert await async_setup_component(hass, "device_automation", {})
    websocket = await hass_ws_client(hass)
    valid = trigger_of(devices[0], "error")
    without_type = {key: value for key, value in valid.items() if key != "type"}
    for trigger, expected in ((valid, True), (valid | wrong, False), (without_type, False)):
        await websocket.send_json_auto_id({"type": "validate_config", "triggers": [trigger]})
        assert (await websocket.receive_json())["result"]["triggers"]["valid"] is expected


async def test_reload(hass: HomeAssistant, post: Post, devices: tuple[str, str], loaded: MockConfigEntry) -> None:
    """A trigger outlives its printer's entry, and fires once for each notification that comes then."""
    calls = await automate(hass, "{{ trigger.event.data.progress }}", trigger_of(devices[0], "print_progress"))
    assert await hass.config_entries.async_unload(loaded.entry_id)
    await hass.async_block_till_done()
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert heard(calls) == []
    await post(FULL, Progress=30)
    await post(FULL, Progress=40)
    assert heard(calls) == [(0, 30), (0, 40)]


async def test_removed_device(
    hass: HomeAssistant, post: Post, devices: tuple[str, str], hass_ws_client: WebSocketGenerator
) -> None:
    """Nothing breaks when a printer is removed, and its automation goes on when it prints again."""
    websocket = await hass_ws_client(hass)
    triggers = (trigger_of(device_id, "print_started") for device_id in devices)
    calls = await automate(hass, "{{ trigger.event.data.printer_name }}", *triggers)
    assert (await remove_device(hass, websocket, devices[0]))["success"]
    await hass.async_block_till_done()
    assert device_of(hass) is None
    await post(EventType=1, **SECOND)
    await post(EventType=1)
    assert heard(calls) == [(1, "Voron"), (0, "Ender3")]


async def test_device_that_is_gone(hass: HomeAssistant, post: Post, devices: tuple[str, str]) -> None:
    """An automation of a device that is gone is unavailable, as with Home Assistant's own triggers; others run."""
    own = {"trigger": "device", "domain": "sensor", "type": "value", "device_id": "gone", "entity_id": "sensor.gone"}
    triggers = (own, trigger_of("gone", "print_started"), trigger_of(devices[0], "print_started"))
    calls = await automate(hass, "{{ trigger.event.data.printer_name }}", *triggers)
    states = [value(hass, f"automation.number_{number}") for number in range(len(triggers))]
    assert states == ["unavailable", "unavailable", "on"]
    await post(EventType=1)
    assert heard(calls) == [(2, "Ender3")]


@pytest.mark.parametrize("slug", NUMBERS)
async def test_event_entity(hass: HomeAssistant, post: Post, devices: tuple[str, str], slug: str) -> None:
    """Home Assistant's own trigger for event entities fires for the same, and for kinds that are new."""
    triggers = (
        {"trigger": "event.received", "target": {"entity_id": entity_id}, "options": {"event_type": [slug]}}
        for entity_id in ("event.ender3_notification", "event.voron_notification")
    )
    calls = await automate(hass, "{{ trigger.to_state.attributes.type }}", *triggers)
    for number in NUMBERS.values():
        await post(FULL, EventType=number)
        await post(FULL, **SECOND, EventType=number)
    assert heard(calls) == [(0, slug), (1, slug)]
