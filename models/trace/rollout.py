"""Attention rollout (Abnar and Zuidema 2020): what a layer's attention comes to when all layers below it are taken along.

A layer keeps half of what a place was and mixes the other half, R_l = ½ A_l R_{l-1} + ½ R_{l-1}, where A_l is the mean of its
heads and R_0 the identity. Where a layer looks at a picture or a sentence too, half of what it then has comes from there: that
part is given, divided by its sum.
"""

import math

import numpy as np

from unrolled.models.trace.steps import FloatArray

SELF, CROSS = "self_attention", "cross_attention"
FIRST_ROOM = 64  # steps


class Rollout:
    """Grows with a trace.

    Parameters
    ----------
    longest : int
        How many steps there can be.
    places : tuple of int
        The shape of what else is looked at; empty where nothing is.
    """

    def __init__(self, longest: int, places: tuple[int, ...]) -> None:
        self._longest, self._places, self._others = longest, places, math.prod(places) if places else 0
        self._length = 0
        self._rows: FloatArray = np.zeros((0, 0, 0), np.float32)  # (layers + 1, room, longest + others)

    def follow(self, own: FloatArray, other: FloatArray | None) -> None:
        """Take over new steps of the mean over heads: (steps, layers, longest), and (steps, layers, *places)."""
        layers, longest = own.shape[1], self._longest
        if len(own) > self._rows.shape[1]:
            grown = np.zeros((layers + 1, min(max(2 * len(own), FIRST_ROOM), longest), longest + self._others), np.float32)
            if self._length:
                grown[:, : self._length] = self._rows[:, : self._length]
            self._rows = grown
        for step in range(self._length, len(own)):
            self._rows[0, step, step] = 1.0
            for layer in range(layers):
                below = self._rows[layer]
                row = 0.5 * (own[step, layer, : step + 1] @ below[: step + 1]) + 0.5 * below[step]
                if other is not None:
                    row = 0.5 * row
                    row[longest:] += 0.5 * other[step, layer].ravel()
                self._rows[layer + 1, step] = row
        self._length = max(self._length, len(own))

    @property
    def written(self) -> FloatArray:
        """Of what was written, (steps, layers, longest)."""
        found: FloatArray = self._rows[1:, : self._length, : self._longest].swapaxes(0, 1)
        return found

    @property
    def looked_at(self) -> FloatArray:
        """Of what else is looked at, (steps, layers, *places)."""
        found = self._rows[1:, : self._length, self._longest :].swapaxes(0, 1)
        shared: FloatArray = found / np.maximum(found.sum(axis=-1, keepdims=True), np.finfo(np.float32).tiny)
        return shared.reshape(*shared.shape[:2], *self._places)
