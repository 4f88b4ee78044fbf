"""The report as plain text, for pasting into another system."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from medview.core.files import write_whole
from medview.core.words import say
from medview.report.content import (
    Headings,
    ReportContent,
    ReportFinding,
    ReportRisk,
    inputs_by_source,
)

_WIDTH = 78


def write_text(content: ReportContent, path: Path) -> Path:
    """Write the report as UTF-8 text, mode 0600. Raises WriteFailed."""
    return write_whole(path, text_of(content))


def text_of(content: ReportContent) -> str:
    """The whole report as lines of at most 78 columns."""
    parts = [_head(content)]
    sections = (
        (Headings.impression, content.impression.splitlines()),
        (Headings.findings, _findings(content)),
        (Headings.measurements, [_spaced(m.name, m.value, m.where) for m in content.measurements]),
        (Headings.risks, [line for risk in content.risks for line in _risk(risk)]),
        (Headings.unconfirmed, [x for f in content.unconfirmed for x in _finding(f)]),
        (Headings.follow_ups, content.follow_ups),
        (Headings.highlights, content.highlights),
        (Headings.models, content.models),
        (Headings.not_run, content.not_run),
        (Headings.sources, content.sources),
    )
    for heading, lines in sections:
        body = list(lines)
        if body:
            parts.append("\n".join([content.heading(heading).upper(), *_wrapped(body)]))
    made = say(Headings.made.template, date=content.date, version=content.version)
    parts.append("\n".join([*_wrapped([content.notice]), *_wrapped([content.heading(made)])]))
    return "\n\n".join(parts) + "\n"


def _head(content: ReportContent) -> str:
    lines = [content.title, "=" * min(_WIDTH, _columns(content.title))]
    lines.append(_spaced(content.patient_name, content.patient_id))
    lines += [_spaced(*line) for line in (content.patient_lines, content.study_lines) if line]
    return "\n".join(_wrapped([*lines, content.notice]))


def _findings(content: ReportContent) -> list[str]:
    lines = [line for finding in content.accepted for line in _finding(finding)]
    if not lines and (content.unconfirmed or content.models):
        lines = [content.heading(Headings.none_accepted)]
    return lines


def _finding(finding: ReportFinding) -> list[str]:
    said = [f"- {finding.title}", *(f"  {detail}" for detail in finding.details)]
    tail = _spaced(finding.model, finding.decided)
    return [*said, f"  {tail}"] if tail else said


def _risk(risk: ReportRisk) -> list[str]:
    lines = [f"- {_spaced(risk.title, risk.value)}"]
    lines += [f"  {text}" for text in (risk.advice, *risk.warnings) if text]
    lines += [f"  {line}" for line in inputs_by_source(risk)]
    return [*lines, f"  {risk.citation}"] if risk.citation else lines


def _spaced(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _columns(text: str) -> int:
    """Columns on a fixed grid: Chinese characters take two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _wrapped(lines: Iterable[str]) -> list[str]:
    return [part for line in lines for part in _wrap(line)]


def _wrap(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())] + ("  " if line.startswith("- ") else "")
    if _columns(line) == len(line):
        return textwrap.wrap(line, _WIDTH, subsequent_indent=indent) or [""]
    out, current = [], ""
    for character in line:  # Chinese breaks anywhere
        if _columns(current + character) > _WIDTH:
            out.append(current)
            current = indent
        current += character
    return [*out, current]
