"""The face of whatever makes models: one adapter a family, each a value named `ADAPTER` in a module of its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from torch import nn

from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.checkpoints.files import weights_again
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import ModelListing
from unrolled.models.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class HubName:
    """A model that a person named to be fetched from the hub: ``organisation/model``."""

    name: str


Source = Checkpoint | PickledCheckpoint | Path | HubName | nn.Module
"""What a model is made from: a checkpoint of this program, one of `torch.save`, any other file or folder, a name on the hub, a
module in memory.
"""

Evaluate = Callable[[Any, EvaluationRequest], Evaluation]
"""A stepper of the adapter's own, and on what and how it is judged → its figures."""


@runtime_checkable
class ModelAdapter(Protocol):
    """Makes steppers of one family."""

    @property
    def family(self) -> str:
        """What it is called in messages."""

    @property
    def input_kind(self) -> str:
        """What its models take, for a list that is made without opening any of them."""

    @property
    def recipes(self) -> Mapping[str, Recipe]:
        """By a model's name how it is trained, in the order in which people are shown them; empty without any."""

    @property
    def models(self) -> tuple[ModelListing, ...]:
        """Models that come with it and can be opened by their names, beside those that are shipped with this program."""

    @property
    def evaluate(self) -> Evaluate | None:
        """Judges a model that `load` gave."""

    def accepts(self, source: Source) -> bool:
        """Whether `load` can be tried; quick, and without an error."""

    def load(self, source: Source, device: str, reuse: AnyStepper | None) -> AnyStepper:
        """A model that is ready to be stepped.

        Parameters
        ----------
        reuse : Stepper, optional
            The model that was open before, of any family; large parts that both have need not be loaded again.

        Raises
        ------
        CheckpointError
            With one sentence for people.
        """


class Named:
    """Recognises checkpoints by names that are among those of their tensors: all of one of these groups."""

    def __init__(self, *groups: tuple[str, ...]) -> None:
        self.groups = groups

    def __call__(self, source: PickledCheckpoint) -> bool:
        return any(source.has(*group) for group in self.groups)

    def missing(self, source: PickledCheckpoint) -> tuple[str, ...]:
        """The names of the group that a checkpoint is nearest to and that it has not; empty where it has not even half of one."""
        lacking = [(group, tuple(name for name in group if not source.has(name))) for group in self.groups]
        near = [names for group, names in lacking if 2 * len(names) < len(group)]
        return min(near, key=len, default=())

    def told(self, source: PickledCheckpoint) -> str:
        """What is missing, for a sentence; empty where the checkpoint is not even near."""
        names = self.missing(source)
        return f"{' and '.join(f'“{name}”' for name in names)} {'are' if len(names) > 1 else 'is'} missing" if names else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PickledAdapter:
    """Of a family whose models are checkpoints of `torch.save`."""

    family: str
    input_kind: str
    # whether a checkpoint is one of them, by the names of its tensors; a `Named` also says what one lacks that is nearly
    recognises: Callable[[PickledCheckpoint], bool]
    open: Callable[[PickledCheckpoint, str], AnyStepper]  # a checkpoint and a device → the model; raises `CheckpointError`
    several_files: bool = False  # whether its weights come from more files than the one, and `open` says how they are read again
    models: tuple[ModelListing, ...] = ()
    recipes: Mapping[str, Recipe] = field(default_factory=dict)
    evaluate: Evaluate | None = None

    def accepts(self, source: Source) -> bool:
        return isinstance(source, PickledCheckpoint) and self.recognises(source)

    def load(self, source: Source, device: str, reuse: AnyStepper | None) -> AnyStepper:
        """Open it; the second computation reads the weights from the file again."""
        assert isinstance(source, PickledCheckpoint)
        stepper = self.open(source, device)
        if not self.several_files:
            stepper.weights = source.weights_again
        return stepper


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointAdapter:
    """Of a family whose models are checkpoints of this program, named after their recipe. `open` raises `CheckpointError`."""

    family: str
    input_kind: str
    open: Callable[[Checkpoint, str, AnyStepper | None], AnyStepper]
    recipes: Mapping[str, Recipe]
    evaluate: Evaluate | None = None
    models: tuple[ModelListing, ...] = ()

    def accepts(self, source: Source) -> bool:
        """Whether it is a checkpoint of a model that has a recipe here."""
        return isinstance(source, Checkpoint) and source.header.model in self.recipes

    def load(self, source: Source, device: str, reuse: AnyStepper | None) -> AnyStepper:
        """Open it; the second computation reads the weights from the file again."""
        assert isinstance(source, Checkpoint)
        stepper = self.open(source, device, reuse)
        stepper.weights = partial(weights_again, source.path, stepper.description.weights_hash)
        return stepper
