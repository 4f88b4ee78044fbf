"""One place of the grid: which stack it shows in which plane, and the view that shows it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from medview.core.layout import TileState
from medview.core.words import tr
from medview.gui.panels.studies import dropped_key
from medview.gui.style import colour
from medview.gui.views import ink
from medview.gui.views.corners import plane_title
from medview.gui.views.slice_view import SliceView
from medview.gui.views.state import ViewState
from medview.imaging.slabs import Slab
from medview.imaging.units import in_unit
from medview.imaging.window import dragged
from medview.session.studies import Key, OpenVolume

if TYPE_CHECKING:
    from medview.gui.views.volume_view import VolumeView

_VOLUME_FROM = 8  # fewer slices make no volume worth turning


class Tile(QWidget):
    """Wants one stack in one plane; shows it as soon as it is taken.

    `view` is there always, hidden behind `volume_view` where the volume is shown in space.
    """

    activated = Signal()
    maximise_requested = Signal()
    series_dropped = Signal(object)  # Key
    volume_view_made = Signal()

    def __init__(self, number: int, plane: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.number = number
        self.key: Key | None = None
        self.plane = plane
        self.opened: OpenVolume | None = None
        self.unit = ""  # the SUV that the reader chose for this stack
        self._has_space = False  # whether the volume view has this stack
        self._wish: TileState | None = None  # how to stand once the stack is there
        self.setAcceptDrops(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self._box = QGridLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self.view = SliceView(plane, self)
        self.volume_view: VolumeView | None = None
        self._target = QFrame(self)  # says where a dragged series would fall
        self._target.setProperty("role", "target")
        self._target.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._target.hide()
        self._edge = QFrame(self)  # around a volume that is active; slices draw theirs
        self._edge.setProperty("role", "active")
        self._edge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._edge.hide()
        self._box.addWidget(self._edge, 0, 0)
        self._box.addWidget(self.view, 0, 0)
        self._box.addWidget(self._target, 0, 0)
        self.view.activated.connect(self.activated)
        self.view.maximise_requested.connect(self.maximise_requested)
        self.retranslate()
        self._show_kind()

    # -- what is shown -----------------------------------------------------------------

    def want(self, key: Key | None, plane: str = "", state: TileState | None = None) -> None:
        """Another stack or plane, None for nothing; `state`: how it is to stand."""
        if state is None and key == self.key and plane in ("", self.plane):
            return
        is_known = key == self.key
        opened = self.opened if is_known else None
        self._wish = state or (self.state() if is_known else None)
        self.key, self.plane = key, plane or self.plane
        self.view.stage.wanted = self.plane
        self.unit = self.unit if is_known else ""
        self.opened = None
        self.lose()
        if opened is not None:
            self.take(opened)

    @property
    def is_placed(self) -> bool:
        """Whether it is known already which place of the stack that comes is to be shown."""
        return self._wish is not None and self._wish.point is not None

    def take(self, opened: OpenVolume) -> None:
        """Show the stack that is wanted; its slices may still be arriving.

        What was shown before, with fewer slices, stays as the reader has put it.
        """
        before = self.view.stage.kept_state() if self.opened is not None else None
        self.opened = opened
        self._show_slices()
        self.view.stage.take_up(before)
        if self._wish is not None:
            self._stand(self._wish)
            self._wish = None
        self._leave_space()
        self.retranslate()

    def lose(self) -> None:
        """The stack is not in memory (any more); it stays wanted."""
        if self.opened is not None and self._wish is None:
            self._wish = self.state()
        self.opened = None
        self.view.clear()
        self._leave_space()
        self.retranslate()

    def slices_arrived(self) -> None:
        """More slices are in memory."""
        if self.opened is None:
            return
        if self.plane != "volume":
            self.view.set_ready(self.opened.ready, self.opened.failed)
        self.see_to_volume()

    def set_unit(self, unit: str) -> None:
        """Show PET in an SUV, with the window that this opens with; place and zoom stay."""
        state = self.view.stage.kept_state()
        self.unit = unit
        if self.opened is not None:
            self._show_slices()
        if state is not None:
            self.view.stage.take_up(replace(state, window=self.view.stage.state.window))

    def _show_slices(self) -> None:
        if self.opened is None or self.plane == "volume":
            return
        place = self.opened.place
        volume, stack = in_unit(self.opened.volume, place.stack, self.unit)
        self.view.set_volume(volume, stack, place.series, place.study, place.patient)
        self.view.set_ready(self.opened.ready, self.opened.failed)

    def state(self) -> TileState:
        """What is shown and how it stands, to be taken up by `want`."""
        if self._wish is not None:
            return replace(self._wish, key=self.key, plane=self.plane)
        kept = self.view.stage.kept_state()
        if kept is None:
            return TileState(key=self.key, plane=self.plane)
        width, height = self.view.stage.size
        return TileState(
            key=self.key,
            plane=self.plane,
            point=kept.point,
            window=(kept.window.center, kept.window.width),
            zoom=kept.zoom,
            pan=(kept.pan[0] / width, kept.pan[1] / height),
            is_inverted=kept.is_inverted,
            flip_h=kept.flip_h,
            flip_v=kept.flip_v,
            turns=kept.turns,
            slab=self._slab(kept),
            slabs=tuple((name, slab.mode, slab.mm) for name, slab in kept.mpr.slabs),
            turned=kept.mpr.turns,
            roll=kept.mpr.roll,
        )

    def _slab(self, kept: ViewState) -> tuple[str, float] | None:
        slab = kept.mpr.slab(self.plane)
        return (slab.mode, slab.mm) if slab.mm > 0 else None

    def _stand(self, wish: TileState) -> None:
        """Stand as kept, without telling the other views."""
        if self.plane == "volume":
            return
        stage = self.view.stage
        width, height = stage.size
        window = None
        if wish.window is not None:
            now = stage.state.window  # its function stays: fractions of maps and SUV are exact
            window = dragged(now, wish.window[1] - now.width, wish.window[0] - now.center)
        stage.place(point=wish.point, window=window)
        is_inverted = stage.state.is_inverted if window is None else wish.is_inverted
        mpr = replace(stage.state.mpr, turns=wish.turned, roll=wish.roll)
        for name, mode, mm in wish.slabs:
            mpr = mpr.with_slab(name, Slab(mode, mm))
        if wish.slab is not None:
            mpr = mpr.with_slab(self.plane, Slab(*wish.slab))
        stage.change(
            replace(
                stage.state,
                zoom=wish.zoom,
                pan=(wish.pan[0] * width, wish.pan[1] * height),
                is_inverted=is_inverted,
                flip_h=wish.flip_h,
                flip_v=wish.flip_v,
                turns=wish.turns,
                mpr=mpr,
            )
        )

    # -- the volume in space -------------------------------------------------------------

    @property
    def is_in_space(self) -> bool:
        """Whether planes across the slices mean something; True while nothing is known."""
        return self.opened is None or self.opened.place.stack.is_in_space

    def see_to_volume(self) -> None:
        """Give the volume view its volume where all of it is there and the tile is shown.

        VTK costs half a second: it is loaded for the first volume, after its slices are shown.
        """
        opened = self.opened
        if self.plane != "volume" or opened is None or self.isHidden() or not self._is_deep():
            return
        if not opened.finished.is_set() and not bool(opened.ready.all()):
            return
        if self.volume_view is None:
            from medview.gui.views.volume_view import VolumeView

            self.volume_view = VolumeView(self)
            self.volume_view.maximise_requested.connect(self.maximise_requested)
            self.volume_view.activated.connect(self.activated)
            self._box.addWidget(self.volume_view, 0, 0)
            self.volume_view_made.emit()
        if not self._has_space:
            self._has_space = True
            self.volume_view.set_volume(opened.volume, opened.place.series)
        self._show_kind()

    def _leave_space(self) -> None:
        self._has_space = False
        if self.volume_view is not None:
            self.volume_view.clear()
        self._show_kind()

    def _is_deep(self) -> bool:
        if self.opened is None:
            return False
        is_deep = self.opened.volume.geometry.shape[0] >= _VOLUME_FROM
        return is_deep and self.is_in_space and not self.opened.volume.is_colour

    def _why_no_volume(self) -> str:
        """What stands in place of a volume that cannot be; "" where there is one, or nothing."""
        if self.plane != "volume" or self.opened is None or self._is_deep():
            return ""
        if self.opened.volume.is_colour:
            return tr("Colours are no measure of tissue: there is no volume to draw.")
        if not self.is_in_space:
            return tr("These pictures do not lie one behind the other: they make no volume.")
        return tr("{count} {count:slice makes|slices make} no volume worth turning.",
                  count=self.opened.volume.geometry.shape[0])  # fmt: skip

    def _show_kind(self) -> None:
        """Slices, the volume, or a black place where neither can be."""
        is_volume = self.plane == "volume"
        self.setAccessibleDescription(self._why_no_volume())
        self.update()
        self.view.setVisible(not is_volume)
        if self.volume_view is not None:
            self.volume_view.setVisible(is_volume and self._is_deep())

    @property
    def is_drawn(self) -> bool:
        """Whether the volume view has its picture and no slice waits to be refined."""
        view = self.volume_view
        if self.view.isVisible() and self.view.is_refining:
            return False
        return view is None or not view.isVisible() or view.is_drawn

    @property
    def focus_view(self) -> QWidget | None:
        """What takes the keys: the slices or the volume, None where there is neither."""
        if self.plane != "volume":
            return self.view
        shown = self.volume_view is not None and not self.volume_view.isHidden()
        return self.volume_view if shown else None

    def set_active(self, is_active: bool) -> None:
        """Whether this tile has the accent frame."""
        self.view.set_active(is_active)
        self._edge.setVisible(is_active and self.plane == "volume")
        self._edge.raise_()

    def close_view(self) -> None:
        """Give the volume view's renderer back."""
        if self.volume_view is not None:
            self.volume_view.close()

    # -- words and drops -----------------------------------------------------------------

    def retranslate(self) -> None:
        """Draw the words again."""
        if self.key is not None:
            self.view.set_hint(tr("Reading series") if self.opened is None else "")
        elif self.number == 0:
            self.view.set_hint(tr("Drop a folder, files or a series here."))
        else:
            self.view.set_hint(tr("Drag a series here, or click and press Page Down."))
        self.view.setAccessibleName(self._name())
        self.view.update()
        if self.volume_view is not None:
            self.volume_view.retranslate()

    def _name(self) -> str:
        """What the view is called for those who hear the screen."""
        if self.opened is None:
            return tr("View {number}", number=self.number + 1)
        series = self.opened.place.series
        words = (plane_title(self.plane), series.description or series.modality)
        return tr(
            "View {number}: {what}", number=self.number + 1, what=" · ".join(filter(None, words))
        )

    def paintEvent(self, event: QPaintEvent) -> None:
        """Black where no view stands."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), colour(ink.INK.canvas))
        painter.setPen(colour(ink.INK.muted))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        room = self.rect().adjusted(24, 24, -24, -24)
        painter.drawText(room, int(flags), self._why_no_volume())
        painter.end()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """A series may be dropped here: say where it would stand."""
        if dropped_key(event.mimeData()) is not None:
            event.acceptProposedAction()
            self._target.show()
            self._target.raise_()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """It goes elsewhere."""
        self._target.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        """Show the series that was dropped."""
        self._target.hide()
        key = dropped_key(event.mimeData())
        if key is not None:
            event.acceptProposedAction()
            self.series_dropped.emit(key)
