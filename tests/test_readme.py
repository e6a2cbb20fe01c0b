"""Tests that what the README and docs/events.md show is what Home Assistant does: examples of events, recipes, pictures."""

from datetime import timedelta
from pathlib import Path
import re
from typing import Any

from events import DEVICE_ID, NOW, PAGE, body, example, page
from freezegun.api import FrozenDateTimeFactory
from homeassistant.components import conversation
from homeassistant.core import Context, Event, HomeAssistant, ServiceCall
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml import parse_yaml
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, async_fire_time_changed, async_mock_service

from custom_components.octoeverywhere.payload import NotificationType

from .conftest import NUMBERS, SECRET, Post, pass_time, the_device
from .test_blueprints import settle

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
YAML: list[Any] = [parse_yaml(text) for text in re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)]
RECIPES = {recipe["alias"]: recipe for recipe in YAML}
WENT_WRONG = "Tell me when a print has failed"
LIGHT = "Light for the camera"
LOOK = "Come and look"
WEEK = "What did my printers do this week"
CHEAP = "Print while power is cheap"
SMOKE = "Smoke at the printer"
SHOW = "Show me the printer"
VOICE = "Pause the printer"


def test_events_page() -> None:
    """docs/events.md is what `scripts/events` makes of the code."""
    assert PAGE.read_text("utf-8") == page()


async def test_events(
    loaded: MockConfigEntry, send: Post, announced: list[Event], freezer: FrozenDateTimeFactory
) -> None:
    """Each kind of notification has an example, and a notification that says so becomes exactly that event."""
    freezer.move_to(NOW)
    for slug in NUMBERS:
        type_ = NotificationType(slug)
        # Of another printer each time: nothing of one example says anything of the next.
        said = {"SecretKey": SECRET, "PrinterId": slug}
        assert (await send(body(type_), **said)).status == 200
        assert announced[-1].event_type == f"octoeverywhere_{slug}"
        expected = example(type_) | {"printer_id": slug}
        assert {**announced[-1].data, "device_id": DEVICE_ID} == expected
        assert list(announced[-1].data) == list(expected)


@pytest.fixture
async def named(hass: HomeAssistant, post: Post) -> Post:
    """Return a function that posts for the printer that the recipes name."""

    async def named(**keys: Any) -> Any:
        return await post(**{"PrinterName": "My printer", "PrintId": "print-1"} | keys)

    await named(EventType=1, FileName="Benchy.gcode", DurationSec=0)
    return named


async def automate(hass: HomeAssistant, alias: str) -> None:
    """Make a recipe an automation."""
    assert await async_setup_component(hass, "automation", {"automation": [RECIPES[alias]]})
    await hass.async_block_till_done()


async def test_went_wrong(hass: HomeAssistant, named: Post) -> None:
    """The message says in words what has happened, and has the picture, and a link; of a canceled print there is none."""
    calls = async_mock_service(hass, "notify", "mobile_app_my_phone")
    await automate(hass, WENT_WRONG)
    links = {"SnapshotUrl": "https://example.com/1.jpg", "QuickViewUrl": "https://example.com/view"}
    for said, message in (
        ({"EventType": 6, "Progress": 10}, None),
        ({"EventType": 9, "Error": "Heater broken"}, "The printer reports an error: Heater broken (Benchy.gcode)"),
        ({"EventType": 7, "FileName": None}, "The print may be failing"),
        ({"EventType": 3, "PlatformErrorCode": "05004003"}, "The print has failed (Benchy.gcode)"),
        ({"EventType": 3, "PlatformErrorCode": "cancelled"}, None),
    ):
        calls.clear()
        await named(**{"FileName": "Benchy.gcode", **said}, **links, PrinterName="[1]")
        assert [call.data["message"] for call in calls] == ([message] if message else [])
        for call in calls:
            assert call.data["title"] == "Printer [1]"
            assert call.data["data"]["image"] == "https://example.com/1.jpg"
            assert call.data["data"]["url"] == call.data["data"]["clickAction"] == "https://example.com/view"


async def test_look(hass: HomeAssistant, named: Post, freezer: FrozenDateTimeFactory) -> None:
    """Each of the triggers of an area starts it, once the printer there has printed for a while."""
    calls = async_mock_service(hass, "notify", "mobile_app_my_phone")
    area = ar.async_get(hass).async_create("Workshop")
    dr.async_get(hass).async_update_device(the_device(hass).id, area_id=area.id)
    await automate(hass, LOOK)
    await named(EventType=11, DurationSec=1)
    assert calls == []
    await pass_time(hass, freezer, timedelta(minutes=5))
    for number, said in enumerate(({"EventType": 11}, {"EventType": 7}, {"EventType": 6, "TimeRemainingSec": 540}), 1):
        await named(**said, DurationSec=300 + number)
        await pass_time(hass, freezer, timedelta(minutes=1))
        assert len(calls) == number


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
    await post(PrintId="print-3", EventType=3, DurationSec=1800, PlatformErrorCode="cancelled")
    assert await async_setup_component(hass, "script", {"script": {"week": RECIPES[WEEK]}})
    answer = await hass.services.async_call("script", "week", blocking=True, return_response=True)
    assert answer == {"answer": "1 prints were completed, 1 failed and 1 were canceled, in 2.5 hours."}


async def test_cheap(hass: HomeAssistant, named: Post) -> None:
    """Dear power pauses a print, cheap power lets it go on; what does not print is left alone."""
    presses = async_mock_service(hass, "button", "press")
    await automate(hass, CHEAP)

    async def costs(price: float) -> list[str]:
        presses.clear()
        hass.states.async_set("sensor.electricity_price", str(price))
        await settle()
        return [entity_id for call in presses for entity_id in call.data["entity_id"]]

    assert await costs(0.2) == []
    assert await costs(0.5) == ["button.my_printer_pause"]
    assert await costs(0.35) == []
    assert await costs(0.25) == ["button.my_printer_resume"]
    await named(EventType=4)
    assert await costs(0.5) == await costs(0.2) == []


async def test_smoke(hass: HomeAssistant, named: Post) -> None:
    """Smoke cancels, and cuts the power, whatever becomes of the former."""
    presses = async_mock_service(hass, "button", "press", raise_exception=HomeAssistantError())
    cuts = async_mock_service(hass, "switch", "turn_off")
    messages = async_mock_service(hass, "notify", "mobile_app_my_phone")
    await automate(hass, SMOKE)
    hass.states.async_set("binary_sensor.smoke", "on")
    await hass.async_block_till_done()
    assert [call.data["entity_id"] for call in presses] == [["button.my_printer_cancel"]]
    assert [call.data["entity_id"] for call in cuts] == [["switch.printer"]]
    assert len(messages) == 1


async def test_show(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> None:
    """The light is on while the picture is taken, and off afterwards."""
    on, off = (async_mock_service(hass, "light", f"turn_{state}") for state in ("on", "off"))
    messages = async_mock_service(hass, "notify", "mobile_app_my_phone")
    assert await async_setup_component(hass, "script", {"script": {"show": RECIPES[SHOW]}})
    await hass.services.async_call("script", "show")
    for seconds, expected in ((0, (1, 0, 0)), (4, (1, 1, 0)), (31, (1, 1, 1))):
        freezer.tick(seconds)
        async_fire_time_changed(hass)
        await settle()
        assert (len(on), len(messages), len(off)) == expected
    assert messages[0].data["data"]["image"] == "/api/camera_proxy/camera.my_printer_live"


@pytest.mark.parametrize(
    ("sentence", "status", "answer"),
    [
        ("Pause the printer", "paused", "The print is paused."),
        ("pause my 3D print", "printing", "The printer goes on. Please have a look."),
        ("pause printer", "idle", "There is nothing that I could pause."),
    ],
)
async def test_voice(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, sentence: str, status: str, answer: str
) -> None:
    """The sentence pauses, and the answer says whether it was done."""
    presses: list[ServiceCall] = []

    async def press(call: ServiceCall) -> None:
        presses.append(call)
        hass.states.async_set("sensor.my_printer_status", status)

    hass.services.async_register("button", "press", press)
    hass.states.async_set("sensor.my_printer_status", "printing")
    hass.states.async_set("button.my_printer_pause", "unavailable" if status == "idle" else "unknown")
    for component in ("homeassistant", "conversation"):
        assert await async_setup_component(hass, component, {})
    await automate(hass, VOICE)
    said = hass.async_create_task(conversation.async_converse(hass, sentence, None, Context(), "en"))
    for _ in range(100):
        await settle()
        freezer.tick(1)
        async_fire_time_changed(hass)
        if said.done():
            break
    assert (await said).response.speech["plain"]["speech"] == answer
    assert len(presses) == (status != "idle")


def test_recipes() -> None:
    """The recipes that are run here are all that there are."""
    assert set(RECIPES) == {WENT_WRONG, LIGHT, LOOK, WEEK, CHEAP, SMOKE, SHOW, VOICE}


def test_links() -> None:
    """What the README links to is there, and so are the headings that it leads to."""
    paths = re.findall(r"\]\((?!https?:|#)([^)]+)\)", README)
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.*)$", README, re.MULTILINE)}
    assert set(re.findall(r"\]\(#([^)]+)\)", README)) - headings == set()


def test_pictures() -> None:
    """Every picture is shown somewhere."""
    pictures = {f"docs/images/{path.name}" for path in (ROOT / "docs" / "images").iterdir()}
    assert pictures == set(re.findall(r"docs/images/[\w-]+\.png", README))
