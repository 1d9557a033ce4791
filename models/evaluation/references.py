"""A decoder on references and on its own captions, many inputs at a time: what `ReferenceStatistics` and entropies need."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.models.cells.decoder import Memory, RecurrentDecoder
from unrolled.models.evaluation.probabilities import ReferenceStatistics
from unrolled.models.stepping.teacher_forcing import pad_references, teacher_forced


def judge_references(network: RecurrentDecoder, memory: Memory, references: Sequence[Sequence[Sequence[int]]], *, start: int,
                     statistics: ReferenceStatistics) -> None:
    """Read every input's references, END last, none of them cut."""
    statistics.add(*_read(network, memory, references, start=start))


def next_word_entropies(network: RecurrentDecoder, memory: Memory, written: Sequence[Sequence[Sequence[int]]], *,
                        start: int) -> list[float]:
    """The entropy of the distribution that each of the written tokens was chosen from, in nats."""
    log_probs = torch.log_softmax(_read(network, memory, written, start=start)[0], dim=-1)
    entropies: list[float] = torch.special.entr(log_probs.exp()).sum(-1).tolist()
    return entropies


@torch.inference_mode()
def _read(network: RecurrentDecoder, memory: Memory, references: Sequence[Sequence[Sequence[int]]], *,
          start: int) -> tuple[Tensor, Tensor]:
    """Logits (N, V) before every token, and the tokens (N,)."""
    network.eval()
    most = max(map(len, references))
    # Inputs with fewer references than others have empty ones, which are not counted.
    even = [[list(one) for one in own] + [[]] * (most - len(own)) for own in references]
    batch = pad_references(even, start=start)
    device = memory.features.device
    targets = torch.from_numpy(batch.targets).to(device)
    outputs = teacher_forced(network, memory, torch.from_numpy(batch.inputs).to(device), batch.active).outputs
    there = targets >= 0
    return network.logits(outputs[there]).float(), targets[there]
