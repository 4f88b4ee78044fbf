"""What the worker process may not do, asked of real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFINED = "import os\nfrom medview.ai.worker.confine import confine\nconfine(os.getppid())\n"


def confined(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CONFINED + code], check=False, capture_output=True, text=True
    )


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import socket; socket.socket(socket.AF_UNIX)",
        "import socket; socket.getaddrinfo('localhost', 80)",
        "import subprocess; subprocess.run(['true'])",
        "import os; os.system('true')",
        "import os; os.fork()",
        "import os; os.execv('/bin/true', ['true'])",
        "import pickle; pickle.loads(b'cos\\nsystem\\n(S\"true\"\\ntR.')",
        "import pickle; pickle._loads(b'cos\\nsystem\\n(S\"true\"\\ntR.')",
    ],
)
def test_network_programs_and_pickles_are_shut(code: str) -> None:
    result = confined(code)

    assert result.returncode == 1
    assert "PermissionError" in result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="seccomp is Linux's")
def test_libraries_that_do_not_ask_python_get_no_network_socket() -> None:
    code = (
        "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
        "kinds = ((2, 1), (2, 2), (10, 1), (16, 3), (17, 3), (1, 1))\n"  # AF_INET ... AF_UNIX
        "print([libc.socket(*kind, 0) >= 0 for kind in kinds])\n"
    )

    assert confined(code).stdout.strip() == str([False] * 5 + [True])


def test_worker_steps_behind_the_window() -> None:
    assert confined("print(os.nice(0))").stdout.strip() == str(min(19, os.nice(0) + 10))


def test_what_libraries_print_does_not_reach_the_pipe() -> None:
    code = (
        "import os; from medview.ai.worker.confine import claim_stdout\n"
        "out = claim_stdout(); print('noise'); os.system('echo more')\n"
        "os.write(out, b'line')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )

    assert result.stdout == "line"
    assert "noise" in result.stderr


def test_worker_ends_with_its_parent() -> None:
    code = (
        "import sys, time\n"
        "from medview.ai.client import Worker, WorkerReady\n"
        "worker = Worker(lambda e: print(worker.pid, flush=True), preload=False)\n"
        "worker.start(); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        assert Path(f"/proc/{worker}").exists()

        parent.send_signal(signal.SIGKILL)
        parent.wait()

    _until_gone(worker)


def test_worker_whose_pipe_closes_ends() -> None:
    command = [sys.executable, "-m", "medview.ai.worker", "--parent", str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert b'"hello"' in process.stdout.readline()

        process.stdin.close()

        assert process.wait(10) == 0


@pytest.mark.parametrize("line", [b'{"v": 2, "type": "job"}\n', b"not json\n", b"[]\n"])
def test_client_of_another_version_is_not_guessed_at(line: bytes) -> None:
    command = [sys.executable, "-m", "medview.ai.worker", "--parent", str(os.getpid())]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        out, _ = process.communicate(line, timeout=20)

        assert process.returncode == 2
        assert b"hello" in out


def _until_gone(pid: int) -> None:
    end = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and not _is_zombie(pid):
        assert time.monotonic() < end
        time.sleep(0.01)


def _is_zombie(pid: int) -> bool:
    # In a container nobody may reap an orphan.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True
