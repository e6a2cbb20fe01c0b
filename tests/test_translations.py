"""Tests that every name, state and message has its words and its icon, and that nothing else has."""

from collections import Counter, defaultdict
from datetime import timedelta
import json
from pathlib import Path
import re
from typing import Any

from homeassistant.config_entries import ConfigSubentryData
from homeassistant.core import HomeAssistant
import pytest

from custom_components.octoeverywhere.condition import CONDITIONS
from custom_components.octoeverywhere.config_flow import OctoEverywhereConfigFlow
from custom_components.octoeverywhere.live_coordinator import NOT_DONE
from custom_components.octoeverywhere.live_flow import LiveFlow
from custom_components.octoeverywhere.repairs import ReconfigureFlow
from custom_components.octoeverywhere.trigger import TRIGGERS

from .conftest import FULL, Clock, Post, connection_to, devices_of, entities_of
from .fake_plugin_api import RelayedPrinter

INTEGRATION = Path(__file__).parent.parent / "custom_components" / "octoeverywhere"
TRANSLATIONS = sorted((INTEGRATION / "translations").glob("*.json"))
LANGUAGES = "cs da de el en es fi fr hu it ja ko nb nl pl pt-BR pt ro ru sk sv tr uk zh-Hans zh-Hant"
STATUS = "entity.sensor.status.name"
START = "services.get_prints.fields.start.name"
# What is said as in English on purpose: names in every language, and words that a language shares with English.
NAMES = {
    "config.step.cloud.title",
    "config.step.reconfigure.title",
    "config.step.user.menu_options.cloud",
}
TOKEN = "config_subentries.live.step.credentials.data.token"
PRINTER = "config_subentries.live.step.printer.data.printer_id"
SHARED = {
    "cs": {TOKEN},
    "da": {STATUS, START, TOKEN, PRINTER},
    "de": {STATUS, TOKEN},
    "el": {TOKEN},
    "es": {
        TOKEN,
        "entity.event.notification.state_attributes.event_type.state.error",
        "entity.sensor.status.state.error",
    },
    "fi": {TOKEN},
    "hu": {TOKEN},
    "it": {TOKEN, "config_subentries.live.step.credentials.data.password"},
    "nb": {STATUS, START, TOKEN},
    "nl": {
        STATUS,
        TOKEN,
        PRINTER,
        "entity.calendar.prints.name",
        "entity.camera.live.name",
        "services.get_prints.fields.printer.name",
    },
    "pl": {TOKEN},
    "pt": {TOKEN},
    "pt-BR": {STATUS, TOKEN},
    "ro": {TOKEN},
    "sk": {TOKEN},
    "sv": {STATUS, START, TOKEN, "services.get_prints.fields.period.name"},
}
# States that Home Assistant would call "On" and "Off".
OF_DOMAIN = {"calendar": ["on", "off"]}
# Their states are named by Home Assistant, after the device class.
NAMED_ELSEWHERE = {"binary_sensor"}


def read(path: Path) -> dict[str, Any]:
    """Return what a file says."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def keys(content: object, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the way to each text."""
    if not isinstance(content, dict):
        return {path}
    return {way for key, value in content.items() for way in keys(value, (*path, key))}


def placeholders(text: str) -> Counter[str]:
    """Return what a text leaves to be filled in, what it links to and what it emphasises."""
    return Counter(re.findall(r"{\w+}|\]\(|\*\*|`|\n|https?://[\w./:?=&-]*\w", text))


@pytest.fixture
def connections(relayed: RelayedPrinter) -> list[ConfigSubentryData]:
    """Return a connection to a printer that has everything."""
    relayed.lights = {"caselight": True}
    return [connection_to(relayed)]


@pytest.fixture
async def states(hass: HomeAssistant, post: Post, clock: Clock) -> dict[str, dict[str, set[str]]]:
    """Return the entities of a printer by platform and key, each with the states that have a name."""
    await post(FULL)
    await clock.elapse(timedelta(seconds=10), wait_background_tasks=True)
    offered: dict[str, dict[str, set[str]]] = defaultdict(dict)
    for entity in entities_of(hass):
        assert entity.translation_key
        capabilities = entity.capabilities or {}
        named = capabilities.get("options") or capabilities.get("event_types") or OF_DOMAIN.get(entity.domain, [])
        offered[entity.domain][entity.translation_key] = set(named)
    return offered


def states_of(domain: str, words: dict[str, Any]) -> set[str]:
    """Return the states that a file names for an entity."""
    if domain == "event":
        words = words.get("state_attributes", {}).get("event_type", {})
    return set(words.get("state", {}))


async def test_entities(states: dict[str, dict[str, set[str]]]) -> None:
    """Every entity and every state has a name."""
    entities = read(INTEGRATION / "translations" / "en.json")["entity"]
    assert {domain: set(words) for domain, words in entities.items()} == {
        domain: set(offered) for domain, offered in states.items()
    }
    for domain, offered in states.items():
        for key, named in offered.items():
            assert entities[domain][key]["name"]
            assert states_of(domain, entities[domain][key]) == named, (domain, key)


async def test_icons(states: dict[str, dict[str, set[str]]]) -> None:
    """Every entity and every state has an icon."""
    icons = read(INTEGRATION / "icons.json")["entity"]
    assert {domain: set(pictures) for domain, pictures in icons.items()} == {
        domain: set(offered) for domain, offered in states.items()
    }
    for domain, offered in states.items():
        for key, named in offered.items():
            assert icons[domain][key]["default"].startswith("mdi:")
            if domain not in NAMED_ELSEWHERE:
                assert states_of(domain, icons[domain][key]) == named, (domain, key)


async def test_device(hass: HomeAssistant, post: Post) -> None:
    """A printer that does not say its name gets one from the translations, the only one there."""
    await post(EventType=1, PrinterName=None)
    (device,) = devices_of(hass)
    names = read(INTEGRATION / "translations" / "en.json")["device"]
    assert [name["name"] for name in names.values()] == [device.name]


def test_automations() -> None:
    """Every trigger and condition has its words and its icon, and no others have."""
    words = read(INTEGRATION / "translations" / "en.json")
    icons = read(INTEGRATION / "icons.json")
    for kind, offered in (("triggers", TRIGGERS), ("conditions", CONDITIONS)):
        assert set(words[kind]) == set(icons[kind]) == set(offered)
        assert all(text["name"] and text["description"] for text in words[kind].values())
        fields = [field for text in words[kind].values() for field in text.get("fields", {}).values()]
        assert all(field["name"] for field in fields)


def test_pages() -> None:
    """No page of the set-up or of a repair is left over; that none is missing shows where it is tested."""
    words = read(INTEGRATION / "translations" / "en.json")
    repairs = [issue["fix_flow"] for issue in words["issues"].values() if "fix_flow" in issue]
    assert repairs
    subentries = [(LiveFlow, words["config_subentries"]["live"])]
    for flow, texts in (
        (OctoEverywhereConfigFlow, words["config"]),
        *subentries,
        *((ReconfigureFlow, issue) for issue in repairs),
    ):
        assert not [step for step in texts["step"] if not hasattr(flow, f"async_step_{step}")]


def test_exceptions() -> None:
    """Every exception that is raised for a user has its message, and no message is left over."""
    source = "".join(path.read_text(encoding="utf-8") for path in INTEGRATION.glob("*.py"))
    raised = re.findall(r'translation_domain=DOMAIN,\s*translation_key="(\w+)"', source)
    messages = read(INTEGRATION / "translations" / "en.json")["exceptions"]
    # Of commands, tests/test_button.py meets each.
    assert set(messages) == {*raised, *NOT_DONE.values(), "outcome_unknown", "not_paused"}


def test_all_languages() -> None:
    """The languages that are promised are there."""
    assert " ".join(path.stem for path in TRANSLATIONS) == LANGUAGES


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.stem)
def test_languages(path: Path) -> None:
    """Every language says the same, leaves the same to be filled in, and nothing in English by accident."""
    english, translated = read(INTEGRATION / "translations" / "en.json"), read(path)
    assert keys(translated) == keys(english)
    same = set()
    for way in keys(english):
        ours, theirs = english, translated
        for key in way:
            ours, theirs = ours[key], theirs[key]
        assert str(theirs).strip()
        assert placeholders(str(theirs)) == placeholders(str(ours)), way
        # Home Assistant's own check of integrations wants links to be filled in.
        assert not re.search(r"https?://[\w.-]*\.[a-z]{2,}", str(theirs)), way
        if ours == theirs:
            same.add(".".join(way))
    if path.stem != "en":
        assert same == NAMES | SHARED.get(path.stem, set())
