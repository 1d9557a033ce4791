"""What a place says that has nothing to show yet: what will be there of this model, and how to get it. It knows no Qt."""

from unrolled.models.inputs.inputs import NO_INPUT
from unrolled.models.inputs.kinds import taken_by
from unrolled.models.trace import ModelDescription
from unrolled.viewer.state.shown import ShownSession
from unrolled.viewer.state.wording import NOUNS

READY = "Press Space for the first step."
BEGIN = {"picture": "Open a photograph to begin.", "sentence": "Enter a sentence to begin.",
         "text": "Open or enter a text to begin.", "clip": "Open a clip to begin.", NO_INPUT: READY}
REFUSED = {"picture": "This photograph could not be read: open another.", "clip": "This clip could not be read: open another.",
           "sentence": "This sentence could not be read: enter another.",
           "text": "This text could not be read: open or enter another."}
UNEXPLAINED = "This model can be stepped and changed; what it is made of is not known, so its steps cannot be explained."
MOSTLY = {"text": "characters", "clip": "labels"}


def model_on_screen(session: ShownSession) -> ModelDescription | None:
    """The model that takes what is shown; none while it is loaded."""
    description, given = session.description, session.input
    return description if description is None or given is None or taken_by(given, description.input_kind) else None


def input_kind(session: ShownSession) -> str:
    """What the model on screen takes; while there is none, what is there to be taken."""
    description = model_on_screen(session)
    return description.input_kind if description is not None else kind_without_model(session)


def kind_without_model(session: ShownSession) -> str:
    """What is there to be taken; while the first model is coming, as what it takes that."""
    given, expected = session.input, session.expected_kind
    return expected if given is None or (session.description is None and taken_by(given, expected)) else given.medium


def detokenization(session: ShownSession) -> str:
    """How what the run's model, else the model on screen, writes makes a text; while there is none, how most of its kind do."""
    shown = session.trace.provenance if session.trace is not None else model_on_screen(session)
    return shown.detokenization if shown is not None else MOSTLY.get(input_kind(session), "words")


def what_is_written(session: ShownSession) -> str:
    """What a step writes: a word, a piece, a character, a label."""
    return NOUNS.get(detokenization(session), "token")


def empty_text(session: ShownSession, what: str, *, explains: bool = False) -> str:
    """What will be in a place, a sentence in which ``{}`` is what a step writes, and what is to be done for it.

    Parameters
    ----------
    explains : bool
        Whether only a model that explains its steps has anything to show there.
    """
    description = model_on_screen(session)
    if explains and description is not None and "explain" not in description.can:
        return UNEXPLAINED
    said = BEGIN if session.input is None else REFUSED if session.input_refused else {}
    begin = said.get(input_kind(session), READY)
    return f"{what.format(what_is_written(session))} {begin}"
