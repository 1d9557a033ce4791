"""Captions for many pictures at a time, for evaluation and training: only tokens, nothing is recorded."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.models.captioning.network import Captioner
from unrolled.models.stepping.beam import Hypothesis
from unrolled.models.stepping.search import search


@torch.inference_mode()
def beam_captions(network: Captioner, grid: Tensor, *, start: int, end: int, width: int, length_penalty: float,
                  maximum_steps: int, forbidden: Sequence[int]) -> list[list[Hypothesis]]:
    """Search captions for a batch of pictures.

    Parameters
    ----------
    grid : Tensor, shape (P, L, encoder_features)
    """
    network.eval()
    return search(network, network.memory(grid), start=start, end=end, width=width, length_penalty=length_penalty,
                  maximum_steps=maximum_steps, forbidden=forbidden)
