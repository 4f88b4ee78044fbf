"""Measures what is read in texts and writes it into `extraction.json` and `extraction.md`.

    .venv/bin/python docs/make_extraction.py NLP [--only NAME]... [--notes FOLDER]

NLP is the folder of the annotated sets (`bc5cdr/`, `ncbi_disease/`, `negex_context/`), FOLDER holds
gold notes of the form `medview-note/1` as `en.jsonl` and `zh.jsonl`. Each figure is one of
`benchmarks/extraction.py`; what is not named by `--only` stays as it was measured last.
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
MODEL = DOCS.parent / "models" / "disease-chemical-names"
LEARNED = ("bc5cdr", "ncbi_disease")
STORE, PAGE = DOCS / "extraction.json", DOCS / "extraction.md"
# What is shown of each, with what others say (sources below the table).
SHOWN = {
    "bc5cdr": {
        "f1.disease": ("BC5CDR disease", "CRF from scratch .806, CollaboNet .841, BioBERT .866"),
        "f1.chemical": ("BC5CDR chemical", "CRF from scratch .880, BiLSTM-CRF .906, BioBERT .934"),
        "f1.all": ("BC5CDR both", "CRF from scratch .846"),
        "f1.relation": ("BC5CDR chemical causes disease", ""),
    },
    "ncbi_disease": {
        "f1.disease": ("NCBI disease", "CRF from scratch .797, char-BiLSTM-CRF .802, BioBERT .894"),
    },
    "negex_context": {
        "f1.negated": ("NegEx/ConText: negated", "NegEx .81 (sensitivity .778, PPV .845)"),
        "macro f1.temporality": ("NegEx/ConText: time, mean of three", ""),
    },
    "notes-en": {
        "f1.entities": ("English notes: mentions", ""),
        "f1.context.negated": ("English notes: negated", ""),
        "f1.relations": ("English notes: relations", ""),
    },
    "notes-zh": {
        "f1.entities": ("Chinese notes: mentions", ""),
        "f1.context.negated": ("Chinese notes: negated", ""),
        "f1.relations": ("Chinese notes: relations", ""),
    },
    "notes-second-en": {
        "f1.entities": ("English notes, second hand: mentions", ""),
        "f1.context.negated": ("English notes, second hand: negated", ""),
        "f1.relations": ("English notes, second hand: relations", ""),
    },
    "notes-second-zh": {
        "f1.entities": ("Chinese notes, second hand: mentions", ""),
        "f1.context.negated": ("Chinese notes, second hand: negated", ""),
        "f1.relations": ("Chinese notes, second hand: relations", ""),
    },
}
HEAD = """# Reading texts: what was measured

Made by `docs/make_extraction.py`, which runs `benchmarks/extraction.py`; any file of a set's form
can be measured by that command. BC5CDR and NCBI are from the model's `eval.json` (below). F1 with
exact ends and type; intervals are 95 %, by drawing texts with replacement.

| F1 | here | 95 % interval | precision | recall | texts | others |
|---|---|---|---|---|---|---|
"""
FOOT = """
What stands behind the figures:

- BC5CDR and NCBI are read by the trained model alone, by each set's guidelines. The figures are of
  weights that learned from the training parts alone, on the development parts, as
  `medview train models/disease-chemical-names/train.toml` works out first; the model's card says
  what the weights that ship learned from. Texts that those have not seen, such as the official
  test parts (which the other figures are of, and which are not in this project), are measured by
  `python -m benchmarks.extraction --set bc5cdr FILE`.
- The rules of context were written with the development part of NegEx/ConText in sight; a part
  that nobody saw may come out lower. Two of the set's guidelines differ from those of notes and
  are translated: a question that an examination is to answer is about now, and allergies and
  habits are of the past.
- The notes are invented ones of this project (`tests/data/notes`), written and marked before the
  program read them; rules were mended afterwards where they were plainly wrong, so these figures
  are no estimate for other notes. Those of the second hand (32 a language) came later, by somebody
  who had not read the rules. At first sight they gave mentions .858 English and .834 Chinese,
  negated .970 and 1.000, relations .714 and .685: that is what to expect of notes by others.
- Others: CRF from scratch is python-crfsuite on the training and development parts; CollaboNet
  10.1186/s12859-020-3393-1; BioBERT and BiLSTM-CRF 10.1186/s12859-022-05051-9 and
  10.1186/s12911-018-0690-y; NegEx 10.1006/jbin.2001.1029.
- Pace: `python -m benchmarks.extraction --pace bc5cdr/dev.jsonl.gz` writes the texts (of any
  file of abstracts) as files and times `medview extract` on them, start included.
"""


def measure(*arguments: str) -> dict[str, Any]:
    """What one command says."""
    command = [sys.executable, "-m", "benchmarks.extraction", *arguments, "--json"]
    made = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    if made.returncode:
        raise SystemExit(made.stderr.strip()[-400:])
    found: dict[str, Any] = json.loads(made.stdout)
    return {**found, "measured": datetime.now(UTC).date().isoformat()}


def estimated(key: str, file: Path) -> dict[str, Any]:
    """The figures of a set that the shipped weights learned from, of weights that had not."""
    found = json.loads((MODEL / "eval.json").read_text(encoding="utf-8"))["estimate"]
    own = {k.removeprefix(f"{key}."): v for k, v in found.items() if k.startswith(f"{key}.")}
    with gzip.open(file, "rt", encoding="utf-8") as rows:
        return {"file": file.name, "texts": sum(1 for _ in rows), "metrics": own}


def page(kept: dict[str, Any]) -> str:
    """The table of everything that is kept."""
    rows = []
    for key, shown in SHOWN.items():
        for name, (title, others) in shown.items():
            figure = kept.get(key, {}).get("metrics", {}).get(name)
            if figure is None:
                continue
            low, high = figure["interval"]
            parts = [f"{figure[k]:.3f}" if k in figure else "" for k in ("precision", "recall")]
            rows.append(
                f"| {title} | {figure['value']:.3f} | {low:.3f} to {high:.3f} | {parts[0]} "
                f"| {parts[1]} | {kept[key]['texts']} | {others} |"
            )
    pace = kept.get("pace", {})
    spoken = (
        f"\nMeasured pace: {pace['a_minute']} abstracts a minute on two cores with nothing beside "
        f"({pace['documents']} files, the start included).\n"
        if pace
        else ""
    )
    return HEAD + "\n".join(rows) + "\n" + spoken + FOOT


def main() -> None:
    """Measure, keep, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path, metavar="NLP")
    parser.add_argument("--only", action="append", default=[], help="a set, `pace` or `notes`")
    parser.add_argument("--notes", type=Path, default=DOCS.parent / "tests" / "data" / "notes")
    args = parser.parse_args()
    kept = json.loads(STORE.read_text(encoding="utf-8")) if STORE.exists() else {}
    for key in SHOWN:
        if args.only and key not in args.only:
            continue
        if key.startswith("notes-"):
            file = args.notes / f"{key.removeprefix('notes-')}.jsonl"
            kept[key] = measure("--notes", str(file))
        elif key in LEARNED:
            kept[key] = estimated(key, args.folder / key / "dev.jsonl.gz")
        else:
            kept[key] = measure("--set", key, str(args.folder / key / "dev.jsonl.gz"))
    if not args.only or "pace" in args.only:
        kept["pace"] = measure("--pace", str(args.folder / "bc5cdr" / "dev.jsonl.gz"))
    STORE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(page(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
