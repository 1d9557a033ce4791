"""Questions about a branch, each handed to what answers it."""

from collections.abc import Iterator

from unrolled.models.explaining.equations import explain
from unrolled.models.explaining.gradients import gradients
from unrolled.models.explaining.logit_lens import lens
from unrolled.models.explaining.occlusion import occlude
from unrolled.models.explaining.replay import replay
from unrolled.models.protocol.message import StillWanted
from unrolled.models.protocol.questions import AnswerPart, ExplainStep, FollowGradients, OccludeStep, Question, ReadLens, Replay
from unrolled.models.runs.branch import Branch
from unrolled.models.runs.errors import EngineError


def answers(branch: Branch, question: Question, wanted: StillWanted) -> Iterator[AnswerPart]:
    """The parts of an answer, as they are found.

    Raises
    ------
    EngineError
        When a step is not there yet, or the model has nothing of the kind.
    Superseded
        When nobody waits for it any more.
    """
    if "explain" not in branch.stepper.description.can and not isinstance(question, Replay):
        raise EngineError("question", "This model can be stepped and changed; what it is made of is not known, so that its steps "
                                      "cannot be explained.")
    last = question.last if isinstance(question, FollowGradients | Replay | ReadLens) else question.step
    first = question.first if isinstance(question, FollowGradients | Replay | ReadLens) else question.step
    if last >= len(branch):
        raise EngineError("question", f"Step {last} is not there yet: {len(branch)} are recorded.")
    if last < first:
        raise EngineError("question", f"Step {last} comes before step {first}.")
    if isinstance(question, ExplainStep):
        yield explain(branch, question.step, question.unit, wanted)
    elif isinstance(question, FollowGradients):
        yield from gradients(branch, first, last, wanted)
    elif isinstance(question, OccludeStep):
        yield occlude(branch, question.step, wanted)
    elif isinstance(question, ReadLens):
        yield from lens(branch, first, last, wanted)
    else:
        yield from replay(branch, first, last, wanted)
