"""Checks of place and order: one picture's own axes, then a series as the reader's stacks have it.

The verdicts on a stack are the reader's (`dicom.stacks`); what is added here is what the header
claims beside them: stated spacing, instance numbers, frames of reference.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

from medview.core.study import Holdings, Series, Stack
from medview.core.words import say
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import (
    ERROR,
    REMARK,
    WARNING,
    Check,
    Edit,
    Finding,
    declare,
    shown_tag,
)
from medview.dicom.doctor.identity import Facts
from medview.dicom.doctor.words import CHECK_SENDER, FIX_AT_SOURCE, SAVE_COPY, WRONG_LENGTHS
from medview.dicom.doubts import OFF_UNIT, is_far
from medview.dicom.keywords import tag_of

_WORST_UNIT = 5e-2  # beyond this nobody knows what was meant
_SAME_STEP = 0.01
SECTIONS = frozenset("1.2.840.10008.5.1.4.1.1." + n for n in ("2", "4", "128"))

ORIENTATION = declare(Check(
    id="geometry.orientation", severity=ERROR,
    title=say("The direction vectors are not unit vectors at right angles"),
    causes=WRONG_LENGTHS, what_to_do=SAVE_COPY,
    repair=say("The vectors are given length one and a right angle."),
))  # fmt: skip
ORIENTATION_VALUES = declare(Check(
    id="geometry.orientation-values", severity=ERROR,
    title=say("The direction vectors cannot be read"),
    causes=WRONG_LENGTHS, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
POSITION = declare(Check(
    id="geometry.position", severity=WARNING, title=say("The place of the picture is missing"),
    causes=say("The slices are shown in the order of their numbers, without planes or volume."),
    what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
VERDICTS = {
    "gaps": declare(Check(
        id="geometry.gaps", severity=WARNING, title=say("Slices are missing"),
        causes=say("Something small may lie in the gap; volumes across it are uncertain."),
        what_to_do=say("Send the series again; compare the number of images with the scanner."),
    )),
    "non-uniform": declare(Check(
        id="geometry.uneven", severity=WARNING, title=say("The slices have uneven distances"),
        causes=say("Programs that assume even slices stretch the picture; MedView resamples."),
        what_to_do=CHECK_SENDER,
    )),
    "tilted": declare(Check(
        id="geometry.tilted", severity=REMARK, title=say("The gantry was tilted"),
        causes=say("Programs that ignore the tilt show sheared planes; MedView corrects."),
        what_to_do=CHECK_SENDER,
    )),
    "duplicates": declare(Check(
        id="geometry.doubled", severity=WARNING, title=say("Several pictures lie at one place"),
        causes=say("Slices of several volumes may be mixed; MedView parts them where it can."),
        what_to_do=CHECK_SENDER,
    )),
}  # fmt: skip
STATED = declare(Check(
    id="geometry.spacing-stated", severity=WARNING,
    title=say("The stated distance of slices is not the true one"),
    causes=say("Programs that trust it stretch the volume; MedView measures it."),
    what_to_do=SAVE_COPY,
    repair=say("Spacing Between Slices is set to the distance measured from the positions."),
))  # fmt: skip
THINNED = declare(Check(
    id="geometry.thinned", severity=WARNING, title=say("Slices seem to be left out evenly"),
    causes=say("Something small may lie between the slices; the stated distance is a fraction."),
    what_to_do=say("Send the series again; compare the number of images with the scanner."),
))  # fmt: skip
ORDER = declare(Check(
    id="geometry.order", severity=WARNING,
    title=say("Instance numbers do not follow the slices"),
    causes=say("Programs that sort by number show the slices in a wrong order."),
    what_to_do=SAVE_COPY,
    repair=say("The pictures are numbered anew along the slices' normal."),
))  # fmt: skip
MIXED = declare(Check(
    id="geometry.mixed", severity=REMARK,
    title=say("A series mixes pictures of other sizes or directions"),
    causes=say("Programs that take a series for one volume fail or reorder it."),
    what_to_do=CHECK_SENDER,
))  # fmt: skip
PLACE_VALUE = declare(Check(
    id="geometry.position-value", severity=ERROR,
    title=say("The place of the picture cannot be so"),
    causes=WRONG_LENGTHS, what_to_do=FIX_AT_SOURCE,
))  # fmt: skip
FRAME_OF_REFERENCE = declare(Check(
    id="geometry.frame-of-reference", severity=WARNING,
    title=say("A series has several frames of reference"),
    causes=say("Places in one part cannot be compared with places in another."),
    what_to_do=CHECK_SENDER,
))  # fmt: skip


def place_findings(case: Case) -> Iterator[Finding]:
    """One picture's own axes and position."""
    top = case.top
    raw = top.text("ImageOrientationPatient")
    axes = top.floats("ImageOrientationPatient")
    if raw and (len(axes) != 6 or any(math.hypot(*axes[n : n + 3]) < 0.5 for n in (0, 3))):
        said = say("It says {text}.", text=raw[:96])
        yield case.finding(ORIENTATION_VALUES, said, "ImageOrientationPatient")
    elif axes:
        yield from _axes(case, axes)
    if is_far(top):
        said = say("It says {text}.", text=top.text("ImagePositionPatient")[:96])
        yield case.finding(PLACE_VALUE, said, "ImagePositionPatient")
    if top.text("SOPClassUID") in SECTIONS and case.has_pixels:
        for keyword in ("ImagePositionPatient", "ImageOrientationPatient"):
            if not top.has(keyword):
                said = say("{keyword} is missing.", keyword=keyword)
                yield case.finding(POSITION, said, keyword)


def _axes(case: Case, axes: tuple[float, ...]) -> Iterator[Finding]:
    across, down = axes[:3], axes[3:]
    long = max(abs(math.hypot(*across) - 1), abs(math.hypot(*down) - 1))
    lean = abs(sum(a * b for a, b in zip(across, down, strict=True)))
    if max(long, lean) <= OFF_UNIT:
        return
    said = say("Their lengths are {a} and {b}, the cosine between them is {c}.",
               a=f"{math.hypot(*across):.4f}", b=f"{math.hypot(*down):.4f}",
               c=f"{lean:.4f}")  # fmt: skip
    edit = Edit(tag=0x00200037, vr="DS", value=_straightened(across, down), moves=True)
    can = max(long, lean) <= _WORST_UNIT
    yield case.finding(ORIENTATION, said, "ImageOrientationPatient", edit=edit, is_repairable=can)


def _straightened(across: tuple[float, ...], down: tuple[float, ...]) -> str:
    """Gram-Schmidt: the first vector's direction stays, the second turns within the plane."""
    size = math.hypot(*across)
    x = [value / size for value in across]
    lean = sum(a * b for a, b in zip(x, down, strict=True))
    y = [b - lean * a for a, b in zip(x, down, strict=True)]
    size = math.hypot(*y)
    return "\\".join(decimal_string(value) for value in (*x, *(v / size for v in y)))


def decimal_string(value: float) -> str:
    """The nearest Decimal String of at most 16 characters (PS3.5 6.2)."""
    for digits in range(14, 0, -1):
        text = f"{value:.{digits}g}"
        if len(text) <= 16:
            return text
    return f"{value:.1e}"


def series_findings(holdings: Holdings, facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """What is wrong with each series as a whole."""
    for patient in holdings.patients:
        for study in patient.studies:
            for series in study.series:
                yield from _of_series(series, facts)


def _of_series(series: Series, facts: Mapping[str, Facts]) -> Iterator[Finding]:
    spatial = [
        stack for stack in series.stacks if stack.verdict not in ("projection", "not-spatial")
    ]
    for stack in spatial:
        path = stack.frames[0].path
        if stack.verdict in VERDICTS:
            notes = " ".join(str(note) for note in stack.notes) or stack.verdict
            yield Finding(check=VERDICTS[stack.verdict], what=say("{text}", text=notes), path=path)
        yield from _stated(stack, facts)
        if len(spatial) == 1:
            yield from _numbers(stack, facts)
    reasons = {reason for stack in series.stacks for reason in (stack.split_by or "").split(", ")}
    if reasons & {"size", "orientation", "PixelSpacing"} and spatial:
        said = say("It makes {count} {count:stack|stacks}, parted by {reasons}.",
                   count=len(series.stacks), reasons=", ".join(sorted(reasons - {""})))  # fmt: skip
        yield Finding(check=MIXED, what=said, path=_folder(series))
    paths = {frame.path for stack in spatial for frame in stack.frames} & facts.keys()
    uids = {facts[path].frame_of_reference for path in paths} - {""}
    if len(uids) > 1:
        said = say("There are {count} in {all} files.", count=len(uids), all=len(paths))
        yield Finding(check=FRAME_OF_REFERENCE, what=said, path=_folder(series),
                      tag=shown_tag(tag_of("FrameOfReferenceUID")))  # fmt: skip


def _folder(series: Series) -> str:
    paths = [frame.path for stack in series.stacks for frame in stack.frames]
    return paths[0] if len(set(paths)) == 1 else str(Path(paths[0]).parent)


def _paths(stack: Stack) -> list[str]:
    """The files of a stack in slice order, where each holds one slice; else none."""
    paths = [frame.path for frame in stack.frames]
    return paths if len(set(paths)) == len(paths) > 1 else []


def _stated(stack: Stack, facts: Mapping[str, Facts]) -> Iterator[Finding]:
    if stack.verdict not in ("regular", "tilted"):
        return
    paths = _paths(stack)
    step = stack.geometry.slice_step if paths else 0.0
    # Of tilted slices some makers state the distance along the table: neither is wrong.
    true = (step, float(stack.geometry.spacing[2]))
    for path in paths:
        stated = facts[path].spacing_between if path in facts else None
        if stated is None or any(
            abs(abs(stated) - distance) <= max(_SAME_STEP, 0.01 * distance) for distance in true
        ):
            continue
        said = say("It says {stated} mm; the positions are {step} mm apart.",
                   stated=f"{stated:g}", step=f"{step:.4g}")  # fmt: skip
        if _is_multiple(step, abs(stated)):
            # To call the wider distance true would hide that slices are missing.
            yield Finding(check=THINNED, what=said, path=path, tag=shown_tag(0x00180088))
            return
        edit = Edit(tag=0x00180088, vr="DS", value=decimal_string(round(step, 6)), moves=True)
        yield Finding(check=STATED, what=said, path=path, tag=shown_tag(0x00180088),
                      edit=edit, is_repairable=True)  # fmt: skip


def _is_multiple(step: float, stated: float) -> bool:
    """Whether a distance is twice the stated one, or three times, and so on, within 1 %."""
    times = round(step / stated) if stated > 0 else 0
    return times >= 2 and abs(step - times * stated) <= 0.01 * step


def _numbers(stack: Stack, facts: Mapping[str, Facts]) -> Iterator[Finding]:
    """Numbers that neither rise nor fall along the normal, or that some slices share."""
    paths = [path for path in _paths(stack) if path in facts]
    if len(paths) != len(stack.frames) or stack.verdict == "duplicates" or not paths:
        return
    numbers = [facts[path].instance_number for path in paths]
    known = [number for number in numbers if number is not None]
    if len(known) == len(numbers) and known in (sorted(set(known)), sorted(set(known))[::-1]):
        return
    for place, path in enumerate(paths, 1):
        if numbers[place - 1] == place:
            continue
        said = say("Number {number} stands at place {place} of {count}.",
                   number="-" if numbers[place - 1] is None else numbers[place - 1],
                   place=place, count=len(paths))  # fmt: skip
        edit = Edit(tag=0x00200013, vr="IS", value=str(place), moves=True)
        yield Finding(check=ORDER, what=said, path=path, tag=shown_tag(0x00200013),
                      edit=edit, is_repairable=True)  # fmt: skip
