"""Image captioning: the network without its encoder, with any of the cells, with attention or without.

Soft attention is that of Show, Attend and Tell (Xu et al. 2015); without it the picture's mean feature goes into every
step, as in the lecture's captioning with RNNs (Karpathy and Fei-Fei 2015; Vinyals et al. 2015). The decoder is
`unrolled.models.cells.decoder`.
"""

import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.decoder import DecoderConfig, Memory, RecurrentDecoder
from unrolled.models.families.captioning.encoder import Encoder
from unrolled.models.families.captioning.reference import CaptionerReference
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.stepping.layers import attention_channels, cell_channels
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.tokenizers.symbols import WordTokenizer
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity


class CaptionerConfig(DecoderConfig, frozen=True, kw_only=True):
    """The network's lengths; see `DecoderConfig` too. `encoder_features` is the length of a cell's vector from the encoder."""

    encoder_features: int = 1280


class Captioner(RecurrentDecoder):
    def __init__(self, config: CaptionerConfig) -> None:
        super().__init__(config)
        self.config = config
        self.project = nn.Linear(config.encoder_features, config.features)

    def memory(self, grid: Tensor) -> Memory:
        """The encoder's grid (P, L, encoder_features) → what every step reads."""
        if self.attend is None:
            grid = grid.mean(dim=1, keepdim=True)                                      # (P, 1, encoder_features): v
        return self.remember(self.dropout(F.relu(self.project(grid))))


class CaptionerStepper(DecoderStepper[Captioner]):
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
