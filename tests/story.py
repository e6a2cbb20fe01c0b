"""Stories of prints: notifications as a person writes them down, or as tests/fixtures/prints holds them, and what comes of them.

A line of a story is a moment, a kind, and what it says: `0:30 print_progress 1800s 50% 1800left 20/40 id=print-2 error="Too hot"`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
import re
from typing import Any, Final, Self

from homeassistant.util.json import json_loads_array

from custom_components.octoeverywhere.history import Print, with_prints
from custom_components.octoeverywhere.job import Printer, Step, decide, expire, unfinished
from custom_components.octoeverywhere.payload import Notification
from custom_components.octoeverywhere.view import View, view

from .kinds import KINDS

START: Final = datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC)
_PRINTS: Final = Path(__file__).parent / "fixtures" / "prints"
FIXTURES: Final = sorted(path.stem for path in _PRINTS.glob("*.json"))
# A word, with what it quotes.
WORDS: Final = re.compile(r'(?:[^\s"]|"[^"]*")+')
_NAMES: Final = {
    "id": "PrintId",
    "file": "FileName",
    "error": "Error",
    "code": "PlatformErrorCode",
    "snapshot": "SnapshotUrl",
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """One notification: the body of the POST, and when it arrives."""

    at: datetime
    body: dict[str, Any]

    @property
    def notification(self) -> Notification:
        """The body as the integration reads it."""
        return Notification.from_payload(self.body)


def fixture(name: str) -> list[Arrival]:
    """Return the notifications of a file."""
    items: Any = json_loads_array((_PRINTS / f"{name}.json").read_bytes())
    return [Arrival(START + timedelta(seconds=item["at"]), item["body"]) for item in items]


def story(text: str) -> list[Arrival]:
    """Return the notifications of a story, each about print-1 unless it says otherwise."""
    return [_arrival(line.strip()) for line in text.strip().splitlines()]


def moment(text: str) -> datetime:
    """Return the moment that is so many hours and minutes, and perhaps seconds, after the beginning."""
    hours, minutes, *seconds = (int(part) for part in text.split(":"))
    return START + timedelta(hours=hours, minutes=minutes, seconds=sum(seconds))


def _arrival(line: str) -> Arrival:
    """Return what a line says."""
    at, slug, *words = WORDS.findall(line)
    body: dict[str, Any] = {
        "PrinterId": "printer-1",
        "PrinterName": "Ender3",
        "PrintId": "print-1",
        "EventType": KINDS[slug].number,
    }
    for word in words:
        body |= _said(word)
    return Arrival(moment(at), {key: value for key, value in body.items() if value != ""})


def _said(word: str) -> dict[str, Any]:
    """Return what a word of a line says."""
    if "=" in word:
        name, _, value = word.partition("=")
        return {_NAMES[name]: value.strip('"')}
    number, unit = re.fullmatch(r"(-?[\d.]+)(.*)", word).groups()  # type: ignore[union-attr]
    match unit:
        case "s":
            return {"DurationSec": float(number)}
        case "%":
            return {"Progress": int(number)}
        case "left":
            return {"TimeRemainingSec": int(number)}
        case _:
            return {"CurrentLayer": int(number), "TotalLayers": int(unit.removeprefix("/"))}


@dataclass
class Teller:
    """A printer of which a story is told."""

    printer: Printer = field(default_factory=Printer)
    steps: list[Step] = field(default_factory=list)
    now: datetime = START

    def tell(self, arrivals: Iterable[Arrival]) -> Self:
        """Tell one notification after the other."""
        for arrival in arrivals:
            self.wait(arrival.at)
            self.steps.append(decide(self.printer, arrival.notification, arrival.at))
            self.printer = self.steps[-1].printer
        return self

    def wait(self, until: datetime) -> Self:
        """Let time pass, and what follows from it."""
        self.now = until
        if (step := expire(self.printer, until)) is not None:
            self.printer = step.printer
        return self

    @property
    def view(self) -> View:
        """What can be said of the printer now."""
        return view(self.printer, self.now)

    @property
    def prints(self) -> list[Print]:
        """All prints, the one under way included."""
        newest = unfinished(self.printer, self.now)
        return [*with_prints((), self.printer.unfiled), *([newest] if newest else [])]

    @property
    def announced(self) -> list[str]:
        """What was announced, in order."""
        return [step.announcement.type for step in self.steps if step.announcement is not None]
