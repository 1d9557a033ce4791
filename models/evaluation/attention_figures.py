"""Whether attention is worth looking at: is it sharp, does it move, does the word depend on where it looks?

`attention_entropy`: mean entropy of a word's map, as a fraction of even attention's. `attention_change`: mean total
variation between neighbouring words' maps, 0 to 1. `attention_fall_mean` and `attention_fall_median`: how far the written
word's log-probability falls, in nats, when the most attended tenth of the places is masked at that one step, as masking
does in the window: the other places share their weight.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.cells.hook import Hook

TENTH = 10


@dataclass(slots=True)
class AttentionFigures:
    """Values of single words, inputs added batch by batch."""

    entropies: list[float] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    occlusion_drops: list[float] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """The four figures; nan where no word was added."""
        def mean(values: list[float]) -> float:
            return math.fsum(values) / len(values) if values else math.nan

        return {"attention_entropy": mean(self.entropies), "attention_change": mean(self.changes),
                "attention_fall_mean": mean(self.occlusion_drops),
                "attention_fall_median": float(np.median(self.occlusion_drops)) if self.occlusion_drops else math.nan}

    @torch.inference_mode()
    def add(self, network: RecurrentDecoder, memory: Memory, written: Sequence[Sequence[int]], *, start: int) -> list[Tensor]:
        """Replay what was written and measure.

        Parameters
        ----------
        memory : Memory
            Of P inputs.
        written : sequence
            A caption or translation as tokens for each of the inputs, END included.

        Returns
        -------
        list of Tensor
            For each input the attention of its words, (T, L), on the CPU.
        """
        network.eval()
        inputs = len(memory.features)
        steps = max(map(len, written))
        tokens = torch.full((inputs, steps), -1)
        for row, own in enumerate(written):
            tokens[row, : len(own)] = torch.tensor(list(own))
        device = memory.features.device
        tokens = tokens.to(device)
        there = memory.mask if memory.mask is not None else torch.ones(memory.features.shape[:2], dtype=torch.bool, device=device)
        places = there.sum(1)                                                          # (P,)
        uniform = places.clamp_min(2).float().log()
        masked_count = (places // TENTH).clamp_min(1)
        state = network.start(memory)
        before = torch.full((inputs, 1), start, device=device)
        maps: list[Tensor] = []
        for t in range(steps):
            going = tokens[:, t] >= 0
            word = tokens[:, t].clamp_min(0)
            new_state, step = network.step(memory, state, before)
            assert step.attended is not None, "a model with attention"
            weights = step.attended.weights[:, 0]                                      # (P, L)
            self.entropies += (torch.special.entr(weights).sum(-1) / uniform)[going].tolist()
            if maps:
                self.changes += (0.5 * (weights - maps[-1]).abs().sum(-1))[going].tolist()
            maps.append(weights)
            # The most attended ones, by rank; where a place is all that there is, nothing is left to attend to.
            rank = weights.argsort(dim=-1, descending=True).argsort(dim=-1)
            most = (rank < masked_count.unsqueeze(1)) & there
            measured = going & (places > masked_count)
            _, masked = network.step(memory, state, before, _without(most))
            fall = _log_prob(network, step.output, word) - _log_prob(network, masked.output, word)
            self.occlusion_drops += fall[measured].tolist()
            state, before = new_state, word.unsqueeze(1)
        together = torch.stack(maps, dim=1).cpu()                                      # (P, T, L)
        return [own[: len(caption)] for own, caption in zip(together, written, strict=True)]


def _without(places: Tensor) -> Hook:
    """Masks places, (P, L) of bool, before the softmax."""
    def mask(name: str, value: Tensor, /) -> Tensor:
        return value.masked_fill(places.unsqueeze(1), float("-inf")) if name == "attention_scores" else value

    return mask


def _log_prob(network: RecurrentDecoder, output: Tensor, word: Tensor) -> Tensor:
    """The log-probability of each input's word, (P,)."""
    return torch.log_softmax(network.logits(output), dim=-1)[:, 0].gather(1, word.unsqueeze(1)).squeeze(1)
