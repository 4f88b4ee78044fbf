"""Concepts as DICOM codes: what a model or a ruler says, in SNOMED CT, DCM and UCUM."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import highdicom as hd
from highdicom.color import CIELabColor
from highdicom.sr import CodedConcept

from medview import __version__
from medview.core.results import Code, Label, ModelRef, ModelRun, Provenance, Quantity

PRIVATE = "99MEDVIEW"
MANUFACTURER = "MedView"
DEVICE: Mapping[str, Any] = {
    "manufacturer": MANUFACTURER,
    "manufacturer_model_name": "MedView",
    "software_versions": __version__,
    "device_serial_number": __version__,
}

ANATOMY = Code("SCT", "91723000", "Anatomical Structure")
AI_FAMILY = Code("DCM", "123110", "Artificial Intelligence")
REPORT_TITLE = Code("DCM", "126000", "Imaging Measurement Report")
PROCEDURE = Code("SCT", "363679005", "Imaging procedure")
SUMMARY = Code("DCM", "111017", "CAD Processing and Findings Summary")
RAN_WITH_FINDINGS = Code("DCM", "111242", "All algorithms succeeded; with findings")
RAN_FOUND_NOTHING = Code("DCM", "111241", "All algorithms succeeded; without findings")
NONE_SUCCEEDED = Code("DCM", "111245", "No algorithms succeeded; without findings")
SOME_WITHOUT_FINDINGS = Code("DCM", "111243", "Not all algorithms succeeded; without findings")
SOME_WITH_FINDINGS = Code("DCM", "111244", "Not all algorithms succeeded; with findings")
PROCESSING = Code("DCM", "109102", "Processing Equipment")
PROBABILITY = Code("DCM", "122157", "Probability")
SCORE = Code(PRIVATE, "score", "Model score, not a probability")
CLASS_ACTIVATION = Code("DCM", "130402", "Class activation")
GRAD_CAM = Code("DCM", "130403", "Gradient-weighted class activation")
SALIENCY = Code("DCM", "130404", "Saliency")
VOLUME = Code("SCT", "118565006", "Volume")
LOOKED_FOR = Code(PRIVATE, "looked-for", "Looked for by the algorithm")
ABSENT = Code("SCT", "272519000", "Absent")
RUN = Code(PRIVATE, "run", "State of the run in MedView")
REASON = Code(PRIVATE, "reason", "Why there is no result")
DECIDED_BY = Code(PRIVATE, "decided-by", "Who decided")
DECIDED_AT = Code(PRIVATE, "decided-at", "When it was decided")
DECISION = Code(PRIVATE, "decision", "Reader's decision")
DECISIONS: Mapping[str, Code] = {
    "suggested": Code(PRIVATE, "suggested", "Suggested, not yet reviewed"),
    "accepted": Code(PRIVATE, "accepted", "Accepted by the reader"),
    "rejected": Code(PRIVATE, "rejected", "Rejected by the reader"),
    "edited": Code(PRIVATE, "edited", "Corrected by the reader"),
}

# Words that quantities use in MedView, as published codes (PS3.16 and pydicom's dictionary).
_CONCEPTS: Mapping[str, Code] = {
    "volume": VOLUME,
    "length": Code("SCT", "410668003", "Length"),
    "area": Code("SCT", "42798000", "Area"),
    "diameter": Code("SCT", "81827009", "Diameter"),
    "long axis": Code("SCT", "103339001", "Long axis"),
    "short axis": Code("SCT", "103340004", "Short axis"),
    "mean": Code("SCT", "373098007", "Mean"),
    "standard deviation": Code("SCT", "386136009", "Standard Deviation"),
    "sd": Code("SCT", "386136009", "Standard Deviation"),
    "minimum": Code("SCT", "255605001", "Minimum"),
    "maximum": Code("SCT", "56851009", "Maximum"),
    "probability": PROBABILITY,
}
_UNITS: Mapping[str, tuple[str, str]] = {
    "": ("1", "no units"),
    "1": ("1", "no units"),
    "HU": ("[hnsf'U]", "Hounsfield unit"),
    "[hnsf'U]": ("[hnsf'U]", "Hounsfield unit"),
    "{pixels}": ("{pixels}", "pixels"),
    "{pixels}2": ("{pixels}2", "square pixels"),
    "%": ("%", "percent"),
    "mm": ("mm", "millimeter"),
    "mm2": ("mm2", "square millimeter"),
    "mm3": ("mm3", "cubic millimeter"),
    "cm3": ("cm3", "cubic centimeter"),
    "mL": ("mL", "milliliter"),
    "{voxels}": ("{voxels}", "voxels"),
    "deg": ("deg", "degree"),
    "s": ("s", "second"),
    "cm/s": ("cm/s", "centimeter per second"),
    "{SUVbw}g/ml": ("{SUVbw}g/ml", "Standardized Uptake Value body weight"),
    "{SUVlbm}g/ml": ("{SUVlbm}g/ml", "Standardized Uptake Value lean body mass"),
    "{SUVbsa}cm2/ml": ("{SUVbsa}cm2/ml", "Standardized Uptake Value body surface"),
    "SUV": ("{SUVbw}g/ml", "Standardized Uptake Value body weight"),
}


def coded(code: Code) -> CodedConcept:
    """A code as highdicom's, its meaning cut to the 64 characters of LO."""
    return CodedConcept(code.value, code.scheme, code.meaning[:64] or code.value)


def private_code(words: str) -> Code:
    """A code of our own scheme for words that have none (16 characters of SH)."""
    value = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:16].strip("-")
    return Code(PRIVATE, value or "concept", words[:64] or "Concept")


def concept_of(quantity: Quantity) -> Code:
    """The quantity's own code, else the published one of its word, else one of our own."""
    if quantity.code is not None:
        return quantity.code
    return _CONCEPTS.get(quantity.concept.lower()) or private_code(quantity.concept)


def unit_of(unit: str) -> CodedConcept:
    """A UCUM unit; what is unknown here is passed as written."""
    value, meaning = _UNITS.get(unit, (unit, unit))
    return CodedConcept(value[:16], "UCUM", meaning)


def type_of(label: Label) -> Code:
    """What a label shows."""
    return label.code or private_code(label.name)


def colour_of(label: Label) -> CIELabColor:
    """The recommended display colour; a grey where #rrggbb was not given."""
    found = re.fullmatch(r"#([0-9a-fA-F]{6})", label.colour)
    red, green, blue = bytes.fromhex(found[1] if found else "9a9a9a")
    return CIELabColor.from_rgb(red, green, blue)


def algorithm_parameters(run: ModelRun) -> dict[str, str]:
    """What else must be known to repeat the run."""
    told = run.provenance or Provenance()
    parameters = {
        "id": run.model.name,
        "manifest_sha256": run.model.manifest_sha256[:16] or "unknown",
        "signature": run.model.signature,
        "backend": told.backend,
        "device": run.device,
        "precision": run.precision,
        "seed": str(run.seed),
        "gate": run.gate.verdict if run.gate is not None else "",
        "input_images": str(len(told.inputs)) if told.inputs else "",
        "input_sha256": told.input_sha256,
        "started": told.started,
        "finished": told.finished,
        "run": run.id,
    }
    return {name: value for name, value in parameters.items() if value}


def contributing_equipment(run: ModelRun) -> hd.ContributingEquipment:
    """Which model made an object that has no place for an algorithm (PS3.3 C.12.1, Contributing
    Equipment Sequence), and how."""
    told = [f"{name}={value}" for name, value in algorithm_parameters(run).items()]
    return hd.ContributingEquipment(
        MANUFACTURER,
        coded(PROCESSING),
        manufacturer_model_name=run.model.name[:64],
        software_versions=run.model.version[:64],
        contribution_description="; ".join(told)[:10240],
    )


def algorithm_sequence(run: ModelRun) -> hd.AlgorithmIdentificationSequence:
    """Algorithm Identification macro (PS3.3 10.16) for a segment."""
    return hd.AlgorithmIdentificationSequence(
        name=run.model.name[:64],
        family=coded(AI_FAMILY),
        version=run.model.version[:64],
        source=MANUFACTURER,
        parameters=algorithm_parameters(run),
    )


def algorithm_template(run: ModelRun) -> hd.sr.AlgorithmIdentification:
    """TID 4019 for a group of an SR."""
    return hd.sr.AlgorithmIdentification(
        name=run.model.name,
        version=run.model.version,
        parameters=[f"{name}={value}" for name, value in algorithm_parameters(run).items()],
        family=coded(AI_FAMILY),
        manufacturer=MANUFACTURER,
    )


def series_description(kind: str, model: ModelRef | None) -> str:
    """Says AI first, so that a list of series shows what it is (64 characters of LO)."""
    return f"AI {kind}: {model.name} {model.version}"[:64] if model else f"{kind} (MedView)"[:64]
