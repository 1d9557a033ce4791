"""Opens its checkpoints: a pickled `CharRNN`, or its state dict. There are no words to be found: they are `string.printable`."""

import string
from typing import NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.adapters.adapter import Named, PickledAdapter
from unrolled.models.cells import CellState
from unrolled.models.cells.hook import Hook
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.checkpoints.fitting import fitted, renamed
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.char_rnn.reference import CharRNNReference
from unrolled.models.stepping.layers import Layers, kind_of, layer_count, layer_names, layer_weights
from unrolled.models.stepping.next_character import NextCharacterStepper

CHARACTERS = string.printable
FAMILY = "char-rnn.pytorch"
NAMES = {"embed.": "encoder.", "score.": "decoder."}  # ours and theirs
RECOGNISES = Named(*(("encoder.weight", "decoder.weight", "decoder.bias", f"{layers}.weight_hh_l0") for layers in ("rnn", "gru")))


class Lengths(NamedTuple):
    cell: str
    vocabulary: int
    embedding: int
    hidden: int
    layers: int


class CharRNN(nn.Module):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.layers = Layers(lengths.cell, lengths.embedding, lengths.hidden, lengths.layers)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    def start(self, memory: Tensor) -> CellState:
        return self.layers.start(self.score.weight.device)

    def step(self, memory: Tensor, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        """What `memory` is, the text's first character (1, 1), is read where there is no word before."""
        vector = hook("word_vector", self.embed(torch.where(words < 0, memory, words)))
        state, channels = self.layers(vector, state, hook)
        return state, hook("logits", self.score(channels[0])), channels


class CharRNNStepper(NextCharacterStepper[CharRNN]):
    def reference(self) -> CharRNNReference:
        return CharRNNReference(self.weights())


def open_char_rnn(source: PickledCheckpoint, device: str) -> CharRNNStepper:
    path, theirs = source.path, source.tensors
    prefix = "rnn." if "rnn.weight_hh_l0" in theirs else "gru."
    kind, table = kind_of(theirs, prefix, ("lstm", "gru")), theirs["encoder.weight"]
    if not kind or table.ndim != 2:
        raise CheckpointError(f"“{path.name}” holds neither a GRU nor an LSTM over characters.")
    if len(table) != len(CHARACTERS):
        raise CheckpointError(f"“{path.name}” reads {len(table):,} characters, not Python's {len(CHARACTERS)} "
                              "printable ones: which they are does not stand in it.")
    lengths = Lengths(kind, len(table), table.shape[1], theirs[f"{prefix}weight_hh_l0"].shape[1],
                      layer_count(theirs, prefix))
    weights = renamed(path, {name: value for name, value in theirs.items() if not name.startswith(prefix)}, NAMES)
    network = fitted(path, lambda: CharRNN(lengths), weights | layer_weights(theirs, prefix, "layers."),
                     layer_names(lengths.layers, prefix, "layers.") | NAMES)
    layers = f"{lengths.layers} layers of {lengths.hidden:,} units" if lengths.layers > 1 else f"{lengths.hidden:,} units"
    title = f"Characters, {kind.upper()} · {path.name}"
    return CharRNNStepper(network, characters=CHARACTERS, device=device, identity=source.identity(title, f"{FAMILY}, {layers}"))


ADAPTER = PickledAdapter(family=FAMILY, input_kind="text", recognises=RECOGNISES, open=open_char_rnn)
