"""Runs the speed benchmarks and writes what they measured into `goals.json` and `goals.md`.

    .venv/bin/python docs/make_goals.py [SCRIPT...] [--peer PYTHON]

Scripts are reading, indexing, start, display, scroll and inference; `--peer` is handed on to start.
Rows of scripts that are not named stay as they were measured last; each says when that was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
STORE, PAGE = DOCS / "goals.json", DOCS / "goals.md"
SCRIPTS = ("reading", "indexing", "start", "display", "scroll", "inference")
HEAD = """# Speed: goals and what was measured

Made by `docs/make_goals.py`, which runs `benchmarks/`. A ratio is the peer's time over ours in
pairs run one after another, median (smallest - largest); for a goal in milliseconds or seconds it
is limit over value. CPU is the same ratio of processor seconds; *foreign* is how many cores other
work took meanwhile. A goal that is not reached stays here as **no**.

| | what | peer | ratio | CPU | goal | holds | wall: peer, ours | foreign | measured |
|---|---|---|---|---|---|---|---|---|---|
"""


def measure(script: str, peer: str) -> list[dict[str, Any]]:
    """The rows of one script."""
    more = ["--peer", peer] if peer and script == "start" else []
    command = [sys.executable, "-m", f"benchmarks.{script}", "--json", *more]
    made = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    if not made.stdout.strip().startswith("["):
        raise SystemExit(f"benchmarks.{script} gave no rows: {made.stderr.strip()[-400:]}")
    day = datetime.now(UTC).date().isoformat()
    rows: list[dict[str, Any]] = json.loads(made.stdout)
    return [{**row, "script": script, "measured": day} for row in rows]


def line(row: dict[str, Any]) -> str:
    """One row of the table."""
    peer = row["peer"] or f"limit {row['limit']} {row['unit']}"
    value = "" if "value" not in row else f", {row['value']} {row['unit']}"
    ratio = f"{row['ratio']:.3g} ({row['ratio_min']:.3g} - {row['ratio_max']:.3g}){value}"
    wall = ", ".join("-" if each is None else f"{each:.3g} s" for each in row["wall_s"])
    holds = "yes" if row["holds"] else "**no**"
    if row.get("decided_by") == "cpu":
        holds += " (by CPU)"
    cells = (
        row["name"], row["what"], peer, ratio, f"{row['cpu_ratio']:.3g}", row["goal"], holds,
        wall, row["foreign_cores"], row["measured"],
    )  # fmt: skip
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main() -> None:
    """Measure, keep, print."""
    stored = json.loads(STORE.read_text("utf-8")) if STORE.exists() else []
    parser = argparse.ArgumentParser()
    parser.add_argument("scripts", nargs="*", choices=(*SCRIPTS, []), help="all, if none is named")
    parser.add_argument("--peer", default="", help="an interpreter that has napari")
    args = parser.parse_args()
    for script in args.scripts or SCRIPTS:
        fresh = measure(script, args.peer)
        stored = [row for row in stored if row["script"] != script] + fresh
    stored.sort(key=lambda row: (SCRIPTS.index(row["script"]), row["name"]))
    STORE.write_text(json.dumps(stored, indent=1, ensure_ascii=False) + "\n", "utf-8")
    machine = stored[0].get("machine", "")
    body = "\n".join(line(row) for row in stored)
    PAGE.write_text(f"{HEAD}{body}\n\nMachine: {machine}.\n", "utf-8")


if __name__ == "__main__":
    main()
