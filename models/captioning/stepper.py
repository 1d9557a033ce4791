"""A trained captioner, of any kind, that can be stepped, everything that it computes recorded."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.captioning.decode import select_rows
from unrolled.models.captioning.encoder import Encoder
from unrolled.models.captioning.network import Captioner
from unrolled.models.captioning.vocabulary import Vocabulary
from unrolled.models.cells import CellState
from unrolled.models.cells.decoder import Memory, Step
from unrolled.models.stepping.channels import attention_channels, cell_channels
from unrolled.models.stepping.stepper import StepRecord
from unrolled.models.trace import Channel, ModelDescription


class CaptionerStepper:
    """The captioner with its encoder, on one device.

    Parameters
    ----------
    network : Captioner
    encoder : Encoder
    vocabulary : Vocabulary
    device : str
        Where everything is computed.
    name, title, summary, weights_hash : str
        For the description.
    """

    def __init__(self, network: Captioner, encoder: Encoder, vocabulary: Vocabulary, *, device: str = "cpu",
                 name: str = "captioner", title: str = "Captioning", summary: str = "",
                 weights_hash: str = "", maximum_steps: int = 20) -> None:
        self.device = torch.device(device)
        self.network = network.to(self.device).eval().requires_grad_(False)
        self.encoder = encoder.to(self.device)
        self.vocabulary = vocabulary
        side = encoder.kind.side
        # Made once, so that recording everything costs next to nothing beside the network itself.
        barred = torch.zeros(len(vocabulary), device=self.device)
        barred[[vocabulary.start, vocabulary.unknown]] = float("-inf")  # never written
        self._word_bias = self.network.word_bias / network.temperature + barred        # (V,)
        self._word_weight = self.network.embed.weight / network.temperature            # (V, embedding)
        self._tokens = torch.arange(len(vocabulary), device=self.device).view(-1, 1, 1)
        self._of_uniform = torch.full((side * side, 1), 1 / math.log(side * side), device=self.device)
        channels: tuple[Channel, ...] = cell_channels(network.config.cell, network.config.hidden)
        if network.attend is not None:
            channels += attention_channels(("row", "column"), (side, side))
        self._description = ModelDescription(
            name=name, title=title, task="captioning",
            channels=channels,
            words=vocabulary.words, start_token=vocabulary.start, end_token=vocabulary.end,
            maximum_steps=maximum_steps, input_size=(encoder.kind.size, encoder.kind.size),
            parameters=sum(p.numel() for p in network.parameters()), weights_hash=weights_hash,
            encoder=encoder.kind.title, summary=summary)

    @property
    def description(self) -> ModelDescription:
        """What it records, and its words."""
        return self._description

    @torch.inference_mode()
    def encode(self, picture: Image.Image) -> Memory:
        """Read a photograph of any shape: it is resized straight to the encoder's square."""
        return self.network.memory(self.encoder(self.encoder.pixels(picture).unsqueeze(0).to(self.device)))

    @torch.inference_mode()
    def start(self, memory: Memory) -> CellState:
        """The state before the first word."""
        return self.network.start(memory)

    @torch.inference_mode()
    def step(self, memory: Memory, state: CellState, tokens: Sequence[int]) -> tuple[CellState, StepRecord]:
        """Read the token before, one for each of the K hypotheses."""
        words = self._tokens[tokens[0]] if len(tokens) == 1 else torch.tensor([tokens], device=self.device)  # (1, K)
        state, step = self.network.step(memory, state, words)
        scores = F.linear(step.output, self._word_weight, self._word_bias)            # (1, K, V)
        return state, StepRecord(self._packed(torch.log_softmax(scores, dim=-1), step), len(self._word_bias))

    def select(self, state: CellState, rows: Tensor) -> CellState:
        """The state of hypotheses whose parents are in these rows."""
        return select_rows(state, rows)

    def _packed(self, log_probs: Tensor, step: Step) -> Tensor:
        """Log-probabilities and all channels in the description's order, (K, V + total)."""
        if step.attended is None:
            return torch.cat((log_probs, *step.cell), dim=-1)[0]
        weights = step.attended.weights                                               # (1, K, L)
        entropy = torch.special.entr(weights) @ self._of_uniform                      # (1, K, 1), 1 for the even map
        return torch.cat((log_probs, *step.cell, weights, entropy), dim=-1)[0]
