"""What another thread begins for a view is what the view would have made itself."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from medview.core.geometry import Geometry, PatientPoint
from medview.core.results import Label, LabelMap
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.gui.views import straight
from medview.gui.views.begun import Begun
from medview.gui.views.slice_view import SliceView
from medview.imaging import Window, neighbours


def _held_thread(begun: Begun[str]) -> threading.Event:
    """The one thread is busy until the event is set."""
    go, here = threading.Event(), threading.Event()

    def wait() -> str:
        here.set()
        go.wait(20)
        return "waited"

    begun.begin(("wait",), wait)
    assert here.wait(20)
    return go


def test_what_was_begun_is_taken_once() -> None:
    begun: Begun[str] = Begun()
    go = _held_thread(begun)
    go.set()
    assert begun.take(("wait",), lambda: "made here") == "waited"
    assert begun.take(("wait",), lambda: "made here") == "made here"


def test_what_has_not_had_its_turn_is_made_here() -> None:
    first, second = Begun[str](), Begun[str]()
    go = _held_thread(first)
    second.begin(("a",), lambda: "made there")
    assert second.take(("a",), lambda: "made here") == "made here"
    go.set()
    assert first.take(("wait",), lambda: "made here") == "waited"


def test_what_was_begun_for_something_else_is_not_taken() -> None:
    begun: Begun[str] = Begun()
    _held_thread(begun).set()
    assert begun.take(("a", 2), lambda: "two") == "two"
    begun.begin(("a", 1), lambda: "one")
    begun.drop()
    assert begun.take(("a", 1), lambda: "here") == "here"


def test_a_failure_there_is_told_here() -> None:
    begun: Begun[str] = Begun()
    here = threading.Event()

    def fail() -> str:
        here.set()
        raise ValueError("there")

    begun.begin(("a",), fail)
    assert here.wait(20)
    with pytest.raises(ValueError, match="there"):
        begun.take(("a",), lambda: "here")


def _volume() -> Volume:
    geometry = Geometry(shape=(24, 30, 36))
    stored = np.random.default_rng(6).integers(-900, 900, geometry.shape).astype(np.int16)
    return Volume(geometry=geometry, stored=stored, unit="HU", modality="CT")


def _mask(geometry: Geometry, seed: int) -> LabelMap:
    voxels = np.random.default_rng(seed).integers(0, 2, geometry.shape).astype(np.uint8)
    labels = (Label(value=1, name="a", colour="#56b4e9"),)
    return LabelMap(id="m", geometry=geometry, voxels=voxels, labels=labels)


def _shown(qtbot, plane: str, volume: Volume, overlay: LabelMap) -> SliceView:
    view = SliceView(plane)
    qtbot.addWidget(view)
    view.resize(180, 160)
    stack = Stack(frames=(), geometry=volume.geometry, verdict="regular")
    series = Series(uid="1", number=1, modality="CT", stacks=(stack,))
    view.set_volume(volume, stack, series, Study(uid="1"), Patient(id="P"))
    view.set_overlays((overlay,), ())
    view.show()
    qtbot.waitExposed(view)
    return view


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
def test_a_view_that_follows_shows_the_same_as_one_that_is_opened_there(
    qtbot, monkeypatch: pytest.MonkeyPatch, plane: str
) -> None:
    volume = _volume()
    overlay = _mask(volume.geometry, 1)
    alone = _shown(qtbot, plane, volume, overlay)
    alone.set_window(Window(center=40, width=400))
    expected = []
    places = [PatientPoint(8.0 + at, 6.0 + at, 3.0 + at) for at in range(18)]
    for at in places:
        alone.stage.place(point=at)  # not announced: nothing is begun
        expected.append(alone.grab().toImage())
    monkeypatch.setattr(straight, "_WORTH", 1)
    monkeypatch.setattr(neighbours, "_LEAST", 1)
    view = _shown(qtbot, plane, volume, overlay)
    view.set_window(Window(center=40, width=400))
    for at, known in zip(places, expected, strict=True):
        view.set_crosshair(at)
        assert view.grab().toImage() == known


def test_what_changes_after_it_was_begun_is_shown_as_it_is_now(
    qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume = _volume()
    before, after = _mask(volume.geometry, 1), _mask(volume.geometry, 2)
    place, window = PatientPoint(9.0, 9.0, 9.0), Window(center=300, width=900)
    alone = _shown(qtbot, "axial", volume, after)
    alone.set_window(window)
    alone.stage.place(point=place)
    monkeypatch.setattr(straight, "_WORTH", 1)
    view = _shown(qtbot, "axial", volume, before)
    view.set_crosshair(place)
    view.set_window(window)
    view.set_overlays((replace(before, voxels=after.voxels),), ())
    assert view.grab().toImage() == alone.grab().toImage()
