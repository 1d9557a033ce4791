"""One worker: a model of its own, and parts that it traces and writes whole."""

import os
import signal
import threading
import time
from collections.abc import Callable
from functools import cached_property
from multiprocessing import parent_process
from typing import Any, NamedTuple

import msgspec

from unrolled.models.store.layout import StoreDescription
from unrolled.models.store.location import Location
from unrolled.models.store.writing import PartWriter


class WorkerSettings(NamedTuple):
    """What all jobs of a worker share."""

    address: str  # the store's
    # model, device: the checkpoint's name or path, and where it runs
    model: str
    device: str
    description: StoreDescription


class Document(msgspec.Struct, frozen=True):
    number: int  # in the store
    place: int   # of its first step in the part
    room: int    # how many steps it may have
    name: str
    data: bytes  # its file


class Job(msgspec.Struct, frozen=True):
    """A part to be traced and written: its shards, and all of its documents, the longest first."""

    part: int
    first_shard: int
    shards: int
    documents: tuple[Document, ...]


class Done(msgspec.Struct, frozen=True):
    part: int
    steps: int                      # of all its documents
    # tracing_seconds, writing_seconds: time of the processor
    tracing_seconds: float
    writing_seconds: float
    left_out: tuple[str, ...] = ()  # what could not be read after all, a sentence each
    notes: tuple[str, ...] = ()     # what a person should know of the others, a sentence each


class Worker:
    """Loads the model with its first part: what was raised before, as where a GPU's memory is full, nobody would be told. What
    fails is a `StoreError` or a `CheckpointError`, with a sentence. `tell`: told how many steps of the part have been taken.
    """

    def __init__(self, settings: WorkerSettings, tell: Callable[[int], None] = lambda steps: None) -> None:
        self._settings, self._tell = settings, tell
        self._writer = PartWriter(Location(settings.address), settings.description)

    @cached_property
    def _stepper(self) -> Any:
        import torch

        from unrolled.models.adapters.registry import load

        torch.set_num_threads(1)  # several workers share the cores; and the last bits depend on it
        return load(self._settings.model, device=self._settings.device)

    def work(self, job: Job) -> Done:
        """Trace a part and write it."""
        from unrolled.models.corpus.stepping import trace_part

        taken = 0

        def count(steps: int) -> None:
            nonlocal taken
            taken += steps
            self._tell(taken)

        stepper, began = self._stepper, time.process_time()
        kept, left_out, notes = trace_part(stepper, self._settings.description, job, say=count)
        traced = time.process_time()
        self._writer.write(job.part, job.first_shard, kept)
        return Done(job.part, int((kept.tokens >= 0).sum()), traced - began, time.process_time() - traced, tuple(left_out),
                    tuple(notes))


_workers: list[Worker] = []  # of this process: one, once `begin` was called


def begin(settings: WorkerSettings, counter: Any) -> None:
    """In a process of its own: make the worker. It ends with whoever started it, and leaves Ctrl+C to them."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()

    def tell(steps: int) -> None:
        counter.value = steps

    _workers.append(Worker(settings, tell))


def work(job: Job) -> Done:
    """In the same process."""
    return _workers[0].work(job)


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)
