"""Read a clip, an animation, a video or a folder of frames, or say in one sentence why not.

Window and backend read the same bytes with this same function, so what is drawn is what the model saw. It knows
neither torch nor Qt. What would take long or much memory is refused before it is read: a video says how long it is.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageSequence, UnidentifiedImageError

from unrolled.models.inputs.pictures import MOST_PIXELS, PictureError, read_file, read_picture

Frames = npt.NDArray[np.uint8]

FEWEST_FRAMES = 2
MOST_FRAMES = 512
LONGEST_SIDE = 320  # pixels that are kept of a frame; the models see fewer, and a screen shows a clip small
SHORTEST_SIDE = 8
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".gif")
USUAL_SECONDS = 0.04


class ClipError(ValueError):
    """A clip that cannot be used: one sentence for people."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames in order.

    Attributes
    ----------
    frames : array of uint8, shape (T, height, width, 3)
        RGB.
    seconds_a_frame : float
    notes : tuple of str
        What was done to it that a person should know, a sentence each.
    """

    frames: Frames
    seconds_a_frame: float = USUAL_SECONDS
    notes: tuple[str, ...] = ()


def clip_bytes(path: Path) -> bytes:
    """The bytes of a clip's file; those of a folder of frames packed as one NumPy array.

    Raises
    ------
    ClipError
        When it is missing, unreadable, far too long, or a folder without frames that fit together.
    """
    if path.is_dir():
        return _pack_folder(path)
    _refuse_long(path, path.name)
    try:
        return read_file(path)
    except PictureError as error:
        raise ClipError(str(error)) from error


def read_clip(data: bytes, name: str) -> Clip:
    """Decode a clip.

    Parameters
    ----------
    data : bytes
        An animated GIF, WebP or PNG, a video that FFmpeg reads, or what `clip_bytes` made of a folder.
    name : str
        For the sentence of an error.

    Raises
    ------
    ClipError
        When it is no clip, damaged, of one frame, too long, or its frames differ in size.
    """
    if not data:
        raise ClipError(f"“{name}” is empty.")
    clip = _packed(data, name) or _animation(data, name) or _video(data, name)
    if len(clip.frames) < FEWEST_FRAMES:
        raise ClipError(f"“{name}” has only one frame; a clip has at least {FEWEST_FRAMES}.")
    return clip


def _stack(pictures: Iterable[Image.Image], name: str) -> tuple[Frames, tuple[str, ...]]:
    """Frames of one size, made smaller where they are large."""
    frames: list[npt.NDArray[np.uint8]] = []
    first = (0, 0)
    for number, picture in enumerate(pictures):
        if number == 0:
            first = picture.size
            if min(first) < SHORTEST_SIDE:
                raise ClipError(f"The frames of “{name}” have only {first[0]} × {first[1]} pixels; there is nothing to see.")
            if first[0] * first[1] > MOST_PIXELS:
                raise ClipError(f"The frames of “{name}” have {first[0]:,} × {first[1]:,} pixels, which is too many.")
        elif picture.size != first:
            raise ClipError(f"The frames of “{name}” differ in size: the first has {first[0]} × {first[1]} pixels, number "
                            f"{number + 1} has {picture.width} × {picture.height}.")
        if number == MOST_FRAMES:
            raise ClipError(f"“{name}” has more than {MOST_FRAMES} frames, which is the most that can be read; cut a "
                            "part out of it.")
        small = picture.convert("RGB")
        small.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
        frames.append(np.asarray(small))
    if not frames:
        raise ClipError(f"“{name}” has no frames.")
    notes = () if max(first) <= LONGEST_SIDE else (
        f"The frames of “{name}” were reduced from {first[0]} × {first[1]} to {frames[0].shape[1]} × {frames[0].shape[0]}.",)
    return np.stack(frames), notes


def _animation(data: bytes, name: str) -> Clip | None:
    """A file of pictures; None where it is none."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            count = getattr(image, "n_frames", 1)
            if count > MOST_FRAMES:
                raise _too_long(name, count)
            duration = float(image.info.get("duration", 0) or 0) / 1000
            frames, notes = _stack((frame.convert("RGB") for frame in ImageSequence.Iterator(image)), name)
    except UnidentifiedImageError:
        return None
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError, EOFError, IndexError) as error:
        if isinstance(error, ClipError):
            raise
        raise ClipError(f"“{name}” is damaged or cut off and cannot be read.") from error
    return Clip(frames, duration or USUAL_SECONDS, notes)


def _video(data: bytes, name: str) -> Clip:
    import av

    try:
        with av.open(io.BytesIO(data)) as container:
            stream = _stream_of(container, name)
            rate = float(stream.average_rate or 0)
            frames, notes = _stack((frame.to_image() for frame in container.decode(stream)), name)
    except (av.error.FFmpegError, ValueError, MemoryError) as error:
        if isinstance(error, ClipError):
            raise
        raise ClipError(f"“{name}” is not a clip that can be read, or it is damaged.") from error
    return Clip(frames, 1 / rate if rate > 0 else USUAL_SECONDS, notes)


def _refuse_long(path: Path, name: str) -> None:
    """Look at a video's first bytes only: its length stands there."""
    import av

    # What is wrong with the file is said when it is read.
    with contextlib.suppress(av.error.FFmpegError, OSError), av.open(str(path)) as container:
        if container.streams.video:
            _stream_of(container, name)


def _stream_of(container: Any, name: str) -> Any:
    """The video of a file that is not too long."""
    import av

    if not container.streams.video:
        raise ClipError(f"“{name}” holds no video.")
    stream = container.streams.video[0]
    seconds = container.duration / av.time_base if container.duration else 0.0
    expected = stream.frames or round(seconds * float(stream.average_rate or 0))
    if expected > MOST_FRAMES:
        raise _too_long(name, expected, seconds)
    return stream


def _too_long(name: str, frames: int, seconds: float = 0.0) -> ClipError:
    lasts = f"lasts {_in_words(seconds)} and " if seconds else ""
    return ClipError(f"“{name}” {lasts}has {frames:,} frames; {MOST_FRAMES} are the most that can be read. Cut a part out "
                     "of it.")


def _in_words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def _pack_folder(folder: Path) -> bytes:
    """A folder's pictures in the order of their names, numbers counted as numbers."""
    try:
        paths = sorted((path for path in folder.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES), key=_natural)
    except OSError as error:
        raise ClipError(f"“{folder.name}” cannot be read: {error.strerror or error}.") from error
    if not paths:
        raise ClipError(f"There are no pictures in the folder “{folder.name}”.")
    if len(paths) > MOST_FRAMES:
        raise _too_long(folder.name, len(paths))

    def pictures() -> Iterator[Image.Image]:
        for path in paths:
            yield read_picture(read_file(path), path.name).image

    try:
        frames, _ = _stack(pictures(), folder.name)
    except PictureError as error:
        raise ClipError(str(error)) from error
    packed = io.BytesIO()
    np.save(packed, frames, allow_pickle=False)
    return packed.getvalue()


def _natural(path: Path) -> tuple[tuple[int, str], ...]:
    parts: list[str] = re.findall(r"\d+|\D+", path.name.lower())
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in parts)


def _packed(data: bytes, name: str) -> Clip | None:
    """What `clip_bytes` made of a folder; None where it is something else."""
    if not data.startswith(b"\x93NUMPY"):
        return None
    try:
        frames: Frames = np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, OSError, EOFError, MemoryError) as error:
        raise ClipError(f"“{name}” is damaged or cut off and cannot be read.") from error
    if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[-1] != 3 or 0 in frames.shape:
        raise ClipError(f"“{name}” holds no frames: they would be uint8 of the shape (frames, height, width, 3).")
    if len(frames) > MOST_FRAMES or max(frames.shape[1:3]) > 4096:
        raise _too_long(name, len(frames))
    return Clip(frames)
