"""What a clip is: frames of one size, made smaller where they are large, and how long each lasts."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.film_colours import in_srgb, is_usual, note_of
from unrolled.models.inputs.telling import tell

Frames = npt.NDArray[np.uint8]

FEWEST_FRAMES = 2
MOST_FRAMES = 512
LONGEST_SIDE = 320  # pixels that are kept of a frame; the models see fewer, and a screen shows a clip small
SHORTEST_SIDE = 8
MOST_PIXELS = 4096 * 2304  # of a frame
USUAL_SECONDS = 0.04
UNEVEN = 2.0  # the longest frame lasts so many times as long as the shortest


@dataclass(frozen=True, slots=True)
class Clip:
    frames: Frames  # (T, height, width, 3): RGB
    seconds: tuple[float, ...] = ()  # how long each frame is shown, as the file says; empty where it does not
    notes: tuple[str, ...] = ()  # what was done to it that a person should know, a sentence each

    @property
    def seconds_a_frame(self) -> float:
        return sum(self.seconds) / len(self.seconds) if sum(self.seconds) > 0 else USUAL_SECONDS


class FrameStack:
    """Frames of one size, made smaller where they are large.

    Parameters
    ----------
    name : str
        For the sentence of an error.
    most_pixels : int
        Of all frames together.
    """

    def __init__(self, name: str, most_pixels: int, expected: int = 0) -> None:
        # expected: how many frames there should be, for whoever waits; 0 where that is not known
        self._name, self._most_pixels, self.expected = name, most_pixels, expected
        self._size = (0, 0)
        self.colours = (0, 0)  # primaries and curve, in the numbers of ITU-T H.273
        self.frames: list[Frames] = []
        self.notes: list[str] = []

    def begin(self, width: int, height: int, frames: int = 1) -> None:
        """Judge the frames' size, and how many there are, before they are decoded."""
        if min(width, height) < SHORTEST_SIDE:
            raise ReadingError(f"The frames of “{self._name}” have only {width} × {height} pixels; there is nothing to see.")
        if width * height > MOST_PIXELS:
            raise ReadingError(f"The frames of “{self._name}” have {width:,} × {height:,} pixels; {MOST_PIXELS / 1e6:.0f} "
                               "megapixels are the most that can be read. Make it smaller.")
        most = min(MOST_FRAMES, self._most_pixels // (width * height))
        if frames > most:
            raise ReadingError(f"“{self._name}” has more than {most} frames of {width:,} × {height:,} pixels, which is the most "
                               f"that can be read; cut a part out of it{'.' if most == MOST_FRAMES else ', or make it smaller.'}")

    def add(self, picture: Image.Image) -> None:
        tell("", len(self.frames) / self.expected if self.expected else -1.0)
        if not self.frames:
            self._size = picture.size
        if picture.size != self._size:
            raise ReadingError(f"The frames of “{self._name}” differ in size: the first has {self._size[0]} × {self._size[1]} "
                               f"pixels, number {len(self.frames) + 1} has {picture.width} × {picture.height}.")
        self.begin(*self._size, len(self.frames) + 1)
        if max(picture.size) > LONGEST_SIDE:
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
        pixels = np.asarray(picture)
        if not is_usual(*self.colours):  # which takes long on large frames
            pixels = in_srgb(pixels, *self.colours)
            self.notes.extend(filter(None, (note_of(self.colours[1], self._name),)))
        self.frames.append(pixels)

    def clip(self, seconds: Iterable[float] = ()) -> Clip:
        if not self.frames:
            raise ReadingError(f"“{self._name}” has no frames.")
        height, width = self.frames[0].shape[:2]
        if self._size != (width, height):
            self.notes.append(f"The frames of “{self._name}” were reduced from {self._size[0]} × {self._size[1]} to "
                              f"{width} × {height}.")
        lasts = tuple(seconds)[: len(self.frames)]
        but_the_last = lasts[:-1]
        if but_the_last and max(but_the_last) > UNEVEN * max(min(but_the_last), 1e-3):
            self.notes.append(f"The frames of “{self._name}” last from {min(but_the_last):.2g} to {max(but_the_last):.2g} "
                              "seconds; the model takes them as even steps.")
        return Clip(np.stack(self.frames), lasts, tuple(dict.fromkeys(self.notes)))

    def cut_off(self, expected: int = 0) -> None:
        read = len(self.frames)
        self.notes.append(f"“{self._name}” is cut off or damaged: " + (
            f"{read} of its {expected} frames can be read." if expected > read else
            f"all of its {read} frames can be read." if expected == read else f"its first {read} frames can be read."))


def too_long(name: str, frames: int, seconds: float = 0.0) -> ReadingError:
    lasts = f"lasts {_in_words(seconds)} and " if seconds else ""
    return ReadingError(f"“{name}” {lasts}has {frames:,} frames; {MOST_FRAMES} are the most that can be read. Cut a part out "
                        "of it.")


def _in_words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"
