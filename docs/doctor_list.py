"""Writes docs/doctor.md, the list of what the file doctor asks: `python docs/doctor_list.py`."""

from __future__ import annotations

from pathlib import Path

from medview.dicom.doctor import CHECKS, SEVERITIES

_HEAD = """# What the file doctor asks

`medview doctor PATH [--repair DIR] [--json]`, or **Examine files…** in the window (Ctrl+Shift+E, a
series' context menu, the link below the files that could not be read). Written by
`docs/doctor_list.py`; the last column says what a repaired copy does, a dash that there is no
honest repair.

An **error** means that pictures, numbers or identity are wrong or lost; a **warning** that some
programs are misled; a **remark** is against the letter and harmless. Values of character sets are
guessed by decoding; the plausibility that is named is a share of common characters, not a
probability. Offsets count bytes of the file, of the inflated data set where it is deflated.

Exit status: 0 examined (with findings or without), 2 the path is wrong, 3 some file could not be
examined or got no repaired copy.
"""


def text() -> str:
    """The page."""
    lines = [_HEAD]
    families: dict[str, list[str]] = {}
    for check in sorted(
        CHECKS.values(), key=lambda c: (c.id.partition(".")[0], SEVERITIES.index(c.severity), c.id)
    ):
        row = (f"`{check.id}`", check.severity, check.title.english(), check.causes.english(),
               check.repair.english() if check.repair else "–")  # fmt: skip
        families.setdefault(check.id.partition(".")[0], []).append(f"| {' | '.join(row)} |")
    for family, rows in families.items():
        lines += [f"## {family}\n", "| check | weight | what | what it causes | repaired copy |",
                  "|---|---|---|---|---|", *rows, ""]  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    (Path(__file__).parent / "doctor.md").write_text(text(), encoding="utf-8")
