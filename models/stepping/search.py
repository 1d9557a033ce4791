"""Beam search with any decoder, for a batch of inputs: only tokens, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.stepping.beam import Hypothesis, beam_search, select_rows


@torch.inference_mode()
def search(network: RecurrentDecoder, memory: Memory, *, start: int, end: int, width: int, length_penalty: float,
           maximum_steps: int, forbidden: Sequence[int] = ()) -> list[list[Hypothesis]]:
    """The best hypotheses for each of the memory's inputs; see `beam_search`."""
    device = memory.features.device

    def take_step(state: CellState, words: Tensor) -> tuple[CellState, Tensor]:
        state, step = network.step(memory, state, words.to(device))
        return state, torch.log_softmax(network.scores(step.output).float(), dim=-1)

    return beam_search(network.start(memory), take_step, select_rows, pictures=len(memory.features), start=start, end=end,
                       width=width, length_penalty=length_penalty, maximum_steps=maximum_steps, forbidden=forbidden)
