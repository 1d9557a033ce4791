"""Models of Hugging Face's library are opened here."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest


@pytest.fixture(scope="session")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """By a name of `MODELS` the stepper, made once."""
    from tests.tiny_transformers import save
    from unrolled.models.adapters.registry import load

    folder = tmp_path_factory.mktemp("transformers")
    return cache(lambda name: load(f"hf:{save(name, folder)}"))
