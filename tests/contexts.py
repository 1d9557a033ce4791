"""What a view is given in a test: a session, its own commands in force, and a list of the others."""

from __future__ import annotations

from typing import TypeVar

from pytestqt.qtbot import QtBot

from unrolled.viewer.state.commands import Command
from unrolled.viewer.state.session import Session
from unrolled.viewer.state.session_commands import session_commands
from unrolled.viewer.theme.themes import LIGHT, Theme
from unrolled.viewer.views.view import View, ViewContext

AnyView = TypeVar("AnyView", bound=View)


class Doing:
    """Does what concerns the session alone, and keeps the rest.

    Attributes
    ----------
    done : list of Command
        What was asked of whoever runs models, oldest first.
    """

    def __init__(self, session: Session) -> None:
        self._session_commands = session_commands(session)
        self.done: list[Command] = []

    def __call__(self, command: Command) -> None:
        if not self._session_commands.offer(command):
            self.done.append(command)


def context(session: Session, theme: Theme = LIGHT, doing: Doing | None = None) -> ViewContext:
    """The context of a view of this session."""
    return ViewContext(session, doing or Doing(session), theme)


def on_screen(qtbot: QtBot, view: AnyView, width: int, height: int) -> AnyView:
    """The view in this size, up to date; it follows the playhead."""
    qtbot.addWidget(view)
    view.resize(width, height)
    with qtbot.waitExposed(view):
        view.show()
    view.refresh()
    view.seek(view.session.playhead.step)
    view.session.playhead.moved.connect(view.seek)
    return view
