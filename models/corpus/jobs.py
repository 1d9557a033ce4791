"""What a worker is told, and what it tells: values that can be sent to another machine."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from unrolled.models.store.layout import StoreDescription


class WorkerSettings(NamedTuple):
    """What all jobs of a worker share."""

    address: str  # the store's
    # model, device: the checkpoint's name or path, and where it runs
    model: str
    device: str
    description: StoreDescription


class Document(msgspec.Struct, frozen=True):
    """A document of a part."""

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
    """A part that is there."""

    part: int
    steps: int                      # of all its documents
    # tracing_seconds, writing_seconds: time of the processor
    tracing_seconds: float
    writing_seconds: float
    left_out: tuple[str, ...] = ()  # what could not be read after all, a sentence each
    notes: tuple[str, ...] = ()     # what a person should know of the others, a sentence each
