"""The panel of attribution is tried here."""

from __future__ import annotations

from functools import partial

import attributed
import pytest
import scripted


@pytest.fixture
def session():
    return attributed.session_of(scripted.trace())


@pytest.fixture
def open_panel(qtbot):
    return partial(attributed.panel_of, qtbot)
