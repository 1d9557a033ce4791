"""Train a character model on source code: many texts in parallel, truncated back-propagation through time.

The texts, each between START and END, make one long stream, cut into as many rows as a batch has. An update reads the
next few characters of every row; the state goes on into the next update, but the gradient does not (Williams and
Peng 1990; the lecture's "carry hidden states forward in time forever, but only backpropagate for some smaller number
of steps").
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.checkpoints.files import Card
from unrolled.models.data.source_files import STANDARD_LIBRARY, source_texts, title_of
from unrolled.models.families.characters.network import CharacterConfig, CharacterModel
from unrolled.models.tokenizers.symbols import CharTokenizer
from unrolled.models.training.recipe import TrainingReport, TrainingRequest, config_of
from unrolled.models.training.updates import Task, UpdateOptions, Updates

TERMS = "The texts are not contained{}. These weights: MIT, like the program."
OF_PYTHON = "; Python's standard library stands under the PSF licence"


class CharacterOptions(UpdateOptions, frozen=True, kw_only=True):
    """How a character model is trained; see `UpdateOptions` too."""

    updates: int = 9000
    learning_rate: float = 3e-3
    cell: str = "lstm"             # rnn, lstm, gru
    # embedding, hidden, dropout: see `CharacterConfig`
    embedding: int = 64
    hidden: int = 512
    dropout: float = 0.1
    rows: int = 64                 # texts that are read side by side
    truncation: int = 128          # after so many characters the gradient is cut
    characters_at_least: int = 20  # a character seen less often in the texts is unknown


class CharacterTask(Task):
    def __init__(self, network: CharacterModel, texts: Sequence[str], alphabet: CharTokenizer, options: CharacterOptions, *,
                 device: str = "cpu") -> None:
        self.network: CharacterModel = network
        self._options, self._device = options, device
        self._texts, self._alphabet = texts, alphabet
        self._stream_of = -1
        self._stream = torch.zeros(0, 0, dtype=torch.long)
        length = sum(len(text) + 2 for text in texts)
        self._blocks = max((length // options.rows - 1) // options.truncation, 1)  # updates in a pass over the texts
        self._state = network.start(options.rows)

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy in nats a character, of the next block of every row."""
        epoch, block = divmod(update, self._blocks)
        if epoch != self._stream_of:
            self._stream, self._stream_of = self._rows_of(epoch), epoch
            self._state = self._state if block else self.network.start(self._options.rows)
        first = block * self._options.truncation
        read = self._stream[:, first : first + self._options.truncation + 1].T.to(self._device)   # (T + 1, B)
        logits, state = self.network.sequence(read[:-1], self._state)
        self._state = tuple(tensor.detach().float() for tensor in state)  # the cut of truncated back-propagation
        loss = F.cross_entropy(logits.float().flatten(0, 1), read[1:].flatten())
        return loss, {"bits_per_character": loss.item() / float(np.log(2))}

    def state(self) -> dict[str, Any]:
        return {"state": list(self._state)}

    def restore(self, state: dict[str, Any]) -> None:
        self._state = tuple(state["state"])

    def _rows_of(self, epoch: int) -> Tensor:
        """The texts in the epoch's order, cut into rows, (B, length)."""
        alphabet, rows = self._alphabet, self._options.rows
        order = np.random.default_rng((self._options.seed, epoch)).permutation(len(self._texts))
        parts = [np.concatenate(([alphabet.start], alphabet.encode(self._texts[place]), [alphabet.end])) for place in order]
        stream = np.concatenate(parts)
        least = rows * (self._options.truncation + 1)
        stream = np.resize(stream, max(len(stream), least))  # a text that is too short is read again and again
        return torch.from_numpy(stream[: len(stream) // rows * rows].reshape(rows, -1))


def train_characters(request: TrainingRequest, options: CharacterOptions) -> Iterator[TrainingReport]:
    texts = source_texts(request.needed_data)
    alphabet = CharTokenizer.of(texts, at_least=options.characters_at_least)
    config = config_of(CharacterConfig, options, vocabulary=len(alphabet))
    torch.manual_seed(options.seed)
    network = CharacterModel(config).to(request.device)
    updates = Updates(CharacterTask(network, texts, alphabet, options, device=request.device), options, request)
    yield from updates.run()
    count = sum(map(len, texts))
    of_python = str(request.data) == STANDARD_LIBRARY
    what = "Python's standard library, without its tests" if of_python else title_of(request.needed_data)
    updates.finish(config, alphabet.words, Card(
        title=f"Characters of {title_of(request.needed_data)}, {options.cell.upper()}", task="characters",
        terms=TERMS.format(OF_PYTHON if of_python else ""),
        data=f"{what}: {len(texts)} files, {count:,} characters",
        training=f"{options.updates} updates of {options.rows} × {options.truncation} characters, "
                 f"truncated back-propagation through time; seed {options.seed}."))
