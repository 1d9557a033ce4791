"""How the next word is chosen from its log-probabilities: greedily, or drawn."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.models.protocol.decoding import Decoding

STEPS_APART = 1_000_003  # a prime: seeds of neighbouring steps and neighbouring runs do not meet


def sampling_log_probs(log_probs: Tensor, *, temperature: float, top_k: int = 0, top_p: float = 1.0) -> Tensor:
    """The log-probabilities that sampling draws from, shape (vocabulary,).

    Parameters
    ----------
    log_probs : Tensor, shape (vocabulary,)
    temperature : float
        Above 0; below 1 the probable becomes more probable.
    top_k : int
        Only so many of the most probable remain; 0 for all.
    top_p : float
        Of those, the fewest whose probabilities reach p (Holtzman et al. 2020); the most probable always remains.
    """
    scaled = torch.log_softmax(log_probs / temperature, dim=-1)
    if 0 < top_k < scaled.shape[-1]:
        least = scaled.topk(top_k).values[-1]
        scaled = torch.log_softmax(scaled.masked_fill(scaled < least, float("-inf")), dim=-1)
    if top_p < 1.0:
        ordered, places = scaled.sort(descending=True)
        before = ordered.exp().cumsum(-1) - ordered.exp()  # the probability of what is more probable
        dropped = torch.zeros_like(scaled, dtype=torch.bool).scatter(0, places, before >= top_p)
        scaled = torch.log_softmax(scaled.masked_fill(dropped, float("-inf")), dim=-1)
    return scaled


def choose(log_probs: Tensor, decoding: Decoding, *, step: int) -> int:
    """The token to write, from log-probabilities on the CPU, shape (vocabulary,).

    A draw depends on seed and step alone, so that a step that is taken again draws the same word.
    """
    if decoding.method != "sampling":
        return int(log_probs.argmax())
    allowed = sampling_log_probs(log_probs, temperature=decoding.temperature, top_k=decoding.top_k,
                                 top_p=decoding.top_p)
    generator = torch.Generator().manual_seed(decoding.seed * STEPS_APART + step)
    return int(torch.multinomial(allowed.exp(), 1, generator=generator))
