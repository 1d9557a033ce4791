"""Opens checkpoints of the tutorial, whole modules or state dicts with the word map's JSON file beside them, to be stepped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from unrolled.models.adapters.adapter import PickledAdapter
from unrolled.models.cells.decoder import Memory
from unrolled.models.checkpoints.companions import numbered_words, word_map_beside
from unrolled.models.checkpoints.files import CheckpointError, misfit
from unrolled.models.checkpoints.fitting import check_there, fitted
from unrolled.models.checkpoints.pickled import PickledCheckpoint, stub_at
from unrolled.models.checkpoints.resnets import ResNetEncoder, resnet_encoder
from unrolled.models.families.show_attend_tell.network import Lengths, ShowAttendTell, weights_of
from unrolled.models.families.show_attend_tell.reference import ShowAttendTellReference
from unrolled.models.stepping.channels import attention_channels, cell_channels
from unrolled.models.stepping.network_stepper import NetworkStepper
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 50  # as the tutorial's own search has it
FAMILY = "a PyTorch Tutorial to Image Captioning"
SIZE = 256  # pixels a side
SIDE = 14   # cells a side, where the checkpoint does not say
LINEAR = ("attention.encoder_att", "attention.decoder_att", "attention.full_att", "init_h", "init_c", "f_beta", "fc")
NEEDED = (*(f"{name}.{part}" for name in LINEAR for part in ("weight", "bias")), "embedding.weight",
          *(f"decode_step.{name}" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")))


class ShowAttendTellStepper(NetworkStepper[ShowAttendTell]):
    """Network and encoder, on one device."""

    def __init__(self, network: ShowAttendTell, encoder: ResNetEncoder, words: Sequence[str], *, start: int, end: int,
                 identity: Identity, device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.encoder = encoder.to(self.device)
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
        return EncodedInput(memory=self.network.remember(self.encoder(given)), given_input=given)

    def differentiable(self, memory: Memory, rows: int) -> tuple[Memory, Tensor]:
        features = memory.features.expand(rows, -1, -1).clone().requires_grad_()
        return self.network.remember(features), features

    def reference(self) -> ShowAttendTellReference:
        return ShowAttendTellReference(self.weights(), encoder=self.encoder.network, size=self.encoder.size,
                                       device=str(self.device))


def recognises(source: PickledCheckpoint) -> bool:
    return source.has("decoder.attention.full_att.weight", "decoder.decode_step.weight_ih", "decoder.f_beta.weight")


def open_tutorial(source: PickledCheckpoint, device: str) -> ShowAttendTellStepper:
    path, theirs = source.path, source.under("decoder.")
    check_there(path, theirs, NEEDED, "decoder.")
    left_over = next((name for name in theirs if name not in NEEDED), "")
    if left_over:
        raise misfit(path, f"“decoder.{left_over}” is left over")
    odd = next((name for name in theirs if theirs[name].ndim != (1 if "bias" in name else 2)), "")
    if odd:
        raise misfit(path, f"“decoder.{odd}” is {tuple(theirs[odd].shape)}")
    if theirs["attention.encoder_att.bias"].shape != theirs["attention.decoder_att.bias"].shape:
        raise misfit(path, "its attention's two layers differ in length")
    encoder_weights = source.under("encoder.")
    if not encoder_weights:
        raise CheckpointError(f"“{path.name}” holds a decoder without its encoder; save both, as the tutorial does.")
    vocabulary, embedding = theirs["embedding.weight"].shape
    lengths = Lengths(vocabulary, embedding, theirs["decode_step.weight_hh"].shape[1],
                      *reversed(theirs["attention.encoder_att.weight"].shape))
    network = fitted(path, lambda: ShowAttendTell(lengths), weights_of(theirs))
    words = numbered_words(path, word_map_beside(path, vocabulary), vocabulary, ("<start>", "<end>"))
    pool = stub_at(source.content, "encoder", "adaptive_pool", "output_size")
    side = pool[0] if isinstance(pool, tuple) and pool and isinstance(pool[0], int) and 0 < pool[0] <= 64 else SIDE
    epoch = source.content.get("epoch") if isinstance(source.content, dict) else None
    summary = f"{FAMILY}{f', after epoch {epoch + 1}' if isinstance(epoch, int) else ''}"
    encoder = resnet_encoder(path, encoder_weights, size=SIZE, side=side, resampling=Image.Resampling.BILINEAR)
    return ShowAttendTellStepper(
        network, encoder, words, start=words.index("<start>"), end=words.index("<end>"),
        identity=source.identity(f"Show, Attend and Tell · {path.name}", summary), device=device)


ADAPTER = PickledAdapter(family=FAMILY, input_kind="picture", recognises=recognises, open=open_tutorial)
