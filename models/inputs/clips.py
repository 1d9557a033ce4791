"""Read a clip, an animation, a video or a folder of frames, or say in one sentence why not.

Window and backend read the same bytes with this same function, so what is drawn is what the model saw. Every frame is
made upright, laid on white and brought to eight bits as a picture is. What would take long or much memory is refused
before it is read. Nothing that a file names is followed: a video is read from bytes, by the one reader that its first
bytes ask for. It knows neither torch nor Qt.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import math
import re
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from unrolled.models.inputs.film_colours import in_srgb, is_usual, note_of
from unrolled.models.inputs.pictures import SUFFIXES as PICTURE_SUFFIXES
from unrolled.models.inputs.pictures import PictureError, as_rgb, colours_of, orientation_of, read_file, read_picture, upright
from unrolled.models.inputs.pixels_alone import pixels_alone
from unrolled.models.inputs.sniffing import head_of, media_of, video_format
from unrolled.models.inputs.wholeness import is_cut_off
from unrolled.models.trace.names import file_name

Frames = npt.NDArray[np.uint8]

FEWEST_FRAMES = 2
MOST_FRAMES = 512
LONGEST_SIDE = 320  # pixels that are kept of a frame; the models see fewer, and a screen shows a clip small
SHORTEST_SIDE = 8
MOST_PIXELS = 4096 * 2304               # of a frame
MOST_ANIMATION_PIXELS = 600_000_000     # of all frames together: five seconds' work
MOST_VIDEO_PIXELS = 2_500_000_000
SUFFIXES = (".gif", ".mp4", ".webm", ".mov", ".mkv", ".avi", ".m4v", ".webp", ".apng", ".mpg", ".mpeg", ".3gp", ".3g2", ".ts",
            ".mts", ".m2ts", ".flv", ".ogv", ".wmv")
FRAME_HEAD = 4096  # bytes of a file that tell whether it is a picture
SOUND = re.compile(rb"ID3|fLaC|RIFF....WAVE|\xff[\xfb\xf3\xf2\xf1\xf9]", re.DOTALL)
ANIMATIONS = ("GIF", "PNG", "WEBP", "AVIF")
USUAL_SECONDS = 0.04
UNSAID_SECONDS = 0.1  # of a frame whose delay is 0, as browsers play it
REORDERED = 8  # so many frames at the end may lack those that stand between them, and would come later in the file
GUESSED = ("mpegts", "mpeg", "mpegvideo", "flv", "asf")  # how many frames there are, of the times that they have
AVI_HEAD = 8  # bytes of a file that each of an AVI's frames takes at least
UNEVEN = 2.0  # the longest frame lasts so many times as long as the shortest
HD, UNSAID = (1280, 720), 2  # pixels from where a film is one of BT.709 if it does not say; the number of "unspecified" in H.273
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own leave out what can be seen through

TURNED: dict[tuple[int, ...], Image.Transpose] = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270, (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180, (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM, (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE}
"""What a display matrix asks for, by the signs of its first two rows and columns."""


class ClipError(ValueError):
    """A clip that cannot be used: one sentence for people."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames in order.

    Attributes
    ----------
    frames : array of uint8, shape (T, height, width, 3)
        RGB.
    seconds : tuple of float
        How long each frame is shown, as the file says; empty where it does not.
    notes : tuple of str
        What was done to it that a person should know, a sentence each.
    """

    frames: Frames
    seconds: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def seconds_a_frame(self) -> float:
        return sum(self.seconds) / len(self.seconds) if sum(self.seconds) > 0 else USUAL_SECONDS


def clip_bytes(path: Path) -> bytes:
    """The bytes of a clip's file; those of a folder of frames packed as one NumPy array. Raises `ClipError` when it is
    missing, unreadable, far too long, or a folder without frames that fit together.
    """
    if path.is_dir():
        return _pack_folder(path)
    if path.is_file():
        _refuse_long(path)
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


class _Stack:
    """Frames of one size, made smaller where they are large.

    Parameters
    ----------
    name : str
        For the sentence of an error.
    most_pixels : int
        Of all frames together.
    """

    def __init__(self, name: str, most_pixels: int) -> None:
        self._name, self._most_pixels = name, most_pixels
        self._size = (0, 0)
        self.colours = (0, 0)  # primaries and curve, in the numbers of ITU-T H.273
        self.frames: list[Frames] = []
        self.notes: list[str] = []

    def begin(self, width: int, height: int) -> int:
        """Judge the frames' size before they are decoded; how many of them can be read."""
        if min(width, height) < SHORTEST_SIDE:
            raise ClipError(f"The frames of “{self._name}” have only {width} × {height} pixels; there is nothing to see.")
        if width * height > MOST_PIXELS:
            raise ClipError(f"The frames of “{self._name}” have {width:,} × {height:,} pixels; {MOST_PIXELS / 1e6:.0f} "
                            "megapixels are the most that can be read. Make it smaller.")
        return min(MOST_FRAMES, self._most_pixels // (width * height))

    def add(self, picture: Image.Image) -> None:
        if not self.frames:
            self._size = picture.size
        if picture.size != self._size:
            raise ClipError(f"The frames of “{self._name}” differ in size: the first has {self._size[0]} × {self._size[1]} "
                            f"pixels, number {len(self.frames) + 1} has {picture.width} × {picture.height}.")
        if len(self.frames) >= self.begin(*self._size):
            raise ClipError(f"“{self._name}” has more than {len(self.frames)} frames of {self._size[0]:,} × {self._size[1]:,} "
                            "pixels, which is the most that can be read; cut a part out of it"
                            f"{'.' if len(self.frames) == MOST_FRAMES else ', or make it smaller.'}")
        if max(picture.size) > LONGEST_SIDE:
            picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.BOX)
        pixels = np.asarray(picture)
        if not is_usual(*self.colours):  # which takes long on large frames
            pixels = in_srgb(pixels, *self.colours)
            self.notes.extend(filter(None, (note_of(self.colours[1], self._name),)))
        self.frames.append(pixels)

    def clip(self, seconds: Iterable[float] = ()) -> Clip:
        if not self.frames:
            raise ClipError(f"“{self._name}” has no frames.")
        height, width = self.frames[0].shape[:2]
        if self._size != (width, height):
            self.notes.append(f"The frames of “{self._name}” were reduced from {self._size[0]} × {self._size[1]} to "
                              f"{width} × {height}.")
        lasts = tuple(seconds)[: len(self.frames)]
        but_the_last = lasts[:-1]
        if but_the_last and max(but_the_last) > UNEVEN * max(min(but_the_last), 1e-3):
            self.notes.append(f"The frames of “{self._name}” last from {min(but_the_last):.2g} to {max(but_the_last):.2g} "
                              "seconds; the model takes them as even steps.")
        return Clip(np.stack(self.frames), lasts, tuple(dict.fromkeys(self.notes)))

    def cut_off(self, expected: int = 0) -> None:
        """Note that there should be more."""
        read = len(self.frames)
        self.notes.append(f"“{self._name}” is cut off or damaged: " + (
            f"{read} of its {expected} frames can be read." if expected > read else
            f"all of its {read} frames can be read." if expected == read else f"its first {read} frames can be read."))


def _animation(data: bytes, name: str) -> Clip | None:
    """A file of pictures; None where it is none."""
    if data[4:12] == b"ftypavis" and is_cut_off(data, "mov"):
        return None  # what is left of it is read as a video's
    stack, seconds = _Stack(name, MOST_ANIMATION_PIXELS), []
    try:
        whole, orientation = pixels_alone(data)
        with Image.open(io.BytesIO(whole), formats=ANIMATIONS) as image:
            orientation = orientation or orientation_of(image)
            stack.colours = colours_of(image, data)
            stack.begin(*image.size)
            kind, expected = image.format, 1 if image.format == "GIF" else getattr(image, "n_frames", 1)
            first = int(getattr(image, "default_image", False))  # what is shown where animations are not
            expected -= first
            if expected > MOST_FRAMES:
                raise _too_long(name, expected)
            with contextlib.suppress(EOFError):
                for number in range(first, first + MOST_FRAMES + 1):
                    image.seek(number)
                    stack.begin(*image.size)  # a GIF may grow
                    stack.add(upright(as_rgb(image, stack.notes, name), orientation))
                    seconds.append(float(image.info.get("duration", 0) or 0) / 1000 or UNSAID_SECONDS)
    except UnidentifiedImageError:
        return None
    except ClipError:
        raise
    except Exception as error:  # every format's reader has errors of its own
        if len(stack.frames) < FEWEST_FRAMES:
            raise ClipError(f"“{name}” is damaged or cut off and cannot be read.") from error
        stack.cut_off(expected)
    else:
        is_cut = {"GIF": not data.rstrip(b"\0").endswith(b";"), "WEBP": 8 + int.from_bytes(data[4:8], "little") > len(data)}
        if len(stack.frames) < expected or is_cut.get(kind or ""):
            stack.cut_off(expected)
    return stack.clip(seconds)


def _video(data: bytes, name: str, *, is_again: bool = False) -> Clip:
    stack, times, ends, expected, broken, is_reordered = _Stack(name, MOST_VIDEO_PIXELS), [], 0.0, 0, [], False
    is_cut = is_again or is_cut_off(data, video_format(data[:4096]))
    try:
        with _opened(io.BytesIO(data), data[:4096], name) as container:
            stream, expected = _stream_of(container, name)
            stack.colours = stream.codec_context.color_primaries, stream.codec_context.color_trc
            stack.begin(stream.width, stream.height)
            for frame in _decoded(container, stream):
                stack.begin(frame.width, frame.height)
                broken.append(frame.is_corrupt)
                stack.add(as_rgb(_picture_of(frame, stream), stack.notes, name))
                is_reordered = stream.codec_context.has_b_frames
                if frame.pts is not None:
                    times.append(float(frame.pts * stream.time_base))
                    ends = times[-1] + float((frame.duration or 0) * stream.time_base)
    except ClipError:
        raise
    except MemoryError as error:
        raise ClipError(f"There is not enough memory to open “{name}”.") from error
    except Exception as error:  # FFmpeg's errors are of many kinds
        if is_cut and not is_again and not stack.frames and b"moof" in data:  # a cut table of fragments costs all before it
            return _video(data[: data.rindex(b"moof") - 4], name, is_again=True)
        if len(stack.frames) < FEWEST_FRAMES and not is_cut:
            raise ClipError(f"“{name}” is not a clip that can be read, or it is damaged.") from error
        is_cut = True
    if is_cut and len(stack.frames) < FEWEST_FRAMES:
        raise ClipError(f"“{name}” is cut off or damaged: too little is left of it to be read.")
    if is_cut or any(broken[broken.index(False) :] if False in broken else broken):  # a broadcast may begin with broken ones
        stack.cut_off(0 if b"moof" in data else expected)  # of fragments only those are known that are there
    elif is_cut is None and is_reordered and _lacks_times(times):
        stack.notes.append(f"“{name}” may be cut off: times of frames are missing near its end.")
    if len(times) != len(stack.frames) or len(times) < FEWEST_FRAMES:
        return stack.clip()
    if min(np.diff(times)) <= 0:  # MPEG gives some frames no time, and FFmpeg guesses
        times = np.linspace(times[0], max(times), len(times)).tolist()
    gaps = np.diff(times)
    lasts = np.append(gaps, ends - times[-1] if ends > times[-1] else gaps[-1])
    return stack.clip(lasts.tolist())


def _lacks_times(times: Sequence[float]) -> bool:
    """Whether frames that came evenly have whole multiples of their time between them at the very end alone."""
    gaps = np.diff(times)
    before, last = gaps[:-REORDERED], gaps[-REORDERED:]
    if len(before) < REORDERED or before.min() <= 0 or before.max() > 1.1 * before.min():
        return False
    frames = last / np.median(before)
    return bool(frames.max() > 1.5 and np.abs(frames - frames.round()).max() < 0.1)


def _opened(file: BinaryIO, head: bytes, name: str) -> Any:
    """A video, by the reader that its first bytes ask for and no other; whatever else it wants opened is refused."""
    import av

    kind = video_format(head)
    if SOUND.match(head):
        raise ClipError(f"“{name}” holds no video.")
    if not kind:
        raise ClipError(f"“{name}” is not a clip that can be read, or it is damaged.")

    def refuse(*_: object) -> None:
        raise PermissionError("a clip may not open another file")

    return av.open(file, format=kind, metadata_errors="replace", io_open=refuse,
                   options={"protocol_whitelist": "none", "format_whitelist": kind})


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Every frame that can be decoded, those too that a decoder held back; the first error is raised behind them."""
    import av

    decoder = ALPHA_DECODERS.get(stream.codec_context.name) if stream.metadata.get("alpha_mode") == "1" else None
    context = av.CodecContext.create(decoder, "r") if decoder in av.codecs_available else stream.codec_context
    errors: list[Exception] = []

    def packets() -> Iterator[Any]:
        try:
            yield from container.demux(stream)  # the last one is empty, and asks for what was held back
        except av.error.FFmpegError as error:
            errors.append(error)
            yield None

    for packet in packets():
        if packet is not None and packet.is_corrupt and container.format.name == "mov":  # the file ends within it
            errors.append(EOFError("a frame is cut off"))
            continue
        try:
            frames = context.decode(packet)
        except av.error.FFmpegError as error:
            errors.append(error)
        else:
            yield from frames
    if errors:
        raise errors[0]


def _picture_of(frame: Any, stream: Any) -> Image.Image:
    """A frame as a player shows it: turned, with square pixels, and seen through where it is."""
    is_large = frame.width >= HD[0] or frame.height >= HD[1]
    matrix = "ITU709" if is_large and frame.colorspace == UNSAID and not frame.format.is_rgb else None  # as players do
    if any(component.is_alpha for component in frame.format.components):
        picture = Image.fromarray(frame.reformat(format="rgba", src_colorspace=matrix).to_ndarray())
    else:
        picture = frame.to_image(src_colorspace=matrix)
    aspect = float(stream.sample_aspect_ratio or 1)
    if 0.1 < aspect < 10 and abs(aspect - 1) > 0.01:
        picture = picture.resize((max(round(picture.width * aspect), 1), picture.height), Image.Resampling.BOX)
    turn = TURNED.get(_display_signs(frame))
    return picture.transpose(turn) if turn is not None else picture


def _display_signs(frame: Any) -> tuple[int, ...]:
    """The signs of a display matrix's first two rows and columns; empty without one."""
    from av.sidedata.sidedata import Type

    matrix = frame.side_data.get(Type.DISPLAYMATRIX)
    if matrix is None or matrix.buffer_size < 36:
        return ()
    values = struct.unpack("=9i", bytes(matrix)[:36])
    largest = max(abs(values[place]) for place in (0, 1, 3, 4))
    return tuple(round(values[place] / largest) if largest else 0 for place in (0, 1, 3, 4))


def _refuse_long(path: Path) -> None:
    """Look at a video's first bytes only: its length stands there. What else is wrong with it is said when it is read."""
    long = ""
    with contextlib.suppress(Exception), path.open("rb") as file:
        head = file.read(4096)
        file.seek(0)
        name = file_name(path)
        if video_format(head):
            with _opened(file, head, name) as container:
                try:
                    _stream_of(container, name)
                except ClipError as error:
                    long = str(error)
    if long:
        raise ClipError(long)


def _stream_of(container: Any, name: str) -> tuple[Any, int]:
    """The video of a file that is not too long, and how many frames it should have; 0 where its head does not say."""
    import av
    from av.stream import Disposition

    videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not videos:
        raise ClipError(f"“{name}” holds no video{', only a cover picture.' if container.streams.video else '.'}")
    stream = max(videos, key=lambda stream: stream.frames)  # an AVIF has its first frame a second time
    says = stream.frames if container.format.name != "avi" or AVI_HEAD * stream.frames < container.size else 0
    seconds = container.duration / av.time_base if container.duration and (says or container.format.name != "avi") else 0.0
    guess = seconds * float(stream.average_rate or 0)
    expected = says or (round(guess) if math.isfinite(guess) else 0)
    if expected > MOST_FRAMES and not says:  # frames that come unevenly are fewer than that
        packets = sum(packet.size > 0 for packet in itertools.islice(container.demux(stream), MOST_FRAMES + 1))
        expected = expected if packets > MOST_FRAMES else packets
        container.seek(0)
    if expected > MOST_FRAMES:
        raise _too_long(name, expected, seconds)
    knows = container.format.name not in GUESSED and len(container.streams) == 1
    return stream, expected if says or knows else 0


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
    name = file_name(folder)
    try:
        paths = sorted((path for path in folder.iterdir() if path.is_file() and not _is_hidden(path) and (
            path.suffix.lower() in PICTURE_SUFFIXES or "picture" in media_of(head_of(path, FRAME_HEAD)))), key=_natural)
    except OSError as error:
        raise ClipError(f"“{name}” cannot be read: {error.strerror or error}.") from error
    if not paths:
        raise ClipError(f"There are no pictures in the folder “{name}”.")
    if len(paths) > MOST_FRAMES:
        raise _too_long(name, len(paths))
    stack = _Stack(name, MOST_VIDEO_PIXELS)
    try:
        for path in paths:
            stack.add(read_picture(read_file(path), file_name(path)).image)
    except PictureError as error:
        raise ClipError(str(error)) from error
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
        raise ClipError(f"“{name}” is damaged or cut off and cannot be read.") from error
    if dtype != np.uint8 or in_columns or len(shape) != 4 or shape[-1] != 3 or 0 in shape:
        raise ClipError(f"“{name}” holds no frames: they would be uint8 of the shape (frames, height, width, 3).")
    if shape[0] > MOST_FRAMES or max(shape[1:3]) > 4096:
        raise _too_long(name, shape[0])
    pixels = np.frombuffer(data, np.uint8, offset=file.tell())
    if pixels.size != math.prod(shape):
        raise ClipError(f"“{name}” is damaged or cut off and cannot be read.")
    return Clip(pixels.reshape(shape))
