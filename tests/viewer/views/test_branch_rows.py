"""The rows of the tree are the branches that there are."""

from __future__ import annotations

import scripted
from contexts import context

from unrolled.viewer.state.session import Session
from unrolled.viewer.views.branches.branch_tree import BranchTreeView


def test_another_run_takes_the_place_of_one_of_the_same_name(qtbot):
    session = Session()
    session.set_trace(scripted.trace())
    view = BranchTreeView(context(session))
    qtbot.addWidget(view)
    other = scripted.trace(scripted.CAPTION[:3])
    session.set_trace(other)
    view.refresh()
    assert [own.trace for own in view.rows.branches.rows] == [other]
    assert view.rows.currentIndex().row() == 0
