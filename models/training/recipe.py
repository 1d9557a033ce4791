"""How a model is trained: what it is given, its options with the values that made the shipped one, and the training."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from unrolled.models.data.errors import DataError

Config = TypeVar("Config", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """Where training is: the update's number, of how many, some means to show, and the phase's name."""

    update: int
    updates: int
    means: dict[str, float]
    phase: str = "training"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """What a person asked for, beside the options."""

    model: str   # the name that the checkpoint will bear
    data: Path | None
    output: Path
    cache: Path  # where what is computed once and for all is kept
    device: str = "cpu"

    @property
    def needed_data(self) -> Path:
        """The data. Raises `DataError` when none were named."""
        if self.data is None:
            raise DataError("Say which data to train on, with --data DIR.")
        return self.data


def config_of(kind: type[Config], options: msgspec.Struct, **more: Any) -> Config:
    """A network's lengths, or other options: those of the same names, and what else is known."""
    return kind(**{name: getattr(options, name) for name in kind.__struct_fields__ if hasattr(options, name)} | more)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The options that made the shipped model, and what trains: it gives a report an update, and writes the checkpoint."""

    options: msgspec.Struct
    train: Callable[[TrainingRequest, Any], Iterator[TrainingReport]]

    def training(self, request: TrainingRequest, changes: Mapping[str, Any]) -> Iterator[TrainingReport]:
        """The training with some options changed.

        Raises
        ------
        ValueError
            At once, when there is no such option, or its value is none that it can have.
        DataError, CheckpointError, OSError
            On the way.
        """
        known = self.options.__struct_fields__
        for name in changes:
            if name not in known:
                raise ValueError(f"The training of {request.model} has no option “{name}”; it has {', '.join(known)}.")
        try:
            options = msgspec.convert(msgspec.to_builtins(self.options) | dict(changes), type(self.options), strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(f"An option cannot be had: {error}.") from error
        return self.train(request, options)
