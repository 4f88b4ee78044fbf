"""`medview anonymize`: de-identified copies with a log of what was changed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from medview.cli.output import DONE, IN_PART, complain, print_json, print_lines, progress_for
from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.dicom.anonymize import (
    Decision,
    Export,
    LeftOut,
    Options,
    Outcome,
    check_target,
    export,
    survey,
)
from medview.dicom.anonymize.options import method_codes
from medview.session.anonymizing import (
    PROFILE_NAMES,
    RETAIN,
    options_for,
    secret_for,
    summary,
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `medview anonymize`."""
    parser.add_argument("path", type=Path, nargs="+", metavar="PATH", help="files and folders")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="a new or empty folder"
    )
    parser.add_argument(
        "--profile", default="basic", metavar="NAME",
        help=f"{' or '.join(PROFILE_NAMES)} (default: basic); research is basic and shifted "
        "dates, device, patient characteristics, cleaned descriptors, safe private elements",
    )  # fmt: skip
    parser.add_argument(
        "--retain", action="append", default=[], metavar="WHAT",
        help="retain more than the profile does: " + ", ".join(RETAIN),
    )  # fmt: skip
    parser.add_argument(
        "--clean-descriptors", action="store_true",
        help="keep descriptions, without names, dates and numbers",
    )  # fmt: skip
    parser.add_argument(
        "--burned-in", choices=[decision.value for decision in Decision], default="leave-out",
        help="pictures that may show names: leave out (default), black out what looks like "
        "writing (look at the copies: some may be missed), or keep",
    )  # fmt: skip
    parser.add_argument(
        "--key", type=Path, metavar="FILE",
        help="the secret behind new identifiers, made if it is not there: "
        "with the same one further studies of a patient get the same identifiers",
    )  # fmt: skip
    parser.add_argument(
        "--mapping", type=Path, metavar="FILE.csv",
        help="write the private list of old and new identities there",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Write the copies. Status 3 where files were left out, each with its reason."""
    options = options_for(args.profile, args.retain, clean_descriptors=args.clean_descriptors)
    progress = progress_for(args)
    check_target(args.path, args.out, args.mapping)
    found = survey(args.path, progress)
    if not found.sources:
        raise InvalidInput(say("There is no DICOM file here that could be copied."))
    how = Export(
        options=options,
        secret=secret_for(args.key, args.out),
        burned_in=Decision(args.burned_in),
        mapping=args.mapping,
    )
    done = export(found, args.out, how, progress)
    _tell(args, found.seen, options, done)
    if not done.left_out:
        return DONE
    complain(str(summary(done)), IN_PART)
    return complain(str(_first(done.left_out)), IN_PART)


def _first(left_out: tuple[LeftOut, ...]) -> str:
    """Each reason once, with the number of files: a thousand files may share one."""
    reasons: dict[str, int] = {}
    for one in left_out:
        reasons[str(one.reason)] = reasons.get(str(one.reason), 0) + 1
    return "\n".join(f"{count} x {reason}" for reason, count in reasons.items())


def _tell(args: argparse.Namespace, seen: int, options: Options, done: Outcome) -> None:
    if args.json:
        print_json(_document(args.profile, seen, options, done))
    elif not args.quiet:
        print_lines(f"copies  {done.folder}", f"log     {done.log}", str(summary(done)))


def _document(profile: str, seen: int, options: Options, done: Outcome) -> dict[str, Any]:
    return {
        "schema": "medview.anonymize/1",
        "out": str(done.folder),
        "log": str(done.log),
        "profile": profile,
        "method": [{"code": code, "meaning": meaning} for code, meaning in method_codes(options)],
        "files": {
            "seen": seen,
            "written": len(done.copies),
            "blacked_out": done.blanked,
            "left_out": [
                {"file": f.path, "reason": f.reason.english(), "readable": f.is_readable}
                for f in done.left_out
            ],
            "ignored": [{"file": f.path, "reason": f.reason.english()} for f in done.ignored],
        },
    }
