"""DICOMDIR: which files a medium says it holds (PS3.3 annex F), held against what is there.

The links between records are not followed, so that they cannot lead in circles or astray: the
records are read in the row in which they stand, and each names its own file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from medview.core.archive import is_there
from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.dicom.instance import NotDicom, open_instance
from medview.dicom.keywords import tag_of

_MOST_NAMED = 3  # missing files that a sentence names; the list of unreadable files has all


@dataclass(frozen=True)
class MediaDirectory:
    """What a DICOMDIR names: paths relative to its folder, as written, `/` between parts.

    outside: how many names lead out of that folder. fault: the tag at which it is damaged.
    """

    path: str
    named: tuple[str, ...] = ()
    outside: int = 0
    fault: str = ""

    @property
    def inside(self) -> str:
        """How paths below its folder (or in its archive) begin, with `/` between parts."""
        parent = Path(self.path).parent.as_posix()
        return "" if parent == "." else f"{parent.rstrip('/')}/"


def read_directory(path: str) -> MediaDirectory:
    """The names in a DICOMDIR; of a damaged one those before the damage."""
    wanted = frozenset((tag_of("DirectoryRecordSequence"), tag_of("SOPClassUID")))
    try:
        top = open_instance(path, wanted).elements
    except (UnreadableInstance, NotDicom) as error:
        return MediaDirectory(path, fault=getattr(error, "tag", "") or "(0004,1220)")
    named: dict[str, None] = {}
    outside = 0
    for record in top.items("DirectoryRecordSequence"):
        parts = [part for part in record.text("ReferencedFileID").split("\\") if part]
        if any(part in (".", "..") or re.search(r"[/:\0]", part) for part in parts):
            outside += 1
        elif parts:
            named["/".join(parts)] = None
    fault = "" if top.fault is None else f"({top.fault >> 16:04X},{top.fault & 0xFFFF:04X})"
    return MediaDirectory(path, tuple(named), outside, fault)


def missing_of(directory: MediaDirectory, files: Iterable[str]) -> list[str]:
    """The named files that are not among these paths, whatever the case and ISO 9660 version."""
    there = set(_below(directory, files))
    gone = [directory.inside + name for name in directory.named if _folded(name) not in there]
    return [path for path in gone if not is_there(path)]


def unnamed_by(directory: MediaDirectory, files: Iterable[str]) -> int:
    """How many of these files stand below the DICOMDIR's folder and are not in it."""
    named = {_folded(name) for name in directory.named}
    return sum(name not in named for name in _below(directory, files))


def _below(directory: MediaDirectory, files: Iterable[str]) -> Iterator[str]:
    for path in files:
        written = path.replace(os.sep, "/")
        if written.startswith(directory.inside):
            yield _folded(written[len(directory.inside) :])


def _folded(name: str) -> str:
    """A name as ISO 9660 compares it: without case, version and trailing dot."""
    parts = re.split(r"[/\\]", name)
    return "/".join(re.sub(r"\.?(;\d+)?$", "", part).casefold() for part in parts)


def said_of(directory: MediaDirectory, missing: Sequence[str], unnamed: int) -> list[Sentence]:
    """What a reader should know of a DICOMDIR."""
    said = [say("A DICOMDIR: the {count} {count:file that it names is read itself|files that it "
                "names are read themselves}.",
                count=len(directory.named))]  # fmt: skip
    if directory.fault:
        said.append(say("It is damaged at {tag}, so the folder itself was searched.",
                        tag=directory.fault))  # fmt: skip
    if missing:
        names = ", ".join(Path(path).name for path in missing[:_MOST_NAMED])
        said.append(say("{count} of them are missing: {names}.", count=len(missing), names=names))
    if directory.outside:
        said.append(
            say(
                "{count} {count:name leads out of its folder and is|names lead out of its folder "
                "and are} not followed.",
                count=directory.outside,
            )
        )
    if unnamed:
        said.append(
            say(
                "{count} {count:file here is not in it and is|files here are not in it and are} "
                "read too.",
                count=unnamed,
            )
        )
    return said
