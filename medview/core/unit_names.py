"""Units as people write them, to UCUM."""

# ruff: noqa: E501 - a table reads better on one line

from __future__ import annotations

# UCUM code: ways it is written. Case is ignored when matching.
_WRITTEN = {
    "mg/dL": "mg/dl mgs/dl mg%",
    "g/dL": "g/dl gm/dl g% g.dl-1",
    "g/L": "g/l g.l-1",
    "mg/L": "mg/l",
    "ug/L": "ug/l μg/l µg/l mcg/l",
    "ug/dL": "ug/dl μg/dl µg/dl mcg/dl",
    "ng/mL": "ng/ml",
    "ng/L": "ng/l",
    "ng/dL": "ng/dl",
    "pg/mL": "pg/ml",
    "ug/mL": "ug/ml μg/ml µg/ml mcg/ml",
    "mmol/L": "mmol/l mm/l",
    "umol/L": "umol/l μmol/l µmol/l micromol/l",
    "nmol/L": "nmol/l",
    "pmol/L": "pmol/l",
    "mmol/mol": "mmol/mol",
    "meq/L": "meq/l",
    "U/L": "u/l iu/l units/l",
    "[IU]/mL": "iu/ml",
    "U/mL": "u/ml",
    "m[IU]/L": "miu/l mu/l m[iu]/l",
    "u[IU]/mL": "uiu/ml μiu/ml µiu/ml u[iu]/ml",
    "10*9/L": "10*9/l x10^9/l ×10^9/l 10^9/l ×10⁹/l x10⁹/l 10⁹/l x10e9/l 10e9/l x10(9)/l ×10*9/l "
    "x10*9/l giga.l-1 g/l(10^9)",
    "10*3/uL": "10*3/ul x10^3/ul ×10^3/ul 10^3/ul ×10³/ul k/ul k/μl k/µl k/mm3 10^3/μl x10^3/μl "
    "thousand/ul x10e3/ul 10e3/ul x10*3/ul 10*3/mm3",
    "10*12/L": "10*12/l x10^12/l ×10^12/l 10^12/l ×10¹²/l x10e12/l ×10*12/l tera.l-1",
    "10*6/uL": "10*6/ul x10^6/ul m/ul 10^6/ul x10*6/ul",
    "/uL": "/ul /μl /µl /mm3 cells/ul",
    "mL/min/{1.73_m2}": "ml/min/1.73m2 ml/min/1.73 ml/min/1.73m² ml/(min·1.73m2) ml/(min.1.73m2) "
    "ml/min/{1.73_m2} ml/min/1.73sqm",
    "mL/min": "ml/min",
    "mm[Hg]": "mmhg mm[hg] 毫米汞柱",
    "kPa": "kpa",
    "%": "% percent ％",
    "/min": "/min bpm 次/分 次/分钟 次/min beats/min breaths/min beats/minute breaths/minute rpm 分",
    "Cel": "℃ °c degc cel c 度 摄氏度 ºc",
    "[degF]": "°f ℉ degf [degf] f ºf",
    "kg": "kg kgs kilograms kilogram 公斤 千克",
    "[lb_av]": "lb lbs pounds [lb_av]",
    "kg/m2": "kg/m2 kg/m² kg/㎡",
    "cm": "cm 厘米 公分",
    "m": "m 米",
    "[in_i]": "in inches inch [in_i]",
    "mm": "mm 毫米",
    "s": "s sec secs seconds 秒",
    "mm/h": "mm/h mm/hr",
    "fL": "fl",
    "pg": "pg",
    "{INR}": "{inr}",
    "g": "g gram grams 克",
    "mg": "mg mgs 毫克",
    "ug": "mcg ug μg µg 微克",
    "mL": "ml cc mls 毫升",
    "[IU]": "iu [iu]",
    "U": "u units unit 单位",
    "1": "1",
    "mmol": "mmol",
    "meq": "meq",
}
WRITTEN_UNITS = {written: code for code, ways in _WRITTEN.items() for written in ways.split()}
_SPACED = {"mm hg": "mm[Hg]", "beats per minute": "/min", "breaths per minute": "/min",
           "ml/min/1.73 m2": "mL/min/{1.73_m2}", "ml/min/1.73 m²": "mL/min/{1.73_m2}",
           "ml/min per 1.73 m2": "mL/min/{1.73_m2}", "x 10^9/l": "10*9/L",
           "× 10^9/l": "10*9/L", "x 10^3/ul": "10*3/uL", "degrees celsius": "Cel",
           "degrees fahrenheit": "[degF]"}  # fmt: skip
WRITTEN_UNITS.update(_SPACED)
_EXACT = {code.lower(): code for code in _WRITTEN}


def ucum(written: str) -> str:
    """The UCUM code of a unit as written; the written form itself when it is not known."""
    folded = written.strip().lower().replace("（", "(").replace("）", ")")
    return (
        WRITTEN_UNITS.get(folded)
        or _EXACT.get(folded)
        or WRITTEN_UNITS.get(folded.replace(" ", ""))
        or written
    )
