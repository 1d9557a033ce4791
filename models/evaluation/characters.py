"""Judge a character model: bits per character on texts that it never saw."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional as F

from unrolled.models.characters.alphabet import Alphabet
from unrolled.models.characters.network import CharacterModel
from unrolled.models.characters.stepper import CharacterStepper
from unrolled.models.data.source_files import STANDARD_LIBRARY, source_texts
from unrolled.models.evaluation.ngrams import WittenBell, best_order

ROWS = 32     # texts that are read side by side
BLOCK = 512   # characters at a time
LONGEST_NGRAM = 7


@torch.inference_mode()
def bits_per_character(network: CharacterModel, alphabet: Alphabet, texts: Sequence[str], *,
                       say: Callable[[int, int], None] = lambda done, total: None) -> tuple[float, int]:
    """The mean of -log2 p(character) over all characters of all texts, and how many there are.

    Each text is read from START with the state of zeros; END is not counted. A character that the model does not know
    is judged as UNKNOWN.
    """
    network.eval()
    device = network.score.weight.device
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    nats, count, total = 0.0, 0, sum(map(len, texts))
    for first in range(0, len(order), ROWS):
        codes = [alphabet.encode(texts[place]) for place in order[first : first + ROWS]]
        longest = max(map(len, codes))
        read = torch.full((longest + 1, len(codes)), alphabet.start, device=device)             # (T + 1, B)
        for row, own in enumerate(codes):
            read[1 : len(own) + 1, row] = torch.from_numpy(own)
        lengths = torch.tensor([len(own) for own in codes], device=device)
        state = network.start(len(codes))
        for begin in range(0, longest, BLOCK):
            block = read[begin : begin + BLOCK + 1]
            scores, state = network.sequence(block[:-1], state)
            each = F.cross_entropy(scores.flatten(0, 1), block[1:].flatten(), reduction="none").view(block[1:].shape)
            places = torch.arange(begin, begin + len(each), device=device).unsqueeze(1)          # (T, 1)
            nats += float(each[places < lengths].double().sum())
        count += int(lengths.sum())
        say(count, total)
    return nats / max(count, 1) / math.log(2), count


def evaluate_characters(stepper: CharacterStepper, data: Path, *, limit: int = 0, compare: bool = False,
                        say: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """What `unrolled evaluate` prints, for a folder of Python files or one file.

    Parameters
    ----------
    limit : int
        Only the first so many files; 0 for all.
    compare : bool
        With the best of the Witten-Bell n-gram models up to `LONGEST_NGRAM`, fitted to the standard library.
    """
    started = time.perf_counter()
    texts = source_texts(data)[: limit or None]
    alphabet = stepper.alphabet
    unknown = sum(int((alphabet.encode(text) == alphabet.unknown).sum()) for text in texts)
    bits, count = bits_per_character(stepper.network, alphabet, texts, say=say)
    metrics = {"bits_per_character": bits}
    if compare:
        order, ngram_bits = best_order(
            WittenBell(_coded(source_texts(Path(STANDARD_LIBRARY)), alphabet), size=len(alphabet), order=LONGEST_NGRAM),
            _coded(texts, alphabet))
        metrics |= {"ngram_bits_per_character": ngram_bits, "ngram_order": order}
    return {"model": stepper.description.name, "data": str(data), "split": "", "count": len(texts), "characters": count,
            "unknown_characters": unknown, "tokeniser": "characters", "device": str(stepper.device),
            "seconds": round(time.perf_counter() - started, 2), "metrics": metrics}


def _coded(texts: Sequence[str], alphabet: Alphabet) -> list[npt.NDArray[np.int64]]:
    return [np.concatenate(([alphabet.start], alphabet.encode(text))) for text in texts]
