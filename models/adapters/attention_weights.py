"""The weights of `torch.nn.MultiheadAttention`, of every head, recomputed from what a call was given."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.adapters.captured import Call, Quantity, computed_in, largest_difference
from unrolled.models.cells.hook import Hook, identity

_SIGNATURE = inspect.signature(nn.MultiheadAttention.forward)


@torch.no_grad()
def of_attention(module: nn.MultiheadAttention, given: tuple[Any, ...], named: dict[str, Any], returned: Any) -> Call:
    """A call of multi-head attention: per head its weights, (T, B, S), and their entropy as a share of even attention's.

    The weights are those before dropout; masked places weigh 0.
    """
    bound = bound_call(module, given, named)
    own, weights = attended(module, bound, computed_in(returned[0]))
    drops = module.training and module.dropout > 0
    difference: float | None = None
    notes: tuple[str, ...] = ()
    if drops:
        notes = ("It drops weights while it trains: those before dropout are recorded, and what it returned is not compared.",)
    else:
        difference = largest_difference(own, _time_first(module, returned[0]))
    return Call(quantities=of_heads(weights), steps=len(own), batch=own.shape[1], difference=difference, notes=notes)


def bound_call(module: nn.MultiheadAttention, given: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
    """What the module was called with, by the names of its own arguments."""
    bound = _SIGNATURE.bind(module, *given, **named)
    bound.apply_defaults()
    return bound.arguments


def attended(module: nn.MultiheadAttention, given: Mapping[str, Any], dtype: torch.dtype,
             hook: Hook = identity) -> tuple[Tensor, Tensor]:
    """What the module returns without dropout, (T, B, E), and the weights, (B, heads, T, S); computed in `dtype`.

    The scores of all heads pass through `hook` as ``attention_scores``, the weights as ``attention``.
    """
    query, key, value = (_time_first(module, given[name]).to(dtype) for name in ("query", "key", "value"))    # (T, B, E)
    q, k, v = (_heads(module, part) for part in _projected(module, query, key, value))                       # (B, heads, T, d)
    k, v, extra = _with_extra_places(module, k, v)
    scores = q @ k.transpose(-1, -2) / math.sqrt(module.head_dim)                                            # (B, heads, T, S)
    for mask in _masks(given["attn_mask"], given["key_padding_mask"], scores, extra):
        scores = scores.masked_fill(mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    weights = hook("attention", hook("attention_scores", scores).softmax(-1))
    joined = (weights @ v).permute(2, 0, 1, 3).flatten(2)
    bias = module.out_proj.bias
    return F.linear(joined, module.out_proj.weight.to(dtype), None if bias is None else bias.to(dtype)), weights


def of_heads(weights: Tensor) -> tuple[Quantity, ...]:
    """Of weights (B, heads, T, S) every head's entropy, then every head's weights."""
    places, heads = weights.shape[-1], range(weights.shape[1])
    entropy = torch.special.entr(weights).sum(-1) / (math.log(places) if places > 1 else 1.0)                # (B, heads, T)
    return (*(Quantity(field="attention_entropy", values=entropy[:, head].T, head=head, low=0.0, high=1.0) for head in heads),
            *(Quantity(field="attention", values=weights[:, head].transpose(0, 1), head=head, low=0.0, high=1.0)
              for head in heads))


def _time_first(module: nn.MultiheadAttention, values: Tensor) -> Tensor:
    if values.dim() == 2:
        return values.unsqueeze(1)
    return values.transpose(0, 1) if module.batch_first else values


def _projected(module: nn.MultiheadAttention, *given: Tensor) -> tuple[Tensor, ...]:
    weights = (module.in_proj_weight.chunk(3) if module.in_proj_weight is not None
               else (module.q_proj_weight, module.k_proj_weight, module.v_proj_weight))
    biases = (None, None, None) if module.in_proj_bias is None else module.in_proj_bias.chunk(3)
    dtype = given[0].dtype
    parts = [F.linear(values, weight.to(dtype), None if bias is None else bias.to(dtype))
             for values, weight, bias in zip(given, weights, biases, strict=True)]
    if module.bias_k is not None and module.bias_v is not None:
        for place, bias in ((1, module.bias_k), (2, module.bias_v)):
            parts[place] = torch.cat((parts[place], bias.to(dtype).expand(1, parts[place].shape[1], -1)))
    return tuple(parts)


def _heads(module: nn.MultiheadAttention, values: Tensor) -> Tensor:
    return values.reshape(*values.shape[:2], module.num_heads, module.head_dim).permute(1, 2, 0, 3)


def _with_extra_places(module: nn.MultiheadAttention, k: Tensor, v: Tensor) -> tuple[Tensor, Tensor, int]:
    """With a place of zeros where the module adds one, and how many places stand behind those that were given."""
    if module.add_zero_attn:
        k, v = F.pad(k, (0, 0, 0, 1)), F.pad(v, (0, 0, 0, 1))
    return k, v, int(module.bias_k is not None) + int(module.add_zero_attn)


def _masks(attention: Tensor | None, padding: Tensor | None, scores: Tensor, extra: int) -> list[Tensor]:
    """Both masks, each to be broadcast over (B, heads, T, S)."""
    found = []
    if attention is not None:
        found.append(attention.reshape(scores.shape[0], -1, *attention.shape[1:]) if attention.dim() == 3 else attention)
    if padding is not None:
        found.append((padding if padding.dim() == 2 else padding.unsqueeze(0))[:, None, None])
    return [F.pad(mask, (0, extra)) for mask in found]
