"""The model, stepped: it reads the text that it is given, and writes on."""

from __future__ import annotations

import torch
from torch import Tensor

from unrolled.models.families.char_rnn.network import CHARACTERS, CharRNN
from unrolled.models.families.char_rnn.reference import CharRNNReference
from unrolled.models.stepping.layers import layer_channels
from unrolled.models.stepping.network_stepper import NetworkStepper
from unrolled.models.stepping.stepper import EncodedInput, InputError
from unrolled.models.tokenizers.unseen import known_text
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity

LONGEST_TEXT = 100_000  # characters
WRITTEN_AT_MOST = 2_000


class CharRNNStepper(NetworkStepper[CharRNN]):
    """On one device."""

    def __init__(self, network: CharRNN, *, identity: Identity, device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.longest_text = LONGEST_TEXT
        lengths = network.lengths
        self.description = ModelDescription(
            **identity._asdict(), task="characters", channels=layer_channels(lengths.cell, lengths.hidden, lengths.layers),
            words=tuple(CHARACTERS), start_token=-1, end_token=-1, maximum_steps=WRITTEN_AT_MOST,
            parameters=sum(p.numel() for p in network.parameters()), input_kind="text", detokenization="characters")

    def read(self, given: str) -> EncodedInput[Tensor]:
        """Take a text to read; what is not among the characters is left out, which is said. Raises `InputError`."""
        text, notes = known_text(given, CHARACTERS.__contains__, longest=self.longest_text,
                                 otherwise="Not among the model's characters, and left out")
        tokens = [CHARACTERS.index(own) for own in text if own in CHARACTERS]
        if not tokens:
            raise InputError("There is no text to read: this model knows ASCII characters, and needs one to begin with.")
        first = f"The first character, “{CHARACTERS[tokens[0]]}”, is what the first step reads: this model begins with one."
        return EncodedInput(memory=torch.tensor([tokens[:1]], device=self.device), prompt_tokens=tuple(tokens[1:]),
                            maximum_steps=len(tokens) + WRITTEN_AT_MOST, notes=(*notes, first), given_input=given)

    def reference(self) -> CharRNNReference:
        return CharRNNReference(self.weights(), kind=self.network.lengths.cell)
