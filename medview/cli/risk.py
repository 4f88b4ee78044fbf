"""`medview risk`: scores from documents, results, or inputs given by hand."""

from __future__ import annotations

import argparse
import difflib
import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from medview.cli.listing import SCHEMA, print_list
from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.numbers import unit_text
from medview.core.observation import Observation, concepts
from medview.core.words import say
from medview.risk import (
    Meant,
    RiskResult,
    Score,
    amount,
    by_hand,
    by_use,
    catalogue,
    compute,
    concept_called,
    fitting_of,
    judge,
    know,
    meant_by,
    overridden,
    shown_of,
)
from medview.session.research import all_scores

_LARGEST_CASES_FILE = 64 << 20
_UNKNOWN = frozenset(("", "?", "unknown", "not known", "n/a", "未知", "不详"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command's contract."""
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="studies and documents")
    parser.add_argument("--score", action="append", default=[], metavar="ID", help="only this one")
    parser.add_argument(
        "--input",
        action="append",
        default=[],
        metavar="NAME=VALUE[unit]",
        help="a value given by hand",
    )
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="NAME|SOURCE",
        help="an input, or a kind of source (model, sentence …), that counts as not known",
    )
    parser.add_argument("--cases", type=Path, metavar="FILE.json", help="a list of cases at once")
    parser.add_argument("--list", action="store_true", help="the scores and their inputs")


def run(args: argparse.Namespace) -> int:
    """Compute and print; 3 when a file could not be used, or nothing by hand sufficed."""
    scores = [_score(score_id) for score_id in args.score]
    if args.list:
        return print_list(scores or list(all_scores().values()), as_json=args.json)
    if args.cases:
        results = [_case(row) for row in _read_cases(args.cases)]
        _print(results, as_json=args.json)
        return DONE
    given = [_given(text) for text in args.input]
    if not args.paths and not given and not scores:
        raise InvalidInput(
            say("There is nothing to compute from."),
            what_to_do=say("Give a path, --input NAME=VALUE, --cases FILE or --list."),
        )
    if args.paths:
        results, is_whole = _of_paths(args, scores, given)
        _print(results, as_json=args.json)
        return DONE if is_whole else IN_PART
    chosen = scores or _fitting(given) or all_scores().values()
    everything = know(given)
    results = [judge(score, everything, left_out=args.without) for score in chosen]
    _print(results, as_json=args.json)
    return DONE if any(result.status == "computed" for result in results) else IN_PART


def _score(score_id: str) -> Score:
    found = catalogue().get(score_id) or all_scores().get(score_id)
    if found is None:
        raise InvalidInput(
            say("There is no score called {name}.", name=score_id), what_to_do=_hint(score_id)
        )
    return found


def _hint(score_id: str) -> Any:
    close = difflib.get_close_matches(score_id[:60], all_scores(), n=1)
    if close:
        return say("Was {name} meant?", name=close[0])
    return say("medview risk --list names them.")


def _given(text: str) -> Observation:
    name, sign, value = text.partition("=")
    if not sign:
        raise InvalidInput(say("{text} is not of the form NAME=VALUE.", text=text))
    return _observation(name.strip(), value.strip())


def _observation(name: str, value: Any) -> Observation:
    if isinstance(value, dict) and isinstance(value.get("value"), (str, int, float)):
        value = f"{value['value']} {value.get('unit') or ''}".strip()
    if not isinstance(value, (str, int, float)) or value == "":
        raise InvalidInput(say("{name} has no value.", name=name))
    return by_hand(name, value, "--input")


def _of_paths(
    args: argparse.Namespace, scores: Sequence[Score], given: Sequence[Observation]
) -> tuple[list[RiskResult], bool]:
    from medview.session.gather import gather_all

    gathered = gather_all(args.paths, progress_for(args))
    unreadable = [(note.path, note.reason) for note in gathered.studies.holdings.unreadable]
    troubles = [*gathered.troubles, *unreadable]
    for where, reason in troubles:
        complain(f"{where}: {reason}", IN_PART)
    if not gathered.records:
        raise InvalidInput(say("Nothing about a patient was found there."))
    results: list[RiskResult] = []
    for record in gathered.records:
        patient, study, known = record.patient, record.study, record.observations
        all_known = know(overridden(known, given), patient, study)
        if scores:
            found = [
                judge(score, all_known, patient=patient, study=study, left_out=args.without)
                for score in scores
            ]
        else:
            every = shown_of(all_scores().values(), all_known, patient, study, args.without)
            found = [result for result in every if result is not None]
        results.extend(by_use(found))
    return results, not troubles


def _fitting(known: Sequence[Observation]) -> tuple[Score, ...]:
    return fitting_of(all_scores().values(), know(known))


def _read_cases(path: Path) -> list[Any]:
    try:
        if path.stat().st_size > _LARGEST_CASES_FILE:
            raise InvalidInput(say("The file of cases is too large."), str(path))
        loaded = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidInput(say("The file of cases cannot be read."), str(path)) from error
    rows = loaded.get("cases") if isinstance(loaded, dict) else loaded
    if not isinstance(rows, list):
        raise InvalidInput(say("The file of cases holds no list."), str(path))
    return rows


def _case(row: Any) -> RiskResult:
    """One case; what is wrong with it is said in its own answer, the others go on."""
    row = row if isinstance(row, dict) else {}
    name, inputs = str(row.get("score", "")), row.get("inputs")
    try:
        return compute(_score(name), [_observation(*pair) for pair in _pairs(inputs)])
    except InvalidInput as error:
        return _refused(name, error, inputs)


def _pairs(inputs: Any) -> list[tuple[str, Any]]:
    if not isinstance(inputs, dict | None):
        raise InvalidInput(say("A case has no inputs."))
    return [pair for pair in (inputs or {}).items() if not _is_unknown(*pair)]


def _is_unknown(name: str, value: Any) -> bool:
    """Whether a case says in words that it does not know: that is missing, neither no nor wrong."""
    if not isinstance(value, str):
        return value is None
    word = value.strip().lower()
    return word in _UNKNOWN and word not in concept_called(name).choices


def _refused(name: str, error: InvalidInput, inputs: Any) -> RiskResult:
    """A case whose inputs cannot be; what may have been meant is asked, never taken."""
    todo, score = error.what_to_do, all_scores().get(name)
    reason = error.what if todo is None else say("{what} {todo}", what=error.what, todo=todo)
    pairs = inputs.items() if isinstance(inputs, dict) else ()
    return RiskResult(
        patient_id="",
        study_uid=None,
        score=name,
        version=score.version if score else "",
        status="invalid",
        unit=score.unit if score else "",
        reason=reason,
        warnings=(reason,),
        meant=tuple(meant for pair in pairs if (meant := _meant(*pair)) is not None),
        citation=score.citation if score else "",
    )


def _meant(name: str, value: Any) -> Meant | None:
    try:
        _observation(name, value)
    except InvalidInput:
        return meant_by(name, str(value)) if name in concepts() else None
    return None


def _print(results: Sequence[RiskResult], *, as_json: bool) -> None:
    if as_json:
        print_json({"schema": SCHEMA, "scores": [result.to_json() for result in results]})
        return
    for patient_id, group in groupby(results, key=lambda result: result.patient_id):
        if patient_id:
            print_lines(str(say("Patient {id}", id=patient_id)))
        for result in group:
            print_lines(*_lines(result))
    if not results:
        print_lines(str(say("No score fits what is known.")))


def _lines(result: RiskResult) -> list[str]:
    score = all_scores().get(result.score)
    name = f"{score.title} ({score.subtitle})" if score else result.score
    if result.is_research:
        name += f" [{say('research')}]"
    lines = [f"{name}: {_answer(result)}"]
    lines += [f"  {item}" for item in (result.advice, *result.warnings) if item is not None]
    for item in result.inputs:
        concept = concepts()[item.name]
        origin = ", ".join(x for x in (item.source.kind, item.source.where, item.time[:10]) if x)
        lines.append(f"    {say(concept.title)}: {amount(concept, item.value)}  [{origin}]")
    return [*lines, f"    {result.citation}"] if score else lines


def _answer(result: RiskResult) -> str:
    if result.status == "invalid":
        return f"{say('not valid here')}. {result.reason}"
    if result.status == "missing":
        names = ", ".join(str(say(concepts()[name].title)) for name in result.missing)
        return str(say("not computed: {names} missing", names=names))
    number = f"{result.shown} {unit_text(result.unit)}".strip()
    if result.interval is not None:
        low, high = (f"{end:.{result.decimals}f}" for end in result.interval)
        number += f" ({low} – {high})"
    return " · ".join(part for part in (number, str(result.band or "")) if part)
