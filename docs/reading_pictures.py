"""Views of the reading room for pictures: a true window, driven by actions, mouse and keys.

`make_pictures.py` runs these scenes on the made demo study for the guide, and on real studies
for whoever wants to look at them (`--real`). Each scene has a window and settings of its own.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog

if TYPE_CHECKING:
    from medview.core.geometry import PatientPoint
    from medview.gui.views.slice_view import SliceView
    from medview.gui.window import MainWindow

SIZE = (1600, 980)
PATIENCE_S = 240.0
SETTLE_S = 4.0  # the fine picture of a volume comes after a rest
_LEFT = Qt.MouseButton.LeftButton
Spot = tuple[float, float]  # shares of a view's width and height


class Room:
    """One window, and what a reader does there."""

    def __init__(self, app: QApplication, window: MainWindow) -> None:
        self.app, self.window = app, window

    def rest(self, settle_s: float = SETTLE_S) -> None:
        """Let the window work until it has been quiet for a while."""
        end = time.monotonic() + PATIENCE_S
        quiet_since: float | None = None
        while time.monotonic() < end:
            self.app.processEvents()
            # Outside Qt's own loop nothing else takes away what was left for later.
            self.app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
            time.sleep(0.01)
            if self.window.is_busy:
                quiet_since = None
                continue
            quiet_since = quiet_since or time.monotonic()
            if time.monotonic() - quiet_since > settle_s:
                return
        raise SystemExit("The window never came to rest.")

    def do(self, *actions: str) -> None:
        """Perform actions by their names, each waited for."""
        for name in actions:
            self.window.actions_.perform(name)
            self.rest(0.2)

    def view(self, plane: str) -> SliceView:
        """The first view of a plane."""
        return self.window.grid.views[plane]

    def to_places(self, view: SliceView, *spots: Spot) -> list[QPoint]:
        """Shares of a view in its pixels."""
        return [QPoint(round(x * view.width()), round(y * view.height())) for x, y in spots]

    def click(self, view: SliceView, *spots: Spot) -> None:
        """A click of the left button at each place."""
        for place in self.to_places(view, *spots):
            QTest.mouseClick(view, _LEFT, pos=place)
        self.rest(0.2)

    def drag(self, view: SliceView, *spots: Spot) -> None:
        """The left button held down along some places."""
        self.drag_along(view, self.to_places(view, *spots))

    def drag_along(self, view: SliceView, places: list[QPoint]) -> None:
        """The same in the view's pixels, with steps between as a hand makes them."""
        QTest.mousePress(view, _LEFT, pos=places[0])
        for before, after in pairwise(places):
            for step in range(1, 7):
                QTest.mouseMove(view, before + (after - before) * step / 6)
        QTest.mouseRelease(view, _LEFT, pos=places[-1])
        self.rest(0.2)

    def at(self, view: SliceView, point: PatientPoint) -> QPoint:
        """Where a place of the patient stands in a view."""
        plane = view.stage.plane
        if plane is None:
            raise SystemExit("The view shows nothing.")
        _, row, column = plane.to_pixel(point)
        x, y = view.stage.map().to_screen(row, column)
        return QPoint(round(x), round(y))

    def save(self, path: Path) -> None:
        """The window with the dialog that stands over it."""
        self.rest()
        picture = self.window.grab()
        painter = QPainter(picture)
        for dialog in self.window.findChildren(QDialog):
            if dialog.isVisible():
                over = dialog.grab()
                painter.fillRect(picture.rect(), QColor(0, 0, 0, 150))
                painter.drawPixmap(picture.rect().center() - over.rect().center(), over)
        painter.end()
        picture.save(str(path), "PNG")
        shrink(path)

    def save_panels(self, states: Sequence[Callable[[Room], None]], path: Path) -> None:
        """The right panel alone, in several states beside each other."""
        pictures = []
        for state in states:
            state(self)
            self.rest(1.0)
            pictures.append(self.window.sidebar.grab())
        gap, size = 12, pictures[0].size()
        whole = QPixmap((size.width() + gap) * len(pictures) - gap, size.height())
        whole.fill(QColor(0, 0, 0))
        painter = QPainter(whole)
        for number, picture in enumerate(pictures):
            painter.drawPixmap(number * (size.width() + gap), 0, picture)
        painter.end()
        whole.save(str(path), "PNG")
        shrink(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What is opened, what is done there, and the name of the picture."""

    name: str
    paths: tuple[str, ...]
    steps: Callable[[Room], None] = lambda _: None
    tab: str = "findings"
    language: str = "en"
    has_prior: bool = True  # whether earlier studies open beside
    panels: tuple[Callable[[Room], None], ...] = ()  # states of the right panel, side by side


def shrink(path: Path) -> None:
    """Write a PNG again with 256 colours: a third of the size, and the eye sees no difference."""
    from PIL import Image

    with Image.open(path) as opened:
        image = opened.convert("RGB")
    pixels = np.asarray(image).reshape(-1, 3)
    bright, pale = pixels.max(axis=1).astype(int), pixels.min(axis=1)
    coloured = pixels[bright - pale > 40]
    if len(coloured) < 256:
        coloured = pixels
    # Half of the palette for the colours: greys are so many that they would take nearly all of it.
    few = Image.fromarray(coloured[None]).quantize(160, method=Image.Quantize.MEDIANCUT)
    greys = Image.fromarray(pixels[None]).quantize(96, method=Image.Quantize.MEDIANCUT)
    palette = Image.new("P", (1, 1))
    palette.putpalette((few.getpalette() or [])[: 160 * 3] + (greys.getpalette() or [])[: 96 * 3])
    small = image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(path, "PNG", optimize=True)


@contextmanager
def own_home() -> Iterator[None]:
    """Settings, work and journals of the pictures alone."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["HOME"] = home  # a path of the reader's own is shown from there on
        for name in ("config", "data", "state", "cache"):
            os.environ[f"XDG_{name.upper()}_HOME"] = f"{home}/.{name}"
        yield


def take(app: QApplication, scene: Scene, folder: Path, out: Path) -> None:
    """One picture of one scene; `folder` is what its paths are in."""
    from medview.core.settings import Settings
    from medview.core.words import set_language
    from medview.gui.style import base_font
    from medview.gui.window import MainWindow
    from medview.session import Session

    set_language(scene.language)
    app.setFont(base_font())
    settings = Settings(language=scene.language, open_priors=scene.has_prior)
    with own_home():
        window = MainWindow(Session(settings))
        window.resize(*SIZE)
        window.show()
        window.activateWindow()
        window.sidebar.show_tab(scene.tab)
        room = Room(app, window)
        window.open_paths([folder / path for path in scene.paths])
        room.rest()
        scene.steps(room)
        path = out / f"{scene.name}.png"
        if scene.panels:
            room.save_panels(scene.panels, path)
        else:
            room.save(path)
        for dialog in window.findChildren(QDialog):
            dialog.close()
        window.close()
        end = time.monotonic() + 20
        while window.operations.is_busy and time.monotonic() < end:
            app.processEvents()
        window.deleteLater()
        app.processEvents()
    print(scene.name, flush=True)


def take_all(scenes: tuple[Scene, ...], folder: Path, out: Path) -> None:
    """Every scene, one after another."""
    with own_home():
        from medview.gui.app import make_application

        app = make_application()
    import qasync

    asyncio.set_event_loop(qasync.QEventLoop(app, already_running=True))
    out.mkdir(parents=True, exist_ok=True)
    for scene in scenes:
        take(app, scene, folder, out)


# -- what a reader does, on whatever is open ----------------------------------------------


def planes(room: Room) -> None:
    """Three planes and the volume of the series that is active."""
    room.do("layout.planes")
    room.rest()


def analysed(room: Room) -> None:
    """The same, with what the models say."""
    planes(room)
    room.window.analyse_study()
    room.rest()


def turned(room: Room) -> None:
    """A plane turned by the handle of its line, and a slab."""
    from medview.gui.views.cross_lines import cross_lines

    planes(room)
    axial = room.view("axial")
    room.do("tool.crosshair")
    line = next(each for each in cross_lines(axial.stage) if each.name == "sagittal")
    arm = line.ends[0] - line.middle
    goal = line.middle + arm * 0.9 + arm[::-1] * (-0.45, 0.45)
    places = [QPoint(round(x), round(y)) for x, y in (line.ends[0], goal)]
    room.drag_along(axial, places)
    for _ in range(5):
        room.do("planes.thicker")


def curved(room: Room) -> None:
    """A curve of five clicks, straightened."""
    planes(room)
    axial = room.view("axial")
    QTest.keyClick(axial, Qt.Key.Key_3)  # soft tissue: the lung's window is white along vessels
    room.do("tool.curve")
    for spot in ((0.40, 0.52), (0.46, 0.44), (0.52, 0.42), (0.58, 0.46), (0.62, 0.55)):
        room.click(axial, spot)
        axial.stage.scroll(2)
    room.do("planes.straighten", "tool.window")
    QTest.keyClick(axial, Qt.Key.Key_3)


def measured(room: Room) -> None:
    """A length, an ellipse, an angle and both axes, on the largest view."""
    planes(room)
    axial = room.view("axial")
    room.do("layout.maximise", "tool.length")
    room.drag(axial, (0.42, 0.30), (0.56, 0.34))
    room.do("tool.ellipse")
    room.drag(axial, (0.60, 0.50), (0.68, 0.60))
    room.do("tool.angle")
    room.click(axial, (0.34, 0.70), (0.42, 0.60), (0.50, 0.70))
    room.do("tool.bidirectional")
    room.drag(axial, (0.34, 0.44), (0.44, 0.46))
    room.drag(axial, (0.39, 0.40), (0.385, 0.50))


def painted(room: Room) -> None:
    """Two strokes of the brush, each a segment."""
    planes(room)
    axial = room.view("axial")
    room.do("tool.brush")
    room.drag(axial, (0.58, 0.42), (0.66, 0.46), (0.64, 0.54))
    room.do("segment.new")
    room.drag(axial, (0.34, 0.50), (0.40, 0.52))


def nodule_at(point: Callable[[], PatientPoint]) -> Callable[[Room], None]:
    """One click into a nodule at a place that is known."""

    def steps(room: Room) -> None:
        planes(room)
        axial = room.view("axial")
        place = point()
        room.window.grid.go_to(place)
        room.do("tool.nodule")
        QTest.mouseClick(axial, _LEFT, pos=room.at(axial, place))
        room.rest()

    return steps


def surfaces(room: Room) -> None:
    """The masks of models as surfaces beside the slices, the volume view large."""
    analysed(room)
    view = room.window.grid.volume_view
    if view is None:
        raise SystemExit("There is no volume view.")
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_O)
    room.rest(3.0)


def after(*actions: str) -> Callable[[Room], None]:
    """Some actions, in the way that the study hangs."""
    return lambda room: room.do(*actions)


def over_planes(*actions: str) -> Callable[[Room], None]:
    """Some actions over three planes and the volume."""

    def steps(room: Room) -> None:
        planes(room)
        room.do(*actions)

    return steps


def keys_page(room: Room) -> None:
    """The page of the settings that gives keys."""
    from medview.gui.dialogs.keys_page import KeysPage
    from medview.gui.dialogs.settings import SettingsDialog

    planes(room)
    room.do("file.settings")
    (dialog,) = room.window.findChildren(SettingsDialog)
    (page,) = dialog.findChildren(KeysPage)
    dialog.tabs.setCurrentWidget(page)
