"""The next word as each layer would have it: the logit lens (nostalgebraist 2020).

What a layer leaves in the residual stream is put in the place of what the last one leaves, so that it goes through the model's
own last norm and its own vocabulary, whatever these are. All layers of a step are read at once, a row each.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from unrolled.models.cells.hook import Captured, Hook
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import LensRead
from unrolled.models.runs.branch import Branch, computing, float32_bytes, int32_bytes
from unrolled.models.runs.errors import EngineError, Superseded
from unrolled.models.trace.slices import slice_name

STREAM = "residual_stream"
WORDS = 5  # of each layer, the most probable


class _Replaced:
    """A `Hook` that puts rows in the place of a quantity, after what another hook makes of it."""

    def __init__(self, hook: Hook, name: str, rows: Tensor) -> None:
        self._change, self._name, self._rows = hook, name, rows

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        value = self._change(name, value)
        return self._rows.expand_as(value) if name == self._name else value


def lens(branch: Branch, first: int, last: int, wanted: StillWanted) -> Iterator[LensRead]:
    """Read the layers of these steps, a step at a time. Raises `EngineError` where there is no residual stream."""
    channel = next((own for own in branch.channels if own.name == STREAM), None)
    if channel is None:
        raise EngineError("question", "This model has no residual stream whose layers could be read.")
    layers, stepper = channel.shape[0], branch.stepper
    for step in range(first, last + 1):
        if not wanted():
            raise Superseded
        before, memory, token = branch.state(step, wanted), branch.memory_at(step), branch.token_before(step)
        captured = Captured(branch.hook_at(step))
        with computing(stepper.device.type):
            stepper.step(memory, before, [token], captured)
            rows = torch.cat([captured[slice_name(STREAM, layer=layer)] for layer in range(layers)], dim=1)  # (1, layers, D)
            hook = _Replaced(branch.hook_at(step), slice_name(STREAM, layer=layers - 1), rows)
            _, record = stepper.step(memory, stepper.select(before, torch.zeros(1, layers, dtype=torch.long)), [token] * layers,
                                     hook)
        log_probs = record.log_probs.cpu()                                                     # (layers, V)
        written = log_probs[:, branch.tokens[step], None]
        best = log_probs.topk(min(WORDS, log_probs.shape[1]), dim=-1)
        yield LensRead(step=step, layers=layers, tokens=int32_bytes(best.indices), log_probs=float32_bytes(best.values),
                       written=float32_bytes(written), ranks=int32_bytes((log_probs > written).sum(dim=1)))
