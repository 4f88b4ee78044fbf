"""How much of public word lists and annotated texts the project's own words and rules find.

    python -m benchmarks.lexicon_coverage FOLDER [--limit N] [--json] [--missed N]

FOLDER holds `lexicon/`, `bc5cdr/`, `ncbi_disease/`, `zh_cehrner/` and
`zh_cmedqaner/` in the forms of their publications. Nothing of them is in the program: these are
measurements of rules that were written without them. Spans must agree exactly.
"""

from __future__ import annotations

import argparse
import collections
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from medview.record import Document, Note, extract
from medview.record.rules.lexicon import anatomy_for, lexicon_for

Row = dict[str, Any]
Key = tuple[int, int, str]
_SETS: Mapping[str, tuple[str, Mapping[str, str], Mapping[str, str]]] = {
    # set: file, gold type to ours, our type to the compared one
    "bc5cdr": ("dev", {"Disease": "disease", "Chemical": "drug"},
               {"disease": "disease", "symptom": "disease", "finding": "disease", "drug": "drug"}),
    "ncbi_disease": ("dev", {"*": "disease"}, {"disease": "disease"}),
    "zh_cehrner": ("dev", {"疾病和诊断": "disease", "症状": "symptom", "药物": "drug",
                           "手术": "procedure", "解剖部位": "anatomy", "影像检查": "procedure"},
                   {k: k for k in ("disease", "symptom", "drug", "procedure", "anatomy")}),
    "zh_cmedqaner": ("dev", {"disease": "disease", "symptom": "symptom", "drug": "drug",
                             "body": "anatomy"},
                     {k: k for k in ("disease", "symptom", "drug", "anatomy")}),
}  # fmt: skip


def lines(path: Path) -> Iterator[Row]:
    """Objects of a compressed file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def note_of(text: str) -> Note:
    """The note of a bare text."""
    whole = ((0, len(text)),) if text else ()
    return extract(Document(id="d", path="", kind="text", text=text, narrative=whole))


def word_lists(folder: Path) -> Row:
    """Share of each list's names that are names here too, by source."""
    known = lexicon_for(("en", "zh"))
    places = anatomy_for(("en", "zh"))
    seen: collections.Counter[str] = collections.Counter()
    found: collections.Counter[str] = collections.Counter()
    with gzip.open(folder / "lexicon" / "lexicon.tsv.gz", "rt", encoding="utf-8") as file:
        next(file)
        for line in file:
            source, _, _, _, name, *_ = line.rstrip("\n").split("\t")
            seen[source] += 1
            matches = [*known.find(name, 0, len(name)), *places.find(name, 0, len(name))]
            found[source] += any(m.start == 0 and m.end == len(name) for m in matches)
    return {source: {"names": n, "found": found[source] / n} for source, n in seen.items()}


def score(gold: set[Key], ours: set[Key]) -> tuple[int, int, int]:
    """True positives, false positives, false negatives."""
    return len(gold & ours), len(ours - gold), len(gold - ours)


def annotated(folder: Path, name: str, limit: int, missed: collections.Counter[str]) -> Row:
    """Exact-span precision, recall, F1 of one set by type."""
    part, from_gold, from_ours = _SETS[name]
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0, 0])
    for number, row in enumerate(lines(folder / name / f"{part}.jsonl.gz")):
        if limit and number >= limit:
            break
        text = row.get("text") or f"{row['title']} {row['abstract']}"
        gold = {
            (e["start"], e["end"], kind)
            for e in row["entities"]
            if (kind := from_gold.get(e["type"]) or from_gold.get("*"))
        }
        ours = {
            (e.start, e.end, from_ours[e.type])
            for e in note_of(text).entities
            if e.type in from_ours
        }
        for kind in set(from_gold.values()):
            one = score({g for g in gold if g[2] == kind}, {o for o in ours if o[2] == kind})
            counts[kind] = [a + b for a, b in zip(counts[kind], one, strict=True)]
        missed.update(f"{name} {kind}: {text[s:e]}" for s, e, kind in gold - ours)
    return {kind: _figures(*three) for kind, three in sorted(counts.items())}


def _figures(hit: int, extra: int, lost: int) -> Row:
    precision = hit / (hit + extra) if hit + extra else 0.0
    recall = hit / (hit + lost) if hit + lost else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return {"gold": hit + lost, "precision": precision, "recall": recall, "f1": f1}


def main() -> None:
    """Print one table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--limit", type=int, default=0, help="texts of each set; 0 is all")
    parser.add_argument("--missed", type=int, default=0, help="show so many names that were missed")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    missed: collections.Counter[str] = collections.Counter()
    jobs: dict[str, Callable[[], Row]] = {
        "own names": lambda: {
            language: len(lexicon_for((language,))) + len(anatomy_for((language,)))
            for language in ("en", "zh")
        },
        "word lists": lambda: word_lists(args.folder),
        **{name: lambda n=name: annotated(args.folder, n, args.limit, missed) for name in _SETS},
    }
    result = {name: job() for name, job in jobs.items()}
    if args.json:
        print(json.dumps(result, indent=1))
        return
    for name, figures in result.items():
        print(name)
        for key, value in figures.items():
            print(f"  {key}: {_shown(value)}")
    for term, count in missed.most_common(args.missed):
        print(count, term)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {_shown(v)}" for k, v in value.items())
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
