"""Tests of what entities show, and which of them are seen at a glance."""

import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.logbook.helpers import async_filter_entities
from homeassistant.components.sensor import async_rounded_state
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from .conftest import FULL, NUMBERS, Post, describe, reload, shown, value
from .kinds import KINDS

ICONS = Path(__file__).parent.parent / "custom_components" / "octoeverywhere" / "icons.json"
MOMENT = "2026-03-14T09:26:53+00:00"


@pytest.mark.usefixtures("entity_registry_enabled_by_default")
@pytest.mark.parametrize("domain", ["binary_sensor", "image", "sensor"])
async def test_everything(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion, domain: str
) -> None:
    """All that a notification can say is shown."""
    freezer.move_to(MOMENT)
    await post(FULL)
    assert describe(hass, domain) == snapshot


async def test_nothing(hass: HomeAssistant, post: Post) -> None:
    """What a notification does not say is unknown; what has not happened yet is known not to have."""
    await post(EventType=NUMBERS["print_paused"])
    states = {entity_id: state for entity_id, (state, _) in shown(hass).items() if entity_id.startswith("sensor.")}
    known = {entity_id: state for entity_id, state in states.items() if state != "unknown"}
    assert {entity_id.removeprefix("sensor.ender3_"): state for entity_id, state in known.items()} == {
        "status": "paused",
        "attention": "none",
        "prints_completed": "0",
        "prints_failed": "0",
        "prints_cancelled": "0",
        "total_print_time": "0.0",
    }
    assert len(states) == 17


@pytest.mark.parametrize("key", ["FileName", "Error", "PlatformErrorCode"])
async def test_long_text(hass: HomeAssistant, post: Post, announced: list[Event], key: str) -> None:
    """A text is cut to what a state can hold, also after a restart; the event on the bus carries all of it."""
    sensor = {"FileName": "file_name", "Error": "error_message", "PlatformErrorCode": "error_code"}[key]
    field = {"FileName": "file_name", "Error": "error", "PlatformErrorCode": "error_code"}[key]
    for length in (255, 256, 1500):
        text = ("äöü€🧵" * length)[:length]
        await post(FULL, **{"EventType": NUMBERS["error"], "DurationSec": length, key: text})
        assert value(hass, f"sensor.ender3_{sensor}") == text[:255]
        assert announced[-1].data[field] == text
        assert shown(hass)["event.ender3_notification"][1][field] == text
    await reload(hass)
    assert value(hass, f"sensor.ender3_{sensor}") == text[:255]


async def test_print_id(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """Only the id of the print is not there until somebody asks for it; the longest one fits."""
    await post(EventType=NUMBERS["print_started"], PrintId="p" * 255)
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    assert [entity.entity_id for entity in entities if entity.disabled_by] == ["sensor.ender3_print_id"]
    er.async_get(hass).async_update_entity("sensor.ender3_print_id", disabled_by=None)
    await reload(hass)
    assert value(hass, "sensor.ender3_print_id") == "p" * 255


async def test_z_offset(hass: HomeAssistant, post: Post) -> None:
    """A height is shown to the hundredth of a millimetre: 0.6 is not 1, nor 0.2 nothing."""
    for millimetres, expected in ((0.2, "0.20"), (0.6, "0.60"), (0.25, "0.25"), (-0.05, "-0.05"), (3, "3.00")):
        await post(FULL, ZOffsetMM=millimetres)
        state = hass.states.get("sensor.ender3_z_offset")
        assert state is not None
        assert async_rounded_state(hass, state.entity_id, state) == expected


async def test_kinds(hass: HomeAssistant, post: Post) -> None:
    """Each kind, as the first word of a print, makes the printer known, and is shown as what it means."""
    for slug, kind in KINDS.items():
        if kind.is_about_a_printer:
            printer = {"PrinterId": slug, "PrinterName": slug, "PrintId": slug}
            await post(printer, EventType=kind.number, Error="Oh no!", PlatformErrorCode=33)
            keys = ("status", "attention", "error_message", "error_code")
            said = ["unknown", "unknown"] if kind.attention is None else ["Oh no!", "33"]
            expected = [kind.status or "unknown", kind.attention or "none", *said]
            assert [value(hass, f"sensor.{slug}_{key}") for key in keys] == expected, slug
            printing = {"printing": "on", None: "unknown"}.get(kind.status, "off")
            attention = "off" if kind.attention in (None, "none") else "on"
            assert value(hass, f"binary_sensor.{slug}_printing") == printing
            assert value(hass, f"binary_sensor.{slug}_attention_required") == attention


# What Home Assistant's page of an area shows, and its activity lists, of a printer: all that is neither hidden nor diagnostic.
AT_A_GLANCE = {
    "binary_sensor.ender3_attention_required",
    "binary_sensor.ender3_printing",
    "calendar.ender3_prints",
    "event.ender3_notification",
    "image.ender3_snapshot",
    "sensor.ender3_progress",
    "sensor.ender3_status",
    "sensor.ender3_time_remaining",
}


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        ({"EventType": 6, "Progress": 30, "TimeRemainingSec": 9000, "CurrentLayer": 60}, {"event.ender3_notification"}),
        (
            {"EventType": 4},
            {"event.ender3_notification", "sensor.ender3_status", "binary_sensor.ender3_printing"},
        ),
        (
            {"EventType": 9, "Error": "Too hot", "TimeRemainingSec": 9000},
            {
                "event.ender3_notification",
                "sensor.ender3_status",
                "binary_sensor.ender3_printing",
                "binary_sensor.ender3_attention_required",
            },
        ),
    ],
)
async def test_at_a_glance(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, said: dict[str, Any], rows: set[str]
) -> None:
    """Few entities are seen at a glance; a progress is one row of their activity, and a pause three."""
    await post(FULL, EventType=1, DurationSec=0)
    entities = er.async_entries_for_config_entry(er.async_get(hass), loaded.entry_id)
    visible = {entity.entity_id for entity in entities if not (entity.hidden_by or entity.entity_category)}
    assert visible == AT_A_GLANCE
    changed: set[str] = set()

    @callback
    def note(event: Event[EventStateChangedData]) -> None:
        old, new = event.data["old_state"], event.data["new_state"]
        if old and new and old.state != new.state:
            changed.add(event.data["entity_id"])

    hass.bus.async_listen("state_changed", note)
    await post(FULL, DurationSec=600, **said)
    assert set(async_filter_entities(hass, sorted(changed & visible))) == rows


def test_icons() -> None:
    """No two entities, and no two states of one, have the same icon."""
    entities = json.loads(ICONS.read_text("utf-8"))["entity"]
    icons = [icon for platform in entities.values() for icon in platform.values()]
    defaults = [icon["default"] for icon in icons]
    assert len(set(defaults)) == len(defaults)
    for icon in icons:
        states = icon.get("state_attributes", {}).get("event_type", icon).get("state", {}).values()
        assert len(set(states)) == len(states)  # fmt: skip
