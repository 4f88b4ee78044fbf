"""The Qt binding itself: a broken release must not reach a reader."""

from __future__ import annotations

import subprocess
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from threading import Event, Thread
from types import ModuleType

from PySide6.QtGui import QImage, QPainter

from medview.gui.binding import _Later


def test_calling_qt_does_not_eat_references_of_none(qapp) -> None:
    # PySide6 6.12.0 gives back None without a reference of its own: before Python 3.12 some
    # 7000 calls end the process with "deallocating None". 6.10.3 and 6.11.3 are sound.
    image = QImage(8, 8, QImage.Format.Format_Grayscale8)
    painter = QPainter(image)
    before = sys.getrefcount(None)

    for _ in range(500):
        painter.setOpacity(1.0)

    lost = before - sys.getrefcount(None)
    painter.end()
    assert lost < 100, "this PySide6 aborts on this Python: pin PySide6-Essentials 6.11.3"


_WRONG_CALL = """
import sys
from medview.gui.binding import _LATER, load_binding
load_binding()
from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QWidget
app = QApplication([])
QWidget().resize(2, 3)
for name in _LATER:
    module = sys.modules["shibokensupport.signature." + name]
    assert type(module).__name__ == "_Waiting", name
try:
    QPoint("x", [2])
except TypeError as error:
    print(error)
print(QWidget.resize.__doc__)
from PySide6.support.signature.lib import pyi_generator
assert callable(pyi_generator.generate_pyi)
assert __import__ is not __feature_import__
"""


def test_what_the_binding_says_of_a_wrong_call_waits_until_there_is_one() -> None:
    command = [sys.executable, "-c", _WRONG_CALL]
    done = subprocess.run(command, check=False, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr
    assert "called with wrong argument types" in done.stdout
    assert "PySide6.QtCore.QPoint.__init__(xpos: int, ypos: int, /)" in done.stdout
    assert "resize(self, w: int, h: int, /) -> None" in done.stdout


class SlowLoader(Loader):
    """Runs a module that takes its time."""

    def __init__(self) -> None:
        self.begun, self.goes_on = Event(), Event()

    def exec_module(self, module: ModuleType) -> None:
        self.begun.set()
        assert self.goes_on.wait(20)
        module.answer = 42  # type: ignore[attr-defined]


def test_a_second_thread_that_looks_into_a_module_waits_until_it_has_run() -> None:
    loader = SlowLoader()
    later = _Later(loader, ModuleSpec("waits", loader))
    module = later.create_module(ModuleSpec("waits", later))
    module.__spec__ = ModuleSpec("waits", later)
    found: list[object] = []
    threads = [Thread(target=lambda: found.append(getattr(module, "answer", None)))
               for _ in range(4)]  # fmt: skip
    threads[0].start()
    assert loader.begun.wait(20)
    for each in threads[1:]:
        each.start()
    threads[-1].join(0.1)
    loader.goes_on.set()
    for each in threads:
        each.join(20)
    assert found == [42] * 4
