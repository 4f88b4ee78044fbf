"""Voxels against independent decoders: every file, every frame, every value.

    python -m benchmarks.exactness [FOLDER ...] [--json] [--write docs/exactness.md]

Peers, none of which MedView decodes with: pydicom (its own numpy code, Pillow, pyjpegls), GDCM
through SimpleITK, DCMTK's command line tools where they are installed, OpenJPH for HTJ2K, each
file's twin where no peer reads it. Each runs in a child process, which some of them end.
Grey pictures are compared as stored values, colour as the red, green and blue that are shown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.exactness_peers import PEERS, Compared, compare, is_lossy, ours, picture_of

ROOT = Path(__file__).resolve().parents[1]
_DATA = Path(os.environ.get("MEDVIEW_DATA", ROOT.parent / "shared" / "data")) / "imaging"
_LEVELS = 3  # a lossy stream allows decoders to round differently
_BEGIN, _END = "<!-- voxels: written by benchmarks/exactness.py -->", "<!-- /voxels -->"

# Why peers differ, and who is right: looked into by hand, once for each file named here.
_REASONS: dict[str, str] = json.loads(
    (Path(__file__).parent / "exactness_reasons.json").read_text(encoding="utf-8")
)
# Files that no peer reads, and those that hold the same pictures in a form that peers read.
_TWINS = {
    "transfer-syntax/seg-deflated-image-frame-8.1.dcm": "pixel-kinds/bit1-seg.dcm",
    "pixel-kinds/bit1-seg-510-rle.dcm": "pixel-kinds/bit1-seg-510.dcm",
}


@dataclass
class Row:
    """One file: what MedView made of it, and what each peer makes of the same bytes."""

    file: str
    is_lossy: bool = False
    refused: str = ""
    peers: dict[str, Compared] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """equal, within (lossy only), differs, alone (no peer reads it) or refused."""
        if self.refused:
            return "refused"
        read = [peer for peer in self.peers.values() if peer.largest is not None]
        if any(peer.largest == 0 for peer in read):
            return "equal"
        if self.is_lossy and any((peer.largest or 0) <= _LEVELS for peer in read):
            return "within"
        return "differs" if read else "alone"

    @property
    def differing(self) -> dict[str, Compared]:
        """The peers that read the file and show something else."""
        limit = _LEVELS if self.is_lossy else 0
        return {n: p for n, p in self.peers.items() if p.largest is not None and p.largest > limit}


def files_below(folder: Path, only: list[str]) -> list[Path]:
    """Every file, in the order of names."""
    roots = [folder / name for name in only] or [folder]
    return sorted(path for root in roots for path in (root.rglob("*") if root.is_dir() else [root])
                  if path.is_file())  # fmt: skip


def measure(folder: Path, only: list[str] | None = None) -> list[Row]:
    """A row for every file below `folder` that holds an image."""
    rows: dict[str, Row] = {}
    for path in files_below(folder, only or []):
        found = picture_of(str(path))
        if found is not None:
            name = path.relative_to(folder).as_posix()
            rows[name] = Row(name, not found and is_lossy(str(path)), found)
    readable = [name for name, row in rows.items() if not row.refused]
    for peer in PEERS:
        for name, compared in _ask(peer, folder, readable).items():
            rows[name].peers[peer] = compared
    _add_twins(folder, rows)
    return list(rows.values())


def _ask(peer: str, folder: Path, names: list[str]) -> dict[str, Compared]:
    """What a peer says of every file; a file that ends its process is noted, the rest goes on."""
    answers: dict[str, Compared] = {}
    left = list(names)
    while left:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.exactness", "--peer", peer],
            input="\n".join(str(folder / name) for name in left),
            capture_output=True, text=True, check=False, cwd=ROOT,
        )  # fmt: skip
        lines = [json.loads(line) for line in child.stdout.splitlines() if line.startswith("{")]
        answers |= {name: Compared(**line) for name, line in zip(left, lines, strict=False)}
        if len(lines) < len(left):
            answers[left[len(lines)]] = Compared(why="it ended its process")
        left = left[len(lines) + 1 :]
    return answers


def _add_twins(folder: Path, rows: dict[str, Row]) -> None:
    for name, twin in _TWINS.items():
        if name in rows and (folder / twin).exists():
            mine, theirs = ours(str(folder / name))[0], ours(str(folder / twin))[0]
            same = np.array_equal(mine, theirs)
            rows[name].peers[twin] = Compared(0.0 if same else None, why="other pictures")


def reason_for(name: str) -> str:
    """What was found out about a file that a peer shows otherwise; "" where nothing was."""
    return next((said for form, said in _REASONS.items() if fnmatch(name, form)), "")


def serve(peer: str) -> None:
    """The child: a line for every path on standard input."""
    for line in sys.stdin.read().splitlines():
        print(json.dumps(vars(compare(peer, line))), flush=True)


def section(rows: list[Row]) -> str:
    """The voxels' part of docs/exactness.md."""
    count = Counter(row.verdict for row in rows)
    summary = (
        f"{len(rows)} files with pixels. {count['equal']} equal to an independent decode in every "
        f"value; {count['within']} lossy ones within {_LEVELS} levels; {count['differs']} differ "
        f"from every peer; {count['alone']} that no peer reads; {count['refused']} refused."
    )
    lines = [
        _BEGIN,
        summary,
        "",
        "| peer | reads | equal | lossy, within 3 | differs | cannot read |",
        "|---|---|---|---|---|---|",
    ]
    for peer in PEERS:
        each = [row.peers[peer] for row in rows if peer in row.peers]
        read = [p for p in each if p.largest is not None]
        differ = sum(peer in row.differing for row in rows)
        equal = sum(p.largest == 0 for p in read)
        lines.append(f"| {peer} | {len(read)} | {equal} | {len(read) - equal - differ} | {differ} "
                     f"| {len(each) - len(read)} |")  # fmt: skip
    lines += ["", "Every difference, and every file that stands alone or is refused:", ""]
    lines += ["| file | what | why |", "|---|---|---|"]
    lines += [line for row in rows for line in _told(row)]
    return "\n".join([*lines, _END])


def _told(row: Row) -> list[str]:
    reason = reason_for(row.file)
    if row.verdict == "refused":
        return [f"| {row.file} | refused | {row.refused} {reason} |"]
    if row.verdict == "alone":
        told = "; ".join(f"{name}: {peer.why}" for name, peer in row.peers.items())
        return [f"| {row.file} | no peer reads it ({told}) | {reason} |"]
    if not row.differing:
        return [f"| {row.file} | {row.verdict} | {reason} |"] if row.file in _REASONS else []
    what = "; ".join(f"{name}: up to {peer.largest:g} in {peer.share:.2%} of the values"
                     for name, peer in row.differing.items())  # fmt: skip
    return [f"| {row.file} | {row.verdict}; {what} | {reason} |"]


def unexplained(rows: list[Row]) -> list[str]:
    """Files that differ from a peer, stand alone or are refused, without a reason written down."""
    return [row.file for row in rows
            if (row.verdict in ("differs", "alone", "refused") or row.differing)
            and not reason_for(row.file)]  # fmt: skip


def _write(path: Path, text: str) -> None:
    before = path.read_text(encoding="utf-8")
    head, tail = before.split(_BEGIN)[0], before.split(_END)[1]
    path.write_text(head + text + tail, encoding="utf-8")


def main() -> int:
    """Compare, print or write; 1 where a difference has no reason."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", help="below data/imaging; all by default")
    parser.add_argument("--data", type=Path, default=_DATA)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--write", type=Path)
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.peer:
        serve(given.peer)
        return 0
    rows = measure(given.data, given.folders)
    if given.json:
        print(json.dumps([_plain(row) for row in rows], indent=1))
    elif given.write:
        _write(given.write, section(rows))
    else:
        print(section(rows))
    bad = unexplained(rows)
    print("without a reason:", ", ".join(bad) or "none", file=sys.stderr)
    return 1 if bad else 0


def _plain(row: Row) -> dict[str, Any]:
    peers = {name: vars(peer) for name, peer in row.peers.items()}
    return {"file": row.file, "verdict": row.verdict, "refused": row.refused, "peers": peers}


if __name__ == "__main__":
    sys.exit(main())
