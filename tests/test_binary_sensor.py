"""Tests of the binary sensors."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from syrupy.assertion import SnapshotAssertion

from .conftest import FULL, NUMBERS, Post, describe, value


async def test_everything(
    hass: HomeAssistant, post: Post, freezer: FrozenDateTimeFactory, snapshot: SnapshotAssertion
) -> None:
    """All that a notification can say is shown."""
    freezer.move_to("2026-03-14T09:26:53+00:00")
    await post(FULL)
    assert describe(hass, "binary_sensor") == snapshot


async def test_nothing_known(hass: HomeAssistant, post: Post) -> None:
    """A printer of whose print nothing was said needs no attention; whether it prints is unknown."""
    await post(EventType=NUMBERS["bed_cooldown_complete"])
    assert value(hass, "binary_sensor.ender3_printing") == "unknown"
    assert value(hass, "binary_sensor.ender3_attention_required") == "off"


@pytest.mark.parametrize(
    ("slug", "printing", "attention"),
    [
        ("print_started", "on", "off"),
        ("print_complete", "off", "off"),
        ("print_failed", "off", "off"),
        ("print_paused", "off", "off"),
        ("print_resumed", "on", "off"),
        ("print_progress", "on", "off"),
        ("gadget_warning", "on", "on"),
        ("gadget_paused", "off", "on"),
        ("error", "off", "on"),
        ("first_layer_complete", "on", "off"),
        ("filament_change_required", "on", "on"),
        ("user_interaction_required", "on", "on"),
        ("notification_limit", "on", "off"),
        ("third_layer_complete", "on", "off"),
        ("bed_cooldown_complete", "on", "off"),
        ("test", "on", "off"),
        ("unknown", "on", "off"),
    ],
)
async def test_during_a_print(hass: HomeAssistant, post: Post, slug: str, printing: str, attention: str) -> None:
    """Each type of notification turns them on or off, and the next progress back."""
    await post(FULL, EventType=NUMBERS["print_started"])
    await post(FULL, EventType=NUMBERS[slug])
    assert value(hass, "binary_sensor.ender3_printing") == printing
    assert value(hass, "binary_sensor.ender3_attention_required") == attention

    await post(FULL, EventType=NUMBERS["print_progress"], PrintId="print-2")
    assert value(hass, "binary_sensor.ender3_printing") == "on"
    assert value(hass, "binary_sensor.ender3_attention_required") == "off"
