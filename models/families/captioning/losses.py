"""What training minimises: the words' cross-entropy, and what makes the attention worth looking at."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.families.captioning.batches import Batch, masked_mean
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.stepping.teacher_forcing import teacher_forced


@dataclass(frozen=True, slots=True, kw_only=True)
class AttentionPenalties:
    """How attention is shaped.

    Attributes
    ----------
    coverage : float
        Weight of the doubly stochastic term of Xu et al. 2015, each cell's weights over time compared with an even
        share: mean over cells of (L/T · Σ_t α_t,j - 1)².
    entropy : float
        Weight of the entropy (as a fraction of uniform's) above `entropy_target`. It vanishes once maps are sharp.
    change : float
        Weight of the total variation between neighbouring words' maps below `change_target`.
    """

    coverage: float = 0.002
    entropy: float = 1.0
    entropy_target: float = 0.6
    change: float = 0.3
    change_target: float = 0.4


@dataclass(frozen=True, slots=True)
class Losses:
    """The parts of the loss; each a scalar tensor."""

    words: Tensor
    attention: Tensor
    entropy: Tensor
    change: Tensor

    def total(self, attention_weight: float) -> Tensor:
        return self.words + attention_weight * self.attention


def attention_losses(maps: Tensor, mask: Tensor, penalties: AttentionPenalties) -> tuple[Tensor, Tensor, Tensor]:
    """Penalty, mean entropy and mean change of attention maps (P, K, T, L); the mask (P, K, T) is 1 where a word was written."""
    cells = maps.shape[-1]
    entropy = -(maps * maps.clamp_min(1e-9).log()).sum(-1) / math.log(cells)         # (P, K, T)
    both = mask[:, :, 1:] * mask[:, :, :-1]
    change = 0.5 * (maps[:, :, 1:] - maps[:, :, :-1]).abs().sum(-1)                    # (P, K, T - 1)
    steps = mask.sum(-1, keepdim=True).clamp_min(1.0)                                  # (P, K, 1)
    coverage = (maps * mask.unsqueeze(-1)).sum(2) * cells / steps                      # (P, K, L), 1 is an even share
    written = mask.any(-1).to(maps.dtype)
    penalty = (penalties.entropy * masked_mean(F.relu(entropy - penalties.entropy_target), mask)
               + penalties.change * masked_mean(F.relu(penalties.change_target - change), both)
               + penalties.coverage * masked_mean((coverage - 1).square().mean(-1), written))
    return penalty, masked_mean(entropy, mask).detach(), masked_mean(change, both).detach()


def caption_losses(network: Captioner, grid: Tensor, batch: Batch, *, label_smoothing: float,
                   penalties: AttentionPenalties) -> Losses:
    """Write the captions with the true word before, and compare; `grid` (P, L, encoder_features) is the batch's pictures."""
    inputs, targets = torch.from_numpy(batch.inputs).to(grid.device), torch.from_numpy(batch.targets).to(grid.device)
    outputs, attention = teacher_forced(network, network.memory(grid), inputs, batch.active)
    written = targets >= 0                                                             # (P, K, T)
    scores = network.logits(outputs[written]).float()                                  # (words written, V)
    words = F.cross_entropy(scores, targets[written], label_smoothing=label_smoothing)
    nothing = torch.zeros((), device=grid.device)
    if attention is None:
        return Losses(words, nothing, nothing, nothing)
    penalty, entropy, change = attention_losses(attention, written.float(), penalties)
    return Losses(words, penalty, entropy, change)
