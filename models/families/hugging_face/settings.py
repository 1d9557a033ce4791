"""What a model's settings say of its tokens and of how long it can be: as the library's own `generate` takes it from them."""

from __future__ import annotations

from typing import Any, NamedTuple

from unrolled.models.families.hugging_face.attention import AttentionError

ANY_LENGTH = 2**20  # of a model whose settings name none


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
    """

    first: int
    ends: tuple[int, ...]
    forced: tuple[int, ...]
    suppressed: tuple[int, ...]
    positions: int

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
    config, said = model.config, model.generation_config
    text = config.get_text_config(decoder=True)
    ends = _ends(config, said, text)
    never = [own[0] for own in said.bad_words_ids or () if len(own) == 1] + list(said.suppress_tokens or ())
    forced = said.forced_bos_token_id if begins_itself else None
    return Settings(
        first=_first(config, said, text) if begins_itself else -1, ends=ends, forced=() if forced is None else (int(forced),),
        suppressed=tuple(sorted({token for token in never if token not in ends and 0 <= token < text.vocab_size})),
        positions=getattr(text, "max_position_embeddings", 0) or ANY_LENGTH)


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
