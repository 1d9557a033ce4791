"""Read a photograph's file, whatever it is, into an upright RGB picture, or say in one sentence why not.

Window and backend read the same bytes with this same function, so what is drawn is what the model saw. What the pixels
do not need cannot cost the picture: of metadata nothing but the orientation and the colour profile is looked at, and
either may be broken. It knows neither torch nor Qt.
"""

from __future__ import annotations

import io
import math
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, UnidentifiedImageError

from unrolled.models.inputs.pixels_alone import ORIENTATION, pixels_alone, stored_orientation
from unrolled.models.trace.names import file_name, text_name

# None of these formats' readers starts a program or opens another file; TGA, which has no mark of its own, is tried last.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "PSD", "JPEG2000", "PPM", "ICO", "TGA")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".avif", ".tif", ".tiff", ".bmp", ".dib", ".psd",
            ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".ico", ".tga", ".heic", ".heif")
MOST_PIXELS = 128_000_000
MOST_JPEG_PIXELS = 400_000_000  # a JPEG is halved while it is read, and never held whole
ENOUGH_PIXELS = 40_000_000      # a larger picture is made smaller; the models see a fiftieth of it
SHORTEST_SIDE = 8
LARGEST_FILE = 200 * 1024 * 1024  # bytes
USUAL_GAMMA = 1 / 2.2    # of files, as screens undo it
PHOTOMETRIC = 262        # a TIFF's tag
MOST_MISSING = 0.5  # of a cut picture; with less of it there is nothing to describe

UPRIGHT = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
           5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
           8: Image.Transpose.ROTATE_90}
"""What makes a picture upright, by its orientation as EXIF has it."""

Image.MAX_IMAGE_PIXELS = MOST_JPEG_PIXELS // 2  # Pillow refuses twice as many, in places where a size changes while it reads

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # sizes are judged here


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
    """The bytes of a picture's file. Raises `PictureError` when it is missing, a folder, unreadable, empty, or far too large
    for a picture.
    """
    name = file_name(path)
    try:
        if path.is_dir():
            raise PictureError(f"“{name}” is a folder; open one of the files in it.")
        size = path.stat().st_size
        if not path.is_file():
            raise PictureError(f"“{name}” is not a file.")  # a device or a pipe never ends
        if size > LARGEST_FILE:
            raise PictureError(f"“{name}” is {size / 2**20:.0f} MiB, which is too large to be opened.")
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(f"There is no file “{text_name(str(path))}”.") from error
    except PermissionError as error:
        raise PictureError(f"“{name}” cannot be read: its permissions do not allow it.") from error
    except OSError as error:
        raise PictureError(f"“{name}” cannot be read: {error.strerror or error}.") from error
    if not data:
        raise PictureError(f"“{name}” is empty.")
    return data


def read_picture(data: bytes, name: str) -> Picture:
    """Decode a picture: upright, transparent parts on white, in sRGB with eight bits.

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
            return Picture(_decode(data, name, notes), tuple(notes))
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError(f"“{name}” has too many pixels; {MOST_PIXELS // 10**6} megapixels are the most that can be opened, "
                           f"{MOST_JPEG_PIXELS // 10**6} of a JPEG.") from error
    except UnidentifiedImageError as error:
        if is_heic(data):
            raise PictureError(f"“{name}” is a HEIC photograph, as phones write them; reading it needs one more package: "
                               "python -m pip install pillow-heif") from error
        raise PictureError(f"“{name}” is not a picture that can be read.") from error
    except MemoryError as error:
        raise PictureError(f"There is not enough memory to open “{name}”.") from error
    except Exception as error:  # every format's reader has errors of its own
        raise PictureError(f"“{name}” is damaged or cut off and cannot be read.") from error


def is_heic(data: bytes) -> bool:
    """Whether it is a photograph in HEVC, which Pillow reads only with another package's help."""
    brands = data[8:64]
    return data[4:8] == b"ftyp" and b"avif" not in brands and brands[:4] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx",
                                                                             b"mif1", b"msf1")


def open_formats(data: bytes) -> tuple[str, ...]:
    """The formats that are tried for a file."""
    if not is_heic(data):
        return FORMATS
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
        return ("HEIF",)
    return ()


def _decode(data: bytes, name: str, notes: list[str]) -> Image.Image:
    is_jpeg, missing = data.startswith(b"\xff\xd8"), 0.0
    data, orientation = pixels_alone(data)
    image: Image.Image = Image.open(io.BytesIO(data), formats=open_formats(data) or ("PNG",))
    width, height = image.size
    most = MOST_JPEG_PIXELS if is_jpeg else MOST_PIXELS
    if width * height > most:
        raise PictureError(f"“{name}” has {width:,} × {height:,} pixels; {most // 10**6} megapixels are the most that can be "
                           f"opened{'' if is_jpeg else f', {MOST_JPEG_PIXELS // 10**6} of a JPEG'}.")
    if min(width, height) < SHORTEST_SIDE:
        raise PictureError(f"“{name}” has only {width} × {height} pixels; there is nothing in it to describe.")
    if getattr(image, "is_animated", False) and image.format != "PSD":  # the composite of layers is the picture
        notes.append(f"“{name}” {'holds several pictures' if image.format == 'TIFF' else 'is an animation'}; its first is shown.")
    times_smaller = math.ceil(math.sqrt(width * height / ENOUGH_PIXELS))
    if is_jpeg:
        image, missing = _load_jpeg(image, data, times_smaller)
    else:
        image.load()
        orientation = orientation or orientation_of(image)
    if missing > MOST_MISSING:
        raise PictureError(f"“{name}” is damaged or cut off: more than half of it is missing.")
    if missing:
        notes.append(f"“{name}” is cut off: the last {max(missing, 0.01):.0%} of it are missing.")
    elif is_jpeg and b"\xff\xd9" not in data:
        notes.append(f"“{name}” lacks its last bytes; the picture is whole.")
    image = as_rgb(image, notes, name, times_smaller=1 if is_jpeg else times_smaller)
    if image.size != (width, height):
        notes.append(f"“{name}” has {width:,} × {height:,} pixels; it was read as {image.width:,} × {image.height:,}.")
    return upright(image, orientation)


def _load_jpeg(image: Image.Image, data: bytes, times_smaller: int) -> tuple[Image.Image, float]:
    """The pixels, and which part of them the file lacks; a size between half and an eighth of it is decoded at once."""
    def opened(of: bytes) -> Image.Image:
        again = Image.open(io.BytesIO(of), formats=("JPEG",))
        if times_smaller > 1:
            scale = next((scale for scale in (2, 4) if scale >= times_smaller), 8)
            again.draft(None, (again.width // scale, again.height // scale))
        again.load()
        return again

    try:
        return opened(data), 0.0
    except OSError:
        whole = opened(data + b"\xff\xd9")  # where the file ends the decoder repeats what it decoded last
        return whole, _repeated_below(np.asarray(whole))


def _repeated_below(pixels: np.ndarray) -> float:
    """Which part of the rows, counted from below, are all the same and of one colour."""
    rows = pixels.reshape(len(pixels), pixels.shape[1], -1)
    flat = (rows == rows[-1:, -1:]).all(axis=(1, 2))
    return 1.0 if flat.all() else float(np.argmin(flat[::-1])) / len(rows)


def upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def orientation_of(image: Image.Image) -> int:
    """How a picture lies, where its format keeps that in a place of its own."""
    if image.format == "TIFF":
        return 1  # Pillow has turned it already
    with suppress(Exception):  # any other field may be broken too
        return int(image.getexif().get(ORIENTATION, 1))
    exif = image.info.get("exif", b"")
    return stored_orientation(exif.removeprefix(b"Exif\0\0")) if isinstance(exif, bytes) else 1


def as_rgb(image: Image.Image, notes: list[str], name: str, *, times_smaller: int = 1) -> Image.Image:
    """A decoded picture as RGB, smaller by a whole number where that is asked for; what was stretched is noted."""
    if image.mode.startswith("I") or image.mode == "F":
        image = _from_deep(image, notes, name)
    elif image.mode in ("P", "PA", "1") or (image.has_transparency_data and image.mode not in ("RGBA", "LA")):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if times_smaller > 1:
        image = image.reduce(times_smaller)
    image = _in_srgb(image)
    if image.mode in ("RGBA", "LA", "La", "RGBa"):
        over = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", over.size, "white"), over).convert("RGB")
    return image.convert("RGB")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The colours that a picture's profile means; a profile that is broken is as good as none."""
    profile = image.info.get("icc_profile")
    if image.mode == "LAB":
        return ImageCms.profileToProfile(image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"),
                                         outputMode="RGB") or image
    if not profile and "srgb" not in image.info:
        return _with_gamma(image)
    if not profile or image.mode not in ("RGB", "RGBA", "CMYK", "L") or b"sRGB" in profile[:4096]:
        return image
    with suppress(Exception):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"),
                                         outputMode="RGBA" if image.mode == "RGBA" else "RGB") or image
    return image


def _with_gamma(image: Image.Image) -> Image.Image:
    """The colours that a PNG's gamma means; what a screen has by itself, or what would leave nothing to see, changes nothing."""
    exponent = 1 / (float(image.info.get("gamma", 0) or USUAL_GAMMA) / USUAL_GAMMA)
    if abs(exponent - 1) < 0.05 or not 0.1 < exponent < 10 or image.mode not in ("L", "LA", "RGB", "RGBA"):
        return image
    table = [round(255 * (value / 255) ** exponent) for value in range(256)]
    of_alpha = list(range(256)) if image.mode in ("LA", "RGBA") else []
    return image.point(table * (len(image.getbands()) - bool(of_alpha)) + of_alpha)


def _from_deep(image: Image.Image, notes: list[str], name: str) -> Image.Image:
    """More than eight bits to eight, floating point from 0 to 1; what lies beyond that is stretched, which is noted."""
    values = np.asarray(image, dtype=np.float32)
    if image.mode.startswith("I;16") and getattr(image, "tag_v2", {}).get(PHOTOMETRIC) == 0:
        values = 65535.0 - values  # 0 is white
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    usual = 1.0 if image.mode == "F" else 65535.0 if high > 255 else 255.0
    if low >= 0 and high <= usual:
        low, high = 0.0, usual
    else:
        notes.append(f"“{name}” has values from {low:g} to {high:g}; they were stretched from black to white.")
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-30) * 255.0
    shallow = Image.fromarray(np.clip(scaled + 0.5, 0, 255).astype(np.uint8), mode="L")
    shallow.info = {name: image.info[name] for name in ("gamma", "srgb") if name in image.info}
    return shallow
