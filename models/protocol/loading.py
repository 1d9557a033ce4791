"""Models and devices."""

from typing import ClassVar

import msgspec

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import Count, Ledger, Report, Request
from unrolled.models.trace import ModelDescription, ModelListing


class Device(msgspec.Struct, frozen=True):
    """A processor that a model can run on: ``cpu``, ``cuda:0``, ``mps``, with its name for people."""

    name: str
    title: str


class LoadModel(Request, frozen=True):
    """Load a model by its name or by a checkpoint's path; device ``auto`` takes the fastest there is.

    What was asked before of runs and of models is superseded at once; `number` is in the answer.
    """

    subject: ClassVar[str] = "model"

    model: str
    device: str = "auto"
    number: Count = 0

    def note(self, ledger: Ledger, position: int) -> Report | None:
        ledger.model_at = position
        return None

    def wanted(self, ledger: Ledger, position: int) -> bool:
        return position >= ledger.model_at


class EndLoading(Request, frozen=True):
    """Nobody waits any more for the model that was asked for."""

    queued: ClassVar[bool] = False

    def note(self, ledger: Ledger, position: int) -> Report | None:
        ledger.model_at = position
        return None


class Family(msgspec.Struct, frozen=True):
    """Checkpoints of one kind that can be opened, other people's among them."""

    name: str
    input_kind: str = ""
    package: str = ""  # the one that brings it, with its version; empty where it is this one
    # why what that package brings cannot be used; where it is this one, `name` is a shipped model whose file is damaged
    error: str = ""

    @property
    def is_damaged(self) -> bool:
        return bool(self.error) and not self.package


class Ready(Report, frozen=True):
    """What there is to choose from, once the backend knows: its devices and models, and what else can be opened."""

    devices: tuple[Device, ...]
    models: tuple[ModelListing, ...]
    families: tuple[Family, ...] = ()


class Loaded(Report, frozen=True):
    """A model is loaded and describes itself; `decoding`: as its own code, or its settings, have words chosen."""

    description: ModelDescription
    device: str
    number: Count = 0
    decoding: Decoding = Decoding()
