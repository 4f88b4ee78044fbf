"""G/L beside a count of cells is giga per litre, beside a protein gram."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from medview.record import Note, extract, read_document

Reader = Callable[..., Note]


@pytest.mark.parametrize(
    ("text", "concept", "unit"),
    [
        ("WBC 7.2 G/L", "leucocytes", "10*9/L"),
        ("platelets 150 G/L", "platelets", "10*9/L"),
        ("血小板 150 G/L", "platelets", "10*9/L"),
        ("albumin 38 g/L", "albumin", "g/L"),
        ("haemoglobin 132 g/L", "haemoglobin", "g/L"),
    ],
)
def test_the_unit_of_a_sentence_fits_its_test(
    read: Reader, text: str, concept: str, unit: str
) -> None:
    (one,) = [o for o in read(text).observations if o.concept == concept]
    assert one.unit == unit


def test_the_unit_of_a_structured_result_fits_its_test(tmp_path: Path) -> None:
    path = tmp_path / "count.json"
    path.write_text(json.dumps({
        "resourceType": "Observation", "status": "final", "subject": {"reference": "Patient/P"},
        "effectiveDateTime": "2026-03-01", "code": {"coding": [{"system": "http://loinc.org",
        "code": "751-8", "display": "Neutrophils"}]},
        "valueQuantity": {"value": 4.1, "unit": "G/L"},
    }))  # fmt: skip
    document = read_document(path)
    (one,) = extract(document).observations
    assert (one.concept, one.value, one.unit) == ("neutrophils", 4.1, "10*9/L")
