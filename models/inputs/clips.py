"""Read a clip, an animation, a video or a folder of frames, or say in one sentence why not.

Window and backend read the same bytes with this same function, so what is drawn is what the model saw. Every frame is
made upright, laid on white and brought to eight bits as a picture is. What would take long or much memory is refused
before it is read. Nothing that a file names is followed: a video is read from bytes, by the one reader that its first
bytes ask for.
"""

import io
import math
import re
from pathlib import Path

import numpy as np

from unrolled.models.inputs.animations import read_animation
from unrolled.models.inputs.files import ReadingError, read_file
from unrolled.models.inputs.frame_stack import FEWEST_FRAMES, MOST_FRAMES, Clip, FrameStack, too_long
from unrolled.models.inputs.pictures import SUFFIXES as PICTURE_SUFFIXES
from unrolled.models.inputs.pictures import read_picture
from unrolled.models.inputs.sniffing import head_of, media_of
from unrolled.models.inputs.videos import MOST_VIDEO_PIXELS, read_video, refuse_long
from unrolled.models.trace.names import file_name

SUFFIXES = (".gif", ".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v", ".webp", ".apng", ".mpg", ".mpeg", ".3gp", ".3g2", ".ts",
            ".mts", ".m2ts", ".flv", ".ogv", ".wmv")
FRAME_HEAD = 4096  # bytes of a file that tell whether it is a picture


def clip_bytes(path: Path) -> bytes:
    """The bytes of a clip's file; those of a folder of frames packed as one NumPy array. Raises `ReadingError` when it is
    missing, unreadable, far too long, or a folder without frames that fit together.
    """
    if path.is_dir():
        return _pack_folder(path)
    if path.is_file():
        refuse_long(path)
    return read_file(path)


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
    ReadingError
        When it is no clip, damaged, of one frame, too long, or its frames differ in size.
    """
    if not data:
        raise ReadingError(f"“{name}” is empty.")
    clip = _packed(data, name) or read_animation(data, name) or read_video(data, name)
    if len(clip.frames) < FEWEST_FRAMES:
        raise ReadingError(f"“{name}” has only one frame; a clip has at least {FEWEST_FRAMES}.")
    return clip


def _pack_folder(folder: Path) -> bytes:
    """A folder's pictures in the order of their names, numbers counted as numbers."""
    name = file_name(folder)
    try:
        paths = sorted((path for path in folder.iterdir() if path.is_file() and not _is_hidden(path) and (
            path.suffix.lower() in PICTURE_SUFFIXES or "picture" in media_of(head_of(path, FRAME_HEAD)))), key=_natural)
    except OSError as error:
        raise ReadingError(f"“{name}” cannot be read: {error.strerror or error}.") from error
    if not paths:
        raise ReadingError(f"The folder “{name}” holds no pictures, and is not a store of traces.")
    if len(paths) > MOST_FRAMES:
        raise too_long(name, len(paths))
    stack = FrameStack(name, MOST_VIDEO_PIXELS, len(paths))
    for path in paths:
        stack.add(read_picture(read_file(path), file_name(path)).image)
    packed = io.BytesIO()
    np.save(packed, stack.clip().frames, allow_pickle=False)
    return packed.getvalue()


def _is_hidden(path: Path) -> bool:
    """Whether a system hides a file: what macOS and Windows lay beside pictures are no frames."""
    return path.name.startswith(".") or path.name.endswith("~") or bool(getattr(path.stat(), "st_file_attributes", 0) & 0x2)


def _natural(path: Path) -> tuple[tuple[int, str], ...]:
    parts: list[str] = re.findall(r"\d+|\D+", path.name.lower())
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts)


def _packed(data: bytes, name: str) -> Clip | None:
    """What `clip_bytes` made of a folder; None where it is something else."""
    if not data.startswith(b"\x93NUMPY"):
        return None
    file = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, in_columns, dtype = read(file)
    except Exception as error:  # the header is a Python literal, and can be wrong in every way
        raise ReadingError(f"“{name}” is damaged or cut off and cannot be read.") from error
    if dtype != np.uint8 or in_columns or len(shape) != 4 or shape[-1] != 3 or 0 in shape:
        raise ReadingError(f"“{name}” holds no frames: they would be uint8 of the shape (frames, height, width, 3).")
    if shape[0] > MOST_FRAMES or max(shape[1:3]) > 4096:
        raise too_long(name, shape[0])
    pixels = np.frombuffer(data, np.uint8, offset=file.tell())
    if pixels.size != math.prod(shape):
        raise ReadingError(f"“{name}” is damaged or cut off and cannot be read.")
    return Clip(pixels.reshape(shape))
