"""Stores are read here."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def zarr_is_there(threads_of_zarr: None) -> None:
    """Before the first test is watched."""
