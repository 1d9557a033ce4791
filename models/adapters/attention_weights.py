"""The equations of torch's attention: the weights of every head, and what they attend to.

Arguments have the names that torch's functions give them. Masked places weigh 0; a row that may look at nothing is as torch
has it: 0, and not a number where multi-head attention is asked for its weights.
"""

import inspect
import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.adapters.captured import Quantity
from unrolled.models.cells.hook import Hook, identity

_SIGNATURE = inspect.signature(nn.MultiheadAttention.forward)
_ALL = slice(None)


def scaled_dot_product(given: Mapping[str, Any], dtype: torch.dtype, place: slice = _ALL,
                       hook: Hook = identity) -> tuple[Tensor, Tensor]:
    """Of `F.scaled_dot_product_attention` without dropout: what it returns, (B, heads, T, E), and the weights, (B, heads, T, S).

    `place` takes some sequences of the batch; the computation is in `dtype`. Scores and weights pass through `hook` as in
    `multi_head`.
    """
    q, k, v = (batch_of_heads(given[name])[place].to(dtype) for name in ("query", "key", "value"))
    if given["enable_gqa"]:
        k, v = (part.repeat_interleave(q.shape[1] // part.shape[1], 1) for part in (k, v))
    scores = (q @ k.transpose(-1, -2)) * (1.0 / math.sqrt(q.shape[-1]) if given["scale"] is None else given["scale"])
    if given["is_causal"]:
        scores = scores.masked_fill(torch.ones_like(scores[0, 0], dtype=torch.bool).triu(1), -torch.inf)
    mask = given["attn_mask"]
    if mask is not None:
        mask = batch_of_heads(mask.expand(*given["query"].shape[:-1], mask.shape[-1]))[place]
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = hook("attention", _softmax(hook("attention_scores", scores)))
    return weights @ v, weights


def batch_of_heads(values: Tensor) -> Tensor:
    """(B, heads, T, E) of the scaled dot product's own axes, which may lack heads or batch, or have several for heads."""
    if values.dim() < 4:
        return values[:, None] if values.dim() == 3 else values[None, None]
    return values.flatten(1, -3)


def multi_head(given: Mapping[str, Any], dtype: torch.dtype, hook: Hook = identity, place: slice = _ALL) -> tuple[Tensor, Tensor]:
    """Of `F.multi_head_attention_forward` without dropout: what it returns, (T, B, E), and the weights, (B, heads, T, S).

    The scores of all heads pass through `hook` as ``attention_scores``, the weights as ``attention``. `place` takes some
    sequences of the batch; the computation is in `dtype`.
    """
    query, key, value = (batch_second(given[name])[:, place].to(dtype) for name in ("query", "key", "value"))
    q, k, v = (part.reshape(*part.shape[:2], given["num_heads"], -1).permute(1, 2, 0, 3)
               for part in _projected(given, query, key, value))                                      # (B, heads, T, d)
    extra = int(given["bias_k"] is not None) + int(given["add_zero_attn"])
    if given["add_zero_attn"]:
        k, v = F.pad(k, (0, 0, 0, 1)), F.pad(v, (0, 0, 0, 1))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])                                         # (B, heads, T, S)
    for mask in _masks(given, place):
        mask = F.pad(mask, (0, extra))
        scores = scores.masked_fill(mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    scores = hook("attention_scores", scores)
    weights = hook("attention", scores.softmax(-1) if given["need_weights"] else _softmax(scores))
    joined = (weights @ v).permute(2, 0, 1, 3).flatten(2)
    bias = given["out_proj_bias"]
    return F.linear(joined, given["out_proj_weight"].to(dtype), None if bias is None else bias.to(dtype)), weights


def batch_second(values: Tensor) -> Tensor:
    """(T, B, E) of one sequence or of a batch."""
    return values if values.dim() == 3 else values.unsqueeze(1)


def _projected(given: Mapping[str, Any], *parts: Tensor) -> list[Tensor]:
    weights = ([given[f"{name}_proj_weight"] for name in "qkv"] if given["use_separate_proj_weight"]
               else given["in_proj_weight"].chunk(3))
    biases = (None, None, None) if given["in_proj_bias"] is None else given["in_proj_bias"].chunk(3)
    dtype = parts[0].dtype
    found = [F.linear(values, weight.to(dtype), None if bias is None else bias.to(dtype))
             for values, weight, bias in zip(parts, weights, biases, strict=True)]
    for number, name in ((1, "bias_k"), (2, "bias_v")):
        if given[name] is not None:
            found[number] = torch.cat((found[number], given[name].to(dtype).expand(1, found[number].shape[1], -1)))
    return found


def _masks(given: Mapping[str, Any], place: slice) -> Iterator[Tensor]:
    """Both masks, each to be broadcast over (B, heads, T, S)."""
    batch = batch_second(given["query"]).shape[1]
    attention, padding = given["attn_mask"], given["key_padding_mask"]
    if attention is not None:
        yield attention.reshape(batch, -1, *attention.shape[1:])[place] if attention.dim() == 3 else attention
    if padding is not None:
        yield padding.reshape(batch, -1)[place, None, None]


def _softmax(scores: Tensor) -> Tensor:
    return scores.softmax(-1).masked_fill((scores == -torch.inf).all(-1, keepdim=True), 0.0)


def of_heads(weights: Tensor, *, difference: float | None = None, against: str = "") -> tuple[Quantity, ...]:
    """Of weights, (B, heads, T, S), every head's entropy as a share of even attention's, and the weights themselves."""
    places, heads = weights.shape[-1], range(weights.shape[1])
    entropy = torch.special.entr(weights).sum(-1) / (math.log(places) if places > 1 else 1.0)         # (B, heads, T)
    return tuple(Quantity(field=field, values=values[:, head].transpose(0, 1), head=head, low=0.0, high=1.0,
                          difference=difference, against=against)
                 for field, values in (("attention_entropy", entropy), ("attention", weights)) for head in heads)


# ── The module's own call ─────────────────────────────────────────────────────────────────────────────────────────────


def bound_call(module: nn.MultiheadAttention, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """What the module was called with, by the names of its own arguments."""
    bound = _SIGNATURE.bind(module, *given, **named)
    bound.apply_defaults()
    return bound.arguments


def attended(module: nn.MultiheadAttention, given: Mapping[str, Any], dtype: torch.dtype,
             hook: Hook = identity) -> tuple[Tensor, Tensor]:
    """Of a call of the module what `multi_head` gives."""
    parts = {name: given[name].transpose(0, 1) if module.batch_first and given[name].dim() == 3 else given[name]
             for name in ("query", "key", "value")}
    return multi_head({
        **given, **parts, "num_heads": module.num_heads, "add_zero_attn": module.add_zero_attn,
        "use_separate_proj_weight": not module._qkv_same_embed_dim,
        **{name: getattr(module, name) for name in ("in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "q_proj_weight",
                                                    "k_proj_weight", "v_proj_weight")},
        "out_proj_weight": module.out_proj.weight, "out_proj_bias": module.out_proj.bias}, dtype, hook)
