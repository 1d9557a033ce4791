"""What a model's settings say of its tokens, of how long it can be and of what is chosen: as its own `generate` takes it."""

import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import torch
from torch import Tensor

from unrolled.models.families.hugging_face.attention import AttentionError
from unrolled.models.families.hugging_face.decoder import State
from unrolled.models.protocol.decoding import MOST_HYPOTHESES, MOST_PENALTY, Decoding
from unrolled.models.stepping.choosing import Beam

ANY_LENGTH = 2**20  # of a model whose settings name none
NOTHING: tuple[Any, ...] = (None, 0, [], {})  # False, too
UNHEEDED: dict[str, tuple[Any, ...]] = {  # what changes the words of `generate`, and with which values it does not
    **dict.fromkeys((
        "constraints", "force_words_ids", "penalty_alpha", "dola_layers", "diversity_penalty", "watermarking_config",
        "stop_strings", "max_time", "token_healing"), NOTHING),
    **dict.fromkeys(("guidance_scale", "num_beam_groups"), (*NOTHING, 1))}


class Settings(NamedTuple):
    """Of one model."""

    first: int                   # the token that the first step reads; -1 where it is the text's own
    ends: tuple[int, ...]        # the tokens after which nothing follows, END first
    suppressed: tuple[int, ...]  # what is never written by itself
    positions: int               # the most tokens that it can read
    unheeded: tuple[str, ...]    # what changes the words of its `generate`, and is not done here
    decoding: Decoding           # how that chooses words, where they are not drawn
    drawn: bool

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, a sentence each."""
        said = (f"Its settings for writing are not all heeded: {', '.join(self.unheeded)} cannot be had here.",
                "Its own generate draws words (do_sample); here they are chosen as Decoding is set.")
        return tuple(sentence for sentence, there in zip(said, (self.unheeded, self.drawn), strict=True) if there)

    @property
    def end(self) -> int:
        """END, or -1."""
        return self.ends[0] if self.ends else -1


def settings_of(model: Any, *, begins_itself: bool) -> Settings:
    """Read from a model's configuration and from that of its `generate`. `begins_itself`: whether the decoder starts with a
    token of its own, not with the text's first. Raises `AttentionError` where they do not say with which.
    """
    config, said = model.config, _writer(model).generation_config
    text = config.get_text_config(decoder=True)
    ends = _tokens(text.sep_token_id if config.model_type == "blip" else said.eos_token_id)
    never = {own[0] for own in said.bad_words_ids or () if len(own) == 1} - set(ends) | set(said.suppress_tokens or ())
    unheeded = tuple(name for name, neutral in UNHEEDED.items() if getattr(said, name, None) not in neutral)
    width, penalty = said.num_beams or 1, 1.0 if said.length_penalty is None else said.length_penalty
    if width > MOST_HYPOTHESES or not 0 <= penalty <= MOST_PENALTY:
        width, unheeded = 1, (*unheeded, f"num_beams={width} with length_penalty={penalty:g}")
    decoding = Decoding(length_penalty=min(max(float(penalty), 0.0), MOST_PENALTY))
    if width > 1 and not said.do_sample:
        decoding = msgspec.structs.replace(decoding, method="beam", beam_width=width)
    return Settings(
        first=_first(config, said, text) if begins_itself else -1, ends=ends,
        suppressed=tuple(sorted(token for token in never if 0 <= token < text.vocab_size)),
        positions=getattr(text, "max_position_embeddings", 0) or ANY_LENGTH, unheeded=unheeded, decoding=decoding,
        drawn=bool(said.do_sample))


def _writer(model: Any) -> Any:
    """Whose `generate` it is."""
    return model.text_decoder if model.config.model_type == "blip" else model


@dataclass(kw_only=True)
class GenerateBeam(Beam):
    """The search of `generate`: unless `early_stopping` says so, it goes on until nothing that lives can be among the best."""

    early_stopping: bool | str = False

    def sort(self, parents: Any, ends: Any, *, last: bool) -> tuple[list[int], list[int]]:
        _, living = super().sort(parents, ends, last=last)
        return [rank for rank, end in enumerate(ends[: self.width]) if end or last], living

    def over(self, best: float, length: int) -> bool:
        if len(self.finished) < self.width or self.early_stopping is True:
            return len(self.finished) >= self.width
        worst = sorted(own.score for own in self.finished)[-self.width]
        most = self.early_stopping == "never" and self.length_penalty > 0
        return self.score(best, self.most if most else length) <= worst


class Writing:
    """What a model's own `generate` makes of the scores of one run, and where it ends.

    Parameters
    ----------
    read : int
        Tokens that the run begins with, the one that the first step reads among them.
    words : int
        Of its vocabulary.
    source : Tensor, shape (1, tokens), or None
        That its encoder read, or of a language model the prompt.

    Attributes
    ----------
    most : int
        Steps until it is as long as its settings let it be.
    """

    def __init__(self, model: Any, *, read: int, source: Tensor | None, words: int) -> None:
        writer = _writer(model)
        said, text = writer.generation_config, model.config.get_text_config(decoder=True)
        ends = {"eos_token_id": text.sep_token_id} if writer is not model else {}
        config, _ = writer._prepare_generation_config(None, **ends)
        config.do_sample = False
        config.guidance_scale = config.watermarking_config = None
        writer._prepare_special_tokens(config, True, device="cpu")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what a picture has no tokens for
            writer._prepare_generated_length(config, said.max_length is None, said.min_length is None, "input_ids", read, source)
            self._processors = writer._get_logits_processor(
                config, input_ids_seq_length=read, encoder_input_ids=None if source is None else source.cpu(), device="cpu",
                model_kwargs={})
        self._processors(torch.zeros(1, read, dtype=torch.long), torch.zeros(1, words))  # whatever cannot be is said at once
        self.most = max(config.max_length - 1, read)
        self.early_stopping: bool | str = config.early_stopping

    def ranked(self, state: State, log_probs: Tensor, searching: bool) -> Tensor:
        """See `EncodedInput.ranking`: a search is given log-probabilities, and logits are what is chosen by otherwise."""
        if not self._processors:
            return log_probs
        level = 0.0 if searching else state.level.cpu()
        found: Tensor = self._processors(state.tokens.cpu(), (log_probs + level).clone())
        return found - level

    def beam(self, **how: Any) -> GenerateBeam:
        return GenerateBeam(early_stopping=self.early_stopping, **how)


def _tokens(named: Any) -> tuple[int, ...]:
    return tuple(own for own in (named if isinstance(named, list | tuple) else (named,)) if isinstance(own, int))


def _first(config: Any, said: Any, text: Any) -> int:
    if config.model_type == "blip":
        return int(text.bos_token_id)
    named = (said.decoder_start_token_id, said.bos_token_id, getattr(config, "decoder_start_token_id", None), text.bos_token_id)
    found = next((own for own in named if own is not None), None)
    if not isinstance(found, int):
        raise AttentionError("its settings do not say which token its decoder starts with (decoder_start_token_id)")
    return found
