"""The second phase of training: captions that the model draws itself, rewarded as wholes.

Self-critical sequence training (Rennie et al. 2017), with the mean reward of a picture's other samples as the
baseline of each (Luo 2020): ∇ -(r(w) - b) · log p(w). It teaches what cross-entropy does not: to go on well after
one's own words, and to stop at the right place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from unrolled.models.captioning.attend_lstm import AttendLSTM
from unrolled.models.training.cross_entropy import GridOf, Report, RunningAverage
from unrolled.models.training.losses import attention_losses
from unrolled.models.training.options import TrainingOptions
from unrolled.models.training.rewards import CaptionReward

LONGEST_SAMPLE = 18  # words with END
REST = 1 / 3         # the share of the phase over which the learning rate falls
PATIENCE_WITH_MAPS = 0.5  # weight of the attention penalties beside the reward


@dataclass(frozen=True, slots=True)
class Samples:
    """Captions drawn from a model, S for each of P pictures.

    Attributes
    ----------
    tokens : Tensor, shape (P, S, T)
        -1 after the end.
    log_probs : Tensor, shape (P, S, T)
        With their gradients; 0 after the end.
    mask : Tensor, shape (P, S, T)
        1 where a word was written.
    maps : Tensor, shape (P, S, T, L)
    """

    tokens: Tensor
    log_probs: Tensor
    mask: Tensor
    maps: Tensor


def draw_captions(network: AttendLSTM, grid: Tensor, *, samples: int, start: int, end: int,
                  forbidden: Sequence[int]) -> Samples:
    """Write captions by drawing every word, the gradients kept.

    Parameters
    ----------
    grid : Tensor, shape (P, L, encoder_features)
    """
    memory = network.memory(grid)
    state = network.start(memory, samples)
    barred = torch.zeros(network.config.vocabulary, device=grid.device)
    barred[list(forbidden)] = float("-inf")
    words = torch.full((len(grid), samples), start, device=grid.device)
    alive = torch.ones(len(grid), samples, dtype=torch.bool, device=grid.device)
    tokens, log_probs, masks, maps = [], [], [], []
    for _ in range(LONGEST_SAMPLE):
        state, step = network.step(memory, state, words)
        scores = network.scores(step.output).float() + barred                           # (P, S, V)
        # argmax of scores plus Gumbel noise is a draw from their softmax.
        drawn = (scores.detach() - torch.empty_like(scores).exponential_().log_()).argmax(-1)
        chosen = scores.gather(-1, drawn.unsqueeze(-1)).squeeze(-1) - torch.logsumexp(scores, dim=-1)
        mask = alive.to(chosen.dtype)
        tokens.append(drawn.masked_fill(~alive, -1))
        log_probs.append(chosen * mask)
        masks.append(mask)
        maps.append(step.attended.weights.float())
        alive = alive & (drawn != end)
        words = drawn
        if not bool(alive.any()):
            break
    return Samples(torch.stack(tokens, -1), torch.stack(log_probs, -1), torch.stack(masks, -1), torch.stack(maps, 2))


def advantages(rewards: Tensor) -> Tensor:
    """Each sample's reward less the mean of the same picture's other samples: (P, S) → (P, S)."""
    samples = rewards.shape[1]
    return (rewards - rewards.mean(1, keepdim=True)) * (samples / (samples - 1))


class SelfCriticalPhase:
    """The state of the phase; it can be saved between any two updates, and taken up again.

    Parameters
    ----------
    network : AttendLSTM
        Trained already by cross-entropy; trained on in place.
    captions : sequence
        For every picture its captions as tokens, END last.
    forbidden : sequence of int
        Tokens that are never drawn.
    """

    def __init__(self, network: AttendLSTM, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf,
                 options: TrainingOptions, *, start: int, end: int, forbidden: Sequence[int]) -> None:
        self.network, self.options = network, options
        self.average = RunningAverage(network, options.average_decay)
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=options.reward_learning_rate,
                                           betas=(0.9, 0.99), weight_decay=0.0)
        self.update = 0
        self.updates = round(options.reward_epochs * len(captions) / options.pictures_per_batch)
        self._reward = CaptionReward(captions, bleu=options.reward_bleu)
        self._pictures, self._grid_of = len(captions), grid_of
        self._start, self._end, self._forbidden = start, end, forbidden

    @property
    def finished(self) -> bool:
        """Whether all updates are done."""
        return self.update >= self.updates

    def run(self, updates: int) -> Iterator[Report]:
        """Make up to so many updates; a report after each."""
        self.network.train()
        means: dict[str, float] = {}
        for _ in range(min(updates, self.updates - self.update)):
            new = self._one_update()
            means = {key: 0.98 * means.get(key, value) + 0.02 * value for key, value in new.items()}
            yield Report(self.update, self.updates, means)

    def _one_update(self) -> dict[str, float]:
        options = self.options
        random = np.random.default_rng((options.seed, 7, self.update))
        torch.manual_seed(options.seed * 1_000_003 + self.update)
        pictures = random.choice(self._pictures, min(options.pictures_per_batch, self._pictures), replace=False)
        flipped = random.integers(0, 2 if options.flips else 1, len(pictures))
        drawn = draw_captions(self.network, self._grid_of(pictures, flipped), samples=options.reward_samples,
                              start=self._start, end=self._end, forbidden=self._forbidden)
        rewards = torch.tensor([[self._reward(int(picture), [token for token in caption if token >= 0])
                                 for caption in own] for picture, own in zip(pictures, drawn.tokens.tolist(), strict=True)])
        weights = advantages(rewards).to(drawn.log_probs.device).unsqueeze(-1)           # (P, S, 1)
        words = -(weights * drawn.log_probs).sum() / drawn.mask.sum()
        penalty, entropy, change = attention_losses(drawn.maps, drawn.mask, options.penalties)
        for group in self.optimiser.param_groups:
            group["lr"] = options.reward_learning_rate * self._rate()
        self.optimiser.zero_grad(set_to_none=True)
        (words + PATIENCE_WITH_MAPS * penalty).backward()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip_norm)
        self.optimiser.step()
        self.average.update(self.network)
        self.update += 1
        return {"reward": rewards.mean().item(), "length": drawn.mask.sum(-1).mean().item(), "entropy": entropy.item(),
                "change": change.item(), "gradient": norm.item()}

    def _rate(self) -> float:
        """Rises over the first 50 updates, stays, and falls to a tenth over the last third."""
        left = (self.updates - self.update) / max(self.updates * REST, 1.0)
        return min((self.update + 1) / 50, 1.0) * min(0.1 + 0.9 * left, 1.0)

    def state(self) -> dict[str, Any]:
        """What is needed to go on from here: tensors and numbers."""
        return {"update": self.update, "network": self.network.state_dict(), "average": self.average.network.state_dict(),
                "average_updates": self.average.updates, "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        self.update = state["update"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.average.updates = state["average_updates"]
        self.optimiser.load_state_dict(state["optimiser"])
