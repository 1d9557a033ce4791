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
from threading import Lock

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms, ImageFile, UnidentifiedImageError

from unrolled.models.inputs.film_colours import as_shown, colour_codes, in_srgb, is_usual, note_of
from unrolled.models.inputs.pixels_alone import pixels_alone, stored_orientation
from unrolled.models.inputs.wide_samples import Wide, is_clear_psd, wide_picture
from unrolled.models.trace.names import file_name, text_name

MARKS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"8BPS", b"\0\0\0\x0cjP  ",
         b"\xffO\xffQ", b"\0\0\1\0", b"P4", b"P5", b"P6")
"""What the files of pictures begin with, where it is the same for all of a kind."""

# None of these formats' readers starts a program or opens another file; TGA, which has no mark of its own, is tried last.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "PSD", "JPEG2000", "PPM", "ICO", "TGA")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".avif", ".tif", ".tiff", ".bmp", ".dib", ".psd",
            ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".ico", ".tga", ".heic", ".heif")
MOST_PIXELS = 128_000_000
MOST_JPEG_PIXELS = 400_000_000  # a JPEG is halved while it is read, and never held whole
ENOUGH_PIXELS = 40_000_000      # a larger picture is made smaller; the models see a fiftieth of it
ENOUGH_WIDE_PIXELS, MOST_WIDE_BYTES = 20_000_000, 300_000_000  # of one whose samples take more than a byte each
SHORTEST_SIDE = 8
LARGEST_FILE = 200 * 1024 * 1024  # bytes
USUAL_GAMMA = 1 / 2.2    # of files, as screens undo it
BITS, PHOTOMETRIC = 258, 262  # tags of a TIFF
JPEG_END, JPEG_SCAN, JPEG_TABLE = b"\xff\xd9", b"\xff\xda", b"\xff\xc4"
ANY_BITS = bytes((0xA5, 0x3C, 0x96)) * 40
FILLED_FORMATS = ("PNG", "GIF", "BMP", "PPM", "TGA", "PSD", "TIFF")  # whose readers can go on where the file ends
MOST_MISSING = 0.5  # of a cut picture; with less of it there is nothing to describe

UPRIGHT = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
           5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
           8: Image.Transpose.ROTATE_90}
"""What makes a picture upright, by its orientation as EXIF has it."""

_FILLING = Lock()

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
        if is_heic(data) and not open_formats(data):
            raise PictureError(f"“{name}” is a HEIC photograph, as phones write them; reading it needs one more package: "
                               "python -m pip install pillow-heif") from error
        if data.startswith(tuple(mark for mark in MARKS if len(mark) > 3)) or data[4:8] == b"ftyp":
            raise PictureError(f"“{name}” is a picture of a kind that cannot be read, or it is damaged or cut off.") from error
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
    is_jpeg = data.startswith(b"\xff\xd8")
    file, (data, orientation) = data, pixels_alone(data)
    try:
        image: Image.Image = Image.open(io.BytesIO(data), formats=open_formats(data) or ("PNG",))
    except UnidentifiedImageError:
        wide = wide_picture(data)
        if wide is None:
            raise
        _judge_size(wide.size, name, most=min(MOST_PIXELS, MOST_WIDE_BYTES * math.prod(wide.size) // max(wide.bytes, 1)))
        return upright(_from_wide(wide, notes, name), orientation)
    width, height = image.size
    _judge_size(image.size, name, most=MOST_JPEG_PIXELS if is_jpeg else MOST_PIXELS)
    if image.format != "PSD" and getattr(image, "is_animated", False):  # the composite of layers is the picture
        which = "its main one" if image.format == "HEIF" else "its first"
        holds = "holds several pictures" if image.format in ("TIFF", "HEIF") else "is an animation"
        notes.append(f"“{name}” {holds}; {which} is shown.")
    times_smaller = math.ceil(math.sqrt(width * height / ENOUGH_PIXELS))
    if is_jpeg:
        image = _load_jpeg(image, data, times_smaller, notes, name)
    else:
        image = _load(image, data, notes, name)
        orientation = orientation or orientation_of(image)
        if image.format == "PSD" and image.mode == "RGBA" and not is_clear_psd(data):
            image = image.convert("RGB")
    colours = colours_of(image, file)
    image = as_rgb(image, notes, name, times_smaller=1 if is_jpeg else times_smaller)
    if not is_usual(*colours):
        notes.extend(filter(None, (note_of(colours[1], name),)))
        image = Image.fromarray(in_srgb(np.asarray(image), *colours))
    if image.size != (width, height):
        notes.append(f"“{name}” has {width:,} × {height:,} pixels; it was read as {image.width:,} × {image.height:,}.")
    return upright(image, orientation)


def _judge_size(size: tuple[int, int], name: str, *, most: int) -> None:
    """Raise `PictureError` where there is too much to hold, or too little to see."""
    width, height = size
    if width * height > most:
        raise PictureError(f"“{name}” has {width:,} × {height:,} pixels; {most // 10**6} megapixels are the most that can be "
                           f"opened{'' if most == MOST_JPEG_PIXELS else f', {MOST_JPEG_PIXELS // 10**6} of a JPEG'}.")
    if min(size) < SHORTEST_SIDE:
        raise PictureError(f"“{name}” has only {width} × {height} pixels; there is nothing in it to describe.")


def _load_jpeg(image: Image.Image, data: bytes, times_smaller: int, notes: list[str], name: str) -> Image.Image:
    """The pixels, and a note where the file lacks any; a size between half and an eighth of it is decoded at once."""
    def opened(of: bytes) -> Image.Image:
        again = Image.open(io.BytesIO(of), formats=("JPEG",))
        if times_smaller > 1:
            scale = next((scale for scale in (2, 4) if scale >= times_smaller), 8)
            again.draft(None, (again.width // scale, again.height // scale))
        again.load()
        return again

    try:
        whole = opened(data)
        missing, lacks_end = 0.0, JPEG_END not in data
    except OSError:
        begun, lacks_end = _begun(data), True
        whole = opened(begun + JPEG_END)
        other = opened(begun + ANY_BITS + JPEG_END)  # what it changes, and all below, is missing
        rows = (np.asarray(whole) != np.asarray(other)).reshape(whole.height, -1).any(axis=1)
        missing = 1 - float(np.argmax(rows)) / whole.height if rows.any() else 0.0
    is_coarse = bool(image.info.get("progressive")) and data.count(JPEG_SCAN) > 1  # all of it is there, and not its details
    if missing > MOST_MISSING and not is_coarse:
        raise PictureError(f"“{name}” is damaged or cut off: more than half of it is missing.")
    if missing:
        notes.append(f"“{name}” is cut off: " + ("its finer details are missing." if is_coarse else
                                                 f"at most the last {max(missing, 0.01):.0%} of it are missing."))
    elif lacks_end:
        notes.append(f"“{name}” lacks its last bytes; " + ("its finest details may be missing." if is_coarse else
                                                           "the picture is whole."))
    return whole


def _begun(data: bytes) -> bytes:
    """A JPEG up to where it is cut off, or up to the table or header that is cut off there."""
    last = max(data.rfind(JPEG_TABLE), data.rfind(JPEG_SCAN))  # neither occurs among pixels
    is_whole = last + 2 + int.from_bytes(data[last + 2 : last + 4], "big") <= len(data)
    return (data if is_whole else data[:last]).rstrip(b"\xff")


def _load(image: Image.Image, data: bytes, notes: list[str], name: str) -> Image.Image:
    """The pixels, and a note where the file lacks any."""
    try:
        image.load()
        return image
    except OSError:
        if image.format not in FILLED_FORMATS:
            raise
    with _FILLING:
        ImageFile.LOAD_TRUNCATED_IMAGES = True  # Pillow's only switch for it
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            image.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    rows = np.asarray(image).reshape(image.height, image.width, -1)
    for end in (rows, rows[::-1]):  # what is missing is of one colour
        differs = (end != end[0, 0]).any(axis=(1, 2))
        if differs.any() and np.argmax(differs) < MOST_MISSING * image.height:
            continue
        raise PictureError(f"“{name}” is damaged or cut off: more than half of it is missing.")
    notes.append(f"“{name}” is cut off or damaged: what is missing of it was left blank.")
    return image


def upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def orientation_of(image: Image.Image) -> int:
    """How a picture lies, where its format keeps that in a place of its own."""
    if image.format == "TIFF":
        return 1  # Pillow has turned it already
    exif = image.info.get("exif", b"")
    return stored_orientation(exif.removeprefix(b"Exif\0\0")) if isinstance(exif, bytes) else 1


def colours_of(image: Image.Image, data: bytes) -> tuple[int, int]:
    """A picture's primaries and curve where they are not its profile's; a PNG's stand above its profile, which is forgotten."""
    codes = colour_codes(data)
    if is_usual(*codes) or ("icc_profile" in image.info and image.format != "PNG"):
        return 0, 0
    image.info = {key: value for key, value in image.info.items() if key not in ("gamma", "icc_profile")}
    return codes


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
    """More than eight bits to eight, clear where they are said to be."""
    values, tags = np.asarray(image), getattr(image, "tag_v2", {})
    bits = tags.get(BITS, (16,))[0] if image.mode.startswith("I;16") else 16
    if image.mode.startswith("I;16") and tags.get(PHOTOMETRIC) == 0:
        values = 65535 - values  # 0 is white
    shallow = Image.fromarray(_shallow(values, 1.0 if image.mode == "F" else 2.0**bits - 1, notes, name))
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        shallow.putalpha(Image.fromarray(np.where(np.asarray(image) == clear, 0, 255).astype(np.uint8)))
    shallow.info = {name: image.info[name] for name in ("gamma", "srgb", "icc_profile") if name in image.info}
    return shallow


def _from_wide(wide: Wide, notes: list[str], name: str) -> Image.Image:
    """The same of samples that Pillow has no mode for."""
    step = math.ceil(math.sqrt(math.prod(wide.size) / ENOUGH_WIDE_PIXELS))
    samples = wide.samples(np.asarray(wide.image))[::step, ::step]
    if step > 1:
        notes.append(f"“{name}” has {wide.size[0]:,} × {wide.size[1]:,} pixels; it was read as {samples.shape[1]:,} × "
                     f"{samples.shape[0]:,}.")
    values = _shallow(as_shown(samples) if wide.is_linear else samples, 2.0**wide.bits - 1 if wide.bits else 1.0, notes, name)
    shallow = Image.fromarray(np.squeeze(values))
    shallow.info = {name: wide.image.info[name] for name in ("icc_profile",) if name in wide.image.info}
    return as_rgb(shallow, notes, name)


def _shallow(values: np.ndarray, usual: float, notes: list[str], name: str) -> npt.NDArray[np.uint8]:
    """Samples from 0 to what is usual as eight bits; beyond it, or far below, they are stretched, which is noted."""
    values = values.astype(np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low >= 0 and high <= usual and (usual <= 255 or high > 255):
        low, high = 0.0, usual
    elif low >= 0 and high <= 255 < usual:
        low, high = 0.0, 255.0
        notes.append(f"“{name}” has values up to {high:g} where {usual:,.0f} would be white; 255 was taken as white.")
    else:
        notes.append(f"“{name}” has values from {low:g} to {high:g}; they were stretched from black to white.")
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) / max(high - low, 1e-30) * 255.0
    shown: npt.NDArray[np.uint8] = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return shown
