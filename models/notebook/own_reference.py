"""A step function called as it is: what its modules return by themselves is what the recorded steps are held against."""

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from unrolled.models.adapters.module_hooks import ModuleHooks
from unrolled.models.adapters.state_nest import StateError, changed_place, copied, leaves, mapped
from unrolled.models.adapters.stepped_modules import calling_modules
from unrolled.models.cells.hook import identity
from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.reference.protocol import Hook, State
from unrolled.models.runs.errors import EngineError
from unrolled.models.trace import Channel
from unrolled.models.trace.names import first_line

PLACE = "state {}"  # of the parts of a state, among what a step found


class OwnReference:
    """The function itself, its modules unchanged; their gates are computed from what each was given and returned. Raises
    `CheckpointError` where the states of its steps are of different sizes, or there is none: one sentence.

    Parameters
    ----------
    modules : sequence of (str, nn.Module)
        Its modules, each with the prefix of its channels.
    states : tuple of state
        Before the first step, and after one: a state has the parts of the second from then on.
    places : mapping of str to str
        Channels that are parts of the state, and which.
    """

    manner = "in its own precision, its modules as they are"

    def __init__(self, calls: "StepCalls", modules: Sequence[tuple[str, nn.Module]], channels: tuple[Channel, ...],
                 states: tuple[Any, Any], places: Mapping[str, str], lock: threading.RLock) -> None:
        self._calls, self._modules, self._channels, self._lock = calls, tuple(modules), channels, lock
        self._states, self._places = states, dict(places)
        first, later = ([tensor.shape for _, tensor in leaves(own)] for own in states)
        if not first or first != later:
            raise CheckpointError(f"The state of {calls.name} has not one size: its steps are not computed a second time.")
        self.computed_by = (f"{calls.name} itself",)
        self.state_names = tuple(PLACE.format(number) for number in range(len(first)))

    def read(self, given: Any) -> None:
        """It looks at nothing but its state."""

    def start(self, memory: None) -> State:
        return _flat(self._states[0])

    def step(self, memory: None, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        """Raises `EngineError` where the step is changed: the function itself knows of no change."""
        if hook is not identity:
            raise EngineError("question", f"Steps that are changed are not computed a second time: {self._calls.name} itself "
                                          "knows of no change.")
        parts = iter(state)
        like = self._states[0 if number == 0 else 1]
        own = mapped(like, lambda tensor: next(parts).reshape(tensor.shape).to(tensor))
        container = nn.Module()
        for place, (_, module) in enumerate(self._modules):
            container.add_module(str(place), module)
        hooks = ModuleHooks(container)
        with self._lock, torch.inference_mode(False), torch.no_grad():
            hooks.attach()
            try:
                with calling_modules():
                    logits, after = self._calls.call(token, own)
            finally:
                hooks.detach()
            found = self._found(hooks)
        found |= {name: dict(leaves(after))[place] for name, place in self._places.items()}
        missing = next((channel.title for channel in self._channels if channel.name not in found), "")
        if missing:
            raise EngineError("question", f"“{missing}” is not to be had of {self._calls.name} itself.")
        for channel in self._channels:
            found[channel.name] = padded(found[channel.name], channel.size)
        found |= dict(zip(self.state_names, _flat(after), strict=True))
        found["log_probs"] = torch.log_softmax(logits, -1)
        return {name: value.detach().cpu().double().reshape(-1) for name, value in found.items()}

    def _found(self, hooks: ModuleHooks) -> dict[str, Tensor]:
        """What the modules brought, by the channels' names."""
        found: dict[str, Tensor] = {}
        for name, series in hooks.series.items():
            for number, call in enumerate(series.calls, 1):
                label = self._modules[int(name.split(" ")[0])][0] + (f"#{number}" if number > 1 else "")
                (part,) = type(call).parts([call], 0)
                for quantity in part:
                    found["/".join(own for own in (label, quantity.name) if own)] = quantity.values
        return found


def padded(values: Tensor, size: int) -> Tensor:
    """Flat, with zeros for what is not there yet."""
    flat = values.reshape(-1)
    return F.pad(flat, (0, max(size - flat.numel(), 0)))


def _flat(state: Any) -> State:
    return tuple(tensor.detach().cpu().double().reshape(1, -1) for _, tensor in leaves(state))


NextToken = Callable[[int, Any], tuple[Tensor, Any]]
"""The token before and the state → the logits of the next word, as many as there are words, and the new state."""


class StepCalls:
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
        if place := changed or changed_place(_shape_of(state), _shape_of(mine)):
            raise self.wrong(f"changes {place} in place, so that a step could not be taken again from it; let it give new "
                             f"tensors ({place}.clone() first, or “a = a + b” for “a += b”)")
        return logits.detach().float().reshape(-1), self.copied(after)

    def copied(self, state: Any) -> Any:
        try:
            return copied(state)
        except StateError as error:
            raise EngineError("step", f"{error}") from error

    def wrong(self, what: str) -> EngineError:
        return EngineError("step", f"{self.name} {what}.")

    def _raised(self, error: Exception) -> EngineError:
        """Whatever the function raised: where, in a sentence; its own traceback beside it."""
        frames = traceback.extract_tb(error.__traceback__)[1:]  # without the one that called it
        where = f" in line {frames[-1].lineno} of {frames[-1].name}" if frames else ""
        text = "".join((*traceback.format_list(frames), *traceback.format_exception_only(type(error), error)))
        return EngineError("step", f"{self.name} raised {type(error).__name__}{where}: {first_line(error)}.", traceback=text)


def _what(value: Any, before: str = "") -> str:
    return f"{before}shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"the type {type(value).__name__}"


def _shape_of(state: Any) -> Any:
    """The containers of a state, its tensors left out: what of them is another after a step was changed in place."""
    if isinstance(state, Tensor):
        return "tensor"
    if isinstance(state, (tuple, list)):
        return [_shape_of(part) for part in state]
    return {key: _shape_of(part) for key, part in state.items()} if isinstance(state, dict) else state
