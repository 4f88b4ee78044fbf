"""Chinese is complete: every sentence that the program can say has its translation."""

from __future__ import annotations

import ast
import json
import string
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from medview.core.observation import concepts
from medview.core.words import translate

ROOT = Path(__file__).resolve().parents[2]
SAME_IN_BOTH = {
    "{what} {todo}", "{title} · {stage}", "{amount}", "{amount} {unit}", "{text}", "AI",
    "CT", "MR", "PET/CT", "CC", "MLO", "T1, T2", "T1, T2, FLAIR, DWI",
    "ALP", "ALT", "AST", "INR", "PSA", "eGFR", "T",
}  # fmt: skip


def said_in(path: Path) -> Iterator[str]:
    """First arguments of say(...) and tr(...) that are written out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = (
            node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        )
        first = node.args[0]
        if name in ("say", "tr") and isinstance(first, ast.Constant):
            yield str(first.value)


def said_by_models() -> Iterator[str]:
    """Titles and names of outputs, and for whom a model is made."""
    for path in (ROOT / "models").glob("*/model.json"):
        model = json.loads(path.read_text(encoding="utf-8"))
        yield model["title"]
        yield from (output["name"] for output in model["outputs"])
        yield from (gate["described_as"] for gate in model["gates"] if "described_as" in gate)


def named_in_hanging_rules() -> Iterator[str]:
    """Names of the rules that we ship, and of their stages."""
    for path in (ROOT / "resources" / "hanging").glob("*.toml"):
        rule = tomllib.loads(path.read_text(encoding="utf-8"))
        yield rule["name"]
        yield from (stage["name"] for stage in rule["stage"])


def names_of_looks() -> Iterator[str]:
    """What the volume view's looks are called."""
    told = json.loads((ROOT / "resources" / "volume_looks.json").read_text(encoding="utf-8"))
    yield from (look["name"] for look in told["looks"])


def templates() -> set[str]:
    found = {said for path in (ROOT / "medview").rglob("*.py") for said in said_in(path)}
    from medview.gui.actions import GROUPS, MOUSE, ROWS

    found |= {line.title for line in ROWS}
    found |= set(names_of_looks())
    found |= set(GROUPS.values()) | {word for pair in MOUSE for word in pair}
    found |= set(said_by_models())
    found |= set(named_in_hanging_rules())
    found |= {concept.title for concept in concepts().values()}
    return found


def fields_of(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def test_every_sentence_is_translated() -> None:
    missing = sorted(
        t for t in templates() if translate(t, "zh_CN") == t and t not in SAME_IN_BOTH and t.strip()
    )

    assert missing == []


def fragments() -> dict[str, dict[str, str]]:
    folder = ROOT / "resources" / "translations" / "zh_CN.d"
    return {
        p.stem: json.loads(p.read_text(encoding="utf-8")) for p in sorted(folder.glob("*.json"))
    }


def written_anywhere() -> set[str]:
    """Every text of the program, its data and its models: some sentences are built from these."""

    def texts_in(value: object) -> Iterator[str]:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            for part in value.values() if isinstance(value, dict) else value:
                yield from texts_in(part)

    found = {
        node.value
        for path in (ROOT / "medview").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    found |= set(named_in_hanging_rules())
    for folder in ("resources", "models"):
        for path in (ROOT / folder).rglob("*.json"):
            if path.parent.name != "zh_CN.d":
                found |= set(texts_in(json.loads(path.read_text(encoding="utf-8"))))
    return found


def test_a_translation_fills_in_the_same_values() -> None:
    for entries in fragments().values():
        for template, translated in entries.items():
            assert fields_of(translated) == fields_of(template), template


def test_nothing_is_translated_twice_or_without_need() -> None:
    keys = [template for entries in fragments().values() for template in entries]

    assert sorted(key for key, count in Counter(keys).items() if count > 1) == []
    assert sorted(set(keys) - written_anywhere()) == []
