"""What a file says of its own look, in the view: tables, frames' windows, overlay planes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Label
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import GraphicPlane, VoiTable, Volume
from medview.gui.views.pixels import label_picture
from medview.gui.views.slice_view import SliceView
from medview.imaging.overlay import label_fill

_FILM = Geometry(shape=(3, 60, 50), spacing=(1.0, 1.0, 1.0), origin=PatientPoint(0, 0, 0),
                 is_spatial=False)  # fmt: skip


@pytest.fixture
def film(qtbot) -> Callable[..., SliceView]:
    """A shown view of three frames that have no place in the patient."""

    def make(**given: object) -> SliceView:
        view = SliceView("axial")
        qtbot.addWidget(view)
        view.resize(400, 300)
        view.show()
        stored = np.full(_FILM.shape, 100, np.int16)
        volume = Volume(geometry=_FILM, stored=stored, modality="XA", **given)
        stack = Stack(frames=(), geometry=_FILM, verdict="not-spatial")
        series = Series(uid="1.2.3", modality="XA", stacks=(stack,))
        view.set_volume(volume, stack, series, Study(uid="1.2"), Patient(id="A"))
        return view

    return make


def _middle(view: SliceView) -> tuple[int, int, int]:
    colour = view.grab().toImage().pixelColor(200, 150)
    return colour.red(), colour.green(), colour.blue()


def _square() -> GraphicPlane:
    mask = np.zeros((60, 50), np.uint8)
    mask[20:40, 15:35] = 1
    return GraphicPlane(packed=np.packbits(mask, axis=1, bitorder="little"), size=(60, 50))


def test_an_overlay_plane_is_drawn_on_its_frame_alone_and_o_hides_it(film) -> None:
    view = film(windows=((100.0, 200.0, ""),), graphics={1: (_square(),)})
    plain = _middle_of(view, 0)
    drawn = _middle_of(view, 1)
    assert drawn[2] < drawn[0] - 50  # yellow over grey

    QTest.keyClick(view, Qt.Key.Key_O)

    assert _middle(view) == plain


def _middle_of(view: SliceView, k: int) -> tuple[int, int, int]:
    QTest.keyClick(view, Qt.Key.Key_Home)
    for _ in range(k):
        QTest.keyClick(view, Qt.Key.Key_Down)
    return _middle(view)


def test_frames_that_propose_their_own_window_are_seen_through_it(film) -> None:
    own = tuple(((100.0 + 50 * k, 200.0, ""),) for k in range(3))
    view = film(windows=own[0], slice_windows=own)

    greys = [_middle_of(view, k)[0] for k in range(3)]

    assert greys == sorted(greys, reverse=True)
    assert greys[0] - greys[1] == pytest.approx(64, abs=2)


def test_a_window_of_ones_own_stays_from_frame_to_frame(film) -> None:
    own = tuple(((100.0 + 50 * k, 200.0, ""),) for k in range(3))
    view = film(windows=own[0], slice_windows=own)
    QTest.keyClick(view, Qt.Key.Key_0)

    assert _middle_of(view, 0) == _middle_of(view, 2)


def test_the_key_1_goes_on_from_windows_to_tables(film) -> None:
    entries = np.full(200, 4000, np.uint16)
    table = VoiTable(first=0, entries=entries, bits=12, name="bone")
    view = film(windows=((100.0, 200.0, ""),), tables=(table,))
    assert _middle(view)[0] == pytest.approx(128, abs=1)

    QTest.keyClick(view, Qt.Key.Key_1)

    assert _middle(view)[0] == round(4000 / 4095 * 255)


def test_masks_have_the_colours_on_the_screen_that_pictures_to_give_away_have(
    qapp: object,
) -> None:
    legend = tuple(
        Label(value=value, name=str(value), colour=colour)
        for value, colour in ((1, "#56b4e9"), (7, "#e69f00"))
    )
    labels = np.array([[0, 1, 7, 9], [7, 0, 1, 1]], np.uint8)

    image = label_picture(labels, legend).image.convertToFormat(
        QImage.Format.Format_RGBA8888_Premultiplied
    )

    shown = np.array(image.constBits(), np.uint8).reshape(2, -1, 4)[:, :4].astype(int)
    assert np.abs(shown - label_fill(labels, legend)).max() <= 1
    assert (shown[..., 3] == [[0, 64, 64, 0], [64, 0, 64, 64]]).all()
