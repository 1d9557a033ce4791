"""The tree of a beam search in the window."""

from __future__ import annotations

import numpy as np
from contexts import context

from unrolled.models.protocol.decoding import Decoding
from unrolled.models.protocol.searching import BeamHypothesis, BeamStepped
from unrolled.viewer.state.search_tree import ROOT, SearchTree
from unrolled.viewer.views.branches.beam_tree import BeamTree


def test_a_search_that_has_grown_is_painted_as_it_was_until_the_view_is_told(qtbot, session):
    channels = tuple(session.trace.channels.values())
    search = SearchTree(0, 0, Decoding(method="beam", beam_width=1))
    tree = BeamTree(context(session))
    qtbot.addWidget(tree)
    tree.show()
    tree.set_search(search)
    values = np.zeros((1, sum(channel.size for channel in channels)), "<f4").tobytes()
    for step in range(2):
        made = BeamHypothesis(number=step, parent=step - 1 if step else ROOT, token=3, word="dog", log_prob=-1.0, score=-1.0,
                              finished=False)
        search.grow(BeamStepped(0, 0, step, (made,), values), channels)
        tree.grab()
    tree.set_search(search)
    assert tree.at(tree.place(1).center()).number == 1
