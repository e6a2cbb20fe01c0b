"""Tests of the sensors."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from .conftest import FULL, Post, describe, shown, value

MOMENT = "2026-03-14T09:26:53+00:00"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_everything(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion
) -> None:
    """All that a notification can say is shown."""
    freezer.move_to(MOMENT)
    await post(FULL)
    assert describe(hass, "sensor") == snapshot


async def test_nothing(hass: HomeAssistant, post: Post) -> None:
    """What a notification does not say is unknown; what has not happened yet is known not to have."""
    await post(EventType=4)
    states = {entity_id: state for entity_id, (state, _) in shown(hass).items() if entity_id.startswith("sensor.")}
    assert states.pop("sensor.ender3_status") == "paused"
    assert states.pop("sensor.ender3_attention") == "none"
    assert {states.pop(f"sensor.ender3_prints_{outcome}") for outcome in ("completed", "failed")} == {"0"}
    assert states.pop("sensor.ender3_total_print_time") == "0.0"
    assert len(states) == 11
    assert set(states.values()) == {"unknown"}


@pytest.mark.parametrize("key", ["FileName", "Error", "PlatformErrorCode"])
@pytest.mark.parametrize(("length", "kept"), [(255, 255), (256, 255), (1500, 255)])
async def test_long_text(
    hass: HomeAssistant,
    post: Post,
    loaded: MockConfigEntry,
    announced: list[Event],
    key: str,
    length: int,
    kept: int,
) -> None:
    """A text is cut to what a state can hold; the event on the bus carries all of it."""
    text = ("äöü€🧵" * length)[:length]
    await post(FULL, **{"EventType": 9, key: text})
    sensor = {"FileName": "file_name", "Error": "error_message", "PlatformErrorCode": "error_code"}[key]
    field = {"FileName": "file_name", "Error": "error", "PlatformErrorCode": "error_code"}[key]
    assert value(hass, f"sensor.ender3_{sensor}") == text[:kept]
    assert announced[0].data[field] == text
    assert shown(hass)["event.ender3_notification"][1][field] == text
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert value(hass, f"sensor.ender3_{sensor}") == text[:kept]


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
async def test_long_print_id(hass: HomeAssistant, post: Post) -> None:
    """The longest PrintId fits."""
    await post(EventType=1, PrintId="p" * 255)
    assert value(hass, "sensor.ender3_print_id") == "p" * 255


async def test_disabled_by_default(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """Only the id of the print is not shown until somebody asks for it."""
    await post(FULL)
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    assert [entity.entity_id for entity in entities if entity.disabled_by] == ["sensor.ender3_print_id"]

    er.async_get(hass).async_update_entity("sensor.ender3_print_id", disabled_by=None)
    assert await hass.config_entries.async_reload(loaded.entry_id)
    await hass.async_block_till_done()
    assert value(hass, "sensor.ender3_print_id") == "print-1"


@pytest.mark.parametrize(
    ("keys", "states"),
    [
        ({"EventType": 1}, {"status": "printing", "attention": "none", "progress": "21"}),
        (
            {"EventType": 2},
            {
                "status": "complete",
                "attention": "none",
                "progress": "100",
                "time_remaining": "0.0",
                "estimated_finish": MOMENT,
            },
        ),
        ({"EventType": 3}, {"status": "failed", "progress": "21", "time_remaining": "unknown"}),
        ({"EventType": 4}, {"status": "paused", "attention": "none"}),
        ({"EventType": 7}, {"status": "unknown", "attention": "failure_suspected"}),
        ({"EventType": 8}, {"status": "paused", "attention": "paused_by_gadget"}),
        ({"EventType": 9}, {"status": "error", "attention": "error", "error_code": "33"}),
        ({"EventType": 11}, {"status": "unknown", "attention": "filament_change"}),
        ({"EventType": 12}, {"status": "unknown", "attention": "user_interaction"}),
        (
            {"EventType": 6, "TimeRemainingSec": -1, "CurrentLayer": 0, "TotalLayers": 0},
            {
                "time_remaining": "unknown",
                "estimated_finish": "unknown",
                "current_layer": "unknown",
                "total_layers": "unknown",
            },
        ),
    ],
)
async def test_values(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, keys: dict[str, Any], states: dict[str, str]
) -> None:
    """The sensors show what a first notification of each kind means."""
    freezer.move_to(MOMENT)
    await post(FULL | keys)
    assert {key: value(hass, f"sensor.ender3_{key}") for key in states} == states
