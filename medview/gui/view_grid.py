"""The views in their grid: which planes are shown, linked by one crosshair, one tool for all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PySide6.QtCore import QPoint, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from medview.core.geometry import PatientPoint
from medview.core.results import Heatmap, LabelMap, Measurement
from medview.gui.panels.studies import dropped_key
from medview.gui.style import tokens
from medview.gui.views.cine import Cine, pace_of
from medview.gui.views.slice_view import SliceView
from medview.gui.views.volume_view import VolumeView
from medview.imaging.units import in_unit, suv_units
from medview.imaging.window import Window
from medview.session.studies import Key, OpenVolume

PLANES = ("axial", "coronal", "sagittal")
_VOLUME_FROM = 8  # fewer slices make no volume worth turning


class ViewGrid(QWidget):
    """Axial, coronal, sagittal and volume of one stack in 2x2, or one view alone.

    A projection or a single slice is one 2-D view whatever the layout.
    """

    measurement_made = Signal(object)
    measurement_changed = Signal(object)
    measurement_deleted = Signal(str)
    window_changed = Signal(object)
    unit_changed = Signal()
    looked_at = Signal(object)  # PatientPoint that the reader turned to
    series_step = Signal(int)
    series_dropped = Signal(object)
    layout_changed = Signal(str)
    tool_chosen = Signal(str)
    cine_changed = Signal(bool)
    overlay_toggled = Signal(bool)
    corner_text_toggled = Signal(bool)
    menu_requested = Signal(QPoint)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(1)
        self.views = {plane: SliceView(plane, self) for plane in PLANES}
        self.volume_view: VolumeView | None = None
        self._canvas = QWidget(self)  # black where no view stands
        self._canvas.setStyleSheet(f"background: {tokens().canvas};")
        self.cine = Cine(self)
        self.cine.changed.connect(self._show_cine)
        self.cine_rate = 0.0  # what the reader wants, 0 for what the file asks for
        self._opened: OpenVolume | None = None
        self._unit = ""  # the SUV that the reader chose for this stack
        self._layout = "2x2"
        self._alone: str | None = None
        self._active = "axial"
        for plane, view in self.views.items():
            self._connect(plane, view)
        self._arrange()

    # -- what is shown -----------------------------------------------------------------

    def show_volume(self, opened: OpenVolume | None) -> None:
        """Show a stack in every view; slices may still be arriving.

        A stack that was shown before, with fewer slices, stays as the reader has put it.
        """
        before, self._opened = self._opened, opened
        is_known = (
            before is not None and opened is not None and before.place.key == opened.place.key
        )
        self._unit = self._unit if is_known else ""
        for view in self.views.values():
            if opened is None:
                view.clear()
                continue
            state = view.stage.kept_state() if is_known else None
            self._show_in(view, opened)
            view.stage.take_up(state)
        if self.volume_view is not None:
            self.volume_view.clear()
        if is_known:
            self._arrange()
            return
        self.cine.stop()
        self._alone = None
        self._arrange()
        self.activate("axial")
        self.active_view.setFocus()

    def _show_in(self, view: SliceView, opened: OpenVolume) -> None:
        place = opened.place
        volume, stack = in_unit(opened.volume, place.stack, self._unit)
        view.set_volume(volume, stack, place.series, place.study, place.patient)
        view.set_ready(opened.ready, opened.failed)

    def next_unit(self) -> str:
        """Show PET in its next SUV, with the window that this opens with; "" where there is none.

        Place, zoom and turn stay.
        """
        shown = self.active_view.stage.shown
        units = () if shown is None else suv_units(shown.volume, shown.stack)
        if self._opened is None or shown is None or len(units) < 2:
            return ""
        self._unit = units[(units.index(shown.volume.unit) + 1) % len(units)]
        for view in self.views.values():
            state = view.stage.kept_state()
            self._show_in(view, self._opened)
            if state is not None:
                view.stage.take_up(replace(state, window=view.stage.state.window))
        self.unit_changed.emit()
        return self._unit

    def slices_arrived(self, *, is_whole: bool) -> None:
        """More slices are in memory; when all are, the volume view gets them."""
        if self._opened is None:
            return
        before = self.window_in_use
        for view in self.views.values():
            view.set_ready(self._opened.ready, self._opened.failed)
        if self.window_in_use != before:  # the automatic one follows what is there
            self.window_changed.emit(self.window_in_use)
        if is_whole:
            self._show_in_space()

    def set_overlays(self, label_maps: list[LabelMap], heatmaps: list[Heatmap]) -> None:
        """Masks and heatmaps over every slice view."""
        for view in self.views.values():
            view.set_overlays(label_maps, heatmaps)

    def set_overlay_visible(self, is_visible: bool) -> None:
        """Overlays on or off, in every view."""
        for view in self.views.values():
            view.set_overlay_visible(is_visible)

    def set_measurements(self, measurements: Iterable[Measurement]) -> None:
        """The measurements of the stack that is shown."""
        shown = tuple(measurements)
        for view in self.views.values():
            view.set_measurements(shown)

    def set_corner_text(self, is_visible: bool) -> None:
        """Corner texts on or off, in every view."""
        for view in self.views.values():
            view.set_corner_text(is_visible)

    def set_tool(self, name: str) -> None:
        """What the left button does, in every view."""
        for view in self.views.values():
            view.set_tool(name)

    def go_to(self, point: PatientPoint) -> None:
        """Show a place in every view."""
        for view in self.views.values():
            view.set_crosshair(point)
            view.go_to(point)
        self.looked_at.emit(point)

    def ask_cine(self, what: str) -> None:
        """toggle, bounce, faster, slower or stop the cine of the active view."""
        cine = self.cine
        if what == "stop" or (what == "toggle" and cine.stage is not None):
            cine.stop()
        elif self._opened is None:
            return
        elif what == "toggle":
            cine.play(self.active_view.stage, pace_of(self._opened.place.series, self.cine_rate))
        elif what == "bounce":
            cine.set_pace(replace(cine.pace, is_bouncing=not cine.pace.is_bouncing))
        else:
            cine.quicken(1 if what == "faster" else -1)

    def _show_cine(self) -> None:
        for view in self.views.values():
            view.set_cine(self.cine.text() if view.stage is self.cine.stage else "")
        self.cine_changed.emit(self.cine.stage is not None)

    @property
    def active_view(self) -> SliceView:
        """The slice view that has the keys."""
        return self.views[self._active]

    @property
    def window_in_use(self) -> Window:
        """The window that all views share."""
        return self.active_view.stage.state.window

    # -- layout ------------------------------------------------------------------------

    @property
    def layout_name(self) -> str:
        """`2x2` or `1x1`."""
        return self._layout

    def set_layout_name(self, name: str) -> None:
        """Change the layout; in 1x1 the active view stays."""
        self._layout = name if name in ("1x1", "2x2") else "2x2"
        self._alone = None
        self._arrange()
        self._show_in_space()
        self.layout_changed.emit(self._layout)

    def maximise(self, plane: str) -> None:
        """One view alone, or back to the grid."""
        if self._layout == "2x2" and self._is_spatial():
            self._alone = None if self._alone == plane else plane
            self._arrange()

    def activate(self, plane: str) -> None:
        """Give a view the accent frame and the keys."""
        if plane in self.views:
            self._active = plane
        for name, view in self.views.items():
            view.set_active(name == self._active)

    def retranslate(self) -> None:
        """Draw every view's words again."""
        for view in self.views.values():
            view.update()
        if self.volume_view is not None:
            self.volume_view.update()

    @property
    def is_drawn(self) -> bool:
        """Whether the volume view, where one is shown, has its picture."""
        view = self.volume_view
        return view is None or not view.isVisible() or view.is_drawn

    def close_views(self) -> None:
        """Give the volume view's renderer back."""
        if self.volume_view is not None:
            self.volume_view.close()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A series may be dropped here."""
        if dropped_key(event.mimeData()) is not None:
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the series that was dropped."""
        key = dropped_key(event.mimeData())
        if key is not None:
            event.acceptProposedAction()
            self.series_dropped.emit(key)

    def _connect(self, plane: str, view: SliceView) -> None:
        view.crosshair_moved.connect(self._follow)
        view.activated.connect(lambda: self.activate(plane))
        view.maximise_requested.connect(lambda: self.maximise(plane))
        view.window_changed.connect(self._share_window)
        view.measurement_made.connect(self.measurement_made)
        view.measurement_changed.connect(self.measurement_changed)
        view.measurement_deleted.connect(self.measurement_deleted)
        view.series_step.connect(self.series_step)
        view.tool_chosen.connect(self.tool_chosen)
        view.cine_asked.connect(self.ask_cine)
        view.overlay_toggled.connect(self.overlay_toggled)
        view.corner_text_toggled.connect(self.corner_text_toggled)
        view.menu_requested.connect(self.menu_requested)

    def _follow(self, point: PatientPoint) -> None:
        for view in self.views.values():
            view.set_crosshair(point)
        if self.cine.is_stepping:
            self._show_true_rate()
            return
        self.cine.stop()  # the reader goes somewhere else
        self.looked_at.emit(point)

    def _show_true_rate(self) -> None:
        for view in self.views.values():
            if view.stage is self.cine.stage:
                view.set_cine(self.cine.text())

    def _share_window(self, window: Window) -> None:
        for view in self.views.values():
            view.set_window(window)
        self.window_changed.emit(window)

    def _is_spatial(self) -> bool:
        if self._opened is None:
            return True
        return self._opened.place.stack.is_in_space

    def _arrange(self) -> None:
        while self._grid.count():
            self._grid.takeAt(0)
        is_alone = self._layout == "1x1" or self._alone is not None or not self._is_spatial()
        shown = self._alone or (self._active if self._layout == "1x1" else "axial")
        places = {"axial": (0, 0), "coronal": (0, 1), "sagittal": (1, 0)}
        for plane, view in self.views.items():
            if is_alone and plane != shown:
                view.hide()
                continue
            self._grid.addWidget(view, *((0, 0) if is_alone else places[plane]))
            view.show()
        has_volume = self._is_volume() and (not is_alone or self._alone == "volume")
        if self.volume_view is not None:
            if has_volume:
                self._grid.addWidget(self.volume_view, *((0, 0) if is_alone else (1, 1)))
            self.volume_view.setVisible(has_volume)
        is_hole = not is_alone and (self.volume_view is None or not has_volume)
        if is_hole:
            self._grid.addWidget(self._canvas, 1, 1)
        self._canvas.setVisible(is_hole)
        for line in (0, 1):
            share = 0 if is_alone and line else 1
            self._grid.setRowStretch(line, share)
            self._grid.setColumnStretch(line, share)

    def _is_volume(self) -> bool:
        if self._opened is None:
            return False
        is_deep = self._opened.volume.geometry.shape[0] >= _VOLUME_FROM
        return is_deep and self._is_spatial() and not self._opened.volume.is_colour

    def _show_in_space(self) -> None:
        # VTK costs half a second: it is loaded for the first volume, after its slices are shown.
        opened = self._opened
        if opened is None or self._layout != "2x2" or not self._is_volume():
            return
        if not opened.finished.is_set() and not bool(opened.ready.all()):
            return
        if self.volume_view is None:
            self.volume_view = VolumeView(self)
            self.volume_view.maximise_requested.connect(lambda: self.maximise("volume"))
        self.volume_view.set_volume(opened.volume, opened.place.series)
        self._arrange()


def _key(opened: OpenVolume | None) -> Key | None:
    return None if opened is None else opened.place.key
