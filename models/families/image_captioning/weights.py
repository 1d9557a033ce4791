"""Theirs and ours: the tensors of a checkpoint by the names of our networks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from unrolled.models.checkpoints.files import misfit
from unrolled.models.checkpoints.fitting import check_there, fitted, of_shapes, renamed
from unrolled.models.families.image_captioning.network import Att2in2, Lengths, UpDown

BOTH = {"embed.": "embed.0.", "places.": "att_embed.", "score.": "logit.", "attend.features_to_size.": "ctx2att.",
        "attend.hidden_to_size.": "core.attention.h2att.", "attend.score.": "core.attention.alpha_net."}
UPDOWN = BOTH | {"whole.": "fc_embed.0.", "lower.": "core.att_lstm.", "upper.": "core.lang_lstm."}
ATT2IN2 = ("core.i2h.weight", "core.i2h.bias", "core.h2h.weight", "core.h2h.bias", "core.a2c.weight", "core.a2c.bias")


def lengths_of(path: Path, theirs: Mapping[str, Tensor]) -> Lengths:
    """Raises `CheckpointError` where they cannot be told."""
    before, behind = "att_embed.0.running_mean" in theirs, "att_embed.4.running_mean" in theirs
    wanted = ("embed.0.weight", f"att_embed.{int(before)}.weight", "core.attention.h2att.weight", "ctx2att.weight",
              "logit.weight", "core.attention.alpha_net.weight", *(("fc_embed.0.weight",) if _two(theirs) else ()))
    check_there(path, theirs, wanted)
    odd = next((name for name in wanted if theirs[name].ndim != 2), "")
    if odd:
        raise misfit(path, f"“{odd}” is {tuple(theirs[odd].shape)}")
    vocabulary, embedding = theirs["embed.0.weight"].shape
    hidden, features = theirs[f"att_embed.{int(before)}.weight"].shape
    whole = theirs["fc_embed.0.weight"].shape[1] if _two(theirs) else features
    return Lengths(vocabulary, embedding, hidden, features, len(theirs["ctx2att.weight"]), whole, (before, behind))


def captioner(path: Path, theirs: Mapping[str, Tensor]) -> Att2in2 | UpDown:
    """The network with these weights. Raises `CheckpointError`."""
    lengths, named = lengths_of(path, theirs), dict(theirs)
    hidden_bias = named.pop("core.attention.h2att.bias", None)
    named.pop("core.attention.alpha_net.bias", None)  # of scores: it changes no softmax
    if hidden_bias is None or hidden_bias.shape != (lengths.attention,) or named.get(
            "ctx2att.bias", hidden_bias[:0]).shape != hidden_bias.shape:
        raise misfit(path, "its attention's two layers differ in length")
    named["ctx2att.bias"] = named["ctx2att.bias"] + hidden_bias  # both of attention's layers have one: their sum is ours
    if _two(theirs):
        return fitted(path, lambda: UpDown(lengths), renamed(path, named, UPDOWN), UPDOWN)
    own = renamed(path, {name: value for name, value in named.items() if name not in ATT2IN2}, BOTH)
    return fitted(path, lambda: Att2in2(lengths), own | _cell(path, named, lengths), BOTH)


def _two(theirs: Mapping[str, Tensor]) -> bool:
    return "core.lang_lstm.weight_hh" in theirs


def _cell(path: Path, theirs: Mapping[str, Tensor], lengths: Lengths) -> dict[str, Tensor]:
    """One cell of three layers: of the word, of the state, and of what was attended to, which only the candidate reads."""
    size = lengths.hidden
    shapes = ((5 * size, lengths.embedding), (5 * size,), (5 * size, size), (5 * size,), (2 * size, size), (2 * size,))
    word, word_bias, state, state_bias, context, context_bias = of_shapes(path, theirs, dict(zip(ATT2IN2, shapes, strict=True)))
    gates = torch.zeros(3 * size, size)
    return {"cell.weight_ih": torch.cat((word, torch.cat((gates, context))), dim=1), "cell.weight_hh": state,
            "cell.bias_ih": word_bias + torch.cat((gates[:, 0], context_bias)), "cell.bias_hh": state_bias}
