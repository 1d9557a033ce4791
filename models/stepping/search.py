"""Beam search with any decoder, for a batch of inputs: only tokens, nothing is recorded."""

from __future__ import annotations

import msgspec
import torch
from torch import Tensor

from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.stepping.beam import Hypothesis, beam_search, select_rows


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How to search; see `beam_search`, which the window's search is too."""

    start: int
    end: int
    width: int
    length_penalty: float
    maximum_steps: int
    forbidden: tuple[int, ...] = ()

    @torch.inference_mode()
    def __call__(self, network: RecurrentDecoder, memory: Memory) -> list[list[Hypothesis]]:
        network.eval()
        device = memory.features.device

        def take_step(state: CellState, words: Tensor) -> tuple[CellState, Tensor]:
            state, step = network.step(memory, state, words.to(device))
            return state, torch.log_softmax(network.logits(step.output).float(), dim=-1)

        return beam_search(network.start(memory), take_step, select_rows, pictures=len(memory.features), start=self.start,
                           end=self.end, width=self.width, length_penalty=self.length_penalty,
                           maximum_steps=self.maximum_steps, forbidden=self.forbidden)
