"""What is found in sentences: the worked examples of the form, then one rule each."""

# ruff: noqa: E501 - messages and sentences stand on one line

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from medview.record import Entity, Note

Reader = Callable[..., Note]

ENGLISH = (
    "Ex-smoker. No chest pain. Mother: breast cancer. Warfarin 5 mg previously caused gum bleeding. "
    "Creatinine 1.4 mg/dL. 12 x 8 mm nodule in the right upper lobe; metastasis cannot be excluded."
)
CHINESE = (
    "吸烟40年，每日20支。高血压病史10年，否认糖尿病。服阿司匹林100mg后出现皮疹。"
    "CT：右肺上叶见约1.2×0.8cm结节，肺癌不除外。"
)


def told(note: Note) -> list[tuple[Any, ...]]:
    """Entities as (type, text, attributes, value)."""
    return [
        (e.type, e.text, e.attrs.to_json(), e.value.to_json() if e.value else {})
        for e in note.entities
    ]


def related(note: Note) -> set[tuple[str, str, str]]:
    return {(r.type, note.entity(r.head).text, note.entity(r.tail).text) for r in note.relations}


def found(note: Note, text: str) -> Entity:
    return next(e for e in note.entities if e.text == text)


def test_the_english_example_of_the_form_comes_out_exactly(read: Reader) -> None:
    note = read(ENGLISH)

    assert told(note) == [
        ("smoking", "Ex-smoker", {}, {"text": "former"}),
        ("symptom", "chest pain", {"negated": True, "trigger": [11, 13]}, {}),
        ("disease", "breast cancer", {"experiencer": "family", "trigger": [26, 32]}, {}),
        ("drug", "Warfarin", {"temporality": "historical", "trigger": [63, 73]}, {}),
        ("dose", "5 mg", {}, {"num": 5, "unit": "mg"}),
        ("symptom", "gum bleeding", {"temporality": "historical", "trigger": [63, 73]}, {}),
        ("lab", "Creatinine 1.4 mg/dL", {}, {"concept": "2160-0", "num": 1.4, "unit": "mg/dL"}),
        ("measurement", "12 x 8 mm", {}, {"dims": [12, 8], "unit": "mm"}),
        ("finding", "nodule", {}, {}),
        ("anatomy", "right upper lobe", {}, {}),
        ("disease", "metastasis", {"uncertain": True, "trigger": [170, 188]}, {}),
    ]
    assert related(note) == {
        ("drug_dose", "Warfarin", "5 mg"),
        ("adverse_effect", "Warfarin", "gum bleeding"),
        ("finding_size", "nodule", "12 x 8 mm"),
        ("finding_location", "nodule", "right upper lobe"),
    }


def test_the_chinese_example_of_the_form_comes_out_exactly(read: Reader) -> None:
    note = read(CHINESE)

    assert told(note) == [
        ("smoking", "吸烟40年，每日20支", {}, {"num": 40, "unit": "{pack-years}"}),
        ("disease", "高血压", {"temporality": "historical", "trigger": [15, 17]}, {}),
        ("disease", "糖尿病", {"negated": True, "trigger": [21, 23]}, {}),
        ("drug", "阿司匹林", {}, {}),
        ("dose", "100mg", {}, {"num": 100, "unit": "mg"}),
        ("symptom", "皮疹", {}, {}),
        ("procedure", "CT", {}, {}),
        ("anatomy", "右肺上叶", {}, {}),
        ("measurement", "1.2×0.8cm", {}, {"dims": [1.2, 0.8], "unit": "cm"}),
        ("finding", "结节", {}, {}),
        ("disease", "肺癌", {"uncertain": True, "trigger": [66, 69]}, {}),
    ]
    assert related(note) == {
        ("drug_dose", "阿司匹林", "100mg"),
        ("adverse_effect", "阿司匹林", "皮疹"),
        ("finding_location", "结节", "右肺上叶"),
        ("finding_size", "结节", "1.2×0.8cm"),
    }


def test_a_note_in_json_numbers_its_entities_in_reading_order(read: Reader) -> None:
    note = read(ENGLISH).to_json()

    assert note["schema"] == "medview-note/1"
    assert note["lang"] == "en"
    assert [e["id"] for e in note["entities"]] == [f"T{i}" for i in range(1, 12)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("No fever, cough or chest pain.", ["fever", "cough", "chest pain"]),
        ("无发热、咳嗽、胸痛。", ["发热", "咳嗽", "胸痛"]),
        ("Pneumothorax: none seen. Pleural effusion is not seen.", ["Pleural effusion"]),
        ("未触及肿大淋巴结。", ["肿大淋巴结"]),
    ],
)
def test_a_denial_reaches_every_member_of_a_list(read: Reader, text: str, names: list[str]) -> None:
    note = read(text)

    assert all(found(note, name).attrs.negated for name in names)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("No effusion, but there is consolidation.", "consolidation"),
        ("No significant change in the nodule.", "nodule"),
        ("未见结节，心影增大。", "心影增大"),
        ("Gram negative pneumonia.", "pneumonia"),
    ],
)
def test_a_denial_ends_where_something_else_begins(read: Reader, text: str, name: str) -> None:
    assert not found(read(text), name).attrs.negated


@pytest.mark.parametrize(
    ("text", "name", "attribute", "value"),
    [
        ("History of stroke.", "stroke", "temporality", "historical"),
        ("Return if fever develops.", "fever", "temporality", "hypothetical"),
        ("Possible pneumonia.", "pneumonia", "uncertain", True),
        ("Pneumonia is unlikely.", "Pneumonia", "uncertain", True),
        ("Family history of lung cancer.", "lung cancer", "experiencer", "family"),
        ("FAMILY HISTORY\nDiabetes.", "Diabetes", "experiencer", "family"),
        ("父亲患肺癌。", "肺癌", "experiencer", "family"),
        ("考虑肺结核可能。", "肺结核", "uncertain", True),
        ("PAST MEDICAL HISTORY:\nAsthma.", "Asthma", "temporality", "historical"),
    ],
)
def test_context_follows_its_cue(
    read: Reader, text: str, name: str, attribute: str, value: object
) -> None:
    assert getattr(found(read(text), name).attrs, attribute) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A 3 x 4 x 5 cm mass.", {"dims": [3, 4, 5], "unit": "cm"}),
        ("A 12-mm nodule.", {"num": 12, "unit": "mm"}),
        ("A nodule of less than 6 mm.", {"num": 6, "unit": "mm", "comparator": "<"}),
        ("The nodule, previously 8 mm, is gone.", {"num": 8, "unit": "mm", "prior": True}),
        ("结节大小约15mm。", {"num": 15, "unit": "mm"}),
        ("Mean attenuation -12 HU.", {"num": -12, "unit": "[hnsf'U]"}),
        ("SUVmax 4.2.", {"num": 4.2, "unit": "{SUVbw}g/mL"}),
    ],
)
def test_sizes_are_read_as_written(read: Reader, text: str, value: dict[str, object]) -> None:
    sizes = [e for e in read(text).entities if e.type == "measurement"]

    assert [e.value.to_json() for e in sizes if e.value] == [value]


@pytest.mark.parametrize(
    "text", ["Series 4 image 23.", "L4-5 disc.", "Grade 3/6 murmur.", "BP 130/80."]
)
def test_what_is_no_size_is_not_read_as_one(read: Reader, text: str) -> None:
    assert not [e for e in read(text).entities if e.type == "measurement"]


@pytest.mark.parametrize(
    ("text", "span", "value"),
    [
        ("BP 130/80 mmHg", "BP 130/80 mmHg", {"dims": [130, 80], "unit": "mm[Hg]", "concept": "85354-9"}),
        ("WBC 12.3×10^9/L", "WBC 12.3×10^9/L", {"num": 12.3, "unit": "10*9/L", "concept": "6690-2"}),
        ("T 36.5℃", "T 36.5℃", {"num": 36.5, "unit": "Cel", "concept": "8310-5"}),
        ("肌酐87μmol/L", "肌酐87μmol/L", {"num": 87, "unit": "umol/L", "concept": "14682-9"}),
        ("eGFR > 60 mL/min/1.73m2", "eGFR > 60 mL/min/1.73m2",
         {"num": 60, "unit": "mL/min/{1.73_m2}", "comparator": ">", "concept": "98979-8"}),
        ("Heart rate 72/min", "Heart rate 72/min", {"num": 72, "unit": "/min", "concept": "8867-4"}),
        ("INR 2.4", "INR 2.4", {"num": 2.4, "unit": "{INR}", "concept": "6301-6"}),
    ],
)  # fmt: skip
def test_labs_and_vitals_carry_ucum_units(
    read: Reader, text: str, span: str, value: dict[str, object]
) -> None:
    entity = found(read(text), span)

    assert entity.value is not None
    assert entity.value.to_json() == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Never smoker.", {"text": "never"}),
        ("He smokes 20 cigarettes a day for 30 years.",
         {"num": 30, "unit": "{pack-years}", "text": "current"}),
        ("Ex-smoker, 38 pack-years.", {"num": 38, "unit": "{pack-years}", "text": "former"}),
        ("Quit smoking 10 years ago.", {"text": "former"}),
        ("40 pack-year smoker, quit 2010.", {"num": 40, "unit": "{pack-years}", "text": "former"}),
        ("40 pk-yr smoker who stopped in 2010.",
         {"num": 40, "unit": "{pack-years}", "text": "former"}),
        ("30 pack years, quit 5 years ago.", {"num": 30, "unit": "{pack-years}", "text": "former"}),
        ("吸烟30年，20支/日，已戒烟5年。", {"num": 30, "unit": "{pack-years}", "text": "former"}),
        ("Smoked 1 pack per day for 30 years, quit 2010.",
         {"num": 30, "unit": "{pack-years}", "text": "former"}),
        ("已戒烟5年，既往40包年。", {"num": 40, "unit": "{pack-years}", "text": "former"}),
        ("已戒烟5年，既往22.5包年。", {"num": 22.5, "unit": "{pack-years}", "text": "former"}),
        ("吸烟史，22.5包年。", {"num": 22.5, "unit": "{pack-years}"}),
        ("22.5包·年。", {"num": 22.5, "unit": "{pack-years}"}),
        ("吸烟30年，每天1.5包。", {"num": 45, "unit": "{pack-years}"}),
        ("否认吸烟史。", {"text": "never"}),
    ],
)  # fmt: skip
def test_smoking_is_one_clause_with_its_status(
    read: Reader, text: str, value: dict[str, object]
) -> None:
    mentions = [e for e in read(text).entities if e.type == "smoking"]

    assert [e.value.to_json() for e in mentions if e.value] == [value]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Amlodipine 5 mg orally twice daily for 7 days for hypertension.",
         {("drug_dose", "Amlodipine", "5 mg"), ("drug_route", "Amlodipine", "orally"),
          ("drug_frequency", "Amlodipine", "twice daily"),
          ("drug_duration", "Amlodipine", "7 days"),
          ("drug_indication", "Amlodipine", "hypertension")}),
        ("口服氨氯地平5mg，每日2次。",
         {("drug_route", "氨氯地平", "口服"), ("drug_dose", "氨氯地平", "5mg"),
          ("drug_frequency", "氨氯地平", "每日2次")}),
        ("Norepinephrine 0.1 mcg/kg/min IV.",
         {("drug_dose", "Norepinephrine", "0.1 mcg/kg/min"), ("drug_route", "Norepinephrine", "IV")}),
        ("Leuprolide 22.5 mg every 3 months.",
         {("drug_dose", "Leuprolide", "22.5 mg"), ("drug_frequency", "Leuprolide", "every 3 months")}),
        ("美托洛尔缓释片47.5mg 每4周1次。",
         {("drug_dose", "美托洛尔缓释片", "47.5mg"), ("drug_frequency", "美托洛尔缓释片", "每4周1次")}),
        ("She stopped lisinopril because of dry cough.",
         {("adverse_effect", "lisinopril", "dry cough")}),
        ("Dizziness since starting amlodipine.", {("adverse_effect", "amlodipine", "Dizziness")}),
        ("牙龈出血，考虑与氯吡格雷有关。", {("adverse_effect", "氯吡格雷", "牙龈出血")}),
        ("Penicillin allergy - hives.", {("allergy_reaction", "Penicillin", "hives")}),
        ("Nodule in the liver, 8 mm, with calcification.",
         {("finding_location", "Nodule", "liver"), ("finding_size", "Nodule", "8 mm")}),
        ("左肺下叶背段见结节。", {("finding_location", "结节", "左肺下叶背段")}),
        ("Rash after amoxicillin.", {("adverse_effect", "amoxicillin", "Rash")}),
        ("Allergic to penicillin (rash).", {("allergy_reaction", "penicillin", "rash")}),
        ("右肺下叶实变。", {("finding_location", "实变", "右肺下叶")}),
        ("Creatinine 1.1 mg/dL (2026-01-29).",
         {("test_date", "Creatinine 1.1 mg/dL", "2026-01-29")}),
    ],
)  # fmt: skip
def test_relations_join_what_belongs_together(
    read: Reader, text: str, expected: set[tuple[str, str, str]]
) -> None:
    assert related(read(text)) == expected


@pytest.mark.parametrize(
    "text", ["Cefmetazole 1 g IV.", "Given esaxerenone and vonoprazan. Zolbetuximab 5 mg."]
)
def test_a_drug_that_no_list_has_is_known_by_its_stem(read: Reader, text: str) -> None:
    assert any(e.type == "drug" for e in read(text).entities)


def test_a_laboratory_word_is_no_drug_by_its_ending(read: Reader) -> None:
    note = read("Cholesterol to be rechecked. Continue histidine-free diet. Cytidine.")

    assert not [e.text for e in note.entities if e.type == "drug"]
    assert found(note, "Cholesterol").type != "drug"


def test_what_a_substance_did_is_a_symptom(read: Reader) -> None:
    assert found(read("ALLERGIES: Penicillin (anaphylaxis)."), "anaphylaxis").type == "symptom"


def test_offsets_count_code_points_also_after_rare_characters(read: Reader) -> None:
    note = read("𠮷先生：右肺上叶见结节。")

    assert all(note.text[e.start : e.end] == e.text for e in note.entities)
    assert found(note, "结节").start == 9


def test_a_very_long_note_does_not_hang(read: Reader) -> None:
    note = read("No fever, no cough. " * 2_000)

    assert len(note.entities) == 4_000


@pytest.mark.parametrize(
    "text",
    [
        "病史" * 5_000, "1 x " * 5_000, "吸烟，" * 3_000, "(" * 20_000, "a" * 50_000,
        "过敏。青霉素过敏" + "，" * 40 + "无荨麻疹", "过敏。Penicillin allergy" + " - " * 40 + "no urticaria",
    ],
)  # fmt: skip
def test_hostile_repetition_does_not_hang(read: Reader, text: str) -> None:
    assert read("否认" + text).text.startswith("否认")


@pytest.mark.parametrize(
    ("text", "mention", "value"),
    [
        ("Digoxin 0,25 mg daily.", "0,25 mg", {"num": 0.25, "unit": "mg"}),
        ("Lesion 1,2 x 0,8 cm.", "1,2 x 0,8 cm", {"dims": [1.2, 0.8], "unit": "cm"}),
        ("Hemoglobin 9,8 g/dL.", "Hemoglobin 9,8 g/dL",
         {"num": 9.8, "unit": "g/dL", "concept": "718-7"}),
        ("Platelets 210,000/uL.", "Platelets 210,000/uL",
         {"num": 210000, "unit": "/uL", "concept": "777-3"}),
    ],
)  # fmt: skip
def test_a_decimal_comma_is_part_of_its_number(
    read: Reader, text: str, mention: str, value: dict[str, object]
) -> None:
    found = {e.text: e.value.to_json() for e in read(text).entities if e.value}

    assert found[mention] == value


def test_traditional_characters_are_read_and_kept(read: Reader) -> None:
    text = "病人否認糖尿病、高血壓。右肺上葉見8毫米結節，未見胸腔積液，疑似肺癌。"
    note = read(text)

    found = {e.text: (e.attrs.negated, e.attrs.uncertain) for e in note.entities}
    assert found["糖尿病"] == found["高血壓"] == found["胸腔積液"] == (True, False)
    assert (found["結節"], found["肺癌"]) == ((False, False), (False, True))
    assert "右肺上葉" in found
    assert all(text[e.start : e.end] == e.text for e in note.entities)
    denied = [o.status for o in note.observations if o.value in ("糖尿病", "高血压", "高血壓")]
    assert set(denied) == {"denied"}


@pytest.mark.parametrize(
    ("row", "value"),
    [
        ("INR | 0.8 - 1.2 | 3.4", 3.4),
        ("Creatinine | 0.6-1.2 mg/dL | 2.1 mg/dL", 2.1),
        ("Creatinine | 2.1 | 0.6 - 1.2 | mg/dL", 2.1),
        ("肌酐 | 45 - 84 | 120 | μmol/L", 120.0),
        ("Temperature | 36.0 - 37.5 | 39.2", 39.2),
        ("INR | < 1.2 | 3.4", None),
        ("INR 0.8 - 1.2 3.4", None),
        ("BP | 90/60 - 120/80 | 180/100", None),
    ],
)
def test_a_reference_range_of_a_table_is_no_result(
    read: Reader, row: str, value: float | None
) -> None:
    assert [o.value for o in read(row).observations] == ([] if value is None else [value])


@pytest.mark.parametrize(
    ("text", "concept", "value"),
    [
        ("患者懷孕20週。", "pregnancy", True),
        ("否認吸菸。", "smoking_status", "never"),
        ("醣化血色素7.2%。", "hba1c", 7.2),
        ("血紅素12.1 g/dL。", "haemoglobin", 12.1),
        ("肌酸酐1.2 mg/dL。", "creatinine", 1.2),
        ("右肺上葉見實性結節，大小約8mm，邊緣毛刺。", "nodule_spiculated", True),
        ("右肺上葉結節較前增大，原約6mm，現約9mm。", "nodule_diameter_max", 9.0),
    ],
)
def test_traditional_characters_are_read_like_simplified_ones(
    read: Reader, text: str, concept: str, value: object
) -> None:
    assert [o.value for o in read(text).observations if o.concept == concept] == [value]


def test_what_is_unknown_in_traditional_characters_is_no_yes(read: Reader) -> None:
    note = read("糖尿病史不詳。腹部電腦斷層：闌尾炎，噁心。")
    assert "diabetes" not in {o.concept for o in note.observations}
    assert {("電腦斷層", "procedure"), ("闌尾炎", "disease"), ("噁心", "symptom")} <= {
        (e.text, e.type) for e in note.entities
    }


@pytest.mark.parametrize(
    "text", ["Maternal glucose 210 mg/dL.", "Donor creatinine 0.8 mg/dL.", "母親血壓180/110mmHg。"]
)
def test_a_result_of_a_mother_or_donor_is_not_the_patients(read: Reader, text: str) -> None:
    assert read(text).observations == ()
