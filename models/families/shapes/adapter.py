"""The scene captioner from its checkpoint."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, network_of, quality_in_words
from unrolled.models.families.shapes.network import ShapesCaptioner, ShapesConfig
from unrolled.models.families.shapes.stepper import ShapesStepper
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.word_tokenizer import Vocabulary


def open_shapes(path: Path, header: Header, device: str, before: AnyStepper | None = None) -> ShapesStepper:
    """The scene captioner, ready to be stepped. Raises `CheckpointError`."""
    config = config_of(path, header, ShapesConfig)
    try:
        vocabulary = Vocabulary(header.words)
    except (ValueError, RuntimeError) as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    if config.vocabulary != len(vocabulary):
        raise CheckpointError(f"“{path.name}” has {len(vocabulary)} words for a network of {config.vocabulary}.")
    network = network_of(path, lambda: ShapesCaptioner(config))
    return ShapesStepper(network, vocabulary, device=device, name=path.stem, title=header.card.title,
                         summary=quality_in_words(header.card, "exact", "attention_inside"), weights_hash=hash_of(path))
