"""Checks of a DICOMDIR: whether the files that it lists are there (PS3.10 section 8)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from medview.core.words import say
from medview.dicom.doctor.anatomy import Node
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, Check, Finding, declare
from medview.dicom.doctor.words import SEND_AGAIN, TELL_MAKER
from medview.dicom.instance import DIRECTORY

_RECORDS, _FILE = 0x00041220, 0x00041500
_MOST_FINDINGS = 40

MISSING = declare(Check(
    id="dicomdir.missing-file", severity=ERROR, title=say("The DICOMDIR lists a file that is not there"),
    causes=say("The object is not on this medium, or under another name."), what_to_do=SEND_AGAIN,
))  # fmt: skip
ESCAPES = declare(Check(
    id="dicomdir.outside", severity=ERROR, title=say("The DICOMDIR points outside its medium"),
    causes=say("MedView does not follow the link; other programs may."), what_to_do=TELL_MAKER,
))  # fmt: skip
NO_RECORDS = declare(Check(
    id="dicomdir.empty", severity=ERROR, title=say("The DICOMDIR lists nothing"),
    causes=say("Programs that read the list alone find no patient; MedView reads the files."),
    what_to_do=TELL_MAKER,
))  # fmt: skip


def fileset_findings(case: Case) -> Iterator[Finding]:
    """Links of a DICOMDIR that lead nowhere."""
    if case.anatomy.meta_text("MediaStorageSOPClassUID") != DIRECTORY:
        return
    records = case.anatomy.find(_RECORDS)
    if records is None or not records.items:
        said = say("There are no directory records.")
        yield case.finding(NO_RECORDS, said, _RECORDS)
        return
    count = 0
    for item in records.items:
        for node in item.nodes:
            finding = _of_link(case, node) if node.tag == _FILE and node.length else None
            if finding is not None and count < _MOST_FINDINGS:
                count += 1
                yield finding


def _of_link(case: Case, node: Node) -> Finding | None:
    text = case.anatomy.value(node).decode("ascii", "replace").strip(" \0")
    parts = [part.strip(" \0") for part in text.split("\\")]
    shown = "/".join(parts)
    if any(part in ("", ".", "..") or "/" in part or "\0" in part for part in parts):
        return case.finding(ESCAPES, say("It says {text}.", text=shown), _FILE, node.offset)
    if _is_there(Path(case.anatomy.path).parent, parts):
        return None
    return case.finding(MISSING, say("{file} is not there.", file=shown), _FILE, node.offset)


def _is_there(folder: Path, parts: list[str]) -> bool:
    """Whether the file exists, in whatever case the medium's names were copied."""
    here = str(folder)
    for part in parts:
        try:
            names = {name.casefold().split(";")[0].rstrip("."): name for name in os.listdir(here)}
        except OSError:
            return False
        found = names.get(part.casefold())
        if found is None:
            return False
        here = os.path.join(here, found)
    return True
