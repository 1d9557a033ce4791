"""Somebody's own training loop, seen live: what it computes is kept by hooks, and made into what is shown in another thread."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from unrolled.models.adapters.module_hooks import unwrapped
from unrolled.models.notebook.connecting import WithWindow, has_screen
from unrolled.models.notebook.drawing import trace_as_html, training_as_html
from unrolled.models.notebook.probing import Probe
from unrolled.models.notebook.seen_updates import SeenUpdates
from unrolled.models.notebook.training_hooks import TrainingHooks
from unrolled.models.protocol.client import Endpoint
from unrolled.models.protocol.watching import WatchedUpdate
from unrolled.models.trace import Trace


class Watch(WithWindow):
    """A training that is watched; made by `watch`. It ends with `close`, or with the ``with`` block.

    Attributes
    ----------
    every : int
        Every so many updates one is seen; 0: none, and nothing is hooked.
    """

    def __init__(self, network: nn.Module, every: int, probe: Probe | None, item: int) -> None:
        super().__init__(lambda: self._seen)
        self.every = every
        self._hooks: TrainingHooks | None = None
        self._seen: SeenUpdates | None = None
        if every > 0:
            parameters = sum(own.numel() for own in network.parameters())
            self._seen = SeenUpdates(type(unwrapped(network)).__name__, every, parameters, probe)
            self._hooks = TrainingHooks(network, every, probe, item, self._seen)

    def __repr__(self) -> str:
        return f"<unrolled.Watch, {self.updates:,} updates, {len(self.seen):,} seen, {self.dropped:,} not shown>"

    # ── What the training says ────────────────────────────────────────────────────────────────────────────────

    def loss(self, value: Tensor | float) -> None:
        """The loss of the update that is under way, or of the one that was just made; nothing waits for a GPU."""
        if self._hooks is not None:
            self._hooks.loss(value)

    def update(self, loss: Tensor | float | None = None) -> None:
        """An update was made. Optimizers of torch say so themselves: this is for those that are none, or to give the loss."""
        if self._hooks is not None:
            self._hooks.update(loss)

    def close(self) -> None:
        """Watch no more: all hooks are taken away, and the window that was opened is closed; what was seen stays."""
        if self._hooks is not None:
            self._hooks.close()
        if self._seen is not None:
            self._seen.close()
        super().close()

    # ── What was seen ─────────────────────────────────────────────────────────────────────────────────────────

    @property
    def updates(self) -> int:
        """How many updates were made."""
        return self._hooks.updates if self._hooks is not None else 0

    @property
    def dropped(self) -> int:
        """How many updates should have been seen and were not, since what was seen before was not done with."""
        return self._hooks.dropped if self._hooks is not None else 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be had, a sentence each."""
        return self._seen.notes if self._seen is not None else ()

    @property
    def seen(self) -> tuple[WatchedUpdate, ...]:
        """What was seen, the oldest first; of a long training the older ones are sparser."""
        if self._seen is None:
            return ()
        self._seen.wait()
        return tuple(self._seen.kept)

    @property
    def losses(self) -> dict[int, float]:
        """Those that were given, by their updates; of a very long training the newest."""
        return self._seen.losses if self._seen is not None else {}

    def trace(self, place: int = -1) -> Trace:
        """The probe at one of `seen`. Raises `IndexError` where there is none, `ValueError` without a probe."""
        update = self.seen[place]
        trace = self._seen.begun.trace(update) if self._seen is not None else None
        if trace is None:
            raise ValueError("There is no probe: give one sequence as “probe=”, in the form that the network takes.")
        return trace

    # ── The window ────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def endpoint(self) -> Endpoint:
        """Where a window connects to this process; it is served from now on, until `close`. Raises `ValueError` where every=0."""
        if self._seen is None:
            raise ValueError("Nothing is watched: every=0, or enabled=False.")
        return super().endpoint

    def _words(self) -> Sequence[str]:
        return ("--watch",)

    def _repr_html_(self) -> str:
        """What Jupyter draws: the curves, and the probe as it is now."""
        seen = self.seen
        trace = self._seen.begun.trace(seen[-1]) if self._seen is not None and seen else None
        return training_as_html(seen, self.losses, self.dropped) + (trace_as_html(trace) if trace is not None else "")


def watch(network: nn.Module, *, every: int = 20, probe: Any = None, tokens: Sequence[object] | None = None, item: int = 0,
          enabled: bool = True, window: bool | None = None, options: Sequence[str] = ()) -> Watch:
    """See a training live: hidden states and gates, the gradients ‖∂L/∂h_t‖ and ‖∂L/∂c_t‖, loss and gradient norm.

    The training goes on as it is: updates are counted where torch's optimizers make them. Every so many updates the forward
    pass is recorded as by `record`, hooks take what the training's own backward pass hands back, and the probe is run once; all
    else happens in another thread. The training never waits for it: an update is not shown where those before it are not done
    with. Norms are those of the network's own weights.

    Parameters
    ----------
    every : int
        Every so many updates one is seen. 0 watches nothing and costs nothing.
    probe : optional
        What the network takes, a tuple for several arguments: the same at every update, so that updates can be compared. It is
        run without gradients in evaluation mode. One sequence is enough.
    tokens : sequence, optional
        What every step of the probe reads, as it is to be shown.
    item : int
        Which sequence of the probe, and of the training's batches, is shown.
    enabled : bool
        False is every=0.
    window : bool, optional
        Whether a window is opened; without it where there is a screen.
    options : sequence of str
        Further words of the window's command line.

    Raises
    ------
    TypeError, ValueError
        When the network is no module, `every` is negative, or the network cannot run the probe: one sentence.

    Examples
    --------
    >>> import torch, unrolled
    >>> net, out = torch.nn.LSTM(2, 8), torch.nn.Linear(8, 1)
    >>> optimiser = torch.optim.Adam([*net.parameters(), *out.parameters()])
    >>> with unrolled.watch(net, every=5, probe=torch.ones(6, 1, 2), window=False) as w:
    ...     for _ in range(10):
    ...         hidden, _ = net(torch.randn(6, 4, 2))
    ...         loss = out(hidden[-1]).square().mean()
    ...         optimiser.zero_grad()
    ...         loss.backward()
    ...         optimiser.step()
    ...         w.loss(loss)
    >>> [update.update for update in w.seen], len(w.losses)
    ([0, 1, 5, 10], 10)
    >>> w.trace().column("forget_gate").shape
    (6, 8)
    >>> w.seen[-1].gradients[0].norms(of_cell=True).shape
    (6,)
    """
    unwrapped(network)
    if every < 0:
        raise ValueError(f"every={every}: every so many updates one is seen, and 0 is none.")
    if not enabled or every == 0:
        return Watch(network, 0, None, item)
    made = Watch(network, every, None if probe is None else Probe(network, probe, tokens, item), item)
    return made.show(options=options) if window or (window is None and has_screen()) else made
