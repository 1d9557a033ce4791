"""The captioner, stepped."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor

from unrolled.models.checkpoints.resnets import ResNetEncoder
from unrolled.models.families.picture_first.network import PictureFirst
from unrolled.models.families.picture_first.reference import PictureFirstReference
from unrolled.models.stepping.network_stepper import NetworkStepper
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 20  # as the tutorial's own sampling has it


class PictureFirstStepper(NetworkStepper[PictureFirst]):
    """Network and encoder, on one device."""

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
