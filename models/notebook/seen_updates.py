"""What was seen of a training, made ready in a thread of its own and sent to a window that asks for it."""

import queue
import threading
from collections import deque
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import torch
from torch import Tensor

from unrolled.models.notebook.probing import Probe
from unrolled.models.protocol.connection import Hello
from unrolled.models.protocol.dispatch import handles
from unrolled.models.protocol.message import Reply, Report, StillWanted
from unrolled.models.protocol.watching import (
    UNKNOWN,
    FollowTraining,
    KeptUpdates,
    LayerGradients,
    WatchBegun,
    WatchedLosses,
    WatchedUpdate,
    WatchEnded,
)
from unrolled.models.trace.names import first_line

if TYPE_CHECKING:
    from unrolled.models.notebook.training_hooks import Kept

WAITING = 4            # updates that were kept and not made ready; of more none is kept
MOST_LOSSES = 200_000  # beyond it the older half is let go


class SeenUpdates:
    """Takes what was kept of updates, and answers a window."""

    def __init__(self, name: str, every: int, parameters: int, probe: Probe | None) -> None:
        self._probe = probe
        # what is watched
        self.begun = WatchBegun(name, every, parameters, probe.channels if probe is not None else (),
                                probe.words if probe is not None else ())
        self.kept = KeptUpdates()  # what is ready
        self._notes: dict[str, None] = {}
        self._losses: dict[int, float] = {}
        self._pending: deque[tuple[int, Tensor | float]] = deque(maxlen=MOST_LOSSES)
        self._waiting: queue.Queue[Kept | None] = queue.Queue(maxsize=WAITING + 1)  # and the word that it is over
        self._lock = threading.Lock()
        self._reply: Reply | None = None
        self._thread = threading.Thread(target=self._work, name="unrolled watch", daemon=True)
        self._thread.start()

    @property
    def full(self) -> bool:
        """Whether one more could not be made ready in time."""
        return self._waiting.qsize() >= WAITING

    @property
    def notes(self) -> tuple[str, ...]:
        return tuple(self._notes)

    def note(self, sentence: str) -> None:
        if len(self._notes) < 20:
            self._notes[sentence] = None

    def take(self, kept: "Kept") -> None:
        self._waiting.put_nowait(kept)

    def add_loss(self, update: int, value: Tensor | float) -> None:
        self._pending.append((update, value))

    def wait(self) -> None:
        """Until all that was kept is ready."""
        self._waiting.join()

    @property
    def losses(self) -> dict[int, float]:
        with self._lock:
            self._take_losses()
            return dict(self._losses)

    def close(self) -> None:
        """Make ready what is kept, and tell the window that it is over; may be called twice."""
        if not self._thread.is_alive():
            return
        self._waiting.put(None)
        self._thread.join()
        with self._lock:
            losses = self._take_losses()
            self._tell(*losses, WatchEnded(max((*self._losses, *(own.update for own in self.kept)), default=0)))

    # ── For the window ────────────────────────────────────────────────────────────────────────────────────────

    @handles(Hello)
    def greet(self, request: Hello, reply: Reply, wanted: StillWanted) -> None:
        """There is no model to be chosen."""

    @handles(FollowTraining)
    def follow(self, request: FollowTraining, reply: Reply, wanted: StillWanted) -> None:
        with self._lock:
            self._reply = reply
            self._take_losses()
            self._tell(self._begun_now(), *((_losses(self._losses),) if self._losses else ()), *self.kept)
            if not self._thread.is_alive():
                self._tell(WatchEnded(max((own.update for own in self.kept), default=0)))

    # ── The thread ────────────────────────────────────────────────────────────────────────────────────────────

    def _work(self) -> None:
        torch.set_num_threads(1)  # of this thread: the training has the others
        while True:
            kept = self._waiting.get()
            try:
                if kept is None:
                    return
                with self._lock:
                    losses = self._take_losses()
                update = self._ready(kept)
                with self._lock:
                    notes = self._begun_now().notes
                    changed = notes != self.begun.notes
                    self.begun = self._begun_now()
                    if self.kept.add(update):
                        self._tell(*((self.begun,) if changed else ()), *losses, update)
            except Exception as error:  # the training is told nothing, the person is
                number = kept.update if kept else 0
                self.note(f"Update {number} could not be shown: {type(error).__name__}: {first_line(error)}.")
            finally:
                self._waiting.task_done()

    def _ready(self, kept: "Kept") -> WatchedUpdate:
        found: list[LayerGradients] = []
        if kept.capture is not None:
            found = kept.capture.found(kept.item)
            for sentence in (*kept.capture.hooks.notes, *kept.capture.notes):
                self.note(sentence)
        values = b"" if self._probe is None or kept.probed is None else self._probe.values(kept.probed)
        norms = list(kept.before.values())
        before = torch.stack([own.float().to(norms[0].device) for own in norms]).norm() if norms else None
        return WatchedUpdate(
            kept.update, UNKNOWN if before is None else float(before),
            UNKNOWN if kept.after is None else float(kept.after),
            tuple(found), values, 1000 * kept.seconds, kept.dropped)

    # ── Inside, under the lock ────────────────────────────────────────────────────────────────────────────────

    def _begun_now(self) -> WatchBegun:
        return msgspec.structs.replace(self.begun, notes=self.notes)

    def _tell(self, *reports: Report) -> None:
        if self._reply is not None:
            for report in reports:
                self._reply(report)

    def _take_losses(self) -> tuple[WatchedLosses, ...]:
        """Those that are new, as numbers: here a GPU is waited for."""
        fresh: dict[int, float] = {}
        while self._pending:
            update, value = self._pending.popleft()
            fresh[update] = float(value)
        self._losses.update(fresh)
        if len(self._losses) > MOST_LOSSES:
            self._losses = dict(list(self._losses.items())[MOST_LOSSES // 2 :])
        return (_losses(fresh),) if fresh else ()


def _losses(found: dict[int, float]) -> WatchedLosses:
    return WatchedLosses(np.array(list(found), "<i4").tobytes(), np.array(list(found.values()), "<f4").tobytes())
