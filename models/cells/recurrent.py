"""Any of the cells, by its name; and whole sequences at once, for training.

A cell takes ``cell(x, *state)`` and gives a named tuple whose first `state_size` tensors are the new state. Networks
are written against that, so that one network is the RNN, the LSTM and the GRU of the lecture.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from unrolled.models.cells.gru import GRUCell, GRUStep
from unrolled.models.cells.lstm import LSTMCell, LSTMStep
from unrolled.models.cells.rnn import RNNCell, RNNStep

Cell = RNNCell | LSTMCell | GRUCell
CellStep = RNNStep | LSTMStep | GRUStep
CellState = tuple[Tensor, ...]
"""(hidden,) or, of an LSTM, (hidden, cell); each of one shape (..., hidden)."""

CELLS: dict[str, type[RNNCell] | type[LSTMCell] | type[GRUCell]] = {"rnn": RNNCell, "lstm": LSTMCell, "gru": GRUCell}


def make_cell(kind: str, input_size: int, hidden_size: int) -> Cell:
    """A cell with new weights; its kind is rnn, lstm or gru. Raises `ValueError` when no cell has that name."""
    if kind not in CELLS:
        raise ValueError(f"there is no cell “{kind}”; there are {', '.join(CELLS)}")
    return CELLS[kind](input_size, hidden_size)


def state_of(cell: Cell, step: CellStep) -> CellState:
    """The new state among what a step computed."""
    return tuple(step[: cell.state_size])


def first_state(cell: Cell, *shape: int, device: torch.device | str = "cpu") -> CellState:
    """Zeros: the state before the first step, each tensor (*shape, hidden)."""
    return tuple(torch.zeros(*shape, cell.hidden_size, device=device) for _ in range(cell.state_size))


def run_sequence(cell: Cell, inputs: Tensor, state: CellState) -> tuple[Tensor, CellState]:
    """All steps at once by torch's fused kernels, with the cell's own weights: for training, where no gate is looked at.

    Parameters
    ----------
    inputs : Tensor, shape (T, B, input)
    state : tuple of Tensor, each (B, hidden)

    Returns
    -------
    hidden : Tensor, shape (T, B, hidden)
        After every step.
    state : tuple of Tensor
        After the last step.
    """
    weights = (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
    kernel = torch.lstm if isinstance(cell, LSTMCell) else torch.gru if isinstance(cell, GRUCell) else torch.rnn_tanh
    device = inputs.device.type
    if torch.is_autocast_enabled(device) and not _fused_in_half(kernel, device):
        with torch.autocast(device, enabled=False):
            return _fused(kernel, inputs.float(), tuple(part.float() for part in state), weights, training=cell.training)
    return _fused(kernel, inputs, state, weights, training=cell.training)


def _fused(kernel: Any, inputs: Tensor, state: CellState, weights: tuple[Tensor, ...], *,
           training: bool) -> tuple[Tensor, CellState]:
    begin = tuple(tensor.unsqueeze(0) for tensor in state)                       # (1, B, hidden): one layer
    settings = (True, 1, 0.0, training, False, False)  # biases, layers, dropout, training, both ways, batch first
    outputs, *after = kernel(inputs, begin if len(begin) > 1 else begin[0], weights, *settings)
    return outputs, tuple(part[0] for part in after)


@lru_cache
def _fused_in_half(kernel: Any, device: str) -> bool:
    """Whether this processor has the kernel in half precision, forwards and backwards: tried, since nothing else tells."""
    try:
        with torch.enable_grad(), torch.inference_mode(False), torch.autocast(device, dtype=torch.bfloat16):
            gates = {torch.lstm: 4, torch.gru: 3}.get(kernel, 1)
            weights = tuple(torch.zeros(*shape, device=device, requires_grad=True)
                            for shape in ((gates * 8, 8), (gates * 8, 8), (gates * 8,), (gates * 8,)))
            state = tuple(torch.zeros(2, 8, device=device) for _ in range(2 if kernel is torch.lstm else 1))
            outputs, _ = _fused(kernel, torch.zeros(2, 2, 8, device=device), state, weights, training=True)
            outputs.float().sum().backward()  # type: ignore[no-untyped-call]
    except RuntimeError:
        return False
    return True
