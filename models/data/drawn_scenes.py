"""Scenes drawn by code, with the caption and the box of every named thing: here the truth is known.

One to three things lie side by side on a ground of any kind. The caption names them in a fixed order, so that there is
exactly one right caption:

- the big ones first, then the small ones; those of one size from left to right (by their middles);
- each thing is "a SIZE COLOUR SHAPE";
- between two that are named one after the other stands how the first lies to the second: "left of" or "right of" when
  their middles are further apart across (as a fraction of the width) than down (of the height), else "above" or "below".

What would be close to undecided is never drawn. A scene depends on its split and number alone.
"""

import io
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from unrolled.models.data.drawn_shapes import COLOURS, OUTLINES, Outline, draw_colour, ground_for, paint

SIZES = {"small": (0.085, 0.115), "big": (0.155, 0.215)}
"""A thing's radius, from … to, as a fraction of the square root of the picture's area."""

WORDS = ("a", *SIZES, *COLOURS, *OUTLINES, "left", "right", "of", "above", "below")
SPLITS = {"train": 0, "dev": 1, "test": 2}

MARGIN = 0.015          # of the square root of the area, to the picture's edge
GAP = 0.03              # the same, between the boxes of two things
ORDER_GAP = 0.06        # of the width, between the middles of things of one size
CLEARER = 1.4           # across has to be so many times down, or the other way round
PICTURE_SIZES = ((128, 128), (128, 128), (160, 160), (96, 96), (160, 120), (120, 160), (192, 128), (128, 176))
LARGEST_TILT = {"square": 8.0, "cross": 8.0}  # further, and a square is a diamond
OTHER_TILT = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A thing in a scene; lengths are fractions of the picture's width and height."""

    # size, colour, shape: its words
    size: str
    colour: str
    shape: str
    # x, y: the middle of its box
    x: float
    y: float
    box: tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A picture, RGB, and what is in it, in the order in which the caption names them."""

    picture: Image.Image
    things: tuple[Thing, ...]

    @property
    def caption(self) -> tuple[str, ...]:
        return caption_of(self.things)


def named_order(things: Sequence[Thing]) -> tuple[Thing, ...]:
    return tuple(sorted(things, key=lambda thing: (thing.size != "big", thing.x)))


def relation_of(first: Thing, second: Thing) -> tuple[str, ...]:
    across, down = second.x - first.x, second.y - first.y
    if abs(across) > abs(down):
        return ("left", "of") if across > 0 else ("right", "of")
    return ("above",) if down > 0 else ("below",)


def caption_of(things: Sequence[Thing]) -> tuple[str, ...]:
    """The words for things in the order in which they are named."""
    words: list[str] = []
    for place, thing in enumerate(things):
        if place:
            words += relation_of(things[place - 1], thing)
        words += ("a", thing.size, thing.colour, thing.shape)
    return tuple(words)


def cover(box: tuple[float, float, float, float], side: int) -> npt.NDArray[np.float32]:
    """The share of each cell's area that a box covers, on a grid of side × side cells over the picture."""
    edges = np.arange(side + 1) / side
    left, top, right, bottom = box
    across = np.clip(np.minimum(edges[1:], right) - np.maximum(edges[:-1], left), 0, None) * side
    down = np.clip(np.minimum(edges[1:], bottom) - np.maximum(edges[:-1], top), 0, None) * side
    return np.outer(down, across).astype(np.float32)


def draw_scene(number: int, *, split: str = "train") -> Scene:
    """The scene of this number, from 0; those of different splits have nothing in common but how they are drawn."""
    random = np.random.default_rng((SPLITS[split], number))
    width, height = PICTURE_SIZES[random.integers(len(PICTURE_SIZES))]
    count = int(random.choice((1, 2, 3), p=(0.2, 0.4, 0.4)))
    while True:  # begun anew where no place is left
        placed = _place(random, count, width, height)
        if placed is not None:
            break
    outlines, things = placed
    colours = [draw_colour(random, thing.colour) for thing in things]
    picture = ground_for(random, width, height, colours)
    for outline, colour in zip(outlines, colours, strict=True):
        paint(picture, outline, colour)
    return Scene(picture=picture, things=named_order(things))


def _place(random: np.random.Generator, count: int, width: int, height: int) -> tuple[list[Outline], list[Thing]] | None:
    unit = math.sqrt(width * height)
    outlines: list[Outline] = []
    things: list[Thing] = []
    for _ in range(count):
        size, colour, shape = (str(random.choice(list(names))) for names in (SIZES, COLOURS, OUTLINES))
        radius = float(random.uniform(*SIZES[size])) * unit
        tilt = LARGEST_TILT.get(shape, OTHER_TILT)
        turned = OUTLINES[shape].turned(float(random.uniform(-tilt, tilt)))
        for _try in range(30):
            left, top, right, bottom = turned.placed(0.0, 0.0, radius).box
            margin = MARGIN * unit
            x = float(random.uniform(margin - left, width - margin - right))
            y = float(random.uniform(margin - top, height - margin - bottom))
            box = ((x + left) / width, (y + top) / height, (x + right) / width, (y + bottom) / height)
            thing = Thing(size=size, colour=colour, shape=shape, x=(box[0] + box[2]) / 2, y=(box[1] + box[3]) / 2, box=box)
            if _apart(thing, things, GAP * unit / width, GAP * unit / height) and _clear((*things, thing)):
                outlines.append(turned.placed(x, y, radius))
                things.append(thing)
                break
        else:
            return None
    return outlines, things


def _apart(thing: Thing, others: Sequence[Thing], across: float, down: float) -> bool:
    left, top, right, bottom = thing.box
    return all(left - across > other.box[2] or right + across < other.box[0]
               or top - down > other.box[3] or bottom + down < other.box[1] for other in others)


def _clear(things: Sequence[Thing]) -> bool:
    """Whether order and relations are beyond doubt."""
    order = named_order(things)
    for first, second in itertools.pairwise(order):
        across, down = abs(second.x - first.x), abs(second.y - first.y)
        if max(across, down) < CLEARER * min(across, down):
            return False
        if first.size == second.size and across < ORDER_GAP:
            return False
    return True


def scene_file(number: int) -> tuple[bytes, str]:
    """A scene that training never drew, as a PNG file's bytes, and a name for it."""
    stream = io.BytesIO()
    draw_scene(number, split="test").picture.save(stream, "PNG")
    return stream.getvalue(), f"scene {number + 1}.png"
