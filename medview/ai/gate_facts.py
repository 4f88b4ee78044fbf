"""What a gate knows of its input: values of the study, the series and the stack, read with care."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from medview.core.body_parts import named_view
from medview.core.study import Patient, Series, Stack, Study

_AGE = re.compile(r"(\d{1,3})([DWMY]?)")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0, "": 1.0}


@dataclass(frozen=True)
class Facts:
    """One stack with all that stands around it.

    diameter_mm: of the one lesion that is asked about, None where the stack as a whole is.
    """

    patient: Patient
    study: Study
    series: Series
    stack: Stack
    diameter_mm: float | None = None

    def header(self, keyword: str) -> str:
        """A header value without blanks around it, "" when absent."""
        return self.series.header.get(keyword, "").strip()

    @property
    def descriptions(self) -> str:
        """Every free text that says what was taken, joined."""
        return " ".join(
            (
                self.series.description,
                self.header("SeriesDescription"),
                self.header("ProtocolName"),
                self.header("AcquisitionDeviceProcessingDescription"),
                self.study.description,
            )
        )

    @property
    def image_type(self) -> tuple[str, ...]:
        """Values of Image Type, upper case."""
        words = re.split(r"[\\,\[\]' ]+", self.header("ImageType").upper())
        return tuple(word for word in words if word)

    def ages_years(self) -> tuple[float, ...]:
        """The age at the study by Patient's Age and by birth date, where each is known.

        000Y without more is what de-identification leaves behind, not a newborn.
        """
        ages = [self._stated_age(), self._age_by_birth_date()]
        return tuple(age for age in ages if age is not None)

    def _stated_age(self) -> float | None:
        match = _AGE.fullmatch(self.header("PatientAge").upper())
        if match is None or (int(match[1]) == 0 and match[2] in ("Y", "")):
            return None
        return int(match[1]) * _YEARS[match[2]]

    def _age_by_birth_date(self) -> float | None:
        try:
            born = date.fromisoformat(self.patient.birth_date)
            taken = date.fromisoformat(self.study.date)
        except ValueError:
            return None
        days = (taken - born).days
        return days / 365.25 if 0 <= days < 120 * 366 else None

    @property
    def view(self) -> str:
        """AP, PA, "AP or PA", LATERAL or "": by View Position, then words, then orientation."""
        view = self.header("ViewPosition").upper() or named_view(self.descriptions)
        if view:
            return named_view(view) or view
        row = re.split(r"[\\,\[\]' ]+", self.header("PatientOrientation").upper().strip("[]' "))
        return {"L": "AP or PA", "R": "AP or PA", "A": "LATERAL", "P": "LATERAL"}.get(
            row[0][:1], ""
        )
