"""A checkpoint whose header was read: from it come a network's lengths, its weights, and what a person is told."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec
from torch import nn

from unrolled.models.checkpoints.files import CheckpointError, Header, hash_of, stored_weights
from unrolled.models.checkpoints.fitting import fitted
from unrolled.models.trace.description import Identity

LARGEST_LENGTH = 262_144     # of anything that a header names
LARGEST_SIDE = 1024          # of a picture that is read
MAY_BE_ZERO = ("attention", "begin", "start")  # where zero says that there is none, or is a number of a word

METRIC_TITLES = {"bleu_4": "BLEU-4", "cider": "CIDEr", "bits_per_character": "bits per character", "sacrebleu": "sacreBLEU",
                 "exact": "exactly right", "attention_inside": "attention inside", "accuracy": "accuracy"}

ConfigT = TypeVar("ConfigT")
MadeT = TypeVar("MadeT")
NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file, and what stands in front of its weights."""

    path: Path
    header: Header

    def config(self, kind: type[ConfigT]) -> ConfigT:
        """The network's lengths from the header. Raises `CheckpointError` where they are not such."""
        config = self.made(lambda: msgspec.convert(self.header.config, kind))
        for name, length in msgspec.to_builtins(config).items():
            for value in length if isinstance(length, list | tuple) else (length,):
                least, most = 0 if name in MAY_BE_ZERO else 1, LARGEST_SIDE if name == "size" else LARGEST_LENGTH
                wrong = not least <= value <= most if isinstance(value, int) and not isinstance(value, bool) else (
                    isinstance(value, float) and not abs(value) <= LARGEST_LENGTH)
                if wrong:
                    raise CheckpointError(f"The header of “{self.path.name}” is damaged: no network has {name} {value}.")
        return config

    def made(self, make: Callable[[], MadeT]) -> MadeT:
        """What is made of the header. Raises `CheckpointError` where its numbers or words do not allow it."""
        try:
            return make()
        except (ValueError, RuntimeError) as error:
            raise CheckpointError(f"The header of “{self.path.name}” is damaged: {error}.") from error

    def check_count(self, there: int, needed: int, *, of: str) -> None:
        """Raise `CheckpointError` where the network was made for another vocabulary."""
        if there != needed:
            raise CheckpointError(f"“{self.path.name}” has {there} {of} for a network of {needed}.")

    def network(self, make: Callable[[], NetworkT]) -> NetworkT:
        """The network that `make` builds, with the file's weights. Raises `CheckpointError`."""
        return fitted(self.path, make, stored_weights(self.path))

    def identity(self, *metrics: str) -> Identity:
        """For the model's description; its summary tells these of the measured figures: ``"BLEU-4 24.3, CIDEr 0.56 (…)"``."""
        card = self.header.card
        parts = [f"{METRIC_TITLES.get(name, name)} {card.quality[name]:.3g}" for name in metrics if name in card.quality]
        summary = f"{', '.join(parts)} ({card.measured_on})" if parts else ""
        return Identity(self.path.stem, card.title, summary, hash_of(self.path))
