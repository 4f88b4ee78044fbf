"""Results leave as DICOM: SEG, SR (TID 1500), heatmap objects, masks, and `results.json`.

Nothing is written over the user's images. Front door: read_sources, write_segmentation,
write_measurement_report, write_heatmap; write_run_files, write_results, write_index, read_results.
"""

from medview.dicom.write.heatmap import write_heatmap
from medview.dicom.write.measurement_report import (
    Reader,
    ReportParts,
    write_measurement_report,
)
from medview.dicom.write.results import (
    StoredResults,
    find_results,
    read_results,
    stack_digest,
    write_index,
    write_results,
    write_run_files,
)
from medview.dicom.write.results_json import RunFiles
from medview.dicom.write.segmentation import WrittenSegmentation, write_segmentation
from medview.dicom.write.sources import Sources, read_sources

__all__ = [
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
    "write_measurement_report",
    "write_results",
    "write_run_files",
    "write_segmentation",
]
