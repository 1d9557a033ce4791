"""Opens its checkpoints: ``{model_state, …}``, with config.yaml, src_vocab.txt and trg_vocab.txt beside them."""

from collections.abc import Sequence
from functools import partial

import torch

from unrolled.models.adapters.adapter import Named, PickledAdapter
from unrolled.models.checkpoints.fitting import check_there
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.families.joey_nmt.network import SentenceReader, decoder_of, reader_of
from unrolled.models.families.joey_nmt.reference import JoeyNMTReference
from unrolled.models.families.joey_nmt.search import JoeyNMTBeam
from unrolled.models.families.joey_nmt.settings import (
    Language,
    decoding_of,
    is_first,
    language,
    least_words,
    nested,
    said,
    settings_beside,
    suppressed_tokens,
)
from unrolled.models.protocol.decoding import Decoding
from unrolled.models.stepping.attentional import AttentionalDecoder, AttentionalMemory, AttentionalStepper
from unrolled.models.stepping.stepper import EncodedInput, InputError
from unrolled.models.tokenizers.plain_signs import unseen
from unrolled.models.trace import ModelDescription
from unrolled.models.trace.description import Identity

LONGEST = 300  # words, read or written
FAMILY = "JoeyNMT"
NEEDED = ("src_embed.lut.weight", "trg_embed.lut.weight", "encoder.rnn.weight_hh_l0", "encoder.rnn.weight_hh_l0_reverse",
          "decoder.attention.key_layer.weight", "decoder.att_vector_layer.weight", "decoder.output_layer.weight")
RECOGNISES = Named(("model_state.decoder.rnn.weight_hh_l0", "model_state.decoder.att_vector_layer.weight",
                    "model_state.decoder.attention.key_layer.weight"))


class JoeyNMTStepper(AttentionalStepper):
    """Decoder and encoder, on one device; `longest` is what its settings let it write at most, 0 where they do not say,
    `least` how many words come before END; `first`: JoeyNMT 1 has trained it.
    """

    def __init__(self, network: AttentionalDecoder, encoder: SentenceReader, source: Language, target: Language, *, longest: int,
                 least: int, suppressed_tokens: Sequence[int], scaled: tuple[bool, bool], identity: Identity,
                 decoding: Decoding, first: bool = False, device: str = "cpu") -> None:
        super().__init__(network, device=device, suppressed_tokens=suppressed_tokens, first_state=encoder.first_state)
        self.encoder, self.source, self.target = encoder.to(self.device), source, target
        self.decoding, self._beam = decoding, partial(JoeyNMTBeam, first=first)
        self._longest, self._least, self._scaled = min(longest, LONGEST) or LONGEST, least, scaled
        self.description = ModelDescription(
            **identity._asdict(), task="translation", channels=self.channels(1), words=target.words, start_token=target.start,
            end_token=target.end, maximum_steps=self._longest, encoder=f"{encoder.rnn.mode} that reads both ways",
            suppressed_tokens=tuple(suppressed_tokens), input_kind="sentence", detokenization=target.detokenization,
            parameters=sum(p.numel() for own in (network, encoder) for p in own.parameters()))

    @torch.inference_mode()
    def read(self, given: str) -> EncodedInput[AttentionalMemory]:
        """Read a sentence; several lines are read as one. Raises `InputError` when nothing is in it, or far too much."""
        words = self.source.split(given)
        if not words:
            raise InputError("There is no sentence to translate.")
        if len(words) > LONGEST:
            raise InputError(f"This sentence has {len(words):,} words, and {LONGEST} are the most that can be read; "
                             "translate it in parts.")
        notes = (*self.source.notes, *unseen(word for word in words if word not in self.source.words))
        features = self.encoder(torch.tensor(self._numbers(words), device=self.device))
        return self.encoded(features, self.encoder.first_state(features), (*words, self.source.words[self.source.end]),
                            given=given, maximum_steps=self._longest, least_steps=self._least, notes=notes, beam=self._beam)

    def reference(self) -> JoeyNMTReference:
        return JoeyNMTReference(self.weights(), tokens=lambda sentence: self._numbers(self.source.split(sentence)),
                                begin=self.encoder.begin, scaled=self._scaled)

    def _numbers(self, words: Sequence[str]) -> list[int]:
        """With END behind them."""
        numbers = {word: number for number, word in enumerate(self.source.words)}
        return [*(numbers.get(word, self.source.unknown) for word in words), self.source.end]


def open_translator(source: PickledCheckpoint, device: str) -> JoeyNMTStepper:
    path, theirs = source.path, source.under("model_state.")
    check_there(path, theirs, NEEDED)
    settings = settings_beside(path)
    network = decoder_of(path, theirs, settings)
    encoder = reader_of(path, theirs, settings, network.config)
    source_language = language(path, settings, "src", encoder.embed.num_embeddings)
    target_language = language(path, settings, "trg", network.config.vocabulary)
    longest = nested(settings, "testing", "max_output_length") or nested(settings, "training", "max_output_length")
    attention = "Bahdanau" if "decoder.attention.energy_layer.weight" in theirs else "Luong"
    summary = f"{FAMILY}, {network.config.hidden:,} units, {attention}'s attention"
    return JoeyNMTStepper(
        network, encoder, source_language, target_language, device=device,
        longest=longest if isinstance(longest, int) and longest > 0 else 0, least=least_words(settings),
        suppressed_tokens=suppressed_tokens(settings, target_language), first=is_first(settings), decoding=decoding_of(settings),
        scaled=(bool(nested(settings, "model", "encoder", "embeddings", "scale")),
                bool(nested(settings, "model", "decoder", "embeddings", "scale"))),
        identity=source.identity(f"{said(settings.get('name')) or 'Translator'} · {path.name}", summary))


ADAPTER = PickledAdapter(family=FAMILY, input_kind="sentence", recognises=RECOGNISES, open=open_translator)
