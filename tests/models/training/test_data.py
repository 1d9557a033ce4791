"""Reading Flickr8k as people have it, and the cache of encoded photographs."""

from __future__ import annotations

import tarfile
from pathlib import Path

import numpy as np
import pytest
import tiny_captioner as tiny
import torch

from unrolled.models.data.errors import DataError
from unrolled.models.data.flickr8k import read_split
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.features import FeatureCache, encode_photographs


def names(folder: Path, split: str) -> list[str]:
    return [photograph.name for photograph in read_split(folder, split).photographs]


def test_the_data_set_s_own_layout(tmp_path: Path) -> None:
    written = tiny.write_data(tmp_path)
    assert names(tmp_path, "train") == written[:4]
    assert names(tmp_path, "dev") == written[4:]
    first = read_split(tmp_path, "train").captions[0]
    assert first == [["a", "red", "circle"], ["here", "is", "a", "red", "circle"]]


def test_the_layout_with_a_table(tmp_path: Path) -> None:
    written = tiny.write_data(tmp_path, layout="table")
    assert sorted(names(tmp_path, "test")) == sorted(written)
    train, dev = names(tmp_path, "train"), names(tmp_path, "dev")
    assert sorted(train + dev) == sorted(written)
    assert not set(train) & set(dev)


def test_captions_with_commas_and_quotes(tmp_path: Path) -> None:
    written = tiny.write_data(tmp_path, layout="table")
    (tmp_path / "captions.txt").write_text(f'image,caption\n{written[0]},"A red, round circle ."\n'
                                           f"{written[0]},a circle, red\n", encoding="utf-8")
    captions = read_split(tmp_path, "test").captions[0]
    assert captions == [["a", "red", "round", "circle"], ["a", "circle", "red"]]


def test_photographs_in_tar_files_are_read_where_they_lie(tmp_path: Path) -> None:
    tiny.write_data(tmp_path)
    folder = tmp_path / "Flicker8k_Dataset"
    plain = [photograph.read() for photograph in read_split(tmp_path, "train").photographs]
    with tarfile.open(tmp_path / "images-0.tar", "w") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
            path.unlink()
    folder.rmdir()
    assert [photograph.read() for photograph in read_split(tmp_path, "train").photographs] == plain


def test_a_photograph_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    written = tiny.write_data(tmp_path)
    (tmp_path / "Flicker8k_Dataset" / written[0]).unlink()
    assert names(tmp_path, "train") == written[1:4]


def test_data_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no folder"):
        read_split(tmp_path / "nowhere", "dev")
    with pytest.raises(DataError, match="no captions"):
        read_split(tmp_path, "dev")
    (tmp_path / "captions.txt").write_text("image,caption\nx.jpg,a dog\n", encoding="utf-8")
    with pytest.raises(DataError, match="no photographs"):
        read_split(tmp_path, "dev")
    tiny.write_data(tmp_path / "whole")
    with pytest.raises(DataError, match="no split"):
        read_split(tmp_path / "whole", "everything")


def test_features_are_kept_and_taken_up_where_they_stopped(tmp_path: Path,
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    tiny.add_encoder()
    tiny.write_data(tmp_path / "data")
    photographs = read_split(tmp_path / "data", "train").photographs
    encoder = Encoder(tiny.ENCODER)
    monkeypatch.setattr("unrolled.models.families.captioning.features.BATCH", 1)

    first = FeatureCache(tmp_path / "cache", encoder, photographs, flips=True).fill()
    assert [next(first), next(first)] == [(1, 4), (2, 4)]
    first.close()  # as Ctrl+C does
    again = FeatureCache(tmp_path / "cache", encoder, photographs, flips=True)
    list(again.fill())
    places = np.arange(4)
    for mirrored in (0, 1):
        expected = encode_photographs(encoder, photographs, mirrored=bool(mirrored))
        torch.testing.assert_close(again(places, np.full(4, mirrored)), expected, atol=1e-3, rtol=1e-3)
    third = FeatureCache(tmp_path / "cache", encoder, photographs, flips=True)
    assert len(list(third.fill())) <= 4  # at most what the last flush had not yet counted
