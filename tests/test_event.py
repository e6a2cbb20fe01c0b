"""Tests of the event entity, and of the event on the bus that it repeats."""

from datetime import UTC, datetime, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import Event, HomeAssistant, State
from homeassistant.helpers import device_registry as dr
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, mock_restore_cache_with_extra_data
from syrupy.assertion import SnapshotAssertion

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import FULL, NUMBERS, SECRET, Post, describe, load, shown, the_device, unload, value

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
    described = describe(hass, "event")
    assert described[EVENT]["attributes"].pop("device_id") == the_device(hass).id
    assert described == snapshot
    assert SECRET not in str(described)


async def test_same_as_on_the_bus(
    hass: HomeAssistant, post: Post, announced: list[Event], freezer: FrozenDateTimeFactory
) -> None:
    """The entity's attributes are the data of the bus event; its own `event_type` is the slug."""
    freezer.move_to(MOMENT)
    await post(EventType=1)
    for slug, number in (*NUMBERS.items(), *(("unknown", number) for number in (0, -1, 2**40))):
        for payload in (FULL, FULL | EXTRA, {}):
            freezer.tick(1)
            await post(payload, EventType=number)
            assert said(hass) == {**announced[-1].data, "event_type": slug}
            assert value(hass, EVENT) == freezer().replace(tzinfo=UTC).isoformat(timespec="milliseconds")


async def test_before_the_first(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A printer that is known from its device alone has announced nothing yet."""
    dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "printer-1")}, name="Ender3"
    )
    await load(hass)
    assert value(hass, EVENT) == "unknown"
    assert said(hass) == {"event_type": None}


async def test_one_right_after_the_other(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory) -> None:
    """Two notifications in the same moment are two changes of the entity's state."""
    freezer.move_to(MOMENT)
    await post(FULL)
    first = value(hass, EVENT)
    await post(FULL, EventType=10)
    assert value(hass, EVENT) != first


@pytest.mark.parametrize("older", [-timedelta(hours=1), timedelta(hours=1)])
async def test_after_a_crash(hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, older: timedelta) -> None:
    """The newest notification comes back, whatever Home Assistant kept of the entity, and also after the clock was set."""
    freezer.move_to(MOMENT)
    await post(FULL, EventType=9)
    before = shown(hass)[EVENT]
    await unload(hass)
    kept = State(EVENT, (datetime.fromisoformat(MOMENT) + older).isoformat(timespec="milliseconds"))
    extra = {"last_event_type": "print_started", "last_event_attributes": {"progress": 1}}
    mock_restore_cache_with_extra_data(hass, [(kept, extra)])
    await load(hass)
    assert shown(hass)[EVENT] == before


async def test_recorded(hass: HomeAssistant, post: Post) -> None:
    """What the bus event says already is not recorded twice; what happened stays in the history."""
    await post(FULL)
    state = hass.states.get(EVENT)
    assert state is not None
    assert state.state_info is not None
    recorded = state.attributes.keys() - state.state_info["unrecorded_attributes"]
    assert recorded == {"event_type", "friendly_name"}
