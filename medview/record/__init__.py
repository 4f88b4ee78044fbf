"""Documents to text and structure, free text to mentions, relations and observations.

A reader a format in `readers/`, a grammar a kind of mention in `rules/`; words are data
(`resources/lexicon/`). Front door: the names below; all may be called from a thread.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medview.record.chart import Chart, Point, Series, Statement, chart_of
    from medview.record.correcting import check_span, corrected
    from medview.record.document import Document, PatientIdentity, Section
    from medview.record.extraction import extract
    from medview.record.identity import Belonging, belongs_to, contradictions
    from medview.record.merging import merged
    from medview.record.note import Attributes, Entity, Note, Relation, Value
    from medview.record.observing import observations
    from medview.record.opening import documents_among, is_document, read_document, read_documents
    from medview.record.staleness import age_in_days, day_of, is_stale, usual_days
    from medview.record.summary import Known, Trend, groups_of, known_of, marks_of, trends

__all__ = [
    "Attributes",
    "Belonging",
    "Chart",
    "Document",
    "Entity",
    "Known",
    "Note",
    "PatientIdentity",
    "Point",
    "Relation",
    "Section",
    "Series",
    "Statement",
    "Trend",
    "Value",
    "age_in_days",
    "belongs_to",
    "chart_of",
    "check_span",
    "contradictions",
    "corrected",
    "day_of",
    "documents_among",
    "extract",
    "groups_of",
    "is_document",
    "is_stale",
    "known_of",
    "marks_of",
    "merged",
    "observations",
    "read_document",
    "read_documents",
    "trends",
    "usual_days",
]

# The window imports this room when it fills its panels: half a second of grammar can wait.
_HOME = {
    "Attributes": "note",
    "Belonging": "identity",
    "Chart": "chart",
    "Document": "document",
    "Entity": "note",
    "Known": "summary",
    "Note": "note",
    "PatientIdentity": "document",
    "Point": "chart",
    "Relation": "note",
    "Section": "document",
    "Series": "chart",
    "Statement": "chart",
    "Trend": "summary",
    "Value": "note",
    "age_in_days": "staleness",
    "belongs_to": "identity",
    "chart_of": "chart",
    "check_span": "correcting",
    "contradictions": "identity",
    "corrected": "correcting",
    "day_of": "staleness",
    "documents_among": "opening",
    "extract": "extraction",
    "groups_of": "summary",
    "is_document": "opening",
    "is_stale": "staleness",
    "known_of": "summary",
    "marks_of": "summary",
    "merged": "merging",
    "observations": "observing",
    "read_document": "opening",
    "read_documents": "opening",
    "trends": "summary",
    "usual_days": "staleness",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"medview.record.{_HOME[name]}"), name)
