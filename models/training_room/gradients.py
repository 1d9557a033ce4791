"""How gradients travel back through time, distance by distance.

Let u_j[k] = ∂L_{k+j} / ∂s_k, the gradient of the loss that is j steps later with respect to the state after step k.
With the Jacobian of one step, J_k = ∂s_k / ∂s_{k-1}::

    u_0[k] = ∂L_k / ∂s_k            u_{j+1}[k-1] = J_kᵀ u_j[k]

All k are taken at once, since the graph of one step is that of every step: T steps of B sequences are T·B rows. So
the whole map of ‖∂L_t / ∂s_k‖ costs T products, and back-propagation truncated after a window of τ steps (each loss
followed back through its last τ steps: Williams and Peng 1990) is the sum of the first τ of them::

    ∂L/∂θ = Σ_k (Σ_{j<τ} u_j[k])ᵀ ∂⁺s_k/∂θ

where ∂⁺ takes the step alone. With τ = T that is ordinary back-propagation through time.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from unrolled.models.cells import Cell, CellState, first_state, state_of


def unroll(cell: Cell, inputs: Tensor) -> CellState:
    """The states after every step, each (T, B, hidden), from zeros; no graph is kept.

    Parameters
    ----------
    inputs : Tensor, shape (T, B, input)
    """
    state = first_state(cell, inputs.shape[1])
    states: list[CellState] = []
    with torch.no_grad():
        for step_inputs in inputs:
            state = state_of(cell, cell(step_inputs, *state))
            states.append(state)
    return tuple(torch.stack(column) for column in zip(*states, strict=True))


class StepsAtOnce:
    """The graph of one step, for all steps of some sequences.

    Parameters
    ----------
    inputs : Tensor, shape (T, B, input)
    states : tuple of Tensor, each (T, B, hidden)
        After every step, as `unroll` gives them.
    """

    def __init__(self, cell: Cell, inputs: Tensor, states: CellState) -> None:
        self.before = tuple(torch.cat([torch.zeros_like(part[:1]), part[:-1]]).requires_grad_() for part in states)
        self.after = state_of(cell, cell(inputs, *self.before))

    def follow_back(self, last: Tensor, window: int) -> Iterator[CellState]:
        """Yield u_0, u_1 … u_{window-1}: gradients of losses ever later than the state.

        Parameters
        ----------
        last : Tensor, shape (T, B, hidden)
            ∂L_k / ∂h_k through step k's own output alone; a loss does not depend on the rest of the state directly.
        window : int
            How many.

        Yields
        ------
        tuple of Tensor, each (T, B, hidden)
            With respect to every tensor of the state, the others held; at k, of the loss at k + j, or zeros where
            that is beyond the end.
        """
        gradient: CellState = (last, *(torch.zeros_like(last) for _ in self.before[1:]))
        for distance in range(window):
            yield gradient
            if distance == window - 1:
                return
            earlier = torch.autograd.grad(self.after, self.before, gradient, retain_graph=True)
            gradient = tuple(torch.cat([part[1:], torch.zeros_like(part[:1])]) for part in earlier)

    def parameter_gradients(self, cell: Cell, gradient: CellState) -> tuple[Tensor, ...]:
        """∂L/∂θ of the cell's weights, for the summed gradients with respect to the states."""
        return torch.autograd.grad(self.after, tuple(cell.parameters()), gradient, retain_graph=True)


def summed(parts: Iterator[CellState]) -> CellState:
    total = tuple(part.clone() for part in next(parts))
    for gradient in parts:
        for place, part in zip(total, gradient, strict=True):
            place.add_(part)
    return total


def gradient_map(cell: Cell, inputs: Tensor, states: CellState, last: Tensor) -> tuple[Tensor, Tensor | None]:
    """‖∂L_t / ∂h_k‖ for all t and k of one sequence, and of an LSTM also ‖∂L_t / ∂c_k‖.

    With respect to h_k, c_k is held, as in the unrolled graph; the derivative with respect to c_k is the whole one, by
    way of h_k = o · tanh(c_k) too, since that is how an LSTM carries its memory.

    Parameters
    ----------
    inputs : Tensor, shape (T, 1, input)
    states : tuple of Tensor, each (T, 1, hidden)
    last : Tensor, shape (T, 1, hidden)
        ∂L_k / ∂h_k through step k's own output.

    Returns
    -------
    hidden, cell : Tensor, shape (T, T), and the same or None
        Row t, column k; zero above the diagonal, where the loss is earlier than the state.
    """
    graph = StepsAtOnce(cell, inputs, states)
    steps = len(inputs)
    maps = [torch.zeros(steps, steps) for _ in states]
    slope = None
    if len(states) > 1:
        with torch.no_grad():
            slope = cell(inputs, *graph.before).output_gate * (1 - torch.tanh(states[1]) ** 2)  # ∂h_k / ∂c_k
    for distance, gradient in enumerate(graph.follow_back(last, steps)):
        parts = list(gradient)
        if slope is not None:
            parts[1] = parts[1] + parts[0] * slope
        for drawn, part in zip(maps, parts, strict=True):
            drawn.diagonal(-distance).copy_(part[: steps - distance, 0].norm(dim=-1))
    return maps[0], maps[1] if len(maps) > 1 else None


def norm_of(gradients: Iterable[Tensor]) -> float:
    return float(torch.sqrt(torch.stack([(gradient.double() ** 2).sum() for gradient in gradients]).sum()))


def clip_by_norm(gradients: list[Tensor], threshold: float) -> tuple[float, float]:
    """Shorten the gradients, in place, where they are longer than the threshold; their direction stays.

    ``if ‖g‖ ≥ threshold: g ← threshold / ‖g‖ · g``

    Parameters
    ----------
    gradients : list of Tensor
    threshold : float
        0 leaves them as they are.

    Returns
    -------
    before, after : float
        The norms.
    """
    before = norm_of(gradients)
    if threshold <= 0 or before < threshold:
        return before, before
    for gradient in gradients:
        gradient.mul_(threshold / before)
    return before, threshold
