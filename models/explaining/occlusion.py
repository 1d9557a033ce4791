"""Is the attention an explanation? Each place masked in turn, the step taken again, all at once.

The fall of log p(word) says what the word needed (Zeiler and Fergus 2014 occlude pixels; here what attention looks at is
masked, so that the others share its weight); its rank correlation with the attention says whether attention shows that
(Jain and Wallace 2019, "Attention is not Explanation").
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from unrolled.models.backend.engine import EngineError, StillWanted
from unrolled.models.backend.line import Line, computing
from unrolled.models.cells.change import Change
from unrolled.models.protocol.questions import Occluded
from unrolled.models.trace import FloatArray
from unrolled.models.trace.edits import SetAttention, UniformAttention


class _EachMasked:
    """Makes L rows of one: in row j place j is masked."""

    def __init__(self, change: Change, *, overruled: bool) -> None:
        self._change = change
        self._overruled = overruled  # an edit sets the weights, so that the scores have no say

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        value = self._change(name, value)
        if name == "attention_scores" and not self._overruled:
            return value.expand(-1, value.shape[-1], -1).masked_fill(self._own(value), float("-inf"))  # (1, L, L)
        if name == "attention" and self._overruled:
            left = value.expand(-1, value.shape[-1], -1).masked_fill(self._own(value), 0.0)
            return left / left.sum(dim=-1, keepdim=True)
        return value

    def _own(self, value: Tensor) -> Tensor:
        return torch.eye(value.shape[-1], dtype=torch.bool, device=value.device)


def occlude(line: Line, step: int, wanted: StillWanted) -> Occluded:
    """Mask each place that a recorded step attends to.

    Raises
    ------
    EngineError
        When the model has no attention.
    """
    if line.stepper.anatomy.attend is None:
        raise EngineError("question", "This model has no attention whose places could be masked.")
    overruled = any(isinstance(edit, UniformAttention | SetAttention) and edit.covers(step) for edit in line.edits)
    before, memory, read = line.state(step, wanted), line.memory_at(step), [line.token_before(step)]
    token, words = line.tokens[step], len(line.stepper.description.words)
    with computing(line.stepper.device.type):
        _, record = line.stepper.step(memory, before, read, line.change_at(step))
        _, masked = line.stepper.step(memory, before, read, _EachMasked(line.change_at(step), overruled=overruled))
    begin = words + sum(channel.size for channel in line.channels[: _attention(line)])
    attention = record.packed[0, begin : begin + line.channels[_attention(line)].size].cpu().numpy()
    falls = (record.log_probs[0, token] - masked.log_probs[:, token]).float().cpu().numpy()
    return Occluded(step=step, falls=falls.astype("<f4", copy=False).tobytes(),
                    rank_correlation=rank_correlation(falls, attention))


def _attention(line: Line) -> int:
    return next(number for number, channel in enumerate(line.channels) if channel.role == "attention")


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Spearman's rank correlation of two rows of numbers, ties sharing their mean rank; nan where one of them is constant.

    What is nan in either is left out.
    """
    there = ~(np.isnan(one) | np.isnan(other))
    first, second = _ranks(one[there]), _ranks(other[there])
    if len(first) < 2 or not first.std() or not second.std():
        return float("nan")
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: FloatArray) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    means: np.ndarray[tuple[int], np.dtype[np.float64]] = ((last - counts + last + 1) / 2.0)[places.ravel()]
    return means
