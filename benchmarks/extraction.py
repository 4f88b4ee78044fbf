"""How well what is written is read: names, relations and context, against annotators.

    python -m benchmarks.extraction --set bc5cdr|ncbi_disease|negex_context FILE
    python -m benchmarks.extraction --notes FILE [OURS]
    python -m benchmarks.extraction --pace FILE

FILE is a file of the set's form (JSON Lines, plain or .gz; abstracts also as PubTator), or of gold
notes of the form `medview-note/1`; OURS are the notes to be judged, as `medview extract --lines`
prints them, else the texts of FILE are read here. `--by` says who reads abstracts: `model` is the
trained tagger alone with the guidelines of the set, `extract` everything that `medview extract`
does (its diseases, symptoms and findings count as diseases, its drugs as chemicals), `rules` the
same without the model.

Names and mentions count with exact ends and type, micro F1; relations as pairs of ids, where a
name of ours stands for the ids of the gold mention with the same ends. Intervals: 95 %, by drawing
texts (reports, notes) with replacement. `--pace` writes the texts of FILE as files and times
`medview extract` on them, its start included.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medview.session.text_model import shipped_text_model
from medview.training.text.abstracts import SETS, count_abstract, reader_for
from medview.training.text.contexts import TIMES, count_condition, read_condition
from medview.training.text.corpora import json_lines, read_abstracts
from medview.training.text.notes import count_note, our_note, read_notes
from medview.training.text.scores import Tally, figures, macro_figure, share_figure

Figures = dict[str, Mapping[str, Any]]


def of_abstracts(path: Path, which: str, by: str) -> tuple[Tally, Figures]:
    """Names and relations of a set of abstracts."""
    tally, read = Tally(), reader_for(shipped_text_model() if by != "rules" else None, which, by)
    for abstract in read_abstracts(path):
        count_abstract(tally, abstract, read(abstract.text), SETS[which])
    return tally, dict(figures(tally))


def of_conditions(path: Path) -> tuple[Tally, Figures]:
    """Negation and time of the conditions of single sentences."""
    tally = Tally()
    for row in json_lines(path):
        count_condition(tally, row, read_condition(row))
    found = dict(figures(tally))
    found["macro f1.temporality"] = macro_figure(tally, [f"temporality.{t}" for t in TIMES])
    return tally, found


def of_notes(path: Path, ours: Path | None, by: str) -> tuple[Tally, Figures]:
    """Mentions, attributes, relations and values of notes."""
    tally = Tally()
    model = shipped_text_model() if by != "rules" else None
    given = {note["id"]: note for note in json_lines(ours)} if ours else {}
    for gold in read_notes(path):
        said = given.get(gold["id"]) if ours else our_note(gold["text"], gold["lang"], model)
        count_note(tally, gold, said or {"entities": []})
    shares = [n for n in tally.names if n == "value" or n.startswith("accuracy.")]
    found = {k: v for k, v in figures(tally).items() if k.removeprefix("f1.") not in shares}
    found.update({name: share_figure(tally, name) for name in shares})
    return tally, found


def pace(path: Path) -> dict[str, float]:
    """Documents a minute of `medview extract` on the texts of a file, start included."""
    rows = list(json_lines(path))
    texts = [r.get("text") or r.get("note") or f"{r['title']} {r['abstract']}" for r in rows]
    with tempfile.TemporaryDirectory() as folder:
        for number, text in enumerate(texts):
            Path(folder, f"{number:05}.txt").write_text(text, encoding="utf-8")
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        command = [sys.executable, "-m", "medview.cli.main", "extract", folder, "--lines"]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        wall = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "documents": len(texts), "wall_s": round(wall, 2), "cpu_s": round(cpu, 2),
        "a_minute": round(60 * len(texts) / wall), "a_minute_of_cpu": round(60 * len(texts) / cpu),
    }  # fmt: skip


def main() -> None:
    """Print one table, or JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--set", choices=(*SETS, "negex_context"))
    what.add_argument("--notes", action="store_true")
    what.add_argument("--pace", action="store_true")
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("ours", type=Path, nargs="?", metavar="OURS")
    parser.add_argument("--by", choices=("model", "extract", "rules"), default="model")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if args.pace:
        result = pace(args.file)
        print(json.dumps(result) if args.json else result)
        return
    if args.notes:
        tally, found = of_notes(args.file, args.ours, args.by)
    elif args.set == "negex_context":
        tally, found = of_conditions(args.file)
    else:
        tally, found = of_abstracts(args.file, args.set, args.by)
    texts = len(set(tally.texts))
    if args.json:
        print(json.dumps({"file": args.file.name, "texts": texts, "metrics": found}, indent=1))
        return
    print(f"{args.file.name}: {texts} texts")
    for name, figure in found.items():
        low, high = figure["interval"]
        rest = "".join(f"  {k} {figure[k]:.3f}" for k in ("precision", "recall") if k in figure)
        gold = f"  of {figure['gold']}" if "gold" in figure else ""
        print(f"  {name:32} {figure['value']:.3f}  {low:.3f} to {high:.3f}{rest}{gold}")


if __name__ == "__main__":
    main()
