"""The first page: what is copied, where to, by which profile and with which options."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from medview.core.words import tr
from medview.dicom.anonymize import PROFILES, Dates, Options
from medview.gui.cards import button, label, row
from medview.gui.dialogs.files import ask_folder, ask_save
from medview.gui.style import GRID


class SettingsPage(QWidget):
    """Source, target, profile, options, key and mapping; `changed` when one of them is."""

    changed = Signal()

    def __init__(self, sources: Sequence[Path], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sources = tuple(sources)
        self.source = self._line(tr("What is copied"))
        self.source.setText("; ".join(str(path) for path in sources))
        self.target = self._line(tr("Folder for the copies"))
        self.key = self._line(tr("Key file"))
        self.mapping = self._line(tr("List of identities"))
        self.profile = QComboBox()
        self.profile.setAccessibleName(tr("Profile"))
        self.profile.addItem(tr("Basic: as little as possible stays"), "basic")
        self.profile.addItem(tr("Research: dates shifted, device and age stay"), "research")
        self.dates = QComboBox()
        self.dates.setAccessibleName(tr("Dates"))
        for text, value in (
            (tr("Dates are removed"), Dates.REMOVE),
            (tr("Dates are shifted, alike for one patient"), Dates.SHIFT),
            (tr("Dates are kept"), Dates.KEEP),
        ):
            self.dates.addItem(text, value.value)
        self.switches = {
            "device": QCheckBox(tr("Keep the device")),
            "institution": QCheckBox(tr("Keep the institution")),
            "patient": QCheckBox(tr("Keep sex, age, size and weight")),
            "descriptors": QCheckBox(tr("Keep descriptions, cleaned")),
            "safe_private": QCheckBox(tr("Keep private elements known to be safe")),
            "uids": QCheckBox(tr("Keep UIDs")),
        }
        self._explain()
        self._lay_out()
        self.profile.currentIndexChanged.connect(self._show_profile)
        self._show_profile()

    @property
    def sources(self) -> tuple[Path, ...]:
        """What is to be copied."""
        typed = [part.strip() for part in self.source.text().split(";")]
        given = "; ".join(str(path) for path in self._sources)
        if self.source.text() == given:
            return self._sources
        return tuple(Path(part) for part in typed if part)

    @property
    def options(self) -> Options:
        """The options as they are ticked."""
        on = {name: box.isChecked() for name, box in self.switches.items()}
        return Options(dates=Dates(str(self.dates.currentData())), **on)

    @property
    def is_complete(self) -> bool:
        """Whether source and target are named."""
        return not self.missing

    @property
    def missing(self) -> str:
        """Why it cannot go on yet, in words; empty where it can."""
        if not self.sources:
            return tr("To go on, name the files or the folder to be copied.")
        if not self.target.text().strip():
            return tr("To go on, name a folder for the copies.")
        return ""

    def show_missing(self) -> None:
        """Put the cursor where something has to be named."""
        (self.target if self.sources else self.source).setFocus()

    def anew(self) -> SettingsPage:
        """The same page with all that was given, in the current language."""
        made = SettingsPage(self._sources)
        for now, before in zip(made._lines(), self._lines(), strict=True):
            now.setText(before.text())
        made.profile.setCurrentIndex(self.profile.currentIndex())
        made.dates.setCurrentIndex(self.dates.currentIndex())
        for name, box in self.switches.items():
            made.switches[name].setChecked(box.isChecked())
        return made

    def path_of(self, line: QLineEdit) -> Path | None:
        """The path in a line, None where it is empty."""
        text = line.text().strip()
        return Path(text) if text else None

    # -- inside --------------------------------------------------------------------------

    def _lines(self) -> tuple[QLineEdit, ...]:
        return self.source, self.target, self.key, self.mapping

    def _line(self, name: str) -> QLineEdit:
        made = QLineEdit()
        made.setAccessibleName(name)
        made.textChanged.connect(self.changed)
        return made

    def _explain(self) -> None:
        self.target.setPlaceholderText(tr("A new or empty folder"))
        self.key.setPlaceholderText(tr("None: identifiers are new each time"))
        self.key.setToolTip(
            tr("With the same key later studies of a patient get the same identifiers.")
        )
        self.mapping.setPlaceholderText(tr("None: nothing leads back"))
        self.mapping.setToolTip(
            tr("Old and new identifiers side by side, for you alone. Keep it apart.")
        )
        self.switches["descriptors"].setToolTip(
            tr("Names, dates and numbers are taken out; look at the copies before handing them on.")
        )
        self.switches["safe_private"].setToolTip(
            tr("For example the factors that make PET values SUV.")
        )
        self.switches["uids"].setToolTip(tr("UIDs can lead back to the patient in your archive."))

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(3 * GRID)
        grid.setVerticalSpacing(2 * GRID)
        rows = (
            (tr("What is copied"), self.source, self._ask_source),
            (tr("Folder for the copies"), self.target, self._ask_target),
            (tr("Profile"), self.profile, None),
            (tr("Dates"), self.dates, None),
        )
        for number, (text, field, ask) in enumerate(rows):
            self._add_row(grid, number, text, field, ask)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3 * GRID)
        layout.addLayout(grid)
        boxes = QGridLayout()
        for number, (_, box) in enumerate(self.switches.items()):
            box.setAccessibleName(box.text())
            boxes.addWidget(box, number // 2, number % 2)
        layout.addLayout(boxes)
        private = QGridLayout()
        private.setHorizontalSpacing(3 * GRID)
        self._add_row(private, 0, tr("Key file"), self.key, self._ask_key)
        self._add_row(private, 1, tr("List of identities"), self.mapping, self._ask_mapping)
        layout.addLayout(private)
        layout.addWidget(
            label(
                tr("Names, numbers, dates, private elements, overlays and curves go; the pixels "
                   "stay as they are unless you black something out. What you open is never "
                   "changed."),
                "muted",
            )
        )  # fmt: skip
        layout.addStretch(1)

    @staticmethod
    def _add_row(grid: QGridLayout, number: int, text: str, field: QWidget, ask: object) -> None:
        grid.addWidget(label(text, "muted", wrap=False), number, 0)
        if callable(ask):
            choose = button(tr("Choose…"), "", ask)
            choose.setAccessibleName(f"{text}: {tr('Choose…')}")
            grid.addWidget(row(field, choose), number, 1)
        else:
            grid.addWidget(field, number, 1)
        grid.setColumnMinimumWidth(0, 36 * GRID)
        grid.setColumnStretch(1, 1)

    def _show_profile(self) -> None:
        chosen = PROFILES[str(self.profile.currentData())]
        self.dates.setCurrentIndex(self.dates.findData(chosen.dates.value))
        for name, box in self.switches.items():
            box.setChecked(bool(getattr(chosen, name)))

    def _ask_source(self) -> None:
        ask_folder(self, tr("What is copied"), lambda path: self.source.setText(str(path)))

    def _ask_target(self) -> None:
        ask_folder(self, tr("Folder for the copies"), lambda path: self.target.setText(str(path)))

    def _ask_key(self) -> None:
        def take(path: Path) -> None:
            self.key.setText(str(path))

        ask_save(self, tr("Key file"), "", "", take, confirms=False)

    def _ask_mapping(self) -> None:
        def take(path: Path) -> None:
            self.mapping.setText(str(path))

        ask_save(self, tr("List of identities"), "", "CSV (*.csv)", take)
