"""What a worked case says of a score's inputs, by the rules of `risk_cases_map.json`.

A rule has `source` (a pattern for the case's score), `score` (ours), `inputs` {pattern of a name:
target} and `expected` {pattern of a name: how to compare}. A target is a concept's id, "" for what
does not matter, "born" for a birth date, or {"to": id} with one of `words` [[pattern, value], ...]
(`else_plain`: other words are read as they stand), `above` or `from`, a limit that turns a number
into yes or no, `times`, a factor, `sum` for what is added up, `counts` for a word by how many yes
there are (each worth `points`), or `by_answer`, patterns over the case's own answers. `always`
says what the case leaves open by its own rules, `only` for which cases the rule is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from medview.core.observation import concepts
from medview.core.unit_names import ucum
from medview.risk import Score

Rule = Mapping[str, Any]
_YES = r"^(yes|y$|present|true|1(\.0)?$|närvarande|has |\+)"
_NO = r"^(no\b|n$|absent|false|0(\.0)?$|frånvarande|none)"
_BARE = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?", re.I)
_SAME = (("yes", "y", "true", "present"), ("no", "n", "false", "absent"))
_UNITS = {"1": "", "hu": "", "agatston": "", "packs": "", "/l": "U/L", "µl": "/uL"}
"""Units that the cases write in a way of their own; the rest is read as a person writes it."""


class Unreadable(Exception):
    """A case says something that no rule understands."""


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.I)


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, whatever the case of its letters."""
    return _pattern(pattern).search(text.strip()) is not None


def read_rules(path: Path) -> list[Rule]:
    """The rules of a file."""
    rules: list[Rule] = json.loads(path.read_text(encoding="utf-8"))
    return rules


def given_by(rule: Rule, case: Rule, score: Score) -> dict[str, str | float | bool]:
    """The inputs of a score as a case gives them, ready for `by_hand`. Raises Unreadable."""
    found: dict[str, str | float | bool] = {}
    for item in case["inputs"]:
        if item.get("value") is None and "label" not in item:
            continue
        target = _target(rule, item["name"])
        for part in target if isinstance(target, list) else [target]:
            if isinstance(part, dict) and "counts" in part:
                _count(found, part, item)
            elif part != "":
                is_sum = isinstance(part, dict) and "sum" in part
                _join(found, _said(part, item, case), is_sum)
    for name, value in rule.get("always", {}).items():
        found.setdefault(name, value)
    asked = {*(spec.name for spec in score.inputs), *(e.name for e in score.exclusions)}
    for part in (part for part in rule["inputs"].values() if _counts(part)):
        found |= _word_of(found, part)
    derived = {"weight", "height", "urea_nitrogen", "creatinine", "cancer_history",
               "arterial_oxygen", "inspired_oxygen", "systolic_bp", "diastolic_bp"}  # fmt: skip
    return {name: _in_unit(name, v) for name, v in found.items() if name in asked | derived}


def _in_unit(name: str, value: str | float | bool) -> str | float | bool:
    """A number of which a case says no unit is in the concept's own, also where one would ask."""
    own, text = concepts()[name], str(value)
    return f"{text} {own.unit}" if own.unclear and _BARE.fullmatch(text) else value


def _join(
    found: dict[str, str | float | bool],
    said: Mapping[str, str | float | bool],
    is_sum: bool,
) -> None:
    """Several names may speak of one condition: one yes is enough; sizes may be added up."""
    for name, value in said.items():
        if is_sum:
            found[name] = float(found.get(name, 0.0)) + float(value)
        elif found.get(name) is not True or value is not False:
            found[name] = value


def _counts(part: Any) -> bool:
    return isinstance(part, dict) and "counts" in part


def _count(found: dict[str, str | float | bool], part: Rule, item: Rule) -> None:
    """Add the points of one yes."""
    said = matches(_YES, str(item.get("label", item.get("value"))))
    name = str(part["to"])
    found[name] = float(found.get(name, 0.0)) + float(said) * float(part["points"])


def _word_of(found: Mapping[str, str | float | bool], part: Rule) -> dict[str, str | float | bool]:
    """The word for a count, "none" below the first limit."""
    name = str(part["to"])
    if not isinstance(found.get(name), float):
        return {}
    reached = [word for limit, word in part["counts"] if float(found[name]) >= limit]
    return {name: reached[-1] if reached else "none"}


def _target(rule: Rule, name: str) -> Any:
    for pattern, target in rule["inputs"].items():
        if matches(pattern, name):
            return target
    raise Unreadable(f"no rule for the input {name}")


def _said(target: str | Rule, item: Rule, case: Rule) -> dict[str, str | float | bool]:
    if isinstance(target, str):
        is_birth = target == "born"
        return {"age": _age(item, case)} if is_birth else {target: _plain(target, item)}
    name = str(target["to"])
    if "words" in target:
        return _by_words(name, target, item)
    if "by_answer" in target:
        return {name: _by_answer(target["by_answer"], item, case)}
    number = float(item["value"])
    if "sum" in target and item.get("unit"):
        number = concepts()[name].to_own_unit(number, ucum(str(item["unit"]))) or number
    if "times" in target or "sum" in target:
        return {name: number * float(target.get("times", 1.0))}
    return {name: number > target["above"] if "above" in target else number >= target["from"]}


def _by_words(name: str, target: Rule, item: Rule) -> dict[str, str | float | bool]:
    text = str(item.get("label", item.get("value"))).strip()
    others = next((words for words in _SAME if text.lower() in words), ())
    # One answer is written in many ways; what takes any answer comes last.
    for pattern, value in sorted(target["words"], key=lambda rule: not rule[0]):
        if any(matches(pattern, said) for said in (text, *others)):
            return {} if value is None else {name: value}
    if target.get("else_plain"):
        return {name: _plain(name, item)}
    raise Unreadable(f"no rule for {item['name']} = {text}")


def _plain(name: str, item: Rule) -> str | float | bool:
    concept = concepts()[name]
    text = str(item.get("label", item.get("value"))).strip()
    if concept.kind == "yes-no":
        if matches(_NO, text):
            return False
        if matches(_YES, text):
            return True
        raise Unreadable(f"no rule for {item['name']} = {text}")
    if concept.kind == "choice":
        return text
    unit = str(item.get("unit") or "")
    return f"{item.get('value', text)} {_UNITS.get(unit.lower(), unit)}".strip()


def _by_answer(rules: Any, item: Rule, case: Rule) -> float:
    """A value that an answer of the case gives away, such as "over 60: yes" for an age."""
    for pattern, words in rules:
        for answer in case["expected"]:
            if matches(pattern, answer["name"]):
                said = str(answer.get("label", answer["value"]))
                found = [value for text, value in words if matches(text, said)]
                if found:
                    return float(found[0])
    return _age(item, case)


def _age(item: Rule, case: Rule) -> float:
    """Years at the case's own day: the age that it prints, else from its clock."""
    for answer in case["expected"]:
        is_age = matches(r"^age( score)?$", answer["name"]) and "label" not in answer
        if is_age and isinstance(answer["value"], (int, float)):
            return float(answer["value"])
    clock = case.get("clock")
    if not clock:
        raise Unreadable("the age is not known: no clock")
    born, today = str(item["value"])[:10], str(clock)[:10]
    return float(int(today[:4]) - int(born[:4]) - (today[5:] < born[5:]))
