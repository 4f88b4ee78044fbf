"""`medview evaluate MODEL FILE`: a text model's figures on annotated abstracts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from medview.ai.folder import ModelFolder
from medview.ai.schema_text import WEIGHTS
from medview.core.errors import InvalidInput
from medview.core.words import say
from medview.record.tagging.model import TextModel, open_text_model
from medview.training.text.abstracts import SETS, count_abstract, reader_for
from medview.training.text.corpora import Abstract, read_abstracts
from medview.training.text.scores import Tally, figures

SCHEMA = "medview.evaluate/1"


def evaluate_texts(folder: ModelFolder, path: Path, split: str) -> dict[str, Any]:
    """The document `medview.evaluate/1` for a file of abstracts. Raises InvalidInput."""
    if not path.is_file():
        raise InvalidInput(say("This model reads a file of annotated abstracts."), str(path))
    abstracts = read_abstracts(path)
    model = open_text_model(folder.description, folder.content(WEIGHTS))
    tally = judged(model, abstracts, set_of(abstracts))
    return {
        "schema": SCHEMA,
        "model": folder.name,
        "version": folder.version,
        "data": path.name,
        "split": split,
        "cases": len(abstracts),
        "patients": len(abstracts),
        "refused": 0,
        "metrics": figures(tally),
        "per_case": [
            {"text": who, **{name: tally.rows(name)[i].tolist() for name in tally.names}}
            for i, who in enumerate(tally.texts)
        ],
    }


def set_of(abstracts: Sequence[Abstract]) -> str:
    """By whose guidelines abstracts were annotated: only one set names chemicals."""
    has_chemicals = any(m.type == "Chemical" for a in abstracts for m in a.mentions)
    return "bc5cdr" if has_chemicals else "ncbi_disease"


def judged(model: TextModel, abstracts: Sequence[Abstract], which: str) -> Tally:
    """The model's names and pairs, counted."""
    tally, read = Tally(), reader_for(model, which, "model")
    for abstract in abstracts:
        count_abstract(tally, abstract, read(abstract.text), SETS[which])
    return tally
