"""Video classification: a small CNN reads each frame, a recurrent cell remembers, and every step scores the labels.

The lecture's per-frame video classification (many to many) and video classification (many to one) are one network; what
differs is at which steps its answer is asked for. See Donahue et al. 2015, "Long-term Recurrent Convolutional Networks".

Shapes: T frames, B clips, V labels.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.cells import CellState, CellStep, first_state, make_cell, run_sequence, state_of
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.data.drawn_clips import clip_file
from unrolled.models.families.clips.reference import ClipReference
from unrolled.models.inputs.frame_stack import MOST_FRAMES, Clip, Frames
from unrolled.models.stepping.choosing import select_rows
from unrolled.models.stepping.layers import cell_channels
from unrolled.models.stepping.network_stepper import OnDevice
from unrolled.models.stepping.stepper import EncodedInput, StepRecord, Structure
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import ALL_ABILITIES, UNTRAINED, Identity

GLIMPSE = 20       # pixels, a side
GLIMPSE_RADII = 1.2
POINT_SCALE = 4.0  # places lie between -1 and 1, and what matters are their small changes
NO_TOKEN = -1


class ClipConfig(msgspec.Struct, frozen=True, kw_only=True):
    labels: int                                    # how many there are, V
    cell: str = "lstm"                             # rnn, lstm, gru
    size: int = 64                                 # height and width in pixels that a frame is resized to
    channels: tuple[int, int, int] = (16, 32, 32)  # of the encoder's three layers
    points: int = 24                               # how many things the encoder looks for in a frame, and says where they are
    # features, hidden: the lengths of a frame's vector and of the state
    features: int = 192
    hidden: int = 192
    dropout: float = 0.1                           # while training only
    every_frame: bool = True                       # whether each step's label is an answer; otherwise only the last one's is
    # without it the state is set back before every frame: the control, which shows what can be told without memory
    recurrent: bool = True


def points_of(maps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Where each map is high: the mean place of its softmax ("spatial softmax", Finn et al. 2016), and how far it spreads.

    Parameters
    ----------
    maps : Tensor, shape (N, points, height, width)

    Returns
    -------
    x, y : Tensor, shape (N, points)
        From -1 to 1.
    spread_x, spread_y : Tensor, shape (N, points)
        Standard deviations around them.
    """
    height, width = maps.shape[2:]
    share = maps.float().flatten(2).softmax(-1).view(*maps.shape[:2], height, width)                  # (N, points, height, width)
    found = []
    for profile, length in ((share.sum(2), width), (share.sum(3), height)):
        place = ((torch.arange(length, device=maps.device) + 0.5) / length * 2 - 1).expand_as(profile)
        mean = (profile * place).sum(-1)
        found.append((mean, ((profile * place.square()).sum(-1) - mean.square()).clamp_min(1e-6).sqrt()))
    (x, spread_x), (y, spread_y) = found
    return x, y, spread_x, spread_y


def glimpse(frames: Tensor, places: Tensor) -> Tensor:
    """Cut out what is around places, made equally large: (N, 3, GLIMPSE, GLIMPSE).

    Parameters
    ----------
    frames : Tensor, shape (N, 3, size, size)
    places : Tensor, shape (N, 3)
        Middle across and down, and radius, as fractions of a side.
    """
    middle, radius = 2 * places[:, :2] - 1, places[:, 2].clamp(0.05, 0.5)
    scale = torch.diag_embed((2 * GLIMPSE_RADII * radius).unsqueeze(1).expand(-1, 2))          # (N, 2, 2)
    grid = F.affine_grid(torch.cat((scale, middle.unsqueeze(2)), dim=2), [len(frames), 3, GLIMPSE, GLIMPSE],
                         align_corners=False)
    return F.grid_sample(frames.float(), grid, padding_mode="border", align_corners=False)


def _layer(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2), nn.ReLU(inplace=True))


class ClipNetwork(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        fine, middle, coarse = config.channels
        self.encoder = nn.Sequential(_layer(3, fine, 5, 2), _layer(fine, middle, 3, 2), _layer(middle, coarse, 3, 1),
                                     nn.Conv2d(coarse, config.points, 1)).to(memory_format=torch.channels_last)
        self.locate = nn.Linear(4 * config.points, 3)
        self.look = nn.Sequential(_layer(3, fine, 3, 1), _layer(fine, middle, 3, 2), nn.Flatten(),
                                  nn.Linear(middle * (GLIMPSE // 2) ** 2, config.features), nn.ReLU(inplace=True))
        self.orient = nn.Sequential(nn.Linear(config.features, config.features), nn.ReLU(inplace=True),
                                    nn.Linear(config.features, 2))
        self.project = nn.Linear(2 + 4 * config.points + config.features, config.features)
        self.cell = make_cell(config.cell, config.features, config.hidden)
        self.score = nn.Linear(config.hidden, config.labels)
        self.dropout = nn.Dropout(config.dropout)

    def read(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read frames: where the thing is, and what it looks like there (a glimpse, as of Jaderberg et al. 2015). `frames` (N,
        3, size, size): uint8, or such as floats.

        Returns
        -------
        features : Tensor, shape (N, features)
        places : Tensor, shape (N, 3)
            The thing's middle across and down, and its radius, as fractions of a side.
        turns : Tensor, shape (N, 2)
            Cosine and sine of its angle, times the number of ways in which it looks the same.
        """
        dtype = self.score.weight.dtype
        scaled = (frames.to(dtype) / 127.5 - 1.0).contiguous(memory_format=torch.channels_last)
        found = POINT_SCALE * torch.cat(points_of(self.encoder(scaled)), dim=-1)               # (N, 4 · points)
        places: Tensor = self.locate(found).float()
        seen = self.look(glimpse(scaled, places.detach()))
        turns: Tensor = self.orient(seen)
        features: Tensor = self.project(torch.cat((found.to(seen.dtype), seen, POINT_SCALE * turns), dim=-1))
        return features, places, turns.float()

    def start(self, *shape: int) -> CellState:
        """The state before the first frame, zeros: each tensor (*shape, hidden)."""
        return first_state(self.cell, *shape, device=self.score.weight.device)

    def step(self, features: Tensor, state: CellState, hook: Hook = identity) -> tuple[CellState, CellStep, Tensor]:
        """Read a frame's vector (..., features): the new state, all that was computed, the scores (..., V)."""
        if not self.config.recurrent:
            state = tuple(torch.zeros_like(part) for part in state)
        step = self.cell(hook("frame_vector", features), *state, hook=hook)
        return state_of(self.cell, step), step, hook("logits", self.score(step.hidden))

    def clips(self, frames: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Whole clips, (T, B, 3, size, size), at once.

        Returns
        -------
        scores : Tensor, shape (T, B, V)
            After every frame.
        places, turns : Tensor, shapes (T, B, 3) and (T, B, 2)
            See `read`.
        """
        steps, clips = frames.shape[:2]
        features, places, turns = self.read(frames.flatten(0, 1))
        features = self.dropout(features).view(steps, clips, -1)                         # (T, B, features)
        if self.config.recurrent:
            hidden, _ = run_sequence(self.cell, features, self.start(clips))
        else:
            flat = features.flatten(0, 1)
            hidden = self.cell(flat, *self.start(len(flat))).hidden.view(steps, clips, -1)
        logits: Tensor = self.score(self.dropout(hidden))
        return logits, places.view(steps, clips, -1), turns.view(steps, clips, -1)

    def answers(self, logits: Tensor) -> Tensor:
        """What counts of the scores (T, B, V): all of them, or one for each clip, (1, B, V).

        Where one is asked for, it is the last frame's. The control, to which the last frame alone says nothing, may
        take the mean over all frames.
        """
        if self.config.every_frame:
            return logits
        return logits[-1:] if self.config.recurrent else logits.mean(0, keepdim=True)


class ClipMemory(NamedTuple):
    """What the encoder made of the frames, (T, features)."""

    features: Tensor


class ClipState(NamedTuple):
    """The cell's state, each tensor (1, K, hidden), and which frame comes next, (1, K, 1)."""

    cell: CellState
    frame: Tensor


class ClipStepper(OnDevice[ClipNetwork]):
    def __init__(self, network: ClipNetwork, labels: Sequence[str], *, device: str = "cpu",
                 identity: Identity = UNTRAINED) -> None:
        super().__init__(network, device=device)
        config = network.config
        kind = "frames" if config.every_frame else "clip"
        self.draw = lambda number: clip_file(kind, number)
        self.labels = tuple(labels)
        probability = Channel(name="label_probability", role="label_probability", symbol="p", axes=("label",),
                              shape=(len(labels),), low=0.0, high=1.0, labels=self.labels)
        self.description = ModelDescription(
            **identity._asdict(), task=kind,
            channels=(*cell_channels(config.cell, config.hidden), probability), words=self.labels, start_token=NO_TOKEN,
            end_token=NO_TOKEN, maximum_steps=MOST_FRAMES, input_size=(config.size, config.size),
            parameters=sum(p.numel() for p in network.parameters()), encoder="a small CNN, trained with it", input_kind="clip",
            detokenization="labels" if config.every_frame else "last label", draws="clip",
            can=ALL_ABILITIES - {"search"})

    @torch.inference_mode()
    def read(self, given: Clip) -> EncodedInput[ClipMemory]:
        """Read all frames: each is resized straight to the network's square."""
        pixels = torch.from_numpy(resized(given.frames, self.network.config.size)).to(self.device)
        return EncodedInput(memory=ClipMemory(self.network.read(pixels)[0]), maximum_steps=len(pixels), given_input=given)

    def start(self, memory: ClipMemory) -> ClipState:
        return ClipState(self.network.start(1, 1), torch.zeros(1, 1, 1, dtype=torch.long, device=self.device))

    def step(self, memory: ClipMemory, state: ClipState, tokens: Sequence[int],
             hook: Hook = identity) -> tuple[ClipState, StepRecord]:
        """Read the next frame; what was said of the frame before plays no part."""
        features = memory.features[state.frame[..., 0]]                                        # (1, K, features)
        cell, step, logits = self.network.step(features, state.cell, hook)
        log_probs = torch.log_softmax(logits, dim=-1)                                          # (1, K, V)
        packed = torch.cat((log_probs, *step, log_probs.exp()), dim=-1).flatten(0, 1)          # (K, V + total)
        return ClipState(cell, state.frame + 1), StepRecord(packed, len(self.labels))

    def reference(self) -> ClipReference:
        config = self.network.config
        return ClipReference(self.weights(), size=config.size, recurrent=config.recurrent)

    @property
    def structure(self) -> Structure:
        return Structure(self.network.cell, (("frame", self.network.config.features),))

    def differentiable(self, memory: ClipMemory, rows: int) -> tuple[ClipMemory, None]:
        """The frames are read one a step, through ``frame_vector``; there is nothing that every step looks at."""
        return ClipMemory(memory.features.clone()), None

    def select(self, state: ClipState, rows: Tensor) -> ClipState:
        *cell, frame = select_rows((*state.cell, state.frame), rows)
        return ClipState(tuple(cell), frame)


def resized(frames: Frames, size: int) -> np.ndarray[tuple[int, int, int, int], np.dtype[np.uint8]]:
    """Frames (T, height, width, 3) as squares, (T, 3, size, size), uint8."""
    if frames.shape[1:3] == (size, size):
        squares = frames
    else:
        squares = np.stack([np.asarray(Image.fromarray(frame).resize((size, size), Image.Resampling.BICUBIC, reducing_gap=3))
                            for frame in frames])
    return np.ascontiguousarray(squares.transpose(0, 3, 1, 2))
