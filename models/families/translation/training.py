"""Train a translator on sentence pairs: the true word before (teacher forcing), cross-entropy."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.checkpoints.files import Card
from unrolled.models.data.multi30k import read_pairs
from unrolled.models.families.translation.network import Translator, TranslatorConfig
from unrolled.models.stepping.teacher_forcing import teacher_forced
from unrolled.models.tokenizers.subword_tokenizer import SubwordTokenizer
from unrolled.models.training.recipe import TrainingReport, TrainingRequest, config_of
from unrolled.models.training.updates import Task, UpdateOptions, Updates

LANGUAGES = {"en": "English", "fr": "French", "de": "German"}
DATA = "Multi30k (Elliott, Frank, Sima'an and Specia 2016; French: Elliott, Frank, Barrault, Bougares and Specia 2017)"
TERMS = ("The sentences come from Flickr30k's captions and are research data; none of them is contained. These weights: MIT, "
         "like the program.")
LONGEST = 80  # pieces with END; the few longer pairs are left out


class TranslationOptions(UpdateOptions, frozen=True, kw_only=True):
    """How a translator is trained; see `UpdateOptions` too."""

    updates: int = 4200
    learning_rate: float = 2e-3
    average_decay: float = 0.999
    # source, target: languages, as the data's files name them
    source: str = "en"
    target: str = "fr"
    pieces: int = 4000            # how many pieces of words are learned for each language
    sentences: int = 128          # in a batch
    # cell, embedding, hidden, encoder_hidden, attention, dropout: see `TranslatorConfig`
    cell: str = "gru"
    embedding: int = 256
    hidden: int = 512
    encoder_hidden: int = 256
    attention: int = 256
    dropout: float = 0.4
    label_smoothing: float = 0.1  # probability that is spread evenly over all pieces


Ids = Sequence[Sequence[int]]


def padded(sequences: Ids, fill: int) -> Tensor:
    """Sequences as one tensor (P, longest), filled up behind."""
    longest = max(map(len, sequences))
    return torch.tensor([[*own, *[fill] * (longest - len(own))] for own in sequences])


class TranslationTask(Task):
    """Sentence pairs, those of like lengths together."""

    def __init__(self, network: Translator, source: Ids, target: Ids, options: TranslationOptions, *, start: int,
                 device: str = "cpu") -> None:
        self.network: Translator = network
        self._source, self._target, self._start = source, target, start
        self._options, self._device = options, device
        self._lengths = np.array([2 * len(t) + len(s) for s, t in zip(source, target, strict=True)], np.float64)
        self._blocks = max(len(source) // options.sentences, 1)
        self._order: tuple[int, npt.NDArray[np.int64]] = -1, np.zeros((0, 0), np.int64)

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy in nats a piece, of a batch."""
        epoch, block = divmod(update, self._blocks)
        if self._order[0] != epoch:
            self._order = epoch, self._order_of(epoch)
        chosen = self._order[1][block]
        source, targets = [self._source[p] for p in chosen], padded([self._target[p] for p in chosen], -1).to(self._device)
        lengths = torch.tensor([len(own) for own in source], device=self._device)
        inputs = torch.cat((torch.full_like(targets[:, :1], self._start), targets[:, :-1].clamp_min(0)), dim=1)       # (P, T)
        memory = self.network.memory(padded(source, 0).to(self._device), lengths)
        outputs, _ = teacher_forced(self.network, memory, inputs.unsqueeze(1), [1] * inputs.shape[1])
        written = targets >= 0                                                                                       # (P, T)
        logits = self.network.logits(outputs[:, 0][written]).float()                             # (pieces written, V)
        loss = F.cross_entropy(logits, targets[written], label_smoothing=self._options.label_smoothing)
        return loss, {"loss": loss.item()}

    def _order_of(self, epoch: int) -> npt.NDArray[np.int64]:
        """The pairs of each of the epoch's batches, (batches, sentences)."""
        random = np.random.default_rng((self._options.seed, epoch))
        order = np.argsort(self._lengths + random.normal(0.0, 1.5, len(self._lengths)), kind="stable")
        order = np.resize(order, self._blocks * min(self._options.sentences, len(order)))
        return random.permutation(order.reshape(self._blocks, -1))


def train_translator(request: TrainingRequest, options: TranslationOptions) -> Iterator[TrainingReport]:
    pairs = read_pairs(request.needed_data, "train", source=options.source, target=options.target)
    source_pieces = SubwordTokenizer.of(pairs.source, size=options.pieces)
    target_pieces = SubwordTokenizer.of(pairs.target, size=options.pieces)
    source = [[*source_pieces.encode(sentence), source_pieces.end] for sentence in pairs.source]
    target = [[*target_pieces.encode(sentence), target_pieces.end] for sentence in pairs.target]
    kept = [place for place, (s, t) in enumerate(zip(source, target, strict=True)) if max(len(s), len(t)) <= LONGEST]
    config = config_of(TranslatorConfig, options, vocabulary=len(target_pieces), source_vocabulary=len(source_pieces),
                       features=2 * options.encoder_hidden, source_embedding=options.embedding)
    torch.manual_seed(options.seed)
    network = Translator(config).to(request.device)
    task = TranslationTask(network, [source[p] for p in kept], [target[p] for p in kept], options,
                           start=target_pieces.start, device=request.device)
    updates = Updates(task, options, request)
    yield from updates.run()
    left, right = (LANGUAGES.get(language, language) for language in (options.source, options.target))
    languages = {"source_language": options.source, "target_language": options.target,
                 "source_pieces": source_pieces.description, "target_pieces": target_pieces.description}
    updates.finish(config, target_pieces.words, Card(
        title=f"Translation with attention, {left} to {right}", task="translation", data=DATA, terms=TERMS,
        training=f"{len(kept)} sentence pairs, {options.updates} updates of {options.sentences} pairs; "
                 f"{options.pieces} pieces of words a language, lower case; seed {options.seed}."), more=languages)
