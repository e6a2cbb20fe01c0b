"""Tests that what the README and docs/events.md show is what Home Assistant does: examples of events, recipes, pictures."""

from datetime import UTC, datetime
import json
from pathlib import Path
import re
from typing import Any

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_mock_service,
)

from .conftest import NUMBERS, SECRET, Post

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
EVENTS = (ROOT / "docs" / "events.md").read_text("utf-8")
EXAMPLES = {
    slug: json.loads(data)
    for slug, data in re.findall(r"octoeverywhere_(\w+)</code>.*?```json\n(.*?)```", EVENTS, re.DOTALL)
}
YAML: list[Any] = [parse_yaml(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
RECIPES = {recipe["alias"]: recipe for recipe in YAML}
FAILED = "Tell me when a print has failed"
LIGHT = "Light for the camera"
WEEK = "What did my printers do this week"
NOW = datetime(2026, 11, 23, 18, 20, 5, tzinfo=UTC)
# What OctoEverywhere calls what the event says.
SAYS = {
    "printer_id": "PrinterId",
    "printer_name": "PrinterName",
    "print_id": "PrintId",
    "event_type": "EventType",
    "file_name": "FileName",
    "progress": "Progress",
    "duration": "DurationSec",
    "time_remaining": "TimeRemainingSec",
    "z_offset": "ZOffsetMM",
    "current_layer": "CurrentLayer",
    "total_layers": "TotalLayers",
    "error": "Error",
    "error_code": "PlatformErrorCode",
    "snapshot_url": "SnapshotUrl",
    "quick_view_url": "QuickViewUrl",
}


def test_every_event_has_an_example() -> None:
    """There is one for each kind of notification."""
    assert {example["type"] for example in EXAMPLES.values()} == set(NUMBERS) == set(EXAMPLES)


@pytest.mark.parametrize("slug", EXAMPLES)
async def test_event(
    hass: HomeAssistant, send: Post, loaded: MockConfigEntry, freezer: FrozenDateTimeFactory, slug: str
) -> None:
    """A notification that says what an example says becomes exactly that event."""
    freezer.move_to(NOW)
    example = EXAMPLES[slug]
    events = async_capture_events(hass, f"octoeverywhere_{slug}")
    payload = {SAYS[key]: value for key, value in example.items() if key in SAYS} | example["extra"]
    assert (await send(payload | {"SecretKey": SECRET})).status == 200
    await hass.async_block_till_done()
    (event,) = events
    assert event.data | {"device_id": None} == example | {"device_id": None}
    assert list(event.data) == list(example)


def test_every_key_is_explained() -> None:
    """The table of keys has those that an event has, in their order."""
    keys = [key for row in re.findall(r"^\| (`.*?) \|", EVENTS, re.MULTILINE) for key in re.findall(r"`(\w+)`", row)]
    assert keys == list(EXAMPLES["print_started"])


@pytest.fixture
async def named(hass: HomeAssistant, post: Post) -> Post:
    """Return a function that posts for the printer that the recipes name."""

    async def named(**keys: Any) -> Any:
        return await post(PrinterName="My printer", PrintId="print-1", **keys)

    await named(EventType=1, FileName="Benchy.gcode", DurationSec=0)
    return named


async def automate(hass: HomeAssistant, alias: str) -> None:
    """Make a recipe an automation."""
    assert await async_setup_component(hass, "automation", {"automation": [RECIPES[alias]]})
    await hass.async_block_till_done()


async def test_failed(hass: HomeAssistant, named: Post) -> None:
    """The message has the picture, and a link."""
    calls = async_mock_service(hass, "notify", "mobile_app_my_phone")
    await automate(hass, FAILED)
    links = {"SnapshotUrl": "https://example.com/1.jpg", "QuickViewUrl": "https://example.com/view"}
    await named(EventType=6, Progress=10, **links)
    await named(EventType=9, FileName="Benchy.gcode", Error="Heater broken", **links)
    (call,) = calls
    assert call.data["title"] == "My printer"
    assert call.data["message"] == "Benchy.gcode: Heater broken"
    assert call.data["data"]["image"] == "https://example.com/1.jpg"
    assert call.data["data"]["url"] == call.data["data"]["clickAction"] == "https://example.com/view"


async def test_light(hass: HomeAssistant, named: Post) -> None:
    """The light follows the printer."""
    on, off = (async_mock_service(hass, "light", f"turn_{state}") for state in ("on", "off"))
    await automate(hass, LIGHT)
    await named(EventType=4)
    assert (len(on), len(off)) == (0, 1)
    await named(EventType=5)
    assert (len(on), len(off)) == (1, 1)
    assert on[0].data["entity_id"] == ["light.printer"]


async def test_week(hass: HomeAssistant, named: Post, post: Post) -> None:
    """The script answers in a sentence."""
    await named(EventType=2, DurationSec=5400)
    await post(PrintId="print-2", EventType=3, DurationSec=1800)
    recipe = RECIPES[WEEK]
    assert await async_setup_component(hass, "script", {"script": {"week": recipe}})
    answer = await hass.services.async_call("script", "week", blocking=True, return_response=True)
    assert answer == {"answer": "1 prints were completed and 1 failed, in 2.0 hours."}


def test_recipes() -> None:
    """The recipes that are run here are all that there are."""
    assert set(RECIPES) == {FAILED, LIGHT, WEEK}


@pytest.mark.parametrize("path", re.findall(r"\]\((?!https?:|#)([^)]+)\)", README))
def test_links(path: str) -> None:
    """What the README links to is there."""
    assert (ROOT / path).is_file()


def test_pictures() -> None:
    """Every picture is shown somewhere."""
    pictures = {f"docs/images/{path.name}" for path in (ROOT / "docs" / "images").iterdir()}
    assert pictures == set(re.findall(r"docs/images/[\w-]+\.png", README))


@pytest.mark.parametrize("anchor", re.findall(r"\]\(#([^)]+)\)", README))
def test_anchors(anchor: str) -> None:
    """So are the headings that it leads to."""
    headings = [heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE)]
    assert anchor in headings
