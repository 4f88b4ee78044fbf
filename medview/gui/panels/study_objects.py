"""Lines for what is in a study and is no image: segmentations, reports, doses, documents."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel

from medview.core.study import StudyObject
from medview.core.words import tr
from medview.gui.cards import label


def object_line(found: StudyObject) -> QLabel:
    """Kind and summary of an object; in words, and what can be done with it, in the tooltip."""
    kind = _kind_words(found.kind)
    # Where nothing is known but the kind, its code says little: words stand in its place.
    parts = (found.kind, found.summary) if found.summary else (kind,)
    line = label(" · ".join(map(str, parts)), "small")
    says = tr("{kind}. It is listed only: MedView does not draw it.", kind=kind)
    if found.kind == "SEG":
        says = tr("{kind}. Ctrl+K, Take up stored segmentations, draws it.", kind=kind)
    if found.kind == "PR":
        says = tr("{kind}. Ctrl+P applies it to its picture.", kind=kind)
    elif found.kind in ("SR", "KO"):
        says = tr("{kind}. What it marks on images that are here stands on them.", kind=kind)
    line.setToolTip(says)
    line.setAccessibleDescription(line.toolTip())
    return line


def _kind_words(kind: str) -> str:
    words = {
        "SEG": tr("Segmentation"),
        "SR": tr("Structured report"),
        "KO": tr("Key images"),
        "PR": tr("Presentation state"),
        "RTSTRUCT": tr("Radiotherapy structures"),
        "RTDOSE": tr("Radiotherapy dose"),
        "RTPLAN": tr("Radiotherapy plan"),
        "RTRECORD": tr("Radiotherapy record"),
        "PDF": tr("PDF document"),
        "CDA": tr("Clinical document (CDA)"),
        "WAVEFORM": tr("Waveform"),
        "REG": tr("Spatial registration"),
        "ANN": tr("Annotations"),
        "RWV": tr("Real-world value map"),
        "RT": tr("Radiotherapy object"),
        "FID": tr("Spatial fiducials"),
        "STL": tr("Surface model (STL)"),
        "OBJ": tr("Surface model (OBJ)"),
        "MTL": tr("Surface material (MTL)"),
        "SPECTROSCOPY": tr("MR spectroscopy"),
        "RAW": tr("Raw data of the device"),
        "PARAMETRIC MAP": tr("Parametric map"),
        "PALETTE": tr("Colour palette"),
        "OTHER": tr("Other DICOM object"),
    }
    return words.get(kind) or tr("DICOM object of modality {kind}", kind=kind)
