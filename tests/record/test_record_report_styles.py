"""Reports as they are written elsewhere: British abbreviations, telegraphic style, PRC reports."""

from __future__ import annotations

from pathlib import Path

import pytest

from medview.record import Note, extract, read_document
from medview.session.text_model import shipped_text_model


def note_of(text: str, folder: Path) -> Note:
    path = folder / "note.txt"
    path.write_text(text, encoding="utf-8")
    return extract(read_document(path), tagger=shipped_text_model())


def named(note: Note) -> set[tuple[str, str]]:
    return {(entity.text, entity.type) for entity in note.entities}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Meds: metformin 500 mg BD, tamsulosin 400 mcg nocte.",
         {("BD", "frequency"), ("tamsulosin", "drug"), ("400 mcg", "dose")}),
        ("Paracetamol 1 g qds, amoxicillin 500 mg tds.",
         {("qds", "frequency"), ("tds", "frequency")}),
        ("CT KUB: 5 mm calculus at the left VUJ. Cyst, lower pole right kidney.",
         {("CT KUB", "procedure"), ("left VUJ", "anatomy"),
          ("lower pole right kidney", "anatomy")}),
        ("Knee: ACL intact. Patella alta. Subchondral oedema.",
         {("ACL", "anatomy"), ("Patella alta", "finding"), ("Subchondral oedema", "finding")}),
        ("USS abdomen. GB: multiple calculi. Reports SOBOE.",
         {("USS", "procedure"), ("GB", "anatomy"), ("SOBOE", "symptom")}),
        ("L4椎体Ⅰ度滑脱，L5/S1椎间盘变性。双肾未见积水。",
         {("L4椎体", "anatomy"), ("滑脱", "finding"), ("L5/S1", "anatomy"), ("积水", "finding")}),
        ("右肺磨玻璃结节，MIA待排。CT肺动脉造影未见充盈缺损。",
         {("MIA", "disease"), ("CT肺动脉造影", "procedure"), ("充盈缺损", "finding")}),
    ],
)  # fmt: skip
def test_what_is_written_in_other_styles_is_named(
    tmp_path: Path, text: str, said: set[tuple[str, str]]
) -> None:
    assert said <= named(note_of(text, tmp_path))


def test_a_distance_to_a_landmark_is_no_size(tmp_path: Path) -> None:
    note = note_of("Spiculated mass 1.6 cm, left breast, 4 cm from the nipple.", tmp_path)
    sizes = [note.entity(r.tail).text for r in note.relations if r.type == "finding_size"]
    assert sizes == ["1.6 cm"]


def test_a_place_of_the_next_clause_is_not_that_of_a_finding(tmp_path: Path) -> None:
    note = note_of("双肺纹理增多，右肺上叶见磨玻璃结节。", tmp_path)
    placed = {
        (note.entity(r.head).text, note.entity(r.tail).text)
        for r in note.relations
        if r.type == "finding_location"
    }
    assert ("磨玻璃结节", "右肺上叶") in placed
    assert not any(head.endswith("纹理增多") for head, _ in placed)


def test_a_signal_of_an_image_is_no_vertebra(tmp_path: Path) -> None:
    assert ("T2", "anatomy") not in named(note_of("左侧外周带见T2低信号结节。", tmp_path))


def attributes(note: Note, text: str) -> tuple[str, bool, bool, str]:
    """Type, negated, uncertain and time of the one mention that is written so."""
    (entity,) = [e for e in note.entities if e.text == text]
    return entity.type, entity.attrs.negated, entity.attrs.uncertain, entity.attrs.temporality


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("62F with CP and SOB, r/o PE.", "CP", ("symptom", False, False, "current")),
        ("Hx of HTN, p/w CP x 2 days.", "CP", ("symptom", False, False, "current")),
        ("72M h/o prostate ca s/p XRT.", "prostate ca", ("disease", False, False, "historical")),
        ("Neg for DVT.", "DVT", ("disease", True, False, "current")),
        ("Diverticulosis w/o diverticulitis.", "diverticulitis",
         ("disease", True, False, "current")),
        ("Cannot r/o malignancy.", "malignancy", ("disease", False, True, "current")),
        ("DDx: GBM vs mets.", "GBM", ("disease", False, True, "current")),
        ("2018年行冠状动脉支架植入术。", "冠状动脉支架植入术",
         ("procedure", False, False, "historical")),
        ("否认冠心病、脑血管病史。", "脑血管病", ("disease", True, False, "historical")),
        ("右肺上叶空洞性病变。", "空洞性病变", ("finding", False, False, "current")),
        ("Likely reactive nodes, no adenopathy.", "adenopathy",
         ("finding", True, False, "current")),
        ("New nodule (not seen on the prior study) in the lingula.", "nodule",
         ("finding", False, False, "current")),
        ("行胃空肠吻合术(未见手术记录)。", "胃空肠吻合术",
         ("procedure", False, False, "current")),
        ("Malignancy is not excluded; further CT is recommended.", "CT",
         ("procedure", False, False, "current")),
    ],
)  # fmt: skip
def test_short_words_of_the_ward_are_understood(
    tmp_path: Path, text: str, name: str, said: tuple[str, bool, bool, str]
) -> None:
    assert attributes(note_of(text, tmp_path), name) == said


@pytest.mark.parametrize(
    ("text", "relations"),
    [
        ("PCN -> hives.", {("allergy_reaction", "PCN", "hives")}),
        ("对碘造影剂过敏，曾出现喉头水肿。", {("allergy_reaction", "碘造影剂", "喉头水肿")}),
        ("Left breast 2:00, 5 cm FN: mass measuring 1.2 x 0.9 cm.",
         {("finding_size", "mass", "1.2 x 0.9 cm"), ("finding_location", "mass", "Left breast")}),
        ("左侧乳腺2点钟方向距乳头5cm可见低回声结节，大小约12×8mm。",
         {("finding_size", "低回声结节", "12×8mm"),
          ("finding_location", "低回声结节", "左侧乳腺")}),
        ("右肺上叶结节，未见胸腔积液。", {("finding_location", "结节", "右肺上叶")}),
        ("肝内胆管无扩张，胆总管直径约6mm。", {("finding_location", "扩张", "肝内胆管")}),
        ("二甲双胍0.5g tid，2型糖尿病10年。",
         {("drug_dose", "二甲双胍", "0.5g"), ("drug_frequency", "二甲双胍", "tid")}),
        ("Prednisone 60 mg daily x 5 days, then 40 mg x 3 days, then 20 mg.",
         {("drug_dose", "Prednisone", "60 mg"), ("drug_dose", "Prednisone", "40 mg"),
          ("drug_dose", "Prednisone", "20 mg"), ("drug_frequency", "Prednisone", "daily"),
          ("drug_duration", "Prednisone", "5 days"), ("drug_duration", "Prednisone", "3 days")}),
        ("Subsegmental PE in the RLL, no right heart strain.",
         {("finding_location", "PE", "RLL")}),
        ("右侧输尿管上段扩张。", {("finding_location", "扩张", "右侧输尿管上段")}),
        ("头孢类药物过敏，表现为过敏性休克。", {("allergy_reaction", "头孢类", "过敏性休克")}),
        ("Oxycodone 5 mg PO q4-6h PRN.",
         {("drug_dose", "Oxycodone", "5 mg"), ("drug_route", "Oxycodone", "PO"),
          ("drug_frequency", "Oxycodone", "q4-6h")}),
    ],
)  # fmt: skip
def test_what_belongs_together_is_joined_and_nothing_else(
    tmp_path: Path, text: str, relations: set[tuple[str, str, str]]
) -> None:
    note = note_of(text, tmp_path)
    assert relations == {
        (r.type, note.entity(r.head).text, note.entity(r.tail).text) for r in note.relations
    }


@pytest.mark.parametrize(
    ("text", "none"),
    [
        ("Lung-RADS 4A. LI-RADS 5 observation.", {"Lung", "LI"}),
        ("SpO2 92% RA.", {"RA"}),
        ("肝囊肿，CT值约12HU。", {"CT"}),
        ("Node, not FDG avid.", {"FDG"}),
        ("cT2N0 tumor.", {"T2"}),
    ],
)
def test_a_short_name_in_other_surroundings_is_none(
    tmp_path: Path, text: str, none: set[str]
) -> None:
    assert not none & {text for text, _ in named(note_of(text, tmp_path))}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("AAA measuring up to 5.4 cm, previously 5.1 cm.", {"5.4 cm": False, "5.1 cm": True}),
        ("The previously seen 9 mm RML nodule now measures 12 mm.",
         {"9 mm": True, "12 mm": False}),
        ("原右肺中叶结节5mm，现约7mm。", {"5mm": True, "7mm": False}),
        ("Node with SUVmax 5.6, previously SUVmax 9.8.", {"5.6": False, "9.8": True}),
    ],
)  # fmt: skip
def test_the_size_of_today_and_the_earlier_one_are_told_apart(
    tmp_path: Path, text: str, told: dict[str, bool]
) -> None:
    note = note_of(text, tmp_path)
    prior = {e.text: e.value.prior for e in note.entities if e.value and e.type == "measurement"}
    assert prior == told


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("Spiculated RUL nodule measuring 12 x 10 mm (previously 9 x 8 mm).", {12.0}),
        ("Spiculated RUL nodule previously 9 mm is now 12 mm.", {12.0}),
        ("Spiculated RUL nodule measures 12 mm, previously measured at about 9 mm.", {12.0}),
        ("Spiculated RUL nodule 12 mm, earlier 9 mm.", {12.0}),
        ("Spiculated RUL nodule 12 mm, previously measuring up to 9 mm.", {12.0}),
        ("Spiculated RUL nodule is 12 mm, was 9 mm in 2020.", {12.0}),
        ("Spiculated RUL nodule is 12 mm (was 9 mm).", {12.0}),
        ("Spiculated RUL nodule measures 12 mm; previously it was 9 mm.", {12.0}),
        ("Spiculated RUL nodule 12 mm (9 mm two years ago).", {12.0}),
        ("Spiculated RUL nodule: 9 mm -> 12 mm.", {12.0}),
        ("Spiculated RUL nodule: 12 mm (2020: 9 mm).", {12.0}),
        ("Spiculated RUL nodule 6 mm; now 2 nodules are seen.", {6.0}),
        ("Previously seen spiculated RUL nodule measures 6 mm.", {6.0}),
        ("New compared to prior: spiculated 5 mm RUL nodule.", {5.0}),
        ("右肺上叶结节12mm，2020年为9mm，边缘毛刺。", {12.0}),
        ("右肺上叶结节12mm（两年前9mm），边缘毛刺。", {12.0}),
        ("Two spiculated RUL nodules, the larger was 9 mm and the other was 5 mm.", {9.0, 5.0}),
        ("Previously noted 9 mm RUL nodule has resolved.", set()),
    ],
)
def test_what_a_nodule_measured_before_neither_takes_its_size_nor_adds_another(
    tmp_path: Path, text: str, sizes: set[float]
) -> None:
    said = note_of(text, tmp_path).observations
    assert {o.value for o in said if o.concept == "nodule_diameter_max"} == sizes
    assert all(o.value is True for o in said if o.concept == "nodule_upper_lobe")
    assert bool(sizes) == any(o.concept == "nodule_spiculated" for o in said)


def test_a_size_after_an_arrow_is_not_a_bound(tmp_path: Path) -> None:
    note = note_of("RUL nodule: 9 mm -> 12 mm.", tmp_path)
    assert [e.value.comparator for e in note.entities if e.type == "measurement" and e.value] == [
        "",
        "",
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Two nodules: 5 mm in the RML and 7 mm in the RUL.", {(7.0, True), (5.0, False)}),
        ("9 mm part-solid nodule in the left upper lobe with a 4 mm solid component.",
         {(9.0, True)}),
        ("左上叶混合磨玻璃结节12mm，实性成分约4mm。", {(12.0, True)}),
        ("6 mm solid nodule LLL (series 4 image 112).", {(6.0, False)}),
    ],
)  # fmt: skip
def test_each_nodule_has_its_own_lobe_and_no_part_is_a_nodule(
    tmp_path: Path, text: str, said: set[tuple[float, bool]]
) -> None:
    found = note_of(text, tmp_path).observations
    upper = {o.subject: o.value for o in found if o.concept == "nodule_upper_lobe"}
    sizes = {o.subject: o.value for o in found if o.concept == "nodule_diameter_max"}
    assert {(size, upper.get(subject)) for subject, size in sizes.items()} == said


@pytest.mark.parametrize(
    ("text", "concept", "value"),
    [
        ("既往有慢阻肺病史，否认高血压、糖尿病。", "copd", [True]),
        ("既往有慢阻肺病史，否认高血压、糖尿病。", "diabetes", [False]),
        ("高血压、糖尿病均否认。", "hypertension", [False]),
        ("Is the patient pregnant? No", "pregnancy", [False]),
        ("Pregnant? ", "pregnancy", []),
        ("Pregnant: yes.", "pregnancy", [True]),
        ("Contrast allergy: none known. Penicillin allergy: none.", "allergy", []),
        ("71 year old man, ex-heavy smoker.", "smoking_status", ["former"]),
        ("Started on amlodipine but stopped it.", "antihypertensive_treatment", []),
    ],
)
def test_a_request_is_read_as_it_is_answered(
    tmp_path: Path, text: str, concept: str, value: list[object]
) -> None:
    observed = note_of(text, tmp_path).observations
    assert [o.value for o in observed if o.concept == concept] == value


@pytest.mark.parametrize(
    ("text", "concept", "value"),
    [
        ("On metformin, ?stroke.", "stroke_tia_embolism", []),
        ("71M, hypertension, ?diabetes", "diabetes", []),
        ("71M, hypertension ?diabetes", "hypertension", [True]),
        ("Diabetes? Known hypertension.", "diabetes", []),
        ("No prior stroke.", "stroke_tia_embolism", [False]),
        ("No previous stroke or TIA.", "stroke_tia_embolism", [False]),
    ],
)
def test_a_question_is_no_answer_and_no_prior_is_a_no(
    tmp_path: Path, text: str, concept: str, value: list[object]
) -> None:
    observed = note_of(text, tmp_path).observations
    assert [o.value for o in observed if o.concept == concept] == value
