"""What there is of a picture that is cut short is shown with a note, and `damaged` is said only of what is."""

from __future__ import annotations

import base64
import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from unrolled.models.inputs import pictures
from unrolled.models.inputs.cut_files import FILLS, filled
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.marks import other_kind
from unrolled.models.inputs.pictures import read_picture
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


def test_a_cut_avif_is_shown_wherever_its_end_is():
    stream = io.BytesIO()
    Image.fromarray(NOISE[:12, :16]).resize((512, 384), Image.Resampling.BICUBIC).save(stream, "AVIF", quality=70, speed=8)
    data = stream.getvalue()
    for length in (*range(len(data) - 385, len(data), 20), *range(int(0.6 * len(data)), len(data), len(data) // 50)):
        assert "cut short" in read_picture(data[:length], "x").notes[0]


def test_what_cannot_be_decoded_is_tried_a_few_times(monkeypatch):
    tried, data = [], bytearray(written("WebP")[:5000])
    data[20] |= 1  # no key frame
    monkeypatch.setattr(pictures, "filled", lambda *of: tried.append(of) or filled(*of))
    with pytest.raises(ReadingError):
        read_picture(bytes(data), "x")
    assert len(tried) == len(FILLS)


@pytest.mark.parametrize("kind", WRITTEN)
def test_too_little_of_it_is_said_with_the_length(kind):
    data = written(kind)[:60]
    said = r"cut short: it (has|ends after) 60 (of at least [\d,]+ )?bytes, too few|is not a picture"
    with pytest.raises(ReadingError, match=said):
        read_picture(data, "x")


@pytest.mark.parametrize(("kind", "first"), [("WebP", 2000), ("AVIF", 1500), ("PNG", 300), ("GIF", 900)])
def test_what_is_whole_and_wrong_is_not_called_cut(kind, first):
    data = bytearray(written(kind))
    data[first : len(data) - 60] = b"\xff" * (len(data) - 60 - first)
    try:
        notes: tuple[str, ...] = read_picture(bytes(data), "x").notes
    except ReadingError as error:
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


GRID = base64.b64decode("""
AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAAHhbWV0YQAAAAAAAAAoaGRscgAAAAAAAAAAcGljdAAAAAAAAAAAAAAAAGxpYmF2aWYAAAAADn
BpdG0AAAAAAAEAAABWaWxvYwAAAABEAAAFAAEAAAABAAACCQAAAAgAAgAAAAEAAAIRAAABJAADAAAAAQAAAzUAAAE+AAQAAAABAAAEcwAAASsABQAAAAEA
AAWeAAABKQAAAJBpaW5mAAAAAAAFAAAAGmluZmUCAAAAAAEAAGdyaWRDb2xvcgAAAAAaaW5mZQIAAAEAAgAAYXYwMUNvbG9yAAAAABppbmZlAgAAAQADAA
BhdjAxQ29sb3IAAAAAGmluZmUCAAABAAQAAGF2MDFDb2xvcgAAAAAaaW5mZQIAAAEABQAAYXYwMUNvbG9yAAAAACBpcmVmAAAAAAAAABRkaW1nAAEABAAC
AAMABAAFAAAAmWlwcnAAAABfaXBjbwAAABRpc3BlAAAAAAAAAIAAAACAAAAAEHBpeGkAAAAAAwgICAAAABNjb2xybmNseAABAA0ABoAAAAAUaXNwZQAAAA
AAAABAAAAAQAAAAAxhdjFDgQAMAAAAADJpcG1hAAAAAAAAAAUAAQMBAgMAAgQEAoUDAAMEBAKFAwAEBAQChQMABQQEAoUDAAAExm1kYXQAAAEBAIAAgBIA
CgkYFX/9kgIaDQgylAIQgAQQAAWEAIkI4OTQsMRAPY/adm7hCFWR80/fvhzV7eQbwNTHmNZ1Q9qU3EebHIcL9J07aL93qJxmZhY1F3irnv8SgEHT2AxZdy
2dkKRMwDgMqKykx2zSHpX46wmod210XjzFKAGMtwH/C0RTxBRTyp/YaybxFSbvBnryhvzEwRQYtyhccZBMgrSJlGasQdcyZEJsKqUi+sx2QehDfVdFAAIu
De7hzpmIjUYIgRlnGN0Wa37GZbGcCy1LmbgnkZsfB5SgA01aZCBVPkfUCM0xQT+2Tp72EIQC5VL6A9rKWFpVBFW7WhcvomqGVQIEt+7d2XOJ3oUD7+KEtx
1U8eWWQDiNhPn5cnYCqYVpXIYoxWo6zfUSAAoJGBV//ZICGg0IMq4CEIAIIAAFBADcfZ5QjcqDixBcgS9B5lueDkFAx842+8Skz2dxbm2CD++imKwIrB2c
uwauoSrnEySWQ4Xojfa3fPns6MpDGZaxCPldSWqVAGjKq0Srhq2A5g2xT7BBNbxOq1xfMcFBce0UAZ8oK8+sGCBX2FaXuiFmo4/nNPk7D8CkaIPW56ikjs
8dVzXfokVYWhr+SzQeyzyKkbqTZ+2N4wUq7UWBx/33Vw9BDYkAeSV+ssIl9vW0bgS6oPoIYo5beeYnJFmEjwA71tkS/AK0en90WemVF5mqQeuXga5yu5OL
iku+tG99NmAYVI3h7eDhjfq5vfCf4TVl6U1PyozJvKUv7OSgT+AEX2tCdV/qEpoSnKPWGTDgt1duLYs3AAD1byzZBbGLqpPImtlmjGASAAoJGBV//ZICGg
0IMpsCEIAEEAAFhACSFGyPzESVeTaIpJZg6zuhq/97CQcJmhYsgRkCmO6AnuQkMX+kxxX1dde97RXtpwhuzlox80BwZqs5IlfOwbjSl64VPxwedWZg4oNC
Q+CtYmzvH3w5apEyTCcw7edxxb7zpKdQzlYPfBBo/V7ny0DxMSNkxMG/h+nLj2A56za7uj2Pp2W2Y1THClvi3H9IaIk3V7sVZzbln6DO65v5yPphZQ+U4T
W7TFsPvRw+2qyENm9l6YLva4nWa6gzZNYKRsHwRBYU4sSFiDQWiQLIEm1yJFDEBr7pYxAfkmguckmyufshzqnwmr+TgiWstuwcOYK22MFam+H69f7AFUkW
JulAHOwsYyAFkNyas+3dNxPnv2zAzRIACgkYFX/9kgIaDQgymQIQgAQQAAQA4l5CXzwcsZhHwEldn29yLMV9j4G52WxywYsedwnSqp6LDXGeVCf1nRuWx3
GHOygArTEBblfvUdq6vQzjsdx0wGNvb9rJXpQhgWapfyOdQ0XGhq0gv3Wy5ONydRsR0TQYxTgZSjkvixI2pBzx8ZGXTCZjUrSgZ0b12w37Y8ZnN0OK5mtU
Q4pwGmOK0c/M7awXJ4crbmpOelaQKcO0Dweh9WyULvRwnG80eG2K2ZPsOD3UKv4uEs0SNlh5FmAztlQSgpoc1DQSi/9iPz4aabnivSPkRxokAOqDuS3kJ9
Y1fDKkKebi06ioqyzhwbuBoq3m/vFdtDkUo6n712ayJUrJLCfjSkmsOzWcuF2Gp06MawT9QA==
""")
"""An AVIF of four tiles, 64 × 64 each, as phones lay out HEIC: red, green, blue and bright."""


HEIC_GRID = base64.b64decode("""
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAkJtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAABBpZGF0AAABAQCAAI
AAAAB0aWxvYwEAAABEQAAFAAEAAQAAAAAAAAABAAAAAAAAAAgAAgAAAAAAAAJmAAEAAAAAAAAA1gADAAAAAAAAAzwAAQAAAAAAAADOAAQAAAAAAAAECgAB
AAAAAAAAANwABQAAAAAAAATmAAEAAAAAAAAA/wAAAHdpaW5mAAAAAAAFAAAAFWluZmUCAAAAAAEAAGdyaWQAAAAAFWluZmUCAAABAAIAAGh2YzEAAAAAFW
luZmUCAAABAAMAAGh2YzEAAAAAFWluZmUCAAABAAQAAGh2YzEAAAAAFWluZmUCAAABAAUAAGh2YzEAAAAADnBpdG0AAAAAAAEAAADsaXBycAAAALdpcGNv
AAAAFGlzcGUAAAAAAAAAgAAAAIAAAAB3aHZjQwEDcAAAAJAAAAAAAB7wAPz9+PgAAA8DYAABABhAAQwB//8DcAAAAwCQAAADAAADAB66AkBhAAEAK0IBAQ
NwAAADAJAAAAMAAAMAHqAggQWW6TkpLm4CGgwIAAADAMgAAAMACEBiAAEABkQBwHGBEgAAABRpc3BlAAAAAAAAAEAAAABAAAAAEHBpeGkAAAAAAwgICAAA
AC1pcG1hAAAAAAAAAAUAAQIBhAACA4IDBAADA4IDBAAEA4IDBAAFA4IDBAAAACBpcmVmAAAAAAAAABRkaW1nAAEABAACAAMABAAFAAADh21kYXQAAADSKA
GsuGeCg1cuWYGr6p5Ug/KyiSES3sMMZf86faTaZHSQNIJEMtlfHx24pPuV/SW87rS2YGqQdplMBPZt72km5rrb9/PU47J62LVBBk8l8xKI2PIa6OgA4mMJ
7TuDLZmfm3ptdUBiSbX4Mlf4ghv7Wnlk0z+vFs4Cg27R8/xEKb7R87zS1XNTlmPXb7GZhqGl4yApauXnkgicfDBKhefKi4MZ6GF0JmogQrd9r7cXbwZAw4
/oe30wcE0cLG5mLmYqBOqPlCJz+O5NyoadewF75gZ4AAAAyigBrLhnq6Lb8V5j7Mkm2/3+8Lo6AsfX+SCpZ1BkvDUIT7c+3T3fJTo3oFS5Fsl2nJVDhH5/
QcyQ+OMbPFz+E349JglkgVQx7eLklrw4y2rYbWVAj1oin/wV7Kad5H1hwAQV4gk02ldjrzCvNGLF8SHFlDzuYuZlDzcdivQ+3LRxLpiV+g9erf3zt7FAVO
qt7n9LsqyJUAsTjSwrU7YwbuISgYVh3oQAahRFC8GQVeAFXpAgWvX/p+ok+qErWICmG88WZrPSrIUpBoAAAADYKAGsuGeXT8j4dhbTLG9bZTIXU/gmfyP0
sFoe9I/F9UbVOEKUwl9tp1XaJrSiYUkv4dqp3OILfnFu0W6AIJMlNGnqxSG50L92Oc5fDYxkX/OcToiOTyoeXRSR5NGe6ywbfI1wnDVdNbXDSMLJj/Xpbo
oRkHroutIvf0XIsMEPg9985IxMWCa5MUnBWAyeH4izl6yid08El7pr48YfuxvaQvwiWHwga6CTiA6hijS2GoMaEE1UhLWl/utiuvWrBotSQW/+mowrz+al
8tPPdWkwDefgEmvpkyTAAAAA+ygBrLhnhrPGFFwM43+UrHIsglUSBotYFogsVBHYDeiwMBAUYX3FQBRL/JgmP9FH+VZ+mMIrhP2/H1ZwVDm/l+qynbIp7k
3snuWGNYfcwaOYqKMJ4Bku6zll1z/Lw4HE9znm1hX9KhhFzPFLKJ+oJ63zQOwC9T6U57hv5Aw8Sl9vsbf+iEaufn6nLeme4fs6+vFkIzbICIeXDVMGLFeG
PA7r40aWLQCSGheGMrj3gJxJ3jYrBhXW7hxpNhkTcTM+s8S2S/6HhkHNc/nPWQlPpm2+/y5qXeOkfb9v+H9sccimYevNqBMlHnKkfJjtyhRzOkakegtDl5
xreWld
""")
"""The same as HEIC: red, green, blue and pale."""


@pytest.mark.parametrize("form", ["AVIF", "HEIC"])
def test_of_a_grid_the_tiles_that_are_there_are_shown(form):
    if form == "HEIC":
        pytest.importorskip("pillow_heif")
    grid = GRID if form == "AVIF" else HEIC_GRID
    whole = np.asarray(read_picture(grid, "x").image).astype(int)
    tiles = [(whole[:64, :64], (220, 30, 30)), (whole[:64, 64:], (30, 200, 40)), (whole[64:, :64], (40, 50, 210))]
    assert all(np.abs(tile.mean(axis=(0, 1)) - colour).max() < 25 for tile, colour in tiles)
    for part in (0.98, 0.8, 0.65):
        picture = read_picture(grid[: int(part * len(grid))], "x")
        assert "cut short" in picture.notes[0]
        found = np.asarray(picture.image).astype(int)
        assert np.abs(found[:16 if part < 0.7 else 40, :64] - whole[:16 if part < 0.7 else 40, :64]).max() < 8


@pytest.mark.parametrize("form", ["AVIF", "HEIF"])
def test_what_lacks_transparency_alone_is_shown_whole(form):
    if form == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    stream, opaque = io.BytesIO(), PHOTO.resize((512, 384))
    seen_through = opaque.copy()
    seen_through.putalpha(Image.fromarray(NOISE[..., 0]).resize(opaque.size, Image.Resampling.BICUBIC))
    seen_through.save(stream, form, quality=80)
    data = stream.getvalue()
    picture = read_picture(data[: len(data) - 500], "x")
    first_is_colour = form == "HEIF"  # libavif writes transparency first
    beside = np.asarray(opaque if first_is_colour else read_picture(data, "x").image).astype(int)
    assert len(picture.notes) == 1
    assert "cut short" in picture.notes[0]
    assert np.abs(np.asarray(picture.image) - beside)[:300].mean() < 8


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
        with pytest.raises(ReadingError, match="cut short: it has"):
            read_picture(stream.getvalue()[:-1000], "x")


@pytest.mark.parametrize(("data", "kind"), [
    (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "an SVG drawing"),
    (b"\xff\x0a" + bytes(90), "a JPEG XL picture"), (b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(90), "a JPEG XL picture"),
    (b"gimp xcf v011\0" + bytes(90), "a GIMP project"), (b"\xff\xd8\xff\xf7" + bytes(90), "a JPEG-LS picture"),
    (b"%PDF-1.7\n" + bytes(90), "a PDF document"),
    (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom" + bytes(90), "a camera's raw photograph"),
])
def test_a_kind_that_is_not_read_is_called_by_its_name(data, kind):
    with pytest.raises(ReadingError, match=f"is {kind}, not a picture that can be read"):
        read_picture(data, "x.jpg")


def test_what_looks_like_a_drawing_is_told_at_once():
    assert not other_kind(b"<!---->" * 580 + b"<sv")
    assert not other_kind(b" " * 4090 + b"<sv")
    assert media_of(b"<!-- a -->\n<svg width='9'>") == ("text", "picture")
