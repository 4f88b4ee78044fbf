"""What a report says, in the words of one language, before it is set on pages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medview.core.words import Sentence, say

NOTICE = say("Not for diagnostic use. Model results are suggestions, checked by the reader.")


@dataclass(frozen=True, eq=False, kw_only=True)
class KeyImage:
    """A picture with overlays as shown: uint8 [row, column, 3], and what it shows."""

    pixels: NDArray[np.uint8]
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFinding:
    """A model's finding in words.

    title: "Nodule, right upper lobe". details: numbers with units, each one line.
    model: name and version. decided: when the reader decided, "" while it is only suggested.
    """

    title: str
    details: tuple[str, ...] = ()
    model: str = ""
    decided: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMeasurement:
    """A number that the reader took: what, value with unit, where (series, slice)."""

    name: str
    value: str
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInput:
    """An input of a score and where it came from."""

    name: str
    value: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRisk:
    """A computed score. value: number with unit or "" for a category; advice: band or advice."""

    title: str
    value: str = ""
    advice: str = ""
    inputs: tuple[ReportInput, ...] = ()
    warnings: tuple[str, ...] = ()
    citation: str = ""


def inputs_by_source(risk: ReportRisk) -> list[str]:
    """`name value, name value (source)`, each source once, in the order of first use."""
    found: dict[str, list[str]] = {}
    for item in risk.inputs:
        found.setdefault(item.source, []).append(f"{item.name} {item.value}")
    return [f"{', '.join(values)} ({source})" for source, values in found.items()]


@dataclass(frozen=True, eq=False, kw_only=True)
class ReportContent:
    """Everything that stands in one report about one study.

    Texts are in `language` already (a key of words.LANGUAGES); headings follow it. `accepted` are
    the findings that the reader accepted; `unconfirmed` the others, set apart and said to be so
    (rejected ones belong in neither). `not_run`: models that refused or failed, with the reason.
    """

    title: str
    patient_name: str
    patient_id: str
    patient_lines: tuple[str, ...] = ()
    study_lines: tuple[str, ...] = ()
    impression: str = ""
    images: tuple[KeyImage, ...] = ()
    accepted: tuple[ReportFinding, ...] = ()
    unconfirmed: tuple[ReportFinding, ...] = ()
    measurements: tuple[ReportMeasurement, ...] = ()
    risks: tuple[ReportRisk, ...] = ()
    follow_ups: tuple[str, ...] = ()
    highlights: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()
    date: str = ""
    version: str = ""
    language: str = "en"

    def heading(self, words: Sentence) -> str:
        """A sentence of our own in the report's language."""
        return words.text(self.language)

    @property
    def notice(self) -> str:
        """What stands on every page."""
        return NOTICE.text(self.language)


class Headings:
    """The headings, in one place for PDF and text."""

    impression = say("Impression")
    findings = say("Findings")
    none_accepted = say("No model finding was accepted by the reader.")
    unconfirmed = say("Suggested by models, not confirmed by the reader")
    measurements = say("Measurements")
    risks = say("Risk")
    follow_ups = say("Follow-up")
    highlights = say("From the record")
    models = say("Models")
    not_run = say("Models that did not run")
    sources = say("Sources")
    accepted_at = say("Accepted by the reader")
    page = say("Page {page} of {pages}")
    made = say("Made on {date} with MedView {version}")
