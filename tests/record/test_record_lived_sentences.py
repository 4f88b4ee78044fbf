"""Smoking and age in the sentences of letters and notes, whole, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.record import Note

Reader = Callable[..., Note]
Said = tuple[str | None, float | None, float | None, float | None, str | None]

# Status, pack-years, years since quitting in March 2026, age and its unit; None where none is said.
SENTENCES: tuple[tuple[str, Said], ...] = (
    ("67-year-old lifelong nonsmoker with cough.", ("never", None, None, 67.0, "a")),
    ("72 y/o male, ex-smoker (quit 1998), 25 pack years.", ("former", 25, 28, 72.0, "a")),
    ("Reports smoking 15 cigarettes daily for 40 years.", ("current", 30, None, None, None)),
    ("He quit smoking in his forties.", ("former", None, None, None, None)),
    ("Stopped smoking three weeks ago.", ("former", None, 0.06, None, None)),
    ("Has never smoked but his father was a heavy smoker.", ("never", None, None, None, None)),
    ("Never smoked. Husband smoked 2 packs a day for 40 years.", ("never", None, None, None, None)),
    ("Continues to smoke half a pack a day.", ("current", None, None, None, None)),
    ("She denies current smoking but has a 20 pack-year history.", (None, 20, None, None, None)),
    ("Smoking history: 40 pack-years, quit 2015.", ("former", 40, 11, None, None)),
    ("Patient is a current every day smoker.", ("current", None, None, None, None)),
    ("Cigarettes: denies. Alcohol: social.", ("never", None, None, None, None)),
    ("He smokes a pack a day and has done so for 35 years.", ("current", 35, None, None, None)),
    (
        "Smoked for 30 years, 20 cigarettes a day, gave up 12 years ago.",
        ("former", 30, 12, None, None),
    ),
    ("Non-smoker. Partner smokes indoors.", ("never", None, None, None, None)),
    ("Refuses to stop smoking.", ("current", None, None, None, None)),
    ("Tobacco: 0.5 ppd x 20 years, still smoking.", ("current", 10, None, None, None)),
    ("A 9-month-old infant, mother smokes at home.", (None, None, None, 9.0, "mo")),
    ("Aged 81 years; stopped smoking over 20 years ago.", ("former", None, 20, 81.0, "a")),
    ("Neither smokes nor drinks.", ("never", None, None, None, None)),
    ("患者，男，68岁，吸烟40余年，20支/天，未戒。", ("current", 40, None, 68.0, "a")),
    ("患者女性，55岁，无烟酒嗜好，其丈夫吸烟30年。", ("never", None, None, 55.0, "a")),
    ("既往吸烟史20余年，平均10支/日，已戒烟8年。", ("former", 10, 8, None, None)),
    ("吸烟30年，每天40支，2016年戒烟。", ("former", 60, 10, None, None)),
    ("偶尔吸烟，否认饮酒。", ("current", None, None, None, None)),
    ("吸烟史：有，20支/日×25年。", ("current", 25, None, None, None)),
    ("戒烟半年，既往每日1包，共30年。", ("former", 30, 0.5, None, None)),
    ("患儿，女，3月龄，父亲吸烟。", (None, None, None, 3.0, "mo")),
    ("不吸烟，不饮酒。", ("never", None, None, None, None)),
    ("吸烟40年，每日20支；饮酒30年，已戒酒5年。", (None, 40, None, None, None)),
    ("有长期吸烟史（40包年）。", (None, 40, None, None, None)),
    ("否认吸烟、饮酒史。父亲有吸烟史。", ("never", None, None, None, None)),
    ("已戒烟十年。", ("former", None, 10, None, None)),
    ("年龄：2周岁", (None, None, None, 2.0, "a")),
    ("饮酒20年，已戒。", (None, None, None, None, None)),
    ("吸烟20年，已戒。", ("former", None, None, None, None)),
    ("Non-smoker, age: 45 years.", ("never", None, None, 45.0, "a")),
    ("No smoking or alcohol.", ("never", None, None, None, None)),
    ("Patient does not currently smoke.", (None, None, None, None, None)),
    ("Doesn't smoke anymore.", ("former", None, None, None, None)),
    (
        "Never smoker; exposed to second-hand smoke from husband (40 pack-years).",
        ("never", None, None, None, None),
    ),
    ("Smoker (20/day).", ("current", None, None, None, None)),
    ("Smokes 20/day for 30 years.", ("current", 30, None, None, None)),
    ("Chews tobacco, never smoked.", ("never", None, None, None, None)),
    ("He admits to smoking 1 ppd x 40 yrs.", ("current", 40, None, None, None)),
    (
        "Social: lives with wife and two sons, smokes 10 cigarettes per day for 20 years.",
        ("current", 10, None, None, None),
    ),
    ("Brother died of MI at age 50, patient is a smoker.", ("current", None, None, None, None)),
    ("Father, a smoker, died of lung cancer aged 60.", (None, None, None, None, None)),
    ("Ex smoker of 30 pack years having quit in 2001.", ("former", 30, 25, None, None)),
    ("Smoking cessation counselling given.", (None, None, None, None, None)),
    ("She smoked in her twenties but quit 30 years ago.", ("former", None, 30, None, None)),
    (
        "Has a 45 pack year smoking history and continues to smoke.",
        ("current", 45, None, None, None),
    ),
    ("母亲70岁，患者45岁，吸烟。", ("current", None, None, 45.0, "a")),
    ("患者长期吸烟，每日约20支，烟龄35年。", (None, 35, None, None, None)),
    ("既往体健，无吸烟饮酒史。", ("never", None, None, None, None)),
    ("吸烟史不详。", (None, None, None, None, None)),
    ("Smoking status unknown.", (None, None, None, None, None)),
    ("Smoking status: unknown.", (None, None, None, None, None)),
    ("患者曾吸烟10年，现已戒烟20年。", ("former", None, 20, None, None)),
    ("吸烟20年，每日10支，现已戒烟15年余。", ("former", 10, 15, None, None)),
    ("患者丈夫诉患者吸烟20年。", (None, None, None, None, None)),
    ("患者及其妻子均吸烟。", (None, None, None, None, None)),
    ("目前每天吸烟5支，已30年。", (None, 7.5, None, None, None)),
    ("18-month-old boy, parents are smokers.", (None, None, None, 18.0, "mo")),
    ("65岁男性，已戒烟3年，戒烟前每日20支×30年。", ("former", 30, 3, 65.0, "a")),
)


@pytest.mark.parametrize(("text", "expected"), SENTENCES)
def test_a_sentence_says_this_and_no_more(read: Reader, text: str, expected: Said) -> None:
    found = {o.concept: o for o in read(text, "2026-03-01").observations}

    def value(concept: str) -> object:
        one = found.get(concept)
        return None if one is None else one.value

    numbers = [value("pack_years"), value("smoking_quit_years"), value("age")]
    assert value("smoking_status") == expected[0]
    assert numbers == [
        pytest.approx(n, abs=0.005) if n is not None else None for n in expected[1:4]
    ]
    assert (found["age"].unit if "age" in found else None) == expected[4]
