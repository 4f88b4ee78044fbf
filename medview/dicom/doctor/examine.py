"""Files and folders on the doctor's table: every check on every file, then on all together."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medview.core.errors import UnreadableInstance
from medview.core.progress import CancelToken, Progress, no_progress
from medview.core.words import Sentence, say
from medview.dicom.codecs import why_not_decodable
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.characters import charset_findings
from medview.dicom.doctor.fileset import fileset_findings
from medview.dicom.doctor.finding import (
    ERROR,
    REMARK,
    SEVERITIES,
    Check,
    FileReason,
    Finding,
    declare,
)
from medview.dicom.doctor.frames import frame_findings
from medview.dicom.doctor.geometry import place_findings, series_findings
from medview.dicom.doctor.identity import Facts, facts_of, identity_findings, together_findings
from medview.dicom.doctor.meta import meta_findings
from medview.dicom.doctor.opening import dissect
from medview.dicom.doctor.pixels import pixel_findings
from medview.dicom.doctor.streams import stream_findings
from medview.dicom.doctor.structure import ENDLESS, structure_findings
from medview.dicom.doctor.values import value_findings
from medview.dicom.doctor.words import SEND_AGAIN
from medview.dicom.fragments import fragments_of
from medview.dicom.instance import EMPTY, Instance, NotDicom, open_instance
from medview.dicom.members import open_source
from medview.dicom.pixel_format import native_shortfall, pixel_format
from medview.dicom.scanning import scan
from medview.dicom.walk import files_below, members_below, what_else

_LAST = 1 << 62  # findings without a place come after those that have one
# What is only missing because the file breaks off before it is no finding of its own.
_ABSENCES = frozenset(("pixel.missing", "pixel.incomplete", "pixel.rescale", "pixel.spacing",
                       "geometry.position", "identity.no-uid", "identity.no-patient"))  # fmt: skip
_log = logging.getLogger("medview.dicom")
_FAMILIES: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    structure_findings, meta_findings, charset_findings, value_findings, pixel_findings,
    stream_findings, frame_findings, place_findings, identity_findings, fileset_findings,
)  # fmt: skip
REFUSED = declare(Check(
    id="reader.refuses", severity=ERROR, title=say("MedView cannot show this file"),
    causes=say("The file is listed as unreadable and left out."), what_to_do=SEND_AGAIN,
))  # fmt: skip
NO_DECODER = declare(Check(
    id="reader.no-decoder", severity=REMARK, title=say("MedView has no decoder for this file"),
    causes=say("The file may be sound; it is listed as unreadable and left out."),
    what_to_do=say("Ask the archive to send it uncompressed or in another compression."),
))  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Examination:
    """What the doctor found below some paths. files: seen; dicom: of them DICOM."""

    files: int = 0
    dicom: int = 0
    findings: tuple[Finding, ...] = ()
    ignored: tuple[FileReason, ...] = ()
    unreadable: tuple[FileReason, ...] = ()  # not even the doctor could look into them
    series: dict[str, str] = field(default_factory=dict)  # series UID by path

    def count(self, severity: str) -> int:
        """How many findings of a severity there are."""
        return sum(finding.check.severity == severity for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The document `medview.doctor/1`, without what was repaired."""
        return {
            "schema": "medview.doctor/1",
            "files": {"seen": self.files, "dicom": self.dicom},
            "summary": {severity: self.count(severity) for severity in SEVERITIES},
            "findings": [finding.to_json() for finding in self.findings],
            "ignored": [
                {"file": note.path, "reason": note.reason.english()} for note in self.ignored
            ],
            "unreadable": [
                {"file": note.path, "reason": note.reason.english()} for note in self.unreadable
            ],
        }


@dataclass(slots=True)
class _Table:
    findings: list[Finding] = field(default_factory=list)
    facts: dict[str, Facts] = field(default_factory=dict)
    ignored: list[FileReason] = field(default_factory=list)
    unreadable: list[FileReason] = field(default_factory=list)


def examine(
    paths: Sequence[Path],
    progress: Progress = no_progress,
    cancel: CancelToken | None = None,
) -> Examination:
    """Look at every file below the paths. Raises InvalidInput for a missing path, and Cancelled."""
    waiting = deque(files_below(paths))
    files: list[str] = []
    table = _Table()
    while waiting:
        if cancel is not None:
            cancel.check()
        files.append(waiting.popleft())
        waiting.extendleft(reversed(_look(files[-1], table)))
        progress(len(files), 2 * (len(files) + len(waiting)), "")
    holdings = scan(
        paths, lambda done, total, what: progress(total + done, 2 * total, what), cancel
    )
    refused = [note for note in holdings.unreadable if note.path in table.facts]
    endless = {found.path for found in table.findings if found.check is ENDLESS}
    for note in refused:
        check = NO_DECODER if note.tag == "(0002,0010)" else REFUSED
        reason = None if note.path in endless else _reason(note.path)
        said = reason or say("{text}", text=note.reason)
        table.findings.append(Finding(check=check, what=said, path=note.path, tag=note.tag))
    table.findings.extend(series_findings(holdings, table.facts))
    table.findings.extend(together_findings(table.facts.values()))
    ranks = {path: number for number, path in enumerate(files)}
    return Examination(
        files=len(files),
        dicom=len(table.facts),
        findings=tuple(sorted(table.findings, key=lambda finding: _rank(finding, ranks))),
        ignored=tuple(table.ignored),
        unreadable=tuple(table.unreadable),
        series={path: fact.series_uid for path, fact in table.facts.items()},
    )


def _rank(finding: Finding, ranks: dict[str, int]) -> tuple[int, int, int]:
    severity = SEVERITIES.index(finding.check.severity)
    offset = _LAST if finding.offset is None else finding.offset
    return severity, ranks.get(finding.path, -1), offset


def _look(path: str, table: _Table) -> list[str]:
    """One file; whatever happens to it, the others are looked at. Gives an archive's files."""
    try:
        anatomy = dissect(path)
        if anatomy is None:
            members = members_below(path)
            reason = say("An archive: its files are examined.") if members else _what_else(path)
            table.ignored.append(FileReason(path=path, reason=reason))
            return members
        with anatomy.source, anatomy.meta_source:
            # What is made to tire a reader is not read once more.
            instance = None if anatomy.is_beyond_reason else _as_read(path)
            case = Case(anatomy, instance)
            found = _of_case(case)
            facts = facts_of(case)
    except UnreadableInstance as error:
        table.unreadable.append(FileReason(path=path, reason=error.what))
    except Exception as error:  # noqa: BLE001 - no file, however hostile, stops the rest
        _log.warning("examination failed", extra={"kind": type(error).__name__})
        said = say("The file is damaged in a way that MedView cannot name.")
        table.unreadable.append(FileReason(path=path, reason=said))
    else:
        table.findings.extend(found)
        table.facts[path] = facts
    return []


def _what_else(path: str) -> Sentence:
    with open_source(path) as source:
        return what_else(Path(path)) if source.size else EMPTY


def _of_case(case: Case) -> list[Finding]:
    families = (structure_findings,) if case.anatomy.is_beyond_reason else _FAMILIES
    found = [finding for family in families for finding in family(case)]
    if case.anatomy.is_whole and not any(finding.check.id == "file.cut" for finding in found):
        return found
    return [finding for finding in found if finding.check.id not in _ABSENCES]


def _reason(path: str) -> Sentence | None:
    """Why the reader refuses a file, as a sentence that can change language."""
    try:
        instance = open_instance(path)
        pixel_format(instance)
        if instance.is_encapsulated:
            with instance.open() as source:
                fragments_of(instance, source)
            return why_not_decodable(instance.syntax)
        native_shortfall(instance, pixel_format(instance))
    except UnreadableInstance as error:
        return error.what
    except NotDicom:
        return None
    return None


def _as_read(path: str) -> Instance | None:
    try:
        return open_instance(path)
    except (UnreadableInstance, NotDicom):
        return None
