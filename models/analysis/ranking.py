"""Which units follow a property: the correlation of each unit's values with it, over all steps, a part at a time.

Where the property is a yes or no, it is also said how well a unit tells the two apart: the area under the curve of hits
over false alarms, which does not depend on how large the unit's values are, nor on how rare a yes is.
"""

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]
PART = 2048  # steps


class Ranking:
    """Pearson's correlation of every unit with a property, summed up part by part, so that a window stays smooth.
    `is_yes_or_no`: whether the property has one of two values everywhere, and each somewhere.

    Parameters
    ----------
    values : array of float32, shape (steps, units)
    followed : array of float32, shape (steps,)
        The property.
    """

    def __init__(self, values: Numbers, followed: Numbers) -> None:
        if len(values) != len(followed):
            raise ValueError(f"there are {len(values)} steps of values and {len(followed)} of the property")
        self._values, self._followed = values, followed.astype(np.float64)
        self._yes = self._followed == (self._followed.max() if len(followed) else 0.0)
        self.is_yes_or_no = len(followed) > 0 and bool((self._yes | (self._followed == self._followed.min())).all()
                                                       and not self._yes.all())
        self._followed -= self._followed.mean() if len(followed) else 0.0
        # Taken off all values: what is left is small, so that the sums stay exact.
        self._first = values[0].astype(np.float64) if len(values) else np.zeros(values.shape[1])
        units = values.shape[1]
        self._sum, self._squares, self._products = np.zeros(units), np.zeros(units), np.zeros(units)
        self._done = 0

    @property
    def finished(self) -> bool:
        return self._done >= len(self._values)

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1."""
        return self._done / max(len(self._values), 1)

    def run_part(self) -> None:
        stop = min(self._done + PART, len(self._values))
        part = self._values[self._done : stop] - self._first                            # (T, units)
        self._sum += part.sum(axis=0)
        self._squares += np.einsum("tu,tu->u", part, part)
        self._products += self._followed[self._done : stop] @ part
        self._done = stop

    def correlations(self) -> npt.NDArray[np.float64]:
        """Of every unit, -1 to 1, shape (units,); 0 where either does not vary."""
        count = max(self._done, 1)
        spread = np.sqrt(np.maximum(self._squares - self._sum**2 / count, 0.0))
        followed = float(np.sqrt((self._followed[: self._done] ** 2).sum()))
        scale = spread * followed
        return np.divide(self._products, scale, out=np.zeros_like(scale), where=scale > 1e-9 * max(count, 1))

    def best(self, count: int) -> list[tuple[int, float]]:
        """The units that follow it most closely, in either direction, with their correlations."""
        found = self.correlations()
        order = np.argsort(-np.abs(found), kind="stable")[:count]
        return [(int(unit), float(found[unit])) for unit in order]

    def area(self, unit: int) -> float:
        """How well a unit tells yes from no: `area_under_curve` of its values, over all steps. Raises `ValueError` where the
        property is not a yes or no.
        """
        if not self.is_yes_or_no:
            raise ValueError("the property is not a yes or no")
        return area_under_curve(self._values[:, unit], self._yes)


def area_under_curve(values: Numbers, yes: npt.NDArray[np.bool_]) -> float:
    """The chance that a value where it is yes lies above one where it is no, ties counted as half: 0 to 1, 0.5 by chance.

    The statistic of Mann and Whitney (1947) over the number of pairs; nan where there is no pair, or a value that is nan.

    Parameters
    ----------
    values : array, shape (steps,)
    yes : array of bool, shape (steps,)
    """
    above, below = np.sort(values[yes]), np.sort(values[~yes])
    if not len(above) or not len(below) or np.isnan(above[-1]) or np.isnan(below[-1]):
        return float("nan")
    # Both are in order: the searches run through the memory once.
    less, at_most = (int(np.searchsorted(below, above, side=side).sum()) for side in ("left", "right"))
    return (less + at_most) / (2.0 * len(above) * len(below))
