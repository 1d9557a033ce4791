"""Judge a translator on sentences with a translation beside each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sacrebleu
import torch

from unrolled.models.data.multi30k import read_pairs
from unrolled.models.protocol.messages import Decoding
from unrolled.models.stepping.search import search
from unrolled.models.training.translation import padded
from unrolled.models.translation.stepper import LONGEST_SOURCE, TranslatorStepper

BATCH = 50


def translations(stepper: TranslatorStepper, sentences: Sequence[str], *, beam: int, length_penalty: float,
                 say: Callable[[int, int], None] = lambda done, total: None) -> list[str]:
    """The best translation of every sentence, those of like lengths searched together."""
    source, target = stepper.source_pieces, stepper.target_pieces
    tokens = [[*source.encode(sentence)[:LONGEST_SOURCE], source.end] for sentence in sentences]
    order = sorted(range(len(tokens)), key=lambda place: len(tokens[place]))
    found = [""] * len(tokens)
    for first in range(0, len(order), BATCH):
        chosen = order[first : first + BATCH]
        own = [tokens[place] for place in chosen]
        lengths = torch.tensor([len(one) for one in own])
        with torch.inference_mode():
            memory = stepper.network.memory(padded(own, 0).to(stepper.device), lengths.to(stepper.device))
        best = search(stepper.network, memory, start=target.start, end=target.end, width=beam, length_penalty=length_penalty,
                      maximum_steps=min(2 * int(lengths.max()) + 10, LONGEST_SOURCE), forbidden=stepper.never_written)
        for place, hypotheses in zip(chosen, best, strict=True):
            found[place] = target.decode(hypotheses[0].tokens)
        say(first + len(chosen), len(order))
    return found


def evaluate_translator(stepper: TranslatorStepper, data: Path, *, split: str = "dev", beam: int = 4,
                        length_penalty: float | None = None, limit: int = 0,
                        say: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """What `unrolled evaluate` prints: sacreBLEU with its own tokeniser 13a, both sides in lower case.

    Parameters
    ----------
    data : Path
        A folder that `unrolled.models.data.multi30k` reads.
    """
    started = time.perf_counter()
    source, target = stepper.languages
    pairs = read_pairs(data, split, source=source, target=target)
    count = min(limit or len(pairs.source), len(pairs.source))
    penalty = Decoding().length_penalty if length_penalty is None else length_penalty
    written = translations(stepper, pairs.source[:count], beam=beam, length_penalty=penalty, say=say)
    bleu = sacrebleu.corpus_bleu(written, [list(pairs.target[:count])], lowercase=True, tokenize="13a")
    return {"model": stepper.description.name, "data": str(data), "split": split, "count": count, "beam": beam,
            "tokeniser": "sacreBLEU 13a, lower-cased", "device": str(stepper.device),
            "seconds": round(time.perf_counter() - started, 2), "metrics": {"sacrebleu": bleu.score}}
