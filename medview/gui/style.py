"""Colours, type and icons: the tokens of the look, and nothing that decides."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from PySide6.QtCore import QByteArray, QLocale, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from medview.core.paths import resources_dir
from medview.core.words import current_language

GRID = 4
RADIUS_CARD, RADIUS_CONTROL = 6, 4
TOP_BAR, BOTTOM_BAR, LEFT_PANEL, RIGHT_PANEL = 40, 24, 232, 340
FONT_BASE, FONT_SMALL, FONT_TITLE, FONT_NUMBER = 13, 11, 15, 22


@dataclass(frozen=True, slots=True)
class Tokens:
    """One theme; every colour is #rrggbb. Contrast: text >= 7:1, muted >= 4.5:1 on surfaces."""

    canvas: str = "#000000"
    surface_0: str = "#0f1214"
    surface_1: str = "#171b1f"
    surface_2: str = "#20262b"
    line: str = "#2b3238"
    text: str = "#e6eaed"
    muted: str = "#9aa6af"
    faint: str = "#66727b"
    accent: str = "#4aa3df"
    on_accent: str = "#0b1116"
    good: str = "#5bb98c"
    warn: str = "#e0a84a"
    bad: str = "#e06c5f"
    axial: str = "#e06c5f"
    coronal: str = "#5bb98c"
    sagittal: str = "#e0c04a"


DARK = Tokens()
LIGHT = Tokens(
    surface_0="#f4f6f7",
    surface_1="#ffffff",
    surface_2="#e9edf0",
    line="#d3dade",
    text="#1b2126",
    muted="#56626b",
    faint="#8a959d",
    accent="#1f6fae",
    on_accent="#ffffff",
    good="#2f7d57",
    warn="#9a6a12",
    bad="#b23c30",
)
_theme = {"tokens": DARK}


def tokens() -> Tokens:
    """The theme in use."""
    return _theme["tokens"]


def apply_theme(app: QApplication, name: str) -> None:
    """Dress the whole program: `dark` or `light`."""
    _theme["tokens"] = LIGHT if name == "light" else DARK
    icon.cache_clear()
    app.setStyle("Fusion")
    app.setFont(base_font())
    app.setStyleSheet(_sheet(tokens()))


def base_font(pixels: int = FONT_BASE, *, semibold: bool = False) -> QFont:
    """The interface's face with a Chinese one behind it, figures of equal width."""
    families = set(QFontDatabase.families())
    wanted = ("Inter", "Noto Sans", "Segoe UI", "DejaVu Sans")
    face = next((name for name in wanted if name in families), QFont().defaultFamily())
    chinese = [name for name in ("Noto Sans CJK SC", "Microsoft YaHei") if name in families]
    # As a second family Qt takes the Chinese face in whatever weight it met first: it leads where
    # the words are Chinese.
    order = [*chinese, face] if current_language() == "zh_CN" else [face, *chinese]
    font = QFont()
    font.setFamilies(order)
    font.setPixelSize(pixels)
    if semibold:
        font.setWeight(QFont.Weight.DemiBold)
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def system_language() -> str:
    """The system's language as far as MedView speaks it."""
    return "zh_CN" if QLocale.system().language() == QLocale.Language.Chinese else "en"


@cache
def icon(name: str, colour: str = "") -> QIcon:
    """An icon of the one family (`resources/icons/<name>.svg`) in a colour, text by default."""
    svg = (resources_dir() / "icons" / f"{name}.svg").read_text(encoding="utf-8")
    svg = svg.replace("currentColor", colour or tokens().text)
    svg = svg.replace('stroke-width="2"', 'stroke-width="1.75"')
    renderer = QSvgRenderer(QByteArray(svg.encode()))
    result = QIcon()
    for pixels in (16, 32, 48):
        pixmap = QPixmap(pixels, pixels)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, pixels, pixels))
        painter.end()
        result.addPixmap(pixmap)
    return result


def colour(value: str, alpha: float = 1.0) -> QColor:
    """A token as a QColor with an opacity of 0 to 1."""
    result = QColor(value)
    result.setAlphaF(alpha)
    return result


def _sheet(t: Tokens) -> str:
    return f"""
QWidget {{ background: {t.surface_1}; color: {t.text}; }}
QMainWindow, QSplitter {{ background: {t.line}; }}
QToolTip {{ background: {t.surface_2}; color: {t.text}; border: 1px solid {t.line}; padding: 4px; }}
QLabel, QCheckBox, QRadioButton {{ background: transparent; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="faint"] {{ color: {t.faint}; font-size: {FONT_SMALL}px; }}
QLabel[role="small"] {{ color: {t.muted}; font-size: {FONT_SMALL}px; }}
QLabel[role="caption"] {{ color: {t.faint}; font-size: {FONT_SMALL}px; letter-spacing: 1px; }}
QLabel[role="title"] {{ font-size: {FONT_TITLE}px; font-weight: 600; }}
QLabel[role="number"] {{ font-size: {FONT_NUMBER}px; font-weight: 600; }}
QLabel[role="warn"] {{ color: {t.warn}; }}
QLabel[role="bad"] {{ color: {t.bad}; }}
QLabel[role="good"] {{ color: {t.good}; }}
QFrame[role="card"] {{ background: {t.surface_2}; border: 1px solid {t.surface_2};
  border-radius: {RADIUS_CARD}px; }}
QFrame[role="card"][open="true"] {{ border: 1px solid {t.accent}; }}
QFrame[role="card"] QWidget {{ background: transparent; }}
QFrame[role="line"] {{ background: {t.line}; }}
QPushButton {{ background: transparent; border: 1px solid {t.line}; padding: 4px 12px;
  border-radius: {RADIUS_CONTROL}px; min-height: 18px; }}
QPushButton:hover {{ background: {t.surface_2}; border-color: {t.faint}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton[role="primary"], QFrame[role="card"] QPushButton[role="primary"] {{
  background: {t.accent}; color: {t.on_accent}; border-color: {t.accent}; font-weight: 600; }}
QPushButton[role="danger"] {{ color: {t.bad}; border-color: {t.bad}; }}
QPushButton:disabled, QPushButton[role="primary"]:disabled {{ background: transparent;
  color: {t.faint}; border-color: {t.line}; }}
QTableView {{ background: {t.surface_0}; border: 1px solid {t.line}; outline: none;
  border-radius: {RADIUS_CONTROL}px; selection-background-color: {t.line};
  selection-color: {t.text}; }}
QTableView:focus {{ border-color: {t.accent}; }}
QTableView::item {{ padding: 0 6px; }}
QHeaderView {{ background: {t.surface_1}; }}
QHeaderView::section {{ background: {t.surface_1}; color: {t.muted}; border: none;
  border-bottom: 1px solid {t.line}; padding: 4px 6px; }}
QPushButton:checked {{ border-color: {t.accent}; color: {t.accent}; }}
QPushButton[role="chip"] {{ border-radius: 9px; padding: 1px 8px; font-size: {FONT_SMALL}px;
  min-height: 14px; color: {t.muted}; }}
QPushButton[role="chip"]:checked {{ background: {t.line}; color: {t.text}; }}
QFrame[role="card"] QPushButton[role="field"] {{ background: {t.surface_0}; text-align: left;
  padding: 3px 6px; }}
QPushButton[role="link"] {{ border: none; color: {t.accent}; padding: 0; text-align: left; }}
QPushButton[role="link"]:focus {{ text-decoration: underline; }}
QToolButton {{ background: transparent; border: 1px solid transparent; padding: 4px 6px;
  border-radius: {RADIUS_CONTROL}px; }}
QToolButton:hover {{ background: {t.surface_2}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton:checked {{ background: {t.surface_2}; color: {t.accent}; }}
QToolButton::menu-indicator {{ image: none; }}
QLineEdit, QSpinBox, QComboBox, QPlainTextEdit, QTextEdit {{ background: {t.surface_0};
  border: 1px solid {t.line}; border-radius: {RADIUS_CONTROL}px; padding: 3px 6px;
  selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
QFrame[role="card"] QLineEdit, QFrame[role="card"] QComboBox {{ background: {t.surface_0}; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus {{ border-color: {t.accent}; }}
QCheckBox::indicator, QRadioButton::indicator {{ width: 12px; height: 12px;
  border: 1px solid {t.faint}; background: {t.surface_0}; }}
QCheckBox::indicator {{ border-radius: 3px; }}
QRadioButton::indicator {{ border-radius: 7px; }}
QCheckBox::indicator:checked, QRadioButton::indicator:checked {{ background: {t.accent};
  border-color: {t.accent}; }}
QCheckBox:focus, QRadioButton:focus {{ color: {t.accent}; }}
QScrollArea {{ border: none; background: {t.surface_1}; }}
QScrollBar:vertical {{ background: transparent; width: 8px; }}
QScrollBar::handle:vertical {{ background: {t.line}; border-radius: 4px; min-height: 24px; }}
QScrollBar::handle:vertical:hover {{ background: {t.faint}; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
  height: 0; background: none; }}
QScrollBar:horizontal {{ background: transparent; height: 8px; }}
QScrollBar::handle:horizontal {{ background: {t.line}; border-radius: 4px; }}
QMenu {{ background: {t.surface_2}; border: 1px solid {t.line}; padding: 4px; }}
QMenu::item {{ padding: 5px 24px 5px 12px; border-radius: {RADIUS_CONTROL}px; }}
QMenu::item:selected {{ background: {t.line}; }}
QMenu::separator {{ height: 1px; background: {t.line}; margin: 4px; }}
QProgressBar {{ background: {t.line}; border: none; border-radius: 2px; max-height: 4px;
  min-height: 4px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 2px; }}
QListWidget {{ background: {t.surface_2}; border: none; outline: none; }}
QListWidget::item {{ padding: 6px 8px; border-radius: {RADIUS_CONTROL}px; }}
QListWidget::item:selected {{ background: {t.line}; color: {t.text}; }}
"""
