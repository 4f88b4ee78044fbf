"""Documents to text and structure, free text to mentions, relations and observations.

A reader a format in `readers/`, a grammar a kind of mention in `rules/`; words are data
(`resources/lexicon/`). Front door: the names below; all may be called from a thread.
"""

from medview.record.document import Document, PatientIdentity, Section
from medview.record.extraction import extract
from medview.record.identity import Match, belongs_to
from medview.record.note import Attributes, Entity, Note, Relation, Value
from medview.record.observing import observations
from medview.record.opening import is_document, read_document, read_documents

__all__ = [
    "Attributes",
    "Document",
    "Entity",
    "Match",
    "Note",
    "PatientIdentity",
    "Relation",
    "Section",
    "Value",
    "belongs_to",
    "extract",
    "is_document",
    "observations",
    "read_document",
    "read_documents",
]
