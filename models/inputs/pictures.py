"""Read a photograph's file, whatever it is, into an upright RGB picture, or say in one sentence why not.

Window and backend read the same bytes with this same function, so what is drawn is what the model saw. It knows
neither torch nor Qt.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

LONGEST_SIDE = 16_384  # pixels; 30,000 × 30,000 would need 2.7 GB only to be held
MOST_PIXELS = 100_000_000
MOST_ALLOWED = f"{LONGEST_SIDE:,} a side and {MOST_PIXELS // 10**6} megapixels are the most that can be opened."
SHORTEST_SIDE = 8
LARGEST_FILE = 200 * 1024 * 1024  # bytes


class PictureError(ValueError):
    """A picture that cannot be used: one sentence for people."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An upright picture.

    Attributes
    ----------
    image : PIL.Image.Image
        Mode RGB.
    notes : tuple of str
        What was done to it that a person should know, a sentence each.
    """

    image: Image.Image
    notes: tuple[str, ...]


def read_file(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises
    ------
    PictureError
        When it is missing, a folder, unreadable, empty, or far too large for a picture.
    """
    try:
        if path.is_dir():
            raise PictureError(f"“{path.name}” is a folder; open one of the files in it.")
        size = path.stat().st_size
        if size > LARGEST_FILE:
            raise PictureError(f"“{path.name}” is {size / 2**20:.0f} MiB, which is too large to be opened.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(f"There is no file “{path}”.") from error
    except PermissionError as error:
        raise PictureError(f"“{path.name}” cannot be read: its permissions do not allow it.") from error
    except OSError as error:
        raise PictureError(f"“{path.name}” cannot be read: {error.strerror or error}.") from error
    if not data:
        raise PictureError(f"“{path.name}” is empty.")
    return data


def read_picture(data: bytes, name: str) -> Picture:
    """Decode a picture: upright by its EXIF orientation, transparent parts on white, 16 bits scaled to 8.

    Parameters
    ----------
    data : bytes
        The file, as it is on disk.
    name : str
        For the sentence of an error.

    Raises
    ------
    PictureError
        When it is not a picture, cut off, too small to see anything in, or too large to hold.
    """
    if not data:
        raise PictureError(f"“{name}” is empty.")
    notes: list[str] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the size is judged here, and metadata that is off harms nobody
            image: Image.Image = Image.open(io.BytesIO(data))
            width, height = image.size
            if max(width, height) > LONGEST_SIDE or width * height > MOST_PIXELS:
                raise PictureError(f"“{name}” has {width:,} × {height:,} pixels; {MOST_ALLOWED}")
            if min(width, height) < SHORTEST_SIDE:
                raise PictureError(f"“{name}” has only {width} × {height} pixels; there is nothing in it to describe.")
            if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
                notes.append(f"“{name}” is an animation of {image.n_frames} pictures; its first is shown.")  # type: ignore[attr-defined]
                image.seek(0)
            image.load()
            image = ImageOps.exif_transpose(image)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"“{name}” has too many pixels; {MOST_ALLOWED}") from error
    except UnidentifiedImageError as error:
        raise PictureError(f"“{name}” is not a picture that can be read.") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, MemoryError) as error:
        raise PictureError(f"“{name}” is damaged or cut off and cannot be read.") from error
    return Picture(_as_rgb(image), tuple(notes))


def _as_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        over = image.convert("RGBA")
        ground = Image.new("RGBA", over.size, "white")
        return Image.alpha_composite(ground, over).convert("RGB")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """Sixteen-bit and floating grey to eight bits; Pillow's own conversion would clip at 255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
    else:
        low, high = 0.0, 65535.0 if values.max() > 255 else 255.0
    scaled = (values - low) / max(high - low, 1e-12) * 255.0
    return Image.fromarray(np.clip(scaled + 0.5, 0, 255).astype(np.uint8), mode="L").convert("RGB")
