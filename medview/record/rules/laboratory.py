"""Laboratory values and vital signs: name, number, unit.

`resources/lexicon/tests.tsv`: kind, concept (may be empty), LOINC (others as unit=code after
commas), names. A name with `~` before it is short and counts only with a value after it.
"""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from medview.core.paths import resources_dir
from medview.record.note import Entity, Span, Value
from medview.record.rules.lexicon import Lexicon, Term
from medview.record.rules.units import END, NUMBER, UNIT, number, ucum

_CELLS = frozenset(("777-3", "6690-2", "751-8", "731-0", "711-2"))  # LOINC of counts of cells


@dataclass(frozen=True, slots=True)
class LabTest:
    """One laboratory test or vital sign."""

    kind: str  # lab or vital
    concept: str
    loinc: str
    molar: tuple[tuple[str, str], ...] = ()  # unit, LOINC code for results in that unit
    aliases: tuple[str, ...] = ()  # further LOINC codes

    def code_for(self, unit: str) -> str:
        """LOINC code of a result in this unit."""
        return dict(self.molar).get(unit, self.loinc)

    def unit_for(self, unit: str) -> str:
        """The UCUM unit that `unit` means beside this test: G/L of cells is giga, not gram."""
        return "10*9/L" if unit == "g/L" and self.loinc in _CELLS else unit


@dataclass(frozen=True)
class _Tests:
    by_name: Lexicon
    short: re.Pattern[str]
    by_short: dict[str, LabTest]
    by_key: dict[str, LabTest]
    by_loinc: dict[str, LabTest]


_RANGE = rf"(?:{NUMBER})[ \t]*+[-–~～][ \t]*+(?:{NUMBER})(?:[ \t]*+(?:{UNIT}))?[ \t]*+"
# Blanks are taken whole (*+): a name padded with thousands of them is still read at once.
_LINK = (
    r"(?:\s*+[(（][^()（）\n]{1,24}[)）])?"
    r"(?:[ \t]*+(?:levels?|values?|counts?|concentrations?|results?|水平|浓度|值))?"
    r"(?:[ \t]*+(?:[:：=]|is|was|of|at|now|today|(?:has )?r(?:ose|isen) to|increased to|elevated(?: at| to)?|decreased to"
    r"|fell to|low at|high at|stable at|around|approximately|about|up to|为|是|示|升高至|升至|降至|达|约"
    rf"|(?:has |have |had )?(?:increas|ris|rose|improv|decreas|fell|fall|drop|declin|went|up|down)\w*(?: up| down)? from (?:{NUMBER})(?: ?(?:{UNIT}))? to"
    rf"|(?:由|从)(?:{NUMBER})(?:{UNIT})?(?:逐渐)?(?:升高?|增高?|上升|下?降|降低|增加|恢复)(?:至|到)))*[ \t]*+"
    # the next cell of a table's row, after that of the day and that of the reference range
    rf"(?:\|[ \t]*+(?:(?:19|20)\d{{2}}-\d{{2}}-\d{{2}}[ \t]*+\|[ \t]*+)?(?:{_RANGE}\|[ \t]*+)?)?"
)
_RESULT = re.compile(
    rf"{_LINK}(?P<sign><=|>=|[<>≤≥＜＞]|less than |greater than )?[ \t]*+"
    rf"(?P<num>{NUMBER})(?![.,]?\d|/\d|[ \t]*+[-–~～][ \t]*+\d)(?:[ \t]?(?:\([HL]\)[ \t]*+|\|[ \t]*+(?:{_RANGE}\|[ \t]*+)?)?(?P<unit>{UNIT}){END})?",
    re.IGNORECASE,
)
_PAIR = re.compile(
    rf"{_LINK}(?P<a>\d{{2,3}}(?:\.\d+)?)[ ]?/[ ]?(?P<b>\d{{2,3}}(?:\.\d+)?)(?![\d/]|[ \t]*+[-–~～][ \t]*+\d)(?:[ \t]?(?P<unit>mm ?\[?Hg\]?|毫米汞柱|kPa))?",
    re.IGNORECASE,
)
# "BP was 200/110 last month; today 128/76", "1.2 -> 3.4": what follows is of the same test.
_AGAIN = re.compile(
    r"(?:(?:[^\n。\d]|(?:19|20)\d{2}(?:[-/年]\d{1,2}){0,2}[日月]?){0,40}?[,，;；(（] ?(?:and |but )?(?:it is |is )?(?:today|now|currently|今日|今天|今晨|现|目前)"
    r"(?: it)?(?: is| was| at)?[ :：为约]*| ?(?:-+>|=+>|→) ?|[，,]?(?:渐|逐渐|后|已|又)?(?:升高?|增高?|上升|下?降低?|增加|恢复)(?:至|到|为)"
    r"|[ ,]*(?:then )?(?:rose|rising|fell|falling|increas\w+|decreas\w+|improv\w+|dropp?\w*|went)(?: up| down)? to (?:about )?)(?=\d)",
    re.IGNORECASE,
)
_ENDS = re.compile(r" ?(?:[.;,)。；，）|\n]|$|[-=]+>|→)")
_NOT_A_RESULT = re.compile(
    r"[ \t]?(?:days?|weeks?|months?|years?|hours?|times?|天|周|月|年|次/日|[-/]\d|:\d)",
    re.IGNORECASE,
)
# "AST 45,52": two results without a blank, not hundredths of something so large.
_TWO_RESULTS = re.compile(r"(?:[2-9]\d|\d{3,}),\d{2}")
# "INR | < 1.2 | 3.4": a bound and a result, and no saying which is which
_SECOND_NUMBER = re.compile(rf"[ \t]*+\|[ \t]*+(?:{NUMBER})[ \t]*+(?:$|[|\n]|(?:{UNIT}){END})")
_SIGN = {"≤": "<=", "≥": ">=", "＜": "<", "＞": ">", "less than ": "<", "greater than ": ">"}


@cache
def lab_tests() -> _Tests:
    """All tests of `tests.tsv`."""
    lexicon = Lexicon()
    by_short: dict[str, LabTest] = {}
    by_key: dict[str, LabTest] = {}
    by_loinc: dict[str, LabTest] = {}
    for line in (
        (resources_dir() / "lexicon" / "tests.tsv").read_text(encoding="utf-8").splitlines()
    ):
        if not line or line.startswith("#"):
            continue
        kind, concept, codes, names = line.split("\t")
        test = _test(kind, concept, codes)
        key = f"{kind}:{test.loinc}:{concept}"
        by_key[key] = test
        for code in (test.loinc, *test.aliases, *(c for _, c in test.molar)):
            by_loinc.setdefault(code, test)
        for name in names.split("|"):
            if name.startswith("~"):
                by_short[name[1:]] = test
            else:
                lexicon.add(name, Term(kind, (key,)))
    by_loinc.pop("", None)
    shorts = "|".join(re.escape(n) for n in sorted(by_short, key=len, reverse=True))
    short = re.compile(rf"(?<![A-Za-z0-9/.-])(?:{shorts})(?![A-Za-z])")
    return _Tests(lexicon, short, by_short, by_key, by_loinc)


def _test(kind: str, concept: str, codes: str) -> LabTest:
    first, *others = codes.split(",")
    molar = tuple((u, c) for u, _, c in (o.partition("=") for o in others if "=" in o))
    return LabTest(kind, concept, first, molar, tuple(o for o in others if "=" not in o))


def lab_test_for(loinc: str = "", name: str = "") -> LabTest | None:
    """The test of a LOINC code, else of a whole name, None when unknown."""
    known = lab_tests()
    if loinc in known.by_loinc:
        return known.by_loinc[loinc]
    if name in known.by_short:
        return known.by_short[name]
    bare = re.split(r"\s*[\[(（,]", name)[0].strip()
    for match in known.by_name.find(bare, 0, len(bare)):
        if match.start == 0 and match.end == len(bare):
            return known.by_key[match.term.concepts[0]]
    return None


def find_tests(text: str, span: Span) -> list[Entity]:
    """Labs and vitals inside `span`; a lab's name without a result has no value."""
    known = lab_tests()
    names = [
        (m.start, m.end, known.by_key[m.term.concepts[0]], False)
        for m in known.by_name.find(text, *span)
    ]
    names += [
        (m.start(), m.end(), known.by_short[m.group()], True)
        for m in known.short.finditer(text, *span)
    ]
    found: list[Entity] = []
    for start, end, test, needs_value in sorted(names, key=lambda n: (n[0], -n[1])):
        if found and start < found[-1].end:
            continue
        entity = _with_value(text, start, end, test, span[1])
        if entity is None and not needs_value and test.kind == "lab":
            entity = Entity(type="lab", start=start, end=end, text=text[start:end])
        following = min((s for s, *_ in names if s >= end), default=span[1])
        while entity is not None:
            found.append(entity)
            entity = _again(text, entity, test, following)
    return found


def _again(text: str, first: Entity, test: LabTest, stop: int) -> Entity | None:
    """A further result of the same test, before the next test's name."""
    match = _AGAIN.match(text, first.end, stop) if first.value is not None else None
    entity = _with_value(text, match.end(), match.end(), test, stop) if match else None
    if entity is None or entity.value is None or first.value is None:
        return None
    is_same = first.value.unit in ("", entity.value.unit)
    return entity if is_same and _ENDS.match(text, entity.end) else None


def _with_value(text: str, start: int, end: int, test: LabTest, stop: int) -> Entity | None:
    if test.concept == "blood_pressure":
        return _pressure(text, start, end, test, stop)
    match = _RESULT.match(text, end, stop)
    if match is None or (match["unit"] is None and _NOT_A_RESULT.match(text, match.end())):
        return None
    if _TWO_RESULTS.fullmatch(match["num"]) or (
        match["sign"] and _SECOND_NUMBER.match(text, match.end(), stop)
    ):
        return None
    glued = text[end - 1].isascii() and text[end - 1].isalnum() and match.start("num") == end
    if match["unit"] is None and glued:
        return None  # "CA19" of "CA19-9", "T4"
    unit = "{INR}" if test.concept == "inr" else ""
    unit = test.unit_for(ucum(match["unit"])) if match["unit"] else unit
    sign = (match["sign"] or "").lower()
    value = Value(
        num=number(match["num"]), unit=unit, comparator=_SIGN.get(sign, sign),
        concept=test.code_for(unit),
    )  # fmt: skip
    last = match.end("unit") if match["unit"] else match.end("num")
    return Entity(
        type=test.kind, start=start, end=last, text=text[start:last], value=value,
        concepts=(test.concept,) if test.concept else (),
    )  # fmt: skip


def _pressure(text: str, start: int, end: int, test: LabTest, stop: int) -> Entity | None:
    match = _PAIR.match(text, end, stop)
    if match is None:
        return None
    unit = ucum(match["unit"]) if match["unit"] else "mm[Hg]"
    value = Value(dims=(number(match["a"]), number(match["b"])), unit=unit, concept=test.loinc)
    return Entity(
        type="vital", start=start, end=match.end(), text=text[start : match.end()], value=value,
        concepts=("blood_pressure",),
    )  # fmt: skip
