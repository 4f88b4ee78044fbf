"""The rows about the record."""

from __future__ import annotations

from medview.gui.actions.row import Row

RECORD_ROWS = (
    Row("record.search", "Search the record", "search", "Ctrl+Alt+F", is_scripted=False),
    Row("record.documents", "Documents of the record", "file-text", "Ctrl+Alt+D"),
    Row("record.summary", "Summary of the record", keys="Ctrl+Alt+S"),
    Row("record.timeline", "Timeline of the record", keys="Ctrl+Alt+T"),
    Row("record.export_fhir", "Save the record as FHIR…", "save", "Ctrl+Alt+E"),
    Row("record.export_notes", "Save the corrected notes…", "save"),
)
