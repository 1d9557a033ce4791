"""What edits do to a step: a `Hook` made of those that hold at it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from unrolled.models.cells.hook import Hook, identity
from unrolled.models.protocol.message import RequestError
from unrolled.models.trace.edits import (
    OF_ATTENTION,
    OF_UNITS,
    AddNoise,
    ClampUnits,
    Edit,
    ForceToken,
    MaskAttention,
    ScaleUnits,
    SetAttention,
    SwapInput,
    SwitchHeadsOff,
    UniformAttention,
)
from unrolled.models.trace.slices import slice_name

NOTHING_LEFT = ("The edits leave attention nothing to look at: each place is masked, or is given no weight. The run was stopped; "
                "change an edit, or switch it off.")
STEPS_APART = 1_000_003  # a prime: the seeds of neighbouring steps and neighbouring noises do not meet


class Edited:
    """The edits that hold at one step, one after another in their order; noise is drawn from its seed and the step.

    Raises `RequestError` where together they leave attention no place to look at.
    """

    def __init__(self, edits: Sequence[Edit], step: int) -> None:
        self._edits, self._step = edits, step
        self._looked_through: set[Edit | None] = set()

    def __call__(self, name: str, value: Tensor, /) -> Tensor:
        """A quantity, as the edits make it: a new tensor where one of them is about it."""
        for edit in self._edits:
            match edit:
                case ClampUnits(channel=channel) | ScaleUnits(channel=channel) | AddNoise(channel=channel) if channel == name:
                    value = _of_units(edit, value, self._step)
                case SwitchHeadsOff() if name == slice_name(edit.channel, layer=edit.layer):  # (…, heads, places)
                    value = value.clone()
                    value[..., list(edit.heads) if edit.heads else slice(None), :] = 0.0
                case MaskAttention() if name == "attention_scores":
                    value = value.clone()
                    value[..., _there(edit.places, value)] = float("-inf")
                    self._see_what_is_left(edit, value != float("-inf"))
                case UniformAttention() if name == "attention":
                    value = torch.full_like(value, 1 / value.shape[-1])
                case SetAttention() if name == "attention":
                    weights = torch.tensor(edit.weights[: value.shape[-1]], dtype=torch.float64)
                    self._see_what_is_left(edit, weights > 0)
                    value = (weights / weights.sum()).to(value).expand_as(value)
        return self._without_masked(value) if name == "attention" else value

    def _without_masked(self, weights: Tensor) -> Tensor:
        """Weights that were set, without the places that are masked; the softmax has left those out of its own already."""
        masked = [place for edit in self._edits if isinstance(edit, MaskAttention) for place in edit.places]
        if not masked or not any(isinstance(edit, UniformAttention | SetAttention) for edit in self._edits):
            return weights
        left = weights.clone()
        left[..., _there(masked, weights)] = 0.0
        self._see_what_is_left(None, left > 0)
        return left / left.sum(dim=-1, keepdim=True)

    def _see_what_is_left(self, of: Edit | None, there: Tensor) -> None:
        """Of the first layer alone: a GPU is waited for."""
        if of not in self._looked_through and not bool(there.any(dim=-1).all()):
            raise RequestError(NOTHING_LEFT, subject="step")
        self._looked_through.add(of)


def _there(places: Sequence[int], values: Tensor) -> list[int]:
    """The places that can be attended to already: where they are the words written, they grow."""
    return [place for place in places if place < values.shape[-1]]


def hook_at(edits: Sequence[Edit], step: int) -> Hook:
    """What the edits do at a step; `identity` itself where none holds, so that nothing is different, to the last bit."""
    holding = tuple(edit for edit in edits if isinstance(edit, (*OF_UNITS, *OF_ATTENTION, SwitchHeadsOff)) and edit.covers(step))
    return Edited(holding, step) if holding else identity


def forced_token(edits: Sequence[Edit], step: int) -> int:
    """The token that has to be written at a step, or -1; of several the last that was asked for."""
    return next((edit.token for edit in reversed(edits) if isinstance(edit, ForceToken) and edit.covers(step)), -1)


def input_at(edits: Sequence[Edit], step: int) -> str:
    """The hash of the input that is looked at in place of the run's own; empty for its own."""
    return next((edit.input_hash for edit in reversed(edits) if isinstance(edit, SwapInput) and edit.covers(step)), "")


def _of_units(edit: ClampUnits | ScaleUnits | AddNoise, value: Tensor, step: int) -> Tensor:
    units = list(edit.units) if edit.units else slice(None)
    changed = value.clone()
    if isinstance(edit, ClampUnits):
        changed[..., units] = edit.value
    elif isinstance(edit, ScaleUnits):
        changed[..., units] = value[..., units] * edit.factor
    else:
        # Drawn on the CPU for all units: the same on every device, and whichever of them are chosen.
        generator = torch.Generator().manual_seed(edit.seed * STEPS_APART + step)
        noise = torch.randn(value.shape[-1], generator=generator).to(value) * edit.deviation      # (units,)
        changed[..., units] = value[..., units] + noise[units]
    return changed
