"""Standardised uptake values: the factor from a PET's own numbers, or why there is none.

After the QIBA vendor-neutral pseudo-code (FDG-PET/CT profile): SUVbw = activity x weight / dose,
the dose decayed to the time to which the image is corrected. Nothing is guessed: where one of the
inputs is missing there is no number but a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from medview.core.study import ValueScale
from medview.core.words import Sentence, say
from medview.dicom.elements import Elements, one_of_each
from medview.dicom.frames import Frame
from medview.dicom.keywords import GE_SCAN_TIME, PHILIPS_ACTIVITY, PHILIPS_SUV, tag_of

BW, LBM, BSA = "SUVbw", "SUVlbm", "SUVbsa"
_LEAST_DOSE = 1e4  # Bq; less is a dose written in MBq. Of a kilogram, less shows nothing.
_MANY_HALF_LIVES = 8
_LEGACY, _ENHANCED = "1.2.840.10008.5.1.4.1.1.128.1", "1.2.840.10008.5.1.4.1.1.130"


class NoSuv(Exception):
    """There is no SUV; `args[0]` is a Sentence that says why."""


@dataclass(frozen=True, kw_only=True)
class Suv:
    """main: from modality values to the unit that is shown; more: from shown values to others;
    notes: what a reader must know of the inputs."""

    main: ValueScale
    more: tuple[ValueScale, ...] = ()
    notes: tuple[Sentence, ...] = ()


def suv_of(frames: Sequence[Frame], maps: Sequence[ValueScale] = ()) -> Suv:
    """The SUV of a PET stack. Raises NoSuv with the reason.

    maps: the real-world values that hold for all frames; enhanced PET gives its activity so.
    """
    top = frames[0].instance.elements
    if _is_enhanced(top):
        return _enhanced(frames, top, maps)
    _check_all(frames)
    if top.text("SOPClassUID") == _LEGACY:
        raise NoSuv(say("No SUV: enhanced PET keeps its doses elsewhere."))
    _check_corrections(top)
    units = top.text("Units").upper()
    if units in ("GML", "CM2ML"):
        return _as_given(top, units)
    if units == "CNTS":
        return _philips(frames, top)
    if units == "BQML":
        return _from_activity(frames, top, 1.0)
    raise NoSuv(say("No SUV: the values are in {unit}.", unit=units or "?"))


_OF_IMAGE = ("Units", "CorrectedImage", "DecayCorrection", "SUVType", "PatientWeight")
_OF_DRUG = ("RadionuclideTotalDose", "RadionuclideHalfLife", "RadiopharmaceuticalStartTime",
            "RadiopharmaceuticalStartDateTime")  # fmt: skip
_OF_PHILIPS = (PHILIPS_SUV, PHILIPS_ACTIVITY)
_INPUT_TAGS = frozenset((
    *map(tag_of, _OF_IMAGE), *(tag for tag, _ in _OF_PHILIPS),
    *((tag & 0xFFFF0000) | 0x10 for tag, _ in _OF_PHILIPS),
))  # fmt: skip


def _check_all(frames: Sequence[Frame]) -> None:
    """One factor holds for all pictures: raises NoSuv where they differ in what it is made of."""
    tops = (frame.instance.elements for frame in frames)
    said = [_inputs(top) for top in one_of_each(tops, _INPUT_TAGS)]
    for other in said:
        if other != said[0]:
            what = next(name for name, value in said[0].items() if other[name] != value)
            raise NoSuv(say("No SUV: the pictures differ in {what}.", what=what))


def _inputs(top: Elements) -> dict[str, object]:
    """What SUV is made of, by name."""
    found: dict[str, object] = {keyword: top.text(keyword) for keyword in _OF_IMAGE}
    drugs = top.items("RadiopharmaceuticalInformationSequence")
    found |= {keyword: [drug.text(keyword) for drug in drugs] for keyword in _OF_DRUG}
    return found | {
        f"({tag >> 16:04X},{tag & 0xFFFF:04X})": top.private(tag, creator)
        for tag, creator in _OF_PHILIPS
    }


def _is_enhanced(top: Elements) -> bool:
    return top.text("SOPClassUID") == _ENHANCED


def _enhanced(frames: Sequence[Frame], top: Elements, maps: Sequence[ValueScale]) -> Suv:
    """Enhanced PET (PS3.3 A.56): corrections and doses of its own modules, Bq/ml by its map."""
    said = {"AttenuationCorrected": say("attenuation"), "DecayCorrected": say("decay")}
    for keyword, what in said.items():
        if top.text(keyword).upper() != "YES":
            raise NoSuv(say("No SUV: the image is not corrected for {what}.", what=what))
    for scale in maps:
        is_line = not scale.table and abs(scale.offset) <= 1e-9 * scale.factor
        if scale.unit.lower() == "bq/ml" and is_line:
            return _from_activity(frames, top, scale.factor)
    raise NoSuv(say("No SUV: no real-world value map gives all images in Bq/ml."))


def _check_corrections(top: Elements) -> None:
    done = top.text("CorrectedImage").upper().split("\\")
    for word, said in (("ATTN", say("attenuation")), ("DECY", say("decay"))):
        if word not in done:
            raise NoSuv(say("No SUV: the image is not corrected for {what}.", what=said))


def _as_given(top: Elements, units: str) -> Suv:
    """The scanner's own SUV; GML means body weight unless SUV Type (0054,1006) says otherwise."""
    kind = top.text("SUVType").upper()
    named = {"": BW if units == "GML" else BSA, "BW": BW, "BSA": BSA}
    unit = LBM if kind.startswith("LBM") else named.get(kind, "")
    if not unit:
        raise NoSuv(say("No SUV: its type ({kind}) is not known to MedView.", kind=kind))
    main = ValueScale(unit=unit, said=say("{unit} as the scanner gives it.", unit=unit))
    if unit != BW:
        return Suv(main=main)
    weight = top.number("PatientWeight") or 0.0
    return Suv(main=main, more=_others(top, weight) if weight > 0 else ())


def _philips(frames: Sequence[Frame], top: Elements) -> Suv:
    factor = next(iter(top.private(*PHILIPS_SUV)), 0.0)
    if factor > 0:
        weight = top.number("PatientWeight") or 0.0
        said = say("SUVbw by the scanner's SUV scale factor {factor}.", factor=f"{factor:.6g}")
        return Suv(
            main=ValueScale(unit=BW, factor=factor, said=said),
            more=_others(top, weight) if weight > 0 else (),
        )
    activity = next(iter(top.private(*PHILIPS_ACTIVITY)), 0.0)
    if activity > 0:
        return _from_activity(frames, top, activity)
    raise NoSuv(say("No SUV: the values are counts and the scanner's scale factors are missing."))


def _from_activity(frames: Sequence[Frame], top: Elements, per_value: float) -> Suv:
    """per_value: Bq/mL of one modality value."""
    weight = top.number("PatientWeight") or 0.0
    if weight <= 0:
        raise NoSuv(say("No SUV: the patient's weight is missing."))
    items = top.items("RadiopharmaceuticalInformationSequence")
    if len(items) > 1:
        raise NoSuv(say("No SUV: the image has more than one radiopharmaceutical."))
    dose = items[0].number("RadionuclideTotalDose") or 0.0 if items else 0.0
    if dose <= 0:
        raise NoSuv(say("No SUV: the injected dose is missing."))
    if dose < _LEAST_DOSE:
        raise NoSuv(say("No SUV: a dose of {dose} Bq cannot be.", dose=f"{dose:g}"))
    if dose / weight < _LEAST_DOSE:  # kBq for Bq, grams for kg
        raise NoSuv(
            say("No SUV: a dose of {dose} MBq for {weight} kg cannot be.",
                dose=f"{dose / 1e6:g}", weight=f"{weight:g}")
        )  # fmt: skip
    share, notes, how = _left(frames, top, items[0])
    said = say(
        "SUVbw from {weight} kg and {dose} MBq, {how}.",
        weight=f"{weight:g}",
        dose=f"{dose / 1e6:.1f}",
        how=how,
    )
    factor = per_value * weight * 1000.0 / (dose * share)
    main = ValueScale(unit=BW, factor=factor, said=said)
    return Suv(main=main, more=_others(top, weight), notes=notes)


def _left(
    frames: Sequence[Frame], top: Elements, drug: Elements
) -> tuple[float, tuple[Sentence, ...], Sentence]:
    """The share of the dose that is left at the time to which the image is corrected."""
    # Enhanced PET says to which moment instead of a word.
    correction = "START" if _is_enhanced(top) else top.text("DecayCorrection").upper()
    if correction == "ADMIN":
        return 1.0, (), say("the image is corrected to the injection")
    if correction != "START":
        raise NoSuv(
            say("No SUV: the time of the decay correction is not given ({what}).",
                what=correction or "?")
        )  # fmt: skip
    half_life = drug.number("RadionuclideHalfLife") or 0.0
    if half_life <= 0:
        raise NoSuv(say("No SUV: the nuclide's half-life is missing."))
    scan, notes = _scan_time(frames, top)
    injected = _injection(top, drug, scan)
    seconds = (scan - injected).total_seconds()
    if seconds < 0:
        raise NoSuv(say("No SUV: the injection is dated after the scan."))
    if seconds > _MANY_HALF_LIVES * half_life:
        said = say(
            "The scan is {count} half-lives after the injection: check the times.",
            count=f"{seconds / half_life:.0f}",
        )
        notes = (*notes, said)
    how = say("decayed over {minutes} min", minutes=f"{seconds / 60:.0f}")
    return 2.0 ** (-seconds / half_life), notes, how


def _scan_time(frames: Sequence[Frame], top: Elements) -> tuple[datetime, tuple[Sentence, ...]]:
    """Series time unless it was changed later; then GE's own, then the earliest acquisition.

    Enhanced PET: Decay Correction DateTime (0018,9701), nothing else.
    """
    if _is_enhanced(top):
        when = _parsed(top.text("DecayCorrectionDateTime"))
        if when is None:
            raise NoSuv(say("No SUV: the moment of the decay correction is missing."))
        return when, ()
    tops = {id(f.instance): f.instance.elements for f in frames}.values()
    acquired = [when for one in tops if (when := _moment(one, "Acquisition")) is not None]
    series = _moment(top, "Series")
    if series is not None and (not acquired or series <= min(acquired)):
        return series, ()
    own = _parsed(top.private_text(*GE_SCAN_TIME))
    if own is not None:
        return own, ()
    if not acquired:
        raise NoSuv(say("No SUV: the time of the scan is missing."))
    said = say("The series' time lies after its images; SUV is decayed to the earliest image.")
    return min(acquired), (said,) if series is not None else ()


def _injection(top: Elements, drug: Elements, scan: datetime) -> datetime:
    """Start DateTime, else the last Start Time of day before the scan."""
    whole = _parsed(drug.text("RadiopharmaceuticalStartDateTime"))
    if whole is not None:
        return whole
    hour = drug.text("RadiopharmaceuticalStartTime")
    when = _parsed(f"{scan:%Y%m%d}{hour.replace(':', '')}") if hour else None
    if when is None:
        raise NoSuv(say("No SUV: the time of the injection is missing."))
    return when - timedelta(days=1) if when > scan else when


def _moment(top: Elements, what: str) -> datetime | None:
    day, hour = top.text(f"{what}Date"), top.text(f"{what}Time")
    return _parsed(day.replace(".", "") + hour.replace(":", "")) if day and hour else None


def _parsed(text: str) -> datetime | None:
    """A DICOM DT (PS3.5 6.2) to the second's fraction; the offset from UTC is left out, as dates
    and times of one study are local to one place."""
    whole = text.strip().split("&")[0].split("+")[0].split("-")[0]
    seconds, _, fraction = whole.partition(".")
    if len(seconds) < 10 or not seconds.isdigit() or (fraction and not fraction.isdigit()):
        return None
    try:
        when = datetime.fromisoformat(f"{seconds[:8]}T{seconds[8:14].ljust(6, '0')}")
    except ValueError:
        return None
    return when + timedelta(seconds=float(f"0.{fraction}" if fraction else 0))


def _others(top: Elements, weight: float) -> tuple[ValueScale, ...]:
    """SUVlbm (Janmahasatian 2005) and SUVbsa (Du Bois 1916) from SUVbw; none without height."""
    metres = top.number("PatientSize") or 0.0
    sex = top.text("PatientSex").upper()
    if not 0.3 <= metres <= 2.6:
        return ()
    surface = 0.007184 * weight**0.425 * (100.0 * metres) ** 0.725  # m2
    scales = [
        ValueScale(
            unit=BSA, factor=surface * 1e4 / (weight * 1000.0),
            said=say("SUVbsa with {area} m² by Du Bois.", area=f"{surface:.2f}"),
        )
    ]  # fmt: skip
    bmi = weight / metres**2
    divisor = {"M": 6680.0 + 216.0 * bmi, "F": 8780.0 + 244.0 * bmi}.get(sex)
    if divisor is not None:
        lean = 9270.0 * weight / divisor
        said = say("SUVlbm with {lean} kg by Janmahasatian.", lean=f"{lean:.1f}")
        scales.insert(0, ValueScale(unit=LBM, factor=lean / weight, said=said))
    return tuple(scales)
