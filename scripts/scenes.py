"""What the pictures of docs/images show: printers, what their webcams see, and what they have printed before."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from math import cos, radians, sin
from pathlib import Path
import random
import re
from typing import Final

from PIL import Image, ImageColor, ImageDraw, ImageFilter
from simulator import COMPLETE, FAILED, FILAMENT_CHANGE, GADGET_WARNING, PRINTS, PROGRESS, Print, Printer, Step, play

from custom_components.octoeverywhere.history import Outcome, Print as PastPrint, Totals

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
            snapshot = {"SnapshotUrl": f"https://example.com/{number}/{self.slug}.jpg"}
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


def draw_snapshot(path: Path, colour: str, percent: float) -> None:
    """Draw what a webcam sees of a vase of which so much is printed."""
    image = Image.linear_gradient("L").resize((640, 360)).point(lambda level: 70 + level // 4).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.polygon([(150, 225), (490, 225), (600, 345), (40, 345)], "#3b4048")
    for part in range(1, 12):
        draw.line([(150 + 340 * part / 12, 225), (40 + 560 * part / 12, 345)], "#525862")
    for part in range(1, 6):
        y = 225 + 120 * (part / 6) ** 1.3
        draw.line([(150 - (y - 225) * 0.9, y), (490 + (y - 225) * 0.9, y)], "#525862")
    layers = max(1, round(percent * 2))
    top = 300 - layers
    red, green, blue, *_ = ImageColor.getrgb(colour)
    draw.ellipse((215, 285, 425, 330), "#2a2d32")
    for layer in range(layers):
        radius = 62 + 26 * sin(layer / 46) + 7 * sin(layer / 17)
        ring = (320 - radius, 300 - layer - radius / 4, 320 + radius, 300 - layer + radius / 4)
        for angle in range(0, 180, 6):
            light = (0.3 + 0.8 * sin(radians(angle)) * cos(radians(angle - 125)) ** 2) * (0.9 if layer % 4 == 0 else 1)
            draw.arc(ring, angle, angle + 7, (round(red * light), round(green * light), round(blue * light)), 3)
    rim = (320 - radius, top - radius / 4, 320 + radius, top + radius / 4)
    draw.ellipse(rim, (red // 3, green // 3, blue // 3), colour, 4)
    nozzle = 320 + 0.93 * radius
    draw.rectangle((0, top - 78, 640, top - 58), "#9aa1a8")
    draw.rectangle((nozzle - 34, top - 100, nozzle + 34, top - 26), "#202226")
    draw.rectangle((nozzle - 12, top - 26, nozzle + 12, top - 12), "#a08030")
    draw.polygon([(nozzle - 10, top - 12), (nozzle + 10, top - 12), (nozzle + 2, top), (nozzle - 2, top)], "#c9a227")
    noise = Image.effect_noise(image.size, 30).convert("RGB")
    Image.blend(image.filter(ImageFilter.GaussianBlur(1.1)), noise, 0.02).save(path, quality=88)


def past_prints(chance: random.Random, now: datetime) -> Iterator[PastPrint]:
    """Yield the prints of the last weeks."""
    start = now - timedelta(days=DAYS)
    while True:
        file_name, minutes = chance.choice(FILES)
        start = (start + timedelta(days=chance.choice((1, 1, 1, 2)))).replace(
            hour=chance.randrange(7, 14), minute=chance.randrange(60)
        )
        outcome = chance.choices((Outcome.COMPLETE, Outcome.FAILED), (9, 1))[0]
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


def totals(prints: Iterable[PastPrint]) -> Totals:
    """Return what prints add up to."""
    prints = list(prints)
    outcomes = Counter(print_.outcome for print_ in prints)
    return Totals(
        completed=outcomes[Outcome.COMPLETE],
        failed=outcomes[Outcome.FAILED],
        seconds=sum(print_.duration or 0 for print_ in prints),
    )
