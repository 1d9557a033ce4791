"""Translators: opened from their checkpoints, trained and judged on sentence pairs."""

from __future__ import annotations

import msgspec

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.families.translation.evaluation import evaluate_translator
from unrolled.models.families.translation.network import Translator, TranslatorConfig
from unrolled.models.families.translation.stepper import TranslatorStepper
from unrolled.models.families.translation.training import TranslationOptions, train_translator
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.subword_tokenizer import SubwordTokenizer
from unrolled.models.training.recipe import Recipe


class BothLanguages(msgspec.Struct, frozen=True):
    """What a header's config holds beside the network's lengths: the languages, and the descriptions of their pieces."""

    source_language: str
    target_language: str
    source_pieces: str
    target_pieces: str


def open_translator(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> TranslatorStepper:
    config, both = checkpoint.config(TranslatorConfig), checkpoint.config(BothLanguages)
    source, target = checkpoint.made(lambda: (SubwordTokenizer(both.source_pieces), SubwordTokenizer(both.target_pieces)))
    checkpoint.check_count(len(source), config.source_vocabulary, of="pieces of the source")
    checkpoint.check_count(len(target), config.vocabulary, of="pieces")
    return TranslatorStepper(checkpoint.network(lambda: Translator(config)), source, target, device=device,
                             languages=(both.source_language, both.target_language), identity=checkpoint.identity("sacrebleu"))


ADAPTER = CheckpointAdapter(
    family="translation", input_kind="sentence", open=open_translator, evaluate=evaluate_translator,
    recipes={
        "translate-en-fr": Recipe(TranslationOptions(target="fr"), train_translator),
        "translate-en-de": Recipe(TranslationOptions(target="de"), train_translator),
    })
