"""The adapter of one network, whose weights a package brings beside its code."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from torch import nn

from unrolled.models.adapters.adapter import PickledAdapter
from unrolled.models.checkpoints.fitting import fitted, sketching
from unrolled.models.checkpoints.pickled import PickledCheckpoint
from unrolled.models.stepping.stepper import AnyStepper
from unrolled.models.trace import ModelListing


def network_adapter(title: str, file: Path, network: Callable[[], nn.Module], stepper: Callable[..., AnyStepper], *,
                    task: str = "characters", input_kind: str = "text") -> PickledAdapter:
    """Opens a file of weights by its name without the suffix, and every other file whose tensors are called as this one's.

    Parameters
    ----------
    file : Path
        As ``torch.save(network.state_dict(), file)`` writes it.
    network : callable
        Makes the network, without its weights.
    stepper : callable
        The network, ``identity=`` and ``device=`` → what steps it, such as a subclass of `NetworkStepper`.
    """
    @cache
    def names() -> frozenset[str]:
        with sketching():
            return frozenset(network().state_dict())

    def opened(source: PickledCheckpoint, device: str) -> AnyStepper:
        name = file.stem if source.path.resolve() == file.resolve() else source.path.name
        return stepper(fitted(source.path, network, source.tensors), device=device,
                       identity=source.identity(title, "")._replace(name=name))

    listing = ModelListing(name=file.stem, title=title, task=task, size_bytes=file.stat().st_size, path=str(file), quality={},
                           source="", input_kind=input_kind)
    return PickledAdapter(family=title, input_kind=input_kind, models=(listing,), open=opened,
                          recognises=lambda source: frozenset(source.tensors) == names())
