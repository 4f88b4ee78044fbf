"""Every test: no screen, no network, its own home, English."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("VTK_DEFAULT_OPENGL_WINDOW", "vtkOSOpenGLRenderWindow")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from hypothesis import HealthCheck, settings
from pytestqt.qtbot import QtBot

from medview.core.words import set_language

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")
# The same holds for how long a window takes to come to what a test waits for.
for wait in (QtBot.waitUntil, QtBot.waitSignal, QtBot.waitExposed):
    wait.__kwdefaults__["timeout"] = 60_000


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests come last: they get the time that the others leave."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """After MEDVIEW_TESTS_END (seconds since 1970), which CI sets, no slow test begins."""
    end = float(os.environ.get("MEDVIEW_TESTS_END", "inf"))
    if time.time() > end and item.get_closest_marker("slow") is not None:
        pytest.skip("slow, and the time given to the tests is over")


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Settings, journals, logs and user models of a test lie in its own folder."""
    home = tmp_path / "home"
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    monkeypatch.setenv("HOME", str(home))
    yield home
    set_language("en")


@pytest.fixture(scope="module")
def loopback() -> str:
    """127.0.0.1, or a skip with the reason; tests that ask for it allow that host by a mark."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            any_socket.connect(("127.0.0.1", 9))
    except OSError:
        pytest.skip("the loopback interface is down here: packaging/test brings it up")
    return "127.0.0.1"


@pytest.fixture(scope="session")
def data() -> Path:
    """The folder of real data (`imaging`, `training`, `clinical`), or a skip with the reason."""
    folder = Path(os.environ.get("MEDVIEW_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no real data here: set MEDVIEW_DATA to its folder")
    return folder


@pytest.fixture(scope="session")
def imaging_data(data: Path) -> Path:
    """Real DICOM files."""
    return data / "imaging"


@pytest.fixture(scope="session")
def training_data(data: Path) -> Path:
    """Real labelled data."""
    return data / "training"


@pytest.fixture(scope="session")
def clinical_data(data: Path) -> Path:
    """Real and synthetic documents, vectors, tables."""
    return data / "clinical"
