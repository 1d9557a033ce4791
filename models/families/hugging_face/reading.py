"""What each kind of model reads, and how its decoder is called: a picture, a sentence, or a text that is gone on with."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from transformers.modeling_outputs import BaseModelOutput

from unrolled.models.families.hugging_face.decoder import Call

MOST_CLASS_TOKENS = 2  # in front of a picture's cells
TRANSLATORS = ("fsmt", "m2m_100", "marian", "nllb-moe")  # types of encoder-decoders that are for nothing else


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a kind of model is used."""

    # input_kind, task: as `ModelDescription` has them
    input_kind: str
    task: str
    decoder: Callable[[Any], Any]  # the part that is stepped
    call: Callable[[Any], Call]    # makes the `Call` of a step
    # a model and pixels or tokens → what every step looks at, (1, places, features)
    encode: Callable[[Any, Tensor], Tensor] | None = None


def kind_of(model: Any) -> Kind:
    """Of a model of the library."""
    if model.config.model_type == "vision-encoder-decoder":
        return _CAPTIONER
    if model.config.model_type == "blip":
        return _BLIP
    if model.config.is_encoder_decoder:
        return _TRANSLATOR if model.config.model_type in TRANSLATORS else replace(_TRANSLATOR, task="text to text")
    return _LANGUAGE_MODEL


def _seen(model: Any, pixels: Tensor) -> Tensor:
    states: Tensor = model.encoder(pixel_values=pixels).last_hidden_state
    return model.enc_to_dec_proj(states) if hasattr(model, "enc_to_dec_proj") else states


def _understood(model: Any, tokens: Tensor) -> Tensor:
    states: Tensor = model.get_encoder()(input_ids=tokens, attention_mask=torch.ones_like(tokens)).last_hidden_state
    return states


def _with_states(decoder: Any) -> Call:
    return lambda tokens, states, **how: decoder(input_ids=tokens, encoder_hidden_states=states, **how)


_LANGUAGE_MODEL = Kind(
    input_kind="text", task="language model", decoder=lambda model: model.base_model,
    call=lambda model: lambda tokens, states, **how: model(input_ids=tokens, **how))
_TRANSLATOR = Kind(
    input_kind="sentence", task="translation", decoder=lambda model: model.get_decoder(), encode=_understood,
    call=lambda model: lambda tokens, states, **how: model(
        decoder_input_ids=tokens, encoder_outputs=BaseModelOutput(last_hidden_state=states), **how))
_CAPTIONER = Kind(input_kind="picture", task="captioning", decoder=lambda model: model.decoder, encode=_seen,
                  call=lambda model: _with_states(model.decoder))
_BLIP = Kind(input_kind="picture", task="captioning", decoder=lambda model: model.text_decoder,
             encode=lambda model, pixels: model.vision_model(pixel_values=pixels).last_hidden_state,
             call=lambda model: _with_states(model.text_decoder))


def grid_of(places: int, height: int, width: int) -> tuple[int, int, int]:
    """Rows, columns, and what stands in front of them, of the places that a picture of so many pixels was made into.

    A single row where they are no grid of the picture's shape.
    """
    for before in range(MOST_CLASS_TOKENS + 1):
        cells = places - before
        rows = round(math.sqrt(cells * height / width)) if cells > 0 else 0
        if rows and cells % rows == 0 and abs(cells // rows * height - rows * width) <= max(height, width):
            return rows, cells // rows, before
    return 1, places, 0
