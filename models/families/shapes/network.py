"""Captions of drawn scenes: a small convolutional encoder and the attention LSTM, trained together.

The decoder is the captioner's (`unrolled.models.cells.decoder`); only what reads the picture is smaller, finer, and not
taken from ImageNet. Each cell of the grid is also told where it lies, so that "left of" can be read from where
attention goes.

Shapes: P pictures, L = rows × columns cells.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells.decoder import DecoderConfig, Memory, RecurrentDecoder
from unrolled.models.data.drawn_scenes import scene_file
from unrolled.models.families.shapes.reference import ShapesReference
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.stepping.layers import attention_channels, cell_channels
from unrolled.models.stepping.stepper import EncodedInput
from unrolled.models.tokenizers.symbols import WordTokenizer
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity

FREQUENCIES = (1.0, 2.0)  # half waves across the picture
NORM_GROUPS = 8
LONGEST = 20  # words; three things and what lies between them need sixteen with END


class ShapesConfig(DecoderConfig, frozen=True, kw_only=True):
    """The network's lengths; see `DecoderConfig` too."""

    features: int = 128
    embedding: int = 64
    hidden: int = 256
    attention: int = 128
    dropout: float = 0.1
    size: int = 96  # height and width in pixels that a picture is resized to, whatever its shape; eight times the grid's side
    channels: tuple[int, int, int] = (32, 64, 128)  # of the encoder's three scales

    @property
    def side(self) -> int:
        return self.size // 8


def _layer(inputs: int, outputs: int, *, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
                         nn.GroupNorm(NORM_GROUPS, outputs), nn.ReLU(inplace=True))


def places(side: int) -> Tensor:
    """What each cell is told about where it lies, (side · side, 2 + 4 · frequencies): coordinates from -1 to 1, waves."""
    along = (torch.arange(side) + 0.5) / side * 2 - 1
    down, across = torch.meshgrid(along, along, indexing="ij")
    parts = [across, down]
    for frequency in FREQUENCIES:
        for coordinate in (across, down):
            angle = coordinate * (math.pi / 2) * frequency
            parts += [torch.sin(angle), torch.cos(angle)]
    return torch.stack(parts, dim=-1).flatten(0, 1)


class ShapesCaptioner(RecurrentDecoder):
    def __init__(self, config: ShapesConfig) -> None:
        super().__init__(config)
        self.config = config
        fine, middle, coarse = config.channels
        self.encoder = nn.Sequential(
            _layer(3, fine, kernel=5, stride=2),
            _layer(fine, middle, stride=2), _layer(middle, middle),
            _layer(middle, coarse, stride=2), _layer(coarse, coarse), _layer(coarse, coarse),
        ).to(memory_format=torch.channels_last)
        where = places(config.side)
        self.register_buffer("places", where, persistent=False)
        self.project = nn.Linear(coarse + where.shape[1], config.features)

    def pixels(self, picture: Image.Image) -> Tensor:
        """Resize a picture straight to the square: (3, size, size), uint8."""
        return resized(picture, self.config.size)

    def memory(self, pixels: Tensor) -> Memory:
        """uint8 pixels (P, 3, size, size), or such as floats → what every step reads, of L = side² cells."""
        assert isinstance(self.places, Tensor)
        scaled = (pixels.to(self.places.dtype) / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
        grid = self.encoder(scaled).flatten(2).transpose(1, 2)                         # (P, L, coarse)
        where = self.places.to(grid.dtype).expand(len(grid), -1, -1)
        return self.remember(self.dropout(F.relu(self.project(torch.cat((grid, where), dim=-1)))))

    @torch.inference_mode()
    def written(self, pixels: Tensor, *, start: int, end: int, barred: Sequence[int], most: int) -> tuple[Tensor, Tensor]:
        """Captions written greedily.

        Returns
        -------
        tokens : Tensor of int64, shape (P, T)
            After END there is nothing but END.
        maps : Tensor, shape (P, T, L)
        """
        memory = self.memory(pixels)
        state = self.start(memory)
        word = torch.full((len(pixels), 1), start, device=pixels.device)
        tokens: list[Tensor] = []
        maps: list[Tensor] = []
        for _ in range(most):
            state, step = self.step(memory, state, word)
            logits = self.logits(step.output).float()
            logits[..., list(barred)] = float("-inf")
            ended = torch.full_like(word, end)
            word = torch.where((word == end) if tokens else torch.zeros_like(word, dtype=torch.bool), ended, logits.argmax(-1))
            assert step.attended is not None
            tokens.append(word)
            maps.append(step.attended.weights)
        return torch.cat(tokens, dim=1), torch.cat(maps, dim=1)


def resized(picture: Image.Image, size: int) -> Tensor:
    """A picture straight to a square: (3, size, size), uint8."""
    square = picture.convert("RGB").resize((size, size), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1)


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
