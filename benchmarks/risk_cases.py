"""How many worked cases of public calculators the shipped scores reproduce to the printed digit.

    python -m benchmarks.risk_cases FILE [--json] [--score ID] [--failed]

FILE is `{"cases": [...]}` (plain or .gz): each case has `case`, `score`, `inputs` [{name, value,
unit?, label?}], `expected` [{name, value, decimals?, label?}] and `clock`, its own "today". Which
of them say what of which score stands in `risk_cases_map.json`: rules over names and labels, none
for a single case. A case with no expected answer passes where no number is given, with the reason.

Disputed are the answers that the score's own source proves wrong (`risk_cases_disputes.json`,
each with that source, and mostly with the mistake: done again in `risk_proofs.py` it must give the
case's answer), what no person can have, and patients for whom the score was not made, whom it
refuses in words: then it is said whether the formula alone gives the answer. Unreadable is a case
of a covered score with something that no rule understands.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.risk_proofs import Doubt, proves
from benchmarks.risk_reading import Rule, Unreadable, given_by, read_rules
from benchmarks.risk_reading import matches as name_matches
from medview.core.errors import MedViewError
from medview.risk import RiskResult, Score, by_hand, catalogue, compute
from medview.risk.by_hand import ImpossibleValue
from medview.risk.explain import run
from medview.risk.formulas import Inputs, NotKnown

HERE = Path(__file__).parent
OUTCOMES = ("passed", "disputed", "failed", "unreadable", "not covered")
SILENT = "rightly no number: "
_FIGURES_FIRST = re.compile(r"^\S+ instead of [^:]*: |^[\d.]+(, but none expected)?: ")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one case under one score; `why` says it in words where it did not pass."""

    case: str
    source: str
    score: str
    outcome: str
    why: str = ""


def read_cases(path: Path) -> list[Rule]:
    """The cases of a file, compressed or not. Raises OSError or ValueError."""
    raw = path.read_bytes()
    loaded = json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)
    found: list[Rule] = loaded["cases"] if isinstance(loaded, dict) else loaded
    return found


def judge_all(cases: Sequence[Rule], only: str = "") -> Iterator[Verdict]:
    """The verdicts on every case, one for each score that a rule finds in it."""
    rules = read_rules(HERE / "risk_cases_map.json")
    rules = [rule for rule in rules if only in ("", rule["score"])]
    disputes = json.loads((HERE / "risk_cases_disputes.json").read_text(encoding="utf-8"))
    for case in cases:
        mine = [rule for rule in rules if _is_for(rule, case)]
        found = [verdict for rule in mine for verdict in _judged(rule, case, disputes)]
        yield from found or [Verdict(case["case"], case["score"], "", "not covered")]


def _is_for(rule: Rule, case: Rule) -> bool:
    if not name_matches(rule["source"], case["score"]):
        return False
    if not name_matches(rule.get("note", ""), case.get("note") or ""):
        return False
    return all(_has(case, name, value) for name, value in rule.get("only", {}).items())


def _has(case: Rule, name: str, value: str) -> bool:
    said = (
        f"{item.get('label', item.get('value'))} {item.get('unit') or ''}".strip()
        for item in case["inputs"]
        if name_matches(name, item["name"])
    )
    return any(name_matches(value, text) for text in said)


def _judged(rule: Rule, case: Rule, disputes: Sequence[Rule]) -> list[Verdict]:
    try:
        return list(_judge(rule, case, disputes))
    except (KeyError, TypeError, ValueError) as error:
        why = f"cannot be read: {error}"
        return [Verdict(case["case"], case["score"], rule["score"], "unreadable", why)]


@dataclass(frozen=True, slots=True)
class _Found:
    """What one score says to one case; wrong: the answers that differ from the result."""

    outcome: str
    why: str = ""
    result: RiskResult | None = None
    wrong: tuple[Rule, ...] = ()


def _judge(rule: Rule, case: Rule, disputes: Sequence[Rule]) -> Iterator[Verdict]:
    expected = [answer for answer in case["expected"] if not _is_refusal(answer)]
    answers = [
        (answer, how)
        for answer in expected
        for name, how in rule["expected"].items()
        if name_matches(name, answer["name"])
    ]
    if not answers and expected:
        return
    found = _found(rule, case, answers)
    outcome, why = found.outcome, found.why
    if outcome == "failed":
        dispute = next((d for d in disputes if _disputes(d, rule, case, found)), None)
        if dispute is not None:
            outcome, why = "disputed", f"{why}: {dispute['why']} ({dispute['source_of_truth']})"
    yield Verdict(case["case"], case["score"], rule["score"], outcome, why)


def _is_refusal(answer: Rule) -> bool:
    """A warning that something is out of range, in place of a number."""
    said = str(answer.get("label", answer.get("value")))
    is_comment = name_matches("^comment", answer["name"]) and name_matches("too (low|high)", said)
    return is_comment or name_matches("^warning ", answer["name"])


def _disputes(dispute: Rule, rule: Rule, case: Rule, found: _Found) -> bool:
    if not name_matches(dispute["source"], case["score"]):
        return False
    if dispute.get("score", rule["score"]) != rule["score"]:
        return False
    if not name_matches(dispute.get("finding", ""), found.why):
        return False
    if "proof" not in dispute:
        return True
    if found.result is None:
        return False
    return proves(dispute["proof"], Doubt(case, found.result, found.wrong))


def _found(rule: Rule, case: Rule, answers: Sequence[tuple[Rule, Rule]]) -> _Found:
    score = catalogue()[rule["score"]]
    try:
        given = given_by(rule, case, score)
        result = compute(score, [by_hand(name, value) for name, value in given.items()])
    except ImpossibleValue as error:
        why = f"{error} {error.what_to_do.english() if error.what_to_do else ''}".strip()
        asked = _Found("disputed", f"no person has it: {why}")
        return asked if answers else _Found("passed", SILENT + why)
    except (Unreadable, MedViewError) as error:
        return _Found("unreadable", str(error))
    return _compared(score, result, answers) if answers else _silent(result, case)


def _compared(score: Score, result: RiskResult, answers: Sequence[tuple[Rule, Rule]]) -> _Found:
    if result.status == "invalid":
        why = f"not made for this patient: {result.reason}{_all_the_same(score, result, answers)}"
        return _Found("disputed", f"{why} ({result.citation})")
    if result.status == "missing":
        return _Found("failed", f"missing {', '.join(result.missing)}", result)
    wrong = [(answer, w) for answer, how in answers if (w := _wrong(result, answer, how))]
    if not wrong:
        return _Found("passed")
    return _Found("failed", wrong[0][1], result, tuple(answer for answer, _ in wrong))


def _all_the_same(score: Score, result: RiskResult, answers: Sequence[tuple[Rule, Rule]]) -> str:
    """Whether the formula gives the answers although the score refuses the patient."""
    try:
        outcome = run(score, Inputs({item.name: item.value for item in result.inputs}))
    except (NotKnown, ArithmeticError):
        return ""
    band = outcome.band or (score.band_of(outcome.value) if outcome.value is not None else "")
    found = replace(
        result,
        value=outcome.value,
        band_id=band if isinstance(band, str) else "" if band is None else band.id,
    )
    is_same = not any(_wrong(found, answer, how) for answer, how in answers)
    return " The formula alone agrees." if is_same else " The formula alone differs."


def _silent(result: RiskResult, case: Rule) -> _Found:
    """The verdict on a case that expects no number, perhaps for its form's own limits."""
    if result.status == "computed" and case["expected"]:
        why = f"{result.shown}: the limits of a form, not the paper's ({result.citation})"
        return _Found("disputed", why)
    if result.status == "computed":
        return _Found("failed", f"{result.shown}, but none expected", result)
    lacks = ", ".join(result.missing)
    return _Found("passed", SILENT + (f"missing {lacks}" if lacks else str(result.reason)))


def _wrong(result: RiskResult, answer: Rule, how: Rule) -> str:
    """In words how a result differs from an answer, "" where it agrees."""
    if "bands" in how:
        said = str(answer.get("label", answer.get("value")))
        wanted = next((band for text, band in how["bands"] if name_matches(text, said)), None)
        is_right = wanted is None or result.band_id == wanted
        return "" if is_right else f"{result.band_id} instead of {wanted}"
    if how.get("advice"):
        own = "" if result.advice is None else result.advice.english()
        is_same = _intervals(own) == _intervals(str(answer["label"]))
        return "" if is_same else f"advice: {own}"
    expected = float(str(answer["value"]).rstrip("% "))
    if result.value is None:
        return f"no number instead of {expected:g}"
    value = result.value * how.get("times", 1.0)
    decimals = how.get("decimals", answer.get("decimals", 0))
    if how.get("rounded") == "up":
        value, decimals = float(math.ceil(value - 1e-9)), 0
    margin = max(0.5 * 10.0**-decimals, 1e-12 * abs(expected))
    # Halves may have been rounded either way, and a binary fraction lies beside its decimal.
    if abs(value - expected) <= margin + 1e-9:
        return ""
    is_cut = abs(math.trunc(value * 10.0**decimals) / 10.0**decimals - expected) < 1e-9
    return f"{value:.6g} instead of {expected:g}{', cut off' if is_cut else ''}"


def _intervals(advice: str) -> list[str]:
    """The intervals named, in order: what two wordings of one advice share."""
    return re.findall(r"\d+(?:-\d+)?", advice.replace("–", "-"))


def summary(verdicts: Sequence[Verdict]) -> Mapping[str, Mapping[str, int]]:
    """For each score how many cases came out how; under "" the cases that no score covers."""
    counts: dict[str, collections.Counter[str]] = {}
    for verdict in verdicts:
        counts.setdefault(verdict.score, collections.Counter())[verdict.outcome] += 1
    return {score: dict(counts[score]) for score in sorted(counts)}


def reasons(verdicts: Sequence[Verdict]) -> Mapping[str, Mapping[str, int]]:
    """For each score why cases are disputed or rightly without a number, and how many for each.

    The figures of a dispute are left out, so that cases with one reason count together.
    """
    found: dict[str, collections.Counter[str]] = {}
    for verdict in verdicts:
        why = _FIGURES_FIRST.sub("", verdict.why)
        if verdict.outcome == "disputed":
            found.setdefault(verdict.score, collections.Counter())[f"disputed: {why}"] += 1
        elif why.startswith(SILENT):
            found.setdefault(verdict.score, collections.Counter())[why] += 1
    return {score: dict(sorted(found[score].items())) for score in sorted(found)}


def _print(verdicts: Sequence[Verdict], *, show_passed: bool) -> None:
    for score, counts in summary(verdicts).items():
        if score:
            print(f"{score:28}", ", ".join(f"{counts[o]} {o}" for o in OUTCOMES if o in counts))
    for verdict in verdicts:
        if verdict.why and (show_passed or verdict.outcome in ("failed", "disputed", "unreadable")):
            print(f"{verdict.outcome}: {verdict.case} {verdict.source}: {verdict.why}")
    total = collections.Counter(verdict.outcome for verdict in verdicts)
    print("all:", ", ".join(f"{total[outcome]} {outcome}" for outcome in OUTCOMES))


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 where a case of a covered score fails undisputed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="one object instead of lines")
    parser.add_argument("--score", default="", help="only this one of the shipped scores")
    parser.add_argument(
        "--reasons", action="store_true", help="why a case passes without a number, too"
    )
    args = parser.parse_args(argv)
    try:
        cases = read_cases(args.file)
    except (OSError, ValueError, KeyError) as error:
        print(f"{args.file} holds no cases: {error}", file=sys.stderr)
        return 2
    verdicts = list(judge_all(cases, args.score))
    if args.json:
        rows = [
            {"case": v.case, "source": v.source, "score": v.score, "outcome": v.outcome,
             "why": v.why}
            for v in verdicts
        ]  # fmt: skip
        counts = collections.Counter(verdict.outcome for verdict in verdicts)
        print(json.dumps({"counts": counts, "scores": summary(verdicts), "cases": rows}, indent=1))
    else:
        _print(verdicts, show_passed=args.reasons)
    return 1 if any(verdict.outcome == "failed" for verdict in verdicts) else 0


if __name__ == "__main__":
    raise SystemExit(main())
