"""Attention as colours: one scale for every step, nothing invented between cells, what is unattended shows through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.viewer.theme.attention_colours import (
    FULL_OVER_UNIFORM,
    attention_limits,
    attention_rgba,
    attention_table,
    uniform_level,
)


def a_map(seed: int, rows: int, columns: int) -> np.ndarray:
    """Weights that sum to 1."""
    weights = np.random.default_rng(seed).random((rows, columns), dtype=np.float32) ** 4
    return (weights / weights.sum()).astype(np.float32)


maps = st.builds(a_map, st.integers(0, 10_000), st.integers(2, 14), st.integers(2, 14))


@pytest.mark.parametrize("scale", ["absolute", "stretched"])
@pytest.mark.parametrize("smooth", [True, False])
def test_a_uniform_map_is_drawn_evenly(scale: str, smooth: bool) -> None:
    weights = np.full((10, 10), 0.01, np.float32)
    colours = attention_rgba(weights, scale=scale, smooth=smooth, size=(333, 211))
    assert colours.shape == (211, 333, 4)
    assert colours.dtype == np.uint8
    # Interpolation's rounding may fall to either side of one level of the table, and no further.
    assert np.ptp(colours.astype(int), axis=(0, 1)).max() <= 3


def test_the_absolute_limits_depend_on_the_number_of_cells_alone() -> None:
    assert attention_limits(a_map(1, 10, 10)) == attention_limits(a_map(2, 10, 10)) == (0.0, 0.08)
    assert attention_limits(a_map(1, 2, 2)) == (0.0, 1.0)  # never more than all of the attention
    assert FULL_OVER_UNIFORM * uniform_level(100) == pytest.approx(0.08)


@settings(max_examples=50)
@given(first=maps, weight=st.floats(0, 1, width=32))
def test_a_weight_has_one_colour_whatever_is_around_it(first: np.ndarray, weight: float) -> None:
    other = np.zeros_like(first)
    first = first.copy()
    first[1, 1] = other[1, 1] = weight
    drawn = [attention_rgba(weights, smooth=False) for weights in (first, other)]
    assert np.array_equal(drawn[0][1, 1], drawn[1][1, 1])


@settings(max_examples=50)
@given(weights=maps)
def test_more_weight_is_never_more_transparent(weights: np.ndarray) -> None:
    alpha = attention_rgba(weights, smooth=False)[..., 3].ravel()
    assert (np.diff(alpha[np.argsort(weights, axis=None)].astype(int)) >= 0).all()


@settings(max_examples=50)
@given(weights=maps, width=st.integers(20, 90), height=st.integers(20, 90))
def test_smooth_stays_between_the_least_and_the_greatest_cell(weights: np.ndarray, width: int, height: int) -> None:
    cells = attention_rgba(weights, smooth=False)[..., 3]
    smooth = attention_rgba(weights, smooth=True, size=(width, height))[..., 3]
    assert cells.min() <= smooth.min()
    assert smooth.max() <= cells.max()


def test_cells_are_blocks_with_the_colour_of_their_weight() -> None:
    weights = a_map(3, 4, 5)
    drawn = attention_rgba(weights, smooth=False, size=(50, 40))
    assert np.array_equal(drawn, attention_rgba(weights, smooth=False).repeat(10, axis=0).repeat(10, axis=1))


def test_a_cell_s_centre_has_its_own_colour_when_smooth() -> None:
    weights = a_map(4, 5, 5)
    drawn = attention_rgba(weights, smooth=True, size=(55, 55))  # 11 pixels a cell: the sixth is its centre
    assert np.array_equal(drawn[5::11, 5::11], attention_rgba(weights, smooth=False))


def test_what_is_not_attended_shows_the_picture() -> None:
    weights = np.zeros((10, 10), np.float32)
    weights[2, 7] = 1.0
    alpha = attention_rgba(weights, opacity=0.5, smooth=False)[..., 3]
    assert alpha[2, 7] == 128
    assert np.count_nonzero(alpha) == 1
    assert not attention_rgba(weights, opacity=0.0)[..., 3].any()


def test_what_is_not_a_number_is_transparent() -> None:
    weights = np.full((4, 4), 1 / 16, np.float32)
    weights[0, 0] = np.nan
    drawn = attention_rgba(weights, smooth=False, size=(8, 8))
    assert not drawn[:2, :2].any()
    assert drawn[4:, 4:, 3].all()


def test_the_shared_table_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="read-only"):
        attention_table("inferno", 0.7)[0, 0] = 1


def test_an_unknown_scale_is_refused_with_the_scales_there_are() -> None:
    with pytest.raises(ValueError, match="absolute"):
        attention_limits(a_map(1, 3, 3), "relative")
