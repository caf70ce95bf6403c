"""What the tests of the simulation tools share."""

from pathlib import Path

import pytest

from qcompile.tools.cache import Cache
from qcompile.tools.prerequisites import Toolchain, find_toolchain


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    return find_toolchain()


@pytest.fixture(scope="session")
def build_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A cache that starts empty and that the tests of a session fill."""
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def designs() -> Path:
    return Path(__file__).parent / "designs"
