"""Where in a picture a word's thing is, learned from captions alone, and used to teach attention where to look.

For every word that enough pictures are captioned with, a linear detector reads each cell of the encoder's grid, and the
picture shows the word where any of its cells does: the noisy-OR of Fang et al. 2015, *From Captions to Visual Concepts
and Back* (after Viola et al. 2005). With z_j the detector's score at cell j, p_j = σ(z_j), so

    log(1 - p(word)) = Σ_j log(1 - p_j) = -Σ_j softplus(z_j),

and softplus(z_j) over its sum is the share that cell j has in the verdict: a map that no box or mask was needed for.
How well a word is told from pictures that were not learned from says how far its map is to be believed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.families.captioning.batches import GridOf
from unrolled.models.training.optimising import Report

PICTURES_AT_LEAST = 20   # for a word to be looked for
KEPT_APART = 10          # one picture in so many judges the words
FULLY_BELIEVED = 0.3     # average precision above the word's own frequency, from which on its map counts in full
BATCH = 64
FIRST_SHOWN = 0.01       # the probability that an untrained detector gives a word


class WordDetector(nn.Module):
    """A linear detector for each word.

    Parameters
    ----------
    features : int
        The length of the encoder's feature vector of a cell.
    vocabulary : int
        How many words there are, V.
    cells : int
        How many cells a grid has, L.

    Attributes
    ----------
    belief : Tensor, shape (V,)
        How far a word's map is to be believed, 0 to 1.
    """

    belief: Tensor

    def __init__(self, features: int, vocabulary: int, cells: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(vocabulary, features))
        # Σ_j softplus(b) = -log(1 - FIRST_SHOWN), and softplus(b) ≈ exp(b) here.
        self.bias = nn.Parameter(torch.full((vocabulary,), float(np.log(FIRST_SHOWN / cells))))
        self.register_buffer("belief", torch.zeros(vocabulary))

    def evidence(self, grid: Tensor, words: Tensor) -> Tensor:
        """softplus(z_j) of some words: grid (P, L, features) and words (W,) → (P, W, L)."""
        return F.softplus(F.linear(grid, self.weight[words], self.bias[words])).transpose(1, 2)

    @torch.no_grad()
    def maps(self, grid: Tensor, words: Tensor) -> Tensor:
        """The maps of each picture's own words, (P, L, features) and (P, ...) → (P, ..., L); each sums to 1."""
        flat = words.flatten(1)                                                        # (P, N)
        scores = self.weight[flat] @ grid.transpose(1, 2) + self.bias[flat].unsqueeze(-1)  # (P, N, L)
        share = F.softplus(scores)
        return (share / share.sum(-1, keepdim=True)).view(*words.shape, -1)


class DetectorTraining:
    """Trains the detectors and judges them.

    Parameters
    ----------
    captions : sequence
        For every picture its captions as tokens.
    grid_of : GridOf
    epochs : int
    learning_rate : float
        Of Adam; it falls to nothing in a straight line.
    """

    def __init__(self, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf, *, vocabulary: int, features: int,
                 cells: int, epochs: int, device: str, seed: int, learning_rate: float = 2e-3) -> None:
        self._grid_of, self._epochs, self._seed, self._device = grid_of, epochs, seed, device
        self._learning_rate = learning_rate
        shown = torch.zeros(len(captions), vocabulary)
        for picture, own in enumerate(captions):
            shown[picture, sorted({word for caption in own for word in caption})] = 1.0
        counts = shown.sum(0)
        self._words = torch.nonzero((counts >= PICTURES_AT_LEAST) & (counts < 0.9 * len(captions))).flatten()
        self._shown = shown[:, self._words]                                            # (pictures, W)
        self.detector = WordDetector(features, vocabulary, cells).to(device)

    def run(self) -> Iterator[Report]:
        random = np.random.default_rng((self._seed, 11))
        pictures = np.arange(len(self._shown))
        learned = pictures[pictures % KEPT_APART != 0]
        optimiser = torch.optim.Adam(self.detector.parameters(), lr=self._learning_rate)
        updates, update, mean = self._epochs * (-(-len(learned) // BATCH)), 0, 0.0
        words = self._words.to(self._device)
        for _ in range(self._epochs):
            order = random.permutation(learned)
            for first in range(0, len(order), BATCH):
                chosen = order[first : first + BATCH]
                for group in optimiser.param_groups:
                    group["lr"] = self._learning_rate * (1 - update / updates)
                grid = self._grid_of(chosen, np.zeros_like(chosen))
                total = self.detector.evidence(grid, words).sum(-1).clamp_min(1e-6)    # (P, W): -log(1 - p)
                shown = self._shown[torch.from_numpy(chosen)].to(self._device)
                loss = torch.where(shown > 0, -torch.log(-torch.expm1(-total)), total).sum(-1).mean()
                optimiser.zero_grad(set_to_none=True)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                update += 1
                mean = loss.item() if update == 1 else 0.95 * mean + 0.05 * loss.item()
                yield Report(update, updates, {"loss": mean}, "words in pictures")
        self._judge(pictures[pictures % KEPT_APART == 0])

    @torch.no_grad()
    def _judge(self, apart: np.ndarray[tuple[int], np.dtype[np.int64]]) -> None:
        words = self._words.to(self._device)
        said = torch.cat([self.detector.evidence(self._grid_of(part, np.zeros_like(part)), words).sum(-1).cpu()
                          for part in np.array_split(apart, max(len(apart) // BATCH, 1))])  # (pictures, W)
        shown = self._shown[torch.from_numpy(apart)]
        lift = average_precision(said, shown) - shown.mean(0)
        self.detector.belief[words] = (lift / FULLY_BELIEVED).clamp(0.0, 1.0).nan_to_num(0.0).to(self._device)


def average_precision(said: Tensor, shown: Tensor) -> Tensor:
    """Of each column: the mean, over what is there, of the precision down to its rank; nan where nothing is.

    Parameters
    ----------
    said, shown : Tensor, shape (N, W)
        How strongly it was said, and 1 where it is there.
    """
    ranked = shown.gather(0, said.argsort(dim=0, descending=True))                     # (N, W)
    precision = ranked.cumsum(0) / torch.arange(1, len(ranked) + 1).unsqueeze(1)
    return (precision * ranked).sum(0) / ranked.sum(0)
