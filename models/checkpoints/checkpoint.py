"""A checkpoint whose header was read: from it come a network's lengths, its weights, and what a person is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import nn

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, quality_in_words, stored_weights
from unrolled.models.checkpoints.fitting import fitted
from unrolled.models.trace.description import Identity

ConfigT = TypeVar("ConfigT")
MadeT = TypeVar("MadeT")
NetworkT = TypeVar("NetworkT", bound=nn.Module)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file, and what stands in front of its weights."""

    path: Path
    header: Header

    def config(self, kind: type[ConfigT]) -> ConfigT:
        """The header's config as a struct. Raises `CheckpointError`."""
        return config_of(self.path, self.header, kind)

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
        """For the model's description; its summary tells these of the measured figures."""
        return Identity(self.path.stem, self.header.card.title, quality_in_words(self.header.card, *metrics), hash_of(self.path))
