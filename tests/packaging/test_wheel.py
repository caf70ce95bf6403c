"""The wheel carries all that a run needs: built, installed somewhere fresh, used far from the clone."""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Asked of the installed package: where it lies, and what it finds.
QUESTION = """
import json, qcompile
from qcompile.targets import all_targets
from qcompile.tools import assets
print(json.dumps({
    "package": qcompile.__file__,
    "version": qcompile.__version__,
    "folders": [str(folder) for folder in (assets.rtl(), assets.hls(), assets.templates())],
    "modules": sorted(file.name for file in assets.rtl().glob("*.sv")),
    "templates": sorted(str(p.relative_to(assets.templates())) for p in assets.templates().rglob("*.j2")),
    "targets": [target.name for target in all_targets()],
}))
"""


def call(*command: str | Path, cwd: Path) -> str:
    finished = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, f"{command}\n{finished.stdout}\n{finished.stderr}"
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel; what it depends on is seen in the environment of the tests."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    call(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=folder)
    site = Path(
        call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).strip()
    )
    # A line of a .pth file extends the path without reading the .pth files there: no editable install
    # leaks in.
    paths = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "dependencies.pth").write_text("\n".join(sorted(paths)) + "\n")
    return folder


def test_the_wheel_holds_the_library_the_templates_and_the_boards(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, suffix in (("rtl", ".sv"), ("templates", ".j2")):
        wanted = {f"qcompile/assets/{p.relative_to(ROOT)}" for p in (ROOT / folder).rglob(f"*{suffix}")}
        assert wanted
        assert wanted <= names
    boards = (ROOT / "compiler/qcompile/targets/boards").glob("*.toml")
    assert {f"qcompile/targets/boards/{board.name}" for board in boards} <= names
    assert not [name for name in names if name.startswith(("tests/", "examples/"))]
    assert not [name for name in names if "__pycache__" in name]
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_same_sources_give_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    call(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path, cwd=ROOT)
    (again,) = tmp_path.glob("*.whl")
    assert again.read_bytes() == wheel.read_bytes()


def test_an_installed_wheel_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    answer = json.loads(call(installed / "bin" / "python", "-c", QUESTION, cwd=tmp_path))
    assert Path(answer["package"]).is_relative_to(installed)
    assert all(Path(folder).is_relative_to(installed) for folder in answer["folders"])
    assert answer["modules"] == sorted(file.name for file in (ROOT / "rtl").glob("*.sv"))
    templates = (ROOT / "templates").rglob("*.j2")
    assert answer["templates"] == sorted(p.relative_to(ROOT / "templates").as_posix() for p in templates)
    assert len(answer["targets"]) >= 15


def test_the_main_job_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    model = ROOT / "examples" / "digits_mlp_w2a2" / "model.onnx"
    program = installed / "bin" / "qcompile"
    call(program, model, "--target", "pynq-z2", "-o", tmp_path / "build", "--no-sim", cwd=tmp_path)
    assert json.loads((tmp_path / "build" / "manifest.json").read_text())["target"] == "pynq-z2"
    assert any((tmp_path / "build" / "rtl").glob("*.sv"))
    assert (tmp_path / "build" / "model.int.onnx").stat().st_size > 0
