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
from unrolled.models.inputs.pictures import PictureError, read_file, read_picture
from unrolled.models.inputs.texts import TextError, read_text, text_bytes
from unrolled.models.trace import Trace

TRACE_SUFFIXES = (".safetensors", ".npz", ".json", ".csv")
SESSION_SUFFIX = ".unrolled"
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
VIDEO_SUFFIXES = tuple(suffix for suffix in ALL_CLIP_SUFFIXES if suffix not in (*PICTURE_SUFFIXES, ".npy"))
CLIP_SUFFIXES = (".gif", ".webp", *VIDEO_SUFFIXES)
TEXT_SUFFIXES = (".txt", ".py", ".md", ".rst", ".text", ".pyi", ".toml", ".cfg", ".ini", ".c", ".h", ".js", ".html", ".tex")
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
    """Judged by the name's suffix; whatever is no trace and no session is an input."""
    suffix = path.suffix.lower()
    if suffix == SESSION_SUFFIX:
        return Kind.SESSION
    return Kind.TRACE if suffix in TRACE_SUFFIXES and not path.is_dir() else Kind.INPUT


def medium_of(path: Path, input_kind: str) -> str:
    """What a file is read as: ``picture``, ``text`` or ``clip``, judged by its suffix.

    Parameters
    ----------
    input_kind : str
        What the model takes that is in use; it decides where a suffix says nothing, or has two meanings.
    """
    suffix, wanted = path.suffix.lower(), MEDIUM_OF_KIND.get(input_kind, "picture")
    if path.is_dir() or suffix in VIDEO_SUFFIXES:
        return "clip"
    if suffix in TEXT_SUFFIXES:
        return "text"
    if suffix in CLIP_SUFFIXES and wanted == "clip":
        return "clip"
    return "picture" if suffix in PICTURE_SUFFIXES or wanted == "clip" else wanted


def may_be_read_as(given: Input, input_kind: str) -> bool:
    """Whether the same file is an input for another kind of model too: an animation is a picture and a clip."""
    both = Path(given.name).suffix.lower() in PICTURE_SUFFIXES and Path(given.name).suffix.lower() in CLIP_SUFFIXES
    return both and {given.medium, MEDIUM_OF_KIND.get(input_kind)} == {"picture", "clip"}


def read_bytes(path: Path, medium: str) -> bytes:
    """An input's bytes. Raises one of `INPUT_ERRORS`, with one sentence for people."""
    if medium == "clip":
        return clip_bytes(path)
    return text_bytes(path) if medium == "text" else read_file(path)


def decode_input(data: bytes, name: str, medium: str) -> tuple[Input, Notes]:
    """An input to show. Raises one of `INPUT_ERRORS`, with one sentence for people."""
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
