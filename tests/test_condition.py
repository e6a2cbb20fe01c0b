"""Tests of the conditions: what a printer does right now, by what they are aimed at."""

from datetime import timedelta
from typing import Any, Final

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv, entity_registry as er
from homeassistant.helpers.condition import async_from_config, async_validate_condition_config
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import async_mock_service
from pytest_homeassistant_custom_component.typing import MockHAClientWebSocket, WebSocketGenerator

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, Post, load, pass_time, unload, value
from .targets import KINDS_OF_TARGETS, SECOND, Target, device_id_of, offered, target

SHOWN: Final = {
    "is_printing": ("binary_sensor.ender3_printing", "on"),
    "is_paused": ("sensor.ender3_status", "paused"),
    "needs_attention": ("binary_sensor.ender3_attention_required", "on"),
}
"""The entity that shows whether each condition is met, and how."""


def condition(name: str, target: Target | None, **options: Any) -> dict[str, Any]:
    """Return a condition as the automation editor writes it: one that was found by searching has no target yet."""
    config = {"condition": f"{DOMAIN}.{name}", "target": target, "options": options}
    return {key: value for key, value in config.items() if value or (key == "target" and value is not None)}


@pytest.fixture
async def websocket(hass: HomeAssistant, post: Post, hass_ws_client: WebSocketGenerator) -> MockHAClientWebSocket:
    """Connect the automation editor."""
    assert await async_setup_component(hass, "automation", {})
    return await hass_ws_client(hass)


async def met(hass: HomeAssistant, target: Target | None, **options: Any) -> set[str]:
    """Return the conditions that are met, as the button "Test" of the automation editor finds out."""
    found = set()
    for name in SHOWN:
        config = cv.CONDITION_SCHEMA(condition(name, target, **options))
        if (await async_from_config(hass, await async_validate_condition_config(hass, config))).async_check():
            found.add(name)
    return found


async def say(post: Post, *slugs: str, **keys: Any) -> None:
    """Let a printer say these notifications, one after the other."""
    for number, slug in enumerate(slugs):
        await post(FULL, **{"Progress": 21 + number} | keys, EventType=NUMBERS[slug])


@pytest.mark.parametrize("kind", KINDS_OF_TARGETS)
@pytest.mark.parametrize("name", SHOWN)
async def test_targets(hass: HomeAssistant, post: Post, websocket: MockHAClientWebSocket, name: str, kind: str) -> None:
    """A condition is offered for each target that holds a printer, and is about the printers in it."""
    await say(post, "print_started", "gadget_paused")
    await say(post, "print_complete", **SECOND)
    entity_id, _ = SHOWN[name]
    first = target(hass, kind, entity_id)
    second = target(hass, kind, entity_id.replace("ender3", "voron"), "printer-2")
    assert (name in await offered(websocket, "conditions", first)) is (kind != "other_entity")
    assert (name in await met(hass, first)) is (name != "is_printing")
    assert name not in await met(hass, second)
    both = {key: [first[key], second[key]] for key in first} if kind != "other_entity" else first
    await say(post, "print_resumed")
    assert (name in await met(hass, both)) is (name == "is_printing")


@pytest.mark.parametrize(
    ("slugs", "expected"),
    [
        (["print_started"], {"is_printing"}),
        (["print_complete"], set()),
        (["print_paused"], {"is_paused"}),
        (["print_paused", "error"], {"needs_attention"}),
        # Nothing is known yet of what the printer does.
        (["gadget_warning"], {"needs_attention"}),
        (["unknown"], set()),
        (["print_started", "filament_change_required"], {"is_printing", "needs_attention"}),
        (["print_started", "gadget_warning", "gadget_paused"], {"is_paused", "needs_attention"}),
        (["gadget_paused", "print_resumed", "test", "notification_limit"], {"is_printing"}),
    ],
)
async def test_met(hass: HomeAssistant, post: Post, slugs: list[str], expected: set[str]) -> None:
    """The conditions are met as the printer's entities show it."""
    await say(post, *slugs)
    assert await met(hass, {"device_id": device_id_of(hass)}) == expected
    assert {name for name, (entity_id, state) in SHOWN.items() if value(hass, entity_id) == state} == expected


async def test_any_or_all(hass: HomeAssistant, post: Post) -> None:
    """Of several printers, any is enough, or all have to."""
    await say(post, "print_started")
    await say(post, "print_paused", **SECOND)
    both = {"device_id": [device_id_of(hass), device_id_of(hass, "printer-2")]}
    assert await met(hass, both) == {"is_printing", "is_paused"}
    assert await met(hass, both, behavior="all") == set()
    await say(post, "print_resumed", Progress=30, **SECOND)
    assert await met(hass, both, behavior="all") == {"is_printing"}


@pytest.mark.parametrize("aim", [None, {}, {"device_id": []}])
async def test_every_printer(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, aim: Target | None
) -> None:
    """Where nothing is named, every printer is meant, also one that comes later; nothing is met while there is none."""
    assert await met(hass, aim) == set()
    automation = {
        "triggers": [{"trigger": "event", "event_type": "go"}],
        "conditions": [condition("is_printing", aim, **{"for": {"minutes": 5}})],
        "actions": [{"action": "test.act"}],
    }
    calls = async_mock_service(hass, "test", "act")
    assert await async_setup_component(hass, "automation", {"automation": [automation]})
    await say(post, "print_started")
    await say(post, "print_paused", **SECOND)
    assert await met(hass, aim) == {"is_printing", "is_paused"}
    assert await met(hass, aim, behavior="all") == set()
    for minutes, ran in ((4, 0), (1, 1)):
        await pass_time(hass, freezer, timedelta(minutes=minutes))
        hass.bus.async_fire("go")
        await hass.async_block_till_done()
        assert len(calls) == ran


async def test_renamed(hass: HomeAssistant, post: Post) -> None:
    """Somebody who renames a printer's entities keeps the conditions."""
    await say(post, "print_paused", "gadget_warning")
    aim = {"device_id": device_id_of(hass)}
    for entity_id, _ in SHOWN.values():
        domain = entity_id.partition(".")[0]
        er.async_get(hass).async_update_entity(entity_id, new_entity_id=f"{domain}.renamed_{entity_id[-5:]}")
    await hass.async_block_till_done()
    assert await met(hass, aim) == {"is_paused", "needs_attention"}


async def test_unloaded(hass: HomeAssistant, post: Post) -> None:
    """No condition is met while nothing listens to the printer; they are again once something does."""
    await say(post, "gadget_paused")
    aim = {"device_id": device_id_of(hass)}
    await unload(hass)
    assert await met(hass, aim) == set()
    await load(hass)
    assert await met(hass, aim) == {"is_paused", "needs_attention"}


@pytest.mark.parametrize("aim", [{"device_id": "gone"}, {"entity_id": "sensor.gone"}, {"area_id": ["gone"]}])
async def test_target_without_printers(hass: HomeAssistant, post: Post, aim: Target) -> None:
    """Where no printer is meant, no condition is met."""
    await say(post, "print_started", "gadget_warning")
    assert await met(hass, aim) == set()


@pytest.mark.parametrize(
    ("wrong", "is_valid"),
    [
        ({}, True),
        ({"options": {"behavior": "all", "for": {"minutes": 5}}}, True),
        ({"condition": f"{DOMAIN}.is_complete"}, False),
        ({"options": {"behavior": "none"}}, False),
        ({"target": {"printer": "Ender3"}}, False),
    ],
)
async def test_valid(
    hass: HomeAssistant, post: Post, websocket: MockHAClientWebSocket, wrong: dict[str, Any], is_valid: bool
) -> None:
    """The automation editor refuses a condition that there is not, and takes one to which no target was added."""
    await say(post, "print_paused")
    for aim in ({"device_id": device_id_of(hass)}, None):
        config = condition("is_paused", aim) | wrong
        await websocket.send_json_auto_id({"type": "validate_config", "conditions": [config]})
        assert (await websocket.receive_json())["result"]["conditions"]["valid"] is is_valid
