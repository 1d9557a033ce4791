"""Zarr's threads last as long as the process: they are there before the first test is watched."""

from __future__ import annotations

import asyncio
import time

import pytest


@pytest.fixture(scope="session", autouse=True)
def threads_of_zarr() -> None:
    zarr = pytest.importorskip("zarr")
    from zarr.core.sync import sync

    async def all_busy() -> None:
        await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.01) for _ in range(64)))

    sync(all_busy())
    assert zarr.config is not None
