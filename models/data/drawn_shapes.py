"""Flat shapes with names, drawn with soft edges: what drawn scenes and drawn clips are made of.

A shape is an outline in its own coordinates: its circle has the radius 1, x to the right, y down.
"""

import colorsys
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Points = npt.NDArray[np.float64]
Colour = tuple[int, int, int]

FAR = 100.0  # in RGB
SUPERSAMPLING = 4  # pixels are drawn so many times as fine, a side, and averaged


@dataclass(frozen=True, slots=True)
class Outline:
    """A filled outline, and what is cut out of it."""

    points: Points              # (n, 2)
    hole: Points | None = None  # (m, 2)

    def turned(self, angle: float) -> "Outline":
        """By so many degrees, clockwise as it is seen."""
        cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        turn = np.array(((cosine, sine), (-sine, cosine)))
        return Outline(self.points @ turn, None if self.hole is None else self.hole @ turn)

    def placed(self, x: float, y: float, radius: float) -> "Outline":
        """Scaled, then moved: in pixels of a picture."""
        centre = np.array((x, y))
        return Outline(self.points * radius + centre, None if self.hole is None else self.hole * radius + centre)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        (left, top), (right, bottom) = self.points.min(axis=0), self.points.max(axis=0)
        return float(left), float(top), float(right), float(bottom)


def _around(angles: npt.ArrayLike, radii: npt.ArrayLike) -> Points:
    turned = np.radians(np.asarray(angles, np.float64))
    lengths: Points = np.asarray(radii, np.float64).reshape(-1, 1)
    directions: Points = np.stack((np.cos(turned), np.sin(turned)), axis=-1)
    return directions * lengths


def _circle(radius: float) -> Points:
    return _around(np.linspace(0, 360, 72, endpoint=False), np.full(72, radius))


def _cross() -> Points:
    long, wide = 1.05, 0.34
    corner = ((wide, -long), (wide, -wide), (long, -wide))
    quarter = np.array(corner)
    turn = np.array(((0.0, 1.0), (-1.0, 0.0)))
    quarters = [quarter]
    for _ in range(3):
        quarters.append(quarters[-1] @ turn)
    return np.concatenate(quarters)


def _heart() -> Points:
    t = np.linspace(0, 2 * math.pi, 72, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.stack((x, y - 2.5), axis=-1) / 15.0


def _crescent() -> Points:
    """A circle without another one that overlaps its right side."""
    outer, inner, moved = 1.05, 0.85, 0.62
    x = (outer**2 - inner**2 + moved**2) / (2 * moved)                    # where the two circles meet
    tip = math.degrees(math.acos(x / outer))
    inner_tip = math.degrees(math.acos((x - moved) / inner))
    back = _around(np.linspace(tip, 360 - tip, 60), np.full(60, outer))
    front = _around(np.linspace(360 - inner_tip, inner_tip, 40), np.full(40, inner)) + np.array((moved, 0.0))
    points = np.concatenate((back, front))
    return points - np.array((points[:, 0].min() + points[:, 0].max(), 0.0)) / 2


OUTLINES: dict[str, Outline] = {
    "circle": Outline(_circle(1.0)),
    "square": Outline(_around((45, 135, 225, 315), np.full(4, 1.25))),
    "triangle": Outline(_around((-90, 30, 150), np.full(3, 1.25)) + np.array((0.0, 0.25))),
    "star": Outline(_around(np.arange(-90, 270, 36), np.tile((1.2, 0.52), 5)) + np.array((0.0, 0.1))),
    "cross": Outline(_cross()),
    "ring": Outline(_circle(1.0), _circle(0.55)),
    "heart": Outline(_heart()),
    "crescent": Outline(_crescent()),
}

# Hue in degrees, saturation and value as fractions, from … to; the usual named colours of the web lie inside.
COLOURS: dict[str, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    "red": ((-8, 8), (0.75, 1.0), (0.65, 1.0)),
    "orange": ((23, 39.5), (0.8, 1.0), (0.9, 1.0)),
    "yellow": ((50, 62), (0.7, 1.0), (0.88, 1.0)),
    "green": ((95, 145), (0.6, 1.0), (0.45, 1.0)),
    "blue": ((208, 245), (0.65, 1.0), (0.6, 1.0)),
    "purple": ((270, 302), (0.5, 1.0), (0.45, 0.8)),
    "black": ((0, 360), (0.0, 0.3), (0.0, 0.12)),
    "white": ((0, 360), (0.0, 0.05), (0.95, 1.0)),
}


def rgb(hue: float, saturation: float, value: float) -> Colour:
    """Hue in degrees, the others as fractions → 0 to 255."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def draw_colour(random: np.random.Generator, name: str) -> Colour:
    """Any shade that has this name."""
    hue, saturation, value = (float(random.uniform(*limits)) for limits in COLOURS[name])
    return rgb(hue, saturation, value)


def paint(picture: Image.Image, outline: Outline, colour: Colour) -> None:
    """Fill an outline, placed in pixels, its edges soft; what lies outside the picture is cut off."""
    left, top, right, bottom = outline.box
    x, y = math.floor(left) - 1, math.floor(top) - 1
    width, height = math.ceil(right) + 1 - x, math.ceil(bottom) + 1 - y
    mask = Image.new("L", (width * SUPERSAMPLING, height * SUPERSAMPLING), 0)
    pen = ImageDraw.Draw(mask)
    for points, shade in ((outline.points, 255), (outline.hole, 0)):
        if points is not None:
            # Pillow counts from the middle of a pixel.
            fine = (points - np.array((x, y))) * SUPERSAMPLING - 0.5
            pen.polygon([(float(a), float(b)) for a, b in fine], fill=shade)
    picture.paste(colour, (x, y, x + width, y + height), mask.reduce(SUPERSAMPLING))


def background(random: np.random.Generator, width: int, height: int) -> tuple[Image.Image, tuple[Colour, Colour]]:
    """A ground to draw on: plain, blending from one colour to another, or patched, with or without grain.

    Returns
    -------
    picture : Image
        Mode RGB.
    colours : tuple
        The two that all of it lies between, but for the grain.
    """
    first, second = _ground_colour(random), _ground_colour(random)
    kind = random.choice(("plain", "plain", "linear", "radial", "patches"))
    y, x = np.mgrid[0:height, 0:width]
    u, v = x / max(width - 1, 1) - 0.5, y / max(height - 1, 1) - 0.5
    if kind == "plain":
        share, second = np.zeros((height, width)), first
    elif kind == "linear":
        angle = random.uniform(0, 2 * math.pi)
        share = 0.5 + (u * math.cos(angle) + v * math.sin(angle)) / math.sqrt(2)
    elif kind == "radial":
        share = np.hypot(u - random.uniform(-0.4, 0.4), v - random.uniform(-0.4, 0.4)) / 1.3
    else:
        coarse = Image.fromarray(random.integers(0, 256, (4, 4), np.uint8))
        share = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), np.float64) / 255
    share = np.clip(share, 0, 1)[..., None]
    pixels = (1 - share) * np.array(first) + share * np.array(second)
    if random.random() < 0.5:
        pixels = pixels + random.normal(0, random.uniform(2, 14), (height, width, 1))
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8)), (first, second)


def _ground_colour(random: np.random.Generator) -> Colour:
    kind = random.random()
    if kind < 0.3:
        return rgb(0, 0, float(random.uniform(0.9, 1.0)))                 # paper
    if kind < 0.45:
        return rgb(0, 0, float(random.uniform(0.0, 0.9)))
    return rgb(float(random.uniform(0, 360)), float(random.uniform(0.05, 0.6)), float(random.uniform(0.15, 1.0)))


def far_apart(colour: Colour, grounds: tuple[Colour, Colour]) -> bool:
    """Whether a colour can be told from everything between two others: its distance in RGB, of 441 at most."""
    a, b, c = np.array(grounds[0], float), np.array(grounds[1], float), np.array(colour, float)
    length = float((b - a) @ (b - a))
    along = float(np.clip((c - a) @ (b - a) / length, 0, 1)) if length > 0 else 0.0
    return float(np.linalg.norm(a + along * (b - a) - c)) >= FAR


def ground_for(random: np.random.Generator, width: int, height: int, colours: Sequence[Colour]) -> Image.Image:
    """A ground that every one of the colours can be told from."""
    while True:
        picture, grounds = background(random, width, height)
        if all(far_apart(colour, grounds) for colour in colours):
            return picture
