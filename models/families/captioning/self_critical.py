"""The second phase of training: captions are drawn, rewarded, and made more or less probable.

Self-critical sequence training (Rennie et al. 2017) in the form that needs no greedy caption (Luo 2020): several
captions are drawn for a picture, and the baseline of each is the mean reward of the others.

Captions are drawn, and made more probable, at a temperature below 1, so that what is rewarded is like what a search
writes; the network's own temperature stays 1.

The reward alone makes a network say a few safe words with certainty: its probabilities stop meaning anything, and rare
words are never used again. So the true captions' cross-entropy stays in the loss beside it (as in Wu et al. 2016).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unrolled.models.families.captioning.batches import GridOf, make_batch
from unrolled.models.families.captioning.losses import attention_losses, caption_losses
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.pointing import Pointing
from unrolled.models.families.captioning.rewards import CaptionRewards
from unrolled.models.training.optimising import Report, RunningAverage

LONGEST_DRAWN = 18  # words with END


class SelfCriticalPhase:
    """The state of the phase; it goes on from the weights of the first one.

    Parameters
    ----------
    network : Captioner
        Trained in place.
    captions : sequence
        For every picture its captions as tokens, END last.
    pointing : Pointing, optional
        What teaches attention where to look.
    """

    def __init__(self, network: Captioner, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf, rewards: CaptionRewards,
                 options: TrainingOptions, *, start: int, end: int, forbidden: tuple[int, ...],
                 pointing: Pointing | None = None) -> None:
        self.network, self.options = network, options
        network.dropout.p = options.reward_dropout
        self.average = RunningAverage(network, options.reward_average_decay)
        self.average.updates = 1000  # the network is trained already: average slowly from the first update on
        self.optimiser = torch.optim.AdamW(network.parameters(), lr=options.reward_learning_rate, betas=(0.9, 0.98),
                                           weight_decay=0.0)
        self.update = 0
        self._captions, self._grid_of, self._rewards, self._pointing = captions, grid_of, rewards, pointing
        self._start, self._end, self._forbidden = start, end, list(forbidden)
        self.updates = int(options.reward_epochs * len(captions) / options.pictures_per_batch)

    @property
    def finished(self) -> bool:
        return self.update >= self.updates

    def run(self, updates: int) -> Iterator[Report]:
        """Train for so many updates, or to the end; a report after each."""
        options = self.options
        means: dict[str, float] = {}
        self.network.train()
        stop = min(self.update + updates, self.updates)
        while self.update < stop:
            random = np.random.default_rng((options.seed, 7, self.update))
            torch.manual_seed(options.seed * 1_000_000 + self.update)
            for group in self.optimiser.param_groups:
                group["lr"] = options.reward_learning_rate * self._rate(self.update / self.updates)
            chosen = random.choice(len(self._captions), options.pictures_per_batch, replace=False).astype(np.int64)
            flipped = random.integers(0, 2 if options.flips else 1, len(chosen))
            grid = self._grid_of(chosen, flipped)
            log_probs, maps, written, tokens = self._draw(grid)
            rewards = self._reward(chosen, tokens)                                     # (P, K)
            others = (rewards.sum(1, keepdim=True) - rewards) / max(rewards.shape[1] - 1, 1)
            advantage = (rewards - others).to(log_probs.device).unsqueeze(-1)          # (P, K, 1)
            # Log-probabilities that dropout made tiny would blow the gradient up; none of them teaches anything.
            policy = -(advantage * log_probs.clamp_min(-20.0) * written).sum() / written.sum()
            batch = make_batch(chosen.tolist(), [self._captions[p] for p in chosen], start=self._start, flipped=flipped)
            true = caption_losses(self.network, grid, batch, label_smoothing=0.0, penalties=options.penalties,
                                  pointing=self._pointing)
            penalty = attention_losses(maps, written, options.penalties)[0] if maps is not None else 0.0
            self.optimiser.zero_grad(set_to_none=True)
            (policy + 0.1 * penalty + options.reward_cross_entropy * true.total(1.0)).backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip_norm)
            self.optimiser.step()
            self.average.update(self.network)
            self.update += 1
            new = {"reward": float(rewards.mean()), "loss": true.words.item(), "entropy": true.entropy.item(),
                   "change": true.change.item(), "pointing": true.pointing.item(), "gradient": norm.item(),
                   "length": float(written.sum() / written[..., 0].numel())}
            means = {key: 0.98 * means.get(key, value) + 0.02 * value for key, value in new.items()}
            yield Report(self.update, self.updates, means, "rewards")

    @staticmethod
    def _rate(done: float) -> float:
        """Rises quickly, stays at 1, and falls to a twentieth from the middle on."""
        return min(0.05 + 50 * done, 1.0) * (1.0 - 0.95 * max(done - 0.55, 0.0) / 0.45)

    def _draw(self, grid: Tensor) -> tuple[Tensor, Tensor | None, Tensor, Tensor]:
        """Draw K captions a picture.

        Returns
        -------
        log_probs, written, tokens : Tensor, shape (P, K, T)
            `written` is 1 up to and with END, then 0.
        maps : Tensor, shape (P, K, T, L), or None without attention
        """
        network, samples = self.network, self.options.reward_samples
        memory = network.memory(grid)
        state = network.start(memory, samples)
        words = torch.full((len(grid), samples), self._start, device=grid.device)
        going = torch.ones_like(words, dtype=torch.bool)
        log_probs, maps, written, tokens = [], [], [], []
        for _ in range(LONGEST_DRAWN):
            state, step = network.step(memory, state, words)
            logits = network.logits(step.output).float() / self.options.reward_temperature
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

    def state(self) -> dict[str, Any]:
        return {"update": self.update, "network": self.network.state_dict(), "average": self.average.network.state_dict(),
                "optimiser": self.optimiser.state_dict(), "bleu_means": self._bleu_means(),
                "average_updates": self.average.updates}

    def restore(self, state: dict[str, Any]) -> None:
        self.update = state["update"]
        self.network.load_state_dict(state["network"])
        self.average.network.load_state_dict(state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average.updates = state["average_updates"]
        means = state["bleu_means"]
        self._rewards.corpus_bleu.means = means.numpy() if len(means) else None

    def _bleu_means(self) -> Tensor:
        means = self._rewards.corpus_bleu.means
        return torch.zeros(0) if means is None else torch.from_numpy(means)
