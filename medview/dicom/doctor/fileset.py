"""Checks of a DICOMDIR: whether the files that it lists are there (PS3.10 section 8).

The names are read and held against the medium by `dicom.dicomdir`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from medview.core.archive import split
from medview.core.words import say
from medview.dicom.dicomdir import missing_of, read_directory
from medview.dicom.doctor.case import Case
from medview.dicom.doctor.finding import ERROR, Check, Finding, declare
from medview.dicom.doctor.words import SEND_AGAIN, TELL_MAKER
from medview.dicom.instance import DIRECTORY
from medview.dicom.walk import files_below

_RECORDS, _FILE = 0x00041220, 0x00041500
_MOST_FINDINGS = 40

MISSING = declare(Check(
    id="dicomdir.missing-file", severity=ERROR,
    title=say("The DICOMDIR lists a file that is not there"),
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
    path = case.anatomy.path
    if case.anatomy.meta_text("MediaStorageSOPClassUID") != DIRECTORY:
        return
    directory = read_directory(path)
    if not directory.named and not directory.outside:
        yield case.finding(NO_RECORDS, say("There are no directory records."), _RECORDS)
        return
    if directory.outside:
        said = say("{count} {count:name leads|names lead} outside.", count=directory.outside)
        yield case.finding(ESCAPES, said, _FILE)
    if split(path) is not None:
        return  # the members of an archive are held against it when the archive is scanned
    for missing in missing_of(directory, files_below([Path(path).parent]))[:_MOST_FINDINGS]:
        said = say("{file} is not there.", file=missing.removeprefix(directory.inside))
        yield case.finding(MISSING, said, _FILE)
