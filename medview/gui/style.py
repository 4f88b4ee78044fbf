"""Colours, type and icons: the tokens of the look, and nothing that decides."""

from __future__ import annotations

from functools import cache
from string import Template
from typing import NamedTuple

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
_type = {"base": FONT_BASE, "corner": FONT_SMALL}  # pixels that the reader chose
_LEAST_PX, _MOST_PX = 9, 24


class Tokens(NamedTuple):
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
    warn="#946410",
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
    app.setFont(base_font())
    app.setStyleSheet(style_sheet(tokens()))


def set_type_sizes(base: int, corner: int) -> None:
    """Pixels of the interface's text and of the corner texts; the former's other sizes follow."""
    _type["base"] = min(max(base, _LEAST_PX), _MOST_PX)
    _type["corner"] = min(max(corner, _LEAST_PX), _MOST_PX)


def corner_pixels() -> int:
    """The size of the corner texts."""
    return _type["corner"]


def _scaled(pixels: int) -> int:
    return round(pixels * _type["base"] / FONT_BASE)


def base_font(pixels: int = FONT_BASE, *, semibold: bool = False) -> QFont:
    """The interface's face; pixels as the look has them, scaled to the size that is set."""
    return exact_font(_scaled(pixels), semibold=semibold)


def has_han(text: str) -> bool:
    """Whether Chinese characters stand in a text."""
    return not text.isascii() and any("\u3400" <= sign <= "\u9fff" for sign in text)


def exact_font(pixels: int, *, semibold: bool = False, leads_chinese: bool | None = None) -> QFont:
    """The interface's face with a Chinese one behind it, figures of equal width.

    leads_chinese: whether the Chinese face comes first; as the language wants it where not said.
    """
    families = set(QFontDatabase.families())
    wanted = ("Inter", "Noto Sans", "Segoe UI", "DejaVu Sans")
    face = next((name for name in wanted if name in families), QFont().defaultFamily())
    chinese = [name for name in ("Noto Sans CJK SC", "Microsoft YaHei") if name in families]
    # As a second family Qt takes the Chinese face in whatever weight it met first: it leads where
    # the words are Chinese.
    is_first = current_language() == "zh_CN" if leads_chinese is None else leads_chinese
    order = [*chinese, face] if is_first else [face, *chinese]
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
    svg = (resources_dir() / "icons" / f"{name}.svg").read_bytes()
    svg = svg.replace(b"currentColor", (colour or tokens().text).encode())
    svg = svg.replace(b'stroke-width="2"', b'stroke-width="1.75"')
    renderer = QSvgRenderer(QByteArray(svg))
    result = QIcon()
    for pixels in (16, 32, 48):
        pixmap = QPixmap(pixels, pixels)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        renderer.render(painter, QRectF(0, 0, pixels, pixels))
        painter.end()
        result.addPixmap(pixmap)
    return result


def swatch(value: str, pixels: int = 12) -> QIcon:
    """A square of one colour, for menus."""
    pixmap = QPixmap(pixels, pixels)
    pixmap.fill(QColor(value))
    return QIcon(pixmap)


def colour(value: str, alpha: float = 1.0) -> QColor:
    """A token as a QColor with an opacity of 0 to 1."""
    result = QColor(value)
    result.setAlphaF(alpha)
    return result


def style_sheet(theme: Tokens) -> str:
    """`resources/style.qss` with colours and sizes filled in."""
    sheet = Template((resources_dir() / "style.qss").read_text(encoding="utf-8"))
    sizes = {
        "font_small": _scaled(FONT_SMALL),
        "font_title": _scaled(FONT_TITLE),
        "font_number": _scaled(FONT_NUMBER),
        "radius_card": RADIUS_CARD,
        "radius_control": RADIUS_CONTROL,
    }
    # Arrows of one grey that reads on either theme: the style's own have bevels or are not seen.
    icons = (resources_dir() / "icons").as_posix()
    return sheet.substitute(theme._asdict(), **sizes, icons=icons)
