"""What became of the prints of one printer, and what they add up to. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Self

from homeassistant.helpers.json import json_bytes

MAX_PRINTS: Final = 500
"""How many prints of a printer are remembered."""
# Bytes of JSON. Prints of an ordinary length take a third of it.
_MAX_SIZE: Final = 1024 * 1024


class Outcome(StrEnum):
    """How a print ended."""

    SILENT = "silent"
    """Nothing more was heard of it."""
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNDER_WAY = "under_way"
    """It has not ended; never stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What a printer has done in all, also by prints that are no longer remembered."""

    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    seconds: int = 0
    """Of all prints that were complete, failed or cancelled."""

    def __add__(self, other: Totals) -> Totals:
        """Return both together."""
        return Totals(
            completed=self.completed + other.completed,
            failed=self.failed + other.failed,
            cancelled=self.cancelled + other.cancelled,
            seconds=self.seconds + other.seconds,
        )

    def __neg__(self) -> Totals:
        """Return what takes these away."""
        return Totals(completed=-self.completed, failed=-self.failed, cancelled=-self.cancelled, seconds=-self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One print. None: unknown."""

    print_id: str
    started_at: datetime
    ended_at: datetime
    """For a print under way the estimate; for a silent one, until when it was believed to go on."""
    outcome: Outcome = Outcome.SILENT
    is_told: bool = True
    """False where its end was concluded, as that of a print that said error and nothing more."""
    file_name: str | None = None
    duration: int | None = None
    """Seconds."""
    current_layer: int | None = None
    total_layers: int | None = None
    error: str | None = None
    quick_view_url: str | None = None
    snapshot_url: str | None = None
    """The last picture; the link lives a week."""

    @property
    def is_settled(self) -> bool:
        """True once its end was told: nothing that is said of it from then on changes that."""
        return self.is_told and self.outcome is not Outcome.SILENT

    @property
    def totals(self) -> Totals:
        """What the print adds to the totals: nothing where nobody knows how it ended."""
        return Totals(
            completed=int(self.outcome is Outcome.COMPLETE),
            failed=int(self.outcome is Outcome.FAILED),
            cancelled=int(self.outcome is Outcome.CANCELLED),
            seconds=0 if self.outcome in (Outcome.SILENT, Outcome.UNDER_WAY) else self.duration or 0,
        )

    def is_same(self, other: Print) -> bool:
        """Return True if both are of one print: several may have an id, one after the other."""
        overlap = self.started_at < other.ended_at and other.started_at < self.ended_at
        return self.print_id == other.print_id and (overlap or self.started_at == other.started_at)

    def told_by(self, end: Print) -> Self:
        """Return a print whose end was not told, with what its end says."""
        return replace(
            self,
            outcome=end.outcome,
            is_told=True,
            ended_at=end.ended_at,
            file_name=self.file_name or end.file_name,
            duration=self.duration if end.duration is None else end.duration,
            error=end.error,
            snapshot_url=end.snapshot_url or self.snapshot_url,
        )


def with_prints(known: Iterable[Print], new: Iterable[Print]) -> list[Print]:
    """Return the prints of a printer, the oldest first, with new ones as well. To add one twice is to add it once."""
    prints = list(known)
    for print_ in new:
        index = next((i for i in reversed(range(len(prints))) if prints[i].is_same(print_)), None)
        if index is None:
            prints.append(print_)
        elif print_.is_settled and not prints[index].is_settled:
            prints[index] = prints[index].told_by(print_)
    return _newest(prints)


def _newest(prints: list[Print]) -> list[Print]:
    """Return the newest prints, as many as are remembered."""
    size = 0
    for count, print_ in enumerate(reversed(prints)):
        size += len(json_bytes(print_))
        if count == MAX_PRINTS or size > _MAX_SIZE:
            return prints[-count:]
    return prints
