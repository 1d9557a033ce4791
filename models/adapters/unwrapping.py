"""The module inside what torch.compile, TorchScript and data-parallel make of it."""

from __future__ import annotations

from torch import jit, nn

_COMPILED = "_orig_mod"  # what torch.compile keeps the module under


def unwrapped(network: nn.Module) -> nn.Module:
    """The module that torch.compile or data-parallel was given. Raises `TypeError` where it cannot be reached."""
    if not isinstance(network, nn.Module):
        raise TypeError(f"A torch.nn.Module can be recorded, and this is of the type {type(network).__name__}.")
    why = closed(network)
    if why:
        raise TypeError(f"{why}; record the module that it was made from.")
    if isinstance(network, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        return unwrapped(network.module)
    inside = getattr(network, _COMPILED, None)
    return unwrapped(inside) if isinstance(inside, nn.Module) else network


def closed(module: nn.Module) -> str:
    """Why a module cannot be looked into; empty where it can be."""
    if isinstance(module, jit.ScriptModule):
        return "A TorchScript module cannot be looked into"
    if isinstance(module, nn.DataParallel) and len(module.device_ids) > 1:
        return "DataParallel copies the module to every device at every call, and the copies cannot be looked into"
    return ""


def plain(name: str) -> str:
    """A module's dotted name without what wraps it."""
    return ".".join(part for part in name.split(".") if part != _COMPILED)
