"""The independent second computation of a model, and of the inputs that a run looks at, each made once a run."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from unrolled.models.reference.protocol import Reference
from unrolled.models.stepping.stepper import AnyStepper, EncodedInput


class SecondComputation:
    """Kept by a run and all its branches: reading weights and encoding a picture again costs more than many steps."""

    def __init__(self, stepper: AnyStepper) -> None:
        self._stepper = stepper
        self._memories: dict[int, tuple[EncodedInput[Any], Any]] = {}  # with the reading, so that its id stays its own

    @cached_property
    def reference(self) -> Reference:
        """The model, its weights read again. Raises `CheckpointError`."""
        return self._stepper.reference()

    def memory(self, encoded: EncodedInput[Any]) -> Any:
        """What every step looks at, from the input itself."""
        if id(encoded) not in self._memories:
            self._memories[id(encoded)] = encoded, self.reference.read(encoded.given_input)
        return self._memories[id(encoded)][1]
