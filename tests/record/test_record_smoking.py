"""Smoking: whose it is, what is denied, what has been given up, and how much it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.record import Note

Reader = Callable[..., Note]
CONCEPTS = ("smoking_status", "pack_years", "smoking_quit_years")


def said(note: Note) -> tuple[object, ...]:
    """Status, pack-years and years since quitting; None for what is not said."""
    values = {o.concept: o.value for o in note.observations}
    return tuple(values.get(concept) for concept in CONCEPTS)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Not a smoker.", "never"),
        ("Denies being a smoker.", "never"),
        ("Never a smoker.", "never"),
        ("He has never been a smoker.", "never"),
        ("She isn't a smoker.", "never"),
        ("Does not smoke.", "never"),
        ("Smoker: No", "never"),
        ("Smoking: none", "never"),
        ("Tobacco use: never", "never"),
        ("No longer smokes.", "former"),
        ("He is no longer a smoker.", "former"),
        ("Smoking status: former", "former"),
        ("Has not smoked for 10 years.", "former"),
        ("Not a current smoker.", None),
        ("Not currently smoking.", None),
        ("Current smoker: no", None),
        ("Smoker: yes", "current"),
        ("Smoking status: current", "current"),
        ("吸烟：否", "never"),
        ("吸烟史：无", "never"),
        ("吸烟史（-）", "never"),
        ("个人史：吸烟：否。", "never"),
        ("非吸烟者。", "never"),
        ("吸烟：是", "current"),
        ("现已不吸烟。", "former"),
        ("目前不吸烟。", None),
        ("从不吸烟。", "never"),
    ],
)
def test_a_denial_makes_what_its_words_say(read: Reader, text: str, status: str | None) -> None:
    assert said(read(text))[0] == status


@pytest.mark.parametrize(
    "text",
    [
        "Lives with a smoker.",
        "Exposed to a heavy smoker.",
        "Mother smokes.",
        "Wife smokes 1 pack per day for 30 years.",
        "Her husband is a heavy smoker, 40 pack-years.",
        "Lives with her husband who smokes.",
        "30 pack-year history of the wife.",
        "Passive smoker.",
        "FAMILY HISTORY: Smoker, lung cancer (father).",
        "父亲吸烟30年，20支/日。",
        "配偶有吸烟史。",
        "被动吸烟20年。",
        "患者母亲吸烟，每日10支。",
    ],
)
def test_what_others_smoke_is_not_the_patients(read: Reader, text: str) -> None:
    assert said(read(text)) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("Lives with wife, current smoker.", "current"),
        ("His wife says that he smokes.", "current"),
        ("History per wife: smokes 1 pack per day.", "current"),
        ("According to his son, smokes 20 cigarettes a day.", "current"),
        ("妻子代诉患者吸烟，未戒。", "current"),
        ("Father died of lung cancer; smoker.", "current"),
        ("父母体健，吸烟史30年，未戒烟。", "current"),
        ("父亲患肺癌，患者吸烟，未戒。", "current"),
    ],
)
def test_the_patient_smokes_beside_a_relative(read: Reader, text: str, status: str) -> None:
    assert said(read(text))[0] == status


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("He has not quit smoking.", None),
        ("He has never quit smoking, 1 pack per day.", None),
        ("Quit smoking: no", None),
        ("Smoker, has not stopped smoking, 40 pack-years.", 40),
        ("Unable to quit smoking.", None),
        ("未戒烟，吸烟20年。", None),
        ("吸烟20年，20支/日，未戒烟。", 20),
        ("仍未戒烟，吸烟20年，20支/日。", 20),
    ],
)
def test_who_has_not_quit_smokes(read: Reader, text: str, amount: float | None) -> None:
    assert said(read(text)) == ("current", amount, None)


def test_advice_to_quit_is_no_quitting(read: Reader) -> None:
    assert said(read("He was advised to quit smoking.")) == (None, None, None)
    assert said(read("嘱戒烟戒酒。")) == (None, None, None)


@pytest.mark.parametrize(
    ("text", "amount", "since"),
    [
        ("1 pack per day smoker, quit 10 years ago.", None, 10),
        ("Former smoker, 1 pack per day, quit 10 years ago.", None, 10),
        ("Ex-smoker, 20 cigarettes a day, stopped 15 years ago.", None, 15),
        ("Ex-smoker, 20 cigarettes a day for 30 years, stopped 15 years ago.", 30, 15),
        ("Smokes 1-2 packs per day for 20 years.", 30, None),
        ("Smokes 10-20 cigarettes per day for 20 years.", 15, None),
        ("Smokes 1/2 pack per day for 20 years.", 10, None),
        ("Smokes 1 1/2 packs per day for 20 years.", 30, None),
        ("30-40 pack-year smoker.", 35, None),
        ("Quit smoking ten years ago.", None, 10),
        ("Quit smoking 6 months ago.", None, 0.5),
        ("Quit smoking in 2010.", None, 16),
        ("Quit in March 2010 after smoking 30 pack-years.", 30, 16),
        ("吸烟指数400。", 20, None),
        ("吸烟指数：400年支。", 20, None),
        ("吸烟400年支。", 20, None),
        ("吸烟600支年。", 30, None),
        ("有吸烟史，1包/天×30年。", 30, None),
        ("吸烟史：20支/日×30年，2010年戒烟。", 30, 16),
        ("吸烟30年，每日1-2包，戒烟已5年。", 45, 5),
        ("吸烟20年，每日20支，戒烟3个月。", 20, 0.25),
    ],
)
def test_amount_and_time_since_quitting_are_told_apart(
    read: Reader, text: str, amount: float | None, since: float | None
) -> None:
    assert said(read(text, "2026-03-01"))[1:] == (amount, since)
