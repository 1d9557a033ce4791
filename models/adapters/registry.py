"""What can be opened: the shipped models by name, any checkpoint by its path."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unrolled import assets
from unrolled.models.checkpoints.files import CheckpointError, Header, read_header, weights_again
from unrolled.models.families.captioning.adapter import open_captioner
from unrolled.models.families.characters.adapter import open_characters
from unrolled.models.families.clips.adapter import open_clips
from unrolled.models.families.shapes.adapter import open_shapes
from unrolled.models.families.translation.adapter import open_translator
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import ModelListing

SUFFIX = ".safetensors"
DEFAULT_MODEL = "caption-attend-lstm"

Open = Callable[[Path, Header, str, "AnyStepper | None"], AnyStepper]
"""Checkpoint, its header, the device, and the model that was open before, whose parts may be used again."""


@dataclass(frozen=True, slots=True)
class Family:
    """Models that are opened in the same way."""

    input_kind: str
    open: Open


CAPTIONERS = Family("picture", open_captioner)
CHARACTERS = Family("text", open_characters)
TRANSLATORS = Family("sentence", open_translator)
SHAPES = Family("picture", open_shapes)
CLIPS = Family("clip", open_clips)

FAMILIES: dict[str, Family] = {
    "caption-attend-lstm": CAPTIONERS,
    "caption-attend-rnn": CAPTIONERS,
    "caption-lstm": CAPTIONERS,
    "caption-rnn": CAPTIONERS,
    "shapes-attend-lstm": SHAPES,
    "chars-lstm": CHARACTERS,
    "chars-gru": CHARACTERS,
    "chars-rnn": CHARACTERS,
    "translate-en-fr": TRANSLATORS,
    "translate-en-de": TRANSLATORS,
    "frames-lstm": CLIPS,
    "clip-lstm": CLIPS,
}
"""By the model's name in a checkpoint's header, in the order in which people are shown them."""


def shipped() -> dict[str, Path]:
    """The shipped checkpoints by the model's name, the default one first."""
    order = list(FAMILIES)
    paths = assets.path("checkpoints").glob(f"*{SUFFIX}")
    return {path.stem: path for path in sorted(
        paths, key=lambda path: (order.index(path.stem) if path.stem in order else len(order), path.stem))}


def listings() -> tuple[ModelListing, ...]:
    """Every shipped model, from its card; one whose file is damaged is left out, and opening it says so."""
    found = []
    for path in shipped().values():
        with suppress(CheckpointError):
            found.append(_listing(path, read_header(path)))
    return tuple(found)


def _listing(path: Path, header: Header) -> ModelListing:
    card, family = header.card, FAMILIES.get(header.model)
    return ModelListing(name=path.stem, title=card.title, task=card.task, size_bytes=path.stat().st_size,
                        path=str(path), quality=card.quality, source=card.data,
                        input_kind=family.input_kind if family else "picture")


def find(model: str) -> Path:
    """The checkpoint of a name or a path.

    Raises
    ------
    CheckpointError
        When there is none.
    """
    known = shipped()
    if model in known:
        return known[model]
    path = Path(model).expanduser()
    if path.exists() or path.suffix or len(path.parts) > 1:
        if path.is_dir():
            raise CheckpointError(f"“{model}” is a folder; name a checkpoint in it.")
        return path
    raise CheckpointError(f"There is no model “{model}”; there are {', '.join(known) or 'none'}, "
                          f"and any checkpoint can be named by its path.")


def load(model: str, *, device: str = "cpu", before: AnyStepper | None = None) -> AnyStepper:
    """A model that is ready to be stepped.

    Parameters
    ----------
    model : str
        A shipped model's name, or a checkpoint's path.
    device : str
        Where it is to run.
    before : Stepper, optional
        The model that was open before: parts that both have, such as the encoder, are not loaded again.

    Raises
    ------
    CheckpointError
        When it cannot be.
    """
    path = find(model)
    header = read_header(path)
    family = FAMILIES.get(header.model)
    if family is None:
        raise CheckpointError(f"“{path.name}” is for the model “{header.model}”, which this Unrolled does not know.")
    stepper = family.open(path, header, device, before)
    stepper.weights = partial(weights_again, path, stepper.description.weights_hash)
    return stepper
