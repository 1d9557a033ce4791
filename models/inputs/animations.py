"""Read a file of pictures as a clip: an animated GIF, PNG, WebP or AVIF."""

import contextlib
import io

from PIL import Image, UnidentifiedImageError

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.frame_stack import FEWEST_FRAMES, MOST_FRAMES, Clip, FrameStack, too_long
from unrolled.models.inputs.picture_colours import as_rgb, colours_of
from unrolled.models.inputs.pictures import decoding, orientation_of, upright
from unrolled.models.inputs.pixels_alone import pixels_alone
from unrolled.models.inputs.wholeness import is_cut_off

MOST_ANIMATION_PIXELS = 600_000_000  # of all frames together: five seconds' work
ANIMATIONS = ("GIF", "PNG", "WEBP", "AVIF")
UNSAID_SECONDS = 0.1  # of a frame whose delay is 0, as browsers play it


def read_animation(data: bytes, name: str) -> Clip | None:
    """A file of pictures; None where it is none."""
    if data[4:12] == b"ftypavis" and is_cut_off(data, "mov"):
        return None  # what is left of it is read as a video's
    stack, seconds = FrameStack(name, MOST_ANIMATION_PIXELS), []
    try:
        whole, orientation = pixels_alone(data)
        with decoding(), Image.open(io.BytesIO(whole), formats=ANIMATIONS) as image:
            orientation = orientation or orientation_of(image)
            stack.colours = colours_of(image, data)
            kind, expected = image.format, 1 if image.format == "GIF" else getattr(image, "n_frames", 1)
            first = int(getattr(image, "default_image", False))  # what is shown where animations are not
            expected -= first
            if expected > MOST_FRAMES:
                raise too_long(name, expected)
            size, stack.expected = image.size, begun_frames(data) if kind == "GIF" else expected
            stack.begin(*size, stack.expected)
            with contextlib.suppress(EOFError):
                for number in range(first, first + MOST_FRAMES + 1):
                    image.seek(number)
                    stack.begin(*image.size)  # a GIF's frame may reach beyond the picture, and is cut off there
                    frame = as_rgb(image, stack.notes, name)
                    stack.add(upright(frame if frame.size == size else frame.crop((0, 0, *size)), orientation))
                    seconds.append(float(image.info.get("duration", 0) or 0) / 1000 or UNSAID_SECONDS)
    except UnidentifiedImageError:
        return None
    except ReadingError:
        raise
    except Exception as error:  # every format's reader has errors of its own
        if len(stack.frames) < FEWEST_FRAMES:
            raise ReadingError(f"“{name}” is damaged or cut off and cannot be read.") from error
        stack.cut_off(expected)
    else:
        is_cut = {"GIF": not data.rstrip(b"\0").endswith(b";"), "WEBP": 8 + int.from_bytes(data[4:8], "little") > len(data)}
        if len(stack.frames) < expected or is_cut.get(kind or ""):
            stack.cut_off(0 if kind == "WEBP" else expected)  # of a WebP those are counted that are there
    return stack.clip(seconds)


def begun_frames(data: bytes, most: int = MOST_FRAMES) -> int:
    """How many frames a GIF has, found without decoding them; one more than the most where there are more."""
    place, frames = 13 + _table_length(data, 10), 0
    while frames <= most and data[place : place + 1] in (b"!", b","):
        if data[place] == ord(","):
            frames += 1
            place += 9 + _table_length(data, place + 9)
        place += 2
        while place < len(data) and data[place]:  # blocks, each behind its length
            place += 1 + data[place]
        place += 1
    return frames


def _table_length(data: bytes, place: int) -> int:
    """Bytes of the table of colours that a GIF's flags announce; of no table 0."""
    flags = int.from_bytes(data[place : place + 1], "big")
    return 3 * 2 ** (1 + flags % 8) if flags & 0x80 else 0
