"""What a file is that a person opens, and reading it; every failure is a sentence."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import numpy as np
from PIL import Image

from unrolled.assets import path as asset
from unrolled.models.inputs.clips import SUFFIXES as ALL_CLIP_SUFFIXES
from unrolled.models.inputs.clips import ClipError, clip_bytes, read_clip
from unrolled.models.inputs.inputs import MEDIUM_OF_KIND, Input, InputClip, InputPicture, InputText
from unrolled.models.inputs.pictures import SUFFIXES as ALL_PICTURE_SUFFIXES
from unrolled.models.inputs.pictures import PictureError, read_file, read_picture
from unrolled.models.inputs.sniffing import head_of, media_of, media_of_file
from unrolled.models.inputs.texts import SUFFIXES as ALL_TEXT_SUFFIXES
from unrolled.models.inputs.texts import TextError, read_text, text_bytes
from unrolled.models.trace import Trace
from unrolled.models.trace.names import text_name

TRACE_SUFFIXES = (".safetensors", ".npz", ".json", ".csv")
SESSION_SUFFIX = ".unrolled"
PICTURE_SUFFIXES = ALL_PICTURE_SUFFIXES
TEXT_SUFFIXES = ALL_TEXT_SUFFIXES
CLIP_SUFFIXES = tuple(suffix for suffix in ALL_CLIP_SUFFIXES if suffix != ".npy")
TRACE_MARK = b'"unrolled-trace"'
SAMPLES = {"picture": "dog.jpg", "sentence": "sentence.txt", "text": "program.txt", "clip": "bouncing.gif"}
LONGEST_SIDE_SHOWN = 2048  # pixels; more than a screen shows, and a window must not hold hundreds of megabytes
INPUT_ERRORS = (PictureError, TextError, ClipError)

Notes = tuple[str, ...]
"""What a person should know of an input, a sentence each."""


class Kind(Enum):
    """What opening a file leads to."""

    INPUT = "input"
    TRACE = "trace"
    SESSION = "session"


def kind_of(path: Path) -> Kind:
    """Judged by the name's suffix; of what other programs write too, by its first bytes."""
    suffix = path.suffix.lower()
    if path.is_dir():
        return Kind.INPUT
    if suffix == SESSION_SUFFIX or b"session.json" in head_of(path)[:64]:
        return Kind.SESSION
    if suffix in (".json", ".csv"):
        return Kind.TRACE if TRACE_MARK in head_of(path) or not media_of_file(path) else Kind.INPUT
    return Kind.TRACE if suffix in TRACE_SUFFIXES else Kind.INPUT


def medium_of(path: Path, input_kind: str) -> str:
    """What a file is read as: ``picture``, ``text`` or ``clip``, judged by its bytes, and by its suffix where they do not tell.

    Parameters
    ----------
    input_kind : str
        What the model takes that is in use; it decides where a file can be read in two ways.
    """
    suffix, wanted = path.suffix.lower(), MEDIUM_OF_KIND.get(input_kind, "picture")
    if path.is_dir():
        return "clip"
    told = media_of_file(path)
    by_suffix = {"clip": ALL_CLIP_SUFFIXES, "picture": ALL_PICTURE_SUFFIXES, "text": TEXT_SUFFIXES}
    fitting = tuple(medium for medium, suffixes in by_suffix.items() if suffix in suffixes)
    if told == ("text",) and fitting and "text" not in fitting:
        told = ()  # a text that calls itself a film is rather no film than a text
    possible = told or fitting or (wanted,)
    return wanted if wanted in possible else possible[0]


def may_be_read_as(given: Input, input_kind: str) -> bool:
    """Whether the same file is an input for another kind of model too: an animation is a picture and a clip."""
    told, wanted = media_of(given.data), MEDIUM_OF_KIND.get(input_kind)
    return wanted != given.medium and wanted in told and given.medium in told


def read_bytes(path: Path, medium: str) -> bytes:
    """An input's bytes. Raises one of `INPUT_ERRORS`, with one sentence for people."""
    if medium == "clip":
        return clip_bytes(path)
    return text_bytes(path) if medium == "text" else read_file(path)


def decode_input(data: bytes, name: str, medium: str) -> tuple[Input, Notes]:
    """An input to show. Raises one of `INPUT_ERRORS`, with one sentence for people."""
    name = text_name(name)
    if medium == "clip":
        clip = read_clip(data, name)
        return InputClip(name, data, clip.frames, clip.seconds_a_frame), clip.notes
    if medium == "text":
        text = read_text(data, name)
        return InputText(name, data, text.text), text.notes
    return decode_picture(data, name)


def decode_picture(data: bytes, name: str) -> tuple[InputPicture, Notes]:
    """A picture to show, its longest side at most 2048 pixels, and what a person should know of it.

    Raises
    ------
    PictureError
        With one sentence for people.
    """
    picture = read_picture(data, name)
    image = picture.image
    if max(image.size) > LONGEST_SIDE_SHOWN:
        image.thumbnail((LONGEST_SIDE_SHOWN, LONGEST_SIDE_SHOWN), Image.Resampling.BOX, reducing_gap=2.0)
    return InputPicture(name, data, np.asarray(image)), picture.notes


def input_of_trace(trace: Trace, name: str) -> Input | None:
    """What a trace was made from, where the trace holds it."""
    if not trace.input_bytes:
        return None
    medium = MEDIUM_OF_KIND.get(trace.provenance.input_kind, "picture")
    try:
        return decode_input(trace.input_bytes, trace.provenance.input_name or name, medium)[0]
    except INPUT_ERRORS:
        return None


def sample(input_kind: str) -> Path | None:
    """The sample that a model of this kind is shown with first; None where there is none."""
    path = asset("samples", SAMPLES.get(input_kind, ""))
    return path if input_kind in SAMPLES and path.is_file() else None
