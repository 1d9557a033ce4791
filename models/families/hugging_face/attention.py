"""Attention and the residual stream, passed through a `Hook` and kept, whatever the model around them is.

Models that let their attention be chosen take this one, through the library's own `AttentionInterface`. In the others the
softmax itself is watched while a step is taken (`Softmaxes`): what comes in are the scores, what goes out the weights.
The order of the calls says which layer it is; `Attentions.learn` has found it by a first step, and asserts what it found.
"""

from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import sdpa_mask

from unrolled.models.cells.hook import Hook, identity
from unrolled.models.trace.rollout import CROSS, SELF
from unrolled.models.trace.slices import slice_name

NAME = "unrolled"  # of the attention function, among the library's
CLOSE = 1e-3       # to 1, which the weights of a row sum up to
SOFTMAXES: tuple[Callable[..., Any], ...] = (F.softmax, torch.softmax, Tensor.softmax)


class AttentionError(RuntimeError):
    """Attention that cannot be recorded: one sentence for people."""


class Attentions:
    """What a step's attentions pass through, one after another."""

    def __init__(self) -> None:
        self.order: tuple[str, ...] = ()  # of the calls of one step, `SELF` or `CROSS` each
        self.edited = SELF  # which of them attention's edits are about
        self.before = 0     # so many places of the cross attention stand before the picture's cells; edits know nothing of them
        self.hook: Hook = identity
        self.inputs = 1     # P of the hook's values (P, K, …)
        self.watching = False
        self.weights: list[Tensor] = []  # of the step that was taken last, each (rows, heads, 1, places)

    def begin(self, hook: Hook, inputs: int) -> None:
        self.hook, self.inputs, self.watching = hook, inputs, True
        self.weights = []

    def kept(self, kind: str) -> Tensor:
        """All layers' weights of one kind, (rows, layers, heads, places)."""
        return torch.stack([own for own, of in zip(self.weights, self.order, strict=True) if of == kind], dim=1).squeeze(3)

    def learn(self, places: int) -> int:
        """From a first step, which had `places` to look at (0: none): the order of the calls, and how many layers there are.
        Raises `AttentionError` where a call is of neither kind, its weights do not sum up to one, or layers differ.
        """
        order = []
        for weights in self.weights:
            if weights.shape[-1] not in (1, places):
                raise AttentionError(f"one of its attentions looks at {weights.shape[-1]} places, which are neither the "
                                     f"{places} that were read nor what was written")
            if not bool((weights.sum(-1) - 1).abs().max() < CLOSE):
                raise AttentionError("the weights of one of its attentions do not sum up to one")
            order.append(SELF if weights.shape[-1] == 1 else CROSS)
        layers = order.count(SELF)
        heads = {kind: {own.shape[1] for own, of in zip(self.weights, order, strict=True) if of == kind} for kind in order}
        if not layers:
            raise AttentionError("it has no attention, and is not a state-space model that is known")
        if order.count(CROSS) not in (0, layers) or any(len(own) != 1 for own in heads.values()):
            raise AttentionError("its layers attend in different ways")
        self.order = tuple(order)
        return layers

    def __call__(self, scores: Tensor) -> Tensor:
        """Scores (rows, heads, 1, places) → weights."""
        weights = torch.softmax(scores, dim=-1) if self.hook is identity else self._hooked(scores)
        self.weights.append(weights)
        return weights

    def _hooked(self, scores: Tensor) -> Tensor:
        hook, number = self.hook, len(self.weights)
        kind = self.order[number]
        layer = self.order[:number].count(kind)
        rows, heads, _, places = scores.shape
        parted = scores.reshape(self.inputs, rows // self.inputs, heads, places)               # (P, K, H, L)
        first = self.before if kind == CROSS else 0
        if kind == self.edited:
            parted = _behind(parted, first, hook("attention_scores", parted[..., first:]))
        weights = torch.softmax(parted, dim=-1)
        if kind == self.edited:
            inside = weights[..., first:]
            changed = hook("attention", inside)
            if changed is not inside and first:  # weights that were set are all there is
                weights = torch.zeros_like(weights)
            weights = _behind(weights, first, changed)
        weights = hook(slice_name(kind, layer=layer), weights)
        return weights.reshape(rows, heads, 1, places)


def _behind(values: Tensor, first: int, inside: Tensor) -> Tensor:
    return inside if not first else torch.cat((values[..., :first], inside), dim=-1)


_WATCHED: WeakKeyDictionary[nn.Module, Attentions] = WeakKeyDictionary()


def attention(module: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None = None,
              scaling: float | None = None, dropout: float = 0.0, position_bias: Tensor | None = None,
              softcap: float | None = None, **options: Any) -> tuple[Tensor, Tensor]:
    """softmax(q kᵀ · scaling) v, as the library's `AttentionInterface` has it; query (rows, heads, T, size).

    Several heads of the query may share a key; keys of one row serve all rows. Raises `AttentionError` where more numbers go
    into it, such as a model's attention sinks (``s_aux``).
    """
    unknown = next((name for name, own in options.items() if isinstance(own, Tensor) and own.is_floating_point()), "")
    if unknown:
        raise AttentionError(f"its attention reads “{unknown}” too, which is not known here")
    rows, heads, steps, size = query.shape
    groups = heads // key.shape[1]
    if groups > 1 and steps == 1:
        grouped = query.reshape(rows, key.shape[1], groups, size)
        scores = (grouped @ key.transpose(2, 3)).reshape(rows, heads, 1, -1)
    else:
        scores = query @ (key if groups == 1 else key.repeat_interleave(groups, dim=1)).transpose(2, 3)
    scores = scores * (size**-0.5 if scaling is None else scaling)
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    if position_bias is not None:
        scores = scores + position_bias
    if attention_mask is not None:
        scores = scores.masked_fill(~attention_mask, float("-inf")) if attention_mask.dtype == torch.bool else (
            scores + attention_mask)
    elif steps > 1 and getattr(module, "is_causal", False):
        later = torch.ones(steps, scores.shape[-1], dtype=torch.bool, device=scores.device).triu(scores.shape[-1] - steps + 1)
        scores = scores.masked_fill(later, float("-inf"))
    watched = _WATCHED.get(module)
    weights = watched(scores) if watched is not None and watched.watching else torch.softmax(scores, dim=-1)
    if groups > 1 and steps == 1:
        mixed = (weights.reshape(rows, key.shape[1], groups, -1) @ value).reshape(rows, heads, 1, -1)
    else:
        mixed = weights @ (value if groups == 1 else value.repeat_interleave(groups, dim=1))
    return mixed.transpose(1, 2).contiguous(), weights


AttentionInterface.register(NAME, attention)
AttentionMaskInterface.register(NAME, sdpa_mask)


def watch(model: Any, attentions: Attentions) -> None:
    """Have all that attends in a model pass through these, where the model lets its attention be chosen."""
    model.set_attn_implementation(NAME)
    for module in model.modules():
        _WATCHED[module] = attentions


class Softmaxes(TorchFunctionMode):
    """While it is entered, every softmax over the last dimension of one step is an attention's."""

    def __init__(self, attentions: Attentions, rows: int) -> None:
        super().__init__()
        self._attentions, self._rows = attentions, rows

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func not in SOFTMAXES:
            return func(*args, **(kwargs or {}))
        scores = args[0]
        whole = scores.reshape(self._rows, -1, *scores.shape[-2:])                             # (rows, heads, 1, places)
        if whole.shape[2] != 1:
            raise AttentionError("its attention is of several words at once")
        return self._attentions(whole).reshape(scores.shape)


STREAM = "residual_stream"


class ResidualStream:
    """`values` are those of the step that was taken last, each (rows, 1, features)."""

    def __init__(self, layers: nn.ModuleList) -> None:
        self.hook: Hook = identity
        self.inputs = 1
        self.watching = False
        self.values: list[Tensor] = []
        for number, layer in enumerate(layers):
            layer.register_forward_hook(partial(self._passed, number))

    def begin(self, hook: Hook, inputs: int) -> None:
        self.hook, self.inputs, self.watching, self.values = hook, inputs, True, []

    def _passed(self, number: int, layer: nn.Module, given: Any, output: Any) -> Any:
        if not self.watching:
            return None
        value: Tensor = output[0] if isinstance(output, tuple) else output
        if self.hook is identity:
            self.values.append(value)
            return None
        rows, _, features = value.shape
        changed = self.hook(slice_name(STREAM, layer=number), value.reshape(self.inputs, rows // self.inputs, features))
        changed = changed.reshape(rows, 1, features)
        self.values.append(changed)
        return (changed, *output[1:]) if isinstance(output, tuple) else changed


def layers_of(decoder: nn.Module, count: int) -> nn.ModuleList | None:
    """The outermost list of so many modules."""
    return next((own for own in decoder.modules() if isinstance(own, nn.ModuleList) and len(own) == count), None)
