"""B14: from the start of the process to the shown window, and what is loaded by then.

    python -m benchmarks.start [--json] [--only B14] [--peer PYTHON]

The peer is napari's viewer. It is installed into a temporary folder by pip (version below, about
1.3 GB with what it needs), or taken from the Python that --peer names. Where neither is to be had
the rows against it do not hold and say so. Every start is a fresh process with its own home; both
programs run compiled (one untimed start each writes the byte code).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from benchmarks.pairs import Goal, Row, against_limit, against_peer, main, not_run

_NAPARI = "napari[pyside6]==0.9.2"
_LIMIT_MS, _AI_LIMIT_MS = 500.0, 6000.0
_FORBIDDEN = {"torch", "vtk", "vtkmodules", "SimpleITK", "monai"}
_AIM = {"numpy"}

# What `medview` does up to the drawn frame, and up to panels and views that answer.
_FRAME = """
import medview.cli.main, medview.cli.window
from medview.gui.app import Start, make_application, show_frame
app = make_application()
window = show_frame(app, Start())
"""
_WHOLE = (
    _FRAME
    + """
from medview.gui.app import load_behind
load_behind(app)
import qasync
from medview.gui.collector import Collector
from medview.session import Session
collector = Collector(app)
window.furnish(Session())
app.processEvents()
"""
)
_END = """
import os, sys
assert window.isVisible()
loaded = {"torch", "vtk", "vtkmodules", "SimpleITK", "monai", "numpy"} & set(sys.modules)
print("shown", *sorted(loaded), flush=True)
os._exit(0)
"""
_PEER = """
import napari
window = napari.Viewer().window._qt_window
from qtpy.QtWidgets import QApplication
QApplication.processEvents()
import os
assert window.isVisible()
print("shown", flush=True)
os._exit(0)
"""
_AI = """
import os, sys
from medview.gui import app
from medview.session.session import Session
kept = Session.__init__
def watched(session, *given):
    kept(session, *given)
    def hear(event):
        if type(event).__name__ == "WorkerChanged" and event.state in ("ready", "dead"):
            session.analyses.close()
            print(event.state, flush=True)
            os._exit(0)
    session.events.subscribe(hear)
Session.__init__ = watched
app.run(app.Start())
"""


@cache
def _folders() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="medview-start-")


def _environment(home: str) -> Mapping[str, str]:
    own = {f"XDG_{n}_HOME": f"{home}/{n.lower()}" for n in ("CONFIG", "DATA", "STATE", "CACHE")}
    taken = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    compiled = {"PYTHONPYCACHEPREFIX": f"{_folders().name}/compiled"}
    return {**taken, **compiled, "QT_QPA_PLATFORM": "offscreen", "HOME": home, **own}


def _start(code: str, python: str = sys.executable) -> str:
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [python, "-c", code], env=_environment(home), capture_output=True, text=True, check=True
        )
    return done.stdout.strip()


@contextmanager
def _peer(given: list[str]) -> Iterator[str]:
    """The Python that has napari, "" with the reason in `given` where there is none."""
    if given:
        yield given[0]
        return
    with tempfile.TemporaryDirectory(prefix="medview-napari-") as folder:
        python = Path(folder, "bin", "python")
        try:
            for command in (
                [sys.executable, "-m", "venv", folder],
                [str(python), "-m", "pip", "install", "-q", "--no-input", _NAPARI],
            ):
                subprocess.run(command, check=True, capture_output=True, timeout=900)
        except (OSError, subprocess.SubprocessError):
            yield ""
            return
        yield str(python)


def _against_napari(goal: Goal, code: str, peer: str, pairs: int = 5) -> Row:
    if not peer:
        return not_run(goal, "napari could not be installed here: no package index is reachable")
    return against_peer(goal, lambda: _start(_PEER, peer), lambda: _start(code), pairs)


def _b14(peer: str) -> Row:
    loaded = set(_start(_FRAME + _END).split()[1:])
    goal = Goal(name="B14", what="process start to shown window", goal=10, peer=_NAPARI)
    row = _against_napari(
        goal, _FRAME + _END, peer, pairs=11
    )  # of five the median wavers by a tenth
    row["loaded"] = sorted(loaded)
    row["holds"] = row["holds"] and not loaded & _FORBIDDEN
    return row | {"aim": "numpy not loaded", "aim_holds": not loaded & (_FORBIDDEN | _AIM)}


def _b14_whole(peer: str) -> Row:
    goal = Goal(name="B14-whole", what="to panels and views that answer", goal=3, peer=_NAPARI)
    return _against_napari(goal, _WHOLE + _END, peer)


def _b14_cpu() -> Row:
    goal = Goal(name="B14-cpu", what="CPU time to the shown window, half a second")
    row = against_limit(goal, _LIMIT_MS, lambda: _start(_FRAME + _END), rounds=5)
    spent = row["cpu_s"][1] * 1000  # the goal is CPU time, busy machine or not
    return row | {
        "value": round(spent, 1),
        "ratio": row["cpu_ratio"],
        "holds": row["cpu_ratio"] >= 1,
        "decided_by": "cpu",
    }


def _b14_ai() -> Row:
    goal = Goal(name="B14-ai", what="process start to the analysis process ready (aim)")

    def ready() -> None:
        if _start(_AI) != "ready":
            raise SystemExit("the analysis process did not start")

    row = against_limit(goal, _AI_LIMIT_MS, ready, rounds=3)
    # The analysis process's own CPU time is not seen from here: only the clock can decide.
    return row | {"holds": row["ratio"] >= 1, "decided_by": "wall"}


def _rows(peer: Callable[[], str]) -> dict[str, Callable[[], Row]]:
    return {
        "B14": lambda: _b14(peer()),
        "B14-whole": lambda: _b14_whole(peer()),
        "B14-cpu": _b14_cpu,
        "B14-ai": _b14_ai,
    }


def _main() -> int:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--peer", metavar="PYTHON", help="a Python that has napari")
    known, rest = parser.parse_known_args()
    wants_peer = not any(name in rest for name in ("B14-cpu", "B14-ai", "-h", "--help"))
    if not wants_peer:
        return main(_rows(str), rest)
    with _peer([known.peer] if known.peer else []) as peer:
        return main(_rows(lambda: peer), rest)


if __name__ == "__main__":
    raise SystemExit(_main())
