"""The input that somebody's step function was given before its first step: what the window shows beside its words."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from unrolled.models.adapters.captured import Quantity
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.inputs import NO_INPUT
from unrolled.models.inputs.kinds import kind_named, medium_of, read_bytes
from unrolled.models.inputs.sniffing import media_of
from unrolled.models.trace import Channel

KINDS = {"picture": "picture", "text": "sentence", "clip": "clip"}  # by what a file holds


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenInput:
    kind: str = NO_INPUT                 # as `InputKind.name` has it
    name: str = ""
    data: bytes = b""
    source: tuple[str, ...] = ()         # what attention looks at, a word a place
    grid: tuple[int, int] | None = None  # rows and columns of a picture that attention looks at, place after place

    def is_same(self, given: Any) -> bool:
        """Whether this is what was read again, as `InputKind.for_model` gives it."""
        try:
            own, _ = kind_named(self.kind).for_model(self.data, self.name)
        except ReadingError:
            return False
        if isinstance(own, Image.Image):
            return isinstance(given, Image.Image) and own.size == given.size and own.tobytes() == given.tobytes()
        if isinstance(own, (str, type(None))):
            return bool(own == given)
        return bool(hasattr(given, "frames") and np.array_equal(own.frames, given.frames))

    def placed(self, channel: Channel, quantity: Quantity) -> Channel:
        """A channel that a module brought, to be changed; attention over a picture has rows and columns."""
        places = channel.size
        editable = channel.axes == ("unit",)
        if quantity.field == "attention":
            editable = True
            grid = self.grid
            if grid is None and self.kind == "picture" and math.isqrt(places) ** 2 == places > 1:
                grid = (math.isqrt(places), math.isqrt(places))
            if grid is not None and grid[0] * grid[1] == places:
                return msgspec.structs.replace(channel, axes=("row", "column"), shape=grid, editable=True)
        return msgspec.structs.replace(channel, editable=editable)


def given_input(value: Any, source: Sequence[object] = (), grid: tuple[int, int] | None = None) -> GivenInput:
    """What a person hands over: a path, a text, a file's bytes, a picture of PIL or of pixels (height, width, 3), or nothing.
    Raises `ValueError` when it is none of these, or cannot be read: one sentence.
    """
    words = tuple(str(word) for word in source)
    if value is None:
        return GivenInput(source=words, grid=grid)
    name, data = "input", b""
    if isinstance(value, np.ndarray) and value.ndim == 3 and value.dtype == np.uint8:
        value = Image.fromarray(value)
    if isinstance(value, Image.Image):
        stream = io.BytesIO()
        value.convert("RGB").save(stream, "PNG")
        return GivenInput(kind="picture", name="picture.png", data=stream.getvalue(), source=words, grid=grid)
    if isinstance(value, bytes):
        data, medium = value, next(iter(media_of(value)), "")
        name = {"picture": "picture", "text": "text.txt", "clip": "clip"}.get(medium, "input")
    elif isinstance(value, Path) or (isinstance(value, str) and len(value) < 4096 and "\n" not in value and Path(value).exists()):
        path = Path(value)
        medium = medium_of(path, "picture")
        name, data = path.name, read_bytes(path, medium)
    elif isinstance(value, str):
        name, data, medium = "text.txt", value.encode(), "text"
    else:
        medium = ""
    if medium not in KINDS:
        raise ValueError(f"An input of the type {type(value).__name__} cannot be shown; a path, a text, bytes, or a picture of "
                         "PIL or uint8 pixels (height, width, 3) can.")
    if medium == "text" and not words:
        words = tuple(data.decode("utf-8", "replace").split())
    return GivenInput(kind=KINDS[medium], name=name, data=data, source=words, grid=grid)
