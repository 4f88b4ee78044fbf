"""A small report in two languages, and Qt for the pages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from medview.report import (
    KeyImage,
    ReportContent,
    ReportFinding,
    ReportInput,
    ReportMeasurement,
    ReportRisk,
)


@pytest.fixture(autouse=True)
def _qt(qapp: QApplication) -> None:
    """One application for the process: widgets of other tests need the larger kind."""


def key_image(rows: int, columns: int) -> KeyImage:
    """A grey ramp with a red mark."""
    ramp = np.linspace(0, 255, columns, dtype=np.uint8)
    pixels = np.repeat(np.tile(ramp, (rows, 1))[..., None], 3, axis=-1)
    pixels[rows // 2, columns // 2] = (255, 0, 0)
    return KeyImage(pixels=pixels, caption="Axial 128")


@pytest.fixture
def make_report() -> Callable[..., ReportContent]:
    """A report of a demo patient; keyword arguments replace parts of it."""

    def make(**parts: object) -> ReportContent:
        whole: dict[str, object] = {
            "title": "CT chest",
            "patient_name": "DEMO^ADA",
            "patient_id": "MV-0001",
            "patient_lines": ("F · 67 y · 1958-11-03",),
            "study_lines": ("2026-01-31 · 3 Lung 1.25",),
            "impression": "Nodule <9 mm> & emphysema.\n右肺上叶实性毛刺结节，女，三个月后复查。",
            "images": (key_image(200, 256), key_image(200, 150)),
            "accepted": (
                ReportFinding(
                    title="Nodule, right upper lobe",
                    details=("10.2 × 8.6 mm",),
                    model="nodule 1.0",
                    decided="2026-01-31 10:42",
                ),
            ),
            "unconfirmed": (ReportFinding(title="Emphysema", details=("4.2 %",)),),
            "measurements": (ReportMeasurement(name="Length", value="10.2 mm", where="axial 128"),),
            "risks": (
                ReportRisk(
                    title="Brock",
                    value="36 %",
                    inputs=(
                        ReportInput(name="Diameter", value="10.2 mm", source="ruler"),
                        ReportInput(name="Spiculation", value="yes", source="ruler"),
                    ),
                    citation="doi:10.1056/NEJMoa1214726",
                ),
            ),
            "highlights": ("COPD since 2016",),
            "sources": ("Creatinine 1.2 mg/dL: laboratory 2026-01-29",),
            "models": ("nodule 1.0 · abcdef0123456789",),
            "not_run": ("pneumonia-child 1.0: this film shows an adult",),
            "date": "2026-01-31 11:02",
            "version": "0.1.0",
        }
        return ReportContent(**(whole | parts))  # type: ignore[arg-type]

    return make
