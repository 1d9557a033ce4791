"""Many steps of many texts whose tokens are known beforehand: the cells' equations once more, in memory taken once.

Where nothing is changed on the way, the input's part of every sum is a row of a table, one for each token that occurs; the
state's part is added to it in place, by a product with weights that are turned once.
"""

from collections.abc import Callable, Collection, Iterator
from itertools import repeat

import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.cells.gru import GRUCell
from unrolled.models.cells.lstm import LSTMCell
from unrolled.models.cells.recurrent import Cell, CellState, first_state


def read_tokens(cell: Cell, vectors: Tensor, blocks: Iterator[Tensor], names: Collection[str]) -> Iterator[dict[str, Tensor]]:
    """Take all steps from the first on, a block at a time, without gradients; the numbers are the cell's but for their last
    bits.

    Parameters
    ----------
    vectors : Tensor, shape (V, input)
        What each token is read as.
    blocks : iterator of Tensor of int64, shape (T, B)
        The first is the longest and the widest; the rows that one has less, the last ones, have ended.
    names : collection of str
        Of the cell's quantities those that are wanted.

    Yields
    ------
    dict of str to Tensor, each (T, B, hidden)
        Of a block; the next is computed in the same memory.
    """
    is_gru = isinstance(cell, GRUCell)
    table = F.linear(vectors, cell.weight_ih, cell.bias_ih if is_gru else cell.bias_ih + cell.bias_hh)
    weights = cell.weight_hh.t().contiguous()                                                  # (hidden, gates · hidden)
    memory: dict[str, Tensor] = {}
    for tokens in blocks:
        steps, batch = tokens.shape
        if not memory:
            memory = {name: table.new_empty(steps if name in names else 1, batch, cell.hidden_size) for name in cell.quantities}
            all_sums = table.new_empty(batch, table.shape[1])
            state = first_state(cell, batch, device=table.device)
        sums = all_sums[:batch]                                                                # (B, gates · hidden)
        finish = _lstm(sums) if isinstance(cell, LSTMCell) else _gru(sums, cell.bias_hh) if is_gru else _rnn(sums)
        kept = {name: own[:steps, :batch] for name, own in memory.items()}
        state = tuple(part[:batch] for part in state)
        for row, *now in zip(tokens, *(own.unbind() if name in names else repeat(own[0]) for name, own in kept.items()),
                             strict=False):
            torch.index_select(table, 0, row, out=sums)
            finish(state, weights, *now)
            state = tuple(now[: cell.state_size])
        state = tuple(part.clone() for part in state)
        yield {name: kept[name] for name in names}


def _lstm(sums: Tensor) -> Callable[..., None]:
    i, f, g, o = sums.chunk(4, dim=1)  # each (B, hidden), as all below

    def finish(before: CellState, weights: Tensor, hidden: Tensor, cell: Tensor, input_gate: Tensor, forget_gate: Tensor,
               output_gate: Tensor, cell_gate: Tensor) -> None:
        sums.addmm_(before[0], weights)
        torch.sigmoid(i, out=input_gate)
        torch.sigmoid(f, out=forget_gate)
        torch.sigmoid(o, out=output_gate)
        torch.tanh(g, out=cell_gate)
        torch.mul(forget_gate, before[1], out=cell).addcmul_(input_gate, cell_gate)
        torch.tanh(cell, out=hidden).mul_(output_gate)

    return finish


def _gru(sums: Tensor, bias: Tensor) -> Callable[..., None]:
    states = torch.empty_like(sums)
    x_r, x_z, x_n = sums.chunk(3, dim=1)
    h_r, h_z, h_n = states.chunk(3, dim=1)

    def finish(before: CellState, weights: Tensor, hidden: Tensor, reset_gate: Tensor, update_gate: Tensor,
               candidate: Tensor) -> None:
        torch.addmm(bias, before[0], weights, out=states)
        torch.sigmoid(x_r.add_(h_r), out=reset_gate)
        torch.sigmoid(x_z.add_(h_z), out=update_gate)
        torch.tanh(x_n.addcmul_(reset_gate, h_n), out=candidate)
        # (1 - z) · n + z · h, with one product less
        torch.sub(before[0], candidate, out=hidden).mul_(update_gate).add_(candidate)

    return finish


def _rnn(sums: Tensor) -> Callable[..., None]:
    def finish(before: CellState, weights: Tensor, hidden: Tensor) -> None:
        torch.tanh(sums.addmm_(before[0], weights), out=hidden)

    return finish
