"""The face of a model that is computed a second time."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from torch import Tensor

Hook = Callable[[str, Tensor], Tensor]
"""What each named quantity passes through, so that edits hold here as they do in the model."""

Weights = Mapping[str, Tensor]
State = tuple[Tensor, ...]
"""(hidden,) or (hidden, cell), each (1, hidden), in double precision on the CPU."""


class Reference(Protocol):
    """A model that takes single steps of one sequence, whatever was recorded."""

    @property
    def computed_by(self) -> tuple[str, ...]:
        """The modules and functions of torch that it uses, as people know them: ``nn.LSTMCell``, ``F.softmax``."""

    @property
    def state_names(self) -> tuple[str, ...]:
        """The channels that a state consists of, in its order: what a step found of them is what the next one reads."""

    def read(self, given: Any) -> Any:
        """An input, from its own pixels or words, to what every step looks at."""

    def start(self, memory: Any) -> State:
        """The state before the first step."""

    def step(self, memory: Any, state: State, token: int, number: int, hook: Hook) -> dict[str, Tensor]:
        """Step `number`, which reads `token` from the state before.

        Returns
        -------
        dict of str to Tensor
            Each channel by its name, flat, and ``log_probs`` (V,), in double precision.
        """


class Foreseen(NamedTuple):
    """A step's `Reference.step`: what it looks at, the token that it reads, -1 where the input says it, and its edits."""

    memory: Any
    token: int
    hook: Hook


@runtime_checkable
class Foreseeing(Protocol):
    """A reference that computes many steps at once, where it is told of them before each question."""

    def foresee(self, steps: Sequence[Foreseen]) -> None:
        """The steps from the first on, one after another."""


def doubled(weights: Weights) -> dict[str, Tensor]:
    """Weights on the CPU in double precision, copies of their own."""
    return {name: value.detach().to("cpu").double().clone() for name, value in weights.items()}


def under(weights: Weights, prefix: str) -> dict[str, Tensor]:
    """The weights of one module, without its name in front."""
    return {name.removeprefix(f"{prefix}."): value for name, value in weights.items() if name.startswith(f"{prefix}.")}
