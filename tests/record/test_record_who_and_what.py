"""Whose age, disease and habit a sentence speaks of, and what a test or a number in it means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.record import Note
from medview.record.note import Entity
from medview.record.readers.results import smoking_status

Reader = Callable[..., Note]


def mention(note: Note, kind: str, text: str = "") -> Entity:
    """The only mention of a type, or the one that is written so."""
    (found,) = [e for e in note.entities if e.type == kind and text in ("", e.text)]
    return found


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("临床怀疑PE，CTPA检查除外。", "PE", (True, False)),
        ("PE已行CTPA检查除外。", "PE", (True, False)),
        ("考虑PE，行CTPA检查已除外。", "PE", (True, False)),
        ("PE 经CTPA排除。", "PE", (True, False)),
        ("PE excluded on CTPA.", "PE", (True, False)),
        ("CTPA excluded PE.", "PE", (True, False)),
        ("肺栓塞不能除外，建议CTPA检查除外。", "肺栓塞", (False, True)),
        ("建议CTPA除外肺栓塞。", "肺栓塞", (False, True)),
        ("骨折待排除。", "骨折", (False, True)),
    ],
)
def test_what_a_test_has_excluded_is_denied_and_what_it_shall_exclude_is_not(
    read: Reader, text: str, name: str, expected: tuple[bool, bool]
) -> None:
    note = read(text)
    (said,) = [e for e in note.entities if e.text == name]
    assert (said.attrs.negated, said.attrs.uncertain) == expected
    assert not any(e.attrs.negated for e in note.entities if e.type == "procedure")


@pytest.mark.parametrize(
    "text",
    [
        "PMH: HTN\nAll: penicillin (hives), sulfa\nMeds: aspirin 81 mg daily",
        "62F with CP. All: penicillin, sulfa. Meds: aspirin.",
        "ALL: penicillin, sulfa\nMEDS: aspirin",
    ],
)
def test_all_with_a_colon_begins_the_allergies(read: Reader, text: str) -> None:
    note = read(text)
    assert [e.text for e in note.entities if e.type == "allergy"] == ["penicillin", "sulfa"]
    assert mention(note, "drug").text == "aspirin"


@pytest.mark.parametrize("text", ["ALL: treated with methotrexate.", "All in all: aspirin."])
def test_a_leukaemia_and_the_word_all_are_no_header(read: Reader, text: str) -> None:
    assert mention(read(text), "drug")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("Adrenal nodule, HU 65.", [65]),
        ("Attenuation: HU of -10, HU=35.", [-10, 35]),
        ("Unenhanced 8 HU, portal 65 HU.", [8, 65]),
        ("病灶CT值约35，增强CT值为80HU。", [35, 80]),
        ("Density HU 12 mm slice.", []),
    ],
)
def test_hounsfield_units_stand_before_or_after_their_number(
    read: Reader, text: str, numbers: list[float]
) -> None:
    found = [e.value for e in read(text).entities if e.type == "measurement" and e.value]
    assert [v.num for v in found] == numbers
    assert {v.unit for v in found} <= {"[hnsf'U]"}


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("CT值约35-50HU。", 35, 50), ("Fat, -30 to -10 HU.", -30, -10), ("-100 to 20 HU", -100, 20)],
)
def test_hounsfield_units_have_a_range(read: Reader, text: str, low: int, high: int) -> None:
    value = mention(read(text), "measurement").value
    assert value is not None
    assert (value.low, value.high, value.unit) == (low, high, "[hnsf'U]")


def test_the_uptake_of_a_node_is_not_that_of_the_nodule_before(read: Reader) -> None:
    note = read("9 mm nodule in the RUL with SUVmax of 4.1 and a right hilar node with SUV of 3.2.")
    sizes = [note.entity(r.tail).text for r in note.relations if r.type == "finding_size"]
    assert sizes == ["9 mm", "4.1"]
    assert mention(note, "anatomy", "right hilar node")


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("Mother 70, patient 45 years.", 45),
        ("Mother 70 years old, patient 45 years.", 45),
        ("Mother is 70 years old. Patient is 45 years old.", 45),
        ("His father, aged 72, has COPD. The patient is a 40-year-old man.", 40),
        ("Daughter (12 years old) brought her 45-year-old mother.", 45),
        ("Son reports that this 80-year-old woman fell.", 80),
        ("母亲70岁，患者45岁。", 45),
        ("子宫肌瘤患者，女，45岁。", 45),
        ("患儿母亲35岁，患儿3岁。", 3),
        ("A mother of two, 38 years old.", None),
        ("Patient 3 days after surgery.", None),
        ("Patient 50 years of smoking.", None),
    ],
)
def test_the_age_is_that_of_the_patient(read: Reader, text: str, age: float | None) -> None:
    assert [o.value for o in read(text).observations if o.concept == "age"] == (
        [] if age is None else [age]
    )


@pytest.mark.parametrize(
    ("text", "whose"),
    [
        ("Father has COPD.", "family"),
        ("His father, aged 72, has COPD.", "family"),
        ("Father (72) has hypertension and COPD.", "family"),
        ("Lives with his mother who has COPD.", "family"),
        ("Wife has COPD.", "other"),
        ("Mother has diabetes and the patient has COPD.", "patient"),
        ("Lives with his mother, has COPD.", "patient"),
        ("Lives with mother and has COPD.", "patient"),
    ],
)
def test_what_a_relative_has_is_not_the_patients(read: Reader, text: str, whose: str) -> None:
    note = read(text)
    assert mention(note, "disease", "COPD").attrs.experiencer == whose
    assert any(o.concept == "copd" for o in note.observations) == (whose == "patient")


@pytest.mark.parametrize(
    ("text", "said", "status", "whose"),
    [
        ("Father drinks heavily.", "drinks heavily", "current", "family"),
        ("Husband drinks 6 beers a day.", "drinks 6 beers a day", "current", "other"),
        ("He is not a heavy drinker.", "not a heavy drinker", "", "patient"),
        ("She does not drink alcohol.", "does not drink alcohol", "never", "patient"),
        ("Previously heavy drinker.", "Previously heavy drinker", "former", "patient"),
        ("Past heavy alcohol use, quit 2010.", "Past heavy alcohol use, quit 2010", "former",
         "patient"),
        ("Alcohol: 10 units per week until 2015.", "Alcohol: 10 units per week until 2015",
         "former", "patient"),
        ("No longer drinks alcohol.", "No longer drinks alcohol", "former", "patient"),
        ("Alcohol: none.", "Alcohol: none", "never", "patient"),
        ("EtOH: occasional.", "EtOH: occasional", "current", "patient"),
        ("Alcohol use: 3-4 beers per weekend.", "Alcohol use: 3-4 beers per weekend", "current",
         "patient"),
        ("No smoking or alcohol.", "alcohol", "never", "patient"),
        ("父亲饮酒20年。", "饮酒20年", "current", "family"),
        ("其丈夫长期饮酒。", "长期饮酒", "current", "other"),
        ("饮酒史：无。", "饮酒史：无", "never", "patient"),
        ("饮酒史：20年，每日白酒100g。", "饮酒史：20年，每日白酒100g", "current", "patient"),
        ("既往饮酒20年。", "既往饮酒20年", "former", "patient"),
    ],
)  # fmt: skip
def test_drinking_has_its_time_its_denial_and_its_person(
    read: Reader, text: str, said: str, status: str, whose: str
) -> None:
    one = mention(read(text), "alcohol")
    assert (one.text, one.attrs.experiencer) == (said, whose)
    assert one.value is not None
    assert one.value.text == status


def test_a_withdrawal_of_alcohol_that_is_denied_is_no_abstinence(read: Reader) -> None:
    note = read("No alcohol withdrawal.")
    assert [e.type for e in note.entities] == ["disease"]
    assert note.entities[0].attrs.negated


def test_the_answer_to_a_label_is_said_once(read: Reader) -> None:
    note = read("吸烟史：无。饮酒史：偶尔。")
    assert mention(note, "smoking").text == "吸烟史：无"
    assert mention(note, "alcohol").text == "饮酒史：偶尔"
    assert [o.value for o in note.observations if o.concept == "smoking_status"] == ["never"]


@pytest.mark.parametrize(
    "text", ["102 F with chills.", "Fever to 101 F with cough.", "T 103F for 3 days."]
)
def test_a_temperature_is_no_womans_age(read: Reader, text: str) -> None:
    assert not [e for e in read(text).entities if e.type == "demographic"]


@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("Non smoker", "never"),
        ("Not a smoker", "never"),
        ("Does not smoke", "never"),
        ("Previous smoker", "former"),
        ("Stopped smoking", "former"),
        ("已戒烟", "former"),
        ("Smokes tobacco daily (finding)", "current"),
        ("Current every day smoker", "current"),
        ("Every day", "current"),
        ("Smoker, current status unknown", ""),
        ("Passive smoker", ""),
        ("Heavy drinker", ""),
        ("Example", ""),
    ],
)
def test_a_smoking_status_in_words_is_read_as_a_sentence_is(words: str, status: str) -> None:
    assert smoking_status(words) == status


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("糖尿病史不详。", "diabetes"),
        ("高血压病史不详，冠心病史不清。", "hypertension"),
        ("高血压病史不详，冠心病史不清。", "cardiovascular_disease"),
        ("肺癌家族史不详。", "family_history_lung_cancer"),
        ("Diabetes: unknown.", "diabetes"),
        ("History of diabetes unknown.", "diabetes"),
        ("Stroke not known.", "stroke_tia_embolism"),
        ("Unknown history of stroke.", "stroke_tia_embolism"),
        ("It is not known whether he has diabetes.", "diabetes"),
    ],
)
def test_what_nobody_knows_is_neither_yes_nor_no(read: Reader, text: str, concept: str) -> None:
    assert concept not in {o.concept for o in read(text).observations}


@pytest.mark.parametrize(
    "text",
    [
        "高血压病史10年（用药不详）。",
        "高血压病史20年，具体用药不详。",
        "Hypertension, duration unknown.",
        "Hypertension, onset date not known.",
    ],
)
def test_a_disease_of_which_only_a_detail_is_unknown_is_there(read: Reader, text: str) -> None:
    assert [o.value for o in read(text).observations if o.concept == "hypertension"] == [True]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Given IV fluids and epinephrine -> swelling improved.", set()),
        ("Ondansetron -> nausea improved.", set()),
        ("Metoprolol -> hypotension, stopped.", set()),
        ("Benadryl -> rash resolved.", set()),
        ("肾上腺素→皮疹好转。", set()),
        ("对青霉素不过敏。", set()),
        ("青霉素皮试阴性。", set()),
        ("Penicillin skin test negative.", set()),
        ("PCN -> hives.", {"PCN: hives"}),
        ("Allergies: codeine -> nausea.", {"codeine: nausea"}),
        ("青霉素皮试阳性。", {"青霉素"}),
        ("Statin intolerant.", {"Statin"}),
        ("他汀不耐受。", {"他汀"}),
    ],
)
def test_an_arrow_or_a_denial_makes_no_allergy(read: Reader, text: str, said: set[str]) -> None:
    observed = read(text).observations
    assert {o.value for o in observed if o.concept == "allergy"} == said
    assert not [o for o in observed if o.concept == "statin_treatment"]
    if "青霉素" in text:
        assert not [o for o in observed if o.concept == "medication"]


@pytest.mark.parametrize(
    ("text", "none"),
    [
        ("Bilateral PCN placed for hydronephrosis.", "drug"),
        ("Left PCN tube exchanged.", "drug"),
        ("Blunting of the left CP angle.", "symptom"),
        ("CP angles clear. Child-Pugh: CP-B.", "symptom"),
    ],
)
def test_a_nephrostomy_is_no_penicillin_and_an_angle_no_pain(
    read: Reader, text: str, none: str
) -> None:
    assert none not in {e.type for e in read(text).entities}


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Took lisinopril until 2019.", "antihypertensive_treatment"),
        ("Lisinopril 10 mg daily until last year.", "antihypertensive_treatment"),
        ("服用氨氯地平至2019年。", "antihypertensive_treatment"),
        ("Used to take atorvastatin.", "statin_treatment"),
    ],
)
def test_a_drug_that_was_taken_until_then_is_no_treatment(
    read: Reader, text: str, concept: str
) -> None:
    assert concept not in {o.concept for o in read(text).observations}


def test_a_family_history_that_is_negative_is_denied(read: Reader) -> None:
    observed = read("Negative family history of lung cancer.").observations
    assert {(o.concept, o.value) for o in observed if o.value is not None} >= {
        ("family_history_lung_cancer", False)
    }
    assert "cancer_history" not in {o.concept for o in observed}
