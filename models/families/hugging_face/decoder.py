"""One step of a library's decoder from a state, everything on its way kept: the same for all kinds of models."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import EncoderDecoderCache
from transformers.cache_utils import Cache

from unrolled.models.cells.hook import Hook, identity
from unrolled.models.families.hugging_face.attention import (
    AttentionError,
    Attentions,
    ResidualStream,
    Softmaxes,
    layers_of,
    watch,
)
from unrolled.models.families.hugging_face.cache import LookedAtLayer, Past, SharedLayer
from unrolled.models.families.hugging_face.record import Lengths, channels_of, packed, round_end
from unrolled.models.trace import Channel
from unrolled.models.trace.rollout import CROSS, SELF

Call = Callable[..., Any]
"""Tokens (rows, T), what is looked at (rows, places, features) or None, and what else the library is told → its output."""

MOST_SORTED = 2**20  # of the stream's values, to find what is usual
USUAL_SHARE = 0.98   # of them lie within its colours
MOST_LAYERS = 256  # that a first step has room for


class LookedAt:
    """What every step looks at: `states` (1, places, features), or None where the model reads what is written alone."""

    def __init__(self, states: Tensor | None, first_token: int, *, differentiable: bool = False) -> None:
        self.states, self.first_token, self.differentiable = states, first_token, differentiable
        self.kept: tuple[tuple[Tensor, Tensor] | None, ...] = ()  # keys and values of each layer, once they are known


class State(NamedTuple):
    """Before a step: the tokens that were read, (rows, steps), what the layers keep of them, and by how much the last one's
    logits lie above their log-probabilities, (rows, 1).
    """

    tokens: Tensor
    past: Any  # has `select` too
    level: Tensor

    def select(self, rows: Tensor) -> "State":
        """Of hypotheses whose parents are in these rows, (K,)."""
        return State(self.tokens.index_select(0, rows), self.past.select(rows), self.level.index_select(0, rows))


class Taken(NamedTuple):
    """What a step gave, for each of its rows: logits (rows, V); the stream of each layer (rows, 1, features); all weights
    (rows, layers, heads, places), those of what is looked at None where nothing is.
    """

    logits: Tensor
    stream: list[Tensor]
    written: Tensor
    looked_at: Tensor | None


class Stepping(ABC):
    """Takes steps of a library's decoder, whatever its layers keep; `nothing` is what they keep before the first."""

    layers: int

    def __init__(self, model: Any, decoder: Any, call: Call, nothing: Any) -> None:
        self.model, self._call, self._nothing = model, call, nothing
        self._embed: nn.Module = decoder.get_input_embeddings()

    def start(self) -> State:
        device = self.model.device
        return State(torch.zeros(1, 0, dtype=torch.long, device=device), self._nothing, torch.zeros(1, 1, device=device))

    def step(self, looked_at: LookedAt, state: State, tokens: Tensor, hook: Hook) -> tuple[State, Any]:
        """Read tokens (K, 1); with a hook that makes more inputs of one, all of them: the rows are P · K."""
        inputs, vectors = 1, None
        if hook is not identity:
            vectors = hook("word_vector", self._embed(tokens).transpose(0, 1))                 # (P, K, embedding)
            inputs = len(vectors)
            vectors = vectors.flatten(0, 1).unsqueeze(1).clone()  # a library may add to it in place
            tokens = tokens.repeat(inputs, 1)
        with nullcontext() if vectors is None else self._embed.register_forward_hook(lambda *_: vectors):  # in place of its own
            logits, past = self._forward(looked_at, state.past, tokens, hook, inputs)
        if hook is not identity:
            logits = hook("logits", logits.reshape(inputs, -1, logits.shape[-1])).flatten(0, 1)
        before = state.tokens.expand(len(tokens), -1)
        return (State(torch.cat((before, tokens), dim=1), past, logits.logsumexp(dim=-1, keepdim=True)),
                self._taken(logits, past))

    @abstractmethod
    def _forward(self, looked_at: LookedAt, past: Any, tokens: Tensor, hook: Hook, inputs: int) -> tuple[Tensor, Any]:
        """The logits (rows, V), and what the layers keep now."""

    @abstractmethod
    def _taken(self, logits: Tensor, past: Any) -> Any:
        """Everything that the step gave."""


class Decoder(Stepping):
    """Of layers that attend. Raises `AttentionError` where the model's attention is not understood.

    Parameters
    ----------
    decoder : nn.Module
        The part of the model that is stepped, for its layers and its embedding.
    states : Tensor, shape (1, places, features), or None
        That a first step looks at, where the model looks at anything but what is written.
    """

    def __init__(self, model: Any, decoder: Any, call: Call, states: Tensor | None, first_token: int) -> None:
        super().__init__(model, decoder, call, Past())
        self.attentions = Attentions()
        watch(model, self.attentions)
        self._count = MOST_LAYERS
        self._by_softmax = False
        self._stream: ResidualStream | None = None
        places = 0 if states is None else states.shape[1]
        looked_at = LookedAt(states, first_token)
        self._try(looked_at, first_token)
        if not self.attentions.weights:
            self._by_softmax = True
            self._try(looked_at, first_token)
        self.layers = self._count = self.attentions.learn(places)
        layers = layers_of(decoder, self.layers)
        if layers is None:
            raise AttentionError(f"it attends {self.layers} times, and has no list of so many layers")
        self._stream = ResidualStream(layers)
        self.attentions.edited = CROSS if CROSS in self.attentions.order else SELF

    @torch.inference_mode()
    def _try(self, looked_at: LookedAt, token: int) -> None:
        looked_at.kept = ()
        self._forward(looked_at, Past(), torch.tensor([[token]], device=self.model.device), identity, 1)

    def _taken(self, logits: Tensor, past: Past) -> Taken:
        assert self._stream is not None
        looks = CROSS in self.attentions.order
        return Taken(logits, self._stream.values, self.attentions.kept(SELF), self.attentions.kept(CROSS) if looks else None)

    def lengths(self, longest: int, taken: Taken) -> Lengths:
        """Of a run that looks at nothing beside what it writes, the ends of its scales from a first step."""
        stream = torch.cat(taken.stream, dim=1)                                                # (1, layers, features)
        usual = float(stream.abs().flatten()[:MOST_SORTED].float().cpu().quantile(USUAL_SHARE))
        return Lengths(layers=stream.shape[1], heads=taken.written.shape[2], features=stream.shape[2], before=0, places=(),
                       longest=longest, stream_end=round_end(2 * usual),
                       cross_heads=1 if taken.looked_at is None else taken.looked_at.shape[2])

    def recorded(self, lengths: Lengths) -> tuple[Channel, ...]:
        """The channels, in the order of the record."""
        return channels_of(lengths)

    def packed(self, taken: Taken, lengths: Lengths) -> Tensor:
        """Log-probabilities and all channels in order, (rows, V + total)."""
        return packed(taken, lengths)

    def _forward(self, looked_at: LookedAt, past: Past, tokens: Tensor, hook: Hook, inputs: int) -> tuple[Tensor, Past]:
        attentions, stream, rows = self.attentions, self._stream, len(tokens)
        count = self._count
        own = [SharedLayer(past.layers[layer] if past.layers else None, past.length) for layer in range(count)]
        cache: Any = Cache(layers=own)
        states = looked_at.states
        if states is not None:
            kept = () if looked_at.differentiable else looked_at.kept
            if self._by_softmax:  # the library's own products want as many keys as there are rows
                kept = tuple(own and (own[0].expand(rows, -1, -1, -1), own[1].expand(rows, -1, -1, -1)) for own in kept)
            looked = [LookedAtLayer(kept[layer] if kept else None) for layer in range(count)]
            cache = EncoderDecoderCache(cache, Cache(layers=looked))
            states = states.expand(rows, -1, -1)
        attentions.begin(hook, inputs)
        if stream is not None:
            stream.begin(hook, inputs)
        try:
            with Softmaxes(attentions, rows) if self._by_softmax else nullcontext():
                logits = self._call(tokens, states, cache=cache, use_cache=True).logits[:, -1]
        finally:
            attentions.watching = False
            if stream is not None:
                stream.watching = False
        if states is not None and not looked_at.kept and not looked_at.differentiable and rows == 1:
            looked_at.kept = tuple(layer.kept for layer in looked)
        return logits, Past(tuple(layer.grown for layer in own if layer.grown is not None), past.length + 1)
