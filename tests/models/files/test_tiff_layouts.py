"""TIFF as other programs lay it out: strips and tiles, predictors, BigTIFF, planes, inks, and what is seen through."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from unrolled.models.inputs.files import ReadingError
from unrolled.models.inputs.pictures import read_picture

tifffile = pytest.importorskip("tifffile")
ACROSS, DOWN = np.linspace(0, 1, 150), np.linspace(0, 1, 100)[:, None]
LIGHT = np.stack(np.broadcast_arrays(ACROSS, DOWN, (ACROSS + DOWN) / 2), -1)
SHOWN = np.rint(255 * LIGHT).astype(int)


def tiff(values: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, metadata=None, **options)
    return stream.getvalue()


def found(data: bytes) -> np.ndarray:
    picture = read_picture(data, "x")
    assert not picture.notes
    return np.asarray(picture.image).astype(int)


@pytest.mark.parametrize("form", ["u1", "u2", "u4", "f2", "f4", "f8"])
@pytest.mark.parametrize("tile", [None, (32, 48)])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_every_layout_of_every_depth(form, tile, bigtiff):
    most = 1 if form[0] == "f" else np.iinfo(form).max
    values = (LIGHT * most).astype(form)
    for packing, predictor, planes, order in ((None, False, "contig", "<"), ("zlib", True, "contig", ">"),
                                              ("lzw", True, "separate", "<"), ("zstd", False, "separate", ">")):
        data = tiff(values.transpose(2, 0, 1) if planes == "separate" else values, photometric="rgb", compression=packing,
                    predictor=predictor, tile=tile, bigtiff=bigtiff, planarconfig=planes, byteorder=order)
        assert np.abs(found(data) - SHOWN).max() <= 1


@pytest.mark.parametrize("form", ["u1", "u2", "u4", "f4"])
def test_inks(form):
    most = 1 if form[0] == "f" else np.iinfo(form).max
    inks = np.concatenate((1 - LIGHT, np.zeros((100, 150, 1))), -1)
    data = tiff((inks * most).astype(form), photometric="separated", tile=(32, 32), compression="zlib", bigtiff=True)
    assert np.abs(found(data) - SHOWN).max() <= 2


@pytest.mark.parametrize("form", ["u4", "f4"])
def test_what_is_seen_through_lies_on_white(form):
    most = 1 if form[0] == "f" else np.iinfo(form).max
    over = np.concatenate((LIGHT, np.broadcast_to(ACROSS[:, None] > 0.5, (100, 150, 1))), -1)
    shown = found(tiff((over * most).astype(form), photometric="rgb", extrasamples=["unassalpha"]))
    assert (shown[:, :70] == 255).all()
    assert np.abs(shown[:, 80:] - SHOWN[:, 80:]).max() <= 1


@pytest.mark.parametrize("bigtiff", [False, True])
@pytest.mark.parametrize("form", ["u1", "f4"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_stands_upright(orientation, form, bigtiff):
    turn = Image.Transpose
    undo = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE, 6: turn.ROTATE_90,
            7: turn.TRANSVERSE, 8: turn.ROTATE_270}
    bands = [Image.fromarray(np.float32(LIGHT[..., band])) for band in range(3)]
    lying = np.stack([np.asarray(band.transpose(undo[orientation]) if orientation in undo else band) for band in bands], -1)
    values = np.rint(255 * lying).astype(np.uint8) if form == "u1" else lying
    data = tiff(values, photometric="rgb", bigtiff=bigtiff, extratags=[(274, 3, 1, orientation, True)])
    assert np.abs(found(data) - SHOWN).max() <= 1


def test_a_large_one_is_read_strip_by_strip(monkeypatch):
    monkeypatch.setattr("unrolled.models.inputs.pictures.ENOUGH_SAMPLED", 150 * 100 // 9 + 1)
    for layout in ({"rowsperstrip": 7}, {"tile": (16, 32)}):
        picture = read_picture(tiff(np.float32(LIGHT), photometric="rgb", compression="lzw", **layout), "x")
        assert "150 × 100 pixels; it was read as 50 × 34" in picture.notes[0]
        assert np.abs(np.asarray(picture.image).astype(int) - SHOWN[::3, ::3]).max() <= 1
    data = tiff(np.float32(LIGHT), photometric="rgb")
    monkeypatch.setattr("unrolled.models.inputs.tiff.MOST_SEGMENT_BYTES", 1000)
    with pytest.raises(ReadingError, match="not enough memory"):
        read_picture(data, "x")
