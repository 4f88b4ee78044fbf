"""The checks that a gate can ask: each gives yes, no or unknown, and says so in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from medview.ai.body_parts import has_word, named_parts, names_an_animal
from medview.ai.gate_facts import Facts
from medview.core.words import Sentence, say

Rule = Mapping[str, Any]
Answer = tuple[bool | None, Sentence]
CrossSectional = ("CT", "MR", "PT", "NM")
_COMPUTED = {
    "SECONDARY", "MIP", "MINIP", "PROJECTION IMAGE", "SCREEN SAVE", "ADC", "CSA", "REFORMATTED",
    "PERFUSION", "RCBF", "SUBTRACTION",
}  # fmt: skip


def _modality(rule: Rule, facts: Facts) -> Answer:
    modality = facts.series.modality
    if not modality:
        return None, say("The series does not say its modality.")
    if modality in rule["in"]:
        return True, say("The modality fits ({modality}).", modality=modality)
    wanted = ", ".join(rule["in"])
    return False, say(
        "This is a {modality} series; the model was made for {wanted}.",
        modality=modality,
        wanted=wanted,
    )


def _sop_class(rule: Rule, facts: Facts) -> Answer:
    uid = facts.header("SOPClassUID")
    if not uid:
        return None, say("The series does not say what kind of object it is.")
    if uid in rule["in"]:
        return True, say("The kind of object fits.")
    return False, say("The images are of another kind of object than the model was made for.")


def _body_part(rule: Rule, facts: Facts) -> Answer:
    wanted = set(rule["in"])
    written = facts.series.body_part or facts.header("BodyPartExamined")
    parts = named_parts(written)
    if parts & wanted:
        return True, say("The body part fits ({part}).", part=written)
    if written:
        return False, say(
            "The series shows {part}; the model was made for {wanted}.",
            part=written,
            wanted=", ".join(rule["in"]),
        )
    words = " ".join(_words_of(source, facts) for source in rule.get("also_in", ()))
    parts = named_parts(words)
    if parts & wanted:
        return True, say("The description names a body part that fits.")
    if parts:
        return False, say(
            "The description names {part}; the model was made for {wanted}.",
            part=", ".join(sorted(parts)),
            wanted=", ".join(rule["in"]),
        )
    return None, say("The series does not say which body part it shows.")


def _words_of(source: str, facts: Facts) -> str:
    if source == "study":
        return facts.study.description
    if source == "protocol":
        return facts.header("ProtocolName")
    return facts.series.description or facts.header("SeriesDescription")


def _view(rule: Rule, facts: Facts) -> Answer:
    view = facts.view
    if not view:
        return None, say("The film does not say its view.")
    if view in rule["in"] or (view == "AP or PA" and {"AP", "PA"} <= set(rule["in"])):
        return True, say("The view fits ({view}).", view=view)
    return False, say(
        "This is a {view} view; the model was made for {wanted}.",
        view=view,
        wanted=", ".join(rule["in"]),
    )


def _age(rule: Rule, facts: Facts) -> Answer:
    ages = facts.ages_years()
    if not ages:
        return None, say("The patient's age is not known.")
    low, high = rule.get("low", 0), rule.get("high", 150)
    outside = [age for age in ages if not low <= age < high + 1]
    if not outside:
        return True, say("The age fits ({age} y).", age=int(ages[0]))
    if outside[0] < 18:
        return False, say(
            "This study shows a child ({age} y); the model was trained on {people}.",
            age=_age_text(outside[0]),
            people=Sentence(rule["described_as"]),
        )
    if facts.series.modality in ("CR", "DX"):
        return False, say(
            "This film shows an adult ({age} y); the model was trained on {people}.",
            age=int(outside[0]),
            people=Sentence(rule["described_as"]),
        )
    return False, say(
        "This study shows an adult ({age} y); the model was trained on {people}.",
        age=int(outside[0]),
        people=Sentence(rule["described_as"]),
    )


def _age_text(age: float) -> str:
    return f"{age:.1f}" if age < 2 else str(int(age))


def _inside(rule: Rule, value: float) -> bool:
    return bool(rule.get("low", float("-inf")) <= value <= rule.get("high", float("inf")))


def _slice_spacing(rule: Rule, facts: Facts) -> Answer:
    geometry = facts.stack.geometry
    if geometry.shape[0] < 2:
        return False, say("This is a single image; the model needs a volume.")
    step = round(geometry.slice_step, 2)
    if _inside(rule, step):
        return True, say("The distance of the slices fits ({step} mm).", step=step)
    if step > rule.get("high", step):
        return False, say(
            "The slices are {step} mm apart; the model was made for at most {limit} mm.",
            step=step,
            limit=rule["high"],
        )
    return False, say(
        "The slices are {step} mm apart; the model was made for at least {limit} mm.",
        step=step,
        limit=rule["low"],
    )


def _pixel_spacing(rule: Rule, facts: Facts) -> Answer:
    if facts.stack.calibration == "none":
        return None, say("The size of the pixels is not known.")
    size = round(max(facts.stack.geometry.spacing[:2]), 3)
    if _inside(rule, size):
        return True, say("The size of the pixels fits ({size} mm).", size=size)
    return False, say(
        "The pixels are {size} mm wide; the model was made for {low}-{high} mm.",
        size=size,
        low=rule.get("low", 0),
        high=rule.get("high", "∞"),
    )


def _slice_count(rule: Rule, facts: Facts) -> Answer:
    count = facts.stack.geometry.shape[0]
    if _inside(rule, count):
        return True, say("The number of slices fits ({count}).", count=count)
    if count < rule.get("low", 0):
        return False, say(
            "The stack has {count} slices; the model needs at least {limit}.",
            count=count,
            limit=rule["low"],
        )
    return False, say(
        "The stack has {count} slices; the model takes at most {limit}.",
        count=count,
        limit=rule["high"],
    )


def _coverage(rule: Rule, facts: Facts) -> Answer:
    geometry = facts.stack.geometry
    covered = round(geometry.slice_step * geometry.shape[0])
    if _inside(rule, covered):
        return True, say("The stack covers enough ({covered} mm).", covered=covered)
    if covered < rule.get("low", 0):
        return False, say(
            "The stack covers {covered} mm; the model needs at least {limit} mm.",
            covered=covered,
            limit=rule["low"],
        )
    return False, say(
        "The stack covers {covered} mm; the model was made for at most {limit} mm.",
        covered=covered,
        limit=rule["high"],
    )


def _extent(rule: Rule, facts: Facts) -> Answer:
    geometry = facts.stack.geometry
    if facts.stack.calibration == "none" or not geometry.is_spatial:
        return None, say("The size of the pixels is not known.")
    k, j, i = geometry.shape
    sides = (geometry.slice_step * k, geometry.spacing[1] * j, geometry.spacing[0] * i)
    outside = [side for side in sides if not _inside(rule, side)]
    if not outside:
        return True, say("The size of the stack fits.")
    return False, say(
        "The stack is {size} mm large; the model was made for {what}.",
        size=" × ".join(str(round(side)) for side in sides),
        what=Sentence(rule["described_as"]),
    )


def _geometry(rule: Rule, facts: Facts) -> Answer:
    if facts.stack.verdict in rule["in"]:
        return True, say("The slices form a grid that fits.")
    return False, _GRIDS.get(facts.stack.verdict, _GRIDS["not-spatial"])


_GRIDS = {
    "regular": say("The slices form a regular volume; the model was made for single films."),
    "tilted": say("The gantry was tilted; the model was made for upright slices."),
    "non-uniform": say("The distance between the slices changes within the stack."),
    "gaps": say("Slices are missing inside the stack."),
    "duplicates": say("Several images lie at the same place."),
    "single": say("This is a single image; the model needs a volume."),
    "projection": say("This is a projection; the model needs slices."),
    "not-spatial": say("The slices form no grid in space."),
}


def _tilt(rule: Rule, facts: Facts) -> Answer:
    tilt = round(abs(facts.stack.tilt_deg), 1)
    if _inside(rule, tilt):
        return True, say("The tilt of the gantry fits ({tilt}°).", tilt=tilt)
    return False, say(
        "The gantry was tilted by {tilt}°; the model was made for at most {limit}°.",
        tilt=tilt,
        limit=rule.get("high", 0),
    )


def _species(_rule: Rule, facts: Facts) -> Answer:
    keywords = ("PatientSpeciesDescription", "PatientBreedDescription", "InstitutionName")
    stated = " ".join(facts.header(keyword) for keyword in keywords)
    if names_an_animal(f"{stated} {facts.descriptions}"):
        return False, say("This shows an animal; the model was made for people.")
    return True, say("Nothing says that this is an animal.")


def _localizer(_rule: Rule, facts: Facts) -> Answer:
    is_scout = "LOCALIZER" in facts.image_type or has_word(
        facts.descriptions, ("SCOUT", "LOCALIZER", "TOPOGRAM", "SURVEY", "SURVIEW", "定位像")
    )
    if facts.series.modality in CrossSectional:
        is_scout = is_scout or facts.stack.verdict == "projection"
    if is_scout:
        return False, say("This is a localizer (scout) view, not a diagnostic series.")
    return True, say("This is no localizer (scout) view.")


def _derived(_rule: Rule, facts: Facts) -> Answer:
    words = _COMPUTED & set(facts.image_type)
    if "SCREEN" in facts.image_type:
        words |= {"SCREEN SAVE"}
    if words:
        return False, say(
            "These are computed pictures ({kind}), not what the scanner took.",
            kind=", ".join(sorted(words)),
        )
    return True, say("These are pictures as the scanner took them.")


def _burned_in(_rule: Rule, facts: Facts) -> Answer:
    stated = facts.header("BurnedInAnnotation").upper()
    if not stated:
        return None, say("The header does not say whether text is burned into the picture.")
    if stated == "YES":
        return False, say("Text is burned into the picture.")
    return True, say("No text is burned into the picture.")


def _colour(_rule: Rule, facts: Facts) -> Answer:
    photometric = facts.stack.photometric or facts.header("PhotometricInterpretation")
    is_grey = photometric.startswith("MONOCHROME") or not photometric
    if facts.header("SamplesPerPixel") == "3" or not is_grey:
        return False, say("This is a colour picture; the model was made for grey values.")
    return True, say("The picture has grey values.")


def _inverted(_rule: Rule, facts: Facts) -> Answer:
    if (facts.stack.photometric or facts.header("PhotometricInterpretation")) == "MONOCHROME1":
        return False, say("The picture is stored inverted (MONOCHROME1).")
    return True, say("The picture is not stored inverted.")


def _contrast(rule: Rule, facts: Facts) -> Answer:
    agent = facts.header("ContrastBolusAgent")
    if agent and not rule["allowed"]:
        return False, say("Contrast medium was given; the model was made for plain series.")
    return True, say("The model takes the series with or without contrast medium as it is.")


def _words(rule: Rule, facts: Facts) -> Answer:
    none_of, any_of = tuple(rule.get("none_of", ())), tuple(rule.get("any_of", ()))
    found = next((word for word in none_of if has_word(facts.descriptions, (word,))), None)
    if found is not None:
        return False, say(
            "The description says {word}; the model was not made for that.", word=found
        )
    if any_of and not has_word(facts.descriptions, any_of):
        return None, say(
            "The description does not name the kind of series the model was made for ({words}).",
            words=", ".join(any_of),
        )
    return True, say("The description fits.")


CHECKS: Mapping[str, Callable[[Rule, Facts], Answer]] = {
    "modality": _modality,
    "sop_class": _sop_class,
    "body_part": _body_part,
    "view": _view,
    "age_years": _age,
    "slice_spacing_mm": _slice_spacing,
    "pixel_spacing_mm": _pixel_spacing,
    "slice_count": _slice_count,
    "coverage_mm": _coverage,
    "geometry": _geometry,
    "extent_mm": _extent,
    "tilt_deg": _tilt,
    "species": _species,
    "localizer": _localizer,
    "derived": _derived,
    "burned_in": _burned_in,
    "colour": _colour,
    "inverted": _inverted,
    "contrast": _contrast,
    "words": _words,
}
