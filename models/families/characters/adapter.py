"""Character models: opened from their checkpoints, trained, and judged: bits per character on texts that they never saw."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.data.source_files import STANDARD_LIBRARY, source_texts
from unrolled.models.evaluation.probabilities import ReferenceStatistics
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.characters.network import CharacterConfig, CharacterModel, CharacterStepper
from unrolled.models.families.characters.ngrams import WittenBell, best_order
from unrolled.models.families.characters.training import CharacterOptions, train_characters
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.symbols import CharTokenizer
from unrolled.models.training.recipe import Recipe

ROWS = 32     # texts that are read side by side
BLOCK = 512   # characters at a time
LONGEST_NGRAM = 7


class CharacterFigures(NamedTuple):
    references: ReferenceStatistics
    entropy: float        # the mean entropy of the next character, in nats
    vocabulary_used: int  # how many different characters were ever the first candidate

    @property
    def bits_per_character(self) -> float:
        return self.references.nats / math.log(2)


@torch.inference_mode()
def read_texts(network: CharacterModel, alphabet: CharTokenizer, texts: Sequence[str], *,
               say: Callable[[int, int], None] = lambda done, total: None) -> CharacterFigures:
    """All characters of all texts, each judged with the true ones before it.

    Each text is read from START with the state of zeros; END is not counted. A character that the model does not know
    is judged as UNKNOWN.
    """
    network.eval()
    device = network.score.weight.device
    order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
    entropy, total, references = 0.0, sum(map(len, texts)), ReferenceStatistics()
    first_candidates: set[int] = set()
    for first in range(0, len(order), ROWS):
        codes = [alphabet.encode(texts[place]) for place in order[first : first + ROWS]]
        longest = max(map(len, codes))
        read = torch.full((longest + 1, len(codes)), alphabet.start)                            # (T + 1, B)
        for row, own in enumerate(codes):
            read[1 : len(own) + 1, row] = torch.from_numpy(own)
        read = read.to(device)
        lengths = torch.tensor([len(own) for own in codes], device=device)
        state = network.start(len(codes))
        for begin in range(0, longest, BLOCK):
            block = read[begin : begin + BLOCK + 1]
            logits, state = network.sequence(block[:-1], state)
            places = torch.arange(begin, begin + len(logits), device=device).unsqueeze(1)        # (T, 1)
            there = places < lengths                                                             # (T, B)
            references.add(logits[there], block[1:][there])
            entropy += float(torch.special.entr(torch.softmax(logits[there], dim=-1)).sum(-1).cpu().double().sum())
            first_candidates.update(logits[there].argmax(-1).tolist())
        say(references.count, total)
    return CharacterFigures(references, entropy / max(references.count, 1), len(first_candidates))


def evaluate_characters(stepper: CharacterStepper, request: EvaluationRequest) -> Evaluation:
    """On a folder of Python files or one file.

    Perplexity is per character, of texts that are read; they have no END. The entropy is that of the next character along
    them, since a model that only reads writes nothing of its own. It is compared with the best of the Witten-Bell n-gram
    models up to `LONGEST_NGRAM`, fitted to the standard library.
    """
    texts = source_texts(request.needed_data)[: request.limit or None]
    alphabet = stepper.alphabet
    unknown = sum(int((alphabet.encode(text) == alphabet.unknown).sum()) for text in texts)
    figures = read_texts(stepper.network, alphabet, texts, say=request.say)
    metrics = {"bits_per_character": figures.bits_per_character, **figures.references.figures(), "entropy": figures.entropy,
               "vocabulary_used": float(figures.vocabulary_used)}
    if request.compare:
        order, ngram_bits = best_order(
            WittenBell(_coded(source_texts(Path(STANDARD_LIBRARY)), alphabet), size=len(alphabet), order=LONGEST_NGRAM),
            _coded(texts, alphabet))
        metrics |= {"ngram_bits_per_character": ngram_bits, "ngram_order": order}
    return Evaluation(data=str(request.data), count=len(texts), tokeniser="characters", metrics=metrics,
                      more={"characters": figures.references.count, "unknown_characters": unknown})


def _coded(texts: Sequence[str], alphabet: CharTokenizer) -> list[npt.NDArray[np.int64]]:
    return [np.concatenate(([alphabet.start], alphabet.encode(text))) for text in texts]


def open_characters(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> CharacterStepper:
    config = checkpoint.config(CharacterConfig)
    alphabet = checkpoint.made(lambda: CharTokenizer(checkpoint.header.words))
    checkpoint.check_count(len(alphabet), config.vocabulary, of="characters")
    return CharacterStepper(checkpoint.network(lambda: CharacterModel(config)), alphabet, device=device,
                            identity=checkpoint.identity("bits_per_character"))


ADAPTER = CheckpointAdapter(
    family="characters", input_kind="text", open=open_characters, evaluate=evaluate_characters,
    recipes={
        "chars-lstm": Recipe(CharacterOptions(), train_characters),
        "chars-gru": Recipe(CharacterOptions(cell="gru", updates=6500), train_characters),
        "chars-rnn": Recipe(CharacterOptions(cell="rnn", updates=6000, learning_rate=1e-3), train_characters),
    })
