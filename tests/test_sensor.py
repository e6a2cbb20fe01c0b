"""Tests of what entities show, and which of them are seen at a glance."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.components.logbook.helpers import async_filter_entities
from homeassistant.components.sensor import async_rounded_state
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest
from pytest_homeassistant_custom_component.common import async_capture_events
from syrupy.assertion import SnapshotAssertion

from .conftest import FULL, NUMBERS, Post, describe, entities_of, reload, shown, value
from .kinds import KINDS

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


async def test_print_id(hass: HomeAssistant, post: Post) -> None:
    """Only the id of the print is not there until somebody asks for it; the longest one fits."""
    await post(EventType=NUMBERS["print_started"], PrintId="p" * 255)
    entities = entities_of(hass)
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
        ({"EventType": 4}, {"event.ender3_notification", "sensor.ender3_status", "binary_sensor.ender3_printing"}),
    ],
)
async def test_at_a_glance(hass: HomeAssistant, post: Post, said: dict[str, Any], rows: set[str]) -> None:
    """Few entities are seen at a glance; a progress is one row of their activity, and a pause three."""
    await post(FULL, EventType=1, DurationSec=0)
    entities = entities_of(hass)
    visible = {entity.entity_id for entity in entities if not (entity.hidden_by or entity.entity_category)}
    assert visible == AT_A_GLANCE
    events = async_capture_events(hass, EVENT_STATE_CHANGED)
    await post(FULL, DurationSec=600, **said)
    changed = {
        event.data["entity_id"] for event in events if event.data["old_state"].state != event.data["new_state"].state
    }
    assert set(async_filter_entities(hass, sorted(changed & visible))) == rows
