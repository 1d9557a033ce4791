"""What a model's settings say of its tokens and of how long it can be: as the library's own `generate` takes it from them."""

from typing import Any, NamedTuple

from unrolled.models.families.hugging_face.attention import AttentionError

ANY_LENGTH = 2**20  # of a model whose settings name none
NEW_TOKENS = 20     # that `generate` writes where they do not say how many
NOTHING: tuple[Any, ...] = (None, 0, [], {})  # False, too
UNHEEDED: dict[str, tuple[Any, ...]] = {  # what changes the words of `generate`, and with which values it does not
    **dict.fromkeys((
        "no_repeat_ngram_size", "encoder_no_repeat_ngram_size", "begin_suppress_tokens", "sequence_bias", "constraints",
        "exponential_decay_length_penalty", "force_words_ids", "penalty_alpha", "dola_layers", "diversity_penalty",
        "watermarking_config", "stop_strings", "max_time", "token_healing"), NOTHING),
    **dict.fromkeys(("repetition_penalty", "encoder_repetition_penalty", "guidance_scale", "num_beam_groups"), (*NOTHING, 1))}
CHOSEN: dict[str, tuple[Any, ...]] = {"num_beams": (*NOTHING, 1), "do_sample": NOTHING}  # what a person chooses here


class Settings(NamedTuple):
    """Of one model."""

    first: int                   # the token that the first step reads; -1 where it is the text's own
    ends: tuple[int, ...]        # the tokens after which nothing follows, END first
    forced: tuple[int, ...]      # what is written first, whatever the model prefers, where one token alone has been read
    suppressed: tuple[int, ...]  # what is never written by itself
    positions: int               # the most tokens that it can read
    # most_in_all, most_new: as its settings bound what is written: with what was read before, the first token too, or
    # without
    most_in_all: int | None
    most_new: int | None
    # least_in_all, least_new: END is not written before, counted alike; of both the latter holds
    least_in_all: int
    least_new: int | None
    last: int                    # what it writes where it would become too long, or -1
    # unheeded, chosen: what changes the words of its `generate`, and is not done here; how that chooses words, where not the
    # most probable ones
    unheeded: tuple[str, ...]
    chosen: tuple[str, ...]

    def most_steps(self, prompt: int) -> int:
        """Of a run whose first steps read so many tokens behind the first one."""
        if self.most_new is not None:
            return prompt + self.most_new
        usual = min(prompt + NEW_TOKENS, self.positions - 1)
        return max(usual if self.most_in_all is None else self.most_in_all - 1, prompt + 1)

    def least_steps(self, prompt: int) -> int:
        """Before END, of such a run."""
        return self.least_in_all - 1 if self.least_new is None else prompt + self.least_new

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know, a sentence each."""
        said = ((self.unheeded, "Its settings for writing are not all heeded: {}. Words are chosen by the model’s own "
                                "probabilities."),
                (self.chosen, "Its own generate uses {}; here words are chosen as Decoding is set."))
        return tuple(sentence.format(", ".join(names)) for names, sentence in said if names)

    @property
    def end(self) -> int:
        """END, or -1."""
        return self.ends[0] if self.ends else -1


def settings_of(model: Any, *, begins_itself: bool) -> Settings:
    """Read from a model's configuration and from that of its `generate`. `begins_itself`: whether the decoder starts with a
    token of its own, not with the text's first. Raises `AttentionError` where they do not say with which.
    """
    config = model.config
    said = (model.text_decoder if config.model_type == "blip" else model).generation_config  # whose `generate` it is
    text = config.get_text_config(decoder=True)
    ends = _tokens(text.sep_token_id if config.model_type == "blip" else said.eos_token_id)
    never = {own[0] for own in said.bad_words_ids or () if len(own) == 1} - set(ends) | set(said.suppress_tokens or ())
    unheeded = [name for name, neutral in UNHEEDED.items() if getattr(said, name, None) not in neutral]
    chosen = tuple(f"{name}={value}" for name, neutral in CHOSEN.items() if (value := getattr(said, name, None)) not in neutral)
    forced, last = said.forced_bos_token_id, _tokens(said.forced_eos_token_id)
    if any(len(own) > 1 for own in said.bad_words_ids or ()):
        unheeded.append("bad_words_ids")
    return Settings(
        first=_first(config, said, text) if begins_itself else -1, ends=ends, forced=() if forced is None else (int(forced),),
        suppressed=tuple(sorted(token for token in never if 0 <= token < text.vocab_size)),
        positions=getattr(text, "max_position_embeddings", 0) or ANY_LENGTH, most_in_all=said.max_length,
        most_new=said.max_new_tokens, least_in_all=said.min_length or 0, least_new=said.min_new_tokens,
        last=min(last, default=-1), unheeded=tuple(unheeded), chosen=chosen)


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
