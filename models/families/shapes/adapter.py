"""The scene captioner: opened from its checkpoint, trained and judged on drawn scenes."""

import torch

from unrolled.models.adapters.adapter import CheckpointAdapter
from unrolled.models.checkpoints.checkpoint import Checkpoint
from unrolled.models.data.drawn_scenes import cover, draw_scene
from unrolled.models.data.drawn_shapes import OUTLINES
from unrolled.models.evaluation.request import Evaluation, EvaluationRequest
from unrolled.models.families.shapes.network import LONGEST, ShapesCaptioner, ShapesConfig, ShapesStepper
from unrolled.models.families.shapes.training import ShapesOptions, train_shapes
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.tokenizers.symbols import TOKENISER, WordTokenizer
from unrolled.models.training.recipe import Recipe

SCENES = 2000
BATCH = 100


@torch.inference_mode()
def evaluate_shapes(stepper: ShapesStepper, request: EvaluationRequest) -> Evaluation:
    """On scenes drawn on the way; captions are written greedily.

    `exact` is the share of captions that are right in every word. `attention_inside` is the mean share of the attention
    that lies inside the named thing's box (a cell that the box covers in part counts in part), at the words that name a
    thing, in the captions that are right; `uniform_inside` is the same of even attention: the share of the picture that
    the boxes take.
    """
    network, vocabulary = stepper.network, stepper.vocabulary
    count = request.limit or SCENES
    exact, inside, even, named = 0, 0.0, 0.0, 0
    for first in range(0, count, BATCH):
        scenes = [draw_scene(number, split=request.split) for number in range(first, min(first + BATCH, count))]
        pixels = torch.stack([network.pixels(scene.picture) for scene in scenes]).to(stepper.device)
        tokens, maps = (own.cpu() for own in network.written(
            pixels, start=vocabulary.start, end=vocabulary.end, barred=stepper.suppressed_tokens, most=LONGEST))
        for row, scene in enumerate(scenes):
            if tuple(vocabulary.decode(tokens[row].tolist())) != tuple(scene.caption):
                continue
            exact += 1
            naming = [place for place, word in enumerate(scene.caption) if word in OUTLINES]
            for place, thing in zip(naming, scene.things, strict=True):
                share = torch.from_numpy(cover(thing.box, network.config.side)).flatten().to(maps)
                inside += float((maps[row, place] * share).sum())
                even += float(share.mean())
                named += 1
        request.say(min(first + BATCH, count), count)
    return Evaluation(data="scenes drawn by code", split=request.split, count=count, beam=1, tokeniser=TOKENISER,
                      metrics={"exact": exact / count, "attention_inside": inside / max(named, 1),
                               "uniform_inside": even / max(named, 1)})


def open_shapes(checkpoint: Checkpoint, device: str, reuse: AnyStepper | None) -> ShapesStepper:
    config = checkpoint.config(ShapesConfig)
    vocabulary = checkpoint.made(lambda: WordTokenizer(checkpoint.header.words))
    checkpoint.check_count(len(vocabulary), config.vocabulary, of="words")
    return ShapesStepper(checkpoint.network(lambda: ShapesCaptioner(config)), vocabulary, device=device,
                         identity=checkpoint.identity("exact", "attention_inside"))


ADAPTER = CheckpointAdapter(family="shapes", input_kind="picture", open=open_shapes, evaluate=evaluate_shapes,
                            recipes={"shapes-attend-lstm": Recipe(ShapesOptions(), train_shapes)})
