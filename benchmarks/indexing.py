"""B7: indexing a folder against pydicom with the same tables, and against gdcmscanner.

    python -m benchmarks.indexing [--json] [--only B7]
    python -m benchmarks.indexing --table     cost of a file among 1,000 to 100,000

Invented files of 22 KB in a temporary folder: 14 KB of header, 12 KB of it a vendor's private
block; UIDs and positions of changing length; series of 50 in folders, names shuffled. Before the
timing our index is compared row by row with that which pydicom fills. gdcmscanner comes with
Debian's `libgdcm-tools`; it prints the same elements and has no database to write.
"""

from __future__ import annotations

import atexit
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import numpy as np
import pydicom

from benchmarks.pairs import Goal, Row, against_peer, main
from medview.dicom.headline import INDEX_TAGS, Headline
from medview.library import Library, add
from medview.library.indexing import IndexWriter

_SMALL, _LARGE, _A_SERIES = 3000, 12_000, 50
_TABLES = (
    "SELECT * FROM patient ORDER BY patient_id",
    "SELECT uid, date, time, description, accession, words FROM study ORDER BY uid",
    "SELECT uid, number, modality, description, body_part, images FROM series ORDER BY uid",
    "SELECT path, name, sop_uid, frames, size, mtime_ns FROM file JOIN folder ON id = folder",
)


@cache
def _home() -> Path:
    home = Path(tempfile.mkdtemp(prefix="medview-indexing-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def _element(tag: int, vr: bytes, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    if len(data) % 2:
        data += b"\0" if vr == b"UI" else b" "
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr)
    if vr in (b"OB", b"OW"):
        return head + struct.pack("<HI", 0, len(data)) + data
    return head + struct.pack("<H", len(data)) + data


def _file(series: int, number: int, random: np.random.Generator) -> bytes:
    """A CT slice of 64 elements, explicit little endian."""
    root = f"1.2.826.0.1.3680043.8.498.{series + 1}"
    uid = f"{root}.3.{random.integers(1, 10**9)}.{number}"
    syntax = "1.2.840.10008.1.2.1"
    meta = _element(0x00020001, b"OB", b"\0\1") + _element(0x00020002, b"UI", _CT)
    meta += _element(0x00020003, b"UI", uid) + _element(0x00020010, b"UI", syntax)
    meta = _element(0x00020000, b"UL", struct.pack("<I", len(meta))) + meta
    place = f"-180.5\\{random.integers(-999, 999) / 10}\\{number * 1.25}"
    own = {
        0x00080018: (b"UI", uid), 0x00080020: (b"DA", "20260131"), 0x00080060: (b"CS", "CT"),
        0x00080032: (b"TM", f"1015{number % 60:02d}.{random.integers(1, 999)}"),
        0x00080050: (b"SH", f"A{series}"), 0x00081030: (b"LO", "CT CHEST"),
        0x0008103E: (b"LO", "LUNG 1.25"), 0x00090010: (b"LO", "BENCHMARK"),
        0x00091001: (b"OB", bytes(12_000)), 0x00100010: (b"PN", f"Name^Number{series // 3}"),
        0x00100020: (b"LO", f"P{series // 3}"), 0x00100030: (b"DA", "19500201"),
        0x00100040: (b"CS", "F"), 0x00180015: (b"CS", "CHEST"), 0x0020000D: (b"UI", root + ".1"),
        0x0020000E: (b"UI", root + ".2"), 0x00200011: (b"IS", "3"),
        0x00200013: (b"IS", str(number + 1)), 0x00200032: (b"DS", place),
        0x00280010: (b"US", struct.pack("<H", 64)), 0x00280011: (b"US", struct.pack("<H", 64)),
        0x7FE00010: (b"OW", bytes(8192)),
    }  # fmt: skip
    whole = _COMMON | own
    body = b"".join(_element(tag, *whole[tag]) for tag in sorted(whole))
    return bytes(128) + b"DICM" + meta + body


_CT = "1.2.840.10008.5.1.4.1.1.2"
_COMMON: dict[int, tuple[bytes, bytes | str]] = {
    0x00080005: (b"CS", "ISO_IR 100"), 0x00080008: (b"CS", "ORIGINAL\\PRIMARY\\AXIAL"),
    0x00080016: (b"UI", _CT), 0x00080021: (b"DA", "20260131"), 0x00080022: (b"DA", "20260131"),
    0x00080023: (b"DA", "20260131"), 0x00080030: (b"TM", "101500"), 0x00080031: (b"TM", "101501"),
    0x00080033: (b"TM", "101502"), 0x00080070: (b"LO", "BENCHMARK"), 0x00080080: (b"LO", "HOUSE"),
    0x00080090: (b"PN", "Doe^Jane"), 0x00081010: (b"SH", "ct1"), 0x00081090: (b"LO", "model"),
    0x00101010: (b"AS", "075Y"),
    **{0x00180000 + tag: (b"DS", "1.5") for tag in (0x50, 0x60, 0x90, 0x1100, 0x1110, 0x1111,
                                                    0x1120, 0x1130, 0x1170, 0x1190, 0x9306)},
    **{0x00180000 + tag: (b"LO", "words") for tag in (0x1000, 0x1020, 0x1030)},
    **{0x00180000 + tag: (b"SH", "short") for tag in (0x22, 0x1160, 0x1210, 0x1140, 0x5100)},
    0x00200010: (b"SH", "1"), 0x00200012: (b"IS", "1"), 0x00200037: (b"DS", "1\\0\\0\\0\\1\\0"),
    0x00200052: (b"UI", "1.2.826.0.1.3680043.8.498.9"), 0x00201040: (b"LO", ""),
    0x00280002: (b"US", b"\1\0"), 0x00280004: (b"CS", "MONOCHROME2"),
    0x00280030: (b"DS", "0.7\\0.7"), 0x00280100: (b"US", b"\x10\0"),
    0x00280101: (b"US", b"\x0c\0"), 0x00280102: (b"US", b"\x0b\0"), 0x00280103: (b"US", b"\0\0"),
    0x00281052: (b"DS", "-1024"), 0x00281053: (b"DS", "1"),
}  # fmt: skip


@cache
def _folder(count: int) -> Path:
    folder = _home() / f"files-{count}"
    random = np.random.default_rng(5)
    for series in range(count // _A_SERIES):
        inside = folder / f"{series:04d}"
        inside.mkdir(parents=True)
        names = random.permutation(_A_SERIES)
        for number in range(_A_SERIES):
            (inside / f"{names[number]:04d}.dcm").write_bytes(_file(series, number, random))
    return folder


def _fresh() -> Library:
    return Library(Path(tempfile.mkdtemp(dir=_home())) / "library")


def _ours(folder: Path) -> Library:
    library = _fresh()
    add(library, [folder])
    return library


def _by_pydicom(folder: Path) -> Library:
    """The same rows in the same lots, headers by pydicom; raw values, so nothing is converted."""
    library = _fresh()
    with library.connection() as connection:
        writer = IndexWriter(library, connection)
        writer.own(folder)
        paths = sorted(str(path) for path in folder.glob("*/*"))
        writer.take(_read(paths), 0, len(paths))
    return library


def _read(paths: list[str]) -> Iterator[tuple[str, Headline | str | None]]:
    for path in paths:
        with open(path, "rb") as file:  # noqa: PTH123 - as a plain loop would
            status = os.fstat(file.fileno())
            found = pydicom.dcmread(file, stop_before_pixels=True)
        values = [_raw(found, tag) for tag in INDEX_TAGS]
        yield path, Headline(values, status.st_size, status.st_mtime_ns)


def _raw(found: pydicom.Dataset, tag: int) -> bytes:
    element = found.get_item(tag)
    value = b"" if element is None else element.value
    return value if isinstance(value, bytes) else str(value).encode()


def _by_gdcm(folder: Path) -> None:
    command = ["gdcmscanner", "-r", "-p", "-d", str(folder)]
    for tag in INDEX_TAGS:
        command += ["-t", f"{tag >> 16:04x},{tag & 0xFFFF:04x}"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)


def _rows(library: Library) -> list[list[tuple[object, ...]]]:
    with library.connection() as connection:
        return [sorted(connection.execute(text).fetchall(), key=repr) for text in _TABLES]


@cache
def _check_equal() -> None:
    folder = _folder(_SMALL)
    mine, theirs = _rows(_ours(folder)), _rows(_by_pydicom(folder))
    strip = [[row[1:] for row in mine[0]], [row[1:] for row in theirs[0]]]
    assert mine[1:] == theirs[1:], "our index says something else than pydicom's"
    assert strip[0] == strip[1], "our index has other patients than pydicom's"
    assert len(mine[3]) == _SMALL


def _against_pydicom(name: str, goal: float) -> Row:
    _check_equal()
    folder = _folder(_SMALL)
    what = f"index {_SMALL} files, database included"
    peer = f"pydicom {pydicom.__version__}, stop_before_pixels, same tables"
    row = against_peer(
        Goal(name=name, what=what, goal=goal, peer=peer, n=_SMALL),
        partial(_by_pydicom, folder), partial(_ours, folder), pairs=5,
    )  # fmt: skip
    return row | {"aim": 25.0} if name == "B7" else row


def _cpu_against_pydicom() -> Row:
    row = _against_pydicom("B7-cpu", 20.0)
    return row | {
        "what": f"{row['what']}: CPU seconds",
        "ratio": row["cpu_ratio"],
        "holds": row["cpu_ratio"] >= row["goal"],
        "decided_by": "cpu",
    }


def _against_gdcm() -> Row:
    scanner = shutil.which("gdcmscanner")
    if scanner is None:
        sys.exit("B7-gdcm needs gdcmscanner: apt-get install libgdcm-tools")
    folder = _folder(_LARGE)
    said = subprocess.run([scanner, "-v"], capture_output=True, text=True, check=False)
    words = f"{said.stdout} {said.stderr}".split()
    version = next((word for word in words if word[:1].isdigit()), "")
    goal = Goal(
        name="B7-gdcm", what=f"index {_LARGE} files; the peer writes no database", goal=2.0,
        peer=f"gdcmscanner {version}", n=_LARGE,
    )  # fmt: skip
    return against_peer(goal, partial(_by_gdcm, folder), partial(_ours, folder), pairs=5)


def _linear() -> Row:
    goal = Goal(
        name="B7-linear", what="four times the files take at most 4.6 times the time",
        goal=round(1 / 4.6, 3), peer="itself on a quarter of the files", n=_LARGE,
    )  # fmt: skip
    small, large = _folder(_SMALL), _folder(_LARGE)
    return against_peer(goal, partial(_ours, small), partial(_ours, large), pairs=5)


def _table() -> None:
    """Cost of a file by their number; names beyond 12,000 are further links to the same bytes."""
    real = sorted(_folder(_LARGE).glob("*/*"))
    print("| files | CPU us a file | wall us a file | index bytes a file |\n|---|---|---|---|")
    for count in (1000, 4000, 16_000, 64_000, 100_000):
        folder = _home() / f"links-{count}"
        for number in range(count):
            inside = folder / f"{number // _A_SERIES:05d}"
            inside.mkdir(parents=True, exist_ok=True)
            os.link(real[number % len(real)], inside / f"{number % _A_SERIES:04d}.dcm")
        wall, cpu = time.perf_counter(), sum(os.times()[:4])
        library = _ours(folder)
        wall, cpu = time.perf_counter() - wall, sum(os.times()[:4]) - cpu
        size = library.path.stat().st_size / count
        each = 1e6 / count
        print(f"| {count} | {cpu * each:.0f} | {wall * each:.0f} | {size:.0f} |", flush=True)
        shutil.rmtree(folder)


if __name__ == "__main__":
    if "--table" in sys.argv:
        _table()
        raise SystemExit(0)
    raise SystemExit(
        main(
            {
                "B7": partial(_against_pydicom, "B7", 12.0),
                "B7-cpu": _cpu_against_pydicom,
                "B7-gdcm": _against_gdcm,
                "B7-linear": _linear,
            }
        )
    )
