"""What a model is given: a photograph, a text, the frames of a clip. It knows neither Qt nor torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

MEDIUM_OF_KIND = {"picture": "picture", "sentence": "text", "text": "text", "clip": "clip"}
"""Of a model's input kind, what has to be opened for it."""


@dataclass(frozen=True, slots=True, eq=False)
class InputPicture:
    """A photograph that was opened.

    Attributes
    ----------
    name : str
        Its file name.
    data : bytes
        The file as it was given.
    pixels : array of uint8, shape (height, width, 3)
        Upright, RGB.
    """

    name: str
    data: bytes
    pixels: npt.NDArray[np.uint8]

    medium: ClassVar[Literal["picture"]] = "picture"


@dataclass(frozen=True, slots=True, eq=False)
class InputText:
    """A text that was opened or typed: a sentence, a prompt, a whole file.

    Attributes
    ----------
    name : str
        Its file name, or `TYPED`.
    data : bytes
        As it was given.
    text : str
        With line ends as ``\\n``.
    """

    name: str
    data: bytes
    text: str

    medium: ClassVar[Literal["text"]] = "text"


@dataclass(frozen=True, slots=True, eq=False)
class InputClip:
    """A clip that was opened.

    Attributes
    ----------
    name : str
        Its file's or its folder's name.
    data : bytes
        The file as it was given; of a folder the frames, packed.
    frames : array of uint8, shape (T, height, width, 3)
        RGB.
    seconds_a_frame : float
    """

    name: str
    data: bytes
    frames: npt.NDArray[np.uint8]
    seconds_a_frame: float

    medium: ClassVar[Literal["clip"]] = "clip"


Input = InputPicture | InputText | InputClip
TYPED = "typed text"


def typed(text: str) -> InputText:
    """A text from the keyboard."""
    return InputText(TYPED, text.encode(), text)


def taken_by(given: Input, input_kind: str) -> bool:
    """Whether a model of this kind takes it."""
    return MEDIUM_OF_KIND.get(input_kind, "") == given.medium


def looks_like_prose(given: InputText) -> bool:
    """Whether a text is rather a sentence than a program: one line, and not a program's file."""
    return "\n" not in given.text.strip() and not given.name.endswith(".py")
