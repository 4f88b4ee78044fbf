"""Documents that mean harm or were damaged: one sentence, nothing opened, nothing that hangs."""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import random
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from medview.core.errors import UnreadableInstance
from medview.record import contradictions, extract, read_document, read_documents

CDA = '<ClinicalDocument xmlns="urn:hl7-org:v3"><title>{title}</title>{body}</ClinicalDocument>'
BARE = "MSH|^~\\&|L|H|R|H|20260127||ORU^R01|1|P|2.5\r"
MESSAGE = BARE + "PID|1||P-7||Doe^Ann||19581103|F\r"


def write(folder: Path, name: str, data: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def notes_of(path: Path) -> str:
    return " ".join(n.english() for d in read_documents(path) for n in d.notes)


def test_no_reader_opens_a_file_or_an_address(tmp_path: Path, clinical_data: Path) -> None:
    """An audit hook of a fresh interpreter sees every file, socket and process."""
    secret = write(tmp_path, "secret.txt", "the secret of the host")
    doctype = f'<!DOCTYPE d SYSTEM "file://{secret}">'
    linked = '<component><nonXMLBody><text mediaType="text/plain"><reference value="{0}"/></text>'
    body = linked.format(secret.as_uri()) + "</nonXMLBody></component>"
    write(tmp_path, "dtd.xml", doctype + CDA.format(title="t", body=""))
    write(tmp_path, "link.xml", CDA.format(title="t", body=body))
    rtf = f'{{\\rtf1 {{\\field{{\\*\\fldinst INCLUDETEXT "{secret}"}}}} words \\par}}'
    write(tmp_path, "link.rtf", rtf)
    report = {
        "resourceType": "DiagnosticReport", "status": "final", "conclusion": "See the form.",
        "presentedForm": [{"url": secret.as_uri()}, {"url": "http://192.0.2.1/report.pdf"}],
    }  # fmt: skip
    write(tmp_path, "link.json", json.dumps(report))
    write(tmp_path, "link.hl7", MESSAGE + f"OBX|1|RP|1^x||{secret}^^application^pdf||||||F\r")
    ehr = clinical_data / "ehr"
    pdf = ehr / "notes" / "McBee_L1_20151116_Embedded.pdf"
    external = ehr / "broken" / "xml_external_entity.xml"
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from medview.core.errors import MedViewError
        from medview.record import read_documents
        mine = [Path(p) for p in sys.argv[1:]]
        for path in mine:  # modules and word lists are loaded the first time
            try: read_documents(path)
            except MedViewError: pass
        seen = []
        def watch(event, args):
            if event.split(".")[0] in ("open", "os", "subprocess", "socket"):
                seen.append(str(args[0]))
        sys.addaudithook(watch)
        for path in mine:
            try:
                assert not any("of the host" in d.text for d in read_documents(path))
            except MedViewError: pass
        allowed = {str(p) for p in mine}
        print([s for s in seen if s not in allowed])
        """
    )
    paths = [*sorted(tmp_path.glob("*link*")), tmp_path / "dtd.xml", pdf, external]
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, paths)], capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip

    assert done.stderr == ""
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("bomb.xml", '<!DOCTYPE d [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><d>&b;</d>', "entities"),
        ("deep.json", '{"resourceType":"Bundle","x":' + "[" * 200_000, "nested too deeply"),
        ("long.json", '{"resourceType":"Patient","x":' + "9" * 9000 + "}", "too long"),
        ("a.pdf", "%PDF-1.7 not one", "PDF is damaged"),
        ("b.pdf", "hello", "PDF is damaged"),
        ("a.hl7", "PID|1||P-7\rOBX|1|NM|x||1\r", "MSH"),
        ("named.txt", bytes(range(256)) * 20, "not text"),
        ("fhir.xml", '<Patient xmlns="http://hl7.org/fhir"/>', "FHIR is read from JSON"),
    ],
)
def test_what_cannot_be_read_is_one_sentence_with_its_place(
    tmp_path: Path, name: str, data: str | bytes, said: str
) -> None:
    with pytest.raises(UnreadableInstance) as refused:
        read_documents(write(tmp_path, name, data))

    sentence = refused.value.sentence()
    assert said in sentence
    assert name in sentence


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("e.hl7", MESSAGE + "NTE|1||a \\Q9\\ b \\H c\r", "NTE 1"),
        ("two.hl7", MESSAGE + "PID|1||P-7||Doe^Ann||19600101|F\r", "in two ways"),
        ("b64.hl7", MESSAGE + "OBX|1|ED|1^r||^text^plain^Base64^@@@||||||F\r", "OBX 1"),
        ("sex.txt", "Patient ID: P-7\nSex: F\nSex: male\n\nNodule.", "two sexes: F, M"),
        ("born.txt", "DOB: 1950-01-02\nDOB: 1951-01-02\n\nNodule.", "two birth dates"),
        ("when.txt", "DOB: 01/02/1980\n\nNodule.", "01/02/1980 is not used"),
        ("feb.hl7", BARE + "PID|1||P-7||Doe^Ann||19700230|F\r", "no such day (PID-7)"),
        (
            "feb.json",
            '{"resourceType": "Patient", "id": "p", "birthDate": "1970-02-30"}',
            "no such day (Patient.birthDate)",
        ),
        (
            "inside.hl7",
            MESSAGE + "OBX|1|TX|1^Report||Sex: M~Nodule of 8 mm.||||||F\r",
            "is about M; the file around it is about P-7",
        ),
        ("cp.txt", "Kräftige Atmung, kein Erguß".encode("cp1252"), "Windows-1252"),
    ],
)
def test_what_is_read_all_the_same_says_what_is_wrong(
    tmp_path: Path, name: str, data: str | bytes, said: str
) -> None:
    assert said in notes_of(write(tmp_path, name, data))


def test_a_broken_resource_is_named_by_its_path_and_the_rest_is_read(tmp_path: Path) -> None:
    good = {"resourceType": "Condition", "code": {"text": "Asthma"}}
    bad = {"resourceType": "Condition", "code": {"text": "Gout"}, "onsetPeriod": "x"}
    bundle = {
        "resourceType": "Bundle",
        "entry": [{"resource": good}, {"resource": bad}, 7, {"resource": {"resourceType": "Nix"}}],
    }
    (document,) = read_documents(write(tmp_path, "b.json", json.dumps(bundle)))

    said = " ".join(n.english() for n in document.notes)
    assert "Asthma" in document.text
    assert "Gout" in document.text
    for place in ("entry[1]", "entry[2]", "entry[3]", "Nix"):
        assert place in said


def test_a_broken_line_of_many_is_left_out_and_named(tmp_path: Path) -> None:
    lines = ['{"resourceType":"Condition","code":{"text":"Asthma"}}', '{"resourceType": ']
    path = write(tmp_path, "many.ndjson", "\n".join([lines[0], lines[0], lines[1]]))

    assert "Line 3" in notes_of(path)
    assert "Asthma" in read_document(path).text


def test_a_message_about_two_patients_is_two_documents(tmp_path: Path) -> None:
    other = "PID|1||P-8||Roe^Bo||19600101|M\rOBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F\r"
    first, second = read_documents(write(tmp_path, "m.hl7", MESSAGE + other))

    assert (first.patient.id, second.patient.id) == ("P-7", "P-8")
    assert "Potassium" not in first.text
    assert "Potassium 4.1 mmol/L" in second.text


def test_an_undeclared_prefix_is_bound(tmp_path: Path) -> None:
    body = (
        '<component><structuredBody><component><section><code code="30954-2"/><text/><entry>'
        '<organizer><component><observation><code code="2160-0" '
        'codeSystem="2.16.840.1.113883.6.1" displayName="Creatinine"/>'
        '<effectiveTime value="20260127"/><value xsi:type="PQ" value="1.2" unit="mg/dL"/>'
        "</observation></component></organizer></entry></section></component></structuredBody>"
        "</component>"
    )
    document = read_document(write(tmp_path, "p.xml", CDA.format(title="t", body=body)))

    (creatinine,) = document.observations
    assert (creatinine.value, creatinine.unit, creatinine.time) == (1.2, "mg/dL", "2026-01-27")
    assert "prefix" in document.notes[0].english()


def test_deep_and_wide_xml_ends(tmp_path: Path) -> None:
    deep = "<component>" * 50_000 + "</component>" * 50_000
    document = read_document(write(tmp_path, "deep.xml", CDA.format(title="deep", body=deep)))

    assert document.title == "deep"


def test_a_packed_bomb_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "b.json.gz", gzip.compress(b" " * (65 << 20), compresslevel=1))

    with pytest.raises(UnreadableInstance, match="larger than 64 MB"):
        read_documents(path)


@pytest.mark.parametrize(
    "text",
    [
        "1234567890" * 3000,
        "a" + " " * 30_000 + "b",
        "(" * 30_000,
        "no effusion, " * 110,
        "除外肺栓塞，" * 240,
        "?PE " * 370,
        "nodule and a hilar node 9 mm " * 50,
    ],
)
def test_a_text_without_sense_ends_soon(tmp_path: Path, text: str) -> None:
    begun = time.process_time()

    assert extract(read_document(write(tmp_path, "t.txt", text))).text == text
    assert time.process_time() - begun < 12.0  # seconds; where each looks at all it is minutes


def test_an_attached_html_report_is_read_without_its_scripts(tmp_path: Path) -> None:
    html = "<html><body><script>alert('x')</script><p>8 mm nodule.</p></body></html>"
    data = base64.b64encode(html.encode()).decode()
    path = write(tmp_path, "h.hl7", MESSAGE + f"OBX|1|ED|1^r||^text^html^Base64^{data}||||||F\r")

    text = read_document(path).text
    assert "8 mm nodule." in text
    assert "alert" not in text


def test_a_text_of_two_encodings_keeps_every_line(tmp_path: Path) -> None:
    lines = ["Größe 12 mm".encode(), "Größe 13 mm".encode("cp1252"), "右肺上叶结节".encode()]
    path = write(tmp_path, "mixed.txt", b"\n".join(lines))

    document = read_document(path)

    assert document.text == "Größe 12 mm\nGröße 13 mm\n右肺上叶结节"
    assert "1 lines Windows-1252" in notes_of(path)


@pytest.mark.parametrize("western", ["Température élevée", "Größe 12 mm", "créée à Genève"])
@pytest.mark.parametrize("modern", ["", "左肺下叶 4 mm"])
def test_chinese_and_western_bytes_in_one_file_are_read_line_by_line(
    tmp_path: Path, western: str, modern: str
) -> None:
    chinese = ["患者诊断：肺癌。", "男", "右肺上叶见结节8mm。"]
    data = [*(line.encode("gb18030") for line in chinese), western.encode("cp1252")]
    data += [modern.encode()] if modern else []
    path = write(tmp_path, "mixed.txt", b"\n".join(data))

    document = read_document(path)

    assert document.text.splitlines() == [*chinese, western, *([modern] if modern else [])]
    assert "1 lines Windows-1252" in notes_of(path)


def test_accents_of_utf8_and_of_windows_are_kept_apart(tmp_path: Path) -> None:
    lines = ["Température élevée".encode(), "Température élevée".encode("cp1252")]
    path = write(tmp_path, "mixed.txt", b"\n".join(lines))
    assert read_document(path).text == "Température élevée\nTempérature élevée"


def test_a_chinese_text_with_words_of_one_character_stays_chinese(tmp_path: Path) -> None:
    text = "男\n58岁\nT示T\n患者诊断：肺癌。\n镕\n"
    assert read_document(write(tmp_path, "zh.txt", text.encode("gb18030"))).text == text


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("NaN", "The value NaN of Creatinine is no number that can be used (Observation)"),
        ("Infinity", "The value Infinity of Creatinine is no number"),
        ("-Infinity", "The value -Infinity of Creatinine is no number"),
        ("1e400", "of Creatinine is no number that can be used"),
        ("1e30", "of Creatinine is no number that can be used"),
        ("true", "The value True of Creatinine is no number"),
        ('"1.2"', "The value 1.2 of Creatinine is no number"),
        ('{"a": 1}', "of Creatinine is no number"),
        ("-3.5", "Creatinine cannot be -3.5 mg/dL; it was left out of what is known"),
    ],
)
def test_a_value_that_is_none_is_named_and_not_known(
    tmp_path: Path, written: str, said: str
) -> None:
    resource = (
        '{"resourceType":"Observation","status":"final","code":{"text":"Creatinine","coding":'
        '[{"system":"http://loinc.org","code":"2160-0"}]},"valueQuantity":{"value":%s,'
        '"unit":"mg/dL"},"referenceRange":[{"low":{"value":"x"}}]}'
    )
    path = write(tmp_path, "value.json", resource % written)

    assert said in notes_of(path)
    document = read_document(path)
    assert not document.observations
    assert "Creatinine" in document.text


def test_a_message_is_read_in_the_character_set_that_it_names(tmp_path: Path) -> None:
    header = MESSAGE.replace("|2.5\r", "|2.5||||||BIG-5\r")
    text = header + "OBX|1|TX|^報告||右肺結節||||||F\r"

    (document,) = read_documents(write(tmp_path, "b.hl7", text.encode("big5")))

    assert "右肺結節" in document.text
    assert document.encoding == "Big5"


def test_a_clinical_document_in_gbk_is_read(tmp_path: Path) -> None:
    text = '<?xml version="1.0" encoding="GBK"?>' + CDA.format(title="出院小结", body="")

    document = read_document(write(tmp_path, "g.xml", text.encode("gbk")))

    assert document.title == "出院小结"
    assert document.notes == ()


def test_a_binary_of_the_same_bundle_is_the_attachment(tmp_path: Path) -> None:
    data = base64.b64encode(b"8 mm nodule in the right upper lobe.").decode()
    bundle = {
        "resourceType": "Bundle",
        "entry": [
            {"resource": {"resourceType": "Binary", "id": "b1", "contentType": "text/plain",
                          "data": data}},
            {"resource": {"resourceType": "DocumentReference", "status": "current",
                          "content": [{"attachment": {"url": "Binary/b1"}}]}},
        ],
    }  # fmt: skip
    document = read_document(write(tmp_path, "b.json", json.dumps(bundle)))

    assert "8 mm nodule" in document.text
    assert document.notes == ()


@pytest.mark.parametrize(
    "name",
    [
        "ehr/ccda/CCD_CCD_2_CCD.xml",
        "ehr/fhir_r4/Bundle-father.json",
        "ehr/hl7v2/ORU-R01-01.hl7",
        "ehr/notes/D2N002.rtf",
        "ehr/notes/D2N003.pdf",
    ],
)
def test_damaged_bytes_are_read_or_refused_in_words(
    tmp_path: Path, clinical_data: Path, name: str
) -> None:
    sound = (clinical_data / name).read_bytes()
    chance = random.Random(name)
    for number in range(25):
        data = bytearray(sound)
        for _ in range(8):
            data[chance.randrange(len(data))] = chance.randrange(256)
        if number % 3 == 0:
            start = chance.randrange(len(data))
            del data[start : start + chance.randrange(300)]
        with contextlib.suppress(UnreadableInstance):
            for document in read_documents(write(tmp_path, Path(name).name, bytes(data))):
                for entity in document.entities:
                    assert document.text[entity.start : entity.end] == entity.text


@pytest.mark.parametrize("kept", [400, 900, 1400])
def test_a_dicom_report_that_is_cut_is_refused(
    tmp_path: Path, imaging_data: Path, kept: int
) -> None:
    sound = (imaging_data / "sr" / "deflated-report.dcm").read_bytes()

    with pytest.raises(UnreadableInstance):
        read_documents(write(tmp_path, "cut.dcm", sound[:kept]))


def test_a_few_broken_bytes_cost_no_more_than_themselves(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_bytes("右肺上叶见结节，无发热。".encode() + b"\xff\xfe" + "高血压。".encode())

    (document,) = read_documents(path)

    assert "右肺上叶见结节，无发热。" in document.text
    assert "高血压" in document.text
    assert document.encoding == "UTF-8, 1 lines damaged"


def test_two_birth_dates_and_sexes_of_one_patient_are_said(tmp_path: Path) -> None:
    path = tmp_path / "message.hl7"
    head = "MSH|^~\\&|A|B|C|D|20240101||ORU^R01|{n}|P|2.5\rPID|1||123^^^H^MR||DOE^JO||{b}|{s}\r"
    told = (("", ""), ("19500101", ""), ("", "M"), ("19510202", "F"))
    text = "".join(head.format(n=n, b=b, s=s) for n, (b, s) in enumerate(told))
    path.write_text(text, newline="")

    said = [s.english() for s in contradictions(read_documents(path))]

    assert said == [
        "Documents of patient 123 name two birth dates: 1950-01-01 and 1951-02-02.",
        "Documents of patient 123 name two sexes.",
    ]
