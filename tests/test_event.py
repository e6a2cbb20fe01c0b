"""Tests of the event entity, and of the event on the bus that it repeats."""

from datetime import datetime, timedelta
import json
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant, State
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, mock_restore_cache_with_extra_data
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, SECRET, Post, describe, device_of, shown, value

MOMENT = "2026-03-14T09:26:53.589+00:00"
EXTRA = {"Camera": {"name": "left", "angles": [1, 2.5, None, True]}, "Ü": "€"}
EVENT = "event.ender3_notification"


def said(hass: HomeAssistant) -> dict[str, Any]:
    """Return what the event entity says of the notification."""
    attributes = shown(hass)[EVENT][1]
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
    assert described[EVENT]["attributes"].pop("device_id") == device.id
    assert described == snapshot
    assert SECRET not in str(described)


@pytest.mark.parametrize("payload", [FULL, FULL | EXTRA, {}])
@pytest.mark.parametrize(("slug", "number"), [*NUMBERS.items(), *(("unknown", number) for number in (0, -1, 2**40))])
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
    assert announced[-1].event_type == f"octoeverywhere_{slug}"
    data = announced[-1].data
    assert data["event_type"] == number
    assert said(hass) == {**data, "event_type": slug}
    assert value(hass, EVENT) == MOMENT


async def test_data(hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory) -> None:
    """The event on the bus says everything under names that last, absent values as null, and never the secret."""
    freezer.move_to(MOMENT)
    await post(FULL, EventType=3, **EXTRA)
    await post(EventType=99, PrinterId="printer-2")
    first, second = device_of(hass), device_of(hass, "printer-2")
    assert first is not None
    assert second is not None
    expected = {
        "device_id": first.id,
        "printer_id": "printer-1",
        "printer_name": "Ender3",
        "print_id": "print-1",
        "type": "print_failed",
        "event_type": 3,
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
        "cancelled": None,
        "snapshot_url": "https://octoeverywhere.com/snapshot/1.jpg",
        "quick_view_url": "https://octoeverywhere.com/quickview/1",
        "source": "notification",
        "extra": EXTRA,
    }
    known: dict[str, Any] = {
        "device_id": second.id,
        "printer_id": "printer-2",
        "printer_name": "Ender3",
        "type": "unknown",
    }
    known |= {"event_type": 99, "source": "notification", "extra": {}}
    assert [dict(event.data) for event in announced] == [expected, dict.fromkeys(expected) | known]
    assert list(announced[0].data) == list(announced[1].data)


async def test_before_the_first(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A printer that is known from its device alone has announced nothing yet."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "printer-1")}, name="Ender3"
    )
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert value(hass, EVENT) == "unknown"
    assert said(hass) == {"event_type": None}


async def test_one_right_after_the_other(
    hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory
) -> None:
    """Two notifications in the same moment are two changes of the entity's state."""
    freezer.move_to(MOMENT)
    await post(FULL)
    first = value(hass, EVENT)
    await post(FULL, EventType=10)
    assert value(hass, EVENT) != first
    assert len(announced) == 2


@pytest.mark.parametrize("older", [-timedelta(hours=1), timedelta(hours=1)])
async def test_after_a_crash(
    hass: HomeAssistant, post: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, older: timedelta
) -> None:
    """The newest notification comes back, whatever Home Assistant kept of the entity, and also after the clock was set."""
    freezer.move_to(MOMENT)
    await post(FULL, EventType=9)
    before = shown(hass)[EVENT]
    assert await hass.config_entries.async_unload(loaded.entry_id)
    kept = State(EVENT, (datetime.fromisoformat(MOMENT) + older).isoformat(timespec="milliseconds"))
    extra = {"last_event_type": "print_started", "last_event_attributes": {"progress": 1}}
    mock_restore_cache_with_extra_data(hass, [(kept, extra)])
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert shown(hass)[EVENT] == before


def leave_nothing(path: Path) -> None:
    """Take from a file what was announced last."""
    file = json.loads(path.read_bytes())
    file["printers"]["printer-1"]["announcement"]["data"] = {}
    path.write_text(json.dumps(file))


async def test_damaged_announcement(hass: HomeAssistant, post: Post, loaded: MockConfigEntry) -> None:
    """Where the file no longer says what was announced last, the entity is there all the same."""
    await post(FULL)
    assert await hass.config_entries.async_unload(loaded.entry_id)
    leave_nothing(Path(hass.config.path(".storage/octoeverywhere.printers")))
    assert await hass.config_entries.async_setup(loaded.entry_id)
    await hass.async_block_till_done()
    assert said(hass)["event_type"] == "unknown"
    await post(FULL, EventType=4)
    assert said(hass)["event_type"] == "print_paused"


async def test_recorded(hass: HomeAssistant, post: Post) -> None:
    """What the bus event says already is not recorded twice; what happened stays in the history."""
    await post(FULL)
    state = hass.states.get(EVENT)
    assert state is not None
    assert state.state_info is not None
    recorded = state.attributes.keys() - state.state_info["unrecorded_attributes"]
    assert recorded == {"event_type", "friendly_name"}
