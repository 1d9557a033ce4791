"""Whatever a photograph's file is like, it becomes an upright RGB picture or one sentence."""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unrolled.models.inputs.files import ReadingError, read_file
from unrolled.models.inputs.pictures import picture_bytes, read_picture


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
    (as_bytes(half_and_half(), "JPEG")[:400], "cut short: it ends after 400 bytes"),
    (as_bytes(half_and_half(), "PNG")[:70], "cut short: it has 70 of at least"),
])
def test_what_is_no_picture_is_said_in_a_sentence(data, expected):
    with pytest.raises(ReadingError, match=expected):
        read_picture(data, "photo.jpg")


def test_far_too_many_pixels_are_refused_before_they_are_read():
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    with pytest.raises(ReadingError, match="megapixels are the most"):
        read_picture(header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""), "huge.png")


def test_a_webp_that_would_swell_is_refused_before_it_is_read():
    side = 16_000 - 1
    lossless = b"\x2f" + (side | side << 14).to_bytes(4, "little")
    content = b"VP8L" + struct.pack("<I", len(lossless)) + lossless + b"\0"
    with pytest.raises(ReadingError, match="140 megapixels are the most that can be opened of a WebP"):
        read_picture(b"RIFF" + struct.pack("<I", 4 + len(content)) + b"WEBP" + content, "huge.webp")


@given(st.binary(max_size=300))
def test_random_bytes_give_a_sentence(data):
    with pytest.raises(ReadingError):
        read_picture(data, "x.jpg")


@given(st.integers(0, 600), st.integers(0, 255))
@settings(max_examples=60)
def test_a_damaged_photograph_gives_a_picture_or_a_sentence(place, value):
    data = bytearray(as_bytes(half_and_half(), "JPEG"))
    data[place % len(data)] = value
    try:
        assert read_picture(bytes(data), "x.jpg").image.mode == "RGB"
    except ReadingError:
        pass


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(ReadingError, match="no file"):
        read_file(tmp_path / "missing.jpg")
    with pytest.raises(ReadingError, match="folder"):
        read_file(tmp_path)
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(ReadingError, match="empty"):
        read_file(tmp_path / "empty.jpg")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="the superuser may read everything")
def test_a_file_without_permission(tmp_path):
    (tmp_path / "secret.jpg").write_bytes(b"x")
    (tmp_path / "secret.jpg").chmod(0)
    with pytest.raises(ReadingError, match="permissions"):
        read_file(tmp_path / "secret.jpg")


def jpeg(image: Image.Image | None = None) -> bytes:
    return as_bytes(image or half_and_half(), "JPEG", quality=95)


def with_segment(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment of metadata behind its first marker."""
    return data[:2] + bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body + data[2:]


def exif(*fields: tuple[int, int, int, bytes], orientation: int = 6) -> bytes:
    """EXIF as it may be: every field's tag, type, count and four bytes."""
    every = sorted((*fields, (0x0112, 3, 1, struct.pack(">HH", orientation, 0))))
    body = b"".join(struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in every)
    return b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(every)) + body + bytes(4)


@pytest.mark.parametrize("field", [
    (0x011A, 2, 4, b"abc\0"), (0x011A, 5, 1, b"\xff\xff\xff\xf0"), (0x011A, 10, 1, b"\0\0\0\0"), (0x0128, 99, 1, bytes(4)),
    (0x8769, 4, 1, b"\xff\xff\xff\xff"), (0x8825, 4, 0xFFFFFFF0, bytes(4)), (0x0100, 4, 1, b"\xff\xff\xff\xff"),
])
def test_other_fields_of_exif_may_be_broken(field):
    stored = half_and_half().transpose(Image.Transpose.ROTATE_90)
    left, right = colours(with_segment(jpeg(stored), 0xE1, exif(field)))
    assert is_near(left, (255, 0, 0))
    assert is_near(right, (0, 0, 255))


@pytest.mark.parametrize("marker", [*range(0xE1, 0xE9), 0xED, 0xEF, 0xFE])
def test_no_metadata_can_cost_the_picture(marker):
    for body in (b"", b"Exif\0\0", b"MPF\0" + bytes(40), b"ICC_PROFILE\0\x01\x01 broken", b"Exif\0\0II*\0\xff\xff\xff\xff",
                 b"Photoshop 3.0\x008BIM" + bytes(9), b"http://ns.adobe.com/xap/1.0/\0<x", bytes(range(256))):
        left, _ = colours(with_segment(jpeg(), marker, body))
        assert is_near(left, (255, 0, 0))


def test_a_png_with_broken_exif_and_a_broken_profile():
    stream = io.BytesIO()
    half_and_half().save(stream, "PNG", exif=exif((0x011A, 2, 4, b"abc\0"), orientation=1)[6:], icc_profile=b"broken")
    assert is_near(colours(stream.getvalue())[0], (255, 0, 0))


def test_a_jpeg_without_its_last_bytes_opens():
    whole = jpeg(Image.effect_noise((200, 160), 60).convert("RGB"))
    picture = read_picture(whole[:-2], "x.jpg")
    np.testing.assert_array_equal(np.asarray(picture.image), np.asarray(read_picture(whole, "x.jpg").image))
    assert "what is shown is whole" in picture.notes[0]
    picture = read_picture(whole[: len(whole) * 4 // 5], "x.jpg")
    assert "% of it is missing" in picture.notes[0]
    with pytest.raises(ReadingError, match="too few to show anything"):
        read_picture(whole[: len(whole) // 20], "x.jpg")


def photoshop(image: Image.Image, layers: int) -> bytes:
    """A PSD with empty layers and the composite, uncompressed."""
    width, height = image.size
    records = b""
    for _ in range(layers):
        channels = b"".join(struct.pack(">hI", channel, 2) for channel in (0, 1, 2))
        records += struct.pack(">4iH", 0, 0, 0, 0, 3) + channels + b"8BIMnorm" + struct.pack(">4BI12x", 255, 0, 0, 0, 12)
    information = struct.pack(">h", layers) + records + bytes(2 * 3 * layers)
    information += bytes(len(information) % 2)
    section = struct.pack(">I", len(information)) + information + bytes(4)
    planes = np.moveaxis(np.asarray(image), 2, 0).tobytes()
    return (b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, height, width, 8, 3) + bytes(4) + bytes(4)
            + struct.pack(">I", len(section)) + section + b"\0\0" + planes)


@pytest.mark.parametrize("layers", [0, 1, 2])
def test_photoshop_gives_the_composite(layers):
    left, right = colours(photoshop(half_and_half(), layers))
    assert is_near(left, (255, 0, 0))
    assert is_near(right, (0, 0, 255))


@pytest.mark.parametrize(("size", "longest"), [((12_000, 9_000), 6_000), ((16_320, 12_240), 4_080)])
def test_photographs_of_a_hundred_megapixels_and_more(size, longest):
    data = as_bytes(Image.new("L", size, 200), "JPEG", quality=30)
    picture = read_picture(data, "phone.jpg")
    assert max(picture.image.size) == longest
    assert f"{size[0]:,}" in picture.notes[0]


def test_a_heic_photograph_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(ReadingError, match="pillow-heif"):
        read_picture(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200), "IMG_0001.HEIC")


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_heic_photograph_stands_upright(orientation):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    exif, lying = Image.Exif(), half_and_half()
    exif[0x0112] = orientation
    turned = {1: lying, 3: lying.rotate(180), 6: lying.rotate(90, expand=True), 8: lying.rotate(270, expand=True)}[orientation]
    data = as_bytes(turned.resize((turned.width * 4, turned.height * 4)), "HEIF", exif=exif.tobytes())
    left, right = colours(data)
    assert is_near(left, (255, 0, 0))
    assert is_near(right, (0, 0, 255))


def test_of_a_burst_the_main_photograph_is_shown():
    heif = pytest.importorskip("pillow_heif")
    burst = heif.from_pillow(Image.new("RGB", (240, 160), "black"))
    burst.add_from_pillow(half_and_half().resize((240, 160)))
    stream = io.BytesIO()
    burst.save(stream, primary_index=1)
    picture = read_picture(stream.getvalue(), "x.heic")
    assert picture.notes == ("“x.heic” holds several pictures; its main one is shown.",)
    assert is_near(colours(stream.getvalue())[0], (255, 0, 0))


@pytest.mark.parametrize("data", [b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", b"\xc5\xd0\xd3\xc6" + bytes(60),
                                  b"\xd7\xcd\xc6\x9a" + bytes(60), b"GRIB" + bytes(60), b"\x89HDF\r\n\x1a\n" + bytes(60)])
def test_what_starts_a_program_is_never_tried(data, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    with pytest.raises(ReadingError, match="not a picture"):
        read_picture(data, "photo.jpg")


@pytest.mark.parametrize(("values", "noted"), [((0.0, 1.0), False), ((-3.0, 3.0), True), ((0.0, 3e38), True)])
def test_floating_point_is_stretched_only_where_it_must_be(values, noted):
    ramp = np.linspace(*values, 64 * 64, dtype=np.float32).reshape(64, 64)
    ramp[0, 1] = np.nan
    picture = read_picture(as_bytes(Image.fromarray(ramp), "TIFF"), "x.tif")
    assert bool(picture.notes) == noted
    grey = np.asarray(picture.image)[..., 0]
    assert grey[0, 0] == 0
    assert grey[-1, -1] == 255


def test_colours_are_those_of_the_profile():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    lab = Image.new("LAB", (20, 20), (128, 200, 128))
    for data in (as_bytes(lab, "TIFF"), as_bytes(lab, "TIFF", icc_profile=profile)):
        red, green, blue = np.asarray(read_picture(data, "x.tif").image)[10, 10].astype(int)
        assert red > green + 60
        assert blue > green


def test_of_a_far_too_large_file_what_is_shown_is_kept(tmp_path, monkeypatch):
    path = tmp_path / "huge.bmp"
    half_and_half().resize((600, 400)).save(path)
    assert picture_bytes(path) == path.read_bytes()
    monkeypatch.setattr("unrolled.models.inputs.pictures.LARGEST_FILE", 100_000)
    monkeypatch.setattr("unrolled.models.inputs.pictures.ENOUGH_PIXELS", 60_000)
    kept = picture_bytes(path)
    assert len(kept) < 20_000
    picture = read_picture(kept, path.name)
    assert picture.image.size == (300, 200)
    assert picture.notes == ("“huge.bmp” has 600 × 400 pixels; it was read as 300 × 200.",)
    assert is_near(colours(kept)[0], (255, 0, 0))
    monkeypatch.setattr("unrolled.models.inputs.pictures.LARGEST_READ", 200_000)
    with pytest.raises(ReadingError, match="MiB are the most"):
        picture_bytes(path)


def test_a_file_that_is_no_file(tmp_path):
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "endless.jpg")
        with pytest.raises(ReadingError, match="not a file"):
            read_file(tmp_path / "endless.jpg")


def test_a_bitmap_without_a_file_header_opens():
    stream = io.BytesIO()
    Image.fromarray(np.arange(12 * 10 * 3, dtype=np.uint8).reshape(12, 10, 3)).save(stream, "DIB")
    assert read_picture(stream.getvalue(), "a.dib").image.size == (10, 12)


def test_a_size_that_its_reader_refuses_in_silence_is_said():
    data = as_bytes(Image.new("RGB", (64, 48)), "AVIF")
    large = data.replace(b"ispe" + struct.pack(">3I", 0, 64, 48), b"ispe" + struct.pack(">3I", 0, 24_000, 12_000))
    with pytest.raises(ReadingError, match="24,000 × 12,000 pixels; 256 megapixels are the most"):
        read_picture(large, "large.avif")
