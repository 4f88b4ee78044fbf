"""Corner texts as the reader writes them: lines with fields from a closed set, nothing computed.

`{name}` is replaced by what the study says; a line whose fields are all empty is left out, and so
is a " · " beside an empty field.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from medview.core.words import Sentence, say
from medview.gui.views import corners
from medview.gui.views.corners import Shown
from medview.gui.views.state import ViewState
from medview.imaging.slice_plane import SlicePlane

CORNERS = ("upper_left", "upper_right", "lower_left", "lower_right")
_MOST_LINES, _MOST_SIGNS = 12, 200
_FIELD = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What a view shows just now."""

    shown: Shown
    plane: SlicePlane
    index: int
    state: ViewState
    zoom: float
    probe: str = ""


def _header(keyword: str) -> Callable[[Moment], str]:
    return lambda now: now.shown.series.header.get(keyword, "").strip()


def _number(now: Moment) -> str:
    number = now.shown.series.number
    return "" if number is None else str(number)


def _place(now: Moment) -> str:
    lines = corners.lower_right(now.shown, now.plane, now.index)
    return lines[-1] if len(lines) > 1 else ""


FIELDS: Mapping[str, Callable[[Moment], str]] = {
    "name": lambda now: corners.person_name(now.shown.patient.name),
    "patient_id": lambda now: now.shown.patient.id,
    "birth_date": lambda now: now.shown.patient.birth_date,
    "sex": lambda now: corners.sex_text(now.shown.patient.sex),
    "age": lambda now: corners.age_text(now.shown),
    "institution": _header("InstitutionName"),
    "accession": _header("AccessionNumber"),
    "study": lambda now: now.shown.study.description,
    "study_date": lambda now: now.shown.study.date,
    "time": lambda now: corners.time_text(now.shown),
    "series_number": _number,
    "series": lambda now: now.shown.series.description,
    "modality": lambda now: now.shown.series.modality,
    "body_part": _header("BodyPartExamined"),
    "thickness": _header("SliceThickness"),
    "plane": lambda now: corners.plane_title(now.plane.name),
    "slice": lambda now: next(iter(corners.lower_right(now.shown, now.plane, now.index)), ""),
    "place": _place,
    "window": lambda now: corners.window_text(now.state.window),
    "zoom": lambda now: f"{now.zoom:.1f}×",
    "probe": lambda now: now.probe,
}


def fault_of(template: str) -> Sentence | None:
    """Why a template cannot be used, None where it can."""
    lines = template.splitlines()
    if len(lines) > _MOST_LINES or any(len(line) > _MOST_SIGNS for line in lines):
        return say("A corner has at most {lines} lines of {signs} signs.", lines=_MOST_LINES,
                   signs=_MOST_SIGNS)  # fmt: skip
    for name in _FIELD.findall(template):
        if name not in FIELDS:
            return say("There is no field {name}.", name=name)
    if re.search(r"[{}]", _FIELD.sub("", template)):
        return say("A field is written in curly brackets.")
    return None


def filled(template: str, now: Moment) -> list[str]:
    """The lines of a corner. The template must be one that `fault_of` finds nothing wrong with."""
    lines = []
    for line in template.splitlines():
        names = _FIELD.findall(line)
        values = {name: FIELDS[name](now) for name in names}
        if names and not any(values.values()):
            continue
        words = "".join(
            values[part] if number % 2 else part for number, part in enumerate(_FIELD.split(line))
        )
        parts = [part.strip() for part in words.split("·")]
        lines.append(" · ".join(" ".join(part.split()) for part in parts if part))
    return [line for line in lines if line]


_in_use: dict[str, str] = {}


def corner_template(corner: str) -> str:
    """The reader's template of a corner, "" for MedView's own lines."""
    return _in_use.get(corner, "")


def use_corner_templates(templates: Mapping[str, str]) -> list[Sentence]:
    """Take templates up at once; what is wrong with those that are left out."""
    faults = {corner: fault_of(template) for corner, template in templates.items()}
    _in_use.clear()
    _in_use.update({c: t for c, t in templates.items() if c in CORNERS and faults[c] is None})
    return [fault for fault in faults.values() if fault is not None]
