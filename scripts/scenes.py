"""What the pictures of docs/images show: printers, and what they have printed before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
import random
import re
from typing import Final

from simulator import COMPLETE, FAILED, FILAMENT_CHANGE, GADGET_WARNING, PRINTS, PROGRESS, Print, Printer, Step, play
from webcam import ADDRESS

from custom_components.octoeverywhere.history import Outcome, Print as PastPrint

DAYS: Final = 35
FILES: Final = (
    ("Phone_stand_v3.gcode", 105),
    ("Cable_clips_x20.gcode", 70),
    ("Planter_large.gcode", 530),
    ("Gridfinity_bin_2x3.gcode", 150),
    ("Headphone_hook.gcode", 195),
    ("Lamp_shade.gcode", 680),
    ("Benchy_0.2mm_PLA.gcode", 60),
)
"""What was printed in the last weeks, and how many minutes it took."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A printer, and what it prints until the pictures are taken."""

    name: str
    print: Print
    until: tuple[int, int]
    """The EventType and the Progress that are posted last."""
    colour: str

    @property
    def printer(self) -> Printer:
        """Return the printer."""
        return Printer(printer_id=self.slug, name=self.name)

    @property
    def slug(self) -> str:
        """Return what the ids of the printer's entities begin with."""
        return re.sub(r"\W+", "_", self.name).lower()

    @property
    def percent(self) -> int:
        """Return how much is printed in the end."""
        return self.until[1] or self.print.fails_at or 0

    def steps(self) -> list[Step]:
        """Return what OctoEverywhere posts."""
        steps = []
        for number, step in enumerate(play(self.printer, self.print, random.Random(self.name))):
            snapshot = {"SnapshotUrl": f"{ADDRESS}/{self.slug}.jpg?{number}"}
            steps.append(replace(step, body={**step.body, **snapshot}))
            if (step.body["EventType"], step.body["Progress"]) == self.until:
                break
        return steps


def _print(file_name: str, hours: int) -> Print:
    return replace(PRINTS["smooth"], file_name=file_name, seconds=hours * 3600)


SCENES: Final = (
    Scene(name="Prusa MK4", print=_print("Vase_spiral_0.2mm.gcode", 9), until=(PROGRESS, 60), colour="#f26b21"),
    Scene(name="Bambu X1", print=PRINTS["troubled"], until=(FILAMENT_CHANGE, 52), colour="#3fa34d"),
    Scene(name="Ender 3", print=_print("Benchy_0.2mm_PLA.gcode", 2), until=(COMPLETE, 100), colour="#2d7dd2"),
    Scene(name="Voron 2.4", print=_print("Cable_chain_ABS.gcode", 7), until=(PROGRESS, 20), colour="#b0b7bd"),
    Scene(
        name="Creality K1",
        print=replace(PRINTS["troubled"], file_name="Lamp_shade.gcode"),
        until=(GADGET_WARNING, 33),
        colour="#d7263d",
    ),
    Scene(name="Elegoo Neptune", print=PRINTS["cancelled"], until=(FAILED, 0), colour="#8e5bd0"),
)
WITH_PAST: Final = ("prusa_mk4", "bambu_x1")


def past_prints(chance: random.Random, now: datetime) -> Iterator[PastPrint]:
    """Yield the prints of the last weeks."""
    start = now - timedelta(days=DAYS)
    while True:
        file_name, minutes = chance.choice(FILES)
        start = (start + timedelta(days=chance.choice((1, 1, 1, 2)))).replace(
            hour=chance.randrange(7, 14), minute=chance.randrange(60)
        )
        outcome = chance.choices((Outcome.COMPLETE, Outcome.FAILED, Outcome.CANCELLED), (8, 1, 1))[0]
        time = timedelta(minutes=minutes * (1 if outcome is Outcome.COMPLETE else chance.random()))
        if start + time > now - timedelta(hours=8):
            return
        yield PastPrint(
            print_id=f"past-{start.isoformat()}",
            outcome=outcome,
            started_at=start,
            ended_at=start + time,
            file_name=file_name,
            duration=round(time.total_seconds()),
        )
