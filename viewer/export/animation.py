"""Attention animations as files: GIF and WebP by Pillow, MP4 by PyAV."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from unrolled.viewer.drawing.images import Pixels
from unrolled.viewer.export.failure import Cancelled, ExportError
from unrolled.viewer.export.formats import IsCancelled, OnProgress
from unrolled.viewer.export.scenes.registry import AnyScene, Frames, frames_of
from unrolled.viewer.export.settings import ExportSettings

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

MILLISECONDS = Fraction(1, 1000)  # a film's clock: every word stands exactly as long as in a GIF
FRAMES_PER_SECOND = 25  # what players are told that ask; no frame is repeated to make it true
BT709 = 1  # of the colours' matrix, primaries and curve, in the numbers of ITU-T H.273
LIMITED, FULL = 1, 2  # ranges of values, as FFmpeg counts them
PALETTE_COLOURS, GROUND, CLEAR = 254, 254, 255  # of a GIF; the two places after them are the ground, and nothing
HALF = 128  # of an alpha: a GIF knows no halves
ORDERED = np.array([[0, 4, 1, 5], [6, 2, 7, 3], [1, 5, 0, 4], [7, 3, 6, 2]], np.uint8)  # of Bayer, in steps of 1/255


class Film(Image.Image):
    """Frames that Pillow asks for one after another, as it does of a file: made when their turn comes, and never all there.

    Parameters
    ----------
    frames : iterator of Image
        So many of one size; whatever it raises, the writing ends with.
    """

    def __init__(self, frames: Iterator[Image.Image], count: int) -> None:
        super().__init__()
        self._frames, self._at, self.n_frames = frames, -1, count
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go on to the next frame; to an earlier one there is no way back, and no need. Raises `EOFError` behind the last."""
        if frame >= self.n_frames:
            raise EOFError
        while self._at < frame:
            image = next(self._frames)
            self.im, self.palette, self._mode, self._size = image.im, image.palette, image.mode, image.size
            self._at += 1

    def tell(self) -> int:
        return self._at


def painted(painter: Frames, on_progress: OnProgress, cancelled: IsCancelled, *, share: float) -> Iterator[Pixels]:
    """The frames one after another, a share of all that is to be done. Raises `Cancelled` between two of them."""
    for number, step in enumerate(painter.steps, 1):
        if cancelled():
            raise Cancelled
        yield painter.paint(step)
        on_progress(share * number / len(painter.steps))


def durations(frames: int, settings: ExportSettings) -> list[int]:
    """How long each frame stands, in milliseconds; the last one longer. A GIF counts hundredths of a second, and every format
    keeps its time.
    """
    word, last = (10 * max(int(100 * seconds + 0.5), 1) for seconds in (settings.seconds_per_word, settings.last_seconds))
    return [word] * (frames - 1) + [max(word, last)]


def write_gif(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    """A GIF with one palette for all frames and a dither that stands still, so that nothing flickers."""
    frames = list(painted(frames_of(scene, settings), on_progress, cancelled, share=0.6))
    ground = frames[0][0, 0, :3]  # the same behind every frame, and never a mixture
    palette, nearest = _palette(frames, ground)
    height, width = frames[0].shape[:2]
    pattern = np.tile(ORDERED, (-(-height // 4), -(-width // 4)))[:height, :width, None].repeat(3, axis=2)

    def dithered() -> Iterator[Image.Image]:
        for number, frame in enumerate(frames, 1):
            if cancelled():
                raise Cancelled
            # Five bits of each colour after the dither, which is never more than the three bits that are cut off.
            five = np.minimum(frame[..., :3], 255 - 7) + pattern >> 3  # (height, width, 3)
            place = five[..., 0].astype(np.uint16)  # red, green and blue side by side in fifteen bits: (height, width)
            for colour in (1, 2):
                place <<= 5
                place |= five[..., colour]
            colours = nearest.take(place)
            red, green, blue = (frame[..., colour] == ground[colour] for colour in range(3))  # ten times faster than `all`
            colours[red & green & blue] = GROUND
            if settings.clear:
                colours[frame[..., 3] < HALF] = CLEAR
            image = Image.fromarray(colours, mode="P")
            image.putpalette(palette)
            yield image
            on_progress(0.6 + 0.4 * number / len(frames))

    seen_through = {"transparency": CLEAR, "disposal": 2} if settings.clear else {"disposal": 1}
    Film(dithered(), len(frames)).save(path, format="GIF", save_all=True, duration=durations(len(frames), settings), loop=0,
                                       optimize=False, **seen_through)
    on_progress(1.0)


def _palette(frames: list[Pixels], ground: Pixels) -> tuple[bytes, Pixels]:
    """Colours for all frames, the ground's among them, and for each colour of fifteen bits the place of the nearest, shape
    (32768,).
    """
    step = max(frames[0].shape[1] // 160, 1)
    together = np.ascontiguousarray(np.concatenate([frame[::step, ::step, :3] for frame in frames]))
    chosen = Image.fromarray(together).quantize(PALETTE_COLOURS, method=Image.Quantize.FASTOCTREE)
    every = np.arange(32 * 32 * 32)
    cube = (np.stack((every >> 10, every >> 5 & 31, every & 31), axis=-1) << 3 | 4).astype(np.uint8)
    nearest = Image.fromarray(cube.reshape(128, 256, 3)).quantize(palette=chosen, dither=Image.Dither.NONE)
    colours = (chosen.getpalette() or [])[: 3 * PALETTE_COLOURS]
    colours += [0] * (3 * PALETTE_COLOURS - len(colours))
    return bytes([*colours, *ground.tolist(), 0, 0, 0]), np.asarray(nearest).reshape(-1)


def write_webp(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    painter = frames_of(scene, settings)
    images = map(Image.fromarray, painted(painter, on_progress, cancelled, share=0.95))
    Film(images, len(painter.steps)).save(path, format="WEBP", save_all=True, duration=durations(len(painter.steps), settings),
                                          loop=0, quality=88, method=3)
    on_progress(1.0)


def write_mp4(scene: AnyScene, path: Path, settings: ExportSettings, on_progress: OnProgress, cancelled: IsCancelled) -> None:
    """An H.264 film that plays everywhere: even sizes, yuv420p, its colours by BT.709 and said to be."""
    if settings.clear:
        raise ExportError("A video (.mp4) has no transparent background; choose .webp or .gif, or a background.")
    import av  # slow to import, and only needed here
    from av.video.reformatter import Colorspace

    painter = frames_of(scene, settings)
    frames = painted(painter, on_progress, cancelled, share=0.95)
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart"}) as container:
        # No frame is foretold from a later one: so packets come in the frames' order, each with the time that its frame stands.
        stream = container.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": "18", "preset": "veryfast", "bf": "0"})
        stream.pix_fmt = "yuv420p"
        codec = stream.codec_context
        codec.time_base = stream.time_base = MILLISECONDS
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        codec.color_range = LIMITED
        stands = durations(len(painter.steps), settings)
        starts = dict(zip(accumulate(stands, initial=0), stands, strict=False))

        def write(packets: "list[Packet[VideoStream]]") -> None:
            for packet in packets:
                packet.duration = starts[packet.pts or 0]
                container.mux(packet)

        for start, frame in zip(starts, frames, strict=True):
            if not codec.is_open:
                stream.height, stream.width = frame.shape[:2]
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, src_color_range=FULL, dst_color_range=LIMITED)
            picture.pts, picture.time_base = start, MILLISECONDS
            write(stream.encode(picture))
        write(stream.encode(None))
    on_progress(1.0)
