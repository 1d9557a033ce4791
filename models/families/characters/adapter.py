"""A character model from its checkpoint."""

from __future__ import annotations

from pathlib import Path

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, network_of, quality_in_words
from unrolled.models.families.characters.network import CharacterConfig, CharacterModel
from unrolled.models.families.characters.stepper import CharacterStepper
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.char_tokenizer import Alphabet


def open_characters(path: Path, header: Header, device: str, before: AnyStepper | None = None) -> CharacterStepper:
    """The character model, ready to be stepped. Raises `CheckpointError`."""
    config = config_of(path, header, CharacterConfig)
    try:
        alphabet = Alphabet(header.words)
    except ValueError as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    if config.vocabulary != len(alphabet):
        raise CheckpointError(f"“{path.name}” has {len(alphabet)} characters for a network of {config.vocabulary}.")
    network = network_of(path, lambda: CharacterModel(config))
    return CharacterStepper(network, alphabet, device=device, name=path.stem, title=header.card.title,
                            summary=quality_in_words(header.card, "bits_per_character"), weights_hash=hash_of(path))
