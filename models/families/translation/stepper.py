"""A trained translator that can be stepped, everything that it computes recorded."""

from __future__ import annotations

import torch

from unrolled.models.cells.decoder import Memory
from unrolled.models.families.translation.network import Translator
from unrolled.models.families.translation.reference import TranslatorReference
from unrolled.models.stepping.channels import attention_channels, cell_channels
from unrolled.models.stepping.decoder_stepper import DecoderStepper
from unrolled.models.stepping.stepper import EncodedInput, InputError
from unrolled.models.tokenizers.plain_signs import in_known_signs, unseen
from unrolled.models.tokenizers.subword_tokenizer import SubwordTokenizer
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import UNTRAINED, Identity

LONGEST_SOURCE = 200  # pieces
MARK = "▁"            # of a piece that begins a word


class TranslatorStepper(DecoderStepper[Translator]):
    """The translator with its pieces, on one device; `languages` are from which into which, as ``en``, ``fr``."""

    def __init__(self, network: Translator, source_pieces: SubwordTokenizer, target_pieces: SubwordTokenizer, *,
                 languages: tuple[str, str] = ("", ""), device: str = "cpu", identity: Identity = UNTRAINED) -> None:
        super().__init__(network, suppressed_tokens=(target_pieces.start, target_pieces.unknown), device=device)
        self.source_pieces, self.target_pieces, self.languages = source_pieces, target_pieces, languages
        # The sentence's length is not known yet: the description speaks of one word, the reading of all.
        self._channels = cell_channels(network.config.cell, network.config.hidden)
        self.description = ModelDescription(
            **identity._asdict(), task="translation", channels=self._channels + attention_channels(("source",), (1,)),
            words=target_pieces.words, start_token=target_pieces.start, end_token=target_pieces.end,
            suppressed_tokens=tuple(self.suppressed_tokens),
            maximum_steps=LONGEST_SOURCE, parameters=sum(p.numel() for p in network.parameters()),
            encoder=f"{network.config.cell.upper()} that reads both ways",
            input_kind="sentence", detokenization="pieces")

    @torch.inference_mode()
    def read(self, given: str) -> EncodedInput[Memory]:
        """Read a sentence; several lines are read as one. Raises `InputError` when nothing is in it, or it has more than
        `LONGEST_SOURCE` pieces.
        """
        sentence, replaced = in_known_signs(" ".join(given.split()), self.source_pieces.knows)
        tokens = self.source_pieces.encode(sentence)
        if not tokens:
            raise InputError("There is no sentence to translate.")
        if len(tokens) > LONGEST_SOURCE:
            raise InputError(f"This sentence has {len(tokens):,} pieces of words, and {LONGEST_SOURCE} are the most that "
                             "can be read; translate it in parts.")
        names = self.source_pieces.names(sentence)
        notes = (*replaced, *unseen(name.removeprefix(MARK) for token, name in zip(tokens, names, strict=True)
                                    if token == self.source_pieces.unknown))
        source = torch.tensor([[*tokens, self.source_pieces.end]], device=self.device)              # (1, L)
        memory = self.network.memory(source, torch.tensor([source.shape[1]], device=self.device))
        length = source.shape[1]
        return EncodedInput(memory=memory._replace(mask=None),
                            channels=self._channels + attention_channels(("source",), (length,)),
                            source=(*names, self.source_pieces.words[self.source_pieces.end]),
                            maximum_steps=min(2 * length + 10, LONGEST_SOURCE), notes=notes, given_input=sentence)

    def reference(self) -> TranslatorReference:
        config, pieces = self.network.config, self.source_pieces
        return TranslatorReference(self.weights(), begin=config.begin, temperature=config.temperature,
                                   encode=lambda sentence: [*pieces.encode(sentence), pieces.end])
