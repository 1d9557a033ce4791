"""Read a video by FFmpeg's libraries, the one reader that its first bytes ask for; nothing that it names is opened."""

import io
import itertools
import math
import re
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.frame_stack import FEWEST_FRAMES, MOST_FRAMES, Clip, FrameStack, too_long
from unrolled.models.inputs.picture_colours import as_rgb
from unrolled.models.inputs.sniffing import video_format
from unrolled.models.inputs.wholeness import is_cut_off
from unrolled.models.trace.names import file_name

MOST_VIDEO_PIXELS = 2_500_000_000
SOUND = re.compile(rb"ID3|fLaC|RIFF....WAVE|\xff[\xfb\xf3\xf2\xf1\xf9]", re.DOTALL)
REORDERED = 8  # so many frames at the end may lack those that stand between them, and would come later in the file
GUESSED = ("mpegts", "mpeg", "mpegvideo", "flv", "asf")  # how many frames there are, of the times that they have
AVI_HEAD = 8  # bytes of a file that each of an AVI's frames takes at least
HD, UNSAID = (1280, 720), 2  # pixels from where a film is one of BT.709 if it does not say; the number of "unspecified" in H.273
ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}  # FFmpeg's own leave out what can be seen through

TURNED: dict[tuple[int, ...], Image.Transpose] = {
    (0, 1, -1, 0): Image.Transpose.ROTATE_270, (0, -1, 1, 0): Image.Transpose.ROTATE_90,
    (-1, 0, 0, -1): Image.Transpose.ROTATE_180, (-1, 0, 0, 1): Image.Transpose.FLIP_LEFT_RIGHT,
    (1, 0, 0, -1): Image.Transpose.FLIP_TOP_BOTTOM, (0, 1, 1, 0): Image.Transpose.TRANSPOSE,
    (0, -1, -1, 0): Image.Transpose.TRANSVERSE}
"""What a display matrix asks for, by the signs of its first two rows and columns."""


def read_video(data: bytes, name: str, *, is_again: bool = False) -> Clip:
    stack, times, ends, expected, broken, is_reordered = FrameStack(name, MOST_VIDEO_PIXELS), [], 0.0, 0, [], False
    rate = 0.0
    is_cut = is_again or is_cut_off(data, video_format(data[:4096]))
    try:
        with _opened(io.BytesIO(data), data[:4096], name) as container:
            stream, expected = _stream_of(container, name)
            stack.expected = expected
            stack.colours = stream.codec_context.color_primaries, stream.codec_context.color_trc
            stack.begin(stream.width, stream.height, expected if expected and is_cut is False else 1)
            if container.format.name == "mpegvideo" and stream.codec_context.name == "mpeg1video":
                rate = float(stream.codec_context.framerate or 0)  # it has no times, and FFmpeg's guess of the first is wrong
            for frame in _decoded(container, stream):
                stack.begin(frame.width, frame.height)
                broken.append(frame.is_corrupt)
                stack.add(as_rgb(_picture_of(frame, stream), stack.notes, name))
                is_reordered = stream.codec_context.has_b_frames
                if frame.pts is not None:
                    times.append(float(frame.pts * stream.time_base))
                    ends = times[-1] + float((frame.duration or 0) * stream.time_base)
    except ReadingError:
        raise
    except MemoryError as error:
        raise ReadingError(f"There is not enough memory to open “{name}”.") from error
    except Exception as error:  # FFmpeg's errors are of many kinds
        if is_cut and not is_again and not stack.frames and b"moof" in data:  # a cut table of fragments costs all before it
            return read_video(data[: data.rindex(b"moof") - 4], name, is_again=True)
        if len(stack.frames) < FEWEST_FRAMES and not is_cut:
            raise ReadingError(f"“{name}” is not a clip that can be read, or it is damaged.") from error
        is_cut = True
    if is_cut and len(stack.frames) < FEWEST_FRAMES:
        raise ReadingError(f"“{name}” is cut off or damaged: too little is left of it to be read.")
    if is_cut or any(broken[broken.index(False) :] if False in broken else broken):  # a broadcast may begin with broken ones
        stack.cut_off(0 if b"moof" in data else expected)  # of fragments only those are known that are there
    elif is_cut is None and is_reordered and _lacks_times(times):
        stack.notes.append(f"“{name}” may be cut off: times of frames are missing near its end.")
    if rate:
        return stack.clip([1 / rate] * len(stack.frames))
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
        raise ReadingError(f"“{name}” holds no video.")
    if not kind:
        raise ReadingError(f"“{name}” is not a clip that can be read, or it is damaged.")

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


def refuse_long(path: Path) -> None:
    """Look at a video's first bytes only: its length stands there. What else is wrong with it is said when it is read."""
    try:
        with path.open("rb") as file:
            head, name = file.read(4096), file_name(path)
            file.seek(0)
            if video_format(head):
                with _opened(file, head, name) as container:
                    _stream_of(container, name)
    except ReadingError:
        raise
    except Exception:
        pass


def _stream_of(container: Any, name: str) -> tuple[Any, int]:
    """The video of a file that is not too long, and how many frames it should have; 0 where its head does not say."""
    import av
    from av.stream import Disposition

    videos = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not videos:
        raise ReadingError(f"“{name}” holds no video{', only a cover picture.' if container.streams.video else '.'}")
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
        raise too_long(name, expected, seconds)
    knows = container.format.name not in GUESSED and len(container.streams) == 1
    return stream, expected if says or knows else 0
