"""Ages in the unit in which they are written, and no age where none is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from medview.core.observation import concepts
from medview.record import Note

Reader = Callable[..., Note]


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("Age 18 months, cough.", 1.5),
        ("Age: 3 weeks", 3 / 52.18),
        ("A boy aged 5 days.", 5 / 365.25),
        ("A girl 18 months of age.", 1.5),
        ("6-week-old infant", 6 / 52.18),
        ("10 mo old girl", 10 / 12),
        ("Age: 018M", 1.5),
        ("Age: 067Y", 67),
        ("Age: 65 yrs", 65),
        ("Age: 65Y, male", 65),
        ("A man aged 65.", 65),
        ("Age: 65 F", 65),
        ("Age 65 with chest pain", 65),
        ("Age 1.5 years", 1.5),
        ("年龄：5个月", 5 / 12),
        ("年龄：5月", 5 / 12),
        ("年龄：3周", 3 / 52.18),
        ("年龄 10天", 10 / 365.25),
        ("患儿，男，8月龄", 8 / 12),
        ("患儿，女，3天大", 3 / 365.25),
        ("年龄：65岁", 65),
        ("年龄:65", 65),
        ("Menopause at age 50; now 72 years old.", 72),
    ],
)
def test_an_age_has_the_unit_that_is_written(read: Reader, text: str, years: float) -> None:
    (age,) = [o for o in read(text).observations if o.concept == "age"]
    assert isinstance(age.value, float)
    assert concepts()["age"].to_own_unit(age.value, age.unit) == pytest.approx(years, rel=2e-3)


@pytest.mark.parametrize(
    "text",
    [
        "Age 5 hours", "年龄：5小时", "aged 50 to 80 years", "Screening at ages 50-80",
        "Age: 50-80", "Menopause at age 50.", "Smoking since age 16.", "Age 65kg", "aged 20 %",
        "年龄：50-80岁",
    ],
)  # fmt: skip
def test_what_is_no_age_in_years_months_weeks_or_days_gives_none(read: Reader, text: str) -> None:
    assert not [o for o in read(text).observations if o.concept == "age"]


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("He has a 12-year-old son. 48-year-old man.", 48.0),
        ("When she was 12 years old she had asthma. Now aged 30.", 30.0),
        ("At 12 years of age he was diagnosed with diabetes. 45 y/o M.", 45.0),
        ("Diagnosed with type 1 diabetes aged 12. She is 45 years old.", 45.0),
        ("Menarche age 13, menopause age 50. 62-year-old woman.", 62.0),
        ("Bone age 12 years. 14-year-old boy.", 14.0),
        ("初潮年龄13岁，绝经年龄50岁。患者女，62岁。", 62.0),
        ("13岁初潮，50岁绝经。患者62岁。", 62.0),
        ("12岁时诊断糖尿病，现45岁。", 45.0),
        ("患者自20岁起吸烟，现60岁。", 60.0),
        ("其子25岁。患者50岁。", 50.0),
        ("骨龄12岁，男，14岁。", 14.0),
        ("A 45-year-old mother of two presents with cough.", 45.0),
        ("患者62岁因胸痛入院。", 62.0),
        ("患者男性，75岁前列腺增生。", 75.0),
        ("The patient is a man, age 62, with diabetes.", 62.0),
        ("Hysterectomy aged 40.", None),
        ("Gestational age 32 weeks.", None),
    ],
)
def test_the_age_of_today_is_told_from_that_of_another_time_or_person(
    read: Reader, text: str, age: float | None
) -> None:
    assert [o.value for o in read(text).observations if o.concept == "age"] == (
        [] if age is None else [age]
    )
