"""Clips: every form of file gives the same frames, and what cannot be used is said in one sentence."""

from __future__ import annotations

import io
import struct
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image, ImageDraw

from unrolled.models.data.drawn_clips import KINDS, LABELS, SIDE, draw_clip
from unrolled.models.inputs.animations import MOST_ANIMATION_PIXELS
from unrolled.models.inputs.clips import clip_bytes, read_clip
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.frame_stack import LONGEST_SIDE, MOST_FRAMES
from unrolled.models.inputs.sniffing import media_of
from unrolled.models.inputs.wholeness import is_cut_off


def frames(count: int = 5, width: int = 24, height: int = 16) -> list[Image.Image]:
    return [Image.new("RGB", (width, height), (40 * number % 256, 90, 200)) for number in range(count)]


def gif(count: int = 5) -> bytes:
    stream = io.BytesIO()
    first, *others = frames(count)
    first.save(stream, "GIF", save_all=True, append_images=others, duration=80)
    return stream.getvalue()


def video(path: Path, count: int, *, width: int = 32, height: int = 32) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = width, height
        for picture in frames(count, width, height):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    return path


def test_gif_video_and_folder(tmp_path: Path) -> None:
    clip = read_clip(gif(), "a.gif")
    assert clip.frames.shape == (5, 16, 24, 3)
    assert clip.seconds_a_frame == pytest.approx(0.08)
    film = read_clip(clip_bytes(video(tmp_path / "a.mp4", 7)), "a.mp4")
    assert film.frames.shape == (7, 32, 32, 3)
    assert film.seconds_a_frame == pytest.approx(0.1)
    folder = tmp_path / "with spaces and ü"
    folder.mkdir()
    for number, picture in enumerate(frames(11)):
        picture.save(folder / f"frame {number}.png")
    packed = read_clip(clip_bytes(folder), folder.name)
    assert packed.frames.shape == (11, 16, 24, 3)
    assert packed.frames[10, 0, 0, 0] == 400 % 256  # 10 comes after 9, not after 1


def test_large_frames_are_made_smaller(tmp_path: Path) -> None:
    clip = read_clip(clip_bytes(video(tmp_path / "large.mp4", 3, width=1280, height=720)), "large.mp4")
    assert max(clip.frames.shape[1:3]) == LONGEST_SIDE
    assert "reduced" in clip.notes[0]


@pytest.mark.parametrize(("data", "sentence"), [
    (b"", "is empty"), (b"nothing of the kind", "not a clip that can be read"), (gif(1), "only one frame"),
    (b"ID3\4" + bytes(99), "holds no video"), (b"RIFF\0\0\0\0WAVEfmt ", "holds no video"),
    (gif()[:60], "damaged|one frame|not a clip"), (b"\x93NUMPY\x01\x00 cut", "damaged"),
])
def test_what_is_no_clip(data: bytes, sentence: str) -> None:
    with pytest.raises(ReadingError, match=sentence):
        read_clip(data, "x.gif")


def test_a_corrupt_video(tmp_path: Path) -> None:
    whole = video(tmp_path / "a.mp4", 20).read_bytes()
    for cut in (whole[: len(whole) // 3], whole[:40] + bytes(200) + whole[240 : len(whole) // 2]):
        with pytest.raises(ReadingError):
            read_clip(cut, "a.mp4")


def test_a_long_video_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = video(tmp_path / "long.mp4", MOST_FRAMES + 60, width=16, height=16)
    with pytest.raises(ReadingError, match=f"lasts 57 seconds and has {MOST_FRAMES + 60} frames"):
        clip_bytes(path)


def test_folders_that_are_no_clips(tmp_path: Path) -> None:
    with pytest.raises(ReadingError, match="no pictures, and is not a store"):
        clip_bytes(tmp_path)
    for number, size in enumerate(((24, 16), (24, 18))):
        Image.new("RGB", size).save(tmp_path / f"{number}.png")
    with pytest.raises(ReadingError, match="differ in size"):
        clip_bytes(tmp_path)


def test_arrays_that_hold_no_frames() -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 8, 8), np.float32))
    with pytest.raises(ReadingError, match="holds no frames"):
        read_clip(stream.getvalue(), "a.npy")


@pytest.mark.parametrize("kind", list(KINDS))
def test_drawn_clips_are_what_their_labels_say(kind: str) -> None:
    for number in range(40):
        clip = draw_clip(kind, number)
        assert clip.frames.shape == (24, SIDE, SIDE, 3)
        assert len(clip.labels) == len(clip.places) == 24
        assert clip.labels[0] == LABELS.index("still")
        step = np.diff(clip.places, axis=0)  # (T - 1, 3)
        for t, label in enumerate(clip.labels[1:]):
            name, moved = LABELS[label], step[t]
            same_picture = np.array_equal(clip.frames[t], clip.frames[t + 1])
            assert same_picture == (name == "still"), (number, t, name)
            if name == "moving left":
                assert moved[0] < 0 == moved[1] == moved[2]
            if name == "moving down":
                assert moved[1] > 0 == moved[0] == moved[2]
            if name == "growing":
                assert moved[2] > 0 == moved[0]
            if name.startswith("turning"):
                assert not moved.any()
    again = draw_clip(kind, 3)
    assert np.array_equal(again.frames, draw_clip(kind, 3).frames)
    assert not np.array_equal(again.frames, draw_clip(kind, 3, split="test").frames)


def disc(number: int, side: int = 32) -> Image.Image:
    """A black disc on nothing that moves right; its colour where nothing is seen is black too."""
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    ImageDraw.Draw(image).ellipse((2 + 2 * number, 12, 10 + 2 * number, 20), fill=(0, 0, 0, 255))
    return image


def discs(kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    first, *others = (disc(number) for number in range(8))
    first.save(stream, kind, save_all=True, append_images=others, **{"duration": 80, **options})
    return stream.getvalue()


def test_what_reaches_beyond_a_gifs_picture_is_cut_off() -> None:
    data = bytearray(gif(3))
    last = data.rindex(b"," + struct.pack("<4H", 0, 0, 24, 16))  # where its place stands
    struct.pack_into("<2H", data, last + 1, 7, 5)
    whole, moved = read_clip(gif(3), "a.gif").frames, read_clip(bytes(data), "a.gif").frames
    assert np.array_equal(moved[2][5:, 7:], whole[2][5:, 7:])
    assert np.array_equal(moved[2][:5], whole[1][:5])


@pytest.mark.parametrize(("kind", "options"), [("GIF", {"disposal": 2}), ("WEBP", {"lossless": True}), ("PNG", {})])
def test_what_is_seen_through_stands_on_white(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    for number in range(8):
        disc(number).save(tmp_path / f"{number}.png")
    folder = read_clip(clip_bytes(tmp_path), "folder").frames
    clip = read_clip(discs(kind, **options), "x")
    assert np.abs(clip.frames.astype(int) - folder).max() < 10
    assert tuple(clip.frames[0, 0, 0]) == (255, 255, 255)
    assert clip.seconds_a_frame == pytest.approx(0.08)
    assert media_of(discs(kind, **options)) == ("clip", "picture")


@pytest.mark.skipif("libvpx-vp9" not in av.codecs_available, reason="this FFmpeg has no VP9")
def test_a_video_that_is_seen_through_stands_on_white(tmp_path: Path) -> None:
    path = tmp_path / "a.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=12, options={"lossless": "1"})
        stream.width = stream.height = 32
        stream.pix_fmt = "yuva420p"
        for number in range(8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.asarray(disc(number)), format="rgba")))
        container.mux(stream.encode(None))
    clip = read_clip(clip_bytes(path), "a.webm")
    assert len(clip.frames) == 8
    assert clip.frames[0, 0, 0].min() > 245
    assert clip.frames[0, 16, 6].max() < 20


def marked(path: Path, matrix: tuple[int, int, int, int]) -> bytes:
    """A video whose left half is black, to be shown by a display matrix."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10, options={"qscale": "1"})
        stream.width, stream.height = 48, 32
        pixels = np.full((32, 48, 3), 255, np.uint8)
        pixels[:, :24] = 0
        pixels[:8] //= 2  # and the upper edge is darker
        for _ in range(4):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 44
    one, two, three, four = (value << 16 for value in matrix)
    data[place : place + 36] = struct.pack(">9i", one, two, 0, three, four, 0, 0, 0, 1 << 30)
    return bytes(data)


@pytest.mark.parametrize(("matrix", "shape", "black"), [
    ((1, 0, 0, 1), (32, 48), (20, 10)), ((0, 1, -1, 0), (48, 32), (10, 10)), ((0, -1, 1, 0), (48, 32), (38, 20)),
    ((-1, 0, 0, -1), (32, 48), (10, 38)), ((-1, 0, 0, 1), (32, 48), (20, 38)), ((1, 0, 0, -1), (32, 48), (10, 10)),
    ((0, 1, 1, 0), (48, 32), (10, 20)),
])
def test_a_video_is_turned_by_its_display_matrix(tmp_path, matrix, shape, black) -> None:
    frames = read_clip(marked(tmp_path / "a.mp4", matrix), "a.mp4").frames
    assert frames.shape[1:3] == shape
    assert frames[0][black].max() < 60
    opposite = shape[0] - 1 - black[0], shape[1] - 1 - black[1]
    assert frames[0][opposite].min() > 100


def test_frames_keep_their_times_and_uneven_ones_are_said() -> None:
    stream = io.BytesIO()
    first, *others = frames(5)
    first.save(stream, "GIF", save_all=True, append_images=others, duration=[20, 500, 20, 20, 900])
    clip = read_clip(stream.getvalue(), "a.gif")
    assert clip.seconds == (0.02, 0.5, 0.02, 0.02, 0.9)
    assert "even steps" in clip.notes[0]
    assert not read_clip(gif(), "a.gif").notes


def test_a_frame_without_a_delay_lasts_as_long_as_browsers_show_it() -> None:
    stream = io.BytesIO()
    first, *others = frames(3)
    first.save(stream, "GIF", save_all=True, append_images=others, duration=[0, 500, 0])
    clip = read_clip(stream.getvalue(), "a.gif")
    assert clip.seconds == (0.1, 0.5, 0.1)
    assert "last from 0.1 to 0.5 seconds" in clip.notes[0]


def test_a_video_keeps_the_times_of_its_frames(tmp_path: Path) -> None:
    from fractions import Fraction

    path, times = tmp_path / "a.mkv", (0, 40, 80, 480, 520)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = 32
        stream.codec_context.time_base = Fraction(1, 1000)
        for picture, time in zip(frames(5, 32, 32), times, strict=True):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    clip = read_clip(clip_bytes(path), "a.mkv")
    assert clip.seconds[:4] == pytest.approx((0.04, 0.04, 0.4, 0.04), abs=0.002)
    assert any("even steps" in note for note in clip.notes)


def test_what_can_be_read_of_a_cut_clip_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=12)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuvj420p"
        for picture in frames(24, 32, 32):
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())
    whole = path.read_bytes()
    clip = read_clip(whole[: len(whole) * 2 // 3], "a.mkv")
    assert 8 < len(clip.frames) < 20
    assert "cut off" in clip.notes[0]
    assert not read_clip(whole, "a.mkv").notes
    for kind in ("GIF", "PNG", "WEBP"):
        stream_ = io.BytesIO()
        noise = [Image.effect_noise((48, 48), 90 + number) for number in range(8)]
        noise[0].save(stream_, kind, save_all=True, append_images=noise[1:])
        data = stream_.getvalue()
        assert not read_clip(data, "whole").notes
        cut = read_clip(data[: len(data) * 3 // 4], "cut")
        assert 3 <= len(cut.frames) <= 7
        assert "cut off" in cut.notes[0]
        assert "all of" not in cut.notes[0]


def film(path: Path, times: list[int]) -> bytes:
    """Noise, a frame at each of these thousandths of a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuvj420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for number, time_ in enumerate(times):
            frame = av.VideoFrame.from_image(Image.effect_noise((32, 32), 60 + number).convert("RGB"))
            frame.pts, frame.time_base = time_, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path.read_bytes()


@pytest.mark.parametrize("suffix", [".mkv", ".mp4"])
def test_uneven_frames_are_not_called_cut_off(tmp_path: Path, suffix: str) -> None:
    times = [0, 100, 200, 300, 900, 1500, 2600, 2700]
    clip = read_clip(film(tmp_path / f"a{suffix}", times), "a")
    assert len(clip.frames) == len(times)
    assert not any("cut off" in note for note in clip.notes)
    assert clip.seconds[:-1] == pytest.approx(tuple(np.diff(times) / 1000))


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
def test_a_single_frame_that_is_missing_is_said(tmp_path: Path, suffix: str) -> None:
    if suffix == ".avi":
        whole = video(tmp_path / "a.avi", 30).read_bytes()
        parts = whole.rfind(b"00dc", 0, whole.rfind(b"idx1"))
    else:
        whole = film(tmp_path / "a.mkv", list(range(0, 3000, 100)))
        parts = whole.rfind(b"\xff\xd8\xff")
    assert not read_clip(whole, "a").notes
    clip = read_clip(whole[:parts], "a")
    assert len(clip.frames) == 29
    assert "29 of its 30 frames" in clip.notes[0]


def coded(path: Path, codec: str, kind: str, count: int = 30, **options: str) -> bytes:
    """Noise in a container."""
    noise = np.random.default_rng(0).integers(0, 255, (count, 64, 64, 3), np.uint8)
    with av.open(str(path), "w", format=kind, container_options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise[number] // 8 * 4, format="rgb24")))
        container.mux(stream.encode())
    return path.read_bytes()


FRAGMENTS = {"movflags": "frag_keyframe+empty_moov"}
FILMS = {
    "mp4": ("mpeg4", "mp4", {}), "fast": ("mpeg4", "mp4", {"movflags": "faststart"}), "fragments": ("mpeg4", "mp4", FRAGMENTS),
    "webm": ("libvpx", "webm", {}), "live": ("mpeg4", "matroska", {"live": "1"}), "avi": ("mpeg4", "avi", {}),
    "flv": ("flv", "flv", {}), "ogg": ("libvpx", "ogg", {}), "wmv": ("wmv2", "asf", {}), "mpg": ("mpeg2video", "vob", {}),
    "ts": ("mpeg2video", "mpegts", {}), "m2ts": ("mpeg2video", "mpegts", {"mpegts_m2ts_mode": "1"})}
SAYS_NO_END = ("mpg", "ts", "m2ts", "live")  # where it is cut between two frames, nothing can be known


@pytest.mark.parametrize("film", FILMS)
def test_a_clip_that_is_cut_is_said_to_be_and_no_other(tmp_path: Path, film: str) -> None:
    codec, kind, options = FILMS[film]
    if codec not in av.codecs_available:
        pytest.skip(f"this FFmpeg has no {codec}")
    whole = coded(tmp_path / "whole", codec, kind, **options)
    assert read_clip(whole, "a").notes == ()
    with av.open(str(tmp_path / "whole")) as container:
        places = sorted({packet.pos for packet in container.demux(video=0) if packet.pos and packet.pos > 0})
    cuts = [len(whole) * 9 // 10 + 1, *(places[-2:] if film not in SAYS_NO_END else ())]
    for cut in cuts if film != "mp4" else ():
        clip = read_clip(whole[:cut], "a")
        assert 1 < len(clip.frames) <= 30
        assert "cut off" in clip.notes[0]
    if film == "mp4":  # where its frames are it says last
        with pytest.raises(ReadingError, match="cut off"):
            read_clip(whole[: cuts[0]], "a")


def test_what_has_no_times_lasts_as_its_rate_says(tmp_path: Path) -> None:
    clip = read_clip(coded(tmp_path / "a.m1v", "mpeg1video", "mpeg1video"), "x")
    assert clip.seconds == pytest.approx([0.04] * 30)
    assert not clip.notes


def test_a_transport_stream_cut_between_packets_lacks_a_part_of_what_is_begun(tmp_path: Path) -> None:
    whole = coded(tmp_path / "whole", "mpeg2video", "mpegts", omit_video_pes_length="0")
    assert is_cut_off(whole, "mpegts") is None
    assert is_cut_off(whole[:-188], "mpegts")


def test_frames_that_come_seldom_are_counted_before_they_are_too_many(tmp_path: Path) -> None:
    """Ten frames a second at its ends, and a frame a second between them: 64 in a minute, of which 600 could be."""
    times = [0, 33, 66, *range(1000, 60_000, 1000), 60_033, 60_066]
    film(tmp_path / "a.mkv", times)
    assert len(read_clip(clip_bytes(tmp_path / "a.mkv"), "a").frames) == len(times)


def test_a_cover_picture_is_no_clip(tmp_path: Path) -> None:
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w", format="mp4") as container:
        sound = container.add_stream("aac", rate=8000)
        cover = container.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt, cover.disposition = 32, 32, "yuvj420p", av.stream.Disposition.attached_pic
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        tone.sample_rate = 8000
        container.mux(sound.encode(tone))
        container.mux(sound.encode())
        container.mux(cover.encode(av.VideoFrame.from_image(frames(1, 32, 32)[0])))
        container.mux(cover.encode())
    with pytest.raises(ReadingError, match="holds no video, only a cover picture"):
        read_clip(path.read_bytes(), "a")


def test_a_large_film_that_does_not_say_its_colours_is_one_of_bt_709(tmp_path: Path) -> None:
    path, green = tmp_path / "a.mkv", np.full((720, 1280, 3), (0, 200, 0), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 1280, 720, "yuv444p"
        frame = av.VideoFrame.from_ndarray(green, format="rgb24").reformat(format="yuv444p", dst_colorspace="ITU709")
        frame.colorspace, frame.color_range = 2, 0
        for _ in range(2):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    shown = read_clip(path.read_bytes(), "a").frames[0, 0, 0]
    assert np.abs(shown - green[0, 0].astype(int)).max() < 4


def test_what_stands_for_an_animated_png_elsewhere_is_no_frame() -> None:
    stream = io.BytesIO()
    poster, *others = [Image.new("RGB", (24, 16), (number, 0, 0)) for number in (250, 0, 100, 200)]
    poster.save(stream, "PNG", save_all=True, append_images=others, default_image=True, duration=50)
    clip = read_clip(stream.getvalue(), "a.png")
    assert clip.frames[:, 0, 0, 0].tolist() == [0, 100, 200]
    assert clip.seconds == (0.05,) * 3
    assert not clip.notes


def test_what_a_system_hides_is_no_frame(tmp_path: Path) -> None:
    for number, picture in enumerate(frames(3)):
        picture.save(tmp_path / f"{number}.png")
        (tmp_path / f"._{number}.png").write_bytes(b"\0\x05\x16\x07 of macOS")
        picture.save(tmp_path / f"{number}.png~", "PNG")  # what an editor keeps of before
    (tmp_path / "a folder.png").mkdir()
    assert len(read_clip(clip_bytes(tmp_path), "x").frames) == 3


@pytest.mark.parametrize("listing", ["ffconcat version 1.0\nfile '{0}'\n", "#EXTM3U\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n",
                                     "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 50000 RTP/AVP 96\n"])
def test_nothing_that_a_file_names_is_opened(tmp_path: Path, listing: str) -> None:
    other = video(tmp_path / "secret.mp4", 5)
    path = tmp_path / "list.mp4"
    path.write_text(listing.format(other))
    started = time.monotonic()
    with pytest.raises(ReadingError, match="not a clip"):
        read_clip(clip_bytes(path), "list.mp4")
    assert time.monotonic() - started < 1


def test_frames_that_would_take_all_memory_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = video(tmp_path / "large.mp4", 2, width=8000, height=2000)
    with pytest.raises(ReadingError, match="megapixels"):
        read_clip(clip_bytes(path), "large.mp4")
    stream = io.BytesIO()
    assert MOST_ANIMATION_PIXELS < 10**9  # three bytes each are held
    monkeypatch.setattr("unrolled.models.inputs.animations.MOST_ANIMATION_PIXELS", MOST_ANIMATION_PIXELS // 10**3)
    first, *others = (Image.new("1", (400, 200), number % 2) for number in range(MOST_ANIMATION_PIXELS // 80_000_000 + 2))
    first.save(stream, "GIF", save_all=True, append_images=others)
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("a frame was decoded"))
    with pytest.raises(ReadingError, match="make it smaller"):
        read_clip(stream.getvalue(), "large.gif")


@pytest.mark.parametrize("header", [b"{'descr': '|u1', 'fortran_order': False, 'shape': (9, 4000000, 4000000, 3), }",
                                    b"{'descr': '|u1', 'fortran_order': False, 'shape': (400, 4000, 4000, 3), }",
                                    b"{'descr': '|f1', 'fortran_order': False, 'shape': (2, 9, 9, 3), }", b"((((((((((((("])
def test_what_a_header_promises_is_not_believed(header: bytes) -> None:
    data = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(100)
    with pytest.raises(ReadingError):
        read_clip(data, "a.npy")
