"""A trained clip classifier, ready to be stepped: a frame a step, everything that is computed recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from unrolled.models.cells import CellState
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.data.drawn_clips import clip_file
from unrolled.models.families.clips.network import ClipNetwork
from unrolled.models.families.clips.reference import ClipReference
from unrolled.models.inputs.clips import MOST_FRAMES, Clip, Frames
from unrolled.models.stepping.channels import cell_channels
from unrolled.models.stepping.choosing import select_rows
from unrolled.models.stepping.network_stepper import OnDevice
from unrolled.models.stepping.stepper import EncodedInput, StepRecord, Structure
from unrolled.models.trace import Channel, ModelDescription
from unrolled.models.trace.description import ALL_ABILITIES, UNTRAINED, Identity

NO_TOKEN = -1


class ClipMemory(NamedTuple):
    """What the encoder made of the frames, (T, features)."""

    features: Tensor


class ClipState(NamedTuple):
    """The cell's state, each tensor (1, K, hidden), and which frame comes next, (1, K, 1)."""

    cell: CellState
    frame: Tensor


class ClipStepper(OnDevice[ClipNetwork]):
    """The clip classifier, on one device."""

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
