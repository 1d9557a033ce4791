"""Calls of somebody's own step function: whatever it does that it should not is one sentence, and nothing of a state is lost."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from torch import Tensor

from unrolled.models.adapters.state_nest import StateError, changed_place, copied, leaves
from unrolled.models.runs.errors import EngineError

NextToken = Callable[[int, Any], tuple[Tensor, Any]]
"""The token before and the state → the logits of the next word, as many as there are words, and the new state."""


class StepCalls:
    """Calls a function, always with copies."""

    def __init__(self, function: NextToken, words: int) -> None:
        self._function, self._words = function, words
        self.name: str = getattr(function, "__name__", type(function).__name__)

    def call(self, token: int, state: Any) -> tuple[Tensor, Any]:
        """Call the function with a copy of the state. Raises `EngineError` for whatever it does that it should not."""
        mine = self.copied(state)
        before = [(name, tensor, tensor._version) for name, tensor in leaves(mine)]
        try:
            result = self._function(token, mine)
        except Exception as error:
            raise self._raised(error) from error
        if not (isinstance(result, tuple) and len(result) == 2):
            raise self.wrong(f"gave {_what(result, 'a tensor of ')}; it should give the pair (logits, state)")
        logits, after = result
        if not isinstance(logits, Tensor) or logits.numel() != self._words:
            raise self.wrong(f"gave logits of {_what(logits)}; there are {self._words:,} words, and each needs one")
        now = dict(leaves(mine))
        changed = next((name for name, own, version in before if now.get(name) is not own or own._version != version), "")
        if changed or (found := changed_place(_shape_of(state), _shape_of(mine))):
            raise self._in_place(changed or found)
        return logits.detach().float().reshape(-1), self.copied(after)

    def copied(self, state: Any) -> Any:
        try:
            return copied(state)
        except StateError as error:
            raise EngineError("step", f"{error}") from error

    def wrong(self, what: str) -> EngineError:
        return EngineError("step", f"{self.name} {what}.")

    def _in_place(self, place: str) -> EngineError:
        return self.wrong(f"changes {place} in place, so that a step could not be taken again from it; let it give new tensors "
                           f"({place}.clone() first, or “a = a + b” for “a += b”)")

    def _raised(self, error: Exception) -> EngineError:
        """Whatever the function raised: where, in a sentence; its own traceback beside it."""
        frames = traceback.extract_tb(error.__traceback__)[1:]  # without the one that called it
        where = f" in line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
        reason = (str(error).splitlines() or ["no reason given"])[0].rstrip(".")
        text = "".join((*traceback.format_list(frames), *traceback.format_exception_only(type(error), error)))
        return EngineError("step", f"{self.name} raised {type(error).__name__}{where}: {reason}.", traceback=text)


def _what(value: Any, before: str = "") -> str:
    return f"{before}shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"the type {type(value).__name__}"


def _shape_of(state: Any) -> Any:
    """The containers of a state, its tensors left out: what of them is another after a step was changed in place."""
    if isinstance(state, Tensor):
        return "tensor"
    if isinstance(state, (tuple, list)):
        return [_shape_of(part) for part in state]
    return {key: _shape_of(part) for key, part in state.items()} if isinstance(state, dict) else state
