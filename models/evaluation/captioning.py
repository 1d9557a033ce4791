"""Judge a captioner on photographs with true captions, from their files to the figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from unrolled.models.captioning.decode import beam_captions
from unrolled.models.captioning.stepper import CaptionerStepper
from unrolled.models.captioning.vocabulary import TOKENISER
from unrolled.models.data.features import encode_photographs
from unrolled.models.data.flickr8k import read_split
from unrolled.models.evaluation.attention import AttentionStatistics
from unrolled.models.evaluation.scores import caption_scores
from unrolled.models.protocol.messages import Decoding

BATCH = 32


def evaluate_captioner(stepper: CaptionerStepper, data: Path, *, split: str = "dev", beam: int = 3,
                       length_penalty: float | None = None, limit: int = 0,
                       say: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """What `unrolled evaluate` prints.

    Parameters
    ----------
    data : Path
        A folder that `unrolled.models.data.flickr8k` reads.
    beam : int
        The width; 1 is greedy.
    length_penalty : float, optional
        That of `Decoding` by default.
    limit : int
        Only the first so many photographs; 0 for all.
    """
    started = time.perf_counter()
    photographs = read_split(data, split)
    count = min(limit or len(photographs.photographs), len(photographs.photographs))
    vocabulary = stepper.vocabulary
    generator = torch.Generator().manual_seed(0)
    statistics = AttentionStatistics()
    written: list[list[str]] = []
    for first in range(0, count, BATCH):
        chosen = photographs.photographs[first : min(first + BATCH, count)]
        grid = encode_photographs(stepper.encoder, chosen, device=str(stepper.device))
        found = beam_captions(stepper.network, grid, start=vocabulary.start, end=vocabulary.end, width=beam,
                              length_penalty=Decoding().length_penalty if length_penalty is None else length_penalty,
                              maximum_steps=stepper.description.maximum_steps,
                              forbidden=(vocabulary.start, vocabulary.unknown))
        best = [hypotheses[0].tokens for hypotheses in found]
        written += [vocabulary.decode(tokens) for tokens in best]
        if stepper.network.attend is not None:
            statistics.add(stepper.network, grid, best, start=vocabulary.start, generator=generator)
        say(len(written), count)
    metrics = caption_scores(written, photographs.captions[:count])
    if stepper.network.attend is not None:
        metrics |= statistics.means()
    return {"model": stepper.description.name, "data": str(data), "split": split, "count": count, "beam": beam,
            "tokeniser": TOKENISER, "device": str(stepper.device), "seconds": round(time.perf_counter() - started, 2),
            "metrics": metrics}
