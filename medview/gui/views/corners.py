"""What stands in the corners of a view: who, what, how it is windowed, where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from medview.core.geometry import Geometry
from medview.core.study import Patient, Series, Stack, Study
from medview.core.volume import Volume
from medview.core.words import tr, translate
from medview.gui.views.state import ViewState, slice_number
from medview.imaging.curved import CurvedPlane
from medview.imaging.fusion import UpperLayer
from medview.imaging.oblique import ObliquePlane
from medview.imaging.planes import Plane
from medview.imaging.slabs import Slab, SlabPlane
from medview.imaging.slice_plane import SlicePlane
from medview.imaging.window import Window

_AXES = {"axial": (2, "z"), "coronal": (1, "y"), "sagittal": (0, "x")}


@dataclass(frozen=True, kw_only=True)
class Shown:
    """The stack in a view and whose it is."""

    volume: Volume
    stack: Stack
    series: Series
    study: Study
    patient: Patient


def plane_title(name: str) -> str:
    """The name of a plane in the current language; a film's own plane has none."""
    titles = {
        "axial": tr("Axial"),
        "coronal": tr("Coronal"),
        "sagittal": tr("Sagittal"),
        "curved": tr("Along the curve"),
        "section": tr("Across the curve"),
    }
    return titles.get(name, "")


def person_name(name: str) -> str:
    """A DICOM person name for people: its component groups side by side, as written."""
    return " ".join(group.strip("^ ") for group in name.split("=") if group.strip("^ "))


_DAYS, _MONTHS = 60, 24  # up to which an infant's age is told in days, in months


def age_text(shown: Shown) -> str:
    """The age when the study was made, from Patient Age (0010,1010), else from the birth date."""
    return age_of(shown.patient, shown.study, shown.series)


def age_of(patient: Patient, study: Study, series: Series) -> str:
    """The age of a patient at a study as a series states it, else from the birth date."""
    age = series.header.get("PatientAge", "").strip().upper()
    # Nought years are what de-identification leaves; newborns have days.
    if len(age) == 4 and age[:3].isdigit() and age[3] in "YMWD" and age != "000Y":
        return _age(int(age[:3]), age[3])
    try:
        born = date.fromisoformat(patient.birth_date)
        made = date.fromisoformat(study.date)
    except ValueError:
        return ""
    days = (made - born).days
    months = 12 * (made.year - born.year) + made.month - born.month - (made.day < born.day)
    if days < _DAYS:
        return _age(days, "D") if days >= 0 else ""
    return _age(months, "M") if months < _MONTHS else _age(months // 12, "Y")


def _age(age: int, unit: str) -> str:
    if unit == "Y":
        return tr("{age} y", age=age)
    if unit == "M":
        return tr("{age} mo", age=age)
    return tr("{age} w", age=age) if unit == "W" else tr("{age} d", age=age)


def sex_text(sex: str) -> str:
    """Patient's Sex (0010,0040) in the current language."""
    return tr(sex) if sex in ("F", "M", "O") else sex


def upper_left(shown: Shown, plane: SlicePlane) -> list[str]:
    """The plane where it is a reconstruction, the name, sex, age and birth date, the ID."""
    person = " ".join(part for part in (sex_text(shown.patient.sex), age_text(shown)) if part)
    person = " · ".join(part for part in (person, shown.patient.birth_date) if part)
    title = "" if _is_acquired(plane) else plane_title(plane.name)
    if title and isinstance(plane, ObliquePlane) and plane.is_flat:
        title = tr("{plane}, turned", plane=title)
    who = (person, shown.patient.id) if _is_acquired(plane) else ()  # said once, not in all planes
    lines = (title, person_name(shown.patient.name), *who)
    return [line for line in dict.fromkeys(lines) if line]


def upper_right(shown: Shown, plane: SlicePlane, *, is_whole: bool = False) -> list[str]:
    """Study and series; not repeated over reconstructions.

    is_whole: institution and accession number too, where the view has room for them.
    """
    if not _is_acquired(plane):
        return []
    when = " ".join(part for part in (shown.study.date, time_text(shown)) if part)
    # The date first: where the line is too long, its end is left out.
    study = " · ".join(part for part in (when, shown.study.description) if part)
    number = "" if shown.series.number is None else f"{shown.series.number}"
    series = " ".join(part for part in (number, shown.series.description) if part)
    header = shown.series.header if is_whole else {}
    accession = header.get("AccessionNumber", "").strip()
    more = (header.get("InstitutionName", "").strip(), accession and f"Acc {accession}")
    agent = header.get("ContrastBolusAgent", "").strip()
    series = " · ".join(part for part in (series, agent) if part)
    return [line for line in (*more, study, series) if line]


def time_text(shown: Shown) -> str:
    """When the pictures were taken, hours and minutes: acquisition, else content, series, study."""
    header = shown.series.header
    for kind in ("Acquisition", "Content", "Series", "Study"):
        clock = header.get(f"{kind}Time", "").split("\\")[0].replace(":", "").strip()
        if len(clock) >= 4 and clock[:4].isdigit():
            return f"{clock[:2]}:{clock[2:4]}"
    return ""


def badges(
    shown: Shown,
    plane: SlicePlane,
    *,
    has_overlay: bool,
    is_confirmed: bool = False,
    calibration: str = "",
) -> list[str]:
    """Marks that a reader must not miss; calibration: the stack's where it is not told.

    has_overlay: a model's result lies over it; is_confirmed: which the reader has accepted.
    """
    marks = [_badge(badge, shown.stack) for badge in shown.stack.badges]
    calibration = calibration or shown.stack.calibration
    if calibration == "none":
        marks.append(tr("NOT CALIBRATED"))
    elif calibration != "patient":
        marks.append(calibration)
    if not _is_acquired(plane) and shown.stack.tilt_deg > 0:
        marks.append(tr("GEOMETRY CORRECTED"))
    if not _is_acquired(plane):
        marks.append("MPR" if not plane.is_resampled else tr("MPR, RESAMPLED"))
    if has_overlay:
        marks.append(tr("AI, CONFIRMED") if is_confirmed else tr("AI, UNCONFIRMED"))
    return list(dict.fromkeys(marks))


def _badge(badge: str, stack: Stack) -> str:
    """A badge; lossy compression with what it left out."""
    words = badge_text(badge)
    ratio = stack.lossy_ratio
    return f"{words} {ratio:.3g}:1" if badge == "LOSSY" and ratio > 1 else words


def conflict(shown: Shown) -> str:
    """What the file says of the side against itself; empty where it does not."""
    projection = shown.stack.projection
    is_torn = projection is not None and projection.conflict is not None
    return tr("SIDE UNCLEAR") if is_torn else ""


def _is_acquired(plane: SlicePlane) -> bool:
    """Whether it shows slices as acquired, alone or several as a slab."""
    return plane.is_native or (isinstance(plane, Plane) and plane.normal == 0)


def slab_text(slab: Slab) -> str:
    """What a slab shows and how thick it is; "" for a single slice."""
    if slab.mm <= 0:
        return ""
    thick = figure(slab.mm, 0 if slab.mm >= 20 or float(slab.mm).is_integer() else 1)
    words = {
        "mip": tr("MIP {mm} mm", mm=thick),
        "minip": tr("MinIP {mm} mm", mm=thick),
        "mean": tr("Mean {mm} mm", mm=thick),
    }
    return words[slab.mode]


def badge_text(badge: str) -> str:
    """A stack's badge in the current language; one that is not known, as it is."""
    words = {
        "DAMAGED": tr("DAMAGED"),
        "LOSSY": tr("LOSSY"),
        "BURNED-IN": tr("BURNED-IN"),
        "DERIVED": tr("DERIVED"),
        "TILT": tr("TILT"),
        "UNEVEN": tr("UNEVEN"),
        "GAPS": tr("GAPS"),
        "MOSAIC": tr("MOSAIC"),
    }
    return words.get(badge, badge)


def zoom_factor(shown: Shown, pixels_per_mm: float) -> float:
    """Screen pixels an acquired pixel: the same for every plane of a stack at the same scale."""
    return pixels_per_mm * shown.volume.geometry.spacing[0]


def window_text(window: Window) -> str:
    """W and L with a true minus sign, and the window's name."""
    name = f" · {translate(window.name)}" if window.name else ""
    return f"W {figure(window.width)} L {figure(window.center)}{name}"


def lower_left(shown: Shown, state: ViewState, screen_scale: float, probe: str) -> list[str]:
    """What changes while reading; screen_scale: see `zoom_factor`."""
    values = probe.split(" · ") if probe else []  # two a line: the corner ends at the middle
    lines = [" · ".join(values[at : at + 2]) for at in range(0, len(values), 2)]
    if not shown.volume.is_colour:  # colours are shown as they are
        unit = shown.volume.unit if shown.volume.unit.startswith("SUV") else ""
        lines.append(" · ".join(part for part in (window_text(state.window), unit) if part))
    return [*lines, tr("Zoom {factor}×", factor=f"{screen_scale:.1f}")]


def upper_layer(layer: UpperLayer) -> str:
    """What lies over the picture: modality, its window, its share; its bar says the unit."""
    window = f"W {figure(layer.window.width)} L {figure(layer.window.center)}"
    return f"{layer.volume.modality} {window} · {round(100 * layer.blend)} %".strip()


def lower_right(shown: Shown, plane: SlicePlane, index: int) -> list[str]:
    """Slice number, its place in the patient, its thickness and, where it differs, the step."""
    number = f"{slice_number(plane, index)} / {plane.count}"
    if plane.name == "native":
        taken = "" if shown.stack.projection is None else shown.stack.projection.title
        return [line for line in (taken, number if plane.count > 1 else "") if line]
    if plane.count > 1 and not shown.stack.is_in_space:
        index = 0  # all lie at the place of the first
    slab = ""
    if isinstance(plane, SlabPlane | ObliquePlane | CurvedPlane):
        slab = slab_text(plane.slab)
    if isinstance(plane, CurvedPlane):
        length = tr("Curve {length} mm", length=figure(plane.curve.length_mm, 1))
        return [line for line in (length, slab) if line]
    if isinstance(plane, ObliquePlane):
        return [line for line in (number, slab) if line]
    axis, letter = _AXES[plane.name]
    rows, columns = plane.shape
    middle = plane.to_patient(index, (rows - 1) / 2, (columns - 1) / 2)
    place = f"{letter} {figure(middle[axis], 1)} mm"
    if plane.is_native:
        # The header is that of one slice: where steps change its thickness is not every slice's.
        is_one = shown.stack.verdict != "non-uniform"
        thickness = _thickness(shown.series.header.get("SliceThickness", "")) if is_one else ""
        thick = f" · {thickness} mm" if thickness else ""
        step = _step(shown.volume.geometry, index, thickness) if shown.stack.is_in_space else []
        return [number, place + thick, *step]
    place = " · ".join(part for part in (place, slab) if part)
    return [number, place] if _is_acquired(plane) else [place]


def _step(geometry: Geometry, index: int, thickness: str) -> list[str]:
    """The distance to the next slice as it is read, where it is not the slices' thickness."""
    count = geometry.shape[0]
    if count < 2:
        return []
    other = index - 1 if geometry.slice_number(0) > 1 else index + 1
    if not 0 <= other < count:
        other = 2 * index - other  # the last one: the distance to the one before
    if geometry.is_even:
        step = geometry.slice_step
    else:
        along = geometry.ladder.along
        step = abs(float(along[other] - along[index]))
    known = float(thickness) if thickness else 0.0
    if geometry.is_even and known and abs(step - known) <= max(0.05, 0.02 * known):
        return []
    return [tr("Step {step} mm", step=f"{step:.2f}".rstrip("0").rstrip("."))]


def _thickness(text: str) -> str:
    try:
        return f"{float(text):g}"
    except ValueError:
        return ""


def figure(value: float, digits: int | None = None) -> str:
    """A number with a true minus sign; small ones that are not whole keep two digits."""
    if digits is None:
        digits = 0 if abs(value) >= 20 or float(value).is_integer() else 2
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")
