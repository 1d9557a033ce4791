"""Clips: every form of file gives the same frames, and what cannot be used is said in one sentence."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from unrolled.models.data.drawn_clips import KINDS, LABELS, SIDE, draw_clip
from unrolled.models.inputs.clips import LONGEST_SIDE, MOST_FRAMES, ClipError, clip_bytes, read_clip


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
    (gif()[:60], "damaged|one frame|not a clip"), (b"\x93NUMPY\x01\x00 cut", "damaged"),
])
def test_what_is_no_clip(data: bytes, sentence: str) -> None:
    with pytest.raises(ClipError, match=sentence):
        read_clip(data, "x.gif")


def test_a_corrupt_video(tmp_path: Path) -> None:
    whole = video(tmp_path / "a.mp4", 20).read_bytes()
    for cut in (whole[: len(whole) // 3], whole[:40] + bytes(200) + whole[240 : len(whole) // 2]):
        with pytest.raises(ClipError):
            read_clip(cut, "a.mp4")


def test_a_long_video_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = video(tmp_path / "long.mp4", MOST_FRAMES + 60, width=16, height=16)
    with pytest.raises(ClipError, match=f"lasts 57 seconds and has {MOST_FRAMES + 60} frames"):
        clip_bytes(path)


def test_folders_that_are_no_clips(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match="no pictures"):
        clip_bytes(tmp_path)
    for number, size in enumerate(((24, 16), (24, 18))):
        Image.new("RGB", size).save(tmp_path / f"{number}.png")
    with pytest.raises(ClipError, match="differ in size"):
        clip_bytes(tmp_path)


def test_arrays_that_hold_no_frames() -> None:
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 8, 8), np.float32))
    with pytest.raises(ClipError, match="holds no frames"):
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
