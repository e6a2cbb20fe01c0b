"""Tests of the binary sensors: what each kind of notification makes of them."""

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from syrupy.assertion import SnapshotAssertion

from .conftest import FULL, NUMBERS, Post, describe, value
from .kinds import KEEPS, KINDS

PRINTING = "binary_sensor.ender3_printing"
ATTENTION = "binary_sensor.ender3_attention_required"


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
    assert (value(hass, PRINTING), value(hass, ATTENTION)) == ("unknown", "off")


async def test_kinds(hass: HomeAssistant, post: Post) -> None:
    """In a print that goes on, and in one that waits for somebody, each kind turns them on or off, or leaves them."""
    for slug, kind in KINDS.items():
        for attention in ("off", "on"):
            ids = {"PrintId": f"{slug}-{attention}"}
            await post(ids, EventType=NUMBERS["print_started"], DurationSec=0)
            if attention == "on":
                await post(ids, EventType=NUMBERS["gadget_warning"], DurationSec=10)
            await post(ids, EventType=NUMBERS[slug], DurationSec=20)
            expected = {KEEPS: attention, "none": "off"}.get(kind.attention, "on")
            assert value(hass, ATTENTION) == expected, ids
            assert value(hass, PRINTING) == ("on" if kind.status in ("printing", KEEPS) else "off"), ids
    # The next progress of the print that is further ends it.
    await post(EventType=NUMBERS["filament_change_required"], PrintId="next", Progress=20)
    await post(EventType=NUMBERS["print_progress"], PrintId="next", Progress=20)
    assert (value(hass, PRINTING), value(hass, ATTENTION)) == ("on", "on")
    await post(EventType=NUMBERS["print_progress"], PrintId="next", Progress=30)
    assert (value(hass, PRINTING), value(hass, ATTENTION)) == ("on", "off")
