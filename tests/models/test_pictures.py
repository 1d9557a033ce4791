"""Whatever a photograph's file is like, it becomes an upright RGB picture or one sentence."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unrolled.models.inputs.pictures import PictureError, read_file, read_picture


def as_bytes(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def half_and_half() -> Image.Image:
    """Red at the left, blue at the right."""
    image = Image.new("RGB", (60, 40), "red")
    image.paste("blue", (30, 0, 60, 40))
    return image


def colours(data: bytes) -> tuple[np.ndarray, np.ndarray]:
    """The colours in the middle of the left and of the right half."""
    image = read_picture(data, "x").image
    assert image.mode == "RGB"
    pixels = np.asarray(image).astype(int)
    height, width = pixels.shape[:2]
    return pixels[height // 2, width // 4], pixels[height // 2, 3 * width // 4]


def is_near(colour: np.ndarray, expected: tuple[int, int, int]) -> bool:
    return bool(np.abs(colour - expected).max() < 40)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("CMYK", "JPEG"), ("RGB", "PNG"), ("P", "PNG"), ("P", "GIF"),
                                            ("RGB", "WEBP"), ("RGB", "TIFF"), ("RGB", "BMP")])
def test_every_usual_kind_keeps_its_colours(mode, kind):
    left, right = colours(as_bytes(half_and_half().convert(mode), kind))
    assert is_near(left, (255, 0, 0))
    assert is_near(right, (0, 0, 255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_rotated_photograph_stands_upright(orientation):
    turn = Image.Transpose
    undo = {1: None, 2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
            6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270}
    image = half_and_half()
    stored = image if undo[orientation] is None else image.transpose(undo[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    left, right = colours(as_bytes(stored, "JPEG", exif=exif, quality=95))
    assert is_near(left, (255, 0, 0))
    assert is_near(right, (0, 0, 255))


def test_sixteen_bits_keep_their_greys():
    ramp = np.linspace(0, 65535, 64 * 64).reshape(64, 64).astype(np.uint16)
    grey = np.asarray(read_picture(as_bytes(Image.fromarray(ramp), "PNG"), "x").image)[..., 0]
    assert abs(int(grey[0, 0])) <= 1
    assert abs(int(grey[-1, -1]) - 255) <= 1
    assert abs(int(grey[32, 0]) - 128) <= 2


def test_transparency_stands_on_white():
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    clear.paste((0, 0, 255, 255), (10, 0, 20, 20))
    for data in (as_bytes(clear, "PNG"), as_bytes(clear.quantize(8), "PNG")):
        left, right = colours(data)
        assert is_near(left, (255, 255, 255))
        assert is_near(right, (0, 0, 255))


def test_an_animation_gives_its_first_picture_and_says_so():
    data = as_bytes(half_and_half(), "GIF", save_all=True, append_images=[Image.new("RGB", (60, 40), "green")] * 3)
    picture = read_picture(data, "film.gif")
    assert "animation of 4" not in picture.notes  # a sentence, not a fragment
    assert len(picture.notes) == 1
    assert "first" in picture.notes[0]
    assert is_near(colours(data)[0], (255, 0, 0))


@pytest.mark.parametrize(("data", "expected"), [
    (b"", "empty"), (b"this is a text", "not a picture"), (as_bytes(Image.new("RGB", (1, 1)), "PNG"), "1 × 1"),
    (as_bytes(half_and_half(), "JPEG")[:400], "damaged or cut off"),
    (as_bytes(half_and_half(), "PNG")[:90], "damaged or cut off"),
])
def test_what_is_no_picture_is_said_in_a_sentence(data, expected):
    with pytest.raises(PictureError, match=expected):
        read_picture(data, "photo.jpg")


def test_far_too_many_pixels_are_refused_before_they_are_read():
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    with pytest.raises(PictureError, match="100 megapixels"):
        read_picture(header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""), "huge.png")


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_random_bytes_give_a_sentence(data):
    with pytest.raises(PictureError):
        read_picture(data, "x.jpg")


@given(st.integers(0, 600), st.integers(0, 255))
@settings(deadline=None, max_examples=60)
def test_a_damaged_photograph_gives_a_picture_or_a_sentence(place, value):
    data = bytearray(as_bytes(half_and_half(), "JPEG"))
    data[place % len(data)] = value
    try:
        assert read_picture(bytes(data), "x.jpg").image.mode == "RGB"
    except PictureError:
        pass


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(PictureError, match="no file"):
        read_file(tmp_path / "missing.jpg")
    with pytest.raises(PictureError, match="folder"):
        read_file(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(PictureError, match="empty"):
        read_file(tmp_path / "empty.jpg")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "secret.jpg").chmod(0)
    with pytest.raises(PictureError, match="permissions"):
        read_file(tmp_path / "secret.jpg")
