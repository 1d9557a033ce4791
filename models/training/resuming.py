"""The file beside a checkpoint that keeps where its training is."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import torch

from unrolled.models.checkpoints.files import CheckpointError
from unrolled.models.trace.atomic import atomic_write
from unrolled.models.training.recipe import Request


class ResumeFile:
    """Tensors and numbers, and what training they are `about`, in words; what another one left is refused."""

    def __init__(self, path: Path, about: str) -> None:
        self._path, self._about = path, about

    @classmethod
    def of(cls, request: Request, options: msgspec.Struct, phase: str) -> ResumeFile:
        """``NAME.PHASE.resume`` beside the checkpoint that the training will write.

        Model and options are what it is of; the same data may lie in another folder.
        """
        path = request.output.with_name(f"{request.output.name}.{phase}.resume")
        return cls(path, f"{request.model} {msgspec.json.encode(options).decode()}")

    def read(self, device: str = "cpu") -> dict[str, Any]:
        """What an interrupted training left; nothing where there was none. Raises `CheckpointError` when it is damaged, or of
        a training that was asked for in other words.
        """
        if not self._path.is_file():
            return {}
        try:
            saved: dict[str, Any] = torch.load(self._path, map_location=device, weights_only=True)
            if not isinstance(saved, dict):
                raise TypeError("The outermost object is no dictionary.")
        except (RuntimeError, OSError, pickle.UnpicklingError, EOFError, TypeError) as error:
            raise self._damaged() from error
        if saved.get("options") != self._about:
            raise CheckpointError(f"“{self._path}” is of a training with other options; give the same ones "
                                  "to go on with it, or delete it to start again.")
        return saved

    @contextmanager
    def taking_up(self) -> Iterator[None]:
        """While what was read is given back to what trains. Raises `CheckpointError` where a part is missing or does not fit."""
        try:
            yield
        except (KeyError, RuntimeError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise self._damaged() from error

    def _damaged(self) -> CheckpointError:
        return CheckpointError(f"“{self._path}” is damaged; delete it to start again.")

    def write(self, state: dict[str, Any]) -> None:
        with atomic_write(self._path) as file:
            torch.save({"options": self._about, **state}, file)

    def remove(self) -> None:
        self._path.unlink(missing_ok=True)
