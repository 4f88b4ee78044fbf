"""Sentences that look like a statement about the patient today, and are something else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.record import Note

Reader = Callable[..., Note]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("The patient is 6 weeks pregnant. She is a 32-year-old woman.", [32.0]),
        ("The patient is 3 months out from surgery. A 62-year-old man.", [62.0]),
        ("Patient 2 weeks s/p CABG, 62-year-old man.", [62.0]),
        ("The patient is 5 years cancer free. 71-year-old woman.", [71.0]),
        ("The patient, 3 weeks, postpartum.", []),
        ("Patient is 62 years, male, with cough.", [62.0]),
        ("Patient 62 years male.", [62.0]),
    ],
)
def test_a_time_since_something_is_no_age(read: Reader, text: str, years: list[float]) -> None:
    assert [o.value for o in read(text).observations if o.concept == "age"] == years


@pytest.mark.parametrize(
    ("text", "concept", "values"),
    [
        ("去年体检发现肌酐180umol/L。", "creatinine", []),
        ("去年出现血压180/110mmHg。", "systolic_bp", []),
        ("现血压120/80mmHg。", "systolic_bp", [120.0]),
        ("Former smoker, has not relapsed.", "smoking_status", ["former"]),
        ("Ex-smoker, never resumed.", "smoking_status", ["former"]),
        ("Ex-smoker, relapsed last year.", "smoking_status", ["current"]),
        ("Quit smoking in 2010, has since resumed.", "smoking_status", ["current"]),
        ("Quit smoking in 2010, metformin restarted.", "smoking_status", ["former"]),
        ("戒烟10年，未再吸烟。", "smoking_status", ["former"]),
        ("吸烟20年，已戒烟5年，未复吸。", "smoking_status", ["former"]),
        ("吸烟20年，戒烟5年后复吸3年。", "smoking_status", ["current"]),
    ],
)
def test_what_was_found_or_given_up_then_is_not_of_today(
    read: Reader, text: str, concept: str, values: list[object]
) -> None:
    assert [o.value for o in read(text).observations if o.concept == concept] == values


@pytest.mark.parametrize(
    "text",
    [
        "She has never been pregnant.",
        "She plans to become pregnant.",
        "Unlikely to be pregnant.",
        "She could be pregnant.",
        "She was pregnant in 2010.",
        "His wife is pregnant.",
        "计划怀孕。",
    ],
)
def test_a_pregnancy_wished_supposed_or_of_another_is_none(read: Reader, text: str) -> None:
    assert not [o for o in read(text).observations if o.concept == "pregnancy"]


def test_a_nodule_below_a_size_has_a_bound_and_no_size(read: Reader) -> None:
    (below,) = (
        o
        for o in read("RUL nodule measures <6 mm.").observations
        if o.concept == "nodule_diameter_max"
    )
    assert (below.value, below.comparator) == (6.0, "<")


@pytest.mark.parametrize(
    ("text", "sizes", "kind"),
    [
        (
            "Nodule in the right upper lobe measuring 14 mm with a solid component of 5 mm.",
            [14.0],
            "part-solid",
        ),
        ("12 mm nodule in the RUL, 4 mm solid component.", [12.0], "part-solid"),
        ("右上肺磨玻璃结节，大小约14mm，实性成分约5mm。", [14.0], "part-solid"),
        ("右上肺磨玻璃结节，大小约14mm，无实性成分。", [14.0], "non-solid"),
        ("右上肺磨玻璃结节 14mm，实性成分 5mm。", [14.0], "part-solid"),
        ("14 mm ground glass nodule in the RUL without solid component.", [14.0], "non-solid"),
    ],
)
def test_the_solid_component_is_a_part_of_its_nodule(
    read: Reader, text: str, sizes: list[float], kind: str
) -> None:
    found = read(text).observations
    assert [o.value for o in found if o.concept == "nodule_diameter_max"] == sizes
    assert [o.value for o in found if o.concept == "nodule_type"] == [kind]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Complications of diabetes: none.", {"diabetes": []}),
        ("Medications for hypertension: none.", {"hypertension": []}),
        ("Previous hospitalisation for COPD: none.", {"copd": []}),
        ("History of diabetes: no.", {"diabetes": [False]}),
        ("Suspected stroke: yes.", {"stroke_tia_embolism": []}),
        ("Diabetes: no known complications.", {"diabetes": [True]}),
        ("Diabetes: none known.", {"diabetes": [False]}),
        ("Hypertension -\ncontrolled on amlodipine.", {"hypertension": [True]}),
        ("HTN -\nDM +", {"hypertension": [False], "diabetes": [True]}),
        ("HTN: - DM: + CAD: -", {"hypertension": [False], "diabetes": [True]}),
        ("Stroke: (-). Diabetes: (+).", {"stroke_tia_embolism": [], "diabetes": [True]}),
        ("Diabetes - no", {"diabetes": [False]}),
        ("Diabetes: Y. Hypertension: N", {"hypertension": [False], "diabetes": [True]}),
        ("糖尿病：否 高血压：是", {"hypertension": [True], "diabetes": [False]}),
        ("Diabetes: n/a", {"diabetes": []}),
        ("Diabetes: yes/no", {"diabetes": []}),
        ("糖尿病：有/无", {"diabetes": []}),
        ("糖尿病：不详", {"diabetes": []}),
        ("Hypertension: nil of note", {"hypertension": [False]}),
        ("Diabetes: never treated", {"diabetes": [True]}),
        ("Diabetes No, Hypertension Yes", {"hypertension": [True], "diabetes": [False]}),
        ("Diabetes No\nHypertension Yes\n", {"hypertension": [True], "diabetes": [False]}),
        ("DM/HTN: denies", {"hypertension": [False], "diabetes": [False]}),
        ("Diabetes and hypertension: no", {"hypertension": [False], "diabetes": [False]}),
        ("COPD, diabetes or hypertension: none", {"copd": [False], "diabetes": [False]}),
        ("Hypertension, diabetes: none", {"hypertension": [True], "diabetes": [False]}),
        ("Hypertension: yes / DM: no", {"hypertension": [True], "diabetes": [False]}),
        ("Complications of diabetes and hypertension: none", {"hypertension": [], "diabetes": []}),
        ("高血压、糖尿病：无", {"hypertension": [False], "diabetes": [False]}),
        ("有高血压，冠心病、糖尿病：无", {"hypertension": [True], "diabetes": [False]}),
    ],
)
def test_an_answer_is_that_of_the_whole_question(
    read: Reader, text: str, known: dict[str, list[bool]]
) -> None:
    found = read(text).observations
    assert {k: [o.value for o in found if o.concept == k] for k in known} == known


@pytest.mark.parametrize(
    ("text", "hypertension", "diabetes"),
    [
        ("[x] Hypertension [ ] Diabetes", [True], []),
        ("Past history: ☐ Diabetes ☑ Hypertension", [True], []),
        ("□糖尿病 ☑高血压", [True], []),
        ("Hypertension [x] Diabetes [ ] Asthma [x]", [True], []),
        ("Diabetes [ ] yes [x] no\nHypertension [x] yes [ ] no", [True], [False]),
        ("Diabetes yes [ ] no [x]", [], [False]),
        ("Diabetes [ ] yes [ ] no", [], []),
        ("糖尿病：□有 ☑无  高血压：☑有 □无", [True], [False]),
        ("□ 糖尿病\n□ 高血压", [True], [True]),  # bullets
    ],
)
def test_a_box_that_is_not_ticked_says_nothing(
    read: Reader, text: str, hypertension: list[bool], diabetes: list[bool]
) -> None:
    found = read(text).observations
    assert [o.value for o in found if o.concept == "hypertension"] == hypertension
    assert [o.value for o in found if o.concept == "diabetes"] == diabetes


@pytest.mark.parametrize(
    ("text", "concept", "values"),
    [
        ("Urine creatinine 12 mg/dL.", "creatinine", []),
        ("Urine sodium 120 mmol/L.", "sodium", []),
        ("Ascitic albumin 1.2 g/dL.", "albumin", []),
        ("Ascites, albumin 2.1 g/dL.", "albumin", [2.1]),
        ("CSF: WBC 12 x10^9/L, glucose 40 mg/dL.", "leucocytes", []),
        ("CSF: WBC 12 x10^9/L, glucose 40 mg/dL.", "glucose", []),
        ("Pleural fluid: albumin 1.5 g/dL, serum albumin 3.0 g/dL.", "albumin", [3.0]),
        ("Urine output 500 mL, creatinine 1.2 mg/dL.", "creatinine", [1.2]),
        ("Urine culture negative, creatinine 1.2 mg/dL.", "creatinine", [1.2]),
        ("尿肌酐120mg/dL。", "creatinine", []),
        ("腹水白蛋白12g/L，血清白蛋白28g/L。", "albumin", [28.0]),
        ("Family history: father with creatinine 4.5 mg/dL.", "creatinine", []),
    ],
)
def test_a_result_of_another_fluid_or_person_is_not_the_blood_of_the_patient(
    read: Reader, text: str, concept: str, values: list[float]
) -> None:
    assert [o.value for o in read(text).observations if o.concept == concept] == values


@pytest.mark.parametrize(
    ("text", "concept", "said"),
    [
        ("Peak creatinine 4.5 mg/dL.", "creatinine", []),
        ("Birth weight 3.2 kg.", "weight", []),
        ("Expected INR 2.5.", "inr", []),
        ("Creatinine (2019): 4.5 mg/dL.", "creatinine", [(4.5, "2019")]),
        ("Creatinine (2026-03-01): 1.1 mg/dL.", "creatinine", [(1.1, "2026-03-01")]),
        ("Creatinine 4.5 mg/dL on 03/01/2019.", "creatinine", [(4.5, "2019")]),
        ("Creatinine 2.3 mg/dL (0.9 last month).", "creatinine", [(2.3, "2026-03-01")]),
        ("Hb 12.1 g/dL 2 weeks ago.", "haemoglobin", []),
        ("肌酐88umol/L升至230umol/L。", "creatinine", [(230.0, "2026-03-01")]),
        ("Creatinine 1.2 -> 3.4 mg/dL.", "creatinine", [(3.4, "2026-03-01")]),
        ("Creatinine 1.2 mg/dL rose to 3.4 mg/dL.", "creatinine", [(3.4, "2026-03-01")]),
    ],
)
def test_of_several_times_the_result_of_today_is_that_of_today(
    read: Reader, text: str, concept: str, said: list[tuple[float, str]]
) -> None:
    found = read(text, "2026-03-01").observations
    assert [(o.value, o.time) for o in found if o.concept == concept] == said


@pytest.mark.parametrize(
    ("text", "concept", "values"),
    [
        ("Stroke volume 60 mL.", "stroke_tia_embolism", []),
        ("Seen on the stroke unit.", "stroke_tia_embolism", []),
        ("Code stroke called.", "stroke_tia_embolism", []),
        ("转卒中中心。", "stroke_tia_embolism", []),
        ("Pre-diabetes.", "diabetes", []),
        ("Borderline diabetes.", "diabetes", []),
        ("糖尿病前期。", "diabetes", []),
        ("Smoker? unknown.", "smoking_status", []),
    ],
)
def test_a_name_within_another_name_is_not_meant(
    read: Reader, text: str, concept: str, values: list[object]
) -> None:
    assert [o.value for o in read(text).observations if o.concept == concept] == values


@pytest.mark.parametrize(
    ("text", "concept", "values"),
    [
        ("No history of breast cancer.", "cancer_history", []),
        ("No history of cancer.", "cancer_history", [False]),
        ("否认肿瘤病史。", "cancer_history", [False]),
        ("Denies MI.", "vascular_disease", []),
        ("Denies MI.", "cardiovascular_disease", []),
        ("No history of ASCVD.", "cardiovascular_disease", [False]),
    ],
)
def test_a_no_to_one_kind_is_no_no_to_all(
    read: Reader, text: str, concept: str, values: list[bool]
) -> None:
    assert [o.value for o in read(text).observations if o.concept == concept] == values


@pytest.mark.parametrize(
    ("text", "concept", "values"),
    [
        ("Patient denies history of stroke, MI, or diabetes.", "diabetes", [False]),
        ("Patient denies history of stroke, MI, or diabetes.", "stroke_tia_embolism", [False]),
        ("Denies history of hypertension. Has diabetes.", "hypertension", [False]),
        ("Denies history of hypertension. Has diabetes.", "diabetes", [True]),
        ("Atrial fibrillation excluded.", "atrial_fibrillation", [False]),
        ("Negative history of diabetes.", "diabetes", [False]),
        ("History: nil diabetes.", "diabetes", [False]),
        ("Diabetes was never confirmed.", "diabetes", [False]),
        ("未患糖尿病。", "diabetes", [False]),
        ("Diabetes absent, hypertension present.", "hypertension", [True]),
        ("(-) diabetes (+) hypertension", "diabetes", [False]),
        ("(-) diabetes (+) hypertension", "hypertension", [True]),
        ("HTN (+) DM (-)", "hypertension", [True]),
        ("+HTN, -DM", "diabetes", [False]),
        ("HTN+, DM-", "diabetes", [False]),
        ("-diabetes\n-hypertension", "diabetes", [True]),
        ("Atrial fibrillation has been excluded by Holter.", "atrial_fibrillation", [False]),
        ("Atrial fibrillation not excluded.", "atrial_fibrillation", []),
        ("Atrial fibrillation cannot be excluded.", "atrial_fibrillation", []),
        ("Hypertension (father), diabetes.", "diabetes", [True]),
        ("Hypertension (father), diabetes.", "hypertension", []),
    ],
)
def test_a_denied_history_is_denied(
    read: Reader, text: str, concept: str, values: list[bool]
) -> None:
    assert [o.value for o in read(text).observations if o.concept == concept] == values


@pytest.mark.parametrize(
    "text",
    ["右上肺结节14mm，未见实性成分。", "14 mm nodule in the RUL, no solid component."],
)
def test_a_nodule_without_a_solid_component_is_not_called_solid(read: Reader, text: str) -> None:
    found = read(text).observations
    assert [o.value for o in found if o.concept == "nodule_diameter_max"] == [14.0]
    assert not [o for o in found if o.concept == "nodule_type"]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("Misdiagnosed with asthma, actually COPD. Wrongly diagnosed with diabetes.",
         {"copd": [True], "diabetes": [False]}),
        ("患者曾误诊为糖尿病。", {"diabetes": [False]}),
        ("She was found to be pregnant last week.", {"pregnancy": [True]}),
    ],
)  # fmt: skip
def test_what_was_wrongly_found_is_not_there_and_what_was_found_is(
    read: Reader, text: str, known: dict[str, list[bool]]
) -> None:
    found = read(text).observations
    assert {k: [o.value for o in found if o.concept == k] for k in known} == known
