"""Compiled kernels where numba is installed: loaded when a plane is turned for the first time, or a
large film is windowed.

Compiling takes seconds and holds the interpreter, so a child process does it once and leaves the
result in the user's cache; this process only loads it. Until then, without numba, or where the
cache cannot be written, numpy does the same within a grey level.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import threading
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from medview.core.paths import user_cache_dir

TYPES = (np.int16, np.uint16, np.uint8, np.float32)
_PATIENCE_S = 600.0  # on a busy machine; nobody waits for it
_log = logging.getLogger("medview.imaging")
_lock = threading.Lock()
_begun = threading.Event()
_kernels: ModuleType | None = None


def begin() -> None:
    """Load the kernels in a thread, once; nothing waits for it."""
    if _begun.is_set() or importlib.util.find_spec("numba") is None:
        return
    _begun.set()
    threading.Thread(target=_bring, name="medview-kernels", daemon=True).start()


def load() -> bool:
    """Load the kernels here and now, compiling what the cache does not hold; whether it worked."""
    global _kernels  # noqa: PLW0603 - one set of compiled code a process
    if importlib.util.find_spec("numba") is None:
        return False
    with _lock:
        if _kernels is None:
            os.environ.setdefault("NUMBA_CACHE_DIR", str(_folder()))
            from medview.imaging import kernels

            _touch(kernels)
            _kernels = kernels
    return True


def unload() -> None:
    """Go back to numpy; the kernels stay in the cache."""
    global _kernels  # noqa: PLW0603
    _kernels = None


def ready() -> ModuleType | None:
    """The kernels, None where there are none or not yet."""
    return _kernels


def fits(array: NDArray[np.generic]) -> bool:
    """Whether the kernels take an array: three axes of two voxels or more, of a known type."""
    return array.ndim == 3 and min(array.shape) > 1 and array.dtype.type in TYPES


def _bring() -> None:
    import subprocess
    import sys

    try:
        command = [sys.executable, "-P", "-m", "medview.imaging.acceleration"]
        subprocess.run(command, check=True, timeout=_PATIENCE_S, capture_output=True)
        load()
    except (OSError, ImportError, subprocess.SubprocessError) as error:
        _log.warning("no compiled kernels", extra={"kind": type(error).__name__})


def _folder() -> str:
    folder = user_cache_dir() / "kernels"
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def _touch(kernels: ModuleType) -> None:
    """Have every kernel compiled, or taken from the cache, for every type."""
    matrix = np.eye(3)
    outside = np.zeros((1, 1), bool)
    for kind in TYPES:
        array = np.zeros((2, 2, 2), kind)
        kernels.linear_rows(array, matrix, np.zeros((1, 1), np.float32), outside, (0, 1, 1))
        kernels.nearest_rows(array, matrix, np.zeros((1, 1), kind), outside, (0, 1, 1))
        padding = (0, 1, 1, 1.0, 2.0)
        kernels.padded_rows(array, matrix, np.zeros((1, 1), np.float32), outside, padding)
        count = np.zeros((1, 1), np.uint16)
        for made in (kind, np.float32):
            out = np.zeros((1, 1), made)
            kernels.slab_rows(
                array, np.eye(3, 4), np.zeros(1), out, count, (0, 1, kernels.MAX, 1.0, 0.0)
            )
        one = np.float32(1)
        grey = np.zeros((2, 2), np.uint8)
        kernels.window_rows(array[0], one, one, grey)
        kernels.window_rows(array[:, 0], one, one, grey)  # a slice across lies otherwise


if __name__ == "__main__":  # the child that compiles, behind everything that the reader waits for
    if hasattr(os, "nice"):
        os.nice(10)
    load()
