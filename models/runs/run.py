"""One input and a model's branches over it: the first, number 0, and those that leave one of them."""

from collections.abc import Sequence
from typing import Any

from unrolled.models.runs.branch import Branch
from unrolled.models.runs.errors import EngineError
from unrolled.models.stepping.stepper import AnyStepper, EncodedInput
from unrolled.models.trace.edits import Edit, EditError, SwapInput, check

NO_PARENT = -1


class Run:
    def __init__(self, number: int, stepper: AnyStepper, encoded: EncodedInput[Any]) -> None:
        self.number, self.stepper, self._encoded = number, stepper, encoded
        self._others: dict[str, EncodedInput[Any]] = {}  # by the hash of their bytes
        self._branches = {0: Branch(number, 0, stepper, encoded, others=self._others)}

    def branch(self, number: int) -> Branch:
        """A branch. Raises `EngineError` where there is none of that number."""
        if number not in self._branches:
            raise EngineError("step", f"There is no branch {number} of this run.")
        return self._branches[number]

    def add_input(self, input_hash: str, encoded: EncodedInput[Any]) -> None:
        """Keep another input, so that an edit can swap to it."""
        own, other = self._encoded, encoded
        if other.memory is None:
            raise EngineError("edit", "This model looks at nothing beside what it reads; there is no input to be swapped.")
        if other.channels != own.channels or other.maximum_steps < own.maximum_steps:
            raise EngineError("edit", "The other input has another length than the run’s own; a run cannot change over to it.")
        self._others[input_hash] = other

    def fork(self, number: int, parent: int, step: int, edits: Sequence[Edit], tokens: Sequence[int]) -> None:
        """Make a branch that leaves another before a step; or, without a parent, one whose tokens are known. Raises
        `EngineError` when an edit cannot be made, or the step is not there.
        """
        description, channels = self.stepper.description, self._encoded.channels or self.stepper.description.channels
        for edit in edits:
            try:
                check(edit, channels, description.words)
            except EditError as error:
                raise EngineError("edit", str(error)) from error
            if isinstance(edit, SwapInput) and edit.input_hash not in self._others:
                raise EngineError("edit", f"“{edit.name}” has not been read by the model; choose it again.")
        if parent != NO_PARENT:
            self._branches[number] = self.branch(parent).fork(number, step, edits)
            return
        if any(not 0 <= token < len(description.words) for token in tokens):
            raise EngineError("step", "A word of this run is not one of the model’s.")
        self._branches[number] = Branch(self.number, number, self.stepper, self._encoded, others=self._others, edits=edits,
                                        tokens=tokens)
