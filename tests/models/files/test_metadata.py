"""What a picture's pixels do not need cannot cost it, and what they need has its say: orientation and gamma."""

from __future__ import annotations

import io
import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from unrolled.models.inputs.clips import clip_bytes, read_clip
from unrolled.models.inputs.pictures import read_picture

PIXELS = np.zeros((48, 64, 3), np.uint8)
PIXELS[:24, :32], PIXELS[:24, 32:], PIXELS[24:, :32], PIXELS[24:, 32:] = (220, 30, 30), (30, 200, 40), (40, 50, 210), 250


def close(image: Image.Image, expected: np.ndarray, most: int = 14) -> bool:
    """Whether the middles of the quarters have the same colours; edges are not looked at."""
    found = np.asarray(image).astype(int)
    return found.shape == expected.shape and all(
        np.abs(found[row, column] - expected[row, column]).max() <= most
        for row in (found.shape[0] // 4, 3 * found.shape[0] // 4) for column in (found.shape[1] // 4, 3 * found.shape[1] // 4))


def chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(*others: bytes, pixels: np.ndarray = PIXELS, kind: int = 2) -> bytes:
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, kind, 0, 0, 0)), *others,
                     chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))


@pytest.mark.parametrize("broken", [
    chunk(b"tEXt", b"a\0b")[:-1] + b"?", b"\0\0\0\4\1\2\3\4abcd1234", chunk(b"zTXt", b"x\0\0not zlib"), chunk(b"iTXt", b"\0\0"),
    chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(80_000_000))), chunk(b"eXIf", b"garbage"), chunk(b"pHYs", b"1"),
    chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(80_000_000))), chunk(b"iCCP", b"no end"),
    chunk(b"iCCP", b"x\0\7" + zlib.compress(b"")),
    chunk(b"cHRM", b"2"), chunk(b"tIME", b""), chunk(b"bKGD", b""), chunk(b"hIST", b"1"), chunk(b"sPLT", b"\0"),
])
def test_no_chunk_beside_the_pixels_can_cost_a_png(broken):
    assert np.array_equal(np.asarray(read_picture(png(broken), "a.png").image), PIXELS)


def test_a_profile_of_some_megabytes_costs_nothing():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    large = profile + bytes(3_000_000)
    assert close(read_picture(png(chunk(b"iCCP", b"x\0\0" + zlib.compress(large))), "a.png").image, PIXELS)


@pytest.mark.parametrize("kind", [1, 3, 4, 6, 8, 9])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_the_orientation_is_read_whatever_its_type(kind, order, form):
    value = struct.pack(order + {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i"}[kind], 6).ljust(4, b"\0")
    exif = ((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "IH", 8, 2)
            + struct.pack(order + "HHI", 0x010F, 2, 2**32 - 1) + b"\xff" * 4
            + struct.pack(order + "HHI", 0x0112, kind, 1) + value)
    lying = np.rot90(PIXELS).copy()
    if form == "PNG":
        rows = b"".join(b"\0" + row.tobytes() for row in lying)
        data = b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", struct.pack(">IIBBBBB", 48, 64, 8, 2, 0, 0, 0)),
                         chunk(b"eXIf", exif), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))
    elif form == "WEBP":
        stream = io.BytesIO()
        Image.fromarray(lying).save(stream, "WEBP", quality=95, exif=b"Exif\0\0" + exif)
        data = stream.getvalue()
    else:
        stream = io.BytesIO()
        Image.fromarray(lying).save(stream, "JPEG", quality=95)
        segment = b"Exif\0\0" + exif
        data = b"\xff\xd8\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + stream.getvalue()[2:]
    assert close(read_picture(data, "a").image, PIXELS)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("before", "after"), [(b"", b"\xff\xd9garbage" * 99), (b"\n", b""), (bytes(4), b"\n"),
                                               (b"HTTP/1.1 200 OK\r\nContent-Type: image\r\n\r\n", b"\r\n0\r\n")])
def test_what_stands_before_or_behind_a_photograph_costs_nothing(form, before, after):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, form, quality=95)
    picture = read_picture(before + stream.getvalue() + after, "a.jpg")
    assert close(picture.image, PIXELS)
    assert [f"{len(before)} bytes in front" in note for note in picture.notes] == [True] * bool(before)


@pytest.mark.parametrize("segment", [b"\xff\xe2\0\0", b"\xff\xed\xff\xffshort", b"\xff\xe1\0\1", b"\xff\xfe\0\x09x"])
def test_a_segment_that_lies_about_its_length_costs_itself(segment):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG", quality=95)
    data = stream.getvalue()
    assert close(read_picture(data[:2] + segment + data[2:], "a.jpg").image, PIXELS)


@pytest.mark.parametrize("gamma", [45_455, 100_000, 55_556, 22_222, 0, 1, 2**31 - 1])
@pytest.mark.parametrize("others", [(), (chunk(b"sRGB", b"\0"),)])
def test_a_png_has_the_colours_that_its_gamma_means(gamma, others):
    found = read_picture(png(*others, chunk(b"gAMA", struct.pack(">I", gamma))), "a.png").image
    means = not others and gamma in (100_000, 55_556, 22_222)
    expected = 255 * (PIXELS / 255) ** (1 / (2.2 * gamma / 1e5)) if means else PIXELS
    assert close(found, expected, most=1)


def test_grey_that_is_seen_through_has_the_colours_of_its_profile():
    """A profile whose curve is straight: 128 is brighter than half."""
    curve = b"curv" + bytes(8)
    entries = (b"kTRC", curve), (b"wtpt", b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061))
    table, place = struct.pack(">I", len(entries)), 132 + 12 * len(entries)
    for name, content in entries:
        table, place = table + name + struct.pack(">II", place, len(content)), place + len(content)
    body = table + b"".join(content for _, content in entries)
    head = struct.pack(">I4xI4s4s4s12x4s", 128 + len(body), 0x02400000, b"mntr", b"GRAY", b"XYZ ", b"acsp").ljust(68, b"\0")
    profile = (head + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + body
    for mode in ("L", "LA"):
        stream = io.BytesIO()
        Image.new("L", (40, 30), 128).convert(mode).save(stream, "PNG", icc_profile=profile)
        assert abs(int(np.asarray(read_picture(stream.getvalue(), "a.png").image)[9, 9, 0]) - 188) <= 1


def test_gamma_leaves_what_is_seen_through_as_it_is():
    grey = np.stack([np.full((48, 64), 128, np.uint8), np.full((48, 64), 128, np.uint8)], -1)
    found = np.asarray(read_picture(png(chunk(b"gAMA", struct.pack(">I", 100_000)), pixels=grey, kind=4), "a.png").image)
    own = 255 * (128 / 255) ** (1 / 2.2)
    assert abs(int(found[9, 9, 0]) - (own * 128 + 255 * 127) / 255) < 2


def test_a_tiff_in_which_0_is_white():
    values = np.linspace(0, 65535, 64 * 48).reshape(48, 64).astype("<u2")
    tags = ((256, 64), (257, 48), (258, 16), (259, 1), (262, 0), (273, 200), (277, 1), (278, 48), (279, values.nbytes))
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    data = (b"II*\0" + struct.pack("<I", 8) + directory).ljust(200, b"\0") + values.tobytes()
    found = np.asarray(read_picture(data, "a.tif").image)[..., 0].astype(int)
    assert np.abs(found - (255 - values / 257)).max() <= 1


def test_a_chunk_that_is_broken_costs_no_animation():
    stream = io.BytesIO()
    first, *others = (Image.new("RGB", (64, 48), (number, 0, 0)) for number in (0, 90, 180))
    first.save(stream, "PNG", save_all=True, append_images=others, duration=100)
    data = stream.getvalue()
    clip = read_clip(data[:33] + chunk(b"tEXt", b"a\0b")[:-1] + b"?" + data[33:], "a.png")
    assert [int(frame[0, 0, 0]) for frame in clip.frames] == [0, 90, 180]


@pytest.mark.parametrize("form", ["WEBP", "PNG"])
def test_an_animation_is_turned_as_its_metadata_says(form):
    exif = Image.Exif()
    exif[0x0112] = 6
    first, second = (Image.fromarray(np.rot90(PIXELS).copy()), Image.new("RGB", (48, 64), "white"))
    stream = io.BytesIO()
    first.save(stream, form, save_all=True, append_images=[second], duration=100, exif=exif, quality=95)
    assert close(Image.fromarray(read_clip(stream.getvalue(), "a").frames[0]), PIXELS, most=30)


def test_folders_hold_what_they_hold(tmp_path):
    """Figures of other scripts, links to nowhere, pipes, folders that are called like pictures, names over two lines."""
    for number, name in enumerate(("a²1.png", "a\n2.png", "a٣.png")):
        Image.new("RGB", (40, 32), (number, 0, 0)).save(tmp_path / name)
    (tmp_path / "nowhere.png").symlink_to("gone")
    (tmp_path / "folder.png").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
    assert len(read_clip(clip_bytes(tmp_path), "folder").frames) == 3
