"""Whole prints, notification by notification, as tests/fixtures/prints holds them."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from homeassistant.util.json import json_loads_array

from custom_components.octoeverywhere.payload import Notification

START: Final = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)

_PRINTS: Final = Path(__file__).parent / "fixtures" / "prints"
NAMES: Final = sorted(path.stem for path in _PRINTS.glob("*.json"))
"""Of the files."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """One notification of a print: the body of the POST, and when it arrives."""

    at: datetime
    body: dict[str, Any]

    @property
    def notification(self) -> Notification:
        """Return the body as the integration reads it."""
        return Notification.from_payload(self.body)


def arrivals(name: str, start: datetime = START) -> list[Arrival]:
    """Return the notifications of a file, the first one at the start."""
    items: Any = json_loads_array((_PRINTS / f"{name}.json").read_bytes())
    return [Arrival(start + timedelta(seconds=item["at"]), item["body"]) for item in items]
