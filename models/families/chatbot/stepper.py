"""The chatbot, stepped: it reads a sentence, and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from unrolled.models.families.chatbot.network import SentenceReader, first_state
from unrolled.models.families.chatbot.reference import ChatbotReference
from unrolled.models.families.chatbot.sentences import words_of
from unrolled.models.stepping.attentional import AttentionalDecoder, AttentionalMemory, AttentionalStepper
from unrolled.models.stepping.stepper import EncodedInput, InputError
from unrolled.models.tokenizers.unseen import unseen
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity

MAXIMUM_STEPS = 10   # words of an answer, as the tutorial has it
LONGEST_SENTENCE = 200
START, END = 1, 2


class ChatbotStepper(AttentionalStepper):
    """Decoder and encoder, on one device."""

    def __init__(self, network: AttentionalDecoder, encoder: SentenceReader, words: Sequence[str], numbers: Mapping[str, int], *,
                 identity: Identity, device: str = "cpu") -> None:
        super().__init__(network, device=device)
        self.encoder, self.numbers = encoder.to(self.device), numbers
        self.description = ModelDescription(
            **identity._asdict(), task="conversation", channels=self.channels(1), words=tuple(words), start_token=START,
            end_token=END, maximum_steps=MAXIMUM_STEPS, encoder="GRU that reads both ways", input_kind="sentence",
            parameters=sum(p.numel() for own in (network, encoder) for p in own.parameters()))

    @torch.inference_mode()
    def read(self, given: str) -> EncodedInput[AttentionalMemory]:
        """Read a sentence; words that were not in the training are left out, which is said. Raises `InputError`."""
        words = words_of(given)
        known = [word for word in words if word in self.numbers][:LONGEST_SENTENCE]
        notes = unseen((word for word in words if word not in self.numbers), "left out")
        if not known:
            raise InputError("There is no sentence to answer: this model knows none of its words."
                             if notes else "There is no sentence to answer.")
        tokens = torch.tensor([*(self.numbers[word] for word in known), END], device=self.device)
        features, last = self.encoder(self.network.embed(tokens))
        return self.encoded(features, first_state(last, self.network.config.layers), (*known, self.description.words[END]),
                            given=" ".join(known), maximum_steps=MAXIMUM_STEPS, notes=notes)

    def reference(self) -> ChatbotReference:
        return ChatbotReference(self.weights(), tokens=lambda sentence: [*(self.numbers[word] for word in sentence.split()), END])
