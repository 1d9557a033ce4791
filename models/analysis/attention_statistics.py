"""How sharp attention is, what it covers, and whether it differs between words at all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from unrolled.models.trace import FloatArray

Numbers = npt.NDArray[np.float64]

HARDLY = 0.1  # of total variation: maps that share nine tenths of their weight look the same
WARNING = "The maps hardly differ from step to step: where the model looks says little about any one of them."


@dataclass(frozen=True, slots=True, eq=False)
class AttentionStatistics:
    entropy: Numbers   # (steps,): of each map as a fraction of even attention's, from 0 (one place) to 1
    coverage: Numbers  # (places,): Σ_t α_t, what each place was given over the whole run
    # what the doubly stochastic regulariser of Xu et al. (2015), Σ_i (1 − Σ_t α_ti)², would have every place reach: 1
    target: float
    # what every place would have if the run's steps were shared alike, on average: steps / places. With fewer words than
    # places the target cannot be reached, and this is what can.
    even: float
    # the mean total variation between a map and the next, from 0 (the same) to 1 (nothing in common); nan for one map
    change: float
    difference: float  # the mean total variation between the maps and their mean, from 0 to 1

    @property
    def penalty(self) -> float:
        """Σ_i (1 − Σ_t α_ti)², the regulariser of Xu et al. (2015) on this run."""
        return float(((self.target - self.coverage) ** 2).sum())

    @property
    def hardly_differ(self) -> bool:
        """Whether the maps hardly differ between words; of fewer than two maps it cannot be said."""
        return bool(np.isfinite(self.change)) and self.difference < HARDLY


def attention_statistics(maps: FloatArray, *, growing: bool = False) -> AttentionStatistics:
    """Of maps (steps, ...), each a distribution; steps that hold what is no number are left out. Raises `ValueError` when no
    step has a map. `growing`: step t can look at the first t + 1 places alone, those of the words read so far.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)[:, : len(maps) if growing else None]
    there = np.isfinite(flat).all(axis=1)
    reach = np.arange(len(flat))[there] + 1 if growing else flat.shape[1]
    flat = flat[there]
    steps, places = flat.shape
    if not steps:
        raise ValueError("there is no attention yet")
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(flat > 0, -flat * np.log(flat), 0.0)
    entropy = terms.sum(axis=1) / np.log(np.maximum(reach, 2))
    change = 0.5 * np.abs(np.diff(flat, axis=0)).sum(axis=1).mean() if steps > 1 else float("nan")
    difference = 0.5 * np.abs(flat - flat.mean(axis=0)).sum(axis=1).mean()
    return AttentionStatistics(entropy, flat.sum(axis=0), 1.0, steps / places, float(change), float(difference))
