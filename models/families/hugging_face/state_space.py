"""Selective state-space models, Mamba (Gu and Dao 2023), stepped: norms of the state, Δ, and the attention that they imply.

A channel's state is h_t = exp(Δ_t A) ⊙ h_{t-1} + Δ_t B_t x_t, and C_t · h_t is what it gives. Written out, that is a sum over
all earlier inputs with the weights α_{t,s} = C_t · exp(A Σ_{k=s+1..t} Δ_k) Δ_s B_s (Ali, Zimerman and Wolf 2024): the implied
attention, of which the mean size over the channels is recorded, divided by its sum.
"""

from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.cache_utils import Cache, LinearAttentionLayer

from unrolled.models.cells.hook import Hook
from unrolled.models.families.hugging_face.attention import AttentionError, ResidualStream, layers_of
from unrolled.models.families.hugging_face.decoder import Call, LookedAt, Stepping
from unrolled.models.families.hugging_face.record import Lengths, round_end, stream_channel
from unrolled.models.trace import Channel

STATE_NORM, DELTA, IMPLIED = "state_norm", "delta", "implied_attention"
PARTS = ("x_proj", "dt_proj", "A_log", "conv1d")  # by which a layer of this kind is known


class Selected(NamedTuple):
    """What a layer keeps of T steps: its convolution's inputs and its state, both (rows, channels, …); of every step the sum of
    Δ up to it and Δ itself, (rows, T, channels), and B (rows, T, N).
    """

    conv: Tensor
    state: Tensor
    sums: Tensor
    deltas: Tensor
    inputs: Tensor

    def select(self, rows: Tensor) -> "Selected":
        return Selected(*(own.index_select(0, rows) for own in self))


class Selections(tuple[Selected, ...]):
    """Of all layers; none before the first step."""

    def select(self, rows: Tensor) -> "Selections":
        return Selections(own.select(rows) for own in self)


class SpaceTaken(NamedTuple):
    """What a step gave: logits (rows, V); by layer the stream (rows, 1, features), the state's norms and Δ (rows, channels), and
    the implied attention (rows, T).
    """

    logits: Tensor
    stream: list[Tensor]
    norms: list[Tensor]
    deltas: list[Tensor]
    implied: list[Tensor]


def mixers_of(model: nn.Module) -> list[Any]:
    """The layers of this kind, the lowest first."""
    return [own for own in model.modules() if all(hasattr(own, part) for part in PARTS)]


def selection(mixer: Any, projected: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Δ (…, channels), B and C (…, N) of what a layer's projection gave."""
    rank, states = mixer.time_step_rank, mixer.ssm_state_size
    step, inputs, outputs = torch.split(projected, [rank, states, states], dim=-1)
    return F.softplus(F.linear(step, mixer.dt_proj.weight, mixer.dt_proj.bias)), inputs, outputs


class StateSpaceDecoder(Stepping):
    """Of layers that are state spaces. Raises `AttentionError` where they are not alike."""

    def __init__(self, model: Any, decoder: Any, call: Call) -> None:
        super().__init__(model, decoder, call, Selections())
        self._mixers = mixers_of(decoder)
        self.layers = len(self._mixers)
        layers = layers_of(decoder, self.layers)
        if layers is None or len({(own.intermediate_size, own.ssm_state_size) for own in self._mixers}) != 1:
            raise AttentionError("its layers are not all state spaces of one size")
        self.channels = self._mixers[0].intermediate_size
        self._stream = ResidualStream(layers)
        self._projected: dict[int, Tensor] = {}
        for number, mixer in enumerate(self._mixers):
            mixer.x_proj.register_forward_hook(partial(self._keep, number))

    def _keep(self, number: int, module: nn.Module, given: Any, output: Tensor) -> None:
        self._projected[number] = output

    def _forward(self, looked_at: LookedAt, past: Selections, tokens: Tensor, hook: Hook,
                 inputs: int) -> tuple[Tensor, Selections]:
        if past and len(past[0].state) != len(tokens):
            past = past.select(torch.zeros(len(tokens), dtype=torch.long, device=tokens.device))
        before = past or (None,) * self.layers
        cache = Cache(layers=[_layer(own) for own in before])
        self._stream.begin(hook, inputs)
        try:
            logits = self._call(tokens, None, cache=cache, use_cache=True).logits[:, -1]
        finally:
            self._stream.watching = False
        return logits, Selections(
            _grown(own, layer, *selection(mixer, self._projected[number])[:2])                # Δ and B, (K, 1, …)
            for number, (own, layer, mixer) in enumerate(zip(before, cache.layers, self._mixers, strict=True)))

    def _taken(self, logits: Tensor, past: Selections) -> SpaceTaken:
        implied = [_implied(own, self._projected[number][:, 0, -mixer.ssm_state_size :], -mixer.A_log.float().exp())
                   for number, (own, mixer) in enumerate(zip(past, self._mixers, strict=True))]
        return SpaceTaken(logits, self._stream.values, [torch.linalg.vector_norm(own.state.float(), dim=-1) for own in past],
                          [own.deltas[:, -1] for own in past], implied)

    def lengths(self, longest: int, taken: SpaceTaken) -> Lengths:
        """Of a run, the ends of its scales from a first step."""
        largest = float(torch.stack([own.abs().flatten() for own in taken.stream]).float().cpu().quantile(0.98, dim=1).max())
        return Lengths(layers=self.layers, heads=0, features=taken.stream[0].shape[-1], longest=longest, places=(), before=0,
                       cross_heads=0, stream_end=round_end(2 * largest))

    def recorded(self, lengths: Lengths) -> tuple[Channel, ...]:
        """The channels, in the order of the record."""
        shape = self.layers, self.channels
        return (
            stream_channel(lengths),
            Channel(name=STATE_NORM, role=STATE_NORM, symbol="‖h‖", axes=("layer", "unit"), shape=shape, low=0.0, high=1.0,
                    label="norm of the state"),
            Channel(name=DELTA, role=DELTA, symbol="Δ", axes=("layer", "unit"), shape=shape, low=0.0, high=1.0, label="step Δ"),
            Channel(name=IMPLIED, role=IMPLIED, symbol="α", axes=("layer", "key"), shape=(self.layers, lengths.longest), low=0.0,
                    high=1.0, label="implied attention"))

    def packed(self, taken: SpaceTaken, lengths: Lengths) -> Tensor:
        """Log-probabilities and all channels in order, (rows, V + total)."""
        implied = [F.pad(own, (0, lengths.longest - own.shape[1])) for own in taken.implied]
        return torch.cat((torch.log_softmax(taken.logits, dim=-1), *(own.squeeze(1) for own in taken.stream), *taken.norms,
                          *taken.deltas, *implied), dim=1)


def _layer(past: Selected | None) -> LinearAttentionLayer:
    """The library's, with copies of a state: it changes them in place.

    What a graph holds must not change: the library computes with a single-precision copy of a state in double precision.
    """
    made = LinearAttentionLayer()
    if past is not None:
        made.lazy_initialization(conv_states=past.conv, recurrent_states=past.state)
        made.conv_states[0], made.recurrent_states[0] = past.conv.clone(), past.state.clone()
        if torch.is_grad_enabled():
            made.recurrent_states[0] = past.state.double()
        made.has_previous_state[0] = True
    return made


def _grown(before: Selected | None, layer: Any, delta: Tensor, inputs: Tensor) -> Selected:
    sums = delta if before is None else before.sums[:, -1:] + delta
    own = sums, delta, inputs
    kept = own if before is None else tuple(torch.cat((old, new), dim=1)
                                            for old, new in zip(before[2:], own, strict=True))
    return Selected(layer.conv_states[0], layer.recurrent_states[0], *kept)


def _implied(own: Selected, outputs: Tensor, decay: Tensor) -> Tensor:
    """Mean size of α_{t,s} over the channels, divided by its sum, (rows, T); `outputs` is C_t, (rows, N), and `decay` is A,
    (channels, N).
    """
    since = (own.sums[:, -1:] - own.sums).unsqueeze(-1)                                        # (rows, T, channels, 1)
    weights = outputs[:, None, None, :] * torch.exp(since * decay) * own.inputs.unsqueeze(2)   # (rows, T, channels, N)
    sizes = (weights.sum(-1) * own.deltas).abs().mean(-1)
    return sizes / sizes.sum(-1, keepdim=True).clamp_min(torch.finfo(sizes.dtype).tiny)
