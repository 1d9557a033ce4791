"""What a model's settings say of its tokens and of how long it can be: as the library's own `generate` takes it from them."""

from __future__ import annotations

from typing import Any, NamedTuple

from unrolled.models.families.hugging_face.attention import AttentionError

ANY_LENGTH = 2**20  # of a model whose settings name none
UNHEEDED = ("min_length", "min_new_tokens", "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "repetition_penalty",
            "encoder_repetition_penalty", "begin_suppress_tokens", "sequence_bias", "exponential_decay_length_penalty")
NEUTRAL: tuple[Any, ...] = (None, 0, 1, [], {})  # what changes no word


class Settings(NamedTuple):
    """Of one model.

    Attributes
    ----------
    first : int
        The token that the first step reads; -1 where it is the text's own.
    ends : tuple of int
        The tokens after which nothing follows, END first.
    forced : tuple of int
        What is written first, whatever the model prefers.
    suppressed : tuple of int
        What is never written by itself.
    positions : int
        The most tokens that it can read.
    most_in_all, most_new : int or None
        As its settings bound what is written: with what was read before, the first token too, or without.
    unheeded : tuple of str
        What changes the words of its `generate`, and is not done here.
    """

    first: int
    ends: tuple[int, ...]
    forced: tuple[int, ...]
    suppressed: tuple[int, ...]
    positions: int
    most_in_all: int | None
    most_new: int | None
    unheeded: tuple[str, ...]

    def most_steps(self, prompt: int) -> int:
        """Of a run whose first steps read so many tokens behind the first one."""
        if self.most_new is not None:
            return prompt + self.most_new
        return max(ANY_LENGTH if self.most_in_all is None else self.most_in_all - 1, prompt + 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, a sentence."""
        return (f"Its settings for writing are not all heeded: {', '.join(self.unheeded)}. Words are chosen by the model’s own "
                "probabilities.",) if self.unheeded else ()

    @property
    def end(self) -> int:
        """END, or -1."""
        return self.ends[0] if self.ends else -1


def settings_of(model: Any, *, begins_itself: bool) -> Settings:
    """Read from a model's configuration and from that of its `generate`.

    Parameters
    ----------
    begins_itself : bool
        Whether the decoder starts with a token of its own, not with the text's first.

    Raises
    ------
    AttentionError
        Where they do not say with which.
    """
    config = model.config
    said = (model.text_decoder if config.model_type == "blip" else model).generation_config  # whose `generate` it is
    text = config.get_text_config(decoder=True)
    ends = _ends(config, said, text)
    never = [own[0] for own in said.bad_words_ids or () if len(own) == 1] + list(said.suppress_tokens or ())
    forced = said.forced_bos_token_id if begins_itself else None
    unheeded = [name for name in UNHEEDED if getattr(said, name, None) not in NEUTRAL]
    if any(len(own) > 1 for own in said.bad_words_ids or ()):
        unheeded.append("bad_words_ids")
    return Settings(
        first=_first(config, said, text) if begins_itself else -1, ends=ends, forced=() if forced is None else (int(forced),),
        suppressed=tuple(sorted({token for token in never if token not in ends and 0 <= token < text.vocab_size})),
        positions=getattr(text, "max_position_embeddings", 0) or ANY_LENGTH, most_in_all=said.max_length,
        most_new=said.max_new_tokens, unheeded=tuple(unheeded))


def _ends(config: Any, said: Any, text: Any) -> tuple[int, ...]:
    found = said.eos_token_id if said.eos_token_id is not None else text.eos_token_id
    if config.model_type == "blip":
        found = text.sep_token_id
    return tuple(own for own in (found if isinstance(found, list | tuple) else (found,)) if isinstance(own, int))


def _first(config: Any, said: Any, text: Any) -> int:
    if config.model_type == "blip":
        return int(text.bos_token_id)
    named = (said.decoder_start_token_id, getattr(config, "decoder_start_token_id", None), text.bos_token_id)
    found = next((own for own in named if own is not None), None)
    if not isinstance(found, int):
        raise AttentionError("its settings do not say which token its decoder starts with (decoder_start_token_id)")
    return found
