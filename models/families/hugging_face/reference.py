"""A step computed a second time by the library itself: its own forward over all tokens, without a cache, in double precision.

The library's `output_attentions` gives the weights; the residual stream is taken where its layers end. Where it is known what
the steps to come will read, one forward serves all of them: no token's numbers depend on those after it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unrolled.models.cells.hook import identity
from unrolled.models.checkpoints.files import first_line
from unrolled.models.families.hugging_face.attention import STREAM, layers_of
from unrolled.models.families.hugging_face.reading import Kind
from unrolled.models.families.hugging_face.state_space import DELTA, IMPLIED, STATE_NORM, mixers_of, selection
from unrolled.models.reference.protocol import Hook, State
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace.rollout import CROSS, SELF


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
    """

    # All tokens that were read: keys and values are computed again from them; and that nothing was edited.
    state_names = "tokens_read", "edited"

    def __init__(self, model: Any, kind: Kind, *, layers: int, before: int,
                 read: Callable[[Any], tuple[Tensor | None, int, int]]) -> None:
        self._model, self._kind, self._before, self._given = model, kind, before, read
        self._call = kind.call(model)
        self.computed_by = (f"transformers' own {type(model).__name__}, without a cache", "F.log_softmax")
        self._stream: list[Tensor] = []
        self._ahead: list[int] = []
        self._of: tuple[Tensor, ReferenceMemory] | None = None  # what the forward was over
        self._output: Any = None
        for layer in layers_of(kind.decoder(model), layers) or ():
            layer.register_forward_hook(lambda _module, _given, output: self._stream.append(
                output[0] if isinstance(output, tuple) else output))

    def read(self, given: Any) -> ReferenceMemory:
        encoded, first, longest = self._given(given)
        if encoded is None or self._kind.encode is None:
            return ReferenceMemory(None, first, longest)
        encoded = encoded.double() if encoded.is_floating_point() else encoded
        return ReferenceMemory(self._kind.encode(self._model, encoded.cpu()), first, longest)

    def foresee(self, tokens: Sequence[int]) -> None:
        self._ahead = list(tokens)

    def start(self, memory: ReferenceMemory) -> State:
        return torch.zeros(1, 0), torch.zeros(1, 1)

    def step(self, memory: ReferenceMemory, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        tokens, edited = state
        if bool(edited.any()) or hook is not identity:
            raise EngineError("question", "Steps that an edit has changed are not computed a second time: the library’s own "
                                          "forward knows no edits.")
        read = torch.cat((tokens.long(), torch.tensor([[memory.first_token if token < 0 else token]])), dim=1)
        ahead = torch.tensor([[memory.first_token if own < 0 else own for own in self._ahead]], dtype=torch.long)
        whole = ahead if torch.equal(ahead[:, : read.shape[1]], read) else read
        if self._of is None or self._of[1] is not memory or not torch.equal(self._of[0], whole):
            try:
                self._output, self._of = self._forward(whole, memory), (whole, memory)
            except RuntimeError as error:
                raise EngineError("question", "The library’s own forward of this model fails in double precision: "
                                              f"{first_line(error)}.") from error
        found = self._found(read.shape[1] - 1, memory) | {"tokens_read": read.double(), "edited": edited}
        return {name: value.flatten() for name, value in found.items()}

    def _forward(self, read: Tensor, memory: ReferenceMemory) -> Any:
        """Over tokens (1, T)."""
        self._stream.clear()
        return self._call(read, memory.states, output_attentions=True, use_cache=False)

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
            looked_at = _attended(output.cross_attentions, step)
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


class StateSpaceReference(TransformerReference):
    """See `TransformerReference`; the channels are others."""

    def __init__(self, model: Any, *args: Any, **options: Any) -> None:
        super().__init__(model, *args, **options)
        self._mixers = mixers_of(model)
        self._given_to: list[tuple[Tensor, Tensor]] = []
        for mixer in self._mixers:
            mixer.x_proj.register_forward_hook(lambda _module, given, output: self._given_to.append((given[0], output)))

    def _forward(self, read: Tensor, memory: ReferenceMemory) -> Any:
        self._stream.clear()
        self._given_to.clear()
        return self._call(read, None, use_cache=False)

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
