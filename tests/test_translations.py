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

from .conftest import FULL, ICONS, INTEGRATION, WORDS, Clock, Post, connection_to, devices_of, entities_of
from .fake_plugin_api import RelayedPrinter

TRANSLATIONS = sorted((INTEGRATION / "translations").glob("*.json"))
LANGUAGES = "cs da de el en es fi fr hu it ja ko nb nl pl pt-BR pt ro ru sk sv tr uk zh-Hans zh-Hant"
# What is said as in English on purpose, and where: names in every language, and words that a language shares with English.
SHARED = {
    "config.step.cloud.title": LANGUAGES,
    "config.step.reconfigure.title": LANGUAGES,
    "config.step.user.menu_options.cloud": LANGUAGES,
    "config_subentries.live.step.credentials.data.password": "it",
    "config_subentries.live.step.credentials.data.token": "cs da de el es fi hu it nb nl pl pt pt-BR ro sk sv",
    "config_subentries.live.step.printer.data.printer_id": "da nl",
    "entity.calendar.prints.name": "nl",
    "entity.camera.live.name": "nl",
    "entity.event.notification.state_attributes.event_type.state.error": "es",
    "entity.sensor.status.name": "da de nb nl pt-BR sv",
    "entity.sensor.status.state.error": "es",
    "services.get_prints.fields.period.name": "sv",
    "services.get_prints.fields.printer.name": "nl",
    "services.get_prints.fields.start.name": "da nb sv",
}
# States that Home Assistant would call "On" and "Off".
OF_DOMAIN = {"calendar": ["on", "off"]}


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


def states_of(domain: str, words: dict[str, Any]) -> set[str]:
    """Return the states that a file names for an entity."""
    if domain == "event":
        words = words.get("state_attributes", {}).get("event_type", {})
    return set(words.get("state", {}))


async def test_entities(hass: HomeAssistant, post: Post, clock: Clock) -> None:
    """Every entity and every state has its name and its icon."""
    await post(FULL)
    await clock.elapse(timedelta(seconds=10), wait_background_tasks=True)
    words, icons = WORDS["entity"], ICONS["entity"]
    known = defaultdict(set)
    for entity in entities_of(hass):
        domain, key = entity.domain, str(entity.translation_key)
        known[domain].add(key)
        offered = entity.capabilities or {}
        states = set(offered.get("options") or offered.get("event_types") or OF_DOMAIN.get(domain, []))
        assert words[domain][key]["name"]
        assert icons[domain][key]["default"].startswith("mdi:")
        assert states_of(domain, words[domain][key]) == states, (domain, key)
        # The states of binary sensors are named by Home Assistant, after the device class.
        assert domain == "binary_sensor" or states_of(domain, icons[domain][key]) == states, (domain, key)
    for texts in (words, icons):
        assert {domain: set(named) for domain, named in texts.items()} == known


async def test_device(hass: HomeAssistant, post: Post) -> None:
    """A printer that does not say its name gets one from the translations, the only one there."""
    await post(EventType=1, PrinterName=None)
    (device,) = devices_of(hass)
    assert [name["name"] for name in WORDS["device"].values()] == [device.name]


def test_automations() -> None:
    """Every trigger and condition has its words and its icon, and no others have."""
    for kind, offered in (("triggers", TRIGGERS), ("conditions", CONDITIONS)):
        words = WORDS[kind]
        assert set(words) == set(offered)
        assert {name: set(icon) for name, icon in ICONS[kind].items()} == {name: {kind[:-1]} for name in offered}
        assert all(text["name"] and text["description"] for text in words.values())
        fields = [field for text in words.values() for field in text.get("fields", {}).values()]
        assert all(field["name"] for field in fields)


def test_pages() -> None:
    """No page of the set-up or of a repair is left over; that none is missing shows where it is tested."""
    repairs = [issue["fix_flow"] for issue in WORDS["issues"].values() if "fix_flow" in issue]
    assert repairs
    for flow, texts in (
        (OctoEverywhereConfigFlow, WORDS["config"]),
        (LiveFlow, WORDS["config_subentries"]["live"]),
        *((ReconfigureFlow, repair) for repair in repairs),
    ):
        assert not [step for step in texts["step"] if not hasattr(flow, f"async_step_{step}")]


def test_exceptions() -> None:
    """Every exception that is raised for a user has its message, and no message is left over."""
    source = "".join(path.read_text(encoding="utf-8") for path in INTEGRATION.glob("*.py"))
    raised = re.findall(r'translation_domain=DOMAIN,\s*translation_key="(\w+)"', source)
    # Of commands, tests/test_button.py meets each.
    assert set(WORDS["exceptions"]) == {*raised, *NOT_DONE.values(), "outcome_unknown", "not_paused"}


def test_all_languages() -> None:
    """The languages that are promised are there."""
    assert " ".join(path.stem for path in TRANSLATIONS) == LANGUAGES


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.stem)
def test_languages(path: Path) -> None:
    """Every language says the same, leaves the same to be filled in, and nothing in English by accident."""
    translated = json.loads(path.read_text(encoding="utf-8"))
    assert keys(translated) == keys(WORDS)
    same = set()
    for way in keys(WORDS):
        ours, theirs = WORDS, translated
        for key in way:
            ours, theirs = ours[key], theirs[key]
        assert str(theirs).strip()
        assert placeholders(str(theirs)) == placeholders(str(ours)), way
        # Home Assistant's own check of integrations wants links to be filled in.
        assert not re.search(r"https?://[\w.-]*\.[a-z]{2,}", str(theirs)), way
        if ours == theirs:
            same.add(".".join(way))
    if path.stem != "en":
        assert same == {way for way, languages in SHARED.items() if path.stem in languages.split()}
