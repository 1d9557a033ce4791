"""The rows of the tree are the branches that there are."""

from __future__ import annotations

import scripted
from contexts import context, on_screen

from unrolled.viewer.state.branches import FIRST, Branch
from unrolled.viewer.state.comparison import Compared
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


def test_the_branch_that_is_shown_is_in_sight(qtbot):
    session = Session()
    session.set_trace(scripted.trace())
    view = on_screen(qtbot, BranchTreeView(context(session)), 800, 110)
    branches = session.branches
    for number in range(8):
        own = Branch(identity=number + 1, wire_id=number + 1, name=f"branch {number + 1}",
                     trace=scripted.trace(), parent=FIRST, step=1)
        branches = branches.with_branch(own, show=False)
    session.set_branches(branches)
    for identity in (8, 1):
        session.set_branches(session.branches.showing(identity))
        view.refresh()
        rows = view.rows
        assert rows.branches.rows[rows.currentIndex().row()].identity == identity
        assert rows.viewport().rect().contains(rows.visualRect(rows.currentIndex()))


def test_the_branch_that_something_else_is_compared_with_is_marked(qtbot):
    session = Session()
    session.set_trace(scripted.trace())
    view = on_screen(qtbot, BranchTreeView(context(session)), 800, 110)
    view.refresh()
    alone = view.grab().toImage()
    session.compare(Compared("another", scripted.trace(scripted.CAPTION[:3])))
    view.refresh()
    assert view.grab().toImage() != alone
