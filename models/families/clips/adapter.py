"""A clip classifier from its checkpoint."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, quality_in_words, read_weights
from unrolled.models.families.clips.network import ClipConfig, ClipNetwork
from unrolled.models.families.clips.stepper import ClipStepper
from unrolled.models.stepping.stepper import AnyStepper


def open_clips(path: Path, header: Header, device: str, before: AnyStepper | None = None) -> ClipStepper:
    """The clip classifier, ready to be stepped. Raises `CheckpointError`."""
    config = config_of(path, header, ClipConfig)
    if config.labels != len(header.words):
        raise CheckpointError(f"“{path.name}” has {len(header.words)} labels for a network of {config.labels}.")
    try:
        network = ClipNetwork(config)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    network.load_state_dict(read_weights(path, shapes={n: v.shape for n, v in network.state_dict().items()}))
    return ClipStepper(network, header.words, device=device, name=path.stem, title=header.card.title,
                       summary=quality_in_words(header.card, "accuracy"), weights_hash=hash_of(path))
