"""Running other programs: output, failures in words, and nothing left running."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from qcompile.ir.errors import CompilerError
from qcompile.tools.command import run


def is_running(pid: int) -> bool:
    """Whether the process exists and is not a zombie that waits to be collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_for(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_output_is_captured_in_order_and_standard_input_is_empty() -> None:
    finished = run(["sh", "-c", "echo one; echo two >&2; cat; echo three"], what="talking")
    assert finished.output == "one\ntwo\nthree\n"
    assert finished.exit_code == 0
    assert finished.command[0] == "sh"
    assert 0 < finished.seconds < 10


def test_environment_changes_and_removals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QC_REMOVED", "1")
    monkeypatch.setenv("MAKEFLAGS", "-j --jobserver-auth=3,4")
    script = "echo ${QC_ADDED-unset} ${QC_REMOVED-unset} ${MAKEFLAGS-unset}"
    finished = run(["sh", "-c", script], what="asking", environment={"QC_ADDED": "yes", "QC_REMOVED": None})
    assert finished.output == "yes unset unset\n"


def test_working_directory_and_log_file(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    finished = run(["sh", "-c", "pwd; echo tail"], what="looking", cwd=tmp_path, log=log)
    assert finished.output == f"{tmp_path.resolve()}\ntail\n"
    assert log.read_text() == finished.output
    assert finished.tail(1) == "tail"


def test_a_missing_program_is_named() -> None:
    with pytest.raises(CompilerError) as caught:
        run(["no-such-program", "-x"], what="building")
    assert str(caught.value) == "building: the program 'no-such-program' is not installed, or not on the PATH"


def test_a_failure_shows_the_exit_code_the_last_lines_and_the_log(tmp_path: Path) -> None:
    log = tmp_path / "run.log"
    script = "for i in $(seq 100); do echo line $i; done; exit 7"
    with pytest.raises(CompilerError) as caught:
        run(["sh", "-c", script], what="building", log=log)
    error = caught.value
    assert error.what == "building: 'sh' failed with exit code 7"
    assert error.where == str(log)
    assert "| line 100" in error.why
    assert "| line 81\n" in error.why
    assert "| line 80\n" not in error.why


def test_without_check_the_exit_code_is_the_callers_to_judge() -> None:
    assert run(["sh", "-c", "exit 7"], what="building", check=False).exit_code == 7


def test_a_death_by_signal_is_named() -> None:
    with pytest.raises(CompilerError, match="was ended by SIGSEGV"):
        run(["sh", "-c", "kill -SEGV $$"], what="building")


def test_output_that_is_not_text_does_not_matter() -> None:
    assert run(["printf", "\\377ok"], what="printing").output == "\ufffdok"


def test_the_time_limit_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; echo waiting; wait"
    with pytest.raises(CompilerError) as caught:
        run(["sh", "-c", script], what="simulating", timeout_s=0.5)
    assert caught.value.what == "simulating: 'sh' did not end within 0.5 seconds and was stopped"
    assert "| waiting" in caught.value.why
    assert wait_for(lambda: not is_running(int(pid_file.read_text())))


def test_a_program_that_ignores_the_request_to_end_is_killed(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"trap '' TERM; echo $$ > {pid_file}; while true; do sleep 0.1; done"
    with pytest.raises(CompilerError, match="did not end"):
        run(["sh", "-c", script], what="simulating", timeout_s=0.5)
    assert wait_for(lambda: not is_running(int(pid_file.read_text())))


def test_ctrl_c_ends_the_program_and_what_it_started(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid_file}; wait"
    program = textwrap.dedent(f"""
        import sys
        sys.path[:0] = {sys.path!r}
        from qcompile.tools.command import run
        try:
            run(["sh", "-c", {script!r}], what="simulating")
        except KeyboardInterrupt:
            sys.exit(42)
    """)
    with subprocess.Popen([sys.executable, "-c", program]) as parent:
        assert wait_for(lambda: pid_file.exists() and pid_file.read_text().strip() != "")
        grandchild = int(pid_file.read_text())
        assert is_running(grandchild)
        os.kill(parent.pid, signal.SIGINT)
        assert parent.wait(timeout=10) == 42
    assert wait_for(lambda: not is_running(grandchild))


def test_a_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(CompilerError, match="cannot write the log file"):
        run(["true"], what="building", log=tmp_path / "absent" / "run.log")
