"""Tests that the repository says the same of itself everywhere."""

from collections.abc import Iterator
import json
from pathlib import Path
import re
from typing import Any

ROOT = Path(__file__).parent.parent
# Whose repositories the texts may mention besides the project's own.
OTHERS = {
    "actions",
    "astral-sh",
    "hacs",
    "home-assistant",
    "MatthewFlamm",
    "octoeverywhere",
    "quinndamerell",
}
ADDRESS = re.compile(
    r"(?:github\.com[/:](?:repos/)?|githubusercontent\.com/|owner=)([\w-]+)(?:/|&(?:amp;)?repository=)([\w.-]*[\w-])"
)


def read(path: Path) -> dict[str, Any]:
    """Return what a file says."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def texts() -> Iterator[tuple[Path, str]]:
    """Return the project's text files; what starts with a dot is mostly not the project's."""
    for folder, folders, names in ROOT.walk():
        folders[:] = [name for name in folders if name in (".github", ".devcontainer") or name[0] not in "._"]
        for name in names:
            try:
                yield folder / name, (folder / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def test_addresses() -> None:
    """The repository has one address, and the manifest's is right."""
    manifest = read(ROOT / "custom_components" / "octoeverywhere" / "manifest.json")
    host, owner, name = manifest["documentation"].removeprefix("https://").split("/")
    assert host == "github.com"
    assert manifest["issue_tracker"] == f"{manifest['documentation']}/issues"
    assert manifest["codeowners"] == [f"@{owner}"]
    others = {other.lower() for other in OTHERS}
    astray = {
        (str(path.relative_to(ROOT)), "/".join(address))
        for path, text in texts()
        for address in ADDRESS.findall(text)
        if address != (owner, name.removesuffix(".git")) and address[0].lower() not in others
    }
    assert astray == set()


def test_requirements() -> None:
    """Nothing is installed along with the integration, and HACS asks for a Home Assistant that runs it."""
    assert read(ROOT / "custom_components" / "octoeverywhere" / "manifest.json")["requirements"] == []
    assert read(ROOT / "hacs.json")["homeassistant"].startswith("2026.8")
