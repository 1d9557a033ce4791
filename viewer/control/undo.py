"""Changes of the branches that can be undone, on Qt's undo stack."""

from __future__ import annotations

from PySide6.QtGui import QUndoCommand

from unrolled.viewer.state.branches import Branches
from unrolled.viewer.state.session import Session


class BranchesCommand(QUndoCommand):
    """From these branches to those. Branches are values, so that each side is kept as it was; their traces are shared."""

    def __init__(self, session: Session, after: Branches, text: str) -> None:
        super().__init__(text)
        self._session, self._before, self._after = session, session.branches, after

    def redo(self) -> None:
        self._session.set_branches(self._after)

    def undo(self) -> None:
        self._session.set_branches(self._before)
