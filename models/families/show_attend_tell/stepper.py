"""The tutorial's captioner, stepped: the encoder from the checkpoint, the decoder in our own cells."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from unrolled.models.cells.decoder import Memory
from unrolled.models.checkpoints.resnets import ResNetEncoder
from unrolled.models.families.show_attend_tell.network import ShowAttendTell
from unrolled.models.families.show_attend_tell.reference import ShowAttendTellReference
from unrolled.models.stepping.channels import attention_channels, cell_channels
from unrolled.models.stepping.network_stepper import NetworkStepper
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 50  # as the tutorial's own search has it


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
