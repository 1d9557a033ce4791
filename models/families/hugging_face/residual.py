"""The residual stream: what every layer of a decoder gives to the next, passed through a `Hook` and kept."""

from __future__ import annotations

from functools import partial
from typing import Any

from torch import Tensor, nn

from unrolled.models.cells.hook import Hook, identity
from unrolled.models.trace.slices import slice_name

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
