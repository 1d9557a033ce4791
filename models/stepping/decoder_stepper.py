"""What the steppers of all models with the recurrent decoder have in common: everything but how an input is read.

What does not change between steps (the vocabulary divided by its temperature, the scale of the entropy) is made once, so that
recording everything costs next to nothing beside the network itself.
"""

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, RecurrentDecoder, Step
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.stepping.network_stepper import OnDevice
from unrolled.models.stepping.stepper import StepRecord, Structure

DecoderT = TypeVar("DecoderT", bound=RecurrentDecoder)


class DecoderStepper(OnDevice[DecoderT]):
    def __init__(self, network: DecoderT, *, suppressed_tokens: Sequence[int], device: str) -> None:
        super().__init__(network, device=device, suppressed_tokens=suppressed_tokens)
        self._word_bias = network.word_bias / network.temperature                      # (V,)
        self._word_weight = network.embed.weight / network.temperature                 # (V, embedding)
        self._tokens = torch.arange(len(self._word_bias), device=self.device).view(-1, 1, 1)
        self._of_uniform = torch.ones(0, 1, device=self.device)

    def start(self, memory: Memory) -> CellState:
        return self.network.start(memory)

    def step(self, memory: Memory, state: CellState, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[CellState, StepRecord]:
        words = self._tokens[tokens[0]] if len(tokens) == 1 else torch.tensor([tokens], device=self.device)  # (1, K)
        state, step = self.network.step(memory, state, words, hook)
        logits = hook("logits", F.linear(step.output, self._word_weight, self._word_bias))  # (1, K, V)
        return state, StepRecord(self._packed(torch.log_softmax(logits, dim=-1), step), len(self._word_bias))

    def _packed(self, log_probs: Tensor, step: Step) -> Tensor:
        """Log-probabilities and all channels in the order of `cell_channels` and `attention_channels`, (P · K, V + total)."""
        if step.attended is None:
            return torch.cat((log_probs, *step.cell), dim=-1).flatten(0, 1)
        weights = step.attended.weights                                                # (1, K, L)
        entropy = torch.special.entr(weights) @ self._entropy_scale(weights.shape[-1])  # (1, K, 1), 1 for the even map
        return torch.cat((log_probs, *step.cell, weights, entropy), dim=-1).flatten(0, 1)

    def _entropy_scale(self, places: int) -> Tensor:
        """(L, 1): sums a map's terms and divides by the even map's entropy."""
        if len(self._of_uniform) != places:
            with torch.inference_mode(False):  # it is kept, and a later step may be differentiated
                self._of_uniform = torch.full((places, 1), 1 / math.log(max(places, 2)), device=self.device,
                                              dtype=self._word_bias.dtype)
        return self._of_uniform

    @property
    def structure(self) -> Structure:
        sizes = self.network.embed.embedding_dim, self.network.deepen.in_features - self.network.cell.hidden_size
        return Structure(self.network.cell, (("word", sizes[0]), ("context", sizes[1])), self.network.attend)

    def differentiable(self, memory: Memory, rows: int) -> tuple[Memory, Tensor]:
        """A memory for so many rows at once, and its vectors h_j (rows, L, features), which gradients can be taken by."""
        features = memory.features.expand(rows, -1, -1).clone().requires_grad_()
        return self.network.remember(features, memory.mask), features
