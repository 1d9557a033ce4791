"""What a file is that a person opens, and reading it; every failure is a sentence."""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import numpy as np
from PIL import Image

from unrolled.models.trace import Trace
from unrolled.models.trace.pictures import PictureError, read_picture
from unrolled.viewer.state.session import InputPicture

TRACE_SUFFIXES = (".safetensors", ".npz", ".json", ".csv")
SESSION_SUFFIX = ".unrolled"
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")
LONGEST_SIDE_SHOWN = 2048  # pixels; more than a screen shows, and a window must not hold hundreds of megabytes


class Kind(Enum):
    """What opening a file leads to."""

    PICTURE = "picture"
    TRACE = "trace"
    SESSION = "session"


def kind_of(path: Path) -> Kind:
    """Judged by the name's suffix; whatever is no trace and no session is tried as a picture."""
    suffix = path.suffix.lower()
    if suffix == SESSION_SUFFIX:
        return Kind.SESSION
    return Kind.TRACE if suffix in TRACE_SUFFIXES else Kind.PICTURE


def decode_picture(data: bytes, name: str) -> tuple[InputPicture, tuple[str, ...]]:
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


def picture_of_trace(trace: Trace, name: str) -> InputPicture | None:
    """The photograph that a trace was made from, where the trace holds it."""
    if not trace.input_bytes:
        return None
    try:
        return decode_picture(trace.input_bytes, trace.provenance.input_name or name)[0]
    except PictureError:
        return None
