"""Contact sheets: every stack below some folders, as the true window shows it, twelve a sheet.

    .venv/bin/python docs/contact_sheet.py OUT FOLDER...

Each FOLDER is opened in a window of its own; each stack is shown, waited for, and its views are
grabbed with the series' name, verdict and unit below. OUT must lie outside the program's own
folder: pictures of real studies do not belong there.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QImage, QPainter, QPixmap
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    from medview.gui.window import MainWindow
    from medview.session.studies import Place

COLUMNS, ROWS = 4, 3
TILE = (480, 420)
CAPTION = 44
PATIENCE_S = 60.0


def wait(app: QApplication, window: MainWindow) -> bool:
    """Let the window work until it is quiet; False where it never is."""
    end = time.monotonic() + PATIENCE_S
    quiet_since: float | None = None
    while time.monotonic() < end:
        app.processEvents()
        time.sleep(0.01)
        if window.is_busy:
            quiet_since = None
            continue
        quiet_since = quiet_since or time.monotonic()
        if time.monotonic() - quiet_since > 0.25:
            return True
    return False


def caption(folder: Path, place: Place) -> str:
    """Folder, series, verdict, unit in two lines."""
    stack, series = place.stack, place.series
    where = Path(stack.frames[0].path)
    name = where.relative_to(folder.parent) if where.is_relative_to(folder.parent) else where
    split = f" {stack.split_by}" if stack.split_by else ""
    return (
        f"{name} ({len(stack.frames)})\n{series.modality} {series.description[:30]}{split} · "
        f"{stack.verdict} · {stack.unit} · {' '.join(stack.badges)}"
    )


def tiles(app: QApplication, folder: Path) -> list[tuple[QPixmap, str]]:
    """One picture a stack of the folder."""
    from medview.gui.window import MainWindow
    from medview.session import Session

    window = MainWindow(Session())
    window.resize(1500, 950)
    window.show()
    window.open_paths([folder])
    made = []
    wait(app, window)
    for place in list(window.session.studies.places()):
        window.show_series(place.key)
        is_quiet = wait(app, window)
        text = caption(folder, place) + ("" if is_quiet else " · NEVER QUIET")
        made.append((window.grid.grab(), text))
        print(text.replace("\n", " | "), flush=True)
    window.close()
    wait(app, window)
    window.deleteLater()
    return made


def sheet(some: list[tuple[QPixmap, str]]) -> QImage:
    """Up to twelve pictures on one."""
    width, height = TILE
    image = QImage(COLUMNS * width, ROWS * (height + CAPTION), QImage.Format.Format_RGB32)
    image.fill(0x202020)
    painter = QPainter(image)
    painter.setPen(Qt.GlobalColor.white)
    for number, (picture, text) in enumerate(some):
        x, y = number % COLUMNS * width, number // COLUMNS * (height + CAPTION)
        small = picture.scaled(
            width - 4, height, Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )  # fmt: skip
        painter.drawPixmap(x, y, small)
        where = QRect(x + 2, y + height, width - 4, CAPTION)
        painter.drawText(where, Qt.TextFlag.TextWordWrap, text)
    painter.end()
    return image


def main() -> None:
    """Write `sheet-NN.png` into OUT."""
    out = Path(sys.argv[1]).resolve()
    if out.is_relative_to(Path(__file__).resolve().parents[1]):
        raise SystemExit("OUT must lie outside the program's folder.")
    out.mkdir(parents=True, exist_ok=True)
    home = tempfile.mkdtemp()
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        os.environ[f"XDG_{name}_HOME"] = f"{home}/{name.lower()}"

    from medview.gui.app import make_application

    app = make_application()
    import qasync

    asyncio.set_event_loop(qasync.QEventLoop(app, already_running=True))
    pictures = [each for name in sys.argv[2:] for each in tiles(app, Path(name).resolve())]
    step = COLUMNS * ROWS
    for number in range(0, len(pictures), step):
        sheet(pictures[number : number + step]).save(str(out / f"sheet-{number // step:02}.png"))


if __name__ == "__main__":
    main()
