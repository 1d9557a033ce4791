"""Show and Tell as pytorch-tutorial has it: the picture as the first word, then layers of LSTM, and a linear layer.

A checkpoint is two state dicts, encoder and decoder, and a pickled vocabulary beside them; either file is named.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from unrolled.models.adapters.adapter import Named, PickledAdapter
from unrolled.models.cells import CellState
from unrolled.models.cells.hook import Hook
from unrolled.models.checkpoints.companions import numbered_words, vocabulary_beside
from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.checkpoints.fitting import fitted, renamed
from unrolled.models.checkpoints.pickled import PickledCheckpoint, read_pickled
from unrolled.models.checkpoints.resnets import ResNetEncoder, resnet_encoder
from unrolled.models.families.picture_first.reference import PictureFirstReference
from unrolled.models.stepping.layers import Layers, kind_of, layer_count, layer_names, layer_weights
from unrolled.models.stepping.network_stepper import NetworkStepper
from unrolled.models.stepping.stepper import EncodedInput, Structure
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 20  # as the tutorial's own sampling has it
FAMILY = "pytorch-tutorial’s image captioning"
SIZE = 224  # pixels a side
ENCODER = ("resnet.0.weight", "linear.weight", "linear.bias", "bn.weight", "bn.running_mean")
DECODER = ("embed.weight", "lstm.weight_hh_l0", "linear.weight", "linear.bias")
NAMES = {"project.": "encoder.linear.", "normalise.": "encoder.bn.", "embed.": "decoder.embed.", "score.": "decoder.linear."}
ELSEWHERE = ("encoder.resnet.", "decoder.lstm.")
RECOGNISES = Named(ENCODER, DECODER)


class Lengths(NamedTuple):
    """Of the network: V words, their vectors, the state, the layers, and a picture's vector from the ResNet."""

    vocabulary: int
    embedding: int
    hidden: int
    layers: int
    features: int


class PictureFirst(nn.Module):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        self.project = nn.Linear(lengths.features, lengths.embedding)
        self.normalise = nn.BatchNorm1d(lengths.embedding)
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.layers = Layers("lstm", lengths.embedding, lengths.hidden, lengths.layers)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    @property
    def structure(self) -> Structure:
        return self.layers.structure

    def picture_vector(self, features: Tensor) -> Tensor:
        """The ResNet's mean vector (1, features) → what stands for a word's vector, (1, 1, embedding)."""
        vector: Tensor = self.normalise(self.project(features))
        return vector.unsqueeze(1)

    def start(self, memory: Tensor) -> CellState:
        return self.layers.start(self.score.weight.device)

    def step(self, memory: Tensor, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        """`memory`, the picture's vector, is read where there is no word before."""
        own = torch.where(words.unsqueeze(-1) < 0, memory, self.embed(words.clamp(min=0)))     # (1, K, embedding)
        state, channels = self.layers(hook("word_vector", own), state, hook)
        return state, hook("logits", self.score(channels[0])), channels


class PictureFirstStepper(NetworkStepper[PictureFirst]):
    def __init__(self, network: PictureFirst, encoder: ResNetEncoder, words: Sequence[str], *, end: int, identity: Identity,
                 device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.encoder = encoder.to(self.device)
        self.description = ModelDescription(
            **identity._asdict(), task="captioning", channels=network.layers.channels,
            words=tuple(words), start_token=-1, end_token=end, maximum_steps=MAXIMUM_STEPS,
            input_size=(encoder.size, encoder.size), parameters=sum(p.numel() for p in network.parameters()),
            encoder=encoder.title)

    @torch.inference_mode()
    def read(self, given: Image.Image) -> EncodedInput[Tensor]:
        """Read a photograph of any shape: it is resized straight to the encoder's square."""
        return EncodedInput(memory=self.network.picture_vector(self.encoder(given)[:, 0]), given_input=given)

    def reference(self) -> PictureFirstReference:
        return PictureFirstReference(self.weights(), encoder=self.encoder.network, size=self.encoder.size,
                                     device=str(self.device))


def open_captioner(source: PickledCheckpoint, device: str) -> PictureFirstStepper:
    encoder, decoder = _both(source)
    path, table, projection = decoder.path, decoder.tensors["embed.weight"], encoder.tensors["linear.weight"]
    if table.ndim != 2 or projection.ndim != 2 or not kind_of(decoder.tensors, "lstm.", ("lstm",)):
        raise misfit(path, "its LSTM's weights are of another network")
    lengths = Lengths(len(table), table.shape[1], decoder.tensors["lstm.weight_hh_l0"].shape[1],
                      layer_count(decoder.tensors, "lstm."), projection.shape[1])
    both = _named(encoder.tensors, decoder.tensors)
    weights = renamed(path, {name: value for name, value in both.items() if not name.startswith(ELSEWHERE)}, NAMES)
    network = fitted(path, lambda: PictureFirst(lengths), weights | layer_weights(both, "decoder.lstm.", "layers."),
                     layer_names(lengths.layers, "decoder.lstm.", "layers.") | NAMES)
    words = numbered_words(path, vocabulary_beside(path, lengths.vocabulary), lengths.vocabulary, ("<end>",))
    trunk = encoder.under("resnet.")
    resnet = resnet_encoder(encoder.path, trunk, "resnet.", size=SIZE, side=1, resampling=Image.Resampling.LANCZOS)
    stepper = PictureFirstStepper(
        network, resnet, words, end=words.index("<end>"), device=device,
        identity=decoder.identity(f"Show and Tell · {path.name}", FAMILY))
    encoder_again, decoder_again = encoder.weights_again, decoder.weights_again
    stepper.weights = lambda: _named(encoder_again(), decoder_again())
    return stepper


def _named(encoder: Mapping[str, Tensor], decoder: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {**{f"encoder.{name}": value for name, value in encoder.items()},
            **{f"decoder.{name}": value for name, value in decoder.items()}}


def _both(source: PickledCheckpoint) -> tuple[PickledCheckpoint, PickledCheckpoint]:
    """Encoder and decoder, of which one was named; they lie beside each other. Raises `CheckpointError`."""
    own, other = ("encoder", "decoder") if source.has(*ENCODER) else ("decoder", "encoder")
    path: Path = source.path.with_name(source.path.name.replace(own, other))
    if own not in source.path.name or not path.is_file():
        file = f"“{path.name}”" if own in source.path.name else f"a file named as the {own}'s, with “{other}” in it"
        raise CheckpointError(f"“{source.path.name}” is the {own} alone of a captioner; put its {other}, {file}, "
                              "into the same folder.")
    found = read_pickled(path)
    wanted = Named(ENCODER if other == "encoder" else DECODER)
    if not wanted(found):
        raise CheckpointError(f"“{path.name}” is not the {other} that “{source.path.name}” needs; "
                              f"{wanted.told(found) or f'it holds {found.summary()}'}.")
    return (source, found) if own == "encoder" else (found, source)


ADAPTER = PickledAdapter(family=FAMILY, input_kind="picture", recognises=RECOGNISES, open=open_captioner, several_files=True)
