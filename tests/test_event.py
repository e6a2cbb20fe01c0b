"""Tests of the event entity, and of the event on the bus that it repeats."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, SECRET, Post, describe, device_of, shown, value

MOMENT = "2026-03-14T09:26:53.589+00:00"
EXTRA = {"Camera": {"name": "left", "angles": [1, 2.5, None, True]}, "Ü": "€"}


def said(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the event entity says of the notification."""
    attributes = shown(hass)["event.ender3_notification"][1]
    return {key: value for key, value in attributes.items() if key not in ("event_types", "friendly_name")}


async def test_everything(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion
) -> None:
    """All that a notification can say is shown, but for its secret."""
    freezer.move_to(MOMENT)
    await post(FULL, **EXTRA)
    device = device_of(hass)
    assert device is not None
    described = describe(hass, "event")
    assert described["event.ender3_notification"]["attributes"].pop("device_id") == device.id
    assert described == snapshot
    assert SECRET not in str(described)


@pytest.mark.parametrize("payload", [FULL, FULL | EXTRA, {}])
@pytest.mark.parametrize(("slug", "number"), NUMBERS.items())
async def test_same_as_on_the_bus(
    hass: HomeAssistant,
    post: Post,
    announced: list[Event],
    freezer: FrozenDateTimeFactory,
    payload: dict[str, Any],
    slug: str,
    number: int,
) -> None:
    """The entity's attributes are the data of the bus event; its own `event_type` is the slug."""
    freezer.move_to("2026-03-14T09:00:00+00:00")
    await post(EventType=1)
    freezer.move_to(MOMENT)
    await post(payload, EventType=number)
    data = announced[-1].data
    assert data["event_type"] == number
    assert said(hass) == {**data, "event_type": slug}
    assert value(hass, "event.ender3_notification") == MOMENT


async def test_data(hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory) -> None:
    """The event on the bus says everything under names that last, absent values as null, and never the secret."""
    freezer.move_to(MOMENT)
    await post(FULL, **EXTRA)
    await post(EventType=99, PrinterId="printer-2")
    first, second = device_of(hass), device_of(hass, "printer-2")
    assert first is not None
    assert second is not None
    assert [dict(event.data) for event in announced] == [
        {
            "device_id": first.id,
            "printer_id": "printer-1",
            "printer_name": "Ender3",
            "print_id": "print-1",
            "type": "print_progress",
            "event_type": 6,
            "file_name": "MyCoolPrint.gcode",
            "progress": 21,
            "duration": 50,
            "time_remaining": 605,
            "estimated_finish": "2026-03-14T09:36:58+00:00",
            "z_offset": 0.3,
            "current_layer": 50,
            "total_layers": 100,
            "error": "Oh no, something bad happened!",
            "error_code": "33",
            "snapshot_url": "https://octoeverywhere.com/snapshot/1.jpg",
            "quick_view_url": "https://octoeverywhere.com/quickview/1",
            "extra": EXTRA,
        },
        {
            "device_id": second.id,
            "printer_id": "printer-2",
            "printer_name": "Ender3",
            "print_id": None,
            "type": "unknown",
            "event_type": 99,
            "file_name": None,
            "progress": None,
            "duration": None,
            "time_remaining": None,
            "estimated_finish": None,
            "z_offset": None,
            "current_layer": None,
            "total_layers": None,
            "error": None,
            "error_code": None,
            "snapshot_url": None,
            "quick_view_url": None,
            "extra": {},
        },
    ]


async def test_before_the_first(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A printer that is known from its device alone has announced nothing yet."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "printer-1")}, name="Ender3"
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert value(hass, "event.ender3_notification") == "unknown"
    assert said(hass) == {"event_type": None}


async def test_one_right_after_the_other(
    hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory
) -> None:
    """Two equal notifications in the same moment are two changes of the entity's state."""
    freezer.move_to(MOMENT)
    await post(FULL)
    first = value(hass, "event.ender3_notification")
    await post(FULL)
    assert value(hass, "event.ender3_notification") != first
    assert len(announced) == 2


async def test_recorded(hass: HomeAssistant, post: Post) -> None:
    """What the bus event says already is not recorded twice; what happened stays in the history."""
    await post(FULL)
    state = hass.states.get("event.ender3_notification")
    assert state is not None
    assert state.state_info is not None
    recorded = state.attributes.keys() - state.state_info["unrecorded_attributes"]
    assert recorded == {"event_type", "friendly_name"}
