"""What the reader can set; every change holds at once and is kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFormLayout,
    QLineEdit,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from medview.core.settings import Settings
from medview.core.words import tr
from medview.gui.cards import button, label, row
from medview.gui.style import GRID
from medview.gui.tools.habits import WINDOW_DRAGS
from medview.session.corrections import account
from medview.session.memory import automatic_budget, total_bytes

_SIZES_MB = tuple(1024 * size for size in (1, 2, 4, 8, 16, 32, 64, 128))
_FONTS = (11, 12, 13, 14, 15, 16, 18, 20)
_RATES = (5, 8, 10, 15, 20, 25, 30, 60)


Pages = Callable[[QWidget], Sequence[tuple[str, QWidget]]]


class SettingsDialog(QDialog):
    """Memory, reading ahead, cine, language, theme, type; further pages beside it.

    pages: makes them, with their titles in the current language, for a parent.
    """

    changed = Signal(object)  # Settings

    def __init__(self, settings: Settings, pages: Pages, parent: QWidget) -> None:
        super().__init__(parent)
        self._settings = settings
        self._pages = pages
        self.setMinimumWidth(170 * GRID)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        self.tabs = QTabWidget()
        outer.addWidget(self.tabs)
        self._close = button("", "primary", self.accept)
        outer.addWidget(row(None, self._close))
        self._build()

    def changeEvent(self, event: QEvent) -> None:
        """Another language: the same settings in its words."""
        if event.type() == QEvent.Type.LanguageChange:
            self._build()
            self.language.setFocus()
        super().changeEvent(event)

    def _build(self) -> None:
        """Every field as it is set, in the current language."""
        settings = self._settings
        self.setWindowTitle(tr("Settings"))
        self.memory = self._memory_choice()
        self.prefetch = QCheckBox(tr("Read the other series of the study in advance"))
        self.prefetch.setChecked(settings.prefetch)
        self.remember = QCheckBox(tr("Remember in the library what I open"))
        self.remember.setChecked(settings.remember_opened)
        self.remember.setToolTip(
            tr("Off, nothing is left behind of a patient who was only looked at.")
        )
        self.reader = QLineEdit(settings.reader_name)
        self.reader.setPlaceholderText(account())
        self.reader.setToolTip(tr("Stands with what you correct in the record."))
        self.hang = QCheckBox(tr("Hang studies that are opened by rules"))
        self.hang.setChecked(settings.hang)
        self.hang.setToolTip(tr("Off, a series opens in the layout that was used last."))
        self.priors = QCheckBox(tr("Open the fitting earlier study beside"))
        self.priors.setChecked(settings.open_priors)
        self.priors.setToolTip(
            tr(
                "Of the same patient, modality and region; the two are registered and scroll "
                "together."
            )
        )
        self.cine = self._choice(
            [(0, tr("As in the file")), *((rate, str(rate)) for rate in _RATES)], settings.cine_rate
        )
        self.language = self._choice(
            [("", tr("As the system")), ("en", "English"), ("zh_CN", "中文")], settings.language
        )
        self.theme = self._choice([("dark", tr("Dark")), ("light", tr("Light"))], settings.theme)
        self.font_size = self._choice([(size, f"{size} px") for size in _FONTS], settings.font_size)
        self.corner_size = self._choice(
            [(size, f"{size} px") for size in _FONTS], settings.corner_size
        )
        self.window_drag = self._choice(_drags(), settings.window_drag)
        self._lay_out()
        self.prefetch.toggled.connect(self._tell)
        self.remember.toggled.connect(self._tell)
        self.reader.editingFinished.connect(self._tell)
        self.hang.toggled.connect(self._tell)
        self.priors.toggled.connect(self._tell)
        for choice in (
            self.memory, self.cine, self.language, self.theme, self.font_size, self.corner_size,
            self.window_drag,
        ):  # fmt: skip
            choice.currentIndexChanged.connect(self._tell)

    def _lay_out(self) -> None:
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        form = QFormLayout()
        form.setSpacing(2 * GRID)
        for name, field in (
            (tr("Memory for images"), self.memory),
            ("", self.prefetch),
            ("", self.remember),
            (tr("Reader"), self.reader),
            ("", self.hang),
            ("", self.priors),
            (tr("Cine, images a second"), self.cine),
            (tr("Language"), self.language),
            (tr("Theme"), self.theme),
            (tr("Text size"), self.font_size),
            (tr("Text size in the corners"), self.corner_size),
            (tr("Window by dragging"), self.window_drag),
        ):
            form.addRow(name, field)
            if name:
                field.setAccessibleName(name)
        layout.addLayout(form)
        layout.addWidget(
            label(
                tr(
                    "Series are read into this memory; the one used longest ago makes room for "
                    "the next. Less is taken while other programs need it."
                ),
                "muted",
            )
        )
        layout.addStretch(1)
        self._close.setText(tr("Close"))
        self._close.setAccessibleName(tr("Close"))
        now = max(0, self.tabs.currentIndex())
        while (page := self.tabs.widget(0)) is not None:
            self.tabs.removeTab(0)
            page.deleteLater()
        self.tabs.addTab(body, tr("General"))
        for title, page in self._pages(self):
            self.tabs.addTab(page, title)
        self.tabs.setCurrentIndex(now)

    def _memory_choice(self) -> QComboBox:
        whole = total_bytes() >> 20
        sizes = [size for size in _SIZES_MB if size <= 0.8 * whole]
        current = self._settings.volume_budget_mb
        if current and current not in sizes:  # set by hand or on another machine
            sizes = sorted([*sizes, current])
        automatic = tr("Automatic ({size} GB)", size=f"{automatic_budget() / (1 << 30):.1f}")
        named = [(size, tr("{size} GB", size=f"{size / 1024:g}")) for size in sizes]
        return self._choice([(0, automatic), *named], current)

    def _choice(
        self, entries: list[tuple[int, str]] | list[tuple[str, str]], now: object
    ) -> QComboBox:
        made = QComboBox()
        for value, words in entries:
            made.addItem(words, value)
        made.setCurrentIndex(max(0, made.findData(now)))
        return made

    def _tell(self) -> None:
        self._settings = replace(
            self._settings,
            volume_budget_mb=self.memory.currentData(),
            prefetch=self.prefetch.isChecked(),
            remember_opened=self.remember.isChecked(),
            reader_name=self.reader.text().strip(),
            hang=self.hang.isChecked(),
            open_priors=self.priors.isChecked(),
            cine_rate=self.cine.currentData(),
            language=self.language.currentData(),
            theme=self.theme.currentData(),
            font_size=self.font_size.currentData(),
            corner_size=self.corner_size.currentData(),
            window_drag=self.window_drag.currentData(),
        )
        self.changed.emit(self._settings)


def _drags() -> list[tuple[str, str]]:
    """What a drag with the window tool changes, for people."""
    words = {
        "width-up": tr("Across: width, up: level"),
        "width-down": tr("Across: width, down: level"),
        "level-up": tr("Across: level, up: width"),
        "level-down": tr("Across: level, down: width"),
    }
    return [(drag, words[drag]) for drag in WINDOW_DRAGS]
