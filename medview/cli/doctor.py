"""`medview doctor`: what is wrong in files and series, and repaired copies where that is honest."""

from __future__ import annotations

import argparse
from pathlib import Path

from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.words import say, tr
from medview.dicom.doctor import Examination, Plan, RepairedCopy
from medview.session.doctoring import examine, plan_repairs, repair

_MANY = 20  # files that are no DICOM, by name


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `medview doctor`."""
    parser.add_argument("path", type=Path, metavar="PATH", help="a DICOM file or a folder of them")
    parser.add_argument(
        "--repair", type=Path, metavar="DIR", help="write repaired copies here; sources stay"
    )


def run(args: argparse.Namespace) -> int:
    """Examine and repair.

    Status 0 with findings or without, 3 where a file could not be examined or gets no copy.
    """
    progress = progress_for(args)
    found = examine([args.path], progress)
    plan = Plan()
    copies: tuple[RepairedCopy, ...] = ()
    if args.repair is not None:
        plan = plan_repairs(found)
        copies = repair(plan, [args.path], args.repair, progress)
    if args.json:
        document = found.to_json()
        if args.repair is not None:
            document["repaired"] = [copied.to_json() for copied in copies]
            document["not_repaired"] = [note.to_json() for note in plan.left]
        print_json(document)
    else:  # --quiet asks for no progress: what is wrong is the result itself
        print_lines(*_lines(found), *_repair_lines(plan, copies))
    if found.unreadable:
        said = say("{count} {count:file|files} could not be examined.", count=len(found.unreadable))
        return complain(str(said), IN_PART)
    if plan.left:
        said = say("{count} {count:file|files} got no repaired copy.", count=len(plan.left))
        return complain(str(said), IN_PART)
    return DONE


def _lines(found: Examination) -> list[str]:
    lines = []
    for finding in found.findings:
        where = " ".join(
            part
            for part in (
                finding.tag,
                "" if finding.offset is None else tr("at byte {offset}", offset=finding.offset),
            )
            if part
        )
        severity = {"error": tr("error"), "warning": tr("warning"), "remark": tr("remark")}
        lines += [
            f"{severity[finding.check.severity]}  {finding.path}  {where}".rstrip(),
            f"    {finding.check.title}: {finding.what}",
            f"    {finding.check.causes} {finding.check.what_to_do}  [{finding.check.id}]",
        ]
    lines += [f"{note.path}: {note.reason}" for note in (*found.unreadable, *found.ignored[:_MANY])]
    if len(found.ignored) > _MANY:
        lines.append(tr("{count} more {count:file is|files are} not examined (--json lists all).",
                        count=len(found.ignored) - _MANY))  # fmt: skip
    counts = {name: found.count(name) for name in ("error", "warning", "remark")}
    said = tr("{files} {files:file|files}: {error} {error:error|errors}, {warning} "
              "{warning:warning|warnings}, {remark} {remark:remark|remarks}.",
              files=found.files, **counts)  # fmt: skip
    return [*lines, said]


def _repair_lines(plan: Plan, copies: tuple[RepairedCopy, ...]) -> list[str]:
    lines = []
    for copied in copies:
        lines.append(tr("{source} -> {file}", source=copied.source, file=copied.file))
        done = dict.fromkeys(
            f"    {finding.check.id} {finding.tag}: {finding.check.repair}"
            for finding in copied.repairs
        )
        lines += done
        if copied.has_new_uids:
            said = tr("The copy has UIDs of its own, for its order or place is another.")
            lines.append(f"    {said}")
    return [*lines, *(f"{note.path}: {note.reason}" for note in plan.left)]
