"""Show, Attend and Tell as the tutorial has it (Xu et al. 2015): in our own cells, so that all can be seen and changed.

e_j = w · relu(W_s h + W_a a_j + b), α = softmax(e), z = Σ_j α_j a_j; the context is gated, β ⊙ z with β = σ(W_β h + b_β),
and goes into the cell beside the word before. The logits are W h' + b. Checkpoints are whole modules or state dicts, with the
word map's JSON file beside them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from PIL import Image
from torch import Tensor, nn

from unrolled.models.adapters.adapter import Named, PickledAdapter
from unrolled.models.cells import AdditiveAttention, CellState, LSTMCell
from unrolled.models.cells.decoder import Memory
from unrolled.models.cells.hook import Hook
from unrolled.models.checkpoints.companions import numbered_words, word_map_beside
from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.checkpoints.fitting import check_there, fitted, renamed
from unrolled.models.checkpoints.pickled import PickledCheckpoint, stub_at
from unrolled.models.checkpoints.resnets import ResNetEncoder, resnet_encoder
from unrolled.models.families.show_attend_tell.reference import ShowAttendTellReference
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.stepping.choosing import Beam
from unrolled.models.stepping.layers import attention_channels, cell_channels
from unrolled.models.stepping.network_stepper import NetworkStepper, entropy_of
from unrolled.models.stepping.stepper import EncodedInput, Structure
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 51  # as the tutorial's own search has it
FAMILY = "a PyTorch Tutorial to Image Captioning"
SIZE = 256  # pixels a side
SIDE = 14   # cells a side, where the checkpoint does not say
NAMES = {"attend.features_to_size.": "attention.encoder_att.", "attend.hidden_to_size.": "attention.decoder_att.",
         "attend.score.": "attention.full_att.", "first_hidden.": "init_h.", "first_cell.": "init_c.", "gate.": "f_beta.",
         "score.": "fc.", "embed.": "embedding.", "cell.": "decode_step."}
LINEAR = tuple(NAMES.values())[:7]
NEEDED = (*(f"{name}{part}" for name in LINEAR for part in ("weight", "bias")), "embedding.weight",
          *(f"decode_step.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))
RECOGNISES = Named(("decoder.attention.full_att.weight", "decoder.decode_step.weight_ih", "decoder.f_beta.weight"))


class Lengths(NamedTuple):
    """Of the network: V words, their vectors, the state, a place's vector, the attention's hidden layer."""

    vocabulary: int
    embedding: int
    hidden: int
    features: int
    attention: int


class ShowAttendTell(nn.Module):
    def __init__(self, lengths: Lengths) -> None:
        super().__init__()
        self.lengths = lengths
        self.attend = AdditiveAttention(features=lengths.features, hidden=lengths.hidden, size=lengths.attention,
                                        activation="relu")
        self.cell = LSTMCell(lengths.embedding + lengths.features, lengths.hidden)
        self.embed = nn.Embedding(lengths.vocabulary, lengths.embedding)
        self.first_hidden = nn.Linear(lengths.features, lengths.hidden)
        self.first_cell = nn.Linear(lengths.features, lengths.hidden)
        self.gate = nn.Linear(lengths.hidden, lengths.features)
        self.score = nn.Linear(lengths.hidden, lengths.vocabulary)

    @property
    def structure(self) -> Structure:
        return Structure(self.cell, (("word", self.lengths.embedding), ("context", self.lengths.features)), self.attend)

    def remember(self, features: Tensor) -> Memory:
        """What every step reads, from the vectors a_j (1, L, features)."""
        return Memory(features, self.attend.keys(features))

    def start(self, memory: Memory) -> CellState:
        mean = memory.features.mean(dim=1, keepdim=True)                                       # (1, 1, features)
        return self.first_hidden(mean), self.first_cell(mean)

    def step(self, memory: Memory, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        word = hook("word_vector", self.embed(words))                                          # (1, K, embedding)
        attended = self.attend(state[0], memory.features, memory.keys, None, hook)
        gate = hook("context_gate", torch.sigmoid(self.gate(state[0])))                        # (1, K, features)
        context = gate * attended.context
        cell = self.cell(torch.cat((word.expand(*context.shape[:-1], -1), context), dim=-1), *state, hook=hook)
        logits = hook("logits", self.score(cell.hidden))
        gate = gate.expand_as(context)
        return (cell.hidden, cell.cell), logits, (
            *cell, attended.weights, entropy_of(attended.weights), gate, gate.mean(dim=-1, keepdim=True))


def weights_of(path: Path, theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Ours, from the tutorial's names.

    Both of the attention's first layers have a bias there: their sum is ours. The bias of its scores changes no softmax.
    """
    ours = renamed(path, theirs, NAMES)
    ours["attend.features_to_size.bias"] = ours["attend.features_to_size.bias"] + ours.pop("attend.hidden_to_size.bias")
    del ours["attend.score.bias"]
    return ours


class TutorialBeam(Beam):
    """The tutorial's search: narrower by each hypothesis that ends; what has not ended counts where nothing else has."""

    def sort(self, parents: Sequence[int], ends: Sequence[bool], *, last: bool) -> tuple[list[int], list[int]]:
        kept = range(min(self.width - len(self.finished), len(ends)))
        ending = [rank for rank in kept if ends[rank]]
        living = [rank for rank in kept if not ends[rank]]
        return (living if last and not (ending or self.finished) else ending), living


class ShowAttendTellStepper(NetworkStepper[ShowAttendTell]):
    def __init__(self, network: ShowAttendTell, encoder: ResNetEncoder, words: Sequence[str], *, start: int, end: int,
                 identity: Identity, device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.encoder = encoder.to(self.device)
        self.decoding = Decoding(method="beam", beam_width=5, length_penalty=0.0)  # as its caption.py has it
        features = network.lengths.features
        channels = (
            *cell_channels("lstm", network.lengths.hidden), *attention_channels(("row", "column"), (encoder.side, encoder.side)),
            Channel(name="context_gate", role="context_gate", symbol="β", axes=("feature",), shape=(features,), low=0.0, high=1.0,
                    label="context gate", editable=True),
            Channel(name="context_gate_mean", role="context_gate_mean", symbol="β", axes=(), shape=(), low=0.0, high=1.0,
                    label="mean gate"))
        self.description = ModelDescription(
            **identity._asdict(), task="captioning", channels=channels, words=tuple(words), start_token=start, end_token=end,
            maximum_steps=MAXIMUM_STEPS, input_size=(encoder.size, encoder.size),
            parameters=sum(p.numel() for p in network.parameters()), encoder=encoder.title)

    @torch.inference_mode()
    def read(self, given: Image.Image) -> EncodedInput[Memory]:
        """Read a photograph of any shape: it is resized straight to the encoder's square."""
        return EncodedInput(memory=self.network.remember(self.encoder(given)), given_input=given, beam=TutorialBeam)

    def differentiable(self, memory: Memory, rows: int) -> tuple[Memory, Tensor]:
        features = memory.features.expand(rows, -1, -1).clone().requires_grad_()
        return self.network.remember(features), features

    def reference(self) -> ShowAttendTellReference:
        return ShowAttendTellReference(self.weights(), encoder=self.encoder.network, size=self.encoder.size,
                                       device=str(self.device))


def open_tutorial(source: PickledCheckpoint, device: str) -> ShowAttendTellStepper:
    path, theirs = source.path, source.under("decoder.")
    check_there(path, theirs, NEEDED, "decoder.")
    known = {f"decoder.{name}" for name in NEEDED}
    left_over = next((name for name in source.tensors if name.startswith(("decoder.", "encoder."))
                      and not name.startswith("encoder.resnet.") and name not in known), "")
    if left_over:
        raise misfit(path, f"“{left_over}” is left over")
    odd = next((name for name in theirs if theirs[name].ndim != (1 if "bias" in name else 2)), "")
    if odd:
        raise misfit(path, f"“decoder.{odd}” is {tuple(theirs[odd].shape)}")
    if theirs["attention.encoder_att.bias"].shape != theirs["attention.decoder_att.bias"].shape:
        raise misfit(path, "its attention's two layers differ in length")
    trunk = source.under("encoder.resnet.")
    if not trunk:
        raise CheckpointError(f"“{path.name}” holds a decoder without its encoder; save both, as the tutorial does.")
    vocabulary, embedding = theirs["embedding.weight"].shape
    lengths = Lengths(vocabulary, embedding, theirs["decode_step.weight_hh"].shape[1],
                      *reversed(theirs["attention.encoder_att.weight"].shape))
    network = fitted(path, lambda: ShowAttendTell(lengths), weights_of(path, theirs),
                     {own: f"decoder.{their}" for own, their in NAMES.items()})
    words = numbered_words(path, word_map_beside(path, vocabulary), vocabulary, ("<start>", "<end>"))
    pool = stub_at(source.content, "encoder", "adaptive_pool", "output_size")
    side = pool[0] if isinstance(pool, tuple) and pool and isinstance(pool[0], int) and 0 < pool[0] <= 64 else SIDE
    epoch = source.content.get("epoch") if isinstance(source.content, dict) else None
    summary = f"{FAMILY}{f', after epoch {epoch + 1}' if isinstance(epoch, int) else ''}"
    encoder = resnet_encoder(path, trunk, "encoder.resnet.", size=SIZE, side=side, resampling=Image.Resampling.BILINEAR)
    return ShowAttendTellStepper(
        network, encoder, words, start=words.index("<start>"), end=words.index("<end>"),
        identity=source.identity(f"Show, Attend and Tell · {path.name}", summary), device=device)


ADAPTER = PickledAdapter(family=FAMILY, input_kind="picture", recognises=RECOGNISES, open=open_tutorial)
