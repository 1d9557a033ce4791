"""The panel of attribution in a test: its session, and the script's answers to what it asks."""

import scripted_answers
from contexts import context, on_screen

from unrolled.viewer.state.attributions import GRADIENTS, OCCLUSION
from unrolled.viewer.state.session import Session
from unrolled.viewer.views.attribution.attribution import AttributionView


def session_of(trace):
    made = Session()
    made.set_trace(trace)
    made.questions.possible = True
    return made


def panel_of(qtbot, session, width=640, height=260):
    """The panel on screen, which hears of answers."""
    made = on_screen(qtbot, AttributionView(context(session)), width, height)
    session.questions.answered.connect(lambda _: made.refresh())
    return made


def follow(session, *, rows=None, done=True):
    """The script's answer to what is asked; returns the question."""
    asked = session.questions.get(GRADIENTS)
    question = asked.question
    count = rows if rows is not None else question.last + 1 - question.first
    session.questions.take_part(asked.number, scripted_answers.gradient_rows(question.first, count, question.first,
                                                                             question.last), done=done)
    return question


def mask(session):
    asked = session.questions.get(OCCLUSION)
    session.questions.take_part(asked.number, scripted_answers.occluded(asked.question.step), done=True)
