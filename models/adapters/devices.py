"""The processors of this machine that a model can run on."""

import platform

import torch

from unrolled.models.protocol.loading import Device


def accelerator() -> str:
    """The kind of accelerator that PyTorch was built for, there or not: ``cuda``, ``mps``, ``xpu``; else ``cpu``."""
    return getattr(torch.accelerator.current_accelerator(), "type", "cpu")


def devices() -> tuple[Device, ...]:
    """All of them, the fastest first: those of the accelerator that PyTorch was built for, whichever it is, and the CPU."""
    found = [Device("cpu", f"CPU ({platform.processor() or platform.machine()})")]
    if torch.accelerator.is_available():
        kind = accelerator()
        title = getattr(torch.get_device_module(kind), "get_device_name", lambda number: "Apple GPU" if kind == "mps" else kind)
        names = [f"{kind}:{number}" for number in range(torch.accelerator.device_count())]
        found[:0] = [Device(name, f"{title(number)} #{number}" if len(names) > 1 else title(number))
                     for number, name in enumerate(names)]
    return tuple(found)


def pick(wanted: str) -> str:
    """The device of a name; ``auto`` is the fastest, ``cuda`` the first of its kind. Raises `ValueError` when this machine
    has no such device: one sentence for people.
    """
    names = [device.name for device in devices()]
    if wanted == "auto":
        return names[0]
    for name in names:
        if wanted == name or name.startswith(f"{wanted}:"):
            return name
    raise ValueError(f"This machine has no device “{wanted}”; there is {', '.join(names)}.")
