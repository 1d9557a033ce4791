"""A trained captioner, of any kind, that can be stepped, everything that it computes recorded."""

from __future__ import annotations

import torch
from PIL import Image

from unrolled.models.cells.decoder import Memory
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.network import Captioner
from unrolled.models.families.captioning.reference import CaptionerReference
from unrolled.models.stepping.channels import attention_channels, cell_channels
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.tokenizers.word_tokenizer import WordTokenizer
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity


class CaptionerStepper(DecoderStepper[Captioner]):
    """The captioner with its encoder, on one device."""

    def __init__(self, network: Captioner, encoder: Encoder, vocabulary: WordTokenizer, *, device: str = "cpu",
                 identity: Identity = UNTRAINED, maximum_steps: int = 20) -> None:
        super().__init__(network, suppressed_tokens=(vocabulary.start, vocabulary.unknown), device=device)
        self.encoder = encoder.to(self.device)
        self.vocabulary = vocabulary
        side = encoder.kind.side
        channels: tuple[Channel, ...] = cell_channels(network.config.cell, network.config.hidden)
        if network.attend is not None:
            channels += attention_channels(("row", "column"), (side, side))
        self.description = ModelDescription(
            **identity._asdict(), task="captioning", channels=channels, words=vocabulary.words, start_token=vocabulary.start,
            end_token=vocabulary.end, suppressed_tokens=tuple(self.suppressed_tokens), maximum_steps=maximum_steps,
            input_size=(encoder.kind.size, encoder.kind.size), parameters=sum(p.numel() for p in network.parameters()),
            encoder=encoder.kind.title)

    @torch.inference_mode()
    def read(self, given: Image.Image) -> EncodedInput[Memory]:
        """Read a photograph of any shape: it is resized straight to the encoder's square."""
        pixels = self.encoder.pixels(given).unsqueeze(0).to(self.device)
        return EncodedInput(memory=self.network.memory(self.encoder(pixels)), given_input=given)

    def reference(self) -> CaptionerReference:
        config, kind = self.network.config, self.encoder.kind
        return CaptionerReference(
            self.weights(), begin=config.begin, temperature=config.temperature, encoder=self.encoder.network, size=kind.size,
            scale=(kind.mean, kind.deviation), device=str(self.device))
