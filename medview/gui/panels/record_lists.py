"""Lists of the record: problems, medicines, allergies, what is known; each line with its source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from medview.core.observation import Source, concepts
from medview.core.words import tr
from medview.gui.cards import Card, button, chip, label, row
from medview.gui.growing import Growing
from medview.gui.panels.record_values import age_text, shown_value, shown_with_unit
from medview.gui.style import GRID
from medview.record import Known, Statement

_AT_ONCE = 12  # lines of a list before the rest is asked for
_LINES_AT_ONCE = 3


class StatementsCard(Card):
    """A list of one kind: name, detail, status where it is not active, sources."""

    source_asked = Signal(str)

    def __init__(self, title: str, statements: Sequence[Statement]) -> None:
        super().__init__()
        self._rest = list(statements)
        self.setAccessibleName(f"{title}: {len(statements)}")
        self.add(row(label(title, "title"), None, label(str(len(statements)), "small")))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(GRID)
        self.body.addLayout(self._lines)
        self._growing = Growing(self, _LINES_AT_ONCE)
        self._more = button("", "link", self._show_more)
        self.add(self._more)
        self._show_more()

    def _show_more(self) -> None:
        lines = self._rest[:_AT_ONCE]
        self._growing.add([partial(self._add, statement) for statement in lines])
        self._rest = self._rest[_AT_ONCE:]
        self._more.setText(tr("Show {count} more", count=len(self._rest)))
        self._more.setHidden(not self._rest)

    def _add(self, statement: Statement) -> None:
        self._lines.addWidget(self._line(statement))

    def _line(self, statement: Statement) -> QWidget:
        is_active = statement.status in ("active", "")
        name = label(statement.name, "" if is_active else "muted")
        made, lines = QWidget(), QVBoxLayout()
        made.setLayout(lines)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        words = [] if is_active else [status_text(statement.status)]
        detail = statement.detail
        if detail.casefold() in statement.name.casefold():  # a reaction that stands there already
            detail = ""
        words += [word for word in (detail, statement.time[:10]) if word]
        lines.addWidget(row(name, *source_chips(statement.sources, self.source_asked.emit)))
        if words:
            lines.addWidget(label(" · ".join(words), "small"))
        for other in statement.others[:1]:
            said = tr(
                "elsewhere: {value} ({date})",
                value=status_text(other.status),
                date=other.time[:10] or "—",
            )
            lines.addWidget(label("⚠ " + said, "warn"))
        return made


class KnownCard(Card):
    """What is known of the patient: name, value, where it comes from."""

    source_asked = Signal(str)

    def __init__(self, known: Sequence[Known]) -> None:
        super().__init__()
        self.setAccessibleName(tr("What is known"))
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(2 * GRID)
        self._grid.setVerticalSpacing(GRID + 2)
        self._grid.setColumnStretch(0, 1)
        self.body.addLayout(self._grid)
        self._growing = Growing(self, _LINES_AT_ONCE)
        self._growing.begin([partial(self._add, n, item) for n, item in enumerate(known)])

    def _add(self, number: int, item: Known) -> None:
        one = item.observation
        value = label(shown_with_unit(one), "muted" if item.is_stale else "")
        value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        when = age_text(item.age_days)
        tooltip = "\n".join(p for p in (one.original, one.source.where, one.time[:10], when) if p)
        value.setToolTip(tooltip)
        self._grid.addWidget(label(tr(concepts()[one.concept].title)), 2 * number, 0)
        self._grid.addWidget(value, 2 * number, 1)
        self._grid.addWidget(
            source_chip(one.source, self.source_asked.emit, tooltip), 2 * number, 2
        )
        said = []
        if item.is_stale:
            said.append(tr("old: {age}", age=when))
        if item.others:
            other = item.others[0]
            said.append(
                tr(
                    "elsewhere: {value} ({date})",
                    value=shown_value(other),
                    date=other.time[:10] or "—",
                )
            )
        if said:
            line = _aligned(label("⚠ " + " · ".join(said), "warn"))
            self._grid.addWidget(line, 2 * number + 1, 0, 1, 3)


def status_text(status: str) -> str:
    """How a statement stands, in words; active where nothing is said."""
    words = {
        "past": tr("past"),
        "denied": tr("denied"),
        "possible": tr("possible"),
        "family": tr("family"),
    }
    return words.get(status, tr("active"))


def source_chips(sources: Sequence[Source], ask: Callable[[str], object]) -> list[QWidget]:
    """The chip of the best source, and how many more there are."""
    if not sources:
        return []
    made: list[QWidget] = [source_chip(sources[0], ask)]
    if len(sources) > 1:
        others = "\n".join(f"{tr(s.kind)}: {s.where}" for s in sources[1:9])
        locator = sources[1].locator
        more = chip(f"+{len(sources) - 1}", others, lambda: ask(locator))
        more.setAccessibleDescription(others)
        more.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        made.append(more)
    return made


def source_chip(source: Source, ask: Callable[[str], object], tooltip: str = "") -> QWidget:
    """A chip with the kind of a source; a click asks to be shown it where that can be."""
    locator = source.locator
    on_click = (lambda: ask(locator)) if locator else None
    made = chip(tr(source.kind), tooltip or source.where, on_click)
    made.setAccessibleDescription(tooltip or source.where)
    made.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
    return made


def _aligned(made: QLabel) -> QLabel:
    made.setAlignment(Qt.AlignmentFlag.AlignRight)
    return made
