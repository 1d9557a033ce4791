"""Which units follow a property: the correlation of each unit's values with it, over all steps, a part at a time."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]
PART = 2048  # steps


class Ranking:
    """Pearson's correlation of every unit with a property, summed up part by part, so that a window stays smooth.

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
        self._followed -= self._followed.mean() if len(followed) else 0.0
        # Taken off all values: what is left is small, so that the sums stay exact.
        self._first = values[0].astype(np.float64) if len(values) else np.zeros(values.shape[1])
        units = values.shape[1]
        self._sum, self._squares, self._products = np.zeros(units), np.zeros(units), np.zeros(units)
        self._done = 0

    @property
    def finished(self) -> bool:
        """Whether all steps are summed up."""
        return self._done >= len(self._values)

    @property
    def progress(self) -> float:
        """How much of it is done, 0 to 1."""
        return self._done / max(len(self._values), 1)

    def run_part(self) -> None:
        """Take in the next steps."""
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
