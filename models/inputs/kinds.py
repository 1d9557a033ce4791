"""What models take: a row a kind, with the files that hold it and how they are read; every failure is a sentence."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from unrolled.assets import path as asset
from unrolled.models.inputs.clips import SUFFIXES as CLIP_SUFFIXES
from unrolled.models.inputs.clips import clip_bytes, read_clip
from unrolled.models.inputs.files import read_file
from unrolled.models.inputs.inputs import NO_INPUT, RECORDED, Input, InputClip, InputNothing, InputPicture, InputText
from unrolled.models.inputs.pictures import SUFFIXES as PICTURE_SUFFIXES
from unrolled.models.inputs.pictures import picture_bytes, read_picture
from unrolled.models.inputs.sniffing import media_of, media_of_file
from unrolled.models.inputs.texts import SUFFIXES as TEXT_SUFFIXES
from unrolled.models.inputs.texts import read_text
from unrolled.models.trace import FRAME_CONVENTION, READ_CONVENTION, STEP_CONVENTION
from unrolled.models.trace.names import text_name
from unrolled.models.trace.plugins import plugins

LONGEST_SIDE_SHOWN = 2048  # pixels; more than a screen shows, and a window must not hold hundreds of megabytes
GROUP = "unrolled.inputs"  # of entry points, each of which names an `InputKind`

Notes = tuple[str, ...]
"""What a person should know of an input, a sentence each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputKind:
    """What models of one kind take. Each of the functions raises `ReadingError`."""

    name: str  # as `ModelDescription.input_kind` has it
    medium: str  # what its files hold; a sentence and a program are both ``text``
    title: str  # of the medium's files: ``Photographs``
    suffixes: tuple[str, ...]  # in lower case, with the dot. A suffix may be that of several kinds.
    sample: str = ""  # the file among the shipped samples that a model of this kind is shown with first; empty without one
    step_noun: str  # what a step brings: ``word``, ``frame``
    read: Callable[[Path], bytes]  # a file's, or a folder's, path → bytes that hold all of it
    decode: Callable[[bytes, str], tuple[Input, Notes]]  # those bytes and a name → what the window shows
    for_model: Callable[[bytes, str], tuple[Any, Notes]]  # the same → what `Stepper.read` takes, with the same notes
    convention: str = STEP_CONVENTION  # what a step is


def decode_picture(data: bytes, name: str) -> tuple[InputPicture, Notes]:
    """A picture to show, its longest side at most 2048 pixels. Raises `ReadingError`."""
    image, notes = read_picture(data, name)
    if max(image.size) > LONGEST_SIDE_SHOWN:
        image.thumbnail((LONGEST_SIDE_SHOWN, LONGEST_SIDE_SHOWN), Image.Resampling.BOX, reducing_gap=2.0)
    return InputPicture(name, data, np.asarray(image)), notes


def _decode_text(data: bytes, name: str) -> tuple[InputText, Notes]:
    text, notes = read_text(data, name)
    return InputText(name, data, text), notes


def _decode_clip(data: bytes, name: str) -> tuple[InputClip, Notes]:
    clip = read_clip(data, name)
    return InputClip(name, data, clip.frames, clip.seconds_a_frame), clip.notes


BUILT_IN = (
    InputKind(name="picture", medium="picture", title="Photographs",
              suffixes=PICTURE_SUFFIXES, sample="skier.jpg", step_noun="word", read=picture_bytes, decode=decode_picture,
              for_model=read_picture),
    InputKind(name="sentence", medium="text", title="Texts", suffixes=TEXT_SUFFIXES, sample="sentence.txt", step_noun="piece",
              read=read_file, decode=_decode_text, for_model=read_text),
    InputKind(name="text", medium="text", title="Texts", suffixes=TEXT_SUFFIXES, sample="program.txt", step_noun="character",
              read=read_file, decode=_decode_text, for_model=read_text),
    InputKind(name="clip", medium="clip", title="Clips",
              suffixes=CLIP_SUFFIXES, sample="bouncing.gif", step_noun="frame", read=clip_bytes, decode=_decode_clip,
              for_model=lambda data, name: ((clip := read_clip(data, name)), clip.notes), convention=FRAME_CONVENTION),
    InputKind(name=NO_INPUT, medium=NO_INPUT, title="Nothing", suffixes=(), step_noun="word", read=lambda path: b"",
              decode=lambda data, name: (InputNothing(), ()), for_model=lambda data, name: (None, ())),
    InputKind(name=RECORDED, medium=NO_INPUT, title="Recordings", suffixes=(), step_noun="step", read=lambda path: b"",
              decode=lambda data, name: (InputNothing(), ()), for_model=lambda data, name: (None, ()),
              convention=READ_CONVENTION),
)


def input_kinds() -> dict[str, InputKind]:
    """All kinds by their names, those of other packages last."""
    return {kind.name: kind for kind in (*BUILT_IN, *plugins(GROUP))}


def kind_named(input_kind: str) -> InputKind:
    """The row of a model's input kind; a model that says nothing, or something unknown, takes pictures."""
    return input_kinds().get(input_kind, BUILT_IN[0])


def media() -> dict[str, InputKind]:
    """The first kind of every medium: how its files are read and shown is the same for all of them."""
    found: dict[str, InputKind] = {}
    for kind in input_kinds().values():
        found.setdefault(kind.medium, kind)
    return found


def taken_by(given: Input, input_kind: str) -> bool:
    return input_kind in input_kinds() and kind_named(input_kind).medium == given.medium


def medium_of(path: Path, input_kind: str) -> str:
    """What a file is read as: as its bytes say, else its suffix, and as the model takes it where both are possible."""
    if path.is_dir():
        return "clip"
    wanted, told = kind_named(input_kind).medium, media_of_file(path)
    fitting = tuple(medium for medium, kind in media().items() if path.suffix.lower() in kind.suffixes)
    if told == ("text",) and fitting and "text" not in fitting:
        told = ()  # a text that calls itself a film is rather no film than a text
    possible = told or fitting or (wanted,)
    return wanted if wanted in possible else possible[0]


def may_be_read_as(given: Input, input_kind: str) -> bool:
    """Whether the same file is an input for another kind of model too: an animation is a picture and a clip."""
    told, wanted = media_of(given.data), kind_named(input_kind).medium
    return wanted != given.medium and wanted in told and given.medium in told


def read_bytes(path: Path, medium: str) -> bytes:
    """An input's bytes. Raises `ReadingError`."""
    return media()[medium].read(path)


def decode_input(data: bytes, name: str, medium: str) -> tuple[Input, Notes]:
    """An input to show. Raises `ReadingError`."""
    return media()[medium].decode(data, text_name(name))


def sample(input_kind: str) -> Path | None:
    """The sample that a model of this kind is shown with first; None where there is none."""
    kind = input_kinds().get(input_kind)
    path = asset("samples", kind.sample) if kind is not None and kind.sample else None
    return path if path is not None and path.is_file() else None


def suits(given: Input, input_kind: str) -> bool:
    """Whether an input says something to models of a kind: to all that take it, but for a shipped sample of another kind. A
    program is a text, and no sentence to translate.
    """
    return _sample_of(given) in ("", input_kind)


def _sample_of(given: Input) -> str:
    """The kind whose shipped sample an input is; empty for any other."""
    for kind in input_kinds():
        path = sample(kind)
        if path is not None and path.name == given.name and path.read_bytes() == given.data:
            return kind
    return ""
