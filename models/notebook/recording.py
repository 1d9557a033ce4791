"""What happened inside a network while it was recorded, and a trace of one sequence of it."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone

import numpy as np
import torch
from torch import nn

from unrolled.models.adapters.devices import accelerator
from unrolled.models.adapters.module_hooks import ModuleHooks, Series, unwrapped
from unrolled.models.inputs.inputs import RECORDED
from unrolled.models.notebook.recorded_channels import Column, Values, channels_of, columns_of, named
from unrolled.models.trace import READ_CONVENTION, Provenance, Trace
from unrolled.models.trace.provenance import WORDS_READ


class Recording:
    """What happened inside a network; made by `record`.

    Gates and weights are computed when they are asked for, of the sequence that is asked for. Calls of one module follow one
    another in time, and their steps are joined: a cell that is called in a loop gives a step a call, and a network that is
    called twice gives the steps of both, of which `forward` takes one.
    """

    def __init__(self, hooks: ModuleHooks, name: str) -> None:
        self._hooks, self._name = hooks, name

    def __repr__(self) -> str:
        found = ", ".join(map(repr, self.modules)) or "nothing"
        return f"<unrolled.Recording of {self._name}, called {self.forwards} times: {found}>"

    @property
    def modules(self) -> tuple[str, ...]:
        """The dotted names of the modules that were called; the network itself is ``""``.

        A module that calls a function of torch with several sets of weights, or at several places of its code, stands there
        once for each: ``decoder``, ``decoder (2)``.
        """
        return tuple(self._hooks.series)

    @property
    def forwards(self) -> int:
        """How often the network was called."""
        return self._hooks.forwards

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be had, a sentence each."""
        return tuple(self._hooks.notes)

    @property
    def fidelity(self) -> float:
        """The largest difference between what the modules returned and what all that was recorded gives in its place.

        A difference is a share of the value where that is above 1. NaN where nothing could be compared. It computes everything.
        """
        with _computing():
            return max((difference for series in self._hooks.series.values() for difference in _differences(series)),
                       default=math.nan)

    def columns(self, item: int = 0, *, modules: Sequence[str] | None = None, forward: int | None = None) -> dict[str, Values]:
        """The quantities of one sequence of the batch, each layer, direction and head by itself, in the precision of the network.

        Names are ``forget_gate``, or where there are several ``layer_0/forward/forget_gate``, ``head_2/attention``; in front of
        that stands the module: ``encoder.rnn/layer_0/hidden``.

        Returns
        -------
        dict of str to array, shape (steps, …)

        Raises
        ------
        IndexError, KeyError, ValueError
            As `trace`.
        """
        return {name: column.values for name, column in named(self._columns(item, modules, forward)).items()}

    def trace(self, item: int = 0, *, tokens: Sequence[object] | None = None, source: Sequence[object] | None = None,
              modules: Sequence[str] | None = None, forward: int | None = None) -> Trace:
        """One sequence of the batch as a `Trace`, in single precision.

        Channels are called by their quantity: ``hidden``, ``forget_gate``, ``attention``; where several modules were called,
        the module stands in front, and where there are two directions the direction: ``encoder.rnn/backward/hidden``. Layers and
        heads are axes, and modules that stand in a row, as those of a transformer do, are layers.

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
        forward : int, optional
            Of which call of the network, counted from 0; without it the steps of all calls are joined.

        Raises
        ------
        IndexError
            When the batch has no such place, or the network was not called so often.
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
        columns = self._columns(item, modules, forward)
        steps = len(columns[0].values)
        words = [str(step + 1) for step in range(steps)] if tokens is None else [str(token) for token in tokens]
        if len(words) != steps:
            raise ValueError(f"There are {len(words)} tokens for {steps} steps.")
        looked_at = () if source is None else tuple(str(word) for word in source)
        found = channels_of(columns, len(looked_at))
        aligned = any("source" in channel.axes for channel, _, _ in found)
        broken = [channel.title for channel, values, _ in found if not np.isfinite(values).all()]
        if broken:
            warnings.warn(f"Not everything that was recorded is a finite number: {', '.join(broken)}.", stacklevel=2)
        return Trace.of_read(
            [channel for channel, _, _ in found], {channel.name: values.astype(np.float32) for channel, values, _ in found},
            words, Provenance(
                model=self._name, decoding=WORDS_READ, input_kind=RECORDED, source=looked_at if aligned else (),
                convention=READ_CONVENTION, precision=self._hooks.precision, device=self._hooks.device,
                agreements=tuple(agreement for _, _, agreement in found),
                created=datetime.now(timezone.utc).isoformat(timespec="seconds")))

    def _columns(self, item: int, modules: Sequence[str] | None, forward: int | None) -> list[Column]:
        chosen = self._chosen(item, modules, forward)
        found: list[Column] = []
        with _computing():
            for series in chosen:
                found += columns_of(series, item, forward)
        return found

    def _chosen(self, item: int, modules: Sequence[str] | None, forward: int | None) -> list[Series]:
        """The series that are taken. Raises the errors of `trace`."""
        hooks = self._hooks
        if not hooks.series:
            raise ValueError(self._nothing())
        if forward is not None and not 0 <= forward < max(self.forwards, 1):
            raise IndexError(f"There is no call {forward} of the network; of {self.forwards} the first is 0.")
        for name in modules or ():
            if name not in hooks.series:
                raise KeyError(f"“{name}” was not called; there are {', '.join(map(repr, hooks.series))}.")
        taken = [series for name, series in hooks.series.items()
                 if series.during(forward) and (modules is None or name in modules)]
        steps: dict[str, int] = {}
        for series in taken:
            calls = series.during(forward)
            batch = min(call.batch for call in calls)
            if 0 <= item < batch:
                steps[series.name] = sum(call.length(item) for call in calls)
            elif modules is not None or len(taken) == 1:
                of = f" of “{series.name}”" if series.name else ""
                raise IndexError(f"There is no sequence {item} in {'the batch' if len(calls) == 1 else 'every batch'}{of}: "
                                 + ("the only one is 0." if batch == 1 else f"they go from 0 to {batch - 1}."))
        if not steps:
            raise IndexError(f"No batch has a sequence {item}.")
        most = max(steps.values())
        if modules is not None:
            (first, expected), *others = steps.items()
            for name, count in others:
                if count != expected:
                    raise ValueError(f"“{name}” has {count} steps and “{first}” {expected}; take one of them.")
        left_out = [series.name for series in taken if steps.get(series.name) != most]
        if left_out:
            warnings.warn(f"Left out, without a sequence {item} or with other numbers of steps than {most}: "
                          f"{', '.join(left_out)}. “modules=” takes them by themselves.", stacklevel=4)
        return [series for series in taken if steps.get(series.name) == most]

    def _nothing(self) -> str:
        hooks = self._hooks
        if not hooks.ran:
            return "Nothing was recorded: call the network inside the “with” block."
        why = next((f" {note}" for note in hooks.notes), "")
        return (f"Nothing was recorded: in this {self._name} ran {', '.join(hooks.ran)}, and no RNN, LSTM, GRU or attention of "
                f"torch; name modules, as in record(net, others=[\"encoder.2\"]).{why}")


def _differences(series: Series) -> Iterator[float]:
    """Of all quantities that can be compared, one after another."""
    for place in dict.fromkeys(place for call in series.calls for place in call.places):
        calls = [call for call in series.calls if place in call.places]
        for part in type(calls[0]).parts(calls, place):
            yield from (quantity.difference for quantity in part if quantity.difference is not None)


@contextmanager
def _computing() -> Iterator[None]:
    """Without gradients, half precision or whoever looks on."""
    with ExitStack() as held:
        held.enter_context(torch.inference_mode())
        held.enter_context(torch._C.DisableTorchFunction())
        for device in ("cpu", accelerator()):
            held.enter_context(torch.autocast(device, enabled=False))
        yield


@contextmanager
def record(network: nn.Module, *, others: Sequence[str] = ()) -> Iterator[Recording]:
    """Record what happens inside a network while the block runs; the network is not changed.

    Understood are RNN, LSTM and GRU of torch.nn, their cells, MultiheadAttention, the transformer layers made of it, and the
    functions under them, ``torch.lstm``, ``torch.gru_cell``, ``scaled_dot_product_attention`` …, wherever the network calls
    them. Gates and weights are computed in the precision of the network (in single precision for half) from copies of what
    each call was given and returned. Nothing that was recorded takes part in gradients; all of it is kept in memory, on the
    network's device. What other threads do at the same time is not recorded.

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
        When there is no module of such a name.
    RuntimeError
        When it is being recorded already.

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
