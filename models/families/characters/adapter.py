"""Character models: opened from their checkpoints, trained and judged on source code."""

from __future__ import annotations

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.families.characters.evaluation import evaluate_characters
from unrolled.models.families.characters.network import CharacterConfig, CharacterModel, CharacterStepper
from unrolled.models.families.characters.training import CharacterOptions, train_characters
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.char_tokenizer import CharTokenizer
from unrolled.models.training.recipe import Recipe


def open_characters(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> CharacterStepper:
    config = checkpoint.config(CharacterConfig)
    alphabet = checkpoint.made(lambda: CharTokenizer(checkpoint.header.words))
    checkpoint.check_count(len(alphabet), config.vocabulary, of="characters")
    return CharacterStepper(checkpoint.network(lambda: CharacterModel(config)), alphabet, device=device,
                            identity=checkpoint.identity("bits_per_character"))


ADAPTER = CheckpointAdapter(
    family="characters", input_kind="text", open=open_characters, evaluate=evaluate_characters,
    recipes={
        "chars-lstm": Recipe(CharacterOptions(), train_characters),
        "chars-gru": Recipe(CharacterOptions(cell="gru", updates=6500), train_characters),
        "chars-rnn": Recipe(CharacterOptions(cell="rnn", updates=6000, learning_rate=1e-3), train_characters),
    })
