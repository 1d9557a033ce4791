"""Traces of recordings as datasets; differences; the examples in the docstrings."""

from __future__ import annotations

import doctest
import sys

import numpy as np
import pytest
import torch
from torch import nn

import unrolled
from unrolled import assets
from unrolled.models.adapters.captured import largest_difference
from unrolled.models.notebook import opening, recording, showing
from unrolled.models.trace.datasets import variables

UNITS, FEATURES = 5, 3


def _trace():
    net = nn.Sequential(nn.LSTM(FEATURES, UNITS, proj_size=2))
    with unrolled.record(net) as record:
        net(torch.randn(4, 1, FEATURES))
    return record.trace(tokens="abcd")


def test_the_variables_of_a_dataset_have_their_dimensions():
    trace = _trace()
    found = variables(trace)
    assert found["hidden"][0] == ("step", "unit")
    assert found["forget_gate"][0] == ("step", f"unit_{UNITS}")
    np.testing.assert_array_equal(found["cell"][1], trace.column("cell"))
    assert not np.shares_memory(found["cell"][1], trace.column("cell"))


def test_a_dataset_of_xarray():
    pytest.importorskip("xarray")
    dataset = _trace().to_xarray()
    assert dataset.sizes["step"] == 4
    assert dataset["word"].values.tolist() == list("abcd")
    assert dataset["hidden"].attrs["symbol"] == "h"


def test_without_xarray_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match="pip install xarray"):
        _trace().to_xarray()


@pytest.mark.parametrize("module", [recording, opening, showing], ids=lambda module: module.__name__.rpartition(".")[2])
def test_the_examples(module, monkeypatch, tmp_path):
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = {"photo": assets.path("samples", "dog.jpg")}
    results = doctest.testmod(module, globs={**vars(module), **names}, raise_on_error=False)
    assert results.attempted
    assert not results.failed
    assert not list(tmp_path.iterdir())


def test_a_difference_hides_nothing_that_is_not_finite():
    nan, infinity = float("nan"), float("inf")
    values = torch.tensor([1.0, nan, infinity])
    assert largest_difference(values, values.clone()) == 0.0
    assert largest_difference(values, torch.tensor([1.0, 0.0, infinity])) == infinity
    assert largest_difference(values, torch.tensor([1.0, nan, -infinity])) == infinity
