"""What is denied, advised, past or of somebody else is not told as the patient's own, now."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from medview.record import Note

Reader = Callable[..., Note]


def values(note: Note, *concepts: str) -> dict[str, object]:
    """What a note says of some concepts; every one is said once."""
    found = [o for o in note.observations if not concepts or o.concept in concepts]
    assert len({o.concept for o in found}) == len(found)
    return {o.concept: o.value for o in found}


@pytest.mark.parametrize(
    ("text", "age", "sex"),
    [
        ("Febrile to 103 F, status post Tylenol. 54 year old man.", 54, "M"),
        ("Fever to 102 F with chills.", None, None),
        ("101F, now 99F. 70yo M with cough.", 70, "M"),
        ("Foley 16 F for retention, 81-year-old man.", 81, "M"),
        ("Mobilises 3 M with walker.", None, None),
        ("62F with chest pain.", 62, "F"),
        ("Pt is a 72 M h/o COPD.", 72, "M"),
        ("Diagnosed with type 1 diabetes aged 12. She is 45 years old.", 45, None),
        ("Life expectancy: age 85. The patient is a 70 year old man.", 70, "M"),
        ("Menarche age 13, menopause age 50. 62-year-old woman.", 62, "F"),
    ],
)
def test_the_age_is_the_patients_and_no_other_number(
    read: Reader, text: str, age: float | None, sex: str | None
) -> None:
    found = values(read(text), "age", "sex")
    assert (found.get("age"), found.get("sex")) == (age, sex)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTN: no. DM: yes. CAD: no.", (False, True)),
        ("Hypertension (no), diabetes (yes).", (False, True)),
        ("Hypertension: yes, diabetes: denied.", (True, False)),
        ("Hypertension -\nDiabetes +\n", (False, True)),
        ("高血压：无，糖尿病：有。", (False, True)),
        ("高血压（-），糖尿病（+）。", (False, True)),
        ("No hypertension. Diabetes: none known.", (False, False)),
        ("Hypertension (no medication), diabetes (no insulin).", (True, True)),
    ],
)
def test_an_answer_belongs_to_the_name_before_it(
    read: Reader, text: str, expected: tuple[bool, bool]
) -> None:
    found = values(read(text), "hypertension", "diabetes")
    assert (found.get("hypertension"), found.get("diabetes")) == expected


@pytest.mark.parametrize(
    ("text", "denied"),
    [
        ("Pneumothorax: No pneumothorax.", [True, True]),
        ("Pleural effusion: no evidence of pleural effusion.", [True, True]),
        ("Pneumothorax: small pneumothorax.", [False, False]),
    ],
)
def test_a_name_before_a_colon_is_what_is_said_of_it(
    read: Reader, text: str, denied: list[bool]
) -> None:
    assert [e.attrs.negated for e in read(text).entities if e.type == "finding"] == denied


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Heart failure (ruled out by echo).", False),
        ("Heart failure (excluded on echo).", False),
        ("Dialysis was declined.", None),
        ("Dialysis was discussed but declined.", None),
        ("Patient may need dialysis.", None),
        ("建议透析。", None),
        ("未行透析。", False),
        ("On dialysis since 2019.", True),
        ("He has been on hemodialysis since 2021.", True),
        ("糖尿病史不详。", None),
        ("高血压病史不详，冠心病史不清。", None),
    ],
)
def test_what_is_ruled_out_advised_or_unknown_is_no_yes(
    read: Reader, text: str, expected: bool | None
) -> None:
    wanted = ("heart_failure", "dialysis", "diabetes", "hypertension", "cardiovascular_disease")
    assert next(iter(values(read(text), *wanted).values()), None) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INR 2,5, sodium 140.", 2.5),
        ("Troponin negative. INR 2,5.", 2.5),
        ("HbA1c 7,2, INR 2,5, ALT 35.", 2.5),
        ("INR | 0.8 - 1.2 | 3.4", 3.4),
        ("INR | 3.4 | 0.8 - 1.2", 3.4),
        ("INR 1.2.", 1.2),
    ],
)
def test_a_result_is_read_whole_and_a_reference_range_is_none(
    read: Reader, text: str, expected: float
) -> None:
    assert values(read(text), "inr") == {"inr": expected}


@pytest.mark.parametrize("text", ["AST 45,52 U/L and ALT 30,28 U/L.", "Glucose 110,98 mg/dL"])
def test_two_results_without_a_blank_are_not_made_one(read: Reader, text: str) -> None:
    numbers = {e.value.num for e in read(text).entities if e.type == "lab" and e.value}
    assert not numbers & {45.52, 30.28, 110.98}


def test_a_pressure_of_the_mother_is_not_the_patients(read: Reader) -> None:
    found = values(read("HR 80, BP 120/80 (mother's BP 180/110)."), "systolic_bp", "heart_rate")
    assert found == {"systolic_bp": 120, "heart_rate": 80}


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("吸烟30年，20支/日，嘱其戒烟。", None),
        ("嘱患者戒烟酒。", None),
        ("建议患者戒烟。", None),
        ("指导患者戒烟限酒。", None),
        ("劝其戒烟。", None),
        ("健康宣教：戒烟、戒酒。", None),
        ("出院医嘱：1.戒烟；2.复查。", None),
        ("吸烟30年，已戒烟5年。", "former"),
        ("既往吸烟20年，1包/天，戒烟10年后复吸2年。", "current"),
        ("Smoker until 2005.", "former"),
        ("Was a smoker.", "former"),
        ("Previously a heavy smoker.", "former"),
        ("Heavy smoker in the past.", "former"),
        ("He used to be a smoker.", "former"),
        ("Had been a smoker for 20 years.", "former"),
        ("Smoker status: unknown.", None),
        ("If he smokes, he must stop.", None),
        ("No smoking since 2012.", "former"),
        ("No tobacco use in the last 5 years.", "former"),
        ("Doesn't smoke now, quit 1999.", "former"),
        ("Smoking: No, quit 2010.", "former"),
        ("Denies smoking but has a 30 pack-year history.", None),
        ("Smoking: quit? No.", None),
        ("History of smoking cessation counselling.", None),
        ("Smokes marijuana daily, no tobacco.", "never"),
        ("Quit in 2010 but resumed smoking.", "current"),
        ("Current smoker.", "current"),
        ("Never smoker.", "never"),
    ],
)
def test_smoking_is_of_now_only_where_it_is_said_so(
    read: Reader, text: str, status: str | None
) -> None:
    assert values(read(text, "2026-03-01"), "smoking_status").get("smoking_status") == status


def test_who_smokes_again_has_not_quit(read: Reader) -> None:
    found = values(read("既往吸烟20年，1包/天，戒烟10年后复吸2年。", "2026-03-01"))
    assert "smoking_quit_years" not in found


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("The right upper lobe nodule measures 12 mm, previously measured at approximately 9 mm.",
         [12]),
        ("Right upper lobe nodule 12 mm, earlier 9 mm.", [12]),
        ("Right upper lobe nodule 12 mm (previously about 9 mm).", [12]),
        ("Right upper lobe nodule 12 mm, previously measuring up to 9 mm.", [12]),
        ("Right upper lobe nodule 12 mm, was 9 mm in 2020.", [12]),
        ("Right upper lobe nodule 12 mm, previously it was 9 mm.", [12]),
        ("Right upper lobe nodule 6 mm; now 2 nodules are seen.", [6]),
        ("Right upper lobe nodule 9 mm previously, now 12 mm.", [12]),
        ("Right upper lobe nodule, 5 mm, now 7 mm.", [7]),
        ("Right upper lobe nodule 9 mm previously.", []),
    ],
)  # fmt: skip
def test_the_size_of_today_is_kept_from_that_of_before(
    read: Reader, text: str, sizes: list[float]
) -> None:
    found = [e.value for e in read(text).entities if e.type == "measurement" and e.value]
    assert [v.num for v in found if not v.prior] == sizes
    diameters = [o.value for o in read(text).observations if o.concept == "nodule_diameter_max"]
    assert diameters == sizes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Given IV fluids and epinephrine -> swelling improved.", []),
        ("Ondansetron -> nausea improved.", []),
        ("Metoprolol -> hypotension, stopped.", []),
        ("PCN -> hives.", ["PCN"]),
        ("Allergies: metoprolol -> hypotension.", ["metoprolol"]),
    ],
)
def test_an_arrow_from_a_drug_is_seldom_an_allergy(
    read: Reader, text: str, expected: list[str]
) -> None:
    note = read(text)
    assert [e.text for e in note.entities if e.type == "allergy"] == expected


def test_an_allergy_that_is_denied_is_a_denied_allergy(read: Reader) -> None:
    note = read("对青霉素不过敏。")
    (one,) = note.entities
    assert (one.type, one.attrs.negated) == ("allergy", True)
    assert not [o for o in note.observations if o.concept in ("allergy", "medication")]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Bilateral PCN placed for hydronephrosis.", "PCN"),
        ("Blunting of the left CP angle.", "CP"),
    ],
)
def test_a_short_form_of_something_else_is_no_drug_and_no_pain(
    read: Reader, text: str, wrong: str
) -> None:
    note = read(text)
    assert not [e for e in note.entities if e.text == wrong and e.type in ("drug", "symptom")]
    assert not [o for o in note.observations if o.concept == "medication"]


@pytest.mark.parametrize("word", ["Na", "smoked", "INR of", "HbA1c |", "SUV", ""])
def test_a_line_padded_with_blanks_is_read_in_time(read: Reader, word: str) -> None:
    begun = time.process_time()
    read((word + " " * 3000 + "x.\n") * 8)
    assert time.process_time() - begun < 5  # it took minutes


@pytest.mark.parametrize(
    ("text", "concept", "expected"),
    [
        ("吸煙30年，每日1包，已戒煙5年。", "smoking_quit_years", 5),
        ("右肺上葉見實性結節，大小約8mm，邊緣毛刺。", "nodule_diameter_max", 8),
        ("懷孕8週。", "pregnancy", True),
        ("否認吸菸。", "smoking_status", "never"),
    ],
)
def test_traditional_characters_are_read_to_the_end(
    read: Reader, text: str, concept: str, expected: object
) -> None:
    assert values(read(text, "2026-03-01"), concept) == {concept: expected}
