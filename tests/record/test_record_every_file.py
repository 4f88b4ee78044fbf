"""Every document of the folder opens: whose it is, and that nothing coded in it is lost.

What must be there is counted from the files by other means than the readers' own: plain JSON,
plain XML and lines of text.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring

from medview.core.errors import UnreadableInstance
from medview.record import Document, read_documents

V3 = "{urn:hl7-org:v3}"
REFUSED = {
    "binary_named_note.txt": "not text",
    "empty.hl7": "empty",
    "empty.json": "empty",
    "hl7_wrong_msh.hl7": "MSH",
    "json_cut_in_multibyte.json": "line 1, column",
    "json_deep_nesting.json": "nested too deeply",
    "json_not_fhir.json": "no FHIR resource",
    "json_trailing_comma.json": "line 165",
    "json_unknown_resource.json": "Pateint",
    "xml_entity_expansion.xml": "declares entities",
    "xml_external_entity.xml": "declares entities",
    "xml_wrong_declared_encoding.xml": "line 48",  # and is cut off there
}
SAID = {
    "bundle_self_reference.json": "refers to itself",
    "hl7_cut_mid_segment.hl7": "may be cut",
    "hl7_latin1_says_utf8.hl7": "Windows-1252",
    "hl7_nul_bytes.hl7": "NUL",
    "xml_embedded_pdf_bad_base64.xml": "base64",
}
WHOSE = {  # id, birth date, sex
    "ccda/CCD_CCD_1_CCD.xml": ("444222222", "1975-05-01", "F"),
    "ccda/Progress_Note_Progress_Note.xml": ("12345", "1954-11-25", "M"),
    "ccda_synthea/Golda777.xml": ("e9d367ea-e7a1-2044-f4b8-5eb7cf0e6974", "2006-10-30", "F"),
    "fhir_r4/Patient-example.json": ("12345", "1974-12-25", "M"),
    "fhir_r4/Bundle-father.json": ("d1", "1955-01-06", "F"),
    "fhir_r4_synthea/Pablo44.json.gz": ("ea2dd5fa-0e9e-4d5b-6384-13f67dc0c142", "2015-10-20", "M"),
    "fhir_stu3/Patient.json": ("1234123", "2010-03-23", "F"),
    "hl7v2/LAB-ORU-1.hl7": ("10006579", "1924-10-10", "M"),
    "hl7v2/VXU.hl7": ("90012", "1983-06-15", "F"),
    "hl7v2/sample_unix.hl7": ("PID1234", "1980-02-02", "F"),
    "notes_zh/oru_gb18030.hl7": ("10006579", "1924-10-10", "M"),
}


def base() -> Path:
    shared = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    return Path(os.environ.get("MEDVIEW_DATA", shared)) / "clinical" / "ehr"


def names(*folders: str) -> list[str]:
    root = base()
    found = (p for folder in folders for p in (root / folder).glob("*"))
    return sorted(p.relative_to(root).as_posix() for p in found)


def counted(document: Document) -> Counter[str]:
    return Counter(entity.type for entity in document.entities)


def test_the_list_of_the_folder_is_walked_whole(clinical_data: Path) -> None:
    with (clinical_data / "ehr" / "manifest.csv").open(newline="") as file:
        listed = {row["file"] for row in csv.DictReader(file)}

    folders = {name.split("/")[0] for name in listed}
    assert listed == set(names(*folders))
    assert len(listed) == 122


@pytest.mark.parametrize("name", names("broken"))
def test_a_broken_file_says_what_is_wrong(clinical_data: Path, name: str) -> None:
    path, short = clinical_data / "ehr" / name, Path(name).name
    if short in REFUSED:
        with pytest.raises(UnreadableInstance) as refused:
            read_documents(path)
        assert REFUSED[short] in refused.value.sentence()
        assert short in refused.value.sentence()
        return
    said = " ".join(n.english() for d in read_documents(path) for n in d.notes)
    assert ("_valid" in short) != (short in SAID)
    assert SAID.get(short, "") in said


@pytest.mark.parametrize(
    "name",
    names("ccda", "ccda_synthea", "fhir_r4", "fhir_r4_synthea", "fhir_stu3", "hl7v2", "notes",
          "notes_zh"),
)  # fmt: skip
def test_a_file_opens_with_words_in_it(clinical_data: Path, name: str) -> None:
    for document in read_documents(clinical_data / "ehr" / name):
        assert document.text.strip()
        for entity in document.entities:
            assert document.text[entity.start : entity.end] == entity.text
        if name in WHOSE:
            who = document.patient
            assert (who.id, who.birth_date, who.sex) == WHOSE[name]


def resources(value: Any) -> Iterator[dict[str, Any]]:
    if value.get("resourceType") == "Bundle":
        for entry in value.get("entry", ()):
            yield from resources(entry.get("resource", {}))
    elif value:
        yield value


def loaded(path: Path) -> Any:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return json.loads(data)


@pytest.mark.parametrize("name", names("fhir_r4", "fhir_r4_synthea", "fhir_stu3"))
def test_every_result_and_condition_of_fhir_is_kept(clinical_data: Path, name: str) -> None:
    path = clinical_data / "ehr" / name
    found = list(resources(loaded(path)))
    documents = read_documents(path)
    kinds: Counter[str] = sum((counted(d) for d in documents), Counter())
    values = sum(
        1
        for resource in found
        if resource["resourceType"] == "Observation"
        for part in [resource, *resource.get("component", ())]
        if "valueQuantity" in part
    )
    named = [r for r in found if r["resourceType"] == "Condition"]

    measured = [o for d in documents for o in d.observations if o.source.kind == "lab"]
    assert len(measured) >= values
    assert kinds["disease"] + kinds["symptom"] + kinds["finding"] >= len(named)
    given = Counter(r["resourceType"] for r in found)
    assert kinds["drug"] >= given["Immunization"]
    assert kinds["procedure"] >= given["Procedure"]


def entries(root: Element, code: str, path: str) -> list[Element]:
    found = []
    for section in root.iter(f"{V3}section"):
        coded = section.find(f"{V3}code")
        if coded is not None and coded.get("code") == code:
            found += section.findall(path.replace("/", f"/{V3}").replace("entry", f"{V3}entry"))
    return found


@pytest.mark.parametrize("name", [n for n in names("ccda", "ccda_synthea") if "Quality" not in n])
def test_every_entry_of_a_clinical_document_is_kept(clinical_data: Path, name: str) -> None:
    path = clinical_data / "ehr" / name
    root = fromstring(path.read_bytes())
    (document,) = read_documents(path)
    kinds = counted(document)
    drugs = [
        e for code in ("10160-0", "11369-6")
        for e in entries(root, code, "entry/substanceAdministration")
    ]  # fmt: skip
    numbers = [
        value
        for code in ("30954-2", "8716-3")
        for value in entries(root, code, "entry/organizer/component/observation/value")
        if value.get("value")
    ]

    assert kinds["drug"] == len([d for d in drugs if d.get("moodCode") in ("EVN", "INT")])
    assert kinds["procedure"] >= len(entries(root, "47519-4", "entry/procedure"))
    problems = entries(root, "11450-4", "entry/act/entryRelationship/observation")
    assert kinds["disease"] + kinds["symptom"] + kinds["finding"] >= len(problems)
    measured = [o.value for o in document.observations if o.source.kind == "lab"]
    flat = [v for m in measured for v in (m if isinstance(m, tuple) else (m,))]
    for value in numbers:
        assert float(value.get("value", "")) in flat


@pytest.mark.parametrize("name", names("hl7v2"))
def test_every_number_of_a_message_is_kept(clinical_data: Path, name: str) -> None:
    path = clinical_data / "ehr" / name
    lines = re.split(r"[\r\n]+", path.read_bytes().decode("utf-8-sig"))
    wanted = [
        fields[5]
        for line in lines
        if (fields := line.split("|"))[0] == "OBX"
        and len(fields) > 5
        and fields[2] == "NM"
        and re.fullmatch(r"[-+]?\d+(\.\d+)?", fields[5])
        and (fields[11] if len(fields) > 11 else "") not in ("D", "W", "X", "N")
    ]

    values = [o.value for d in read_documents(path) for o in d.observations]
    assert [w for w in wanted if float(w) not in values] == []


def test_a_pdf_inside_a_clinical_document_is_read_and_a_linked_one_named(
    clinical_data: Path,
) -> None:
    folder = clinical_data / "ehr" / "ccda"
    (inside,) = read_documents(folder / "CDA_with_Embedded_PDF_2_CDA_with_Embedded_PDF.xml")
    (linked,) = read_documents(folder / "CDA_reference_PDF_Unstructured_Document_reference.xml")
    (alone,) = read_documents(clinical_data / "ehr" / "notes" / "McBee_L1_20151116_Embedded.pdf")

    assert inside.notes == ()
    assert alone.text in inside.text
    assert "UD_sample.pdf" in linked.notes[0].english()
