"""A network over characters, stepped: it reads the text that it is given, and writes on."""

from typing import Any

import torch
from torch import Tensor

from unrolled.models.stepping.network_stepper import NetworkStepper, NetworkT
from unrolled.models.stepping.stepper import EncodedInput, InputError, Structure
from unrolled.models.tokenizers.plain_signs import known_text
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity
from unrolled.models.trace.detokenization import shown

LONGEST_TEXT = 100_000  # characters
WRITTEN_AT_MOST = 2_000


class NextCharacterStepper(NetworkStepper[NetworkT]):
    """On one device. Of the network's `step`, `memory` is the text's first character (1, 1), read where there is none before.

    Parameters
    ----------
    network : Module
        A `SteppedNetwork` that has its `Layers` as ``layers``.
    characters : str
        By their tokens.
    """

    def __init__(self, network: NetworkT, *, characters: str, identity: Identity, device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.longest_text, self._characters = LONGEST_TEXT, characters
        layers: Any = network.layers
        self._layers = layers
        self.description = ModelDescription(
            **identity._asdict(), task="characters", channels=layers.channels, words=tuple(characters), start_token=-1,
            end_token=-1, maximum_steps=WRITTEN_AT_MOST, parameters=sum(p.numel() for p in network.parameters()),
            input_kind="text", detokenization="characters")

    @property
    def structure(self) -> Structure:
        structure: Structure = self._layers.structure
        return structure

    def read(self, given: str) -> EncodedInput[Tensor]:
        """Take a text to read; what is not among the characters is left out, which is said. Raises `InputError`."""
        known = self._characters
        text, notes = known_text(given, known.__contains__, longest=self.longest_text,
                                 otherwise="Not among the model's characters, and left out")
        tokens = [known.index(own) for own in text if own in known]
        if not tokens:
            raise InputError("There is no text to read: this model needs a character that it knows to begin with.")
        begins = shown(known[tokens[0]], "characters")
        first = f"The first character, “{begins}”, is what the first step reads: this model begins with one."
        return EncodedInput(memory=torch.tensor([tokens[:1]], device=self.device), prompt_tokens=tuple(tokens[1:]),
                            maximum_steps=len(tokens) + WRITTEN_AT_MOST, notes=(*notes, first), given_input=given)
