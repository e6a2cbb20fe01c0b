"""The integration's own artwork: a nozzle that lays down layers and sends signals, and a placeholder for a picture."""

from itertools import chain
from math import cos, radians, sin
from pathlib import Path
from typing import Final, cast

from PIL import Image, ImageDraw, ImageFont

INTEGRATION: Final = Path(__file__).parent.parent / "custom_components" / "octoeverywhere"
# Of the nozzle and the letters: for light backgrounds, and for dark ones.
INKS: Final = {"": "#37474f", "dark_": "#eceff1"}
FILAMENT: Final = "#ff7a00"
SIGNAL: Final = "#00a6a6"
WALL: Final = "#5c6870"
CAMERA: Final = "#a9b4bb"
# Units: at 24 pixels, the edges of the layers are edges of pixels. The logo is trimmed to its text.
ICON: Final = 24
LOGO: Final = 160

type Point = tuple[float, float]


class Canvas:
    """A picture, drawn in units, many times larger than it becomes so that its edges come out smooth."""

    _LARGER: Final = 8

    def __init__(self, size: Point, unit: float, background: str = "#0000") -> None:
        """Start with nothing but the background; a unit is so many pixels of the finished picture."""
        self._unit = unit * self._LARGER
        width, height = size
        self._image = Image.new("RGBA", (round(width * self._unit), round(height * self._unit)), background)
        self._draw = ImageDraw.Draw(self._image)

    def _scaled(self, *points: Point) -> list[Point]:
        return [(x * self._unit, y * self._unit) for x, y in points]

    def polygon(self, colour: str, *points: Point) -> None:
        """Fill what the points enclose."""
        self._draw.polygon(self._scaled(*points), colour)

    def box(self, colour: str, start: Point, end: Point, radius: float) -> None:
        """Fill a rectangle with rounded corners."""
        self._draw.rounded_rectangle(self._scaled(start, end), radius * self._unit, colour)

    def circle(self, colour: str, centre: Point, radius: float) -> None:
        """Fill a circle."""
        (point,) = self._scaled(centre)
        self._draw.circle(point, radius * self._unit, colour)

    def line(self, colour: str, start: Point, end: Point, width: float) -> None:
        """Draw a line with round ends."""
        self._draw.line(self._scaled(start, end), colour, round(width * self._unit))
        for point in (start, end):
            self.circle(colour, point, width / 2)

    def arc(self, colour: str, centre: Point, radius: float, angles: Point, width: float) -> None:
        """Draw a part of a circle, with round ends."""
        x, y = centre
        outer = radius + width / 2
        corners = self._scaled((x - outer, y - outer), (x + outer, y + outer))
        self._draw.arc(corners, *angles, colour, round(width * self._unit))
        for angle in map(radians, angles):
            self.circle(colour, (x + radius * cos(angle), y + radius * sin(angle)), width / 2)

    def text(self, colour: str, text: str, start: Point, size: float, weight: float) -> None:
        """Write in one line, with the left end of its baseline at the point."""
        # Pillow's own font (Aileron, CC0); letter by letter, because thickened letters need more space between them.
        font = cast("ImageFont.FreeTypeFont", ImageFont.load_default(size * self._unit))
        stroke = weight * self._unit
        letters = Image.new("1", self._image.size)
        draw = ImageDraw.Draw(letters)
        ((x, y),) = self._scaled(start)
        for letter in text:
            draw.text((x, y), letter, 1, font, "ls", stroke_width=stroke)
            x += font.getlength(letter) + 2 * stroke
        self._image.paste(colour, mask=letters)

    def save(self, path: Path) -> None:
        """Write the picture in its own size, trimmed, with a palette: the file is smaller, and nothing is lost."""
        picture = self._image.reduce(self._LARGER)
        picture = picture.crop(picture.getbbox())
        pixels = cast("tuple[tuple[int, ...], ...]", picture.get_flattened_data())
        palette = {colour: index for index, colour in enumerate(sorted(set(pixels)))}
        indexed = Image.new("P", picture.size)
        indexed.putpalette(bytes(chain.from_iterable(palette)), "RGBA")
        indexed.putdata([palette[pixel] for pixel in pixels])
        indexed.save(path, optimize=True)


def draw_mark(canvas: Canvas, ink: str) -> None:
    """Draw the nozzle, its signals to both sides, and the layers below."""
    middle = ICON / 2
    canvas.box(ink, (8, 0), (16, 5), 1)
    canvas.polygon(ink, (8, 4), (16, 4), (16, 5), (8, 5))
    canvas.polygon(ink, (8, 6), (16, 6), (16, 7), (13.3, 12), (10.7, 12), (8, 7))
    for radius in (7, 11):
        canvas.arc(SIGNAL, (middle, 6), radius, (-27, 27), 2)
        canvas.arc(SIGNAL, (middle, 6), radius, (153, 207), 2)
    for y, reach in ((14.5, 3.5), (18.5, 7), (22.5, 10.5)):
        canvas.line(FILAMENT, (middle - reach, y), (middle + reach, y), 3)


def draw_icon(path: Path, pixels: int, ink: str) -> None:
    """Draw the icon, so many pixels wide and high."""
    canvas = Canvas((ICON, ICON), pixels / ICON)
    draw_mark(canvas, ink)
    canvas.save(path)


def draw_logo(path: Path, pixels: int, ink: str) -> None:
    """Draw the icon and the name next to it, so many pixels high."""
    canvas = Canvas((LOGO, ICON), pixels / ICON)
    draw_mark(canvas, ink)
    canvas.text(ink, "OctoEverywhere", (29, 16.8), 15, 0.3)
    canvas.save(path)


def draw_no_snapshot(path: Path) -> None:
    """Draw a camera that is crossed out."""
    canvas = Canvas((64, 48), 10, WALL)
    canvas.polygon(CAMERA, (26, 16), (28.5, 12), (35.5, 12), (38, 16))
    canvas.box(CAMERA, (20, 15), (44, 33), 2.5)
    canvas.circle(WALL, (32, 24), 5.5)
    canvas.line(WALL, (20, 12), (44, 36), 5)
    canvas.line(CAMERA, (20, 12), (44, 36), 2)
    canvas.save(path)


def main() -> None:
    """Draw everything."""
    for prefix, ink in INKS.items():
        for suffix, density in (("", 1), ("@2x", 2)):
            draw_icon(INTEGRATION / "brand" / f"{prefix}icon{suffix}.png", 256 * density, ink)
            draw_logo(INTEGRATION / "brand" / f"{prefix}logo{suffix}.png", 128 * density, ink)
    draw_no_snapshot(INTEGRATION / "no_snapshot.png")


if __name__ == "__main__":
    main()
