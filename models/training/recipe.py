"""How each model is trained: what it is given, its options with the values that made the shipped one, and the training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import msgspec

from unrolled.models.data.flickr8k import DataError
from unrolled.models.families.captioning.options import TrainingOptions
from unrolled.models.families.captioning.training import CaptionerTraining
from unrolled.models.families.characters.training import CharacterOptions, CharacterTraining
from unrolled.models.families.clips.training import ClipOptions, ClipTraining
from unrolled.models.families.shapes.training import ShapesOptions, ShapesTraining
from unrolled.models.families.translation.training import TranslationOptions, TranslationTraining
from unrolled.models.training.optimising import Report

PLAIN_CAPTIONER = TrainingOptions(attention=0, reward_epochs=1.0, half=True)


class Training(Protocol):
    """A training that was asked for."""

    def run(self) -> Iterator[Report]:
        """Train to the end and write the checkpoint; a report after each update."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a person asked for, beside the model and its options.

    Attributes
    ----------
    data : Path or None
        Where the data lie.
    output : Path
        The checkpoint to write.
    cache : Path
        Where what is computed once and for all is kept.
    device : str
    """

    data: Path | None
    output: Path
    cache: Path
    device: str

    @property
    def needed_data(self) -> Path:
        """The data. Raises `DataError` when none were named."""
        if self.data is None:
            raise DataError("Say which data to train on, with --data DIR.")
        return self.data


Begin = Callable[[str, Request, Any], Training]


@dataclass(frozen=True, slots=True)
class Recipe:
    """A model's training.

    Attributes
    ----------
    options : Struct
        With the values that made the shipped model.
    begin : callable
        Model's name, request and options → the training.
    """

    options: msgspec.Struct
    begin: Begin

    def training(self, model: str, request: Request, changes: Mapping[str, Any]) -> Training:
        """The training with some options changed.

        Raises
        ------
        ValueError
            When there is no such option, or its value is none that it can have.
        """
        known = self.options.__struct_fields__
        for name in changes:
            if name not in known:
                raise ValueError(f"The training of {model} has no option “{name}”; it has {', '.join(known)}.")
        try:
            options = msgspec.convert(msgspec.to_builtins(self.options) | dict(changes), type(self.options), strict=False)
        except msgspec.ValidationError as error:
            raise ValueError(f"An option cannot be had: {error}.") from error
        return self.begin(model, request, options)


def _captioner(model: str, request: Request, options: TrainingOptions) -> Training:
    return CaptionerTraining(model=model, data=request.needed_data, output=request.output, cache=request.cache,
                             device=request.device, options=options)


def _characters(model: str, request: Request, options: CharacterOptions) -> Training:
    return CharacterTraining(model=model, data=request.needed_data, output=request.output, options=options,
                             device=request.device)


def _translation(model: str, request: Request, options: TranslationOptions) -> Training:
    return TranslationTraining(model=model, data=request.needed_data, output=request.output, options=options,
                               device=request.device)


def _shapes(model: str, request: Request, options: ShapesOptions) -> Training:
    return ShapesTraining(model=model, output=request.output, options=options, device=request.device)


def _clips(model: str, request: Request, options: ClipOptions) -> Training:
    return ClipTraining(model=model, output=request.output, options=options, device=request.device)


RECIPES: dict[str, Recipe] = {
    "caption-attend-lstm": Recipe(TrainingOptions(), _captioner),
    "caption-attend-rnn": Recipe(TrainingOptions(cell="rnn", reward_epochs=1.0, half=True), _captioner),
    "caption-lstm": Recipe(PLAIN_CAPTIONER, _captioner),
    "caption-rnn": Recipe(msgspec.structs.replace(PLAIN_CAPTIONER, cell="rnn"), _captioner),
    "shapes-attend-lstm": Recipe(ShapesOptions(), _shapes),
    "chars-lstm": Recipe(CharacterOptions(), _characters),
    "chars-gru": Recipe(CharacterOptions(cell="gru", updates=6500), _characters),
    "chars-rnn": Recipe(CharacterOptions(cell="rnn", updates=6000, learning_rate=1e-3), _characters),
    "translate-en-fr": Recipe(TranslationOptions(target="fr"), _translation),
    "translate-en-de": Recipe(TranslationOptions(target="de"), _translation),
    "frames-lstm": Recipe(ClipOptions(), _clips),
    "clip-lstm": Recipe(ClipOptions(every_frame=False, updates=2500, learning_rate=1e-3, warm_up=100), _clips),
}
