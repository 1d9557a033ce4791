"""The processors of this machine that a model can run on."""

import platform

import torch

from unrolled.models.protocol.loading import Device


def devices() -> tuple[Device, ...]:
    """All of them, the fastest first."""
    found = [Device(f"cuda:{number}", torch.cuda.get_device_name(number)) for number in range(torch.cuda.device_count())
             if torch.cuda.is_available()]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    return (*found, Device("cpu", f"CPU ({platform.processor() or platform.machine()})"))


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
