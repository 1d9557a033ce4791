"""A translator from its checkpoint."""

from __future__ import annotations

from pathlib import Path

import msgspec

from unrolled.models.checkpoints.files import CheckpointError, Header, config_of, hash_of, network_of, quality_in_words
from unrolled.models.families.translation.network import Translator, TranslatorConfig
from unrolled.models.families.translation.stepper import TranslatorStepper
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.subword_tokenizer import Pieces


class BothLanguages(msgspec.Struct, frozen=True):
    """What a header's config holds beside the network's lengths: the languages, and the descriptions of their pieces."""

    source_language: str
    target_language: str
    source_pieces: str
    target_pieces: str


def open_translator(path: Path, header: Header, device: str, before: AnyStepper | None = None) -> TranslatorStepper:
    """The translator, ready to be stepped. Raises `CheckpointError`."""
    config = config_of(path, header, TranslatorConfig)
    both = config_of(path, header, BothLanguages)
    try:
        source, target = Pieces(both.source_pieces), Pieces(both.target_pieces)
    except ValueError as error:
        raise CheckpointError(f"The header of “{path.name}” is damaged: {error}.") from error
    if (config.source_vocabulary, config.vocabulary) != (len(source), len(target)):
        raise CheckpointError(f"“{path.name}” has {len(source)} and {len(target)} pieces for a network of "
                              f"{config.source_vocabulary} and {config.vocabulary}.")
    network = network_of(path, lambda: Translator(config))
    languages = (both.source_language, both.target_language)
    return TranslatorStepper(network, source, target, languages=languages, device=device, name=path.stem, title=header.card.title,
                             summary=quality_in_words(header.card, "sacrebleu"), weights_hash=hash_of(path))
