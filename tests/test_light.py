"""Tests of a printer's lights."""

from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
import pytest

from .conftest import Clock, connection_to, value
from .fake_plugin_api import RelayedPrinter

MAKES: Any = {
    "klipper": {"caselight": True, "Toolhead_Lights": False},
    "bambu": {"chamber": False},
    "elegoo_cc1": {"chamber": True},
    "elegoo_cc2": {"chamber": True},
    "octoprint": None,
    "prusalink": None,
}

pytestmark = pytest.mark.usefixtures("looked_at")


@pytest.fixture
def connections(relayed: RelayedPrinter, make: str) -> list[ConfigSubentryData]:
    """Return the connection to the printer."""
    relayed.lights = None if MAKES[make] is None else dict(MAKES[make])
    return [connection_to(relayed)]


@pytest.mark.parametrize("make", MAKES)
async def test_every_make(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """Each light that the printer names can be switched."""
    lights = relayed.lights or {}
    names = {f"light.ender3_light_{name.lower()}": name for name in lights}
    assert {state.entity_id for state in hass.states.async_all("light")} == set(names)
    for entity_id, name in names.items():
        state = hass.states.get(entity_id)
        assert state
        assert state.state == ("on" if lights[name] else "off")
        named = {"chamber": "Chamber light", "caselight": "Case light", "Toolhead_Lights": "Toolhead light"}
        assert state.attributes["friendly_name"] == f"Ender3 {named[name]}"
        for action in ("turn_off", "turn_on"):
            await hass.services.async_call("light", action, {"entity_id": entity_id}, blocking=True)
            assert lights[name] is (action == "turn_on")
            await clock.elapse_in_steps(6, 1)
            assert value(hass, entity_id) == action.removeprefix("turn_")


async def test_refused(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """A light that does not do it says so, and one that the printer names no more is not available."""
    relayed.respond(602, "set-light")
    data = {"entity_id": "light.ender3_light_caselight"}
    with pytest.raises(HomeAssistantError, match="not known"):
        await hass.services.async_call("light", "turn_off", data, blocking=True)
    relayed.lights = {"Toolhead_Lights": True}
    await clock.elapse_in_steps(70, 1)
    assert value(hass, "light.ender3_light_caselight") == "unavailable"
    assert value(hass, "light.ender3_light_toolhead_lights") == "on"
    relayed.switch_off()
    await clock.elapse_in_steps(70, 1)
    assert value(hass, "light.ender3_light_toolhead_lights") == "unavailable"


async def test_any_name(hass: HomeAssistant, clock: Clock, relayed: RelayedPrinter) -> None:
    """A light may have any name."""
    relayed.lights = {"x" * 64: True, "Ä ö/ü": False, " ": True}
    await clock.elapse_in_steps(70, 1)
    assert {len(state.entity_id) <= 255 for state in hass.states.async_all("light")} == {True}
    assert len(hass.states.async_all("light")) == 4
