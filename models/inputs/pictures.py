"""Read a photograph's file, whatever it is, into an upright RGB picture, or say in one sentence why not.

Window and backend read the same bytes with this same function, so what is drawn is what the model saw. What the pixels
do not need cannot cost the picture: of metadata nothing but the orientation and the colour profile is looked at, and
either may be broken.
"""

import io
import math
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import reduce
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops, ImageFile, PngImagePlugin, UnidentifiedImageError

from unrolled.models.inputs.cut_files import FILLS, MOST_TIMES, filled, is_cut, is_fillable, lengths_in_words, promised_length
from unrolled.models.inputs.files import LARGEST_FILE, ReadingError, read_file
from unrolled.models.inputs.film_colours import in_srgb, is_usual, note_of
from unrolled.models.inputs.interlaced import passes_of, without_gaps
from unrolled.models.inputs.marks import begins_late, is_marked, other_kind
from unrolled.models.inputs.photoshop import MARK as PHOTOSHOP
from unrolled.models.inputs.photoshop import NoCompositeError, read_photoshop
from unrolled.models.inputs.picture_colours import as_rgb, colours_of
from unrolled.models.inputs.pixels_alone import MOST_PROFILE, pixels_alone, stored_orientation
from unrolled.models.inputs.samples import Samples
from unrolled.models.inputs.tiff import MARKS as TIFF_MARKS
from unrolled.models.inputs.tiff import read_tiff
from unrolled.models.trace.names import file_name
from unrolled.models.trace.streams import libraries_silent

# None of these formats' readers starts a program or opens another file; TGA, which has no mark of its own, is tried last.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "AVIF", "TIFF", "BMP", "JPEG2000", "PPM", "ICO", "DIB", "TGA")
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".avif", ".tif", ".tiff", ".bmp", ".dib", ".psd",
            ".psb", ".jp2", ".ppm", ".pgm", ".pbm", ".pnm", ".ico", ".tga", ".heic", ".heif")
MOST_PIXELS = 256_000_000       # a gigabyte while it is decoded
MOST_JPEG_PIXELS = 400_000_000  # a JPEG is halved while it is read, and never held whole
MOST_WEBP_PIXELS = 140_000_000  # Pillow holds a WebP four times, with its transparency
ENOUGH_PIXELS = 40_000_000      # a larger picture is made smaller; the models see a fiftieth of it
ENOUGH_SAMPLED = 20_000_000     # of one whose samples may take eight bytes each
SHORTEST_SIDE = 8
LARGEST_READ = 3 * 2**29  # bytes that are looked through
REDUCED = 254       # a tag of a TIFF
JPEG_END, JPEG_SCAN, JPEG_TABLE = b"\xff\xd9", b"\xff\xda", b"\xff\xc4"
ANY_BITS = bytes((0xA5, 0x3C, 0x96)) * 40
MOST_MISSING = 0.9  # of a cut picture; with less of it there is nothing to describe
GREY: dict[str, int | tuple[int, ...]] = {"L": 128, "RGB": (128, 128, 128), "RGBA": (128, 128, 128, 255)}
"""What is seen in place of what is missing, by a picture's mode."""
ROWS = 256          # compared at a time
SIZE_BOX, LARGEST_HEAD = re.compile(rb"ispe\0{4}(.{8})", re.DOTALL), 2**20  # of an AVIF or HEIC: ISO/IEC 23008-12, 6.5.3
KEPT = b"Unrolled kept of a larger file: "

UPRIGHT = {2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
           5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
           8: Image.Transpose.ROTATE_90}
"""What makes a picture upright, by its orientation as EXIF has it."""

_DECODING = Lock()

Image.MAX_IMAGE_PIXELS = MOST_JPEG_PIXELS // 2  # Pillow refuses twice as many, in places where a size changes while it reads

PngImagePlugin.MAX_TEXT_CHUNK = MOST_PROFILE  # profiles of printers are larger than Pillow's megabyte; no text comes to it

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # sizes are judged here


class Picture(NamedTuple):
    image: Image.Image      # upright, mode RGB
    notes: tuple[str, ...]  # what was done to it that a person should know, a sentence each


@contextmanager
def decoding() -> Iterator[None]:
    """While Pillow decodes: its switch for files that are cut, and Python's for warnings, are the whole process's. What it warns
    of is judged here, and metadata that is off harms nobody.
    """
    with _DECODING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def picture_bytes(path: Path) -> bytes:
    """The bytes of a picture's file; of one so large that sessions and traces could not hold it, what is shown of it as a JPEG
    that says so. Raises `ReadingError`.
    """
    data = read_file(path, most=LARGEST_READ)
    if len(data) <= LARGEST_FILE:
        return data
    picture, stream = read_picture(data, file_name(path)), io.BytesIO()
    picture.image.save(stream, "JPEG", quality=95, comment=KEPT + "\n".join(picture.notes).encode())
    return stream.getvalue()


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
    ReadingError
        When it is not a picture, cut so short that nothing of it can be shown, damaged, too small to see anything in, or too
        large to hold.
    """
    if not data:
        raise ReadingError(f"“{name}” is empty.")
    notes: list[str] = []
    try:
        with decoding():
            return Picture(_decode(data, name, notes), tuple(notes))
    except ReadingError:
        raise
    except Image.DecompressionBombError as error:
        raise ReadingError(f"“{name}” has too many pixels; {MOST_PIXELS // 10**6} megapixels are the most that can be opened, "
                           f"{MOST_JPEG_PIXELS // 10**6} of a JPEG.") from error
    except MemoryError as error:
        raise ReadingError(f"There is not enough memory to open “{name}”.") from error
    except NoCompositeError as error:
        raise ReadingError(f"“{name}” holds only its layers; save it in Photoshop with “Maximize Compatibility”.") from error
    except Exception as error:  # every format's reader has errors of its own
        raise ReadingError(_why_not(data, name, error)) from error


def _why_not(data: bytes, name: str, error: Exception) -> str:
    is_unknown = isinstance(error, UnidentifiedImageError)
    other = other_kind(data)
    if other:
        return f"“{name}” is {other}, not a picture that can be read here; save it as JPEG or PNG."
    if is_heic(data) and not open_formats(data):
        return (f"“{name}” is a HEIC photograph, as phones write them; reading it needs one more package: "
                "python -m pip install pillow-heif")
    if is_unknown and data[4:8] == b"ftyp":  # its reader refuses a size, and does not say so
        sizes = (struct.unpack(">2I", found) for found in SIZE_BOX.findall(data[:LARGEST_HEAD]))
        _judge_size(max(sizes, key=math.prod, default=(SHORTEST_SIDE, SHORTEST_SIDE)), name)
    if is_unknown and not is_marked(data):
        return f"“{name}” is not a picture that can be read."
    if is_cut(data, error):
        return f"“{name}” is cut short: {lengths_in_words(data)}, too few to show anything of it."
    return f"“{name}” is damaged, or of a kind that cannot be read." if is_unknown else f"“{name}” is damaged and cannot be read."


def is_heic(data: bytes) -> bool:
    """Whether it is a photograph in HEVC, which Pillow reads only with another package's help."""
    brands = data[8:64]
    return data[4:8] == b"ftyp" and b"avif" not in brands and brands[:4] in (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx",
                                                                             b"mif1", b"msf1")


def open_formats(data: bytes) -> tuple[str, ...]:
    if not is_heic(data):
        return FORMATS
    with suppress(ImportError):
        from pillow_heif import register_heif_opener

        register_heif_opener()
        return ("HEIF",)
    return ()


def _decode(data: bytes, name: str, notes: list[str]) -> Image.Image:
    def step_of(width: int, height: int) -> int:
        _judge_size((width, height), name)
        return math.ceil(math.sqrt(width * height / ENOUGH_SAMPLED))

    if data.startswith(PHOTOSHOP):
        return _from_samples(read_photoshop(data, step_of), data, notes, name)
    try:
        return _by_pillow(data, name, notes)
    except ReadingError:
        raise
    except Exception:
        late = begins_late(data)
        if late and not other_kind(data):
            notes.append(f"“{name}” has {late:,} bytes in front of the picture, which were skipped.")
            return _by_pillow(data[late:], name, notes)
        if not data.startswith(TIFF_MARKS):
            raise
    return _from_samples(read_tiff(data, step_of), data, notes, name)


def _by_pillow(data: bytes, name: str, notes: list[str]) -> Image.Image:
    image, orientation = (_load_jpeg if data.startswith(b"\xff\xd8") else _load)(data, notes, name)
    kept = re.search(KEPT + rb"(.*?)\xff", data[:4096], re.DOTALL)
    if kept is not None:
        notes.extend(kept[1].decode(errors="replace").splitlines())
    if getattr(image, "is_animated", False):
        which = "its main one" if image.format == "HEIF" else "its first"
        holds = "holds several pictures" if image.format in ("TIFF", "HEIF") else "is an animation"
        notes.append(f"“{name}” {holds}; {which} is shown.")
    if image.format == "TIFF" and getattr(image, "tag_v2", {}).get(REDUCED) == 1:
        notes.append(f"“{name}” is shown by the small preview in it, as raw photographs have one.")
    size, colours = image.size, colours_of(image, data)
    image = as_rgb(image, notes, name, times_smaller=math.ceil(math.sqrt(math.prod(size) / ENOUGH_PIXELS)))
    if not is_usual(*colours):
        notes.extend(filter(None, (note_of(colours[1], name),)))
        image = Image.fromarray(in_srgb(np.asarray(image), *colours))
    if image.size != size:
        notes.append(_smaller(name, size, image))
    return upright(image, orientation)


def _judge_size(size: tuple[int, int], name: str, *, most: int = MOST_PIXELS) -> None:
    """Raise `ReadingError` where there is too much to hold, or too little to see."""
    width, height = size
    if width * height > most:
        others = {MOST_JPEG_PIXELS: "", MOST_WEBP_PIXELS: " of a WebP"}.get(most, f", {MOST_JPEG_PIXELS // 10**6} of a JPEG")
        raise ReadingError(f"“{name}” has {width:,} × {height:,} pixels; {most // 10**6} megapixels are the most that can be "
                           f"opened{others}.")
    if min(size) < SHORTEST_SIDE:
        raise ReadingError(f"“{name}” has only {width} × {height} pixels; there is nothing in it to describe.")


def _load_jpeg(file: bytes, notes: list[str], name: str) -> tuple[Image.Image, int]:
    """What `_load` gives; a size between half and an eighth of it is decoded at once, and never the whole of it held."""
    data, orientation = pixels_alone(file)

    def opened(of: bytes) -> Image.Image:
        image = Image.open(io.BytesIO(of), formats=("JPEG",))
        size = image.size
        _judge_size(size, name, most=MOST_JPEG_PIXELS)
        times_smaller = math.sqrt(math.prod(size) / ENOUGH_PIXELS)
        if times_smaller > 1:
            scale = next((scale for scale in (2, 4) if scale >= times_smaller), 8)
            image.draft(None, (image.width // scale, image.height // scale))
        image.load()
        if image.size != size:
            notes[:] = [_smaller(name, size, image)]
        return image

    try:
        whole = opened(data)
        missing, lacks_end = 0.0, JPEG_END not in data
    except OSError:
        begun, lacks_end = _begun(data), True
        whole = opened(begun + JPEG_END)
        missing = _differing(whole, opened(begun + ANY_BITS + JPEG_END))  # what it changes, and all below, is missing
    is_coarse = bool(whole.info.get("progressive")) and data.count(JPEG_SCAN) > 1  # all of it is there, and not its details
    if missing or lacks_end:
        coarsely = "its finer details are missing" if missing else "its finest details may be missing"
        _note_missing(min(missing, MOST_MISSING if is_coarse else 1), file, notes, name, coarsely if is_coarse else "")
    return whole, orientation


def _begun(data: bytes) -> bytes:
    """A JPEG up to where it is cut off, or up to the table or header that is cut off there."""
    last = max(data.rfind(JPEG_TABLE), data.rfind(JPEG_SCAN))  # neither occurs among pixels
    is_whole = last + 2 + int.from_bytes(data[last + 2 : last + 4], "big") <= len(data)
    return (data if is_whole else data[:last]).rstrip(b"\xff")


def _load(file: bytes, notes: list[str], name: str) -> tuple[Image.Image, int]:
    """The pixels and the orientation; a note where the file lacks any."""
    try:
        if is_heic(file) and is_cut(file):
            raise EOFError("libheif leaves out what is not there, and says nothing")
        return _opened(file, name)
    except ReadingError:
        raise
    except Exception as error:
        fillable, too_little = is_fillable(file), not is_cut(file) or promised_length(file) > MOST_TIMES * len(file)
        if too_little if fillable else isinstance(error, UnidentifiedImageError) or file.startswith(TIFF_MARKS):
            raise
        return (_filled_in if fillable else _as_far_as_it_goes)(file, notes, name, error)


def _opened(file: bytes, name: str) -> tuple[Image.Image, int]:
    data, orientation = pixels_alone(file)
    image = Image.open(io.BytesIO(data), formats=open_formats(data) or ("PNG",))
    _judge_size(image.size, name, most=MOST_WEBP_PIXELS if image.format == "WEBP" else MOST_PIXELS)
    with libraries_silent() if image.format == "TIFF" else nullcontext():  # libtiff has a voice of its own
        image.load()
    return image, orientation or orientation_of(image)


def _filled_in(file: bytes, notes: list[str], name: str, error: Exception) -> tuple[Image.Image, int]:
    """A cut file, decoded twice with two different things in place of the missing bytes: what differs is missing."""
    found: list[tuple[Image.Image, int]] = []
    for fill in FILLS:  # not everything is taken by every decoder
        with suppress(Exception):
            found += [_opened(filled(file, fill), name)] if len(found) < 2 else []
    if not found:
        raise error
    image, orientation = found[0]
    missing = _differing(image, found[1][0]) if len(found) > 1 else 1 - len(file) / max(promised_length(file), len(file))
    if image.format == "JPEG2000":
        _note_missing(min(missing, MOST_MISSING), file, notes, name, "details of it, or its end, are missing")
        return image, orientation
    _note_missing(missing, file, notes, name)
    for box in _strips(image) if len(found) > 1 and image.mode in GREY else ():
        differing = ImageChops.difference(image.crop(box), found[1][0].crop(box))
        bands = differing.point(([0] + [255] * 255) * len(image.getbands())).split()
        image.paste(GREY[image.mode], box, mask=reduce(ImageChops.lighter, bands))
    return image, orientation


def _as_far_as_it_goes(file: bytes, notes: list[str], name: str, error: Exception) -> tuple[Image.Image, int]:
    """What there is of a cut file."""
    ImageFile.LOAD_TRUNCATED_IMAGES = True  # Pillow's only switch for it
    try:
        image, orientation = _opened(file, name)
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    passes = passes_of(file)
    if passes:
        image = without_gaps(image, passes)
    ends = image, image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    blank = 1 - min(_differing(end) for end in ends)  # what is missing is of one colour
    _note_missing(blank, file, notes, name,
                  "its finer details are missing" if passes else "what is missing of it was left blank", error)
    return image, orientation


def _differing(one: Image.Image, other: Image.Image | None = None) -> float:
    """The part of all rows from the first that differs from another picture's, or else from its first pixel."""
    first = one.crop((0, 0, 1, 1))
    for box in _strips(one):
        strip = one.crop(box)
        if other is None and strip.getextrema() == first.getextrema():
            continue  # as most are where most is missing
        beside = np.asarray(other.crop(box) if other else first)
        rows = (np.asarray(strip) != beside).reshape(box[3] - box[1], -1).any(axis=1)
        if rows.any():
            return 1 - (box[1] + int(np.argmax(rows))) / one.height
    return 0.0


def _strips(image: Image.Image) -> list[tuple[int, int, int, int]]:
    return [(0, top, image.width, min(top + ROWS, image.height)) for top in range(0, image.height, ROWS)]


def _note_missing(missing: float, data: bytes, notes: list[str], name: str, what: str = "", error: object = "",
                  needed: int = 0) -> None:
    """Say which part of a picture, from 0 to 1, is not in its file; raise where too little is."""
    is_short = needed > len(data) or is_cut(data, error)
    if missing > MOST_MISSING:
        raise ReadingError(f"“{name}” is " + (f"cut short: {lengths_in_words(data, needed)}, too few to show anything of it."
                                              if is_short else "damaged and cannot be read."))
    what = what or (f"at most the last {max(missing, 0.01):.0%} of it is missing" if missing else "what is shown is whole")
    notes.append(f"“{name}” is " + (f"cut short: {lengths_in_words(data, needed)}; " if is_short else "damaged: ") + f"{what}.")


def _smaller(name: str, size: tuple[int, int], image: Image.Image) -> str:
    return f"“{name}” has {size[0]:,} × {size[1]:,} pixels; it was read as {image.width:,} × {image.height:,}."


def upright(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(UPRIGHT[orientation]) if orientation in UPRIGHT else image


def orientation_of(image: Image.Image) -> int:
    """How a picture lies, where its format keeps that in a place of its own."""
    if image.format == "TIFF":
        return 1  # Pillow has turned it already
    exif = image.info.get("exif", b"")
    return stored_orientation(exif.removeprefix(b"Exif\0\0")) if isinstance(exif, bytes) else 1


def _from_samples(read: tuple[Samples, tuple[int, int], int], data: bytes, notes: list[str], name: str) -> Image.Image:
    """The same of what Pillow has no mode for."""
    samples, size, orientation = read
    if samples.missing:
        _note_missing(samples.missing, data, notes, name, needed=samples.needed)
    image = as_rgb(samples.picture(notes, name), notes, name)
    if image.size != size:
        notes.append(_smaller(name, size, image))
    return upright(image, orientation)
