"""Train the scene captioner on scenes drawn on the way: word by word with the true word before.

The scenes are drawn once each, when they are first needed, and read again in another order with other light and grain.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.checkpoints.files import Card
from unrolled.models.data.drawn_scenes import WORDS, Scene, cover, draw_scene
from unrolled.models.data.drawn_shapes import OUTLINES
from unrolled.models.families.shapes.network import ShapesCaptioner, ShapesConfig, resized
from unrolled.models.stepping.teacher_forcing import teacher_forced
from unrolled.models.tokenizers.symbols import SPECIAL, WordTokenizer
from unrolled.models.training.recipe import TrainingReport, TrainingRequest, config_of
from unrolled.models.training.updates import Task, UpdateOptions, Updates

TERMS = "The scenes are drawn by the program itself. These weights: MIT, like the program."
NOTHING = -100  # a target that is none


class ShapesOptions(UpdateOptions, frozen=True, kw_only=True):
    """How the scene captioner is trained; see `UpdateOptions` too."""

    updates: int = 3000
    learning_rate: float = 2e-3
    # size, features, embedding, hidden, attention, dropout: see `ShapesConfig`
    size: int = 96
    features: int = 128
    embedding: int = 64
    hidden: int = 256
    attention: int = 128
    dropout: float = 0.1
    scenes: int = 20_000  # how many different ones
    pictures: int = 64    # in a batch
    # what it costs, beside a word, when attention at the word that names a thing lies outside of the thing's box: minus the
    # logarithm of the share inside. 0 leaves attention to itself
    attention_weight: float = 0.1


def vocabulary() -> WordTokenizer:
    return WordTokenizer((*SPECIAL, *WORDS))


@dataclasses.dataclass(frozen=True, slots=True)
class Drawn:
    """A scene as the network reads it."""

    pixels: Tensor     # uint8, (3, size, size)
    tokens: list[int]  # END last
    # at the step that names a thing (its shape's word), the share of each cell that its box covers, (L,)
    covers: dict[int, Tensor]


def as_read(scene: Scene, words: WordTokenizer, config: ShapesConfig) -> Drawn:
    naming = [place for place, word in enumerate(scene.caption) if word in OUTLINES]
    covers = {place: torch.from_numpy(cover(thing.box, config.side)).flatten()
              for place, thing in zip(naming, scene.things, strict=True)}
    return Drawn(resized(scene.picture, config.size), words.encode(scene.caption), covers)


class ShapesTask(Task):
    def __init__(self, network: ShapesCaptioner, words: WordTokenizer, options: ShapesOptions, *, device: str = "cpu") -> None:
        self.network: ShapesCaptioner = network
        self._words, self._options, self._device = words, options, device
        self._drawn: dict[int, Drawn] = {}

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy in nats a word, and what attention outside of the boxes costs."""
        options = self._options
        random = np.random.default_rng((options.seed, update))
        batch = [self._scene(int(number)) for number in random.integers(0, options.scenes, options.pictures)]
        steps = max(len(drawn.tokens) for drawn in batch)
        targets = torch.full((len(batch), steps), NOTHING)
        covers = torch.zeros(len(batch), steps, self.network.config.side**2)
        for row, drawn in enumerate(batch):
            targets[row, : len(drawn.tokens)] = torch.tensor(drawn.tokens)
            for place, share in drawn.covers.items():
                covers[row, place] = share
        targets, covers = targets.to(self._device), covers.to(self._device)
        first = torch.full_like(targets[:, :1], self._words.start)
        read = torch.cat((first, targets[:, :-1].clamp_min(0)), dim=1)
        pixels = varied(torch.stack([drawn.pixels for drawn in batch]).to(self._device))
        outputs, attention = teacher_forced(self.network, self.network.memory(pixels), read.unsqueeze(1), [1] * steps)
        assert attention is not None
        logits, maps = self.network.logits(outputs[:, 0]), attention[:, 0]                             # (P, T, V), (P, T, L)
        words = F.cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=NOTHING)
        inside = (maps.float() * covers).sum(-1)[covers.sum(-1) > 0]
        outside = -(inside + 1e-4).log().mean()
        loss = words + options.attention_weight * outside
        return loss, {"words": words.item(), "inside": inside.mean().item()}

    def _scene(self, number: int) -> Drawn:
        if number not in self._drawn:
            self._drawn[number] = as_read(draw_scene(number), self._words, self.network.config)
        return self._drawn[number]


def varied(pixels: Tensor) -> Tensor:
    """Other light and grain for each picture, (P, 3, size, size) uint8 → float between 0 and 255."""
    light = torch.empty(len(pixels), 1, 1, 1, device=pixels.device).uniform_(0.9, 1.08)
    grain = torch.empty(len(pixels), 1, 1, 1, device=pixels.device).uniform_(0, 6)
    return (pixels * light + torch.randn(pixels.shape, device=pixels.device) * grain).clamp(0, 255)


def train_shapes(request: TrainingRequest, options: ShapesOptions) -> Iterator[TrainingReport]:
    words = vocabulary()
    config = config_of(ShapesConfig, options, vocabulary=len(words))
    torch.manual_seed(options.seed)
    network = ShapesCaptioner(config).to(request.device)
    updates = Updates(ShapesTask(network, words, options, device=request.device), options, request)
    yield from updates.run()
    guided = (f"attention outside of the named thing's box cost {options.attention_weight:g} × its negative log share"
              if options.attention_weight else "attention was left to itself")
    updates.finish(config, words.words, Card(
        title="Drawn scenes in words, attention LSTM", task="shapes", terms=TERMS,
        data=f"{options.scenes:,} scenes of coloured shapes, drawn by code",
        training=f"{options.updates} updates of {options.pictures} scenes, the encoder trained with the decoder; {guided}; "
                 f"seed {options.seed}."))
