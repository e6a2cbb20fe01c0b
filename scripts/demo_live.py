"""The demo's printer with a live connection: a fake of it that prints what the notifications tell, and ends untold."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from simulator import (
    BED_COOLED,
    COMPLETE,
    ERROR,
    FILAMENT_CHANGE,
    GADGET_PAUSED,
    GADGET_WARNING,
    PAUSED,
    RESUMED,
    STARTED,
    Print,
    Step,
)

from tests.fake_plugin_api import RelayedPrinter

# What OctoEverywhere sends no more once a free account's notifications of the day are used up.
_UNTOLD: Final = (COMPLETE, BED_COOLED)


class LivePrinter:
    """A printer that can be asked, and what it prints."""

    def __init__(self, printer: RelayedPrinter, print_: Print, speed: float) -> None:
        """Print so many times faster than in life."""
        self.printer = printer
        self._print = print_
        printer.speed = speed
        self._does: Mapping[int, Callable[[], object]] = {
            PAUSED: printer.pause,
            RESUMED: printer.resume,
            GADGET_WARNING: printer.gadget_warn,
            GADGET_PAUSED: printer.gadget_pause,
            ERROR: printer.pause,
            FILAMENT_CHANGE: printer.filament_out,
        }

    def do(self, step: Step) -> None:
        """Do what a notification is about to tell."""
        kind = step.body["EventType"]
        if kind == STARTED:
            self.printer.start(self._print.file_name, self._print.seconds, self._print.layers, warmup=0)
            self.printer.print_id = step.body["PrintId"]
        elif kind in self._does:
            self._does[kind]()

    @property
    def temperatures(self) -> dict[str, Any]:
        """Return what it says of its temperatures now."""
        temperatures: dict[str, Any] = self.printer.status()["Result"]["JobStatus"]["CurrentPrint"]["Temps"]
        return temperatures


def told(steps: Sequence[Step]) -> list[Step]:
    """Return those steps that are posted of a printer whose end nobody tells."""
    return [step for step in steps if step.body["EventType"] not in _UNTOLD]
