"""In which order units are shown: by what they do over time. Pure NumPy."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import FloatArray

Order = npt.NDArray[np.intp]

MOST_STEPS = 2000  # of a longer run every so many are looked at


@dataclass(frozen=True, slots=True)
class UnitOrder:
    title: str                         # for people; the channel's name follows it
    of: Callable[[FloatArray], Order]  # from values (steps, units) to an order (units,)


def by_activity(values: FloatArray) -> Order:
    """Units by their mean distance from their own mean, the most active first. `values` (steps, units): nan counts as the
    unit's mean.
    """
    return np.argsort(-np.abs(_centred(values)).mean(axis=0), kind="stable")


def by_peak(values: FloatArray) -> Order:
    """Units by the step at which they are farthest from their own mean, the earliest first; shape as in `by_activity`."""
    return np.argsort(np.abs(_centred(values)).argmax(axis=0), kind="stable")


def clustered(values: FloatArray) -> Order:
    """Units that do alike beside one another: the leaves of a tree of average linkage.

    The distance of two units is one minus the correlation of their values over time. Each time two groups are joined, they
    are laid end to end in the one of four ways that puts the most alike of their ends beside one another.

    Parameters
    ----------
    values : array, shape (steps, units)

    References
    ----------
    F. Murtagh, "A survey of recent advances in hierarchical clustering algorithms", The Computer Journal 26 (4), 1983:
    chains of nearest neighbours, which need units² operations of NumPy's on rows.
    """
    series = _centred(values)
    lengths = np.linalg.norm(series, axis=0)
    series = series / np.where(lengths > 0, lengths, 1)
    apart = 1 - series.T @ series  # (units, units)
    np.fill_diagonal(apart, np.inf)
    between = apart.copy()  # of groups, each in the row of one of its units
    groups: dict[int, list[int]] = {unit: [unit] for unit in range(len(apart))}
    chain: list[int] = []
    while len(groups) > 1:
        if not chain:
            chain = [next(iter(groups))]
        row = between[chain[-1]]
        nearest = int(row.argmin())
        if len(chain) > 1 and row[chain[-2]] <= row[nearest]:
            one, other = chain.pop(), chain.pop()
            shares = len(groups[one]), len(groups[other])
            joined = (between[one] * shares[0] + between[other] * shares[1]) / sum(shares)
            groups[one] = _laid(groups[one], groups.pop(other), apart)
            between[one] = between[:, one] = joined
            between[one, one] = np.inf
            between[other] = between[:, other] = np.inf
        else:
            chain.append(nearest)
    return np.array(next(iter(groups.values()), []), np.intp)


def _laid(one: list[int], other: list[int], apart: npt.NDArray[np.floating]) -> list[int]:
    ways = [(first, second) for first in (one, one[::-1]) for second in (other, other[::-1])]
    first, second = min(ways, key=lambda way: float(apart[way[0][-1], way[1][0]]))
    return first + second


def _centred(values: FloatArray) -> npt.NDArray[np.float64]:
    """Values (steps, units) less each unit's mean, what is no number being 0; of many steps some, of none one of zeros."""
    if not len(values):
        return np.zeros((1, values.shape[1]))
    chosen = values[:: -(-len(values) // MOST_STEPS) or 1].astype(np.float64)
    there = np.isfinite(chosen)
    chosen = np.where(there, chosen, 0.0)
    return np.where(there, chosen - chosen.sum(axis=0) / np.maximum(there.sum(axis=0), 1), 0.0)


ORDERS = {
    "activity": UnitOrder("By activity", by_activity),
    "peak": UnitOrder("By peak time", by_peak),
    "clustered": UnitOrder("By similarity", clustered),
}
