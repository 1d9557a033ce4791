"""The model, stepped: it reads the text that it is given, and writes on."""

from __future__ import annotations

from unrolled.models.families.char_rnn.network import CharRNN
from unrolled.models.families.char_rnn.reference import CharRNNReference
from unrolled.models.stepping.next_character import NextCharacterStepper


class CharRNNStepper(NextCharacterStepper[CharRNN]):
    """With a second computation."""

    def reference(self) -> CharRNNReference:
        return CharRNNReference(self.weights())
