"""B14: from the start of the process to the shown window, and what is loaded by then.

    python -m benchmarks.start [--json] [--only B14]

The peer is napari where MEDVIEW_NAPARI names a Python that has it, else the same window
after the eager imports that MedView avoids (torch, vtk, SimpleITK, pydicom).
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from benchmarks.pairs import Goal, Row, against_limit, against_peer, main

_OURS = """
import sys
from medview.gui.app import make_application
app = make_application()
from medview.gui.window import MainWindow
from medview.session import Session
window = MainWindow(Session())
window.show()
app.processEvents()
loaded = {"torch", "vtkmodules", "vtk", "SimpleITK", "monai"} & set(sys.modules)
print("shown", *sorted(loaded), flush=True)
import os
os._exit(0)
"""
_EAGER = "import torch, vtk, SimpleITK, pydicom\n" + _OURS.replace("loaded =", "loaded = set() and")
_NAPARI = """
import napari
viewer = napari.Viewer()
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
print("shown", flush=True)
import os
os._exit(0)
"""
_LIMIT_CPU_MS = 500.0


def _environment(home: str) -> Mapping[str, str]:
    folders = {f"XDG_{n}_HOME": f"{home}/{n.lower()}" for n in ("CONFIG", "DATA", "STATE", "CACHE")}
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": home, **folders}


def _start(code: str, python: str = sys.executable) -> str:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [python, "-c", code], env=_environment(home), capture_output=True, text=True, check=True
        )
    return done.stdout.strip()


def _b14() -> Row:
    said = _start(_OURS)
    if said != "shown":
        raise SystemExit(f"loaded before the window is shown: {said.removeprefix('shown ')}")
    napari = os.environ.get("MEDVIEW_NAPARI", "")
    peer = "napari" if napari else "the same window after torch, vtk, SimpleITK and pydicom"
    goal = Goal(name="B14", what="process start to shown window", goal=10, peer=peer)
    if napari:
        return against_peer(goal, lambda: _start(_NAPARI, napari), lambda: _start(_OURS), pairs=5)
    return against_peer(goal, lambda: _start(_EAGER), lambda: _start(_OURS), pairs=5)


def _b14_cpu() -> Row:
    goal = Goal(name="B14-wall", what="process start to shown window, half a second")
    return against_limit(goal, _LIMIT_CPU_MS, lambda: _start(_OURS), rounds=5)


if __name__ == "__main__":
    raise SystemExit(main({"B14": _b14, "B14-wall": _b14_cpu}))
