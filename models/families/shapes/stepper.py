"""The scene captioner, ready to be stepped, everything that it computes recorded."""

from __future__ import annotations

import torch
from PIL import Image

from unrolled.models.cells.decoder import Memory
from unrolled.models.data.drawn_scenes import scene_file
from unrolled.models.families.shapes.network import ShapesCaptioner
from unrolled.models.families.shapes.reference import ShapesReference
from unrolled.models.stepping.channels import attention_channels, cell_channels
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.tokenizers.word_tokenizer import WordTokenizer
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity

LONGEST = 20  # words; three things and what lies between them need sixteen with END


class ShapesStepper(DecoderStepper[ShapesCaptioner]):
    """The scene captioner with its own encoder, on one device."""

    def __init__(self, network: ShapesCaptioner, vocabulary: WordTokenizer, *, device: str = "cpu",
                 identity: Identity = UNTRAINED) -> None:
        super().__init__(network, suppressed_tokens=(vocabulary.start, vocabulary.unknown), device=device)
        self.vocabulary = vocabulary
        self.draw = scene_file
        config = network.config
        self.description = ModelDescription(
            **identity._asdict(), task="shapes",
            channels=cell_channels(config.cell, config.hidden) + attention_channels(("row", "column"), (config.side,) * 2),
            words=vocabulary.words, start_token=vocabulary.start, end_token=vocabulary.end,
            suppressed_tokens=tuple(self.suppressed_tokens), maximum_steps=LONGEST,
            input_size=(config.size, config.size), parameters=sum(p.numel() for p in network.parameters()),
            encoder="a small CNN, trained with it", draws="scene")

    @torch.inference_mode()
    def read(self, given: Image.Image) -> EncodedInput[Memory]:
        """Read a picture of any shape: it is resized straight to the network's square."""
        return EncodedInput(memory=self.network.memory(self.network.pixels(given).unsqueeze(0).to(self.device)),
                            given_input=given)

    def reference(self) -> ShapesReference:
        config = self.network.config
        return ShapesReference(self.weights(), begin=config.begin, temperature=config.temperature, size=config.size)
