"""Whether a model's probabilities mean what they say: perplexity, calibration, entropy.

`perplexity`: exp of the mean of -log p(token) over all tokens of the references, each read with the true tokens before
it (teacher forcing); END counts as one, and so does a token that the vocabulary lacks, as the unknown one.
`calibration_error`: the expected calibration error (Naeini et al. 2015; Guo et al. 2017) of the first candidate over the
same steps, in 15 bins of equal width: Σ_bins share · |accuracy - mean confidence|.
"""

import math

import torch
from torch import Tensor

BINS = 15


class ReferenceStatistics:
    """Sums over the tokens of the references, added batch by batch; in double precision, on the CPU."""

    def __init__(self) -> None:
        self._nats = 0.0
        self.count = 0
        self._bins = torch.zeros(3, BINS, dtype=torch.float64)  # how many, Σ confidence, Σ right

    def add(self, logits: Tensor, targets: Tensor) -> None:
        """Take in some steps: logits (N, V), and the references' tokens (N,)."""
        log_probs = torch.log_softmax(logits.float(), dim=-1)
        self._nats -= float(log_probs.gather(1, targets.unsqueeze(1)).cpu().double().sum())
        self.count += len(targets)
        confidence, first = log_probs.max(dim=-1)
        confidence = confidence.exp().cpu().double()
        place = (confidence * BINS).long().clamp_max(BINS - 1)
        right = (first == targets).cpu().double()
        for row, values in enumerate((torch.ones_like(confidence), confidence, right)):
            self._bins[row].index_add_(0, place, values)

    @property
    def nats(self) -> float:
        return self._nats / max(self.count, 1)

    def figures(self) -> dict[str, float]:
        _, confidence, right = self._bins
        error = float((confidence - right).abs().sum()) / max(self.count, 1)
        return {"perplexity": math.exp(min(self.nats, 700.0)), "calibration_error": error}
