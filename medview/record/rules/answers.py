"""Answers to a name as to a label: "HTN: no. DM: yes.", "Hypertension (-)", 高血压：无, "[ ] Asthma"."""

# ruff: noqa: E501 - a pattern reads better on one line

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from medview.record.note import Entity, Span

Said = Literal["yes", "no", "open"]

# The next label ends an answer too: "HTN: - DM: +", 糖尿病：否 高血压：是
_NEXT = r"[ \t]+(?-i:[A-Z\u4e00-\u9fff])[^\s.,;:：]{0,24}(?: [^\s.,;:：]{1,24}){0,2}\s?[:：=]"
_ENDS = rf"(?=\s*(?:[.,;)）:，。；、|]|\n|$)|\s+known\s*(?:[.,;)]|\n|$)|{_NEXT})"
_NO = r"no|none|nil|nil of note|nothing|nothing of note|never|n|denie[sd]|negative|neg|absent|否认?|无|没有"
_YES = r"yes|y|present|positive|pos|有|是"
_ANSWER = re.compile(
    r"(?:病史|史)?(?:\s?[:：=]\s?[(（]?\s?|\s?[(（]\s?|[ ][-–—][ ])"
    rf"(?:(?P<no>{_NO}|[-－—–](?!\s?\d))|(?P<yes>{_YES}|[+＋]+)){_ENDS}"
    # at the end of a line that goes on below a dash is none: "Hypertension -\ncontrolled"
    r"|[ \t]+(?:(?P<minus>[-－–])|(?P<plus>\+))[ \t]*(?=[,;，；]|\n(?![ \t]*(?-i:[a-z]))|$)"
    r"|(?:(?P<glued>[-－–])|(?P<added>\+))(?=[,;，；]|$)"
    # the next cell of a table: "Diabetes No, Hypertension Yes"
    r"|[ \t]+(?-i:(?P<cell>No|NO|None|NONE|Denies|Denied)|(?P<full>Yes|YES))(?=[ \t]*(?:[,;|]|\.?[ \t]*(?:\n|$)))",
    re.IGNORECASE,
)
_MARKS = ("minus", "glued")
# "DM/HTN: no" is said of both, "Hypertension, diabetes: none" perhaps of the last alone.
_JOINED = re.compile(
    r"\s?(?:[/&、]|(?P<word>\b(?:and|or|nor)\b)|[和或及与]|以及)\s?", re.IGNORECASE
)
_AMONG = re.compile(r", ?(?P<word>)")  # "diabetes, asthma or stroke: no"
# "Complications of diabetes: none", "Medication for hypertension: no" do not answer for the disease.
_OF_SOMETHING = re.compile(
    r"\b(?P<what>\w+) (?:of|for|from|with|to|due to|about|on|in|against) (?:\w+ )?$", re.IGNORECASE
)
_OF_ITSELF = re.compile(
    r"history|hx|diagnosis|diagnosed|presence|evidence|signs?|symptoms?|episodes?|attacks?|complaints?|suspicion|known",
    re.IGNORECASE,
)
_TICKED = r"\[ ?[xX✓✔√] ?\]|\( ?[xX✓✔√] ?\)|[☑☒✓✔√■▣]"
_UNTICKED = r"\[ ?\]|\( \)|[☐□]"
_BOX = re.compile(rf"(?P<ticked>{_TICKED})|(?P<open>{_UNTICKED})")
_BOX_BEFORE = re.compile(rf"(?:{_BOX.pattern}) {{0,2}}$")
_BOX_BEHIND = re.compile(rf" {{0,2}}(?:{_BOX.pattern})")
_LEADS = ":：.•*)）-"  # what stands before the first box of a line of boxes
_WORD = r"(?:yes|no|y|n|是|否|有|无)\b"
_ANY_BOX = rf"(?:{_TICKED}|{_UNTICKED})"
_PAIR = rf"(?:{_ANY_BOX}\s?{_WORD}[\s,;/|]{{0,4}}{_ANY_BOX}\s?{_WORD}|{_WORD}\s?{_ANY_BOX}[\s,;/|]{{0,4}}{_WORD}\s?{_ANY_BOX})"
_CHOICE = re.compile(rf"(?:病?史)?\s?[:：]?\s?{_PAIR}", re.IGNORECASE)
_CHOICES = re.compile(_PAIR, re.IGNORECASE)
_LONGEST_PAIR = 24  # characters
_WORD_OF_BOX = re.compile(rf"(?P<no>no|n|否|无)\b|{_WORD}", re.IGNORECASE)
_MARK_BEFORE = re.compile(r"(?:[(（](?P<bracket>[-+])[)）] ?|(?<!\S)(?P<glued>[-+]))$")
_MARK = re.compile(r"[(（][-+][)）]|(?<!\S)[-+](?=[A-Za-z])")
_PLUS = re.compile(r"[(（]\+[)）]|(?<!\S)\+(?=[A-Za-z])")
_LOOK = 60  # characters before a name
_LONGEST_LINE = 2000  # characters to either side in which a line's first box is sought


@dataclass(frozen=True, slots=True)
class Answer:
    """What stands beside a name, and where: yes, no, or a question that is left open.

    is_word: a no that is written in words, for a whole list perhaps.
    """

    says: Said
    span: Span
    is_word: bool = False


def answer_to(text: str, entity: Entity) -> Answer | None:
    """The answer to a mention, None where what stands beside it is none."""
    chosen = _chosen(text, entity) or _left_open(text, entity) or _marked(text, entity)
    if chosen is not None:
        return chosen
    match = _ANSWER.match(text, entity.end)
    if match is None:
        return None
    word = next(k for k, said in match.groupdict().items() if said)
    if word not in ("no", "cell", *_MARKS):
        return Answer("yes", match.span(word))
    is_own = not _is_of_another(text, entity)
    return Answer("no" if is_own else "open", match.span(word), is_word=word not in _MARKS)


def answers_to(text: str, names: Sequence[Entity]) -> dict[Entity, Answer]:
    """The answers to mentions in the order of the text; a no in words is that of a whole list."""
    found: dict[Entity, Answer] = {}
    for number, name in enumerate(names):
        answer = answer_to(text, name)
        if answer is None:
            continue
        found[name] = answer
        if answer.is_word:
            listed = [name, *_listed_before(text, names, number, found)]
            if any(_is_of_another(text, each) for each in listed):
                answer = replace(answer, says="open")
            found.update(dict.fromkeys(listed, answer))
    return found


def _listed_before(
    text: str, names: Sequence[Entity], number: int, answered: Collection[Entity]
) -> Iterator[Entity]:
    """The names that stand in one list with a name, from it backwards."""
    joins = _JOINED
    for before, after in zip(names[number - 1 :: -1], names[number:0:-1], strict=False):
        join = joins.fullmatch(text, before.end, after.start)
        if join is None or before in answered:
            return
        yield before
        joins = _AMONG if joins is _AMONG or join["word"] else _JOINED


def _is_of_another(text: str, name: Entity) -> bool:
    about = _OF_SOMETHING.search(text, max(0, name.start - _LOOK), name.start)
    if about is None or name.type != "disease":
        return False
    return _OF_ITSELF.fullmatch(about["what"]) is None


def choices(text: str, span: Span) -> list[Span]:
    """Where boxes with "yes" and "no" stand in and around a sentence: their words deny nothing else."""
    start, end = max(0, span[0] - _LONGEST_PAIR), span[1] + _LONGEST_PAIR
    if _BOX.search(text, start, end) is None:
        return []
    return [match.span() for match in _CHOICES.finditer(text, start, end)]


def _chosen(text: str, entity: Entity) -> Answer | None:
    """The box that is ticked behind a name: "Diabetes [ ] yes [x] no", 糖尿病：□有 ☑无."""
    match = _CHOICE.match(text, entity.end)
    if match is None:
        return None
    boxes = list(_BOX.finditer(match[0]))
    words = list(_WORD_OF_BOX.finditer(match[0]))
    ticked = [w for b, w in zip(boxes, words, strict=False) if b["ticked"]]
    if len(ticked) != 1:
        return Answer("open", match.span())
    return Answer("no" if ticked[0]["no"] else "yes", match.span())


def _marked(text: str, entity: Entity) -> Answer | None:
    """The mark before a name in a line of marks: "(-) diabetes (+) hypertension", "-DM +HTN"."""
    mark = _MARK_BEFORE.search(text, max(0, entity.start - 4), entity.start)
    if mark is None:
        return None
    line = text.rfind("\n", max(0, entity.start - _LONGEST_LINE), entity.start) + 1
    line = max(line, entity.start - _LONGEST_LINE)
    first = _MARK.search(text, line, entity.start)
    lead = text[line : first.start()].rstrip() if first else ""
    if lead and lead[-1] not in _LEADS + ",;":
        return None  # the mark is that of the name before
    is_bullet = mark["bracket"] is None and not _PLUS.search(text, line, entity.end + _LONGEST_LINE)
    if is_bullet:
        return None
    said = mark["bracket"] or mark["glued"]
    return Answer("yes" if said == "+" else "no", mark.span())


def _left_open(text: str, entity: Entity) -> Answer | None:
    """The box of a name that is not ticked: nobody says that the name does not hold."""
    before = _BOX_BEFORE.search(text, max(0, entity.start - 5), entity.start)
    behind = _BOX_BEHIND.match(text, entity.end)
    if before is None and behind is None:
        return None
    line = text.rfind("\n", max(0, entity.start - _LONGEST_LINE), entity.start) + 1
    line = max(line, entity.start - _LONGEST_LINE)
    first = _BOX.search(text, line, entity.end + 5)
    lead = text[line : first.start()].rstrip() if first else ""
    box = before if not lead or lead[-1] in _LEADS else behind
    if box is None or box["ticked"]:
        return None
    if "□" in box[0] and not re.search(_TICKED, text[line : entity.end + _LONGEST_LINE]):
        return None  # a bullet
    return Answer("open", box.span())
