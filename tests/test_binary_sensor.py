"""Tests of the binary sensors."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
import pytest
from syrupy.assertion import SnapshotAssertion

from .conftest import FULL, NUMBERS, Post, describe, value
from .kinds import KEEPS, KINDS


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


@pytest.mark.parametrize("slug", KINDS)
async def test_during_a_print(hass: HomeAssistant, post: Post, slug: str) -> None:
    """Each type of notification turns them on or off, and the next progress back."""
    await post(FULL, EventType=NUMBERS["print_started"])
    await post(FULL, EventType=NUMBERS[slug])
    kind = KINDS[slug]
    assert value(hass, "binary_sensor.ender3_printing") == ("on" if kind.status in ("printing", KEEPS) else "off")
    assert value(hass, "binary_sensor.ender3_attention_required") == (
        "off" if kind.attention in ("none", KEEPS) else "on"
    )

    await post(FULL, EventType=NUMBERS["print_progress"], PrintId="print-2")
    assert value(hass, "binary_sensor.ender3_printing") == "on"
    assert value(hass, "binary_sensor.ender3_attention_required") == "off"
