"""What there is of a picture that is cut short is shown with a note, and `damaged` is said only of what is."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unrolled.models.inputs.marks import other_kind
from unrolled.models.inputs.pictures import PictureError, read_picture
from unrolled.models.inputs.sniffing import media_of

NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
PHOTO = Image.fromarray(NOISE).resize((256, 192), Image.Resampling.BICUBIC)
WRITTEN = {
    "WebP": ("WEBP", {"quality": 90}), "lossless WebP": ("WEBP", {"lossless": True}), "AVIF": ("AVIF", {"quality": 90}),
    "JPEG 2000": ("JPEG2000", {}), "JPEG 2000 in tiles": ("JPEG2000", {"tile_size": (64, 64)}),
    "a bare codestream": ("JPEG2000", {"no_jp2": True, "quality_mode": "rates", "quality_layers": [20, 5]}),
    "HEIC": ("HEIF", {"quality": 90}), "PNG": ("PNG", {}), "GIF": ("GIF", {}), "BMP": ("BMP", {}), "PPM": ("PPM", {}),
    "TGA": ("TGA", {"compression": "tga_rle"}), "ICO": ("ICO", {"sizes": [(192, 192)]}),
    "JPEG": ("JPEG", {}), "progressive JPEG": ("JPEG", {"progressive": True}),
}


def written(kind: str) -> bytes:
    form, options = WRITTEN[kind]
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    stream = io.BytesIO()
    PHOTO.save(stream, form, **options)
    return stream.getvalue()


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_there_is_of_it_is_shown(kind):
    data = written(kind)
    whole = read_picture(data, "x")
    assert not whole.notes
    for part in (0.97, 0.7):
        picture = read_picture(data[: int(part * len(data))], "x")
        assert picture.notes[0].startswith("“x” is cut short: it ")
        error = np.abs(np.asarray(picture.image).astype(int) - np.asarray(whole.image)).mean()
        assert error < {0.97: 12, 0.7: 45}[part]
    for length in (len(data) - 2, len(data) - 40):
        near = np.asarray(read_picture(data[:length], "x").image).astype(int)
        assert np.abs(near - np.asarray(whole.image)).mean() < 8


@pytest.mark.parametrize("kind", WRITTEN)
def test_too_little_of_it_is_said_with_the_length(kind):
    data = written(kind)[:60]
    said = r"cut short: it (has|ends after) 60 (of at least [\d,]+ )?bytes, too few|is not a picture"
    with pytest.raises(PictureError, match=said):
        read_picture(data, "x")


@pytest.mark.parametrize(("kind", "first"), [("WebP", 2000), ("AVIF", 1500), ("PNG", 300), ("GIF", 900)])
def test_what_is_whole_and_wrong_is_not_called_cut(kind, first):
    data = bytearray(written(kind))
    data[first : len(data) - 60] = b"\xff" * (len(data) - 60 - first)
    try:
        notes: tuple[str, ...] = read_picture(bytes(data), "x").notes
    except PictureError as error:
        notes = (str(error),)
    assert "cut short" not in "".join(notes)


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_an_interlaced_one_shows_what_came_early(form):
    """Without the black rows between those that came."""
    smooth = Image.fromarray(NOISE[::6, ::8]).resize((200, 160), Image.Resampling.BICUBIC)
    if form == "GIF":
        stream = io.BytesIO()
        smooth.quantize(128).save(stream, "GIF", interlace=True)
        data = stream.getvalue()
    else:
        data = interlaced_png(np.asarray(smooth))
    whole = np.asarray(read_picture(data, "x").image).astype(int)
    for part, most in ((0.9, 4), (0.6, 8), (0.3, 16)):
        picture = read_picture(data[: int(part * len(data))], "x")
        assert "finer details are missing" in picture.notes[0]
        error = np.abs(np.asarray(picture.image).astype(int) - whole).mean(axis=(1, 2))
        assert error.mean() < most
        assert error.max() < 5 * most


def interlaced_png(pixels: np.ndarray) -> bytes:
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + row.tobytes() for top, left, down, across in (
        (0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
        for row in pixels[top::down, left::across])
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 1)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(content)) + name + content
                                            + struct.pack(">I", zlib.crc32(name + content)) for name, content in chunks)


def test_of_a_cut_tiff_every_row_that_is_there_is_shown():
    tifffile = pytest.importorskip("tifffile")
    pixels = np.asarray(PHOTO)
    for packing, rows, tile in itertools.product((None, "lzw", "zlib", "jpeg"), (16, 192), (None, (64, 64))):
        stream = io.BytesIO()
        tifffile.imwrite(stream, pixels, photometric="rgb", compression=packing, rowsperstrip=None if tile else rows, tile=tile,
                         predictor=packing in ("lzw", "zlib"))
        data = stream.getvalue()
        picture = read_picture(data[: len(data) * 3 // 4], "x")
        assert "cut short" in picture.notes[0]
        found = np.asarray(picture.image).astype(int)
        assert np.abs(found[:120] - pixels[:120]).max() <= (60 if packing == "jpeg" else 0)
    for form in ("lzw", "jpeg"):  # whose directory stands at the end
        stream = io.BytesIO()
        PHOTO.save(stream, "TIFF", compression=f"tiff_{form}" if form == "lzw" else form)
        with pytest.raises(PictureError, match="cut short: it has"):
            read_picture(stream.getvalue()[:-1000], "x")


@pytest.mark.parametrize(("data", "kind"), [
    (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    (b"\xff\x0a" + bytes(90), "a JPEG XL picture"), (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(90), "a JPEG XL picture"),
    (b"gimp xcf v011\0" + bytes(90), "a GIMP project"), (b"%PDF-1.7\n" + bytes(90), "a PDF document"),
    (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(90), "a camera's raw photograph"),
])
def test_a_kind_that_is_not_read_is_called_by_its_name(data, kind):
    with pytest.raises(PictureError, match=f"is {kind}, not a picture that can be read"):
        read_picture(data, "x.jpg")


def test_what_looks_like_a_drawing_is_told_at_once():
    assert not other_kind(b"<!---->" * 580 + b"<sv")
    assert not other_kind(b" " * 4090 + b"<sv")
    assert media_of(b"<!-- a -->\n<svg width='9'>") == ("text", "picture")
