"""Tests of what hassfest and HACS demand."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from string import Formatter
import struct
from typing import Any, Final

from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.const import __version__ as home_assistant_version
from homeassistant.util.yaml import load_yaml_dict
import pytest

from custom_components.octoeverywhere.const import DOMAIN

ROOT: Final = Path(__file__).parent.parent
INTEGRATION: Final = ROOT / "custom_components" / DOMAIN
TRANSLATIONS: Final = sorted((INTEGRATION / "translations").glob("*.json"))


def read(path: Path) -> dict[str, Any]:
    """Return what a file says."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


MANIFEST: Final = read(INTEGRATION / "manifest.json")
HACS: Final = read(ROOT / "hacs.json")
WORDS: Final = read(INTEGRATION / "translations" / "en.json")
ICONS: Final = read(INTEGRATION / "icons.json")

# The manifest and hacs.json

REQUIRED: Final = {
    "domain",
    "name",
    "codeowners",
    "config_flow",
    "documentation",
    "integration_type",
    "iot_class",
    "issue_tracker",
    "requirements",
    "version",
}
ALSO_KNOWN: Final = {
    "after_dependencies",
    "categories",
    "connectivity",
    "dependencies",
    "loggers",
    "quality_scale",
    "single_config_entry",
}
IOT_CLASSES: Final = {"cloud_polling", "cloud_push", "local_polling", "local_push", "assumed_state", "calculated"}
HACS_KEYS: Final[dict[str, type]] = {
    "name": str,
    "homeassistant": str,
    "hacs": str,
    "filename": str,
    "zip_release": bool,
    "hide_default_branch": bool,
    "render_readme": bool,
}


def test_manifest_keys() -> None:
    """No key is missing or unknown; domain and name come first, then all others by the alphabet."""
    assert set(MANIFEST) >= REQUIRED
    assert set(MANIFEST) <= REQUIRED | ALSO_KNOWN
    assert list(MANIFEST) == ["domain", "name", *sorted(set(MANIFEST) - {"domain", "name"})]


def test_manifest_values() -> None:
    """Each value is one that Home Assistant knows."""
    assert MANIFEST["domain"] == INTEGRATION.name
    assert MANIFEST["integration_type"] in {"device", "hub", "service"}
    assert MANIFEST["iot_class"] in IOT_CLASSES
    assert MANIFEST["codeowners"]
    assert all(owner.startswith("@") for owner in MANIFEST["codeowners"])
    assert MANIFEST.get("quality_scale", "platinum") == "platinum"
    AwesomeVersion(MANIFEST["version"], ensure_strategy=[AwesomeVersionStrategy.SEMVER])


def test_dependencies() -> None:
    """Home Assistant is told of every other integration that is used, but for those that each Home Assistant has."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in INTEGRATION.glob("*.py")}
    used = {
        name
        for source in sources.values()
        for name in re.findall(r"homeassistant\.components(?: import |\.)(\w+)", source)
    }
    told = {*MANIFEST["dependencies"], *MANIFEST["after_dependencies"]}
    # A module of ours that is named after an integration is loaded by that integration.
    assert used - sources.keys() - {"device_automation", "homeassistant"} <= told


def test_hacs() -> None:
    """HACS knows every key, and where it is to install a file it is told which."""
    assert HACS.keys() <= HACS_KEYS.keys()
    assert all(isinstance(value, HACS_KEYS[key]) for key, value in HACS.items())
    assert HACS["name"] == MANIFEST["name"]
    assert HACS.get("zip_release", False) == ("filename" in HACS)


def test_oldest_home_assistant() -> None:
    """The tests run on no older Home Assistant than HACS lets people install the integration on."""
    assert AwesomeVersion(home_assistant_version) >= AwesomeVersion(HACS["homeassistant"])


# Translations and icons

KEY: Final = re.compile(r"[a-z0-9]+(?:[_-][a-z0-9]+)*")
LINK: Final = re.compile(
    r"(?:(?:https?|ftps?|scp|mqtts?|wss?|socks5|socket)://|\bwww\.)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE
)
TEXT: Final = "a text"
PLAIN: Final = "a text without placeholders"
ICON: Final = "an icon"
ANY: Final = "*"

type Shape = str | dict[str, Shape]

FLOW: Final[Shape] = {
    "step": {
        ANY: {
            "title": TEXT,
            "description": TEXT,
            "data": {ANY: TEXT},
            "data_description": {ANY: TEXT},
            "menu_options": {ANY: TEXT},
            "menu_option_descriptions": {ANY: TEXT},
            "submit": TEXT,
        }
    },
    "progress": {ANY: TEXT},
    "error": {ANY: TEXT},
    "abort": {ANY: TEXT},
    "create_entry": {ANY: TEXT},
}
WORDS_SHAPE: Final[Shape] = {
    "config": FLOW,
    "device": {ANY: {"name": TEXT}},
    "device_automation": {"condition_type": {ANY: TEXT}, "trigger_type": {ANY: TEXT}},
    "entity": {
        ANY: {
            ANY: {
                "name": TEXT,
                "state": {ANY: PLAIN},
                "state_attributes": {ANY: {"name": PLAIN, "state": {ANY: PLAIN}}},
                "unit_of_measurement": PLAIN,
            }
        }
    },
    "exceptions": {ANY: {"message": TEXT}},
    "issues": {ANY: {"title": TEXT, "description": TEXT, "fix_flow": FLOW}},
    "selector": {ANY: {"options": {ANY: TEXT}}},
    "services": {ANY: {"name": TEXT, "description": TEXT, "fields": {ANY: {"name": TEXT, "description": TEXT}}}},
}
ICONS_SHAPE: Final[Shape] = {
    "entity": {
        ANY: {
            ANY: {
                "default": ICON,
                "state": {ANY: ICON},
                "state_attributes": {ANY: {"default": ICON, "state": {ANY: ICON}}},
            }
        }
    },
    "services": {ANY: {"service": ICON}},
}


def faults(content: Any, shape: Shape, way: str = "") -> Iterator[str]:
    """Yield what is not as the shape says, and where."""
    if isinstance(shape, str):
        yield from (f"{way}: {fault}" for fault in faults_of(content, shape))
    elif not isinstance(content, dict):
        yield f"{way}: not an object"
    else:
        for key, value in content.items():
            if not KEY.fullmatch(key) or not shape.keys() & {key, ANY}:
                yield f"{way}.{key}: no such key"
            else:
                yield from faults(value, shape.get(key, shape.get(ANY, TEXT)), f"{way}.{key}")


def faults_of(text: Any, kind: str) -> Iterator[str]:
    """Yield what is wrong with a text or an icon."""
    if not isinstance(text, str) or not text or text != text.strip():
        yield "no text, or spaces around it"
        return
    if kind == ICON:
        if not re.fullmatch(r"mdi:[a-z0-9]+(?:-[a-z0-9]+)*", text):
            yield "no icon"
        return
    placeholders = [name for _, name, _, _ in Formatter().parse(text) if name is not None]
    if not all(name.isidentifier() for name in placeholders) or (placeholders and kind == PLAIN):
        yield "a placeholder that cannot be filled in"
    if re.search(r"'{\w+}'", text):
        yield "a placeholder between single quotes"
    if re.search(r"<[a-zA-Z/!][^>]*>", text):
        yield "HTML"
    if LINK.search(text):
        yield "a link, which belongs into a placeholder"
    if "[%" in text or "%]" in text:
        yield "a reference, which only Home Assistant's own integrations may make"


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.stem)
def test_words(path: Path) -> None:
    """Every text stands where Home Assistant looks for it, and is one that it can show."""
    assert list(faults(read(path), WORDS_SHAPE)) == []


def test_faults_are_found() -> None:
    """The test above is worth something."""
    shape: Shape = {"one": TEXT, "two": PLAIN, "three": {ANY: ICON}}
    wrong: list[tuple[Any, int]] = [
        ({"one": "{name} at [here]({link})", "two": "fine", "three": {"a_b-c": "mdi:printer-3d"}}, 0),
        ({"one": " spaces "}, 1),
        ({"one": ""}, 1),
        ({"one": {}}, 1),
        ({"one": "see https://example.com"}, 1),
        ({"one": "see www.example.com"}, 1),
        ({"one": "like http://192.168.1.10:8123"}, 0),
        ({"one": "'{name}'"}, 1),
        ({"one": "<b>bold</b>"}, 1),
        ({"one": "{not a name}"}, 1),
        ({"two": "{name}"}, 1),
        ({"three": {"_a": "mdi:printer"}}, 1),
        ({"three": {"a": "printer"}}, 1),
        ({"three": "mdi:printer"}, 1),
        ({"four": "fine"}, 1),
    ]
    assert [(content, len(list(faults(content, shape)))) for content, _ in wrong] == wrong


def test_issues_say_what_or_how() -> None:
    """An issue either says what is wrong or leads through a repair, never both."""
    assert [name for name, issue in WORDS["issues"].items() if ("description" in issue) == ("fix_flow" in issue)] == []


def test_fields_are_described() -> None:
    """Each field of the set-up and of the repairs is explained."""
    flows = [WORDS["config"], *(issue["fix_flow"] for issue in WORDS["issues"].values() if "fix_flow" in issue)]
    steps = [(name, step) for flow in flows for name, step in flow["step"].items()]
    assert [name for name, step in steps if set(step.get("data", {})) != set(step.get("data_description", {}))] == []


def test_icons() -> None:
    """Every icon stands where Home Assistant looks for it."""
    assert list(faults(ICONS, ICONS_SHAPE)) == []


# Pictures


def size(name: str) -> tuple[int, int]:
    """Return width and height of a picture."""
    head = (INTEGRATION / "brand" / name).read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    return width, height


@pytest.mark.parametrize("theme", ["", "dark_"])
def test_brand(theme: str) -> None:
    """The icon is a square and the logo a strip, each also twice as large for dense screens."""
    assert size(f"{theme}icon.png") == (256, 256)
    assert size(f"{theme}icon@2x.png") == (512, 512)
    width, height = size(f"{theme}logo.png")
    assert 128 <= height <= 256 <= width
    assert size(f"{theme}logo@2x.png") == (2 * width, 2 * height)


def test_no_other_pictures() -> None:
    """No picture is there that Home Assistant does not show."""
    pictures = {
        f"{theme}{kind}{dense}.png" for theme in ("", "dark_") for kind in ("icon", "logo") for dense in ("", "@2x")
    }
    assert {path.name for path in (INTEGRATION / "brand").iterdir()} == pictures


# The quality scale

RULES: Final = {
    "bronze": (
        "action-setup",
        "appropriate-polling",
        "brands",
        "common-modules",
        "config-flow",
        "config-flow-test-coverage",
        "dependency-transparency",
        "docs-actions",
        "docs-conditions",
        "docs-high-level-description",
        "docs-installation-instructions",
        "docs-removal-instructions",
        "docs-triggers",
        "entity-event-setup",
        "entity-unique-id",
        "has-entity-name",
        "runtime-data",
        "test-before-configure",
        "test-before-setup",
        "unique-config-entry",
    ),
    "silver": (
        "action-exceptions",
        "config-entry-unloading",
        "docs-configuration-parameters",
        "docs-installation-parameters",
        "entity-unavailable",
        "integration-owner",
        "log-when-unavailable",
        "parallel-updates",
        "reauthentication-flow",
        "test-coverage",
    ),
    "gold": (
        "devices",
        "diagnostics",
        "discovery",
        "discovery-update-info",
        "docs-data-update",
        "docs-examples",
        "docs-known-limitations",
        "docs-supported-devices",
        "docs-supported-functions",
        "docs-troubleshooting",
        "docs-use-cases",
        "dynamic-devices",
        "entity-category",
        "entity-device-class",
        "entity-disabled-by-default",
        "entity-translations",
        "exception-translations",
        "icon-translations",
        "reconfiguration-flow",
        "repair-issues",
        "stale-devices",
    ),
    "platinum": ("async-dependency", "inject-websession", "strict-typing"),
}


def test_quality_scale() -> None:
    """Every rule of every tier is kept, or exempt with the reason."""
    rules = load_yaml_dict(INTEGRATION / "quality_scale.yaml")["rules"]
    assert list(rules) == [rule for tier in RULES.values() for rule in tier]
    for rule, status in rules.items():
        if status != "done":
            assert (rule, status["status"]) == (rule, "exempt")
            assert status["comment"].endswith(".")
