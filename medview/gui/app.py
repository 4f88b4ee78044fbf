"""Start the program: one application, one session, one window, one loop."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

# qasync takes the first binding it finds: say which.
os.environ.setdefault("QT_API", "pyside6")

from medview.core.garbage import no_collection

with no_collection():  # a fiftieth of the start
    from medview.gui.binding import load_binding

    load_binding()
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from medview.core.settings import load_settings
    from medview.core.words import say, set_language
    from medview.gui.style import apply_theme, base_font, set_type_sizes, system_language

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session import Session

_log = logging.getLogger("medview.gui")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What the window begins with."""

    paths: tuple[Path, ...] = ()
    screenshot: Path | None = None
    size: tuple[int, int] | None = None
    tab: str = ""
    layout: str = ""
    analyze: bool = False
    language: str = ""
    then: Callable[[MainWindow], None] | None = None  # instead of opening the paths


def make_application(arguments: Sequence[str] = ()) -> QApplication:
    """The one QApplication, dressed; without a screen Qt's offscreen platform is taken."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    if sys.platform.startswith("linux") and not (
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    ):
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # As an argument: `setStyle` returns a QStyle, whose dozen enumerations PySide then makes.
    app = QApplication([sys.argv[0], "-style", "Fusion", *arguments])
    app.setApplicationName("MedView")
    app.setDesktopFileName("medview")
    settings = load_settings()
    set_language(settings.language or system_language())
    set_type_sizes(settings.font_size, settings.corner_size)
    apply_theme(app, settings.theme)
    return app


def run(start: Start) -> int:
    """Open the window and stay until it is closed; returns the exit status."""
    app = make_application()
    window = show_frame(app, start)
    load_behind(app)
    import asyncio

    import qasync

    from medview.gui.collector import Collector
    from medview.gui.leaving import leave_within
    from medview.session import Session

    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    collector = Collector(app)
    session = Session()
    window.furnish(session)
    sys.excepthook = partial(_report_fault, session)
    if start.layout:
        window.grid.set_layout_name(start.layout)
        window.hanging.is_off = True
    if start.tab:
        window.sidebar.show_tab(start.tab)
    window.closing.connect(lambda: leave_within(int(window.property("status") or 0)))
    # Ctrl+C in the terminal closes the window as its button does.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    heartbeat = QTimer(window)
    heartbeat.start(250)
    heartbeat.timeout.connect(lambda: None)
    if start.screenshot is not None:
        from medview.gui.screenshot import Screenshot

        shot = Screenshot(window, start)
        QTimer.singleShot(0, shot.begin)
    elif start.then is not None:
        QTimer.singleShot(0, partial(start.then, window))
    else:
        QTimer.singleShot(0, lambda: _begin(window, start))
    stopped = asyncio.Event()
    app.aboutToQuit.connect(stopped.set)
    with loop:
        if window.isVisible():  # it may have been closed while it was furnished
            loop.run_until_complete(stopped.wait())
    collector.stop()
    return int(window.property("status") or 0)


def show_frame(app: QApplication, start: Start) -> MainWindow:
    """The window with its bars, drawn; it has no session yet and needs none of its libraries."""
    if start.language:
        set_language(start.language)
        app.setFont(base_font())
    with no_collection():
        from medview.gui.window import MainWindow

        window = MainWindow()
        if start.size is not None:
            window.resize(*start.size)
        window.show()
        app.processEvents()
    return window


def load_behind(app: QApplication) -> None:
    """Load what the session needs while the frame answers."""

    def load() -> None:
        import medview.session  # noqa: F401

        _import_asyncio()

    thread = threading.Thread(target=load, name="medview-start")
    with no_collection():
        thread.start()
        while thread.is_alive():
            app.processEvents()
            thread.join(0.01)


def _import_asyncio() -> None:
    """Without TLS, which the loop is never asked for and which costs more than all the rest."""
    sys.modules.setdefault("ssl", None)  # type: ignore[arg-type]  # as a Python without it has
    try:
        import asyncio  # noqa: F401
    finally:
        if sys.modules["ssl"] is None:
            del sys.modules["ssl"]


def _begin(window: MainWindow, start: Start) -> None:
    from medview.imaging import acceleration

    window.grid.links.turned.connect(acceleration.begin)
    if start.paths:
        window.open_paths(start.paths)
    else:
        window.restore()
    # torch starts in its own process, after the window is drawn and has begun to read.
    QTimer.singleShot(1500 if start.paths else 100, window.start_worker)


def _report_fault(
    session: Session, kind: type[BaseException], fault: BaseException, trace: Any
) -> None:
    """What goes wrong in a slot is logged (type and place only) and said; the window lives on."""
    from medview.session.events import Message

    _log.error("a reaction failed", exc_info=(kind, fault, trace))
    session.events.send(
        Message(say("Something failed inside MedView ({kind}).", kind=kind.__name__), "bad")
    )
