"""Tests of a printer that can be asked: a real Home Assistant's client asks a fake of OctoEverywhere's Plugin API."""

from datetime import timedelta
from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import Event, HomeAssistant
from homeassistant.setup import async_setup_component
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.octoeverywhere.const import DOMAIN

from .conftest import Clock, Post, value
from .fake_plugin_api import FakePluginApi, RelayedPrinter

MAKES = ["octoprint", "klipper", "bambu", "elegoo_cc1", "elegoo_cc2", "prusalink"]


@pytest.fixture
def make() -> str:
    """Return the make of the printer."""
    return "klipper"


@pytest.fixture
def relayed(plugin_api: FakePluginApi, make: str) -> RelayedPrinter:
    """Return a printer that can be asked."""
    return plugin_api.add(make)


@pytest.fixture
async def entry(hass: HomeAssistant, entry_data: dict[str, Any], relayed: RelayedPrinter) -> MockConfigEntry:
    """Return an entry with a live connection."""
    connection = ConfigSubentryData(
        data={"printer_id": "printer-1", "url": relayed.url},
        subentry_type="live",
        title="Ender3",
        unique_id="printer-1",
    )
    entry = MockConfigEntry(domain=DOMAIN, title="OctoEverywhere", data=entry_data, subentries_data=[connection])
    entry.add_to_hass(hass)
    assert await async_setup_component(hass, "camera", {})  # while something can be added to the server
    return entry


@pytest.mark.parametrize("make", MAKES)
async def test_life(
    hass: HomeAssistant, clock: Clock, post: Post, relayed: RelayedPrinter, announced: list[Event]
) -> None:
    """A print of which no notification tells is shown, and told, from its start to its end."""
    await post(EventType=12)
    await clock.elapse(timedelta(seconds=10), wait_background_tasks=True)
    print(value(hass, "sensor.ender3_status"), relayed.requests, value(hass, "sensor.ender3_nozzle_temperature"))
    relayed.start("benchy.gcode", 3600, 100)
    for _ in range(280):
        await clock.elapse(timedelta(seconds=15), wait_background_tasks=True)
        print(
            clock.passed(),
            value(hass, "sensor.ender3_status"),
            value(hass, "sensor.ender3_progress"),
            value(hass, "sensor.ender3_time_remaining"),
            value(hass, "sensor.ender3_estimated_finish"),
            value(hass, "sensor.ender3_nozzle_temperature"),
        )
    print(
        "ANN",
        [(e.data["type"], e.data["progress"], e.data["duration"], e.data["source"]) for e in announced],
        [s.state for s in hass.states.async_all()],
    )
    assert 0
