"""What a word depended on: gradients of its log-probability by the states of all steps, by replay.

∂ log p(word_t)/∂h_k is the whole derivative along every path from h_k to the word, the state beside it held still (the
lecture's back-propagation through time; Pascanu, Mikolov and Bengio 2013). All words of a block are done together: each
has a row of its own through the whole computation, so that one backward pass gives every row its own gradients.

Of an LSTM, ∂/∂c_k is split in two: what comes along the cell alone, (Π_{j=k+1..t} f_j) ⊙ ∂ log p(word_t)/∂c_t, the path
that the forget gates keep open (Hochreiter and Schmidhuber 1997), and everything else. Words and places have gradient ×
input (Shrikumar et al. 2017; Denil et al. 2014), which is signed: what spoke for the word, and what against it.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from unrolled.models.cells.hook import Hook
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import GradientRows
from unrolled.models.runs.branch import Branch, float32_bytes
from unrolled.models.runs.errors import EngineError, Superseded
from unrolled.models.trace.edits import ClampUnits, ScaleUnits

ROWS_AT_ONCE = 32
MOST_STEPS = 1024  # the graph of so many steps with 512 units takes about a gigabyte


class _Followed:
    """A `Hook` that makes a row of its own for each word, and keeps what gradients are taken by."""

    def __init__(self, hook: Hook, rows: int) -> None:
        self._change, self._rows = hook, rows
        self.word: Tensor | None = None
        self.hidden: Tensor | None = None
        self.cell: Tensor | None = None
        self.forget_gate: Tensor | None = None

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        value = self._change(name, value)
        if name in ("word_vector", "frame_vector"):
            self.word = value = value.detach().expand(self._rows, *value.shape[1:]).clone().requires_grad_()
        elif name in ("hidden", "cell", "forget_gate"):
            setattr(self, name, value)
        return value


def gradients(branch: Branch, first: int, last: int, wanted: StillWanted) -> Iterator[GradientRows]:
    """The words of steps `first` to `last`, followed back to `first`; some rows at a time.

    Where `first` is 0 the first state is followed back too, to the places that it was made of; otherwise the state before
    `first` is taken as given. The places of a row are those that its own step looks at, where an edit changes over to another
    input. Raises `EngineError` when they are too many to be followed at once.
    """
    if last - first >= MOST_STEPS:
        raise EngineError("question", f"{last + 1 - first:,} steps cannot be followed back at once; {MOST_STEPS:,} are the most.")
    for row in range(first, last + 1, ROWS_AT_ONCE):
        yield _rows(branch, row, min(row + ROWS_AT_ONCE, last + 1), first, last + 1, wanted)


def _rows(branch: Branch, row: int, stop: int, column: int, columns_end: int, wanted: StillWanted) -> GradientRows:
    rows = stop - row
    followed, looked_at, log_probs, begun_from = _forward(branch, row, stop, column, wanted)
    places = list({id(own): own for own in looked_at if own is not None}.values())
    first = [begun_from] if begun_from is not None else []
    hidden = [own.hidden for own in followed if own.hidden is not None]
    cells = [own.cell for own in followed if own.cell is not None]
    words = [own.word for own in followed if own.word is not None]
    found: tuple[Tensor | None, ...] = torch.autograd.grad(
        torch.stack(log_probs).sum(), [*hidden, *cells, *words, *first, *places], allow_unused=True)
    if not wanted():
        raise Superseded
    by = (torch.zeros_like(of) if own is None else own
          for own, of in zip(found, [*hidden, *cells, *words, *first, *places], strict=True))
    by_hidden, by_cell, by_word, by_first = (list(islice(by, len(of))) for of in (hidden, cells, words, first))
    by_place = {id(of): (own * of.detach()).sum(dim=-1) for own, of in zip(by, places, strict=True)}  # each (rows, L)
    width = columns_end - column

    def table(columns: list[Tensor]) -> bytes:
        """Columns (rows,) for the first steps, zeros for those after."""
        if not columns:
            return b""
        whole = torch.zeros(rows, width)
        whole[:, : len(columns)] = torch.stack(columns, dim=1).float().cpu()
        return float32_bytes(whole)

    along = _forget_path(branch, followed, by_cell, row, column) if cells else []
    return GradientRows(
        row=row, rows=rows, column=column, columns=width,
        hidden=table([_norm(own, rows) for own in by_hidden]), cell=table([_norm(own, rows) for own in by_cell]),
        forget_path=table([_norm(own, rows) for own in along]),
        other_paths=table([_norm(whole.reshape(rows, -1) - path, rows) for whole, path in zip(by_cell, along, strict=True)]),
        words=table([(own * word.detach()).reshape(rows, -1).sum(dim=1) for own, word in zip(by_word, words, strict=True)]),
        first_state=b"".join(float32_bytes((own * of.detach()).sum(dim=-1))
                             for own, of in zip(by_first, first, strict=True) if bool(own.any())),
        places=float32_bytes(torch.stack([by_place[id(of)][number] for number, of in enumerate(looked_at)]))
        if by_place else b"")


def _forward(branch: Branch, row: int, stop: int, column: int,
             wanted: StillWanted) -> tuple[list[_Followed], list[Tensor | None], list[Tensor], Tensor | None]:
    """All steps from `column` up to `stop`, with a graph: what was kept of each; of each row the vectors that its step
    looks at, and the log-probability of its word; and where `column` is 0 the vectors that the first state is made of.
    """
    stepper, rows = branch.stepper, stop - row
    begun_from: Tensor | None = None
    if column == 0:  # vectors of their own, so that what comes through the first state is told from what is looked at
        beginning, begun_from = stepper.differentiable(branch.memory_at(0), rows)
        state: Any = stepper.start(beginning)
    else:
        state = _plain(branch.state(column, wanted))
    memories: dict[int, tuple[Any, Tensor | None]] = {}
    followed: list[_Followed] = []
    looked_at: list[Tensor | None] = []
    log_probs: list[Tensor] = []
    for step in range(column, stop):
        if not wanted():
            raise Superseded
        memory = branch.memory_at(step)
        if id(memory) not in memories:
            memories[id(memory)] = stepper.differentiable(memory, rows)
        followed.append(_Followed(branch.hook_at(step), rows))
        state, record = stepper.step(memories[id(memory)][0], state, [branch.token_before(step)], followed[-1])
        if step >= row:
            looked_at.append(memories[id(memory)][1])
            log_probs.append(record.log_probs[step - row, branch.tokens[step]])
    return followed, looked_at, log_probs, begun_from


def _forget_path(branch: Branch, followed: list[_Followed], by_cell: list[Tensor], row: int, column: int) -> list[Tensor]:
    """What reaches each c_k along the cell alone, each (rows, hidden)."""
    rows = len(followed) - (row - column)
    flat = [own.reshape(rows, -1) for own in by_cell]
    along: list[Tensor] = [torch.zeros_like(flat[0]) for _ in followed]
    arriving = torch.zeros_like(flat[0])
    for place in range(len(followed) - 1, -1, -1):
        step = column + place
        if step >= row:  # this word's own step: all that reaches c_t reaches it here
            arriving = arriving.clone()
            arriving[step - row] = flat[place][step - row]
        along[place] = arriving
        gate = followed[place].forget_gate
        assert gate is not None
        arriving = arriving * _kept(branch, step, gate.detach().reshape(rows, -1))
    return along


def _kept(branch: Branch, step: int, forget_gate: Tensor) -> Tensor:
    """∂c_t/∂c_{t-1} along the cell: the forget gate, and what edits of the cell leave of it."""
    kept = forget_gate
    for edit in branch.edits:
        if isinstance(edit, ClampUnits | ScaleUnits) and edit.channel == "cell" and edit.covers(step):
            kept = kept.clone()
            units = list(edit.units) if edit.units else slice(None)
            kept[:, units] *= edit.factor if isinstance(edit, ScaleUnits) else 0.0
    return kept


def _norm(by: Tensor, rows: int) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(by.reshape(rows, -1), dim=1)
    return norms


def _plain(state: Any) -> Any:
    """A state that a graph can begin with: tensors that were made without one cannot be kept for it."""
    if isinstance(state, Tensor):
        return state.clone()
    if not isinstance(state, tuple):  # what a model keeps beside tensors it copies itself, where it has to
        return state
    parts = [_plain(part) for part in state]
    return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)  # a named tuple, or a tuple
