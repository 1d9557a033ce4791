"""A state-space model computed a second time: the library's own forward without a cache, in double precision.

State and implied attention are written out from what its projections gave: the recurrence step by step, and the products of its
decays one by one, where the recording takes exponentials of sums.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from unrolled.models.families.hugging_face.reference import ReferenceMemory, TransformerReference
from unrolled.models.families.hugging_face.residual import STREAM
from unrolled.models.families.hugging_face.state_space import DELTA, IMPLIED, STATE_NORM, mixers_of, selection


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
