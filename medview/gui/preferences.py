"""What the window remembers of itself: taken up at its start, changed at once, kept on the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QWidget

from medview.core.errors import InvalidInput
from medview.core.layout import layout_name
from medview.core.settings import Settings, save_settings, settings_fault, settings_path
from medview.core.words import Sentence, current_language, say, set_language, tr
from medview.gui.style import apply_theme, base_font, set_type_sizes, system_language
from medview.gui.tools.habits import habits, use_habits
from medview.gui.views.corner_templates import CORNERS, use_corner_templates
from medview.imaging.preset_files import Groups, own_presets_path, read_groups, write_groups
from medview.imaging.presets import preset_groups, use_presets
from medview.session.events import KnowledgeChanged

if TYPE_CHECKING:
    from medview.gui.dialogs.settings import SettingsDialog
    from medview.gui.window import MainWindow


class Preferences:
    """The settings of the session, and the parts of the window that follow them.

    tell: says a sentence to the reader, of a level.
    """

    def __init__(self, window: MainWindow, tell: Callable[[Sentence, str], None]) -> None:
        self._window = window
        self._tell = tell

    def show(self) -> None:
        """Bring the window into the state that the settings say."""
        settings, window = self._window.session.settings, self._window
        self._take_up_files()
        window.actions_["view.left_panel"].setChecked(settings.left_panel)
        window.actions_["view.right_panel"].setChecked(settings.right_panel)
        window.actions_["view.overlay"].setChecked(settings.overlay_visible)
        window.actions_["view.corner_text"].setChecked(settings.corner_text)
        window.actions_["view.letters"].setChecked(settings.orientation_letters)
        use_habits(
            replace(
                habits(),
                window_drag=settings.window_drag,
                has_letters=settings.orientation_letters,
            )
        )
        window.actions_["view.theme"].setChecked(settings.theme == "light")
        window.studies.setVisible(settings.left_panel)
        window.sidebar.setVisible(settings.right_panel)
        window.grid.playing.rate = float(settings.cine_rate)
        self.set_layout(settings.layout)
        window.set_tool("window")

    def ask(self, page: str = "") -> SettingsDialog:
        """The settings' dialog; what is changed there holds at once.

        page: "nodes" for that of the DICOM nodes, else the first.
        """
        from medview.gui.dialogs.settings import SettingsDialog

        dialog = SettingsDialog(self._window.session.settings, self._pages, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.changed.connect(self.apply)
        if page == "nodes":
            dialog.tabs.setCurrentIndex(dialog.tabs.count() - 1)
        dialog.open()
        return dialog

    def _pages(self, parent: QWidget) -> list[tuple[str, QWidget]]:
        from medview.gui.dialogs.corners_page import CornersPage
        from medview.gui.dialogs.presets_page import PresetsPage

        presets = PresetsPage(preset_groups(), parent)
        presets.changed.connect(self._use_presets)
        corners = CornersPage(self._corner_templates(), parent)
        corners.changed.connect(self._use_corners)
        from medview.gui.dialogs.staleness_page import StalenessPage

        ages = StalenessPage(self._window.session.settings.stale_days, parent)
        ages.changed.connect(self._use_ages)
        from medview.gui.dialogs.nodes_page import NodesPage

        settings = self._window.session.settings
        nodes = NodesPage(settings.nodes, settings.ae_title, parent)
        nodes.changed.connect(lambda places, own: self._store(nodes=dict(places), ae_title=own))
        return [
            (tr("Keys and mouse"), self._window.keys.page(parent)),
            (tr("Window presets"), presets),
            (tr("Corner texts"), corners),
            (tr("Age of values"), ages),
            (tr("DICOM nodes"), nodes),
        ]

    def _use_presets(self, groups: Groups) -> None:
        use_presets(groups)
        self._window.reactions.show_all()
        try:
            write_groups(groups, own_presets_path())
        except OSError:
            self._tell(say("The window presets could not be saved."), "warn")

    def _corner_templates(self) -> dict[str, str]:
        settings = self._window.session.settings
        return {corner: str(getattr(settings, f"corner_{corner}")) for corner in CORNERS}

    def _use_corners(self, templates: Mapping[str, str]) -> None:
        use_corner_templates(templates)
        self._window.grid.retranslate()
        self._store(**{f"corner_{corner}": words for corner, words in templates.items()})

    def _use_ages(self, days: Mapping[str, int]) -> None:
        self._store(stale_days=dict(days))
        self._window.session.events.send(KnowledgeChanged())

    def _take_up_files(self) -> None:
        """The reader's presets and corner texts; what is wrong with them and with the settings
        is said."""
        fault = settings_fault()
        if fault is not None:
            self._window.reactions.say(fault, "warn", str(settings_path()))
        use_presets(None)
        path = own_presets_path()
        if path.is_file():
            try:
                use_presets(read_groups(path))
            except InvalidInput as error:
                self._window.reactions.say(error.what, "warn", error.where)
                self._tell(say("MedView's own window presets hold."), "warn")
        for wrong in use_corner_templates(self._corner_templates()):
            self._tell(wrong, "warn")

    def apply(self, wanted: Settings) -> None:
        """Take up settings from the dialog."""
        window, before = self._window, self._window.session.settings
        if wanted.language != before.language:
            self.set_language(wanted.language or system_language())
            self._store(language=wanted.language)  # the system's stays the system's
        if wanted.theme != before.theme:
            window.actions_["view.theme"].setChecked(wanted.theme == "light")
        self._store(
            volume_budget_mb=wanted.volume_budget_mb,
            prefetch=wanted.prefetch,
            remember_opened=wanted.remember_opened,
            reader_name=wanted.reader_name,
            hang=wanted.hang,
            open_priors=wanted.open_priors,
            cine_rate=wanted.cine_rate,
            font_size=wanted.font_size,
            corner_size=wanted.corner_size,
            window_drag=wanted.window_drag,
        )
        if (wanted.font_size, wanted.corner_size) != (before.font_size, before.corner_size):
            self._size_type()
        use_habits(replace(habits(), window_drag=wanted.window_drag))
        window.grid.playing.rate = float(wanted.cine_rate)
        window.session.settings_changed()

    def set_language(self, language: str) -> None:
        """Say everything in another language, at once."""
        set_language(language)
        self._store(language=language)
        QApplication.setFont(base_font())
        self._window.retranslate()

    def next_language(self) -> None:
        """The other language."""
        self.set_language("en" if current_language() == "zh_CN" else "zh_CN")

    def fold(self, name: str, panel: QWidget, on: bool) -> None:
        """Show or hide a panel; `name` is its setting."""
        panel.setVisible(on)
        self._store(**{name: on})

    def set_layout(self, name: str) -> None:
        """How many views there are."""
        self._window.grid.set_layout_name(name)
        self._window.top.show_layout(self._window.grid.layout_name)
        main = self._window.grid.state  # a second window keeps its own
        self._store(layout=layout_name(main.rows, main.columns))

    def remember(self, **changes: object) -> None:
        """Settings that another part of the window has taken up already."""
        self._store(**changes)

    def set_overlay(self, on: bool) -> None:
        """Masks, heatmaps and overlay planes on the slices."""
        self._window.grid.set_overlay_visible(on)
        self._store(overlay_visible=on)

    def set_corner_text(self, on: bool) -> None:
        """Texts in the views' corners."""
        self._window.grid.set_corner_text(on)
        self._store(corner_text=on)

    def set_letters(self, on: bool) -> None:
        """Orientation letters at the views' edges."""
        use_habits(replace(habits(), has_letters=on))
        self._window.grid.retranslate()
        self._store(orientation_letters=on)

    def _size_type(self) -> None:
        """The interface's text and the corners' in the size that is set."""
        settings, app = self._window.session.settings, QApplication.instance()
        set_type_sizes(settings.font_size, settings.corner_size)
        if isinstance(app, QApplication):
            apply_theme(app, settings.theme)
        self._window.retranslate()

    def set_theme(self, on: bool) -> None:
        """Dress the whole program: light, or dark."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            apply_theme(app, "light" if on else "dark")
        self._store(theme="light" if on else "dark")
        self._window.retranslate()

    def _store(self, **changes: object) -> None:
        session = self._window.session
        settings = replace(session.settings, **changes)  # type: ignore[arg-type]
        if settings == session.settings:
            return
        session.settings = settings
        try:
            save_settings(settings)
        except OSError:
            self._tell(say("The settings could not be saved."), "warn")
