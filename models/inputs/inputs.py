"""What a model is given: a photograph, a text, the frames of a clip."""

import codecs
import re
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import numpy.typing as npt

from unrolled.models.inputs.texts import plain_line_ends


class Input(Protocol):
    """Whatever was opened."""

    @property
    def name(self) -> str: ...  # its file's

    @property
    def data(self) -> bytes: ...  # the file as it was given

    @property
    def medium(self) -> str: ...  # what its file holds; the same for all kinds of model that it can be given to


@dataclass(frozen=True, slots=True, eq=False)
class InputPicture:
    """A photograph, upright: RGB pixels of uint8, shape (height, width, 3)."""

    name: str
    data: bytes
    pixels: npt.NDArray[np.uint8]

    medium: ClassVar[str] = "picture"


@dataclass(frozen=True, slots=True, eq=False)
class InputText:
    """A text, its line ends ``\\n``: a sentence, a prompt, a whole file; its name is `TYPED` where it came from the keyboard."""

    name: str
    data: bytes
    text: str

    medium: ClassVar[str] = "text"


@dataclass(frozen=True, slots=True, eq=False)
class InputClip:
    """A clip: RGB frames of uint8, shape (T, height, width, 3); the data of a folder are its frames, packed."""

    name: str
    data: bytes
    frames: npt.NDArray[np.uint8]
    seconds_a_frame: float

    medium: ClassVar[str] = "clip"


NO_INPUT = "nothing"
RECORDED = "recording"  # what somebody's own network was given, which is not kept


@dataclass(frozen=True, slots=True, eq=False)
class InputNothing:
    """No input at all: a step function of somebody's own goes on from its state alone."""

    name: str = ""
    data: bytes = b""

    medium: ClassVar[str] = NO_INPUT


TYPED = "typed text"
SENTENCE = re.compile("""[“"'«‘(—–-]?\\s?\\w[^{}=;<>_]*\\s[^{}=;<>_]*[.!?…]["”'»’)]*""")


def typed(text: str) -> InputText:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # halves of letters can be pasted
    return _text(TYPED, plain_line_ends(text))


def _text(name: str, text: str) -> InputText:
    """A text whose bytes are read as UTF-8, whatever is in it: with control characters it would look like something else."""
    mark = b"" if all(sign.isprintable() or sign in "\n\r\t" for sign in text) else codecs.BOM_UTF8
    return InputText(name, mark + text.encode(), text)


def sentences_of(given: InputText) -> tuple[InputText, ...]:
    """Several lines are several sentences, each called by its line's number; one is what was given."""
    lines = [(number, line) for number, line in enumerate(given.text.splitlines(), 1) if line.strip()]
    if len(lines) < 2:
        return (given,)
    return tuple(_text(f"{given.name}:{number}", line) for number, line in lines)


def looks_like_prose(given: InputText) -> bool:
    """Whether a text is rather sentences than a program: one line, or lines that begin and end as sentences do."""
    lines = [line.strip() for line in given.text.splitlines() if line.strip()]
    return not given.name.endswith(".py") and (len(lines) < 2 or all(map(SENTENCE.fullmatch, lines)))
