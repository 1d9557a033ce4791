"""What the model itself gives for steps that were recorded: the cell computed by torch's own module.

Everything drawn comes from cells that are written out so that each gate can be seen. Here the same tokens go through
`torch.nn.LSTMCell`, `torch.nn.GRUCell` or `torch.nn.RNNCell` with the same weights, from the first step asked for on,
each step from the state that torch's module left. Where an edit reaches into a cell there is no such module, and the
written out equations are used again.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from unrolled.models.backend.engine import StillWanted, Superseded
from unrolled.models.backend.line import Line, computing
from unrolled.models.cells import Cell, GRUCell, LSTMCell
from unrolled.models.cells.change import Change
from unrolled.models.protocol.questions import Replayed
from unrolled.models.trace.edits import OF_UNITS

BLOCK_STEPS = 256
OF_THE_STATE = ("hidden", "cell")


def torch_cell(cell: Cell) -> nn.LSTMCell | nn.GRUCell | nn.RNNCell:
    """Torch's module for a cell, with the cell's own weights."""
    kind = nn.LSTMCell if isinstance(cell, LSTMCell) else nn.GRUCell if isinstance(cell, GRUCell) else nn.RNNCell
    module: nn.LSTMCell | nn.GRUCell | nn.RNNCell = kind(
        cell.weight_ih.shape[1], cell.hidden_size, device=cell.weight_ih.device, dtype=cell.weight_ih.dtype)
    module.load_state_dict(cell.state_dict())
    return module.requires_grad_(False)


class ByTorch:
    """A `Change` that puts what torch's module gives in the place of the cell's own result."""

    def __init__(self, module: nn.LSTMCell | nn.GRUCell | nn.RNNCell, change: Change) -> None:
        self._module, self._change = module, change
        self._given: dict[str, Tensor] = {}
        self._cell_edited = False  # then h follows from what the edit made of c, which torch's module knows nothing of

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        """A quantity, or torch's in its place; edits of the state come after."""
        if name in ("cell_input", "hidden_before", "cell_before"):
            self._given[name] = value
        elif name in OF_THE_STATE and not self._cell_edited:
            value = self._computed()[name].reshape(value.shape)
        edited = self._change(name, value)
        self._cell_edited |= name == "cell" and edited is not value
        return edited

    def _computed(self) -> dict[str, Tensor]:
        x, hidden = (self._given[name].flatten(0, -2) for name in ("cell_input", "hidden_before"))  # each (K, ...)
        if isinstance(self._module, nn.LSTMCell):
            return dict(zip(OF_THE_STATE, self._module(x, (hidden, self._given["cell_before"].flatten(0, -2))), strict=True))
        return {"hidden": self._module(x, hidden)}


def replay(line: Line, first: int, last: int, wanted: StillWanted) -> Iterator[Replayed]:
    """Take steps again, some at a time; every channel that computing goes on with, and log p of the words written."""
    stepper, words = line.stepper, len(line.stepper.description.words)
    module = torch_cell(stepper.anatomy.cell)
    kept: list[slice] = []
    begin = words
    for channel in line.channels:
        kept += [slice(begin, begin + channel.size)] if channel.editable else []
        begin += channel.size
    names = (*(channel.name for channel in line.channels if channel.editable), "log_probs")
    state = line.state(first, wanted)
    for start in range(first, last + 1, BLOCK_STEPS):
        stop = min(start + BLOCK_STEPS, last + 1)
        rows, own_equations = [], False
        with computing(stepper.device.type):
            for step in range(start, stop):
                if not wanted():
                    raise Superseded
                inside = any(isinstance(edit, OF_UNITS) and edit.channel not in OF_THE_STATE and edit.covers(step)
                             for edit in line.edits)
                own_equations |= inside
                change = line.change_at(step) if inside else ByTorch(module, line.change_at(step))
                state, record = stepper.step(line.memory_at(step), state, [line.token_before(step)], change)
                packed = record.packed[0]
                rows.append(torch.cat([*(packed[part] for part in kept), packed[line.tokens[step]].unsqueeze(0)]))
            values = torch.stack(rows).float().cpu().numpy()                                   # (steps, total + 1)
        yield Replayed(first=start, count=stop - start, channels=names, values=values.astype("<f4", copy=False).tobytes(),
                       modules=() if own_equations else (f"nn.{type(module).__name__}",))
