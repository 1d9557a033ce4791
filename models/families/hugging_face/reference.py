"""A step computed a second time by the library itself: its own forward over all tokens, without a cache, in double precision.

The library's `output_attentions` gives the weights; the residual stream is taken where its layers end. One forward serves all
steps: no token's numbers depend on those after it. A step's edits change its row of what the softmaxes give and the layers leave;
where the picture is exchanged, all that are looked at stand beside one another, and each step sees its own.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from unrolled.models.cells.hook import identity
from unrolled.models.families.hugging_face.attention import SOFTMAXES, STREAM, layers_of
from unrolled.models.families.hugging_face.reading import Kind
from unrolled.models.families.hugging_face.state_space import DELTA, IMPLIED, STATE_NORM, mixers_of, selection
from unrolled.models.reference.protocol import Foreseen, Hook, State
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace.names import first_line
from unrolled.models.trace.rollout import CROSS, SELF
from unrolled.models.trace.slices import slice_name


class ReferenceMemory(NamedTuple):
    """What is looked at, in double precision, the token that the first step reads, and how many steps there can be."""

    states: Tensor | None
    first_token: int
    longest: int


class TransformerReference:
    """See `unrolled.models.reference.protocol.Reference`.

    Parameters
    ----------
    model
        The library's, its weights read again, in double precision, with its own attention.
    layers : int
        Of its decoder.
    read : callable
        An input → what its encoder is given, or None, the first token, and the most steps.
    before : int
        Places in front of a picture's cells.
    order : sequence of str
        Of the attentions of one step, `SELF` or `CROSS` each.
    """

    state_names = ("tokens_read",)  # all of them: keys and values are computed again from them

    def __init__(self, model: Any, kind: Kind, *, layers: int, before: int, order: Sequence[str],
                 read: Callable[[Any], tuple[Tensor | None, int, int]]) -> None:
        self._model, self._kind, self._before, self._order, self._given = model, kind, before, tuple(order), read
        self._call = kind.call(model)
        self.computed_by = (f"transformers' own {type(model).__name__}, without a cache", "F.log_softmax")
        self._stream: list[Tensor] = []
        self._steps: tuple[Foreseen, ...] = ()
        self._tokens = torch.zeros(1, 0)
        self._output: Any = None
        self._seen: list[slice] = []  # by each step, of the places that are looked at
        for layer in layers_of(kind.decoder(model), layers) or ():
            layer.register_forward_hook(self._passed)

    def read(self, given: Any) -> ReferenceMemory:
        encoded, first, longest = self._given(given)
        if encoded is None or self._kind.encode is None:
            return ReferenceMemory(None, first, longest)
        encoded = encoded.cpu()  # before it is doubled: some GPUs know no double precision
        encoded = encoded.double() if encoded.is_floating_point() else encoded
        return ReferenceMemory(self._kind.encode(self._model, encoded), first, longest)

    def foresee(self, steps: Sequence[Foreseen]) -> None:
        self._steps, self._output = tuple(steps), None

    def start(self, memory: ReferenceMemory) -> State:
        return (torch.zeros(1, 0),)

    def step(self, memory: ReferenceMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        if self._output is None:
            tokens = [own.memory.first_token if own.token < 0 else own.token for own in self._steps]
            self._tokens = torch.tensor([tokens])
            try:
                self._output = self._forward(self._tokens, self._looked_at())
            except RuntimeError as error:
                raise EngineError("question", "The library’s own forward of this model fails in double precision: "
                                              f"{first_line(error)}.") from error
        found = self._found(number, memory) | {"tokens_read": self._tokens[:, : number + 1].double()}
        return {name: value.flatten() for name, value in found.items()}

    def _looked_at(self) -> Tensor | None:
        """All that the steps look at, (1, places, features)."""
        there: dict[int, slice] = {}
        states: list[Tensor] = []
        for memory, _, _ in self._steps:
            if memory.states is not None and id(memory) not in there:
                begin = sum(own.shape[1] for own in states)
                states.append(memory.states)
                there[id(memory)] = slice(begin, begin + memory.states.shape[1])
        self._seen = [there[id(own.memory)] for own in self._steps if there]
        return torch.cat(states, dim=1) if states else None

    def _passed(self, _layer: Any, _given: Any, output: Any) -> Any:
        """What a layer leaves, (1, T, features), as the steps' edits make it."""
        value = (output[0] if isinstance(output, tuple) else output).clone()
        name = slice_name(STREAM, layer=len(self._stream))
        for row, own in enumerate(self._steps):
            if own.hook is not identity:
                value[:, row] = own.hook(name, value[:, row, None])[:, 0]
        self._stream.append(value)
        return (value, *output[1:]) if isinstance(output, tuple) else value

    def _forward(self, tokens: Tensor, looked_at: Tensor | None) -> Any:
        """Over tokens (1, T)."""
        self._stream.clear()
        changed = any(own.hook is not identity for own in self._steps) or any(
            own != self._seen[0] for own in self._seen)
        rows = ChangedRows(self._order, self._changed) if changed else None
        with rows or nullcontext():
            output = self._call(tokens, looked_at, output_attentions=True, use_cache=False)
        if rows is not None and next(rows.order, None) is not None:
            raise EngineError("question", "The library’s own forward has other attentions than the steps: what the edits come to "
                                          "cannot be computed a second time.")
        return output

    def _changed(self, kind: str, layer: int, scores: Tensor, weights: Tensor) -> Tensor:
        """The weights of all steps of one attention, each as its edits make it; both (heads, T, places)."""
        weights = weights.clone()
        for row, own in enumerate(self._steps):
            seen = self._seen[row] if kind == CROSS else slice(row + 1)
            weights[:, row] = 0.0
            weights[:, row, seen] = self._edited(kind, layer, scores[None, None, :, row, seen], own.hook)[0, 0]
        return weights

    def _edited(self, kind: str, layer: int, scores: Tensor, hook: Hook) -> Tensor:
        """A step's weights of its scores, (1, 1, heads, places)."""
        before = self._before if kind == CROSS else 0  # which edits know nothing of
        if kind != (CROSS if CROSS in self._order else SELF):
            weights = torch.softmax(scores, dim=-1)
        else:
            inside = hook("attention_scores", scores[..., before:])
            weights = torch.softmax(torch.cat((scores[..., :before], inside), dim=-1), dim=-1)
            plain = weights[..., before:]
            weights = weights if (inside := hook("attention", plain)) is plain else F.pad(inside, (before, 0))
        return hook(slice_name(kind, layer=layer), weights)

    def _streamed(self, step: int) -> Tensor:
        """What the layers left of a step's token, (layers, features)."""
        return torch.stack([own[0, step] for own in self._stream])

    def _log_probs(self, step: int) -> Tensor:
        return torch.log_softmax(self._output.logits[0, step].double(), dim=-1)

    def _found(self, step: int, memory: ReferenceMemory) -> dict[str, Tensor]:
        """Every channel of a step."""
        output = self._output
        own = output.decoder_attentions if "decoder_attentions" in output else output.attentions
        written = _attended(own, step)[..., : step + 1]                                        # (layers, heads, T)
        grown = written.new_zeros(*written.shape[:-1], memory.longest)
        grown[..., : written.shape[-1]] = written
        found = {STREAM: self._streamed(step), SELF: grown, "log_probs": self._log_probs(step)}
        mean = grown.mean(dim=(0, 1))
        if memory.states is not None:
            looked_at = _attended(output.cross_attentions, step)[..., self._seen[step]]
            mean = looked_at.mean(dim=(0, 1))
            found[CROSS] = looked_at[..., self._before :]
            found["attention_elsewhere"] = mean[: self._before].sum().reshape(1)
        places = mean.shape[-1] if memory.states is not None else written.shape[-1]
        found["attention_entropy"] = -torch.xlogy(mean, mean).sum().reshape(1) / math.log(max(places, 2))
        found["attention"] = mean[self._before :] if memory.states is not None else mean
        return found


def _attended(attentions: Sequence[Tensor] | None, step: int) -> Tensor:
    """What a step attends to, (layers, heads, places)."""
    if not attentions or any(own is None for own in attentions):
        raise EngineError("question", "The library’s own forward does not return this model’s attention.")
    return torch.stack([own[0, :, step] for own in attentions])


class ChangedRows(TorchFunctionMode):
    """While it is entered, the attentions of a forward over all steps pass through `change`; `order` has those to come."""

    def __init__(self, order: Sequence[str], change: Callable[[str, int, Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.order: Iterator[tuple[str, int]] = iter([(kind, order[:call].count(kind)) for call, kind in enumerate(order)])
        self._change = change

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        if func not in SOFTMAXES or found.ndim < 3:
            return found  # of two are what mixtures of experts choose by
        kind, layer = next(self.order)
        scores, weights = (own.reshape(-1, *found.shape[-2:]) for own in (args[0], found))
        return self._change(kind, layer, scores, weights).reshape(found.shape)


class StateSpaceReference(TransformerReference):
    """See `TransformerReference`; the channels are others."""

    def __init__(self, model: Any, *args: Any, **options: Any) -> None:
        super().__init__(model, *args, **options)
        self._mixers = mixers_of(model)
        self._given_to: list[tuple[Tensor, Tensor]] = []
        for mixer in self._mixers:
            mixer.x_proj.register_forward_hook(lambda _module, given, output: self._given_to.append((given[0], output)))

    def _forward(self, tokens: Tensor, looked_at: Tensor | None) -> Any:
        self._stream.clear()
        self._given_to.clear()
        return self._call(tokens, None, use_cache=False)

    def _found(self, step: int, memory: ReferenceMemory) -> dict[str, Tensor]:
        norms, deltas, implied = [], [], []
        for mixer, (x, projected) in zip(self._mixers, self._given_to, strict=True):
            delta, inputs, outputs = (own[0, : step + 1] for own in selection(mixer, projected))  # (T, channels), (T, N), (T, N)
            kept = torch.exp(delta.unsqueeze(-1) * -mixer.A_log.exp())                         # (T, channels, N)
            added = delta.unsqueeze(-1) * inputs.unsqueeze(1)
            state, sizes = torch.zeros_like(kept[0]), []
            for at in range(step + 1):
                state = kept[at] * state + added[at] * x[0, at].unsqueeze(-1)
            reaching = torch.ones_like(kept[0])
            for at in reversed(range(step + 1)):
                sizes.append((outputs[-1] * reaching * added[at]).sum(-1).abs().mean())
                reaching = reaching * kept[at]
            whole = torch.stack(sizes[::-1])
            norms.append(state.norm(dim=-1))
            deltas.append(delta[-1])
            implied.append(torch.cat((whole / whole.sum(), whole.new_zeros(memory.longest - len(whole)))))
        return {STREAM: self._streamed(step), STATE_NORM: torch.stack(norms), DELTA: torch.stack(deltas),
                IMPLIED: torch.stack(implied), "log_probs": self._log_probs(step)}
