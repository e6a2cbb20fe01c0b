"""The webcams of simulated printers: what they see, and where Home Assistant finds it."""

from math import cos, radians, sin
from pathlib import Path
from typing import Final

from PIL import Image, ImageColor, ImageDraw, ImageFilter

ADDRESS: Final = "https://webcam.example"
"""Where no server is. Only a Home Assistant with the component `webcam` of `demo_home` finds pictures there: in its folder `www`."""
_STEP: Final = 25
"""A picture for each so many percent: drawing takes a while."""


class Webcam:
    """A webcam, in the configuration of a Home Assistant."""

    def __init__(self, home: Path, name: str, colour: str) -> None:
        """Look at a print of some colour."""
        self._folder = home / "www" / name
        self._name = name
        self._colour = colour

    def draw(self) -> None:
        """Draw all that it will see."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for percent in range(0, 101, _STEP):
            draw_snapshot(self._folder / _file_name(percent), self._colour, percent)

    def link(self, percent: int) -> str:
        """Return the link to what it sees when so much is printed."""
        return f"{ADDRESS}/{self._name}/{_file_name(percent)}"

    def picture(self, percent: int) -> bytes:
        """Return what it sees when so much is printed."""
        return (self._folder / _file_name(percent)).read_bytes()


def _file_name(percent: int) -> str:
    return f"{percent // _STEP * _STEP}.jpg"


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
