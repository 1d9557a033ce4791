"""The scene captioner: opened from its checkpoint, trained and judged on drawn scenes."""

from __future__ import annotations

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.families.shapes.evaluation import evaluate_shapes
from unrolled.models.families.shapes.network import ShapesCaptioner, ShapesConfig
from unrolled.models.families.shapes.stepper import ShapesStepper
from unrolled.models.families.shapes.training import ShapesOptions, train_shapes
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.word_tokenizer import WordTokenizer
from unrolled.models.training.recipe import Recipe


def open_shapes(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> ShapesStepper:
    config = checkpoint.config(ShapesConfig)
    vocabulary = checkpoint.made(lambda: WordTokenizer(checkpoint.header.words))
    checkpoint.check_count(len(vocabulary), config.vocabulary, of="words")
    return ShapesStepper(checkpoint.network(lambda: ShapesCaptioner(config)), vocabulary, device=device,
                         identity=checkpoint.identity("exact", "attention_inside"))


ADAPTER = CheckpointAdapter(family="shapes", input_kind="picture", open=open_shapes, evaluate=evaluate_shapes,
                            recipes={"shapes-attend-lstm": Recipe(ShapesOptions(), train_shapes)})
