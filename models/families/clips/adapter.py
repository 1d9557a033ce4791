"""A clip classifier from its checkpoint."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, network_of, quality_in_words
from unrolled.models.families.clips.network import ClipConfig, ClipNetwork
from unrolled.models.families.clips.stepper import ClipStepper
from unrolled.models.stepping.stepper import AnyStepper


def open_clips(path: Path, header: Header, device: str, before: AnyStepper | None = None) -> ClipStepper:
    """The clip classifier, ready to be stepped. Raises `CheckpointError`."""
    config = config_of(path, header, ClipConfig)
    if config.labels != len(header.words):
        raise CheckpointError(f"“{path.name}” has {len(header.words)} labels for a network of {config.labels}.")
    network = network_of(path, lambda: ClipNetwork(config))
    return ClipStepper(network, header.words, device=device, name=path.stem, title=header.card.title,
                       summary=quality_in_words(header.card, "accuracy"), weights_hash=hash_of(path))
