"""Photoshop's files, PSD and PSB, of every depth, mode and packing give their composite."""

from __future__ import annotations

import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.pictures import read_picture

ACROSS, DOWN = np.arange(301), np.arange(60)[:, None]
PIXELS = np.stack(np.broadcast_arrays(ACROSS * 255 // 300, DOWN * 4, (ACROSS + DOWN) % 256), -1).astype(np.uint8)
FORMS = {1: ">u1", 8: ">u1", 16: ">u2", 32: ">f4"}


def packed(row: bytes) -> bytes:
    parts = (row[first : first + 128] for first in range(0, len(row), 128))
    return b"".join(bytes((len(part) - 1,)) + part for part in parts)


def photoshop(samples, *, depth=8, mode=3, packing=1, large=False, resources=b"", palette=b""):
    height, width, count = samples.shape
    rows = [np.packbits(row).tobytes() if depth == 1 else row.astype(FORMS[depth]).tobytes()
            for row in itertools.chain(*samples.transpose(2, 0, 1))]
    if packing == 1:
        rows = [packed(row) for row in rows]
    lengths = b"".join(struct.pack(">I" if large else ">H", len(row)) for row in rows) if packing == 1 else b""
    body = zlib.compress(b"".join(rows)) if packing == 2 else b"".join(rows)
    return b"".join((b"8BPS", struct.pack(">H6xHIIHH", 1 + large, count, height, width, depth, mode),
                     struct.pack(">I", len(palette)), palette, struct.pack(">I", len(resources)), resources,
                     bytes(8 if large else 4), struct.pack(">H", packing), lengths, body))


def found(data: bytes) -> np.ndarray:
    picture = read_picture(data, "x")
    assert not picture.notes
    return np.asarray(picture.image).astype(int)


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("packing", [0, 1, 2])
@pytest.mark.parametrize("depth", [8, 16, 32])
def test_colours_of_every_depth(large, packing, depth):
    light = np.where(PIXELS / 255 <= 0.04045, PIXELS / 255 / 12.92, ((PIXELS / 255 + 0.055) / 1.055) ** 2.4)
    samples = {8: PIXELS, 16: PIXELS.astype(int) * 257, 32: light}[depth]
    data = photoshop(samples, depth=depth, packing=packing, large=large)
    assert np.abs(found(data) - PIXELS).max() <= 1
    picture = read_picture(data[: len(data) * 19 // 20], "x")
    assert "cut short" in picture.notes[0]
    if packing != 2:
        assert np.abs(np.asarray(picture.image).astype(int)[:45] - PIXELS[:45]).max() <= 1
    with pytest.raises(ReadingError, match="cut short"):
        read_picture(data[:200], "x")


@pytest.mark.parametrize("width", [33, 127, 128, 129, 256, 257])
@pytest.mark.parametrize("is_cut", [False, True])
def test_packed_rows_of_every_width(width, is_cut):
    data = photoshop(PIXELS[:, :width])
    picture = read_picture(data[: len(data) * 29 // 30] if is_cut else data, "x")
    assert bool(picture.notes) == is_cut
    assert np.array_equal(np.asarray(picture.image)[:40], PIXELS[:40, :width])


def test_other_modes():
    inks = np.asarray(Image.fromarray(PIXELS).convert("CMYK"))
    assert np.array_equal(found(photoshop(255 - inks, mode=4)), PIXELS)
    deep = 65535 - inks.astype(int) * 257
    assert np.abs(found(photoshop(deep, mode=4, depth=16, large=True)) - PIXELS).max() <= 1
    black = PIXELS[..., :1] > 100
    assert np.array_equal(found(photoshop(black, mode=0, depth=1))[..., :1], np.where(black, 0, 255))
    palette = bytes(range(256)) + bytes(range(255, -1, -1)) + bytes(256)
    expected = np.stack((PIXELS[..., 0], 255 - PIXELS[..., 0], 0 * PIXELS[..., 0]), -1)
    assert np.array_equal(found(photoshop(PIXELS[..., :1], mode=2, palette=palette)), expected)
    grey = Image.fromarray(np.full((40, 40, 3), 119, np.uint8)).convert("RGB")
    lab = np.broadcast_to(np.uint8((128, 128, 128)), (40, 40, 3))  # a grey of half the lightness is 119
    assert np.abs(found(photoshop(lab, mode=9)) - np.asarray(grey)).max() <= 2


@pytest.mark.parametrize("packing", [0, 1, 2])
def test_a_large_one_is_read_smaller(packing, monkeypatch):
    monkeypatch.setattr("unrolled.models.inputs.pictures.ENOUGH_SAMPLED", PIXELS.shape[0] * PIXELS.shape[1] // 9 + 1)
    picture = read_picture(photoshop(PIXELS, packing=packing, large=True), "x")
    assert picture.image.size == (101, 20)
    assert "it was read as 101 × 20" in picture.notes[0]


def test_layers_without_a_composite_are_said():
    version = b"8BIM" + struct.pack(">HHIIBx", 1057, 0, 6, 1, 0)
    with pytest.raises(ReadingError, match="Maximize Compatibility"):
        read_picture(photoshop(PIXELS, resources=version), "x")
    assert np.array_equal(found(photoshop(PIXELS, resources=version[:-2] + b"\1\0")), PIXELS)


@pytest.mark.parametrize("place", range(12, 40))
def test_nonsense_in_the_header_is_a_sentence(place):
    data = bytearray(photoshop(PIXELS))
    for value in (0, 1, 127, 255):
        data[place] = value
        try:
            read_picture(bytes(data), "x")
        except ReadingError:
            pass
