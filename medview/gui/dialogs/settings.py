"""What the reader can set; every change holds at once and is kept."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QDialog, QFormLayout, QVBoxLayout, QWidget

from medview.core.settings import Settings
from medview.core.words import tr
from medview.gui.cards import button, label, row, swap
from medview.gui.style import GRID
from medview.session.memory import automatic_budget, total_bytes

_SIZES_MB = tuple(1024 * size for size in (1, 2, 4, 8, 16, 32, 64, 128))
_RATES = (5, 8, 10, 15, 20, 25, 30, 60)


class SettingsDialog(QDialog):
    """Memory, reading ahead, cine, language, theme."""

    changed = Signal(object)  # Settings

    def __init__(self, settings: Settings, parent: QWidget) -> None:
        super().__init__(parent)
        self._settings = settings
        self.setMinimumWidth(440)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        self._body = QWidget()
        outer.addWidget(self._body)
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
        self.cine = self._choice(
            [(0, tr("As in the file")), *((rate, str(rate)) for rate in _RATES)], settings.cine_rate
        )
        self.language = self._choice(
            [("", tr("As the system")), ("en", "English"), ("zh_CN", "中文")], settings.language
        )
        self.theme = self._choice([("dark", tr("Dark")), ("light", tr("Light"))], settings.theme)
        self._lay_out()
        self.prefetch.toggled.connect(self._tell)
        self.remember.toggled.connect(self._tell)
        for choice in (self.memory, self.cine, self.language, self.theme):
            choice.currentIndexChanged.connect(self._tell)

    def _lay_out(self) -> None:
        before, self._body = self._body, QWidget()
        layout = QVBoxLayout(self._body)
        layout.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 3 * GRID)
        layout.setSpacing(2 * GRID)
        form = QFormLayout()
        form.setSpacing(2 * GRID)
        for name, field in (
            (tr("Memory for images"), self.memory),
            ("", self.prefetch),
            ("", self.remember),
            (tr("Cine, images a second"), self.cine),
            (tr("Language"), self.language),
            (tr("Theme"), self.theme),
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
        layout.addWidget(row(None, button(tr("Close"), "primary", self.accept)))
        swap(self, before, self._body)

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
            cine_rate=self.cine.currentData(),
            language=self.language.currentData(),
            theme=self.theme.currentData(),
        )
        self.changed.emit(self._settings)
