"""A beam search, told as it runs."""

from typing import Annotated, ClassVar

import msgspec

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.message import BranchRequest, Count, Report, RunReport
from unrolled.models.trace import Candidate, Channel, StepResult
from unrolled.models.trace.steps import unpacked


class Search(BranchRequest, frozen=True):
    """Search by beam from a branch's step on and tell every step of it; the steps that are taken then follow its best."""

    subject: ClassVar[str] = "step"
    cancellable: ClassVar[bool] = True

    step: Count
    decoding: Decoding

    def closed(self) -> Report | None:
        return Searched(self.run, self.branch)


class BeamHypothesis(msgspec.Struct, frozen=True, kw_only=True):
    """A hypothesis that a beam search keeps at a step."""

    # number, parent: its own, counted from 0 through the whole search, and that of the hypothesis it goes on from; -1 for
    # the beginning
    number: Count
    parent: Annotated[int, msgspec.Meta(ge=-1, le=1_000_000)]
    # token, word, log_prob: what it writes at this step
    token: Count
    word: str
    log_prob: float
    score: float  # what it is ranked by: see `unrolled.models.stepping.choosing.Beam`
    finished: bool  # it ends here; otherwise it lives, and dies where no hypothesis of the next step goes on from it
    candidates: tuple[Candidate, ...] = ()  # the most probable tokens where it wrote its own


class BeamStepped(RunReport, frozen=True):
    """One step of a beam search; `values` holds a row of all channels for each hypothesis, float32."""

    branch: Count
    step: Count
    hypotheses: tuple[BeamHypothesis, ...]
    values: bytes

    def results(self, channels: tuple[Channel, ...]) -> tuple[StepResult, ...]:
        """The step of each hypothesis, as if it had been taken alone. Raises `ValueError` when the values are not as many as
        the channels say.
        """
        values = unpacked(self.values, channels, len(self.hypotheses))
        return tuple(StepResult(step=self.step, token=own.token, word=own.word, log_prob=own.log_prob, candidates=own.candidates,
                                values={name: rows[place, ...] for name, rows in values.items()})
                     for place, own in enumerate(self.hypotheses))


class Searched(RunReport, frozen=True):
    branch: Count = 0
