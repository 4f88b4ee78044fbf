"""Documents to text and structure, free text to mentions, relations and observations.

A reader a format in `readers/`, a grammar a kind of mention in `rules/`; words are data
(`resources/lexicon/`). Front door: the names below; all may be called from a thread.
"""

from medview.record.document import Document, PatientIdentity, Section
from medview.record.extraction import extract
from medview.record.identity import Belonging, belongs_to
from medview.record.note import Attributes, Entity, Note, Relation, Value
from medview.record.observing import observations
from medview.record.opening import is_document, read_document, read_documents
from medview.record.summary import Known, Trend, groups_of, known_of, marks_of, trends

__all__ = [
    "Attributes",
    "Belonging",
    "Document",
    "Entity",
    "Known",
    "Note",
    "PatientIdentity",
    "Relation",
    "Section",
    "Trend",
    "Value",
    "belongs_to",
    "extract",
    "groups_of",
    "is_document",
    "known_of",
    "marks_of",
    "observations",
    "read_document",
    "read_documents",
    "trends",
]
