"""Pictures that leave: a view on the clipboard, as a file, on paper; slices and phases as films."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QIODevice, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter

from medview.core.files import write_private
from medview.core.words import say, tr
from medview.gui.dialogs.files import ask_save
from medview.gui.film import Film, PhaseShots, Shots, SliceShots
from medview.gui.views.picture import picture_of

if TYPE_CHECKING:
    from PySide6.QtPrintSupport import QPrinter

    from medview.gui.views.slice_view import SliceView
    from medview.gui.window import MainWindow

_MOST_FRAMES, _MOST_BYTES = 2000, 1 << 30


class ExportWork:
    """Identity stays at home unless it is asked for: the corner texts are left out."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self._film: Film | None = None
        on = window.actions_.connect
        on("file.copy_view", partial(self._copy, has_text=False))
        on("file.copy_view_named", partial(self._copy, has_text=True))
        on("file.save_view", partial(self._ask_picture, has_text=False))
        on("file.save_view_named", partial(self._ask_picture, has_text=True))
        on("file.save_film", self._ask_film)
        on("file.save_phases", self._ask_phases)
        on("file.print_view", self._print)
        on("models.cancel", self._stop)
        window.status.cancel_asked.connect(self._stop)

    def save_picture(self, path: Path, *, has_text: bool) -> None:
        """Write the active view as PNG or JPEG, for the owner alone; said where it cannot be."""
        view = self._shown()
        if view is None:
            return
        ending = path.suffix.lower()
        kinds = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}
        if ending not in kinds:
            self._say_wrong(tr("The picture's name must end in .png or .jpg."))
            return
        picture = picture_of(view, has_text=has_text)
        buffer = QBuffer()
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        picture.save(buffer, kinds[ending], 95)  # type: ignore[call-overload]  # it takes a str
        try:
            write_private(path, bytes(buffer.data().data()))
        except OSError:
            self._say_wrong(tr("The picture could not be written."))
            return
        self._window.reactions.say(say("Saved: {path}", path=path))
        self._warn_of_pixels(view)

    def save_film(self, path: Path) -> None:
        """Write every slice of the active view as it stands, without corner texts."""
        view = self._shown()
        if view is not None:
            self._film_of(view, SliceShots(self._window, self._window.grid.active_tile), path)

    def save_phases(self, path: Path) -> None:
        """Write every phase of the active view's series at the place that is shown, likewise."""
        view, phases = self._shown(), self._window.pictures.phases
        if view is None:
            return
        shots = PhaseShots(phases, self._window.grid.active_tile)

        async def action() -> None:
            if await phases.read():
                self._film_of(view, shots, path)

        self._window.operations.start(action())

    def _film_of(self, view: SliceView, shots: Shots, path: Path) -> None:
        size = picture_of(view, has_text=False).sizeInBytes()
        if not 2 <= shots.count <= min(_MOST_FRAMES, _MOST_BYTES // max(1, size)):
            self._say_wrong(tr("A film takes 2 to {most} slices.", most=_MOST_FRAMES))
            return
        self._stop()
        film = self._film = Film(self._window, view, shots, path)
        film.ended.connect(partial(self._forget, film))

    def _forget(self, film: Film) -> None:
        if self._film is film:
            self._film = None

    def _copy(self, *, has_text: bool) -> None:
        view = self._shown()
        if view is not None:
            QGuiApplication.clipboard().setImage(picture_of(view, has_text=has_text))
            said = say("Copied, with the corner texts.") if has_text else say(
                "Copied, without the corner texts."
            )  # fmt: skip
            self._window.reactions.say(said)
            self._warn_of_pixels(view)

    def _warn_of_pixels(self, view: SliceView) -> None:
        shown = view.stage.shown
        if shown is not None and "BURNED-IN" in shown.stack.badges:
            self._window.reactions.say(
                say("This image says that names stand in its pixels: they went along."), "warn"
            )

    def _ask_picture(self, *, has_text: bool) -> None:
        if self._shown() is None:
            return
        ask_save(
            self._window, tr("Save the picture of this view…"), "view.png", "*.png *.jpg",
            partial(self.save_picture, has_text=has_text),
        )  # fmt: skip

    def _ask_film(self) -> None:
        if self._shown() is None:
            return
        title = tr("Save the slices as a film…")
        ask_save(self._window, title, "film.webp", "*.webp *.gif", self.save_film)

    def _ask_phases(self) -> None:
        if len(self._window.pictures.phases.places) < 2:
            self._window.reactions.say(say("This series has no phases."))
            return
        title = tr("Save the phases as a film…")
        ask_save(self._window, title, "phases.webp", "*.webp *.gif", self.save_phases)

    def _print(self) -> None:
        from PySide6.QtPrintSupport import QPrintDialog, QPrinter

        view = self._shown()
        if view is None:
            return
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picture = picture_of(view, has_text=False)
        dialog.accepted.connect(lambda: print_picture(picture, printer))
        dialog.show()

    def _stop(self) -> None:
        if self._film is not None:
            self._film.stop()

    def _shown(self) -> SliceView | None:
        view = self._window.grid.active_view
        if view.stage.shown is None:
            self._window.reactions.say(say("Open a study first."), "warn")
            return None
        return view

    def _say_wrong(self, words: str) -> None:
        self._window.status.show_message(words, "warn")


def print_picture(picture: QImage, printer: QPrinter) -> None:
    """One page with the picture as large as it goes, and what it must not be used for."""
    painter = QPainter(printer)
    page = QRectF(painter.viewport())
    line = painter.fontMetrics().height() * 2.0
    room = page.adjusted(0, 0, 0, -line)
    size = picture.size().scaled(room.size().toSize(), Qt.AspectRatioMode.KeepAspectRatio)
    place = QRectF(room.center().x() - size.width() / 2, room.top(), size.width(), size.height())
    painter.drawImage(place, picture)
    painter.drawText(
        QRectF(page.left(), place.bottom(), page.width(), line),
        int(Qt.AlignmentFlag.AlignCenter),
        tr("Not for diagnostic use"),
    )
    painter.end()
