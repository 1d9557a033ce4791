"""Clips drawn by code, in which a shape or a digit does something; what it does cannot be seen in any single frame.

Two kinds:

- *frames*: the thing does one thing after the other, and every frame is labelled with what has led to it from the frame
  before. A thing that has turned back at a wall keeps being labelled "bouncing": that its way began at the other side
  has to be remembered, for between two frames it only moves.
- *clip*: the thing stands still, does one thing, and stands still again. The clip's one label is what it did, to be
  given when nothing happens any more.

A clip depends on its kind, split and number alone.
"""

import dataclasses
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from unrolled.models.data.drawn_scenes import SPLITS
from unrolled.models.data.drawn_shapes import COLOURS, OUTLINES, SUPERSAMPLING, Colour, Outline, draw_colour, ground_for, paint

SIDE = 64          # pixels
FRAME_MILLISECONDS = 120  # where a clip is written to a file
DIRECTIONS = {"moving left": (-1, 0), "moving right": (1, 0), "moving up": (0, -1), "moving down": (0, 1)}
LABELS = ("still", *DIRECTIONS, "bouncing", "turning clockwise", "turning anticlockwise", "growing", "shrinking")
DIGITS = tuple("0123456789")
ROUND = ("circle", "ring", "0")  # turning does not show on them
ALIKE = {"square": 4, "cross": 4, "triangle": 3, "star": 5, "8": 2}  # ways in which it looks the same, turned
SPEED = (2.0, 4.0)     # pixels a frame
BOUNCING_SPEED = (2.5, 4.5)
ANGLE = (15.0, 24.0)    # degrees a frame
GROWTH = (1.06, 1.11)  # a frame
RADIUS = (6.0, 22.0)   # pixels
FIRST_RADIUS = (9.0, 15.0)
PHASE = (5, 9)        # frames, from … to
KINDS = {"frames": 0, "clip": 1}
TRIES = 12             # for how something could be done, before something else is chosen
GLYPH = 96             # pixels, a side, that digits are drawn with before they are made small

Frames = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DrawnClip:
    frames: Frames                   # uint8, (T, SIDE, SIDE, 3)
    labels: tuple[int, ...]          # for every frame its place in `LABELS`; of the kind *clip* what counts is `label`
    label: int                       # what was done; of the kind *frames* the last frame's
    thing: str                       # its name: ``"red star"``, ``"blue 7"``
    places: npt.NDArray[np.float32]  # (T, 3): the thing's middle across and down, and its radius, as fractions of a side
    # (T, 2): cosine and sine of its angle, times the number of ways in which it looks the same; zeros where it is round
    turns: npt.NDArray[np.float32]

    @property
    def so_far(self) -> tuple[int, ...]:
        """For every frame what was done last, up to it: of the kind *clip* the answer as far as it can be known."""
        done, found = LABELS.index("still"), []
        for label in self.labels:
            done = label if LABELS[label] != "still" else done
            found.append(done)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Pose:
    x: float
    y: float
    radius: float
    angle: float


@dataclass(frozen=True, slots=True)
class _Act:
    label: str
    poses: tuple[_Pose, ...]
    labels: tuple[str, ...]
    axis: int = -1  # along which it moves, -1 for none


def draw_clip(kind: str, number: int, *, split: str = "train", length: int = 24) -> DrawnClip:
    """The clip of this number.

    Parameters
    ----------
    kind : {'frames', 'clip'}
    number : int
        At least 0.
    split : {'train', 'dev', 'test'}
        Clips of different splits have nothing in common but how they are drawn.
    length : int
        Frames.
    """
    random = np.random.default_rng((KINDS[kind], SPLITS[split], number, length))
    shape = str(random.choice((*OUTLINES, *DIGITS)))
    colour_name = str(random.choice(list(COLOURS)))
    colour = draw_colour(random, colour_name)
    ground = ground_for(random, SIDE, SIDE, (colour,))
    pose = _first_pose(random)
    acts = _acts(random, shape, pose, length) if kind == "frames" else _one_act(random, shape, length)
    poses = [acts[0].poses[0] if kind == "clip" else pose, *(new for act in acts for new in act.poses)][:length]
    labels = ["still", *(label for act in acts for label in act.labels)][:length]
    frames = np.stack([_frame(ground, shape, own, colour) for own in poses])
    done = next((act.label for act in acts if act.label != "still"), "still") if kind == "clip" else labels[-1]
    return DrawnClip(frames, tuple(LABELS.index(label) for label in labels), LABELS.index(done), f"{colour_name} {shape}",
                     np.array([(own.x / SIDE, own.y / SIDE, own.radius / SIDE) for own in poses], np.float32),
                     _turns(shape, [own.angle for own in poses]))


def _turns(shape: str, degrees: Sequence[float]) -> npt.NDArray[np.float32]:
    phase = np.radians(np.array(degrees)) * ALIKE.get(shape, 1)
    turns = np.stack((np.cos(phase), np.sin(phase)), axis=-1).astype(np.float32)
    return np.zeros_like(turns) if shape in ROUND else turns


def _acts(random: np.random.Generator, shape: str, pose: _Pose, length: int) -> list[_Act]:
    """One thing after the other. What could not be told apart is never done in succession."""
    acts: list[_Act] = []
    frames = 1
    while frames < length:
        count = int(random.integers(PHASE[0], PHASE[1] + 1))
        label = str(random.choice(LABELS))
        tries = (_act(random, label, shape, pose, count) for _ in range(TRIES))
        act = next((act for act in tries if act is not None), None)
        before = acts[-1] if acts else None
        if act is None or (before is not None and (act.label == before.label or 0 <= act.axis == before.axis)):
            continue
        acts.append(act)
        pose, frames = act.poses[-1], frames + count
    return acts


def _one_act(random: np.random.Generator, shape: str, length: int) -> list[_Act]:
    label = str(random.choice([label for label in LABELS if label not in _impossible(shape)]))
    count = int(random.integers(PHASE[0], PHASE[1] + 1))
    first = int(random.integers(1, max(length - count - 3, 2)))
    while True:
        pose = _first_pose(random)
        act = _act(random, label, shape, pose, count)
        if act is not None:
            break
    rest = max(length - 1 - first - count, 0)
    return [_still(pose, first), act, _still(act.poses[-1], rest)]


def _impossible(shape: str) -> Sequence[str]:
    return ("turning clockwise", "turning anticlockwise") if shape in ROUND else ()


def _first_pose(random: np.random.Generator) -> _Pose:
    radius = float(random.uniform(*FIRST_RADIUS))
    x, y = (float(random.uniform(radius + 1, SIDE - radius - 1)) for _ in range(2))
    return _Pose(x, y, radius, float(random.uniform(-15, 15)))


def _still(pose: _Pose, count: int) -> _Act:
    return _Act("still", (pose,) * count, ("still",) * count)


def _act(random: np.random.Generator, label: str, shape: str, pose: _Pose, count: int) -> _Act | None:
    """So many frames of it; None where there is no room for it."""
    if label in _impossible(shape):
        return None
    if label in DIRECTIONS:
        return _moving(random, label, pose, count)
    if label == "bouncing":
        return _bouncing(random, pose, count)
    if label.startswith("turning"):
        step = float(random.uniform(*ANGLE)) * (1 if label == "turning clockwise" else -1)
        poses = tuple(dataclasses.replace(pose, angle=pose.angle + step * (t + 1)) for t in range(count))
        return _Act(label, poses, (label,) * count)
    if label == "still":
        return _still(pose, count)
    factor = float(random.uniform(*GROWTH)) ** (1 if label == "growing" else -1)
    last = pose.radius * factor**count
    if not RADIUS[0] <= last <= min(RADIUS[1], pose.x, pose.y, SIDE - pose.x, SIDE - pose.y):
        return None
    poses = tuple(dataclasses.replace(pose, radius=pose.radius * factor ** (t + 1)) for t in range(count))
    return _Act(label, poses, (label,) * count)


def _moving(random: np.random.Generator, label: str, pose: _Pose, count: int) -> _Act | None:
    across, down = DIRECTIONS[label]
    speed = float(random.uniform(*SPEED))
    poses = tuple(dataclasses.replace(pose, x=pose.x + across * speed * (t + 1), y=pose.y + down * speed * (t + 1))
                  for t in range(count))
    last = poses[-1]
    if not all(pose.radius <= place <= SIDE - pose.radius for place in (last.x, last.y)):
        return None
    return _Act(label, poses, (label,) * count, axis=0 if across else 1)


def _bouncing(random: np.random.Generator, pose: _Pose, count: int) -> _Act | None:
    """To a wall, and from there on the way back."""
    label = str(random.choice(list(DIRECTIONS)))
    across, down = DIRECTIONS[label]
    speed = float(random.uniform(*BOUNCING_SPEED))
    low, high = pose.radius, SIDE - pose.radius
    begin, sign = (pose.x, across) if across else (pose.y, down)
    places: list[float] = []
    labels: list[str] = []
    for t in range(count):
        straight = begin + sign * speed * (t + 1)
        place = 2 * low - straight if straight < low else 2 * high - straight if straight > high else straight
        before = places[-1] if places else begin
        places.append(place)
        labels.append("bouncing" if (place - before) * sign < 0 else label)
    turned = labels.count("bouncing")
    # The way there and the way back are both seen, and the frame at the wall shows a clear step.
    if not 3 <= turned <= count - 2 or not low <= places[-1] <= high:
        return None
    first = labels.index("bouncing")
    if abs(places[first] - places[first - 1]) < 1.0 or label in labels[first:]:
        return None
    poses = tuple(dataclasses.replace(pose, **({"x": place} if across else {"y": place})) for place in places)
    return _Act("bouncing", poses, tuple(labels), axis=0 if across else 1)


def _frame(ground: Image.Image, shape: str, pose: _Pose, colour: Colour) -> Frames:
    picture = ground.copy()
    if shape in DIGITS:
        side = max(round(2.6 * pose.radius), 1)
        small = _glyph(shape).rotate(-pose.angle, Image.Resampling.BILINEAR)
        # Where it is to a fraction of a pixel: the glyph is moved while it is made smaller.
        scale = GLYPH / side
        left, top = math.floor(pose.x - side / 2), math.floor(pose.y - side / 2)
        off_x, off_y = pose.x - side / 2 - left, pose.y - side / 2 - top
        fine = (side + 1) * SUPERSAMPLING
        step = scale / SUPERSAMPLING
        mask = small.transform((fine, fine), Image.Transform.AFFINE, (step, 0, -off_x * scale, 0, step, -off_y * scale),
                               Image.Resampling.BILINEAR).reduce(SUPERSAMPLING)
        picture.paste(colour, (left, top, left + side + 1, top + side + 1), mask)
    else:
        paint(picture, _unit(shape).turned(pose.angle).placed(pose.x, pose.y, pose.radius), colour)
    return np.asarray(picture)


@lru_cache(maxsize=32)
def _unit(shape: str) -> Outline:
    outline = OUTLINES[shape]
    longest = float(np.hypot(*outline.points.T).max())
    return Outline(outline.points / longest, None if outline.hole is None else outline.hole / longest)


@lru_cache(maxsize=16)
def _glyph(digit: str) -> Image.Image:
    mask = Image.new("L", (GLYPH, GLYPH), 0)
    ImageDraw.Draw(mask).text((GLYPH / 2, GLYPH / 2), digit, fill=255, font=ImageFont.load_default(GLYPH * 0.85), anchor="mm")
    return mask


def clip_file(kind: str, number: int) -> tuple[bytes, str]:
    """A clip that training never drew, as a GIF file's bytes, and a name for it."""
    frames = [Image.fromarray(frame).resize((4 * SIDE, 4 * SIDE), Image.Resampling.NEAREST)
              for frame in draw_clip(kind, number, split="test").frames]
    stream = io.BytesIO()
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], loop=0,
                   duration=[FRAME_MILLISECONDS] * len(frames))
    return stream.getvalue(), f"clip {number + 1}.gif"
