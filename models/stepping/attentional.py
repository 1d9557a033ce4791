"""Decoders that attend after their cells have stepped (Luong et al. 2015), as translators and chatbots have them.

The word before, and with input feeding what the last word was predicted from, a_{t-1}, goes into layers of cells; the new
state s_t of the top layer asks, e_t,j = f_att(s_t, h_j), and a_t = tanh(W [s_t; c_t] + b) predicts the next word.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.models.cells import AdditiveAttention, CellState, MultiplicativeAttention
from unrolled.models.cells.hook import Hook, joined
from unrolled.models.stepping.layers import Layers, attention_channels, layer_channels
from unrolled.models.stepping.network_stepper import NetworkStepper, entropy_of
from unrolled.models.stepping.stepper import EncodedInput, Structure
from unrolled.models.trace import Channel


class AttentionalConfig(NamedTuple):
    cell: str      # lstm, gru
    layers: int
    vocabulary: int
    embedding: int
    hidden: int
    features: int  # the length of h_j
    fed: bool      # whether a_{t-1} goes into the lowest cell beside the word
    bias: bool     # whether the words' logits have one
    attention: int          # the length of additive attention's hidden layer; 0 for a product with h_j
    projected: bool = True  # of such a product: whether h_j goes through a layer first


class AttentionalMemory(NamedTuple):
    """What is computed once for a sentence: h_j (P, L, features), what attention makes of them, and the first state."""

    features: Tensor
    keys: Tensor
    first: CellState


class AttentionalDecoder(nn.Module):
    def __init__(self, config: AttentionalConfig) -> None:
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(config.vocabulary, config.embedding)
        self.layers = Layers(config.cell, config.embedding + (config.hidden if config.fed else 0), config.hidden, config.layers)
        self.attend: AdditiveAttention | MultiplicativeAttention = (
            AdditiveAttention(features=config.features, hidden=config.hidden, size=config.attention) if config.attention
            else MultiplicativeAttention(features=config.features, hidden=config.hidden, projected=config.projected))
        self.combine = nn.Linear(config.hidden + config.features, config.hidden)
        self.score = nn.Linear(config.hidden, config.vocabulary, bias=config.bias)

    @property
    def structure(self) -> Structure:
        config = self.config
        parts: tuple[tuple[str, int], ...] = (("layer", config.hidden),)
        if config.layers == 1:
            parts = (("word", config.embedding), *((("fed", config.hidden),) if config.fed else ()))
        return Structure(self.layers.top, parts, self.attend)

    def remember(self, features: Tensor, first: CellState) -> AttentionalMemory:
        return AttentionalMemory(features, self.attend.keys(features), first)

    def start(self, memory: AttentionalMemory) -> CellState:
        """The first state of every layer, and of what is fed nothing yet."""
        fed = (memory.features.new_zeros(1, 1, self.config.hidden),) if self.config.fed else ()
        return (*memory.first, *fed)

    def step(self, memory: AttentionalMemory, state: CellState, words: Tensor,
             hook: Hook) -> tuple[CellState, Tensor, tuple[Tensor, ...]]:
        read = hook("word_vector", self.embed(words))                                          # (1, K, embedding)
        if self.config.fed:
            *state_before, fed = state
            read = joined(read, fed)
        else:
            state_before = list(state)
        state, channels = self.layers(read, tuple(state_before), hook)
        attended = self.attend(channels[0], memory.features, memory.keys, None, hook)
        vector = hook("attentional_vector", torch.tanh(self.combine(joined(channels[0], attended.context))))  # (1, K, hidden)
        logits = hook("logits", self.score(vector))
        return (*state, vector) if self.config.fed else state, logits, (
            *channels, attended.weights, entropy_of(attended.weights), vector)


class AttentionalStepper(NetworkStepper[AttentionalDecoder]):
    """The decoder, stepped; what reads a sentence is its family's.

    `first_state` makes the first state of h_j (P, L, features), where it is made of them.
    """

    def __init__(self, network: AttentionalDecoder, *, device: str, suppressed_tokens: Sequence[int] = (),
                 first_state: Callable[[Tensor], CellState] | None = None) -> None:
        super().__init__(network, device=device, suppressed_tokens=suppressed_tokens)
        self._first_state = first_state

    def channels(self, places: int) -> tuple[Channel, ...]:
        config = self.network.config
        return (*layer_channels(config.cell, config.hidden, config.layers), *attention_channels(("source",), (places,)),
                Channel(name="attentional_vector", role="attentional_vector", symbol="a", axes=("feature",),
                        shape=(config.hidden,), low=-1.0, high=1.0, label="attentional vector", editable=True))

    def encoded(self, features: Tensor, first: CellState, source: tuple[str, ...], *, given: str, maximum_steps: int,
                **more: Any) -> EncodedInput[AttentionalMemory]:
        """A sentence that was read: h_j (1, L, features), the first state, and what its places are called."""
        return EncodedInput(memory=self.network.remember(features, first), channels=self.channels(len(source)), source=source,
                            maximum_steps=maximum_steps, given_input=given, **more)

    def differentiable(self, memory: AttentionalMemory, rows: int) -> tuple[AttentionalMemory, Tensor]:
        features = memory.features.expand(rows, -1, -1).clone().requires_grad_()
        first = tuple(part.clone() for part in memory.first) if self._first_state is None else self._first_state(features)
        return self.network.remember(features, first), features
