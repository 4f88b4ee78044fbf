"""The checks that a gate can ask: each gives yes, no or unknown, and says so in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from medview.ai.gate_facts import Facts
from medview.ai.gate_geometry import (
    Answer,
    Rule,
    ask_coverage,
    ask_diameter,
    ask_extent,
    ask_geometry,
    ask_orientation,
    ask_pixel_spacing,
    ask_slice_count,
    ask_slice_spacing,
    ask_tilt,
)
from medview.core.body_parts import has_word, named_parts, names_an_animal
from medview.core.words import Sentence, say

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
    "slice_spacing_mm": ask_slice_spacing,
    "pixel_spacing_mm": ask_pixel_spacing,
    "slice_count": ask_slice_count,
    "coverage_mm": ask_coverage,
    "geometry": ask_geometry,
    "orientation": ask_orientation,
    "extent_mm": ask_extent,
    "tilt_deg": ask_tilt,
    "diameter_mm": ask_diameter,
    "species": _species,
    "localizer": _localizer,
    "derived": _derived,
    "burned_in": _burned_in,
    "colour": _colour,
    "inverted": _inverted,
    "contrast": _contrast,
    "words": _words,
}
