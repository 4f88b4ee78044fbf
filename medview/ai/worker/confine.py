"""What the worker may not do, decided before it reads anything: network, programs, pickles.

An audit hook cannot be taken off again; whatever a model folder holds, these ways are shut.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Sized
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from medview.ai.worker.seccomp import refuse_network_sockets

_SHUT = (
    "socket.__new__", "socket.connect", "socket.bind", "socket.getaddrinfo",
    "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty",
    "pickle.find_class",
)  # fmt: skip
_PR_SET_PDEATHSIG = 1


def _refuse(event: str, _args: tuple[Any, ...]) -> None:
    if event in _SHUT:
        raise PermissionError(event)


def confine(parent: int) -> None:
    """Shut the ways out, step behind the window in priority, and end with the parent."""
    sys.addaudithook(_refuse)
    if os.name == "posix":
        os.nice(10)
        # This process owns no block; the tracker would be a child that outlives a kill.
        resource_tracker.register = _no_tracking
        resource_tracker.unregister = _no_tracking
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # the system's shortage shall not meet the window first
            Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        refuse_network_sockets()
        if os.getppid() != parent:  # it died before we asked
            os._exit(0)


def _no_tracking(name: Sized, rtype: str) -> None:
    """Stand in for the tracker of shared memory."""


def claim_stdout() -> int:
    """A private descriptor of the pipe; what libraries print goes to standard error instead."""
    private = os.dup(1)
    os.set_inheritable(private, False)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return private
