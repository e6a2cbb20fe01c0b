"""Tests that the repository says the same of itself everywhere."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
import struct
from typing import Any

from homeassistant.util.yaml import load_yaml_dict
import pytest

from .conftest import INTEGRATION

ROOT = Path(__file__).parent.parent
ADDRESS = re.compile(
    r"(?:github\.com[/:](?:repos/)?|githubusercontent\.com/|owner=)([\w-]+)(?:/|&(?:amp;)?repository=)([\w.-]*[\w-])"
)
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
# Names can be given to something else later, commits cannot: the commit, and what it was called when it was chosen.
PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # \S+|\./\.github/workflows/\w+\.yml")


def read(path: Path) -> dict[str, Any]:
    """Return what a file says."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def texts() -> Iterator[tuple[Path, str]]:
    """Return the project's text files; what starts with a dot is mostly not the project's."""
    for folder, folders, names in ROOT.walk():
        folders[:] = [name for name in folders if name in (".github", ".devcontainer") or name[0] not in "._"]
        for name in names:
            if not (folder / name).is_file():
                continue
            try:
                yield folder / name, (folder / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_addresses() -> None:
    """The repository has one address, and the manifest's is right."""
    manifest = read(INTEGRATION / "manifest.json")
    host, owner, name = manifest["documentation"].removeprefix("https://").split("/")
    assert host == "github.com"
    assert manifest["issue_tracker"] == f"{manifest['documentation']}/issues"
    assert manifest["codeowners"] == [f"@{owner}"]
    astray = {
        (str(path.relative_to(ROOT)), "/".join(address))
        for path, text in texts()
        for address in ADDRESS.findall(text)
        if address != (owner, name)
    }
    assert astray == set()


def test_requirements() -> None:
    """Nothing is installed along with the integration."""
    assert read(INTEGRATION / "manifest.json")["requirements"] == []


def test_quality_scale() -> None:
    """Every rule of Home Assistant's quality scale is kept, or exempt with the reason; its own checks look at no custom integration."""
    for rule, status in load_yaml_dict(INTEGRATION / "quality_scale.yaml")["rules"].items():
        if status != "done":
            assert (rule, status["status"]) == (rule, "exempt")
            assert status["comment"].endswith(".")


def test_oldest_home_assistant() -> None:
    """All who speak of the oldest Home Assistant that will do mean the same."""
    oldest = read(ROOT / "hacs.json")["homeassistant"]
    blueprints = [load_yaml_dict(path)["blueprint"] for path in (ROOT / "blueprints").rglob("*.yaml")]
    assert {blueprint["homeassistant"]["min_version"] for blueprint in blueprints} == {oldest}
    for name in ("README.md", "CHANGELOG.md"):
        said = re.findall(r"Home Assistant (\d+\.\d+) (?:or|and) newer", (ROOT / name).read_text(encoding="utf-8"))
        assert [f"{version}.0" for version in said] == [oldest]


def test_both_ends() -> None:
    """On the oldest Home Assistant the tests run with the same packages, but for those that come with it."""
    newest, oldest = (
        dict(line.split("==") for line in (ROOT / name).read_text(encoding="utf-8").splitlines() if line[0] != "#")
        for name in ("requirements_test.txt", "requirements_test_oldest.txt")
    )
    assert {name for name, version in oldest.items() if newest[name] != version} == {
        "hassil",
        "home-assistant-intents",
        "pytest-homeassistant-custom-component",
    }


def test_changelog() -> None:
    """The version in the manifest is the newest one that the changelog tells of."""
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest, *_ = re.findall(r"^## \[(.+?)\] - (?:Unreleased|\d{4}-\d\d-\d\d)$", changelog, re.MULTILINE)
    assert newest == read(INTEGRATION / "manifest.json")["version"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows(path: Path) -> None:
    """A workflow may read only, unless one of its jobs says why not; none runs for ever or runs what may change."""
    workflow = load_yaml_dict(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in workflow["jobs"].values() if "uses" not in job)
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    assert [action for action in used if not PINNED.fullmatch(action)] == []


def test_bug_reports_ask_for_diagnostics() -> None:
    """Whoever reports a bug is asked for what is needed to find it."""
    forms = {path.stem: load_yaml_dict(path) for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")}
    assert set(forms) == {"bug", "config", "feature"}
    required = {field["id"] for field in forms["bug"]["body"] if field.get("validations", {}).get("required")}
    assert required >= {"what", "diagnostics", "home-assistant", "version"}
    assert "diagnostics" in {field["id"] for field in forms["feature"]["body"]}


def test_layout() -> None:
    """The picture of the repository in CONTRIBUTING.md shows every module, and none that is gone."""
    (picture,) = re.findall(r"```text\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)
    shown = set(re.findall(r"\b(\w+\.py)\b", picture))
    modules = {path.name for path in INTEGRATION.glob("*.py")}
    assert modules <= shown
    assert shown <= modules | {path.name for folder in ("tests", "scripts") for path in (ROOT / folder).glob("*.py")}


def size(name: str) -> tuple[int, int]:
    """Return width and height of a picture."""
    head = (INTEGRATION / "brand" / name).read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", head[16:])
    return width, height


def test_brand() -> None:
    """The icon is a square and the logo a strip, each also twice as large for dense screens, and for dark themes."""
    for theme in ("", "dark_"):
        assert size(f"{theme}icon.png") == (256, 256)
        assert size(f"{theme}icon@2x.png") == (512, 512)
        width, height = size(f"{theme}logo.png")
        assert 128 <= height <= 256 <= width
        assert size(f"{theme}logo@2x.png") == (2 * width, 2 * height)
    assert len(list((INTEGRATION / "brand").iterdir())) == 8
