"""Negation, uncertainty, time and whose: cues and how far each reaches (ConText).

Cues are data: `resources/lexicon/<language>/cues.tsv` has category, direction, cues. Categories:
negated, uncertain, historical, hypothetical, family, other, stop (ends every scope), claim (says
that something is there: ends every scope but that of a condition, "if there is") and none (a
phrase that looks like a cue and is none). Directions: before (reaches on), after (reaches
back), both. Chapman 2001 (10.1006/jbin.2001.1029), Harkema 2009 (10.1016/j.jbi.2009.05.002).
"""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice

from medview.core.paths import resources_dir
from medview.record.note import CONTEXT_TYPES, Attributes, Entity, Span
from medview.record.rules.alternation import one_of
from medview.record.rules.answers import Answer, answers_to, choices
from medview.record.rules.taken_back import ended_after, unknown_after

_HOW = ("dose", "route", "frequency", "duration")  # may share a word with a cue: "，口服"
_CATEGORIES = ("negated", "uncertain", "historical", "hypothetical", "family", "other")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HARD_STOP = re.compile(r"[;；。]|\n\s*(?:\n|[-•*·●]|\d+[.)])")
_DONE = re.compile(
    r"后|\s*\(?(?:in|on|dated)? ?(?:(?!since|from|until)\w+ )?(?:19|20)\d{2}\b(?![-/])"
)
_DONE_IN = re.compile(
    r"((?:19|20)\d{2}年(?:\d{1,2}月)?(?:\d{1,2}日)?)[^，,。；;]{0,10}(?:行|接受|做)(?:了|过)?[^，,。；;]{0,4}$"
)
_OPENED = re.compile(r"[(（][^)）]*$")
# Between a relative and what is said of her: an age, "who", "also".
_GOES_ON = re.compile(
    r"\s*(?:[(,][^(),.;]{0,24}[),])?(?:\s|['’]s\b|\b(?:who|also|both|still|currently|now|each)\b)*",
    re.IGNORECASE,
)
# "怀疑PE，CTPA检查除外": a test that followed, and what came of it.
_TESTED = re.compile(
    r"(?:可能(?:性大)?|待排查?|待查|[\s，,]|已|经|予|急诊|行|查|完善|进一步|做|后|复查|但)*"
)
_RULED_OUT = re.compile(
    r"(?:\s|检查|造影|平扫|增强|扫描|结果|后|已|可|予以|明确|基本|均)*(?P<cue>除外|排除)(?:了|该诊断)?\s*(?=[，,。；;.)）\n]|$)"
)
# "建议CTPA除外肺栓塞": what is still to be excluded is not.
_TO_EXCLUDE = re.compile(r"(?:建议|拟|必要时|需要?|请|待)[^，,。；;\n]{0,24}(?:除外|排除)$")
_EXCLUDED = re.compile(r"(?:已|可)?排除|除外|excluded|ruled out|rules out", re.IGNORECASE)
_OUT_OF_BRACKET = re.compile(r"[^()（）\w]*\w[^()（）]*[)）]")  # "(no medication), diabetes"
_SEEN = re.compile(
    r"seen|visible|visuali[sz]ed|present|identified|noted|appreciated|见", re.IGNORECASE
)
# "既往有慢阻肺，否认高血压": what is denied follows
_GOES_FORWARD = re.compile(r"否认(?!\s*(?:[，,。；;.、)）\n]|$))")
_CLOSED = re.compile(r"\s*[)）]")
_CONDITION = re.compile(
    r"(?:if|unless|in case|in the event|should|return|call|notify|come back|instructed|advised|warned|seek"
    r"|look out|watch)\b|如|若",
    re.IGNORECASE,
)
# What may stand between the members of one list that share a cue.
_LIST_FILL = re.compile(
    r"(?:,|、|，|和|及|或|与|以|等|史|疾|病|症|明|显|确|\s|/|\+|and|or|nor|any|other|the|a|an|of|in|significant|acute|new|focal|large"
    r"|small|mild|severe|definite|evidence|signs?|history|was|were|are|is|\(|\)|（|）)*",
    re.IGNORECASE,
)


_ASKED = re.compile(r"[\w ]*")  # between a cue and the name in a question
# Between "previously" and the size that it speaks of, and behind a size.
_TO_SIZE = re.compile(
    r"(?:\s|[:：(（约为是]|\b(?:measur(?:ed|ing)|it|this|was|at|as|about|approximately|up to)\b)*",
    re.IGNORECASE,
)
# "The previously seen nodule is unchanged": it is there.
_SEEN_AGAIN = re.compile(
    r"previously (?:seen|noted|described|identified|known|reported|documented|demonstrated|visualized)\b"
    r"(?![^.;\n]{0,100}\b(?:no longer|not|resol\w+|disappear\w*)\b)"
    r"[^.,;\n]{0,60}?\b(?:now )?(?:measures|remains?|persists?|(?:is|are|has|have|again|appears?) (?:again |now |been )?(?:unchanged|stable|seen|larger|smaller|bigger|increased|decreased|grown)|unchanged|stable)\b",
    re.IGNORECASE,
)
_FROM_SIZE = re.compile(r" ?(?:(?:on|in|at) )?(?:(?:the|a|\w+) )?")


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue in a text."""

    category: str
    direction: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Cues:
    pattern: re.Pattern[str]
    kinds: dict[str, list[tuple[str, str]]]


@cache
def _cues(languages: tuple[str, ...]) -> _Cues:
    kinds: dict[str, list[tuple[str, str]]] = {}
    for language in languages:
        path = resources_dir() / "lexicon" / language / "cues.tsv"
        for line in path.read_text(encoding="utf-8").splitlines():
            if not line or line.startswith("#"):
                continue
            category, direction, names = line.split("\t")
            for name in names.split("|"):
                kinds.setdefault(name, []).append((category, direction))
    return _Cues(one_of(kinds), kinds)


def find_cues(
    text: str, span: Span, languages: tuple[str, ...], names: Sequence[Entity]
) -> list[Cue]:
    """Cues inside `span`; a cue that is part of a name (无力, "rule-out MI protocol") is none."""
    known = _cues(languages)
    found: list[Cue] = []
    position = span[0]
    while (match := known.pattern.search(text, position, span[1])) is not None:
        name = next((e for e in names if match.start() < e.end and e.start < match.end()), None)
        if name is not None:
            # A shorter cue may end where the name begins.
            match = known.pattern.match(text, match.start(), max(match.start(), name.start))
            position = name.end if match is None else match.end()
        else:
            position = match.end()
        if match is not None:
            written = re.sub(r"\s+", " ", match.group().lower())
            found += [
                Cue(category, direction, match.start(), match.end())
                for category, direction in known.kinds.get(written, [])
                if category != "none"
            ]
    return found


def with_context(
    text: str, span: Span, entities: Sequence[Entity], section: str, languages: tuple[str, ...]
) -> list[Entity]:
    """The entities of one sentence with negation, uncertainty, time and experiencer set."""
    answers = answers_to(text, [e for e in entities if e.type in CONTEXT_TYPES])
    said = [a.span for a in answers.values()] + choices(text, span)
    cues = [
        c
        for c in find_cues(text, span, languages, [e for e in entities if e.type not in _HOW])
        if not any(c.start < end and start < c.end for start, end in said)
    ]
    cues = _without_those_of_sizes(text, cues, entities)
    spans = [(e.start, e.end) for e in entities]
    stops = [c for c in cues if c.category in ("stop", "claim")]
    by_category = {k: [c for c in cues if c.category == k] for k in _CATEGORIES}
    result = []
    for entity in entities:
        if entity.type not in CONTEXT_TYPES:
            result.append(entity)
            continue
        reaching = {
            category: _nearest(of_it, text, entity, stops, spans)
            for category, of_it in by_category.items()
        }
        if _is_denied_after(text, reaching["uncertain"], reaching["negated"]):
            reaching["uncertain"] = None
        _weigh_tests(text, span, entity, entities, reaching)
        if (answer := answers.get(entity)) is not None:
            _answered(text, entity, answer, reaching)
        if reaching["historical"] is None:
            reaching["historical"] = _done(text, entity, span)
        _take_back(text, span, entity, reaching)
        attrs = _attributes(reaching, entity, section)
        result.append(entity if attrs == entity.attrs else replace(entity, attrs=attrs))
    return [_as_said(text, e, result, i) for i, e in enumerate(result)]


def _answered(text: str, entity: Entity, answer: Answer, reaching: dict[str, Cue | None]) -> None:
    """Weigh an answer: a yes to "Suspected PE" says no more than that it is suspected."""
    if answer.says == "yes":
        for category in ("negated", "uncertain"):
            cue = reaching[category]
            if cue is not None and not _ASKED.fullmatch(text, cue.end, entity.start):
                reaching[category] = None
        return
    category = "negated" if answer.says == "no" else "uncertain"
    reaching["negated"] = reaching["uncertain"] = None
    reaching[category] = Cue(category, "after", *answer.span)


def _as_said(text: str, label: Entity, all_of: Sequence[Entity], place: int) -> Entity:
    """A name before a colon with the context of the same name behind: "Effusion: no effusion"."""
    if label.type not in CONTEXT_TYPES or text[label.end : label.end + 1] not in (":", "："):
        return label
    name = label.text.casefold()
    after = islice(all_of, place + 1, None)
    twin = next((e for e in after if e.type == label.type and e.text.casefold() == name), None)
    return label if twin is None else replace(label, attrs=twin.attrs)


def _take_back(text: str, span: Span, entity: Entity, reaching: dict[str, Cue | None]) -> None:
    if (unknown := unknown_after(text, entity, span)) is not None:
        reaching["uncertain"] = Cue("uncertain", "after", *unknown)
    if reaching["historical"] is None and (ended := ended_after(text, entity, span)) is not None:
        reaching["historical"] = Cue("historical", "after", *ended)


def _without_those_of_sizes(
    text: str, cues: Sequence[Cue], entities: Sequence[Entity]
) -> list[Cue]:
    """What makes a size an earlier one, beside a present size, leaves its finding a present one."""
    sizes = [e.value.prior for e in entities if e.type == "measurement" and e.value is not None]
    earlier = [e for e in entities if e.value is not None and e.value.prior]
    if not earlier or all(sizes):
        earlier = []
    return [
        cue
        for cue in cues
        if cue.category != "historical"
        or not (
            _SEEN_AGAIN.match(text, cue.start)
            or any(
                _TO_SIZE.fullmatch(text, cue.end, size.start)
                or (cue.direction != "before" and _FROM_SIZE.fullmatch(text, size.end, cue.start))
                for size in earlier
            )
        )
    ]


def _is_denied_after(text: str, uncertain: Cue | None, negated: Cue | None) -> bool:
    """Whether a denial begins a clause of its own: "likely reactive nodes, no adenopathy"."""
    if uncertain is None or negated is None or uncertain.end > negated.start:
        return False
    return re.search("[,，]", text[uncertain.end : negated.start]) is not None


def _weigh_tests(
    text: str,
    span: Span,
    entity: Entity,
    entities: Sequence[Entity],
    reaching: dict[str, Cue | None],
) -> None:
    """What a test has excluded is denied, whatever was thought before; the test itself was done."""
    negated = reaching["negated"]
    if entity.type == "procedure":
        if negated is not None and _EXCLUDED.fullmatch(text, negated.start, negated.end):
            reaching["negated"] = None
        return
    if negated is not None and _TO_EXCLUDE.search(text, span[0], negated.end):
        reaching["negated"], reaching["uncertain"] = None, reaching["uncertain"] or negated
    for test in entities:
        if test.type != "procedure" or not _TESTED.fullmatch(text, entity.end, test.start):
            continue
        if out := _RULED_OUT.match(text, test.end, span[1]):
            reaching["negated"] = Cue("negated", "after", out.start("cue"), out.end("cue"))
            reaching["uncertain"] = None


def _done(text: str, entity: Entity, span: Span) -> Cue | None:
    """A procedure that is over: 切除术 with 后, or a year that it was done in."""
    if entity.type != "procedure":
        return None
    begun = _DONE_IN.search(text, max(span[0], entity.start - 24), entity.start)
    if begun is not None:
        return Cue("historical", "before", *begun.span(1))
    match = _DONE.match(text, entity.end, span[1])
    if match is None or (match[0] == "后" and not entity.text.endswith("术")):
        return None
    return Cue("historical", "after", match.start(), match.end())


def _attributes(reaching: dict[str, Cue | None], entity: Entity, section: str) -> Attributes:
    negated, uncertain = reaching["negated"], reaching["uncertain"]
    if negated and uncertain:
        negated = None  # "unlikely", "no definite": never both
    family = reaching["family"]
    experiencer = (
        "family" if family or section == "family" else "other" if reaching["other"] else "patient"
    )
    historical = reaching["historical"]
    if historical and family and historical.start <= family.end and family.start <= historical.end:
        historical = None
    temporality = (
        "hypothetical" if reaching["hypothetical"] else "historical" if historical else "current"
    )
    if (
        temporality == "current"
        and section == "history"
        and experiencer == "patient"
        and entity.type not in ("drug", "allergy", "device")
    ):
        temporality = "historical"
    used = [negated, uncertain, historical, reaching["hypothetical"], family, reaching["other"]]
    return Attributes(
        negated=negated is not None,
        uncertain=uncertain is not None,
        temporality="current"
        if experiencer == "family" and temporality == "historical"
        else temporality,
        experiencer=experiencer,
        trigger=_trigger([c for c in used if c], entity),
    )


def _trigger(cues: Sequence[Cue], entity: Entity) -> Span | None:
    if not cues:
        return None
    nearest = min(cues, key=lambda c: _distance(c, entity))
    return nearest.start, nearest.end


def _distance(cue: Cue, entity: Entity) -> int:
    return entity.start - cue.end if cue.end <= entity.start else cue.start - entity.end


def _nearest(
    candidates: Sequence[Cue],
    text: str,
    entity: Entity,
    stops: Sequence[Cue],
    spans: Sequence[Span],
) -> Cue | None:
    # Nearest first: of hundreds in a sentence few need to be looked at.
    ordered = sorted(candidates, key=lambda c: _distance(c, entity))
    return next((c for c in ordered if _reaches(c, text, entity, stops, spans)), None)


def _is_condition(cue: Cue, text: str) -> bool:
    """Whether what follows is only supposed: "if there is", "call for", not "rule out"."""
    written = text[cue.start : cue.end]
    return cue.category == "hypothetical" and _CONDITION.match(written) is not None


def _reaches(
    cue: Cue, text: str, entity: Entity, stops: Sequence[Cue], spans: Sequence[Span]
) -> bool:
    if cue.end <= entity.start and cue.direction in ("before", "both"):
        gap = (cue.end, entity.start)
    elif cue.start >= entity.end and cue.direction in ("after", "both"):
        gap = (entity.end, cue.start)
    else:
        return False
    ends = ("stop",) if _is_condition(cue, text) else ("stop", "claim")
    within = [c for c in stops if c.category in ends and gap[0] <= c.start and c.end <= gap[1]]
    if any(not _is_said_of(text, cue, c) for c in within):
        return False
    between = text[gap[0] : gap[1]]
    if _is_cut_off(text, cue, between):
        return False
    if cue.direction == "both" or cue.category == "family":
        return cue.category == "family" or not re.search("[,，]", between)
    return _commas_are_a_list(text, gap, spans, cue)


def _is_cut_off(text: str, cue: Cue, between: str) -> bool:
    """Whether a stop, a bracket or a clause of its own stands between a cue and a mention."""
    if _is_mark_of_other_side(text, cue):
        return True
    goes_forward = cue.direction == "after" and _GOES_FORWARD.match(text, cue.start) is not None
    if goes_forward and re.search("[,，]", between):
        return True
    if _HARD_STOP.search(between) or _is_of_bracket(text, cue, between):
        return True
    # A cue that comes before stands right at the beginning of what lies between.
    return text.startswith(between, cue.end) and _ends_at_once(text, cue, between)


def _ends_at_once(text: str, cue: Cue, between: str) -> bool:
    """Whether what a cue begins is over before the mention behind it."""
    if cue.category == "negated" and between.lstrip()[:1] in (",", "，"):
        return True  # "diabetes absent, hypertension present"
    if cue.category in ("family", "other") and text[cue.start - 1 : cue.start] in ("(", "（"):
        return _CLOSED.match(between) is not None  # "hypertension (father), diabetes"
    return _OUT_OF_BRACKET.match(between) is not None


def _is_mark_of_other_side(text: str, cue: Cue) -> bool:
    """Whether a question mark speaks of its other side: "SOB ?PE", "PE? Stable angina"."""
    if text[cue.start : cue.end] != "?":
        return False
    is_ahead = text[cue.end : cue.end + 1].isalnum()
    is_behind = text[max(0, cue.start - 1) : cue.start].isalnum() and not is_ahead
    return is_ahead if cue.direction == "after" else is_behind


def _is_said_of(text: str, whose: Cue, claim: Cue) -> bool:
    """Whether "has" goes on about a relative: "father, aged 72, has COPD"."""
    return (
        whose.category in ("family", "other")
        and text[claim.start : claim.end].lower() in ("has", "had been")
        and _GOES_ON.fullmatch(text, whose.end, claim.start) is not None
    )


def _is_of_bracket(text: str, cue: Cue, between: str) -> bool:
    """Whether a cue speaks of what stands with it in a bracket: "nodule (not seen on the prior)"."""
    if cue.direction == "before" or not _OPENED.search(between) or _CLOSED.match(text, cue.end):
        return False
    if cue.direction == "both":  # "nodule 12 mm (previously 9 mm)"
        return cue.category == "historical"
    begins_it = between.rstrip().endswith(("(", "（"))
    return not begins_it or _SEEN.search(text, cue.start, cue.end) is not None


def _commas_are_a_list(text: str, gap: Span, spans: Sequence[Span], cue: Cue) -> bool:
    """Whether a scope may cross the commas in `gap`: only from one list member to the next.

    A time ("既往", "history of") reaches on over any comma. 否认 reaches from name to name, and so does
    what reaches back in English.
    """
    commas = [m.start() for m in re.finditer("[,，]", text[gap[0] : gap[1]])]
    if not commas:
        return True
    if cue.direction == "before" and cue.category in ("historical", "hypothetical"):
        return True
    english = not _HAN.search(text[cue.start : cue.end])
    if english and cue.direction == "after" and " " not in text[cue.start : cue.end]:
        return False  # "nodules, likely granulomas": a single word belongs to what follows
    if cue.direction == "before" and english:
        return True
    if not english and not text[cue.start : cue.end].startswith("否认"):
        return False  # lists are joined by 、 there; a comma begins a new statement
    return _LIST_FILL.fullmatch(_without(text, gap, spans)) is not None


def _without(text: str, gap: Span, spans: Sequence[Span]) -> str:
    left, position = [], gap[0]
    for start, end in sorted(s for s in spans if s[0] >= gap[0] and s[1] <= gap[1]):
        left.append(text[position:start])
        position = max(position, end)
    left.append(text[position : gap[1]])
    return "".join(left)
