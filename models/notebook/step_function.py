"""Somebody's own step function as a model that can be stepped: any step again from any state, its modules looked into."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from unrolled.models.adapters.captured import Quantity
from unrolled.models.adapters.state_nest import changed_place, leaves
from unrolled.models.adapters.stepped_modules import Found, SteppedModules, modules_called, named
from unrolled.models.cells.hook import Hook, identity
from unrolled.models.notebook.given_input import GivenInput
from unrolled.models.notebook.own_reference import NextToken, OwnReference, StepCalls, padded
from unrolled.models.notebook.recorded_channels import channel_of
from unrolled.models.reference.protocol import Reference, Weights
from unrolled.models.runs.errors import EngineError
from unrolled.models.stepping.stepper import EncodedInput, StepRecord, Structure
from unrolled.models.trace import Channel, ModelDescription

MOST_PLACES = 4096    # of attention that grows
MOST_VALUES = 65_536  # of a part of the state; a larger one is carried along and not drawn
ROOM = 2.0            # of what is not bounded later steps may reach so many times as far as the first two
AGREE = 1e-3          # of the largest logit: our equations and the modules themselves differ by rounding alone
TWICE = 1e-5


class States(tuple[Any, ...]):
    """A state of the function's own for each hypothesis."""

    @property
    def cell(self) -> tuple[Tensor, ...]:
        """The tensors of the first."""
        return tuple(tensor for _, tensor in leaves(self[0]))


class FunctionStepper:
    """A stepper around a function. Raises `EngineError` when a first step from the state cannot be taken, or shows that steps
    could not be taken again: one sentence.
    """

    def __init__(self, function: NextToken, state: Any, words: Sequence[str], given: GivenInput, *, start: int, end: int,
                 maximum_steps: int) -> None:
        self._function, self._given = function, given
        self._calls = StepCalls(function, len(words))
        self.name = self._calls.name
        self.suppressed_tokens: Sequence[int] = ()
        self.weights: Callable[[], Weights] = dict
        self.draw: Callable[[int], tuple[bytes, str]] | None = None
        self._lock = threading.RLock()
        self._words = tuple(words)
        self._modules = SteppedModules({})
        self._maximum = maximum_steps
        self._growing: set[str] = set()  # attention over a place more at every step, as over a cache
        with torch.inference_mode(False), torch.no_grad():
            self._first = self._calls.copied(state)
            tried, called = self._try(start)
            self.notes = self._notes_of(called)  # what cannot be seen or changed, a sentence each
            channels = self._channels(tried)
            self._after = tried[0][1]
        tensors = [tensor for _, tensor in leaves(self._first)]
        self.device = tensors[0].device if tensors else torch.device("cpu")
        of_modules = {id(part): part.numel() for module in called.values() for part in module.parameters()}
        self.description = ModelDescription(
            name=self.name, title=f"{self.name}, in the notebook", task="step function", channels=channels, words=self._words,
            start_token=start, end_token=end, maximum_steps=maximum_steps, parameters=sum(of_modules.values()),
            input_kind=given.kind, can=frozenset({"step", "edit", "search"}),
            summary="A function of the process that opened this window.")

    # ── The face of a stepper ─────────────────────────────────────────────────────────────────────────────────

    def read(self, given: Any) -> EncodedInput[None]:
        """Whatever is opened: the function had its input when it was handed over, and sees no other."""
        notes = self.notes if self._given.is_same(given) else (
            f"{self.name} sees no other input: it goes on from the state that it was given with its own.",)
        return EncodedInput(memory=None, channels=self.description.channels, source=self._given.source, given_input=given,
                            notes=(" ".join(notes),) if notes else ())

    def start(self, memory: None) -> States:
        return States((self._first,))

    def step(self, memory: None, state: States, tokens: Sequence[int], hook: Hook = identity) -> tuple[States, StepRecord]:
        with self._lock, torch.inference_mode(False), torch.no_grad():
            taken = [self._take(token, own, hook) for token, own in zip(tokens, state, strict=True)]
        packed = torch.stack([torch.cat((torch.log_softmax(logits, -1), *self._values(found, after)))
                              for logits, after, found in taken])                      # (K, V + total)
        return States(after for _, after, _ in taken), StepRecord(packed, len(self._words))

    def select(self, state: States, rows: Tensor) -> States:
        return States(state[row] for row in rows[0].tolist())

    @property
    def structure(self) -> Structure:
        raise EngineError("question", f"What {self.name} is made of is not known, so that its steps cannot be explained.")

    def differentiable(self, memory: None, rows: int) -> tuple[None, None]:
        return None, None

    def reference(self) -> Reference:
        """The function itself. Raises `CheckpointError` where its steps cannot be compared."""
        return OwnReference(self._calls, self._modules.labelled, self.description.channels, (self._first, self._after),
                            self._state_places, self._lock)

    # ── A step ────────────────────────────────────────────────────────────────────────────────────────────────

    def _take(self, token: int, state: Any, hook: Hook) -> tuple[Tensor, Any, Found]:
        """One step: the logits (V,), the new state, and what the modules computed."""
        with self._modules.stepped(hook) as found:
            logits, after = self._calls.call(token, state)
        return hook("logits", logits), after, found

    def _values(self, found: Found, after: Any) -> list[Tensor]:
        """All channels of a step, flat."""
        parts = dict(leaves(after))
        values = []
        for channel in self._recorded:
            quantity = found.get(channel.name)
            value = quantity.values if quantity is not None else parts.get(self._state_places.get(channel.name, ""))
            if value is not None and channel.name in self._growing:
                value = padded(value, channel.size)
            if value is None or value.numel() != channel.size:
                raise self._calls.wrong(f"did not bring “{channel.title}” as it did at first"
                                        f"{'' if value is None else f': {value.numel()} values in place of {channel.size}'}")
            values.append(value.float().reshape(-1))
        return values

    # ── The first steps ───────────────────────────────────────────────────────────────────────────────────────

    def _try(self, start: int) -> tuple[list[tuple[Found, Any]], dict[str, Any]]:
        """Take the first step twice, then by our equations, and one more: what each brought, and the modules called."""
        with modules_called() as modules:
            logits, after = self._calls.call(start, self._first)
        again, after_again = self._calls.call(start, self._first)
        if not bool(torch.isfinite(logits).any()) or bool(logits.isnan().any()):
            raise self._calls.wrong("gave logits that are not finite at its first step")
        place = changed_place(after, after_again)
        if _far(logits, again, TWICE) or (place and any(_far(one, dict(leaves(after_again)).get(name), TWICE)
                                                        for name, one in leaves(after))):
            raise self._calls.wrong("gives another answer when the same step is taken again: it keeps a state of its own, or "
                                    "draws at random (a module in training mode drops units; call .eval())")
        called = named(modules, self._function)
        attention = [name for name, module in called.items() if hasattr(module, "num_heads")]
        self._modules = SteppedModules(called, next(iter(attention), ""))
        by_equations, after, found = self._take(start, self._first, identity)
        self._modules.functions = self._modules.called_functions
        # the largest difference between the function itself and the function with its modules looked into
        self.fidelity = float((by_equations - logits).abs().max())
        if _far(logits, by_equations, AGREE):  # whatever it makes of its modules, it is stepped as it is
            self._modules, found = SteppedModules({}), {}
            self._modules.functions = False
            self._modules.left.update(dict.fromkeys(called, "gives other values when it is stepped by its equations"))
        found_later, later = found, after
        with suppress(EngineError):  # what is wrong with a later word is said when that word is read
            _, later, found_later = self._take(int(logits.argmax()), after, identity)
        return [(found, after), (found_later, later)], called

    def _notes_of(self, called: dict[str, Any]) -> tuple[str, ...]:
        left = self._modules.left
        notes = [f"“{name}” {reason}: it is stepped as it is, and can be neither seen nor changed."
                 for name, reason in left.items()]
        if not called and not self._modules.functions:
            notes.append(f"{self.name} calls no RNN, LSTM, GRU or attention of torch: its state can be seen, its words can be "
                         "changed, and nothing in it can.")
        return tuple(notes)

    def _channels(self, tried: list[tuple[Found, Any]]) -> tuple[Channel, ...]:
        """What both first steps brought in one size: of the modules, and what else there is in the state."""
        (found, after), (found_later, later) = tried
        self._state_places: dict[str, str] = {}
        channels: list[Channel] = []
        growing: list[str] = []
        for name, quantity in found.items():
            other = found_later.get(name)
            more = 0 if other is None else other.values.numel() - quantity.values.numel()
            if other is not None and quantity.field == "attention" and more > 0:
                places = quantity.values.numel() + more * (self._maximum - 1)
                if places <= MOST_PLACES:
                    self._growing.add(name)
                    channels.append(channel_of(name, quantity, np.zeros((1, places), np.float32), 0))
                    continue
            if other is None or more:
                growing.append(name)
                continue
            values = ROOM * torch.cat((quantity.values, other.values))[:, 0].float().cpu().numpy()
            channels.append(self._given.placed(channel_of(name, quantity, values, len(self._given.source)), quantity))
        channels.sort(key=lambda channel: (channel.role == "attention", channel.role == "attention_entropy", -channel.layer))
        seen = [quantity.values.reshape(-1) for quantity in found.values()]
        states = [(name, tensor) for name, tensor in leaves(after) if tensor.is_floating_point() and not _among(tensor, seen)]
        parts = dict(leaves(later))
        usual = ("hidden", "cell") if not any(channel.role == "hidden" for channel in channels) and len(states) <= 2 else ()
        for number, (name, tensor) in enumerate(states):
            own = parts.get(name)
            if own is None or own.shape != tensor.shape or not 0 < tensor.numel() <= MOST_VALUES:
                growing.append(name)
                continue
            field = usual[number] if number < len(usual) else "output"
            called = field if usual else name
            quantity = Quantity(field=field, values=tensor)
            values = ROOM * torch.stack((tensor, own)).reshape(2, -1).float().cpu().numpy()
            self._state_places[called] = name
            channels.append(msgspec.structs.replace(channel_of(called, quantity, values, 0), editable=False,
                                                    **({} if usual else {"label": name, "role": "state"})))
        if self._state_places and found:
            self.notes += (f"{_listed([*self._state_places.values()])}: computed by no module that can be looked into; seen, and "
                           "not to be changed.",)
        if growing:
            self.notes += (f"{_listed(growing)}: of another size at every step, so that it cannot be drawn.",)
        self._recorded = tuple(channels)
        return self._recorded


def _far(one: Tensor, other: Tensor | None, share: float) -> bool:
    if other is None or one.shape != other.shape:
        return True
    own, second = one.cpu().double(), other.cpu().double()
    finite = torch.isfinite(own) & torch.isfinite(second)
    largest = float(own[finite].abs().max()) if bool(finite.any()) else 0.0
    return bool((finite != (torch.isfinite(own) | torch.isfinite(second))).any()) or bool(
        ((own - second)[finite].abs() > share * max(largest, 1.0)).any())


def _among(tensor: Tensor, seen: list[Tensor]) -> bool:
    """Whether a part of the state is what modules have brought, each row of it."""
    rows = tensor.reshape(-1, tensor.shape[-1]) if tensor.dim() else tensor.reshape(1, 1)
    return all(any(own.shape == row.shape and torch.equal(own.to(row), row) for own in seen) for row in rows)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
