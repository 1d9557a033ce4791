"""The first phase of training: captions with the true word before each (teacher forcing), cross-entropy.

The captions of a picture stay together, so that its features are projected once for all of them. Within a picture
they are sorted, longest first, and pictures with captions of like lengths share a batch: at step t only the first
captions of each picture are still being written, and only those are computed.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.options import AttentionPenalties, TrainingOptions
from unrolled.models.stepping.teacher_forcing import pad_references, teacher_forced
from unrolled.models.training.recipe import config_of
from unrolled.models.training.updates import Task, UpdateOptions

GridOf = Callable[[npt.NDArray[np.int64], npt.NDArray[np.int64]], Tensor]
"""Places of pictures and whether each is mirrored → the encoder's features, (P, L, encoder_features)."""

LONGEST_CAPTION = 24  # words with END; the few longer captions are cut


@dataclass(frozen=True, slots=True)
class Batch:
    """Some pictures with K captions each."""

    pictures: npt.NDArray[np.int64]  # (P,): places in the data set
    flipped: npt.NDArray[np.int64]   # (P,): 1 where the mirrored picture is to be used
    # inputs, targets, active: see `References`
    inputs: npt.NDArray[np.int64]
    targets: npt.NDArray[np.int64]
    active: tuple[int, ...]


def make_batch(pictures: Sequence[int], captions: Sequence[Sequence[Sequence[int]]], *, start: int,
               flipped: npt.NDArray[np.int64]) -> Batch:
    """Put pictures with the same number of captions together, END last; a caption is cut after `LONGEST_CAPTION` tokens."""
    return Batch(np.asarray(pictures, np.int64), flipped, *pad_references(captions, start=start, longest=LONGEST_CAPTION))


def epoch_of_batches(captions: Sequence[Sequence[Sequence[int]]], *, start: int, size: int, flips: bool,
                     random: np.random.Generator) -> Iterator[Batch]:
    """Every picture once, in random batches of pictures whose captions are alike in length."""
    jitter = random.normal(0.0, 0.7, len(captions))
    lengths = np.array([max(map(len, own)) + sum(map(len, own)) / len(own) for own in captions]) + jitter
    order = np.argsort(lengths, kind="stable")
    batches = [order[first : first + size] for first in range(0, len(order), size)]
    for place in random.permutation(len(batches)):
        chosen = batches[place]
        flipped = random.integers(0, 2 if flips else 1, len(chosen))
        yield make_batch([int(p) for p in chosen], [captions[p] for p in chosen], start=start, flipped=flipped)


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum() / mask.sum().clamp_min(1.0)


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


class CrossEntropyTask(Task):
    """Every picture once an epoch; `captions` are each picture's as tokens, END last."""

    def __init__(self, network: Captioner, captions: Sequence[Sequence[Sequence[int]]], grid_of: GridOf,
                 options: TrainingOptions, *, start: int) -> None:
        self.network: Captioner = network
        self._captions, self._grid_of, self._options, self._start = captions, grid_of, options, start
        self._blocks = -(-len(captions) // options.pictures_per_batch)
        self._batches: tuple[int, list[Batch]] = -1, []

    @property
    def updates(self) -> UpdateOptions:
        own = self._options
        return config_of(UpdateOptions, own, updates=own.epochs * self._blocks, warm_up=max(self._blocks // 2, 1))

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy in nats a word, and what shapes the attention."""
        options = self._options
        epoch, block = divmod(update, self._blocks)
        if self._batches[0] != epoch:
            self._batches = epoch, list(epoch_of_batches(
                self._captions, start=self._start, size=options.pictures_per_batch, flips=options.flips,
                random=np.random.default_rng((options.seed, epoch))))
        batch = self._batches[1][block]
        losses = caption_losses(self.network, self._grid_of(batch.pictures, batch.flipped), batch,
                                label_smoothing=options.label_smoothing, penalties=options.penalties)
        # Maps are shaped from the second half epoch on, when there is something to look for.
        shaping = min(max(update / self._blocks - 0.5, 0.0), 1.0)
        return losses.total(shaping), {"loss": losses.words.item(), "entropy": losses.entropy.item(),
                                       "change": losses.change.item()}
