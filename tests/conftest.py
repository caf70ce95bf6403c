"""Fixtures for all tests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from qcompile.cli import main

from .support import small_models
from .support.outcome import Outcome

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


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the small models as files."""
    folder = tmp_path_factory.mktemp("models")
    for make in (small_models.mlp, small_models.untyped, small_models.forked, small_models.two_inputs):
        small_models.save(make, folder)
    return folder


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs qcompile in this process with these arguments."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def built(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a small network, simulated. Nobody may change it: tests work on copies."""
    folder = tmp_path_factory.mktemp("built") / "mlp"
    assert main([str(models / "mlp.onnx"), "--target", "pynq-z2", "-o", str(folder), "--interval", "24"]) == 0
    return folder
