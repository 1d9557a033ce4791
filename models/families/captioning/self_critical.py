"""The second phase of training: captions are drawn, rewarded, and made more or less probable.

Self-critical sequence training (Rennie et al. 2017) in the form that needs no greedy caption (Luo 2020): several
captions are drawn for a picture, and the baseline of each is the mean reward of the others.

Captions are drawn, and made more probable, at a temperature below 1, so that what is rewarded is like what a search
writes; the network's own temperature stays 1.

The reward alone makes a network say a few safe words with certainty: its probabilities stop meaning anything, and rare
words are never used again. So the true captions' cross-entropy stays in the loss beside it (as in Wu et al. 2016).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from unrolled.models.families.captioning.cross_entropy import GridOf, attention_losses, caption_losses, make_batch
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.rewards import CaptionRewards
from unrolled.models.training.updates import Task, UpdateOptions

LONGEST_DRAWN = 18  # words with END


class SelfCriticalTask(Task):
    """It goes on from the weights of the first phase; `captions` are each picture's as tokens, END last."""

    def __init__(self, network: Captioner, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf, rewards: CaptionRewards,
                 options: TrainingOptions, *, start: int, end: int, forbidden: tuple[int, ...]) -> None:
        self.network: Captioner = network
        network.dropout.p = options.reward_dropout
        self._captions, self._grid_of, self._rewards, self._options = captions, grid_of, rewards, options
        self._start, self._end, self._forbidden = start, end, list(forbidden)

    @property
    def updates(self) -> UpdateOptions:
        own = self._options
        return UpdateOptions(updates=int(own.reward_epochs * len(self._captions) / own.pictures_per_batch),
                             learning_rate=own.reward_learning_rate, weight_decay=0.0, clip_norm=own.clip_norm,
                             average_decay=own.reward_average_decay, seed=own.seed, threads=own.threads, half=False)

    def rate(self, update: int, options: UpdateOptions) -> float:
        """Rises quickly, stays, and falls to a twentieth from the middle on."""
        done = update / options.updates
        return options.learning_rate * min(0.05 + 50 * done, 1.0) * (1.0 - 0.95 * max(done - 0.55, 0.0) / 0.45)

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """What rewarded captions cost, and the true ones' cross-entropy in nats a word."""
        options = self._options
        random = np.random.default_rng((options.seed, 7, update))
        chosen = random.choice(len(self._captions), options.pictures_per_batch, replace=False).astype(np.int64)
        flipped = random.integers(0, 2 if options.flips else 1, len(chosen))
        grid = self._grid_of(chosen, flipped)
        log_probs, maps, written, tokens = self._draw(grid)
        rewards = self._reward(chosen, tokens)                                         # (P, K)
        others = (rewards.sum(1, keepdim=True) - rewards) / max(rewards.shape[1] - 1, 1)
        advantage = (rewards - others).to(log_probs.device).unsqueeze(-1)              # (P, K, 1)
        # Log-probabilities that dropout made tiny would blow the gradient up; none of them teaches anything.
        policy = -(advantage * log_probs.clamp_min(-20.0) * written).sum() / written.sum()
        batch = make_batch(chosen.tolist(), [self._captions[p] for p in chosen], start=self._start, flipped=flipped)
        true = caption_losses(self.network, grid, batch, label_smoothing=0.0, penalties=options.penalties)
        penalty = attention_losses(maps, written, options.penalties)[0] if maps is not None else 0.0
        return policy + 0.1 * penalty + options.reward_cross_entropy * true.total(1.0), {
            "reward": float(rewards.mean()), "loss": true.words.item(), "entropy": true.entropy.item(),
            "change": true.change.item(), "length": float(written.sum() / written[..., 0].numel())}

    def state(self) -> dict[str, Any]:
        """What BLEU-4 is measured against."""
        means = self._rewards.corpus_bleu.means
        return {"bleu_means": torch.zeros(0) if means is None else torch.from_numpy(means)}

    def restore(self, state: dict[str, Any]) -> None:
        means = state["bleu_means"]
        self._rewards.corpus_bleu.means = means.numpy() if len(means) else None

    def _draw(self, grid: Tensor) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Draw K captions a picture.

        Returns
        -------
        log_probs, written, tokens : Tensor, shape (P, K, T)
            `written` is 1 up to and with END, then 0.
        maps : Tensor, shape (P, K, T, L), or None without attention
        """
        network, samples = self.network, self._options.reward_samples
        memory = network.memory(grid)
        state = network.start(memory, samples)
        words = torch.full((len(grid), samples), self._start, device=grid.device)
        going = torch.ones_like(words, dtype=torch.bool)
        log_probs, maps, written, tokens = [], [], [], []
        for _ in range(LONGEST_DRAWN):
            state, step = network.step(memory, state, words)
            logits = network.logits(step.output).float() / self._options.reward_temperature
            logits[..., self._forbidden] = float("-inf")
            each = torch.log_softmax(logits, dim=-1)                                   # (P, K, V)
            words = torch.multinomial(each.detach().exp().flatten(0, 1), 1).view(len(grid), samples)
            log_probs.append(each.gather(2, words.unsqueeze(-1)).squeeze(-1))
            if step.attended is not None:
                maps.append(step.attended.weights)
            written.append(going.float())
            tokens.append(words)
            going = going & (words != self._end)
            if not going.any():
                break
        drawn_maps = torch.stack(maps, 2) if maps else None
        return torch.stack(log_probs, 2), drawn_maps, torch.stack(written, 2), torch.stack(tokens, 2)

    def _reward(self, pictures: npt.NDArray[np.int64], tokens: Tensor) -> Tensor:
        """The reward of every caption, (P, K)."""
        captions = [caption[: caption.index(self._end) + 1] if self._end in caption else caption
                    for own in tokens.tolist() for caption in own]
        rewards = self._rewards(np.repeat(pictures, tokens.shape[1]).tolist(), captions)
        return torch.from_numpy(rewards.astype(np.float32)).view(tokens.shape[:2])
