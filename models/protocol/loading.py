"""Models and devices."""

from __future__ import annotations

import msgspec

from unrolled.models.trace import ModelDescription, ModelListing


class Device(msgspec.Struct, frozen=True):
    """A processor that a model can run on: ``cpu``, ``cuda:0``, ``mps``, with its name for people."""

    name: str
    title: str


class LoadModel(msgspec.Struct, frozen=True, tag=True):
    """Load a model by its name or by a checkpoint's path; device ``auto`` takes the fastest there is."""

    model: str
    device: str = "auto"


class Ready(msgspec.Struct, frozen=True, tag=True):
    """What there is to choose from, once the backend knows: its devices and models."""

    devices: tuple[Device, ...]
    models: tuple[ModelListing, ...]


class Loaded(msgspec.Struct, frozen=True, tag=True):
    """A model is loaded and describes itself."""

    description: ModelDescription
    device: str

