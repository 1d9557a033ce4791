"""Samples of every depth and kind come out as a good viewer shows them; what is cut off or broken beside them costs nothing."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from unrolled.models.inputs.clips import clip_bytes, read_clip
from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.pictures import read_picture

LIGHT = np.zeros((24, 40, 3))
LIGHT[:12, :20], LIGHT[:12, 20:], LIGHT[12:, :20], LIGHT[12:, 20:] = (0.9, 0.1, 0.1), (0.1, 0.8, 0.2), (0.1, 0.2, 0.9), 1.0
SHOWN = np.rint(255 * LIGHT).astype(int)


def tiff(samples, order, bits, kind, *, others=(), photometric=2, pixels=b"", tags=None):
    """A TIFF of one strip, as it is written without any library; `others` are entries of its directory as they are."""
    height, width, count = samples.shape
    pixels = pixels or samples.tobytes()
    entries = {256: (4, width), 257: (4, height), 258: (3, bits), 259: (3, 1), 262: (3, photometric), 273: (4, 16),
               277: (3, count), 278: (4, height), 279: (4, len(pixels)), 339: (3, kind), **(tags or {})}
    place = 16 + len(pixels) + len(pixels) % 2
    packed = {}
    for tag, (form, value) in entries.items():
        number = struct.pack(order + ("H" if form == 3 else "I"), value)
        packed[tag] = struct.pack(order + "HHI", tag, form, 1) + number.ljust(4, b"\0")
    for tag in (258, 339) if count > 2 else ():  # one for every sample
        packed[tag] = struct.pack(order + "HHII", tag, 3, count, place)
        pixels += b"\0" * (len(pixels) % 2) + struct.pack(f"{order}{count}H", *[entries[tag][1]] * count)
        place = 16 + len(pixels)
    for entry in others:
        packed[struct.unpack_from(order + "H", entry)[0]] = entry
    directory = b"".join((struct.pack(order + "H", len(packed)), *(packed[tag] for tag in sorted(packed)), bytes(4)))
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(order + "I", place) + bytes(8) + pixels + directory


def shown(data, *, most=1, notes=False):
    picture = read_picture(data, "x")
    assert bool(picture.notes) == notes
    found = np.asarray(picture.image).astype(int)
    return found.shape == SHOWN.shape and np.abs(found - SHOWN).max() <= most


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("form", ["f2", "f4", "f8", "u4", "u8"])
def test_a_tiff_of_wide_samples_in_colour(order, form):
    values = LIGHT if form[0] == "f" else LIGHT * (2 ** (8 * int(form[1])) - 2**12)
    assert shown(tiff(values.astype(order + form), order, 8 * int(form[1]), 3 if form[0] == "f" else 1))


@pytest.mark.parametrize("bits", [4, 10, 12, 14])
@pytest.mark.parametrize("colours", [3, 1])
def test_a_tiff_of_odd_depths(bits, colours):
    whole = np.rint(LIGHT[..., :colours] * (2**bits - 1)).astype(int)
    each = (whole[..., None] >> np.arange(bits)[::-1] & 1).astype(np.uint8).reshape(24, -1)
    data = tiff(whole, "<", bits, 1, photometric=2 if colours == 3 else 1, pixels=np.packbits(each, axis=1).tobytes())
    found = np.asarray(read_picture(data, "x").image).astype(int)
    assert np.abs(found - SHOWN[..., :colours]).max() <= 17 - bits  # sixteen levels are seventeen apart


def test_a_tiff_of_floating_point_with_a_predictor():
    """Adobe's third predictor: the bytes of a row, the highest first, each the difference from the pixel before."""
    planes = np.frombuffer(LIGHT.astype(">f4").tobytes(), np.uint8).reshape(24, -1, 4).transpose(0, 2, 1).reshape(24, -1, 3)
    apart = np.diff(planes, axis=1, prepend=np.zeros((24, 1, 3), np.uint8)).astype(np.uint8)
    assert shown(tiff(LIGHT, "<", 32, 3, pixels=apart.tobytes(), tags={317: (3, 3)}))


def test_what_lies_beyond_white_is_stretched_and_said():
    picture = read_picture(tiff((LIGHT * 4).astype("<f4"), "<", 32, 3), "x")
    assert "from 0.4 to 4" in picture.notes[0]
    assert np.asarray(picture.image)[20, 30, 0] == 255


def photoshop(samples, bits, mode=3, layers=0):
    height, width, count = samples.shape
    section = struct.pack(">IIhI", 10, 2, layers, 0) if layers else bytes(4)
    return (b"8BPS" + struct.pack(">H6xHIIHH", 1, count, height, width, bits, mode) + bytes(8) + section + b"\0\0"
            + np.ascontiguousarray(samples.transpose(2, 0, 1)).tobytes())


def test_photoshop_of_sixteen_and_thirty_two_bits():
    sixteen = np.rint(LIGHT * 65535).astype(">u2")
    light = np.where(LIGHT <= 0.04045, LIGHT / 12.92, ((LIGHT + 0.055) / 1.055) ** 2.4).astype(">f4")
    assert shown(photoshop(light, 32))
    grey = read_picture(photoshop(sixteen[..., :1], 16, mode=1), "x").image
    assert np.abs(np.asarray(grey).astype(int) - SHOWN[..., :1]).max() <= 1


@pytest.mark.parametrize("bits", [8, 16])
def test_photoshops_fourth_channel_is_clearness_or_a_kept_selection(bits):
    form = f">u{bits // 8}"
    four = np.dstack([np.rint(LIGHT * (2**bits - 1)), np.zeros((24, 40))]).astype(form)
    assert shown(photoshop(four, bits))
    assert shown(photoshop(four, bits, layers=1))
    assert (np.asarray(read_picture(photoshop(four, bits, layers=-1), "x").image) == 255).all()


@pytest.mark.parametrize("image", [Image.fromarray(np.rint(LIGHT[..., 0] * 200).astype(np.uint16)),
                                   Image.fromarray(np.rint(LIGHT[..., 0] * 200).astype(np.int32), mode="I")])
def test_sixteen_bits_of_which_eight_are_used_are_said(image):
    stream = io.BytesIO()
    image.save(stream, "TIFF")
    picture = read_picture(stream.getvalue(), "x")
    assert "255 was taken as white" in picture.notes[0]
    assert np.asarray(picture.image)[20, 30, 0] == 200


def test_sixteen_bits_of_grey_are_clear_where_they_say_so():
    stream = io.BytesIO()
    grey = np.where(LIGHT[..., 0] > 0.5, 40_000, 0).astype(np.uint16)
    Image.fromarray(grey).save(stream, "PNG", transparency=0)
    data = stream.getvalue()
    assert b"tRNS" in data
    found = np.asarray(read_picture(data, "x").image)[..., 0]
    assert (found[grey == 0] == 255).all()
    assert (np.abs(found[grey > 0].astype(int) - 156) <= 1).all()


HOSTILE = [(kind, count, value) for kind in (0, 1, 2, 5, 7, 12, 16) for count, value in (
    (1, b"\xff\xff\xff\xff"), (2**32 - 1, b"\x08\0\0\0"), (100, b"\x10\0\0\0"), (0, bytes(4)))]


@pytest.mark.parametrize("tag", [254, 269, 270, 272, 282, 306, 700, 33432, 34377, 34665, 34675, 34853, 40965, 50341])
def test_no_field_beside_the_pixels_can_cost_a_tiff(tag):
    turned = np.ascontiguousarray(np.rot90(SHOWN)).astype(np.uint8)
    for kind, count, value in HOSTILE:
        broken = struct.pack("<HHI", tag, kind, count) + value
        assert shown(tiff(turned, "<", 8, 1, others=(broken,), tags={274: (3, 6)}))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "BMP", "PPM", "TIFF", "TGA"])
def test_what_is_there_of_a_cut_picture_is_shown_and_said(kind):
    noise, stream = Image.effect_noise((96, 64), 90), io.BytesIO()
    noise.save(stream, kind)
    whole = stream.getvalue()
    assert not read_picture(whole, "x").notes
    picture = read_picture(whole[: len(whole) * 3 // 4] if kind != "TIFF" else whole[:-1000], "x")
    assert "cut short" in picture.notes[0]
    same = (np.asarray(picture.image)[..., 0] == np.asarray(noise)).mean()
    assert 0.6 < same < 0.9
    if kind not in ("GIF", "TIFF"):
        with pytest.raises(ReadingError, match="cut short"):
            read_picture(whole[: len(whole) // 20], "x")


def test_a_cut_jpeg_is_not_called_whole():
    noise, stream = Image.effect_noise((96, 64), 90), io.BytesIO()
    for progressive in (False, True):
        stream = io.BytesIO()
        noise.save(stream, "JPEG", progressive=progressive)
        whole = stream.getvalue()
        assert ("finest details may be" if progressive else "is whole") in read_picture(whole[:-2], "x").notes[0]
        for fewer in (40, 400, 1000):
            (note,) = read_picture(whole[:-fewer], "x").notes
            assert "missing" in note
            assert "whole" not in note


def test_what_is_cut_off_behind_the_pixels_costs_no_webp():
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x010E] = "x" * 400
    Image.effect_noise((96, 64), 90).save(stream, "WEBP", exif=exif)
    whole = stream.getvalue()
    assert np.array_equal(np.asarray(read_picture(whole[:-300], "x").image), np.asarray(read_picture(whole, "x").image))


def test_a_folder_of_pictures_of_any_kind_is_a_clip(tmp_path):
    for number, (kind, name) in enumerate([("JPEG", "1.jfif"), ("PPM", "2.ppm"), ("PNG", "3"), ("TIFF", "4.frame")]):
        Image.new("RGB", (32, 24), (60 * number, 0, 0)).save(tmp_path / name, kind)
    for name in ("Thumbs.db", "desktop.ini", ".DS_Store", "notes", "times.csv"):
        (tmp_path / name).write_bytes(b"0,1\n")
    clip = read_clip(clip_bytes(tmp_path), "x")
    assert len(clip.frames) == 4
    assert np.abs(clip.frames[:, 12, 16, 0].astype(int) - [0, 60, 120, 180]).max() < 4


def test_large_pictures_of_wide_samples_are_made_smaller_or_refused_unread(monkeypatch):
    monkeypatch.setattr("unrolled.models.inputs.pictures.ENOUGH_SAMPLED", 24 * 40 // 4)
    data = tiff(LIGHT.astype("<f4"), "<", 32, 3)
    picture = read_picture(data, "x")
    assert picture.image.size == (20, 12)
    assert "read as 20 × 12" in picture.notes[0]
    huge = tiff(LIGHT.astype("<f4"), "<", 32, 3, tags={256: (4, 90_000), 257: (4, 90_000)})
    with pytest.raises(ReadingError, match=r"megapixels|too many pixels"):
        read_picture(huge, "x")
