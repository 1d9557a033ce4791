"""Hooks on somebody's training: they count updates, and of every so many keep what is needed to show it."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

from unrolled.models.adapters.module_hooks import unwrapped
from unrolled.models.adapters.watched_gradients import GradientCapture
from unrolled.models.notebook.probing import Probe
from unrolled.models.notebook.recording import Recording
from unrolled.models.notebook.seen_updates import SeenUpdates
from unrolled.models.trace.names import first_line


@dataclass(slots=True, eq=False)
class Kept:
    """Of one update, as it was in the training's own thread; nothing of it has been computed yet."""

    update: int
    capture: GradientCapture | None = None
    item: int = 0
    before: dict[int, Tensor] = field(default_factory=dict)  # the norm of each weight's gradient, as the backward pass left it
    after: Tensor | None = None                              # that of all, as the optimizer found it
    probed: Recording | None = None
    seconds: float = 0.0
    dropped: int = 0


class TrainingHooks:
    """In force from the beginning; `close` takes them away. What goes wrong in them is noted, and is never the training's."""

    def __init__(self, network: nn.Module, every: int, probe: Probe | None, item: int, seen: SeenUpdates) -> None:
        self._network, self._every, self._probe, self._item, self._seen = network, every, probe, item, seen
        self.updates = self.dropped = 0
        self._parameters = [own for own in network.parameters() if own.requires_grad]
        self._own = {id(parameter) for parameter in self._parameters}
        self._held = ExitStack()
        self._of_update = ExitStack()   # the hooks of the update that is kept
        self._kept: Kept | None = None  # the update that is under way, where it is to be seen
        self._begun = self._stepped = self._probing = self._forward = False
        self._held.callback(network.register_forward_pre_hook(self._guarded(self._forwards), with_kwargs=True).remove)
        self._held.callback(network.register_forward_hook(self._guarded(self._forwarded), always_call=True).remove)
        self._held.callback(register_optimizer_step_pre_hook(self._guarded(self._stepping)).remove)
        self._held.callback(register_optimizer_step_post_hook(self._guarded(self._optimized)).remove)
        seen.take(Kept(0, probed=self._run_probe()))

    def close(self) -> None:
        """May be called twice."""
        if self._kept is not None and self._kept.capture is not None:
            self._kept.capture.hooks.detach()
        self._of_update.close()
        self._held.close()
        self._kept = None

    def loss(self, value: Tensor | float) -> None:
        of = self.updates + 1 if self._begun else max(self.updates, 1)
        self._seen.add_loss(of, value.detach() if isinstance(value, Tensor) else float(value))

    def update(self, loss: Tensor | float | None) -> None:
        if loss is not None:
            self.loss(loss)
        if not self._stepped:
            self._before_step()
            self._after_step()
        self._stepped = False

    # ── The training's own thread ─────────────────────────────────────────────────────────────────────────────

    def _guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        def guarded(*given: Any) -> None:
            try:
                act(*given)
            except Exception as error:  # the training goes on, whatever this cannot make of it
                self._seen.note(f"Update {self.updates + 1} could not be watched: {type(error).__name__}: {first_line(error)}.")

        return guarded

    def _forwards(self, network: nn.Module, given: tuple[Any, ...], named: dict[str, Any]) -> None:
        """A forward pass begins, perhaps the first of an update."""
        if self._probing or not torch.is_grad_enabled():
            return
        if not self._begun:
            self._begun = True
            self._kept = self._to_be_kept()
        if self._kept is not None and self._kept.capture is not None and not self._forward:
            started = time.perf_counter()
            self._kept.capture.hooks.attach((given, named) if unwrapped(network) is network else None)
            self._forward = True
            self._kept.seconds += time.perf_counter() - started

    def _forwarded(self, network: nn.Module, given: Any, returned: Any) -> None:
        if self._forward and not self._probing and self._kept is not None and self._kept.capture is not None:
            self._kept.capture.hooks.detach()
            self._forward = False

    def _to_be_kept(self) -> Kept | None:
        """What an update is kept in that is to be seen; of one that there is no room for nothing, and it is counted."""
        update = self.updates + 1
        if update > 1 and update % self._every:
            return None
        if self._seen.full:
            self.dropped += 1
            return None
        started = time.perf_counter()
        kept = Kept(update, GradientCapture(self._network), self._item)
        for place, parameter in enumerate(self._parameters):
            hooked: Any = parameter  # torch has no types for it
            self._of_update.callback(hooked.register_post_accumulate_grad_hook(_norm_into(kept.before, place)).remove)
        kept.seconds = time.perf_counter() - started
        return kept

    def _is_own(self, optimizer: Optimizer) -> bool:
        return any(id(own) in self._own for group in optimizer.param_groups for own in group["params"])

    def _stepping(self, optimizer: Optimizer, *_: Any) -> None:
        if self._is_own(optimizer):
            self._before_step()

    def _optimized(self, optimizer: Optimizer, *_: Any) -> None:
        if self._is_own(optimizer):
            self._stepped = True
            self._after_step()

    def _before_step(self) -> None:
        kept = self._kept
        if kept is not None and kept.before:
            kept.after = _norm([own.grad.detach() for own in self._parameters if own.grad is not None])

    def _after_step(self) -> None:
        self.updates += 1
        self._begun, kept, self._kept = False, self._kept, None
        if kept is None:
            return
        started = time.perf_counter()
        self._of_update.close()
        if kept.capture is not None:
            kept.capture.hooks.detach()
        kept.probed, kept.dropped = self._run_probe(), self.dropped
        kept.seconds += time.perf_counter() - started
        self._seen.take(kept)

    def _run_probe(self) -> Recording | None:
        if self._probe is None:
            return None
        self._probing = True
        try:
            return self._probe.run()
        finally:
            self._probing = False


def _norm_into(norms: dict[int, Tensor], place: int) -> Callable[[Tensor], None]:
    def keep(parameter: Tensor) -> None:
        if parameter.grad is not None:
            norms[place] = torch.linalg.vector_norm(parameter.grad.detach())

    return keep


def _norm(gradients: list[Tensor]) -> Tensor | None:
    """Of all together, on their device, so that nobody waits for it."""
    if not gradients:
        return None
    first = gradients[0].device
    norm: Tensor = torch.linalg.vector_norm(torch.stack([own.to(first) for own in torch._foreach_norm(gradients)]))
    return norm
