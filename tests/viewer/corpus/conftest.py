"""Stores are read here."""

from __future__ import annotations

import pytest
from stores import CELL, HIDDEN, drawn


@pytest.fixture(scope="session", autouse=True)
def zarr_is_there(threads_of_zarr: None) -> None:
    """Before the first test is watched."""


@pytest.fixture(scope="session")
def kept(tmp_path_factory):
    """A small store of drawn texts, and what it was made of."""
    made = drawn(tmp_path_factory.mktemp("corpus") / "store", [700, 40, 5000, 1300], channels=(HIDDEN, CELL))
    made.write()
    return made
