"""The pictures that the reader marked as key images, as they stand in the report."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from medview.core.errors import MedViewError
from medview.core.words import tr
from medview.report import KeyImage
from medview.session.measures import key_slices
from medview.session.studies import Place

if TYPE_CHECKING:
    from medview.session.reporting import ReportSubject

_PIXELS = 640
_MOST = 12  # pictures of one report


def marked_images(subject: ReportSubject) -> tuple[KeyImage, ...]:
    """The marked pictures of the study, with the window that their series opens with. Blocks.

    The first dozen; a series that cannot be read is left out.
    """
    places = [p for p in subject.studies.places() if p.study.uid == subject.study.uid]
    made: list[KeyImage] = []
    for place in places:
        if len(made) < _MOST and key_slices(subject.work, place.stack):
            made += _images_of(subject, place)
    return tuple(made[:_MOST])


def _images_of(subject: ReportSubject, place: Place) -> Iterator[KeyImage]:
    from medview.imaging.picture import compose
    from medview.imaging.planes import native_plane
    from medview.imaging.presets import opening_window

    keys = key_slices(subject.work, place.stack)[:_MOST]
    try:
        volume = subject.studies.load(place, first=keys[0]).volume
    except MedViewError:
        return
    plane = native_plane(volume.geometry)
    name = place.series.description or place.series.modality
    for k in keys:
        pixels = compose(volume, plane, k, opening_window(volume, k=k), size=_PIXELS)
        number = volume.geometry.slice_number(k)
        caption = f"{tr('Key image')} · {name} · {number} / {plane.count}"
        yield KeyImage(pixels=pixels, caption=caption)
