"""Orders of units: what belongs together stands together, and nothing is lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unrolled.models.analysis.unit_order import ORDERS, by_activity, by_peak, clustered

TIME = np.arange(60)


def shuffled(series, seed=0):
    """Series (units, steps) in some order, as values (steps, units), and the order."""
    order = np.random.default_rng(seed).permutation(len(series))
    return np.stack(series)[order].T.astype(np.float32), order


@pytest.mark.parametrize("name", ORDERS)
@given(st.integers(0, 40), st.integers(1, 30), st.integers(0, 99))
@settings(max_examples=25)
def test_every_unit_has_one_row(name, steps, units, seed):
    random = np.random.default_rng(seed)
    values = random.normal(size=(steps, units)).astype(np.float32)
    values[random.random(values.shape) < 0.1] = np.nan
    assert sorted(ORDERS[name].of(values)) == list(range(units))


def test_the_most_active_unit_comes_first():
    values, order = shuffled([size * np.sin(TIME) + 5 * (size % 2) for size in (4, 3, 2, 1)])
    assert order[by_activity(values)].tolist() == [0, 1, 2, 3]


def test_units_come_in_the_order_in_which_they_peak():
    values, order = shuffled([sign * np.exp(-((TIME - peak) / 4) ** 2) for peak, sign in ((5, 1), (20, -1), (33, 1), (50, -1))])
    assert order[by_peak(values)].tolist() == [0, 1, 2, 3]


def test_units_that_do_alike_stand_beside_one_another():
    random = np.random.default_rng(3)
    waves = [np.sin(TIME / pace) for pace in (1.0, 3.0, 9.0)]
    values, order = shuffled([wave + 0.05 * random.normal(size=60) for wave in waves for _ in range(7)])
    kinds = (order // 7)[clustered(values)]
    assert np.count_nonzero(np.diff(kinds)) == 2  # three kinds, each in one piece


def test_a_wave_that_moves_through_the_units_is_laid_out_along_it():
    values, order = shuffled([np.exp(-((TIME - peak) / 6) ** 2) for peak in range(5, 55, 2)])
    laid = order[clustered(values)]
    assert np.abs(np.diff(laid)).mean() < 2.0  # neighbours are neighbours of the wave
