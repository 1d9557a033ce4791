"""What ran while a network was recorded, and a trace of one sequence of it."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from unrolled.models.adapters.captured import Call, Quantity
from unrolled.models.adapters.module_hooks import ModuleHooks, unwrapped
from unrolled.models.stepping.channels import QUANTITIES
from unrolled.models.trace import Channel, Provenance, Trace

Values = npt.NDArray[np.floating]

RECORDING = "recording"  # an input kind that no model takes: the views of photographs, texts and clips have nothing to show
CONVENTION = ("Step t holds the state after the input of step t was read. "
              "Steps are counted from 0 in files, from 1 where people read.")
SYMBOLS = {name: symbol for name, (symbol, _, _) in QUANTITIES.items()} | {
    "attention": "α", "attention_entropy": "H", "output": "y"}


class Recording:
    """What the modules of a network did; made by `record`.

    Calls of one module follow one another in time: a cell that is called in a loop gives a step a call.
    """

    def __init__(self, hooks: ModuleHooks, name: str) -> None:
        self._hooks, self._name = hooks, name

    @property
    def modules(self) -> tuple[str, ...]:
        """The dotted names of the modules that were called; the network itself is ``""``."""
        return tuple(self._hooks.calls)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be had, a sentence each."""
        return tuple(self._hooks.notes)

    @property
    def fidelity(self) -> float:
        """The largest difference between what was recomputed and what the modules returned; NaN where nothing was compared."""
        return max((found for calls in self._hooks.calls.values() for call in calls if (found := call.difference) is not None),
                   default=math.nan)

    def columns(self, item: int = 0, *, modules: Sequence[str] | None = None) -> dict[str, Values]:
        """The quantities of one sequence of the batch by their channels' names, in the precision they were computed in.

        Returns
        -------
        dict of str to array, shape (steps, …)

        Raises
        ------
        IndexError, KeyError, ValueError
            As `trace`.
        """
        return {name: values for name, _, values in self._quantities(item, self._chosen(item, modules))}

    def trace(self, item: int = 0, *, tokens: Sequence[object] | None = None, source: Sequence[object] | None = None,
              modules: Sequence[str] | None = None) -> Trace:
        """One sequence of the batch as a `Trace`, in single precision.

        Channels are called by their quantity: ``hidden``, ``forget_gate``, ``attention``. Where there are several, the layer,
        the direction or the head stands in front, and in front of that the module: ``encoder.rnn/layer_0/forward/hidden``.

        Parameters
        ----------
        item : int
            The place in the batch.
        tokens : sequence, optional
            What every step read, one a step, as it is to be shown; without them steps have their numbers.
        source : sequence, optional
            What attention looks at, one a place.
        modules : sequence of str, optional
            The modules to be taken, of those that were called. Without them all that have as many steps as the one with the
            most; a warning names those that are left out.

        Raises
        ------
        IndexError
            When the batch has no such place.
        KeyError
            When a module was not called.
        ValueError
            When nothing was recorded, or what is taken has not the same number of steps, or there are not as many tokens.

        Examples
        --------
        >>> import torch, unrolled
        >>> net = torch.nn.LSTM(3, 4, batch_first=True)
        >>> with unrolled.record(net) as recording:
        ...     output, _ = net(torch.zeros(2, 5, 3))
        >>> trace = recording.trace(item=1, tokens=["a", "b", "c", "d", "e"])
        >>> trace.column("forget_gate").shape
        (5, 4)
        """
        names = self._chosen(item, modules)
        found = list(self._quantities(item, names))
        steps = len(found[0][2])
        words = [str(step + 1) for step in range(steps)] if tokens is None else [str(token) for token in tokens]
        if len(words) != steps:
            raise ValueError(f"There are {len(words)} tokens for {steps} steps.")
        looked_at = () if source is None else tuple(str(word) for word in source)
        channels = [channel_of(name, quantity, values, len(looked_at)) for name, quantity, values in found]
        aligned = any(channel.axes == ("source",) for channel in channels)
        vocabulary = {word: token for token, word in enumerate(dict.fromkeys(words))}
        return Trace.from_columns(
            channels, {name: values.astype(np.float32) for name, _, values in found}, words=words,
            tokens=[vocabulary[word] for word in words], log_probs=np.full(steps, np.nan, np.float32),
            candidates=[()] * steps, ended=True, input_bytes=" ".join(looked_at).encode() if aligned else b"",
            provenance=Provenance(
                model=self._name, decoding="read", input_kind="sentence" if aligned else RECORDING,
                source=looked_at if aligned else (), convention=CONVENTION,
                created=datetime.now(timezone.utc).isoformat(timespec="seconds")))

    def _chosen(self, item: int, modules: Sequence[str] | None) -> list[str]:
        calls = self._hooks.calls
        if not calls:
            why = f" {self.notes[0]}" if self.notes else ""
            raise ValueError(f"Nothing was recorded: call the network inside the “with” block.{why}")
        if modules is not None:
            for name in modules:
                if name not in calls:
                    raise KeyError(f"“{name}” was not called; there are {', '.join(map(repr, calls))}.")
            return list(modules)
        steps = {name: sum(call.length(item) for call in calls[name]) for name in calls if self._has(name, item)}
        if not steps:
            raise IndexError(f"No batch has a place {item}.")
        most = max(steps.values())
        left_out = [name for name in calls if steps.get(name) != most]
        if left_out:
            warnings.warn(f"Left out, with other numbers of steps than {most}: {', '.join(left_out)}. "
                          "“modules=” takes them by themselves.", stacklevel=3)
        return [name for name, count in steps.items() if count == most]

    def _has(self, name: str, item: int) -> bool:
        return all(0 <= item < call.batch for call in self._hooks.calls[name])

    def _quantities(self, item: int, names: Sequence[str]) -> Iterator[tuple[str, Quantity, Values]]:
        """Name, what it is, and its values over all calls."""
        steps: dict[str, int] = {}
        for name in names:
            calls = self._hooks.calls[name]
            if not self._has(name, item):
                raise IndexError(f"There is no place {item} in every batch of “{name}”; the smallest has "
                                 f"{min(call.batch for call in calls)}.")
            steps[name] = sum(call.length(item) for call in calls)
            if steps[name] != steps[names[0]]:
                raise ValueError(f"“{name}” has {steps[name]} steps and “{names[0]}” {steps[names[0]]}; take one of them.")
            for quantity in calls[0].quantities:
                values = _joined(calls, quantity.name, item)
                if values is None:
                    raise ValueError(f"The calls of “{name}” did not all bring “{quantity.name}” in one size.")
                yield "/".join(part for part in (name if len(names) > 1 else "", quantity.name) if part), quantity, values


def _joined(calls: Sequence[Call], name: str, item: int) -> Values | None:
    """A quantity over all calls, or nothing where they do not fit together."""
    parts: list[Tensor] = []
    for call in calls:
        own = next((quantity.values for quantity in call.quantities if quantity.name == name), None)
        if own is None or (parts and own.shape[2:] != parts[0].shape[1:]):
            return None
        parts.append(own[: call.length(item), item].detach())
    joined = torch.cat(parts)
    values: Values = (joined.float() if joined.dtype in (torch.bfloat16, torch.float16) else joined).cpu().numpy()
    return values


def channel_of(name: str, quantity: Quantity, values: Values, looked_at: int) -> Channel:
    """What the window is told of a quantity; `values`, (steps, …), say how far it reaches where nothing bounds it."""
    finite = np.abs(values[np.isfinite(values)])
    reach = float(f"{finite.max():.2g}") if finite.size and finite.max() > 0 else 1.0
    low = -reach if quantity.low is None else quantity.low
    high = reach if quantity.high is None else quantity.high
    axes: tuple[str, ...] = ("unit",) * (values.ndim - 1)
    if quantity.field == "attention":
        axes = ("source",) if values.shape[1] == looked_at else ("key",)
    return Channel(name=name, role=quantity.field, symbol=SYMBOLS[quantity.field], axes=axes, shape=values.shape[1:],
                   low=low, high=high, layer=max(quantity.layer, 0), label=_label(quantity, name),
                   unit="of uniform" if quantity.field == "attention_entropy" else "")


def _label(quantity: Quantity, name: str) -> str:
    """The quantity first, as rows have little room: ``forget gate L0→``."""
    of_module = name.removesuffix(quantity.name).rstrip("/")
    words = {"attention_entropy": "entropy"}.get(quantity.field, quantity.field.replace("_", " "))
    where = f"L{quantity.layer}" if quantity.layer >= 0 else ""
    where += {"forward": "→", "backward": "←"}.get(quantity.direction, "")
    head = f"head {quantity.head}" if quantity.head >= 0 else ""
    return " · ".join(part for part in (" ".join(part for part in (words, where, head) if part), of_module) if part)


@contextmanager
def record(network: nn.Module, *, others: Sequence[str] = ()) -> Iterator[Recording]:
    """Record what the modules of a network do while the block runs; the network is not changed.

    Understood are RNN, LSTM and GRU of torch.nn, their cells, and MultiheadAttention, wherever they are in it. Their gates and
    weights are recomputed in the precision of the network (in single precision for half) from what each call was given and
    returned. Nothing that was recorded takes part in gradients; all of it is kept in memory, on the network's device.

    Parameters
    ----------
    network : nn.Module
        Under torch.compile it runs without being compiled for as long.
    others : sequence of str
        Dotted names of further modules, whose outputs, (batch, steps, units) or (batch, units), are recorded as they are.

    Raises
    ------
    TypeError
        When it is no module, or one that cannot be looked into.
    ValueError
        When there is no module of such a name, or nothing that can be recorded.

    Examples
    --------
    >>> import torch, unrolled
    >>> net = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True)
    >>> with unrolled.record(net) as recording:
    ...     output, last = net(torch.zeros(5, 1, 3))
    >>> recording.fidelity < 1e-6
    True
    >>> sorted(recording.columns())[:2]
    ['layer_0/backward/candidate', 'layer_0/backward/hidden']
    """
    hooks = ModuleHooks(network, others)
    hooks.attach()
    try:
        yield Recording(hooks, type(unwrapped(network)).__name__)
    finally:
        hooks.detach()
