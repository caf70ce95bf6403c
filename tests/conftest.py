"""Fixtures for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("same every time", derandomize=True, deadline=None, database=None)
settings.load_profile("same every time")

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture
def shared_model() -> Callable[[str], Path]:
    """Path of a third-party model by name; skips the test where those are absent."""

    def path(name: str) -> Path:
        model = SHARED / "models" / f"{name}.onnx"
        if not model.exists():
            pytest.skip(f"{model} is absent")
        return model

    return path
