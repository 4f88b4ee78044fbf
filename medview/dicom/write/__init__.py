"""Results leave as DICOM: SEG, SR (TID 1500), heatmap objects, masks, and `results.json`.

Nothing is written over the user's images. Front door: read_sources, write_segmentation,
write_measurement_report, write_heatmap; write_run_files, write_results, write_index, read_results.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medview.dicom.write.finding_groups import KeptRun
    from medview.dicom.write.heatmap import write_heatmap
    from medview.dicom.write.key_images import write_key_selection
    from medview.dicom.write.measurement_report import (
        Reader,
        ReportParts,
        write_measurement_report,
    )
    from medview.dicom.write.results import (
        stack_digest,
        write_index,
        write_results,
        write_run_files,
    )
    from medview.dicom.write.results_json import RunFiles
    from medview.dicom.write.segmentation import WrittenSegmentation, write_segmentation
    from medview.dicom.write.sources import Sources, read_sources
    from medview.dicom.write.stored import StoredResults, find_results, read_results

__all__ = [
    "KeptRun",
    "Reader",
    "ReportParts",
    "RunFiles",
    "Sources",
    "StoredResults",
    "WrittenSegmentation",
    "find_results",
    "read_results",
    "read_sources",
    "stack_digest",
    "write_heatmap",
    "write_index",
    "write_key_selection",
    "write_measurement_report",
    "write_results",
    "write_run_files",
    "write_segmentation",
]

# highdicom takes most of a second to import: it comes with the first object that is written.
_HOME = {
    "finding_groups": ("KeptRun",),
    "heatmap": ("write_heatmap",),
    "key_images": ("write_key_selection",),
    "measurement_report": ("Reader", "ReportParts", "write_measurement_report"),
    "results": ("stack_digest", "write_index", "write_results", "write_run_files"),
    "results_json": ("RunFiles",),
    "segmentation": ("WrittenSegmentation", "write_segmentation"),
    "sources": ("Sources", "read_sources"),
    "stored": ("StoredResults", "find_results", "read_results"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(f"medview.dicom.write.{module}"), name)
    raise AttributeError(name)
