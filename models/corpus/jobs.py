"""What a worker is told, and what it tells: values that can be sent to another machine."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from unrolled.models.store.layout import StoreDescription


class WorkerSettings(NamedTuple):
    """What all jobs of a worker share.

    Attributes
    ----------
    address : str
        The store's.
    model, device : str
        The checkpoint's name or path, and where it runs.
    """

    address: str
    model: str
    device: str
    description: StoreDescription


class Document(msgspec.Struct, frozen=True):
    """A document of a part.

    Attributes
    ----------
    number : int
        In the store.
    place : int
        Of its first step in the part.
    room : int
        How many steps it may have.
    name : str
    data : bytes
        Its file.
    """

    number: int
    place: int
    room: int
    name: str
    data: bytes


class Job(msgspec.Struct, frozen=True):
    """A part to be traced and written: its shards, and all of its documents, the longest first."""

    part: int
    first_shard: int
    shards: int
    documents: tuple[Document, ...]


class Done(msgspec.Struct, frozen=True):
    """A part that is there.

    Attributes
    ----------
    steps : int
        Of all its documents.
    tracing_seconds, writing_seconds : float
        Time of the processor.
    left_out : tuple of str
        What could not be read after all, a sentence each.
    notes : tuple of str
        What a person should know of the others, a sentence each.
    """

    part: int
    steps: int
    tracing_seconds: float
    writing_seconds: float
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
