"""Whether attention is worth looking at: is it sharp, does it move, does the word depend on where it looks?

`attention_entropy`: mean entropy of a word's map, as a fraction of uniform's. `attention_change`: mean total
variation between neighbouring words' maps, 0 to 1. `attention_effect`: the mean fall of the written word's
log-probability when the most attended tenth of the cells is replaced by the mean feature at that one step, over the
mean fall when a random tenth is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from unrolled.models.captioning.network import Captioner
from unrolled.models.cells import CellState

TENTH = 10


@dataclass(slots=True)
class AttentionStatistics:
    """Sums over words, pictures added batch by batch."""

    entropies: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    falls: list[float] = field(default_factory=list)
    random_falls: list[float] = field(default_factory=list)

    def means(self) -> dict[str, float]:
        """The three figures; the effect is infinite where a random tenth has none."""
        def mean(values: list[float]) -> float:
            return math.fsum(values) / max(len(values), 1)

        random_fall = mean(self.random_falls)
        return {"attention_entropy": mean(self.entropies), "attention_change": mean(self.changes),
                "attention_effect": mean(self.falls) / random_fall if random_fall > 0 else math.inf}

    @torch.inference_mode()
    def add(self, network: Captioner, grid: Tensor, captions: Sequence[Sequence[int]], *, start: int,
            generator: torch.Generator) -> None:
        """Replay captions and measure.

        Parameters
        ----------
        grid : Tensor, shape (P, L, encoder_features)
        captions : sequence
            A caption as tokens for each of the P pictures, END included.
        generator : Generator
            On the CPU, for the random tenths.
        """
        network.eval()
        pictures, cells = grid.shape[:2]
        count = max(cells // TENTH, 1)
        steps = max(map(len, captions))
        tokens = torch.full((pictures, steps), -1)
        for p, caption in enumerate(captions):
            tokens[p, : len(caption)] = torch.tensor(list(caption))
        tokens = tokens.to(grid.device)
        mean = grid.mean(dim=1, keepdim=True)                                         # (P, 1, features)
        memory = network.memory(grid)
        state = network.start(memory)
        before = torch.full((pictures, 1), start, device=grid.device)
        last_map: Tensor | None = None
        for t in range(steps):
            written = tokens[:, t] >= 0
            word = tokens[:, t].clamp_min(0)
            new_state, step = network.step(memory, state, before)
            assert step.attended is not None, "a captioner with attention"
            weights = step.attended.weights[:, 0]                                     # (P, L)
            entropy = torch.special.entr(weights).sum(-1) / math.log(cells)
            self.entropies += entropy[written].tolist()
            if last_map is not None:
                self.changes += (0.5 * (weights - last_map).abs().sum(-1))[written].tolist()
            last_map = weights
            log_prob = self._log_prob(network, step.output, word)
            most = weights.topk(count, dim=-1).indices                                # (P, count)
            drawn = torch.rand(pictures, cells, generator=generator).topk(count, dim=-1).indices.to(grid.device)
            for places, falls in ((most, self.falls), (drawn, self.random_falls)):
                fall = log_prob - self._without(network, grid, mean, places, state, before, word)
                falls += fall[written].tolist()
            state, before = new_state, word.unsqueeze(1)

    @staticmethod
    def _log_prob(network: Captioner, output: Tensor, word: Tensor) -> Tensor:
        """The log-probability of each picture's word, (P,)."""
        return torch.log_softmax(network.scores(output), dim=-1)[:, 0].gather(1, word.unsqueeze(1)).squeeze(1)

    @classmethod
    def _without(cls, network: Captioner, grid: Tensor, mean: Tensor, places: Tensor, state: CellState, before: Tensor,
                 word: Tensor) -> Tensor:
        """The same with some cells replaced by the mean feature, from the same state, (P,)."""
        index = places.unsqueeze(-1).expand(-1, -1, grid.shape[-1])                    # (P, count, features)
        replaced = grid.scatter(1, index, mean.expand(-1, places.shape[1], -1))
        _, step = network.step(network.memory(replaced), state, before)
        return cls._log_prob(network, step.output, word)
