"""Captions for many pictures at a time, for evaluation and training: only tokens, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.models.captioning.network import Captioner
from unrolled.models.cells import CellState
from unrolled.models.stepping.beam import Hypothesis, beam_search, gather_rows


def select_rows(state: CellState, parents: Tensor) -> CellState:
    """The state of hypotheses whose parents are in these rows, (P, K)."""
    return tuple(gather_rows(part, parents.to(part.device)) for part in state)


@torch.inference_mode()
def beam_captions(network: Captioner, grid: Tensor, *, start: int, end: int, width: int, length_penalty: float,
                  maximum_steps: int, forbidden: Sequence[int]) -> list[list[Hypothesis]]:
    """Search captions for a batch of pictures.

    Parameters
    ----------
    grid : Tensor, shape (P, L, encoder_features)
    """
    network.eval()
    memory = network.memory(grid)

    def take_step(state: CellState, words: Tensor) -> tuple[CellState, Tensor]:
        state, step = network.step(memory, state, words.to(grid.device))
        return state, torch.log_softmax(network.scores(step.output), dim=-1)

    return beam_search(network.start(memory), take_step, select_rows, pictures=len(grid), start=start, end=end,
                       width=width, length_penalty=length_penalty, maximum_steps=maximum_steps, forbidden=forbidden)
