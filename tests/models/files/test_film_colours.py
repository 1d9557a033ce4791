"""High dynamic range and wide gamuts come out as a good viewer shows them, from video, PNG, AVIF and HEIC alike."""

from __future__ import annotations

import io
import struct
import zlib

import av
import numpy as np
import pytest
from PIL import Image

from unrolled.models.inputs.clips import read_clip
from unrolled.models.inputs.film_colours import HLG, PQ, in_srgb
from unrolled.models.inputs.pictures import read_picture

BT709, BT2020, P3 = 1, 9, 12
TO_XYZ = {BT709: ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505)),  # IEC 61966-2-1
          BT2020: ((0.6370, 0.1446, 0.1689), (0.2627, 0.6780, 0.0593), (0.0, 0.0281, 1.0610)),   # ITU-R BT.2020
          P3: ((0.4866, 0.2657, 0.1982), (0.2290, 0.6917, 0.0793), (0.0, 0.0451, 1.0439))}       # SMPTE EG 432-1
SHOWN = np.array([[[0, 0, 0], [60, 60, 60], [180, 40, 30], [20, 150, 60], [40, 50, 170], [118, 118, 118]]], np.uint8)


def light_of(shown):
    value = shown / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def pq(nits):
    """ITU-R BT.2100, table 4."""
    power = (np.maximum(nits, 0) / 10_000) ** 0.1593017578125
    return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375


def as_film(shown, primaries):
    """What a camera writes of these colours, white paper having 203 cd/m²."""
    light = light_of(shown) @ (np.linalg.inv(TO_XYZ[primaries]) @ TO_XYZ[BT709]).T
    return np.rint(255 * pq(203 * light)).astype(np.uint8)


def png(pixels, *chunks):
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", pixels.shape[1], len(pixels), 8, 2, 0, 0, 0)
    return b"".join((b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", header), *(chunk(*one) for one in chunks),
                     chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")))


@pytest.mark.parametrize("primaries", [BT709, BT2020, P3])
def test_what_is_darker_than_half_of_paper_looks_as_in_the_usual_range(primaries):
    found = in_srgb(as_film(SHOWN, primaries), primaries, PQ)
    assert np.abs(found.astype(int) - SHOWN).max() <= 6  # eight bits of PQ are coarse


def test_what_is_brighter_is_pressed_together_in_its_order_and_keeps_its_hue():
    nits = np.array([100, 203, 400, 1000, 4000])
    greys = in_srgb(np.rint(255 * pq(nits)).astype(np.uint8)[None, :, None].repeat(3, axis=2), BT2020, PQ)[0, :, 0].astype(int)
    assert (np.diff(greys[:4]) > 3).all()
    assert 210 < greys[1] < 235
    assert greys[3] >= 254
    red = in_srgb(np.rint(255 * pq(np.array([[[800.0, 200.0, 200.0]]]))).astype(np.uint8), BT709, PQ)[0, 0]
    assert red[1] == red[2]
    assert light_of(red[0]) / light_of(red[1]) == pytest.approx(4, rel=0.1)


def test_three_quarters_of_hlg_is_the_white_of_paper():
    found = in_srgb(np.full((1, 1, 3), round(0.75 * 255), np.uint8), BT2020, HLG)[0, 0]
    paper = in_srgb(np.full((1, 1, 3), round(255 * pq(203.0)), np.uint8), BT2020, PQ)[0, 0]
    assert np.abs(found.astype(int) - paper).max() <= 2


def test_a_png_says_its_colours():
    large = SHOWN.repeat(8, axis=0).repeat(8, axis=1)
    gamma = (b"gAMA", struct.pack(">I", 100_000))  # for viewers that know nothing better
    picture = read_picture(png(as_film(large, BT2020), (b"cICP", bytes((BT2020, PQ, 0, 1))), gamma), "x.png")
    assert np.abs(np.asarray(picture.image).astype(int) - large).max() <= 6
    assert "high dynamic range" in picture.notes[0]
    usual = read_picture(png(large, (b"cICP", bytes((BT709, 13, 0, 1)))), "x.png")
    assert not usual.notes
    assert np.array_equal(np.asarray(usual.image), large)


def test_an_avif_says_its_colours():
    large = SHOWN.repeat(16, axis=0).repeat(16, axis=1)
    stream = io.BytesIO()
    Image.fromarray(as_film(large, BT2020)).save(stream, "AVIF", quality=100, subsampling="4:4:4")
    data = stream.getvalue()
    place = data.index(b"colrnclx") + 8
    picture = read_picture(data[:place] + struct.pack(">HH", BT2020, PQ) + data[place + 4 :], "x.avif")
    assert "high dynamic range" in picture.notes[0]
    found = np.asarray(picture.image)[8, 8::16].astype(int)
    assert np.abs(found - SHOWN[0]).max() <= 24  # it is lossy, and dark colours are near one another
    assert not read_picture(data, "x.avif").notes


@pytest.mark.parametrize("curve", [PQ, HLG])
def test_a_video_says_its_colours(tmp_path, curve):
    path = tmp_path / "x.mkv"
    value = round(255 * (pq(203.0) if curve == PQ else 0.75))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        stream.codec_context.color_primaries, stream.codec_context.color_trc = BT2020, curve
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), value, np.uint8), format="rgb24")))
        container.mux(stream.encode())
    clip = read_clip(path.read_bytes(), "x.mkv")
    assert np.ptp(clip.frames) == 0
    assert 210 < clip.frames[0, 0, 0, 0] < 235
    assert len(clip.notes) == 1
    assert "high dynamic range" in clip.notes[0]
