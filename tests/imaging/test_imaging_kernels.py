"""The compiled kernels give what numpy gives; without them everything works."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medview.imaging import acceleration

needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba is optional"
)


def _compare(folder: Path, **settings: str) -> float:
    script = Path(__file__).with_name("kernels_in_python.py")
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MEDVIEW_HOME": str(folder)}
    made = subprocess.run(
        [sys.executable, str(script)], env=env | settings, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    return float(made.stdout)


@needs_numba
def test_the_kernels_as_python_agree_with_numpy(tmp_path: Path) -> None:
    assert _compare(tmp_path, NUMBA_DISABLE_JIT="1") < 5e-4  # of the span of the numbers


@needs_numba
@pytest.mark.slow
def test_the_compiled_kernels_agree_with_numpy_and_stay_in_the_cache(tmp_path: Path) -> None:
    assert _compare(tmp_path) < 5e-4
    kept = list((tmp_path / "cache" / "kernels").rglob("*.nbi"))
    assert kept
    assert _compare(tmp_path) < 5e-4
    assert list((tmp_path / "cache" / "kernels").rglob("*.nbi")) == kept


def test_nothing_is_loaded_before_a_plane_is_turned() -> None:
    assert acceleration.ready() is None
    modules = "medview.imaging.mpr, medview.gui.views.slice_view"
    found = subprocess.run(
        [sys.executable, "-c", f"import {modules}, sys; print('numba' in sys.modules)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert found.stdout.strip() == "False"
