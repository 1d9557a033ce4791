"""Calls of torch's attention functions, which its modules call too: kept while they run, and made into weights afterwards."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn import functional as F

from unrolled.models.adapters.attention_weights import batch_of_heads, batch_second, multi_head, of_heads, scaled_dot_product
from unrolled.models.adapters.captured import Call, Keeper, Part, computed_in, largest_difference

MULTI_HEAD = F.multi_head_attention_forward
SCALED_DOT_PRODUCT = F.scaled_dot_product_attention

THROUGH = "through what they attend to, against what was returned"
DROPPED = "not compared: it drops weights while it trains, and these are those before"
NOTE = "It drops weights while it trains: those before dropout are recorded, and what it returned is not compared."

_MULTI_HEAD = inspect.signature(MULTI_HEAD)
_SCALED_DOT_PRODUCT = ("query", "key", "value", "attn_mask", "dropout_p", "is_causal")  # scale and enable_gqa by name alone
_DEFAULTS = {"attn_mask": None, "dropout_p": 0.0, "is_causal": False, "scale": None, "enable_gqa": False}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AttentionCall(Call):
    """A call of one of the two functions, by the names of its arguments."""

    options: Mapping[str, Any]
    returned: tuple[Tensor, ...]
    multi_head: bool

    @property
    def batch(self) -> int:
        query: Tensor = self.options["query"]
        return 1 if query.dim() == 2 else query.shape[1] if self.multi_head else query.shape[0]

    @property
    def notes(self) -> tuple[str, ...]:
        return (NOTE,) if self._drops else ()

    @property
    def _drops(self) -> bool:
        return bool(self.options["dropout_p"] > 0 and (not self.multi_head or self.options["training"]))

    def length(self, item: int) -> int:
        query: Tensor = self.options["query"]
        return query.shape[0 if self.multi_head else -2]

    @classmethod
    def parts(cls, calls: "Sequence[AttentionCall]", item: int | None) -> Iterator[Part]:
        for call in calls:
            yield call._part(slice(None) if item is None else slice(item, item + 1))

    def _part(self, place: slice) -> Part:
        given, returned = self.options, self.returned[0]
        dtype = computed_in(returned)
        if self.multi_head:
            own, weights = multi_head(given, dtype, place=place)
            returned = batch_second(returned)[:, place]
        else:
            own, weights = scaled_dot_product(given, dtype, place)
            returned = batch_of_heads(returned)[place]
        if self._drops:
            return of_heads(weights, against=DROPPED)
        difference, against = largest_difference(own, returned.to(dtype)), THROUGH
        if len(self.returned) > 1:  # the weights themselves
            mean = given["average_attn_weights"]
            told = self.returned[1].reshape(self.batch, -1, *weights.shape[2:])[place].to(dtype)      # (B, heads or 1, T, S)
            difference = max(difference, largest_difference(weights.mean(1, keepdim=True) if mean else weights, told))
            against = "against the weights that were returned" + (", the mean of all heads" if mean else "")
        return of_heads(weights, difference=difference, against=against)


def scaled_arguments(given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a scaled dot product by their names."""
    return _DEFAULTS | dict(zip(_SCALED_DOT_PRODUCT, given, strict=False)) | dict(named)


def attention_call(function: Any, given: tuple[Any, ...], named: Mapping[str, Any], returned: Any, keeper: Keeper,
                   ) -> AttentionCall:
    """A call of one of the two functions, to be kept. Raises `ValueError` where its weights cannot be known."""
    if function is MULTI_HEAD:
        bound = _MULTI_HEAD.bind(*given, **named)
        bound.apply_defaults()
        options = dict(bound.arguments)
        if options["static_k"] is not None or options["static_v"] is not None:
            raise ValueError("its keys and values are projected elsewhere (static_k, static_v)")
    else:
        options = scaled_arguments(given, named)
    results = returned if isinstance(returned, tuple) else (returned,)
    return AttentionCall(
        options={name: keeper.kept(value) if isinstance(value, Tensor) else value for name, value in options.items()},
        returned=tuple(keeper.kept(value) for value in results if value is not None), multi_head=function is MULTI_HEAD)
