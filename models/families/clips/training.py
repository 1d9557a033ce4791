"""Train a clip classifier on clips drawn on the way, each drawn once and read again in other light and grain."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from unrolled.models.checkpoints.files import Card, stored_weights
from unrolled.models.checkpoints.fitting import fitted
from unrolled.models.data.drawn_clips import LABELS, SIDE, DrawnClip, draw_clip
from unrolled.models.families.clips.network import ClipConfig, ClipNetwork
from unrolled.models.training.recipe import TrainingReport, TrainingRequest, config_of
from unrolled.models.training.updates import Task, UpdateOptions, Updates

TERMS = "The clips are drawn by the program itself. These weights: MIT, like the program."
LENGTHS = (16, 20, 24, 28)  # frames


class ClipOptions(UpdateOptions, frozen=True, kw_only=True):
    """How a clip classifier is trained; see `UpdateOptions` too."""

    updates: int = 8000
    learning_rate: float = 2e-3
    clip_norm: float = 5.0
    # cell, features, hidden, dropout, every_frame, recurrent: see `ClipConfig`
    cell: str = "lstm"
    features: int = 192
    hidden: int = 192
    dropout: float = 0.1
    every_frame: bool = True
    recurrent: bool = True
    # a checkpoint of the same lengths whose weights it begins with: what sees a movement in a frame and the one before can
    # be taken from the classifier of frames
    start_from: str = ""
    clips: int = 12_000  # how many different ones
    batch: int = 16      # clips
    # place_weight, turn_weight: what it costs, beside a wrong label, that the network is mistaken in where the thing is and
    # how it is turned: times the mean square of the error
    place_weight: float = 10.0
    turn_weight: float = 1.0


def kind_of(config: ClipConfig | ClipOptions) -> str:
    return "frames" if config.every_frame else "clip"


def as_tensor(clips: Sequence[DrawnClip], *, every_frame: bool) -> tuple[Tensor, Tensor]:
    """Clips of one length: frames (T, B, 3, SIDE, SIDE), uint8, and the labels to be given, (T, B) or (1, B)."""
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips], axis=1)).permute(0, 1, 4, 2, 3)
    labels = [clip.labels if every_frame else (clip.label,) for clip in clips]
    return frames, torch.tensor(labels).T


class ClipTask(Task):
    def __init__(self, network: ClipNetwork, options: ClipOptions, *, device: str = "cpu") -> None:
        self.network: ClipNetwork = network
        self._options, self._device = options, device
        self._drawn: dict[int, DrawnClip] = {}

    def loss(self, update: int) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy in nats an answer."""
        options = self._options
        random = np.random.default_rng((options.seed, update))
        group = int(random.integers(len(LENGTHS)))  # clips of one length share a batch
        numbers = random.integers(0, options.clips // len(LENGTHS), options.batch) * len(LENGTHS) + group
        clips = [self._clip(int(number)) for number in numbers]
        frames, labels = as_tensor(clips, every_frame=options.every_frame)
        frames, labels = frames.to(self._device), labels.to(self._device)
        true_places, true_turns = (torch.from_numpy(np.stack(of, axis=1)).to(self._device)     # (T, B, 3) and (T, B, 2)
                                   for of in ([clip.places for clip in clips], [clip.turns for clip in clips]))
        logits, places, turns = self.network.clips(varied(frames))
        answers = self.network.answers(logits).float()
        misplaced = (places.float() - true_places).square().mean()
        misturned = ((turns - true_turns) * true_turns.any(-1, keepdim=True)).square().mean()
        if not options.every_frame and options.recurrent:
            # One answer a clip teaches slowly: on the way there the network learns to say what was done up to here.
            so_far = torch.tensor([clip.so_far for clip in clips], device=self._device).T              # (T, B)
            on_the_way = F.cross_entropy(logits.float().flatten(0, 1), so_far.flatten())
        else:
            on_the_way = torch.zeros((), device=self._device)
        loss = (F.cross_entropy(answers.flatten(0, 1), labels.flatten()) + on_the_way
                + options.place_weight * misplaced + options.turn_weight * misturned)
        right = (answers.argmax(-1) == labels).float().mean()
        return loss, {"loss": loss.item(), "misplaced": misplaced.sqrt().item(),
                      "misturned": misturned.sqrt().item(), "accuracy": right.item()}

    def _clip(self, number: int) -> DrawnClip:
        if number not in self._drawn:
            self._drawn[number] = draw_clip(kind_of(self._options), number, length=LENGTHS[number % len(LENGTHS)])
        return self._drawn[number]


def varied(frames: Tensor) -> Tensor:
    """Other light and grain for each clip, (T, B, 3, size, size) uint8 → float between 0 and 255."""
    clips = frames.shape[1]
    light = torch.empty(clips, 1, 1, 1, device=frames.device).uniform_(0.85, 1.1)
    grain = torch.empty(clips, 1, 1, 1, device=frames.device).uniform_(0, 5)
    noise = torch.randn(frames.shape[1:], device=frames.device)  # the same in all frames: it stands still
    return (frames * light + noise * grain).clamp(0, 255)


def train_clips(request: TrainingRequest, options: ClipOptions) -> Iterator[TrainingReport]:
    config = config_of(ClipConfig, options, labels=len(LABELS), size=SIDE)
    torch.manual_seed(options.seed)
    begun = Path(options.start_from) if options.start_from else None
    network = (ClipNetwork(config) if begun is None else fitted(begun, lambda: ClipNetwork(config), stored_weights(begun))).to(
        request.device)
    updates = Updates(ClipTask(network, options, device=request.device), options, request)
    yield from updates.run()
    asked = "a label at every frame" if options.every_frame else "one label at the end"
    updates.finish(config, LABELS, Card(
        title=f"Clips, {asked}, {options.cell.upper()}", task="frames" if options.every_frame else "clip", terms=TERMS,
        data=f"{options.clips:,} clips of shapes and digits that do something, drawn by code",
        training=f"{options.updates} updates of {options.batch} clips of {LENGTHS[0]} to {LENGTHS[-1]} frames, the encoder "
                 f"trained with the cell and told where the thing is and how it is turned; seed {options.seed}."))
