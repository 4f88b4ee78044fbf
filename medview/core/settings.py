"""The user's settings: one JSON file, read tolerantly, written whole, without patient data."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

from medview.core.files import write_private
from medview.core.paths import user_config_dir
from medview.core.words import Sentence, say

_LARGEST = 10**8


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything a user can set. Unknown keys of a newer version are left out on reading."""

    language: str = ""  # "" follows the system
    theme: str = "dark"
    layout: str = "2x2"
    device: str = "auto"
    overlay_visible: bool = True
    corner_text: bool = True
    orientation_letters: bool = True
    font_size: int = 13  # pixels of the interface's text
    corner_size: int = 11  # pixels of the corner texts
    corner_upper_left: str = ""  # templates, "" for MedView's own lines
    corner_upper_right: str = ""
    corner_lower_left: str = ""
    corner_lower_right: str = ""
    window_drag: str = "width-up"  # see gui.tools.habits
    volume_budget_mb: int = 0  # 0: by the machine's memory
    prefetch: bool = True  # read the rest of the study while nothing else is read
    cine_rate: int = 0  # pictures a second, 0 as the file says
    analyse_on_open: bool = False
    look_first: bool = False  # results of models wait for the reader's first opinion
    run_rules: dict[str, str] = field(default_factory=dict)  # by model: see session.offers
    keep_local_truth: bool = False  # decided findings are kept, with images for training
    remember_opened: bool = False  # in the library: a list of patients is kept only by wish
    second_layout: str = "1x1"
    second_open: bool = False  # when MedView was closed last
    second_place: str = ""  # where the second window stood, as Qt keeps it
    linked_scroll: bool = True
    linked_zoom: bool = False
    linked_window: bool = True
    reference_lines: bool = True
    hang: bool = True  # studies that are opened hang by the rules
    open_priors: bool = True  # the fitting earlier study opens beside
    left_panel: bool = True
    right_panel: bool = True
    stale_days: dict[str, int] = field(default_factory=dict)  # by concept, where not the usual
    nodes: dict[str, str] = field(default_factory=dict)  # by name: TITLE@HOST:PORT
    ae_title: str = "MEDVIEW"  # of MedView, towards these nodes
    reader_name: str = ""  # who corrects the record; "" is the name of the account


def settings_path() -> Path:
    """Where the settings are kept."""
    return user_config_dir() / "settings.json"


def load_settings() -> Settings:
    """The stored settings; a broken file or value falls back to the default."""
    stored = _stored() or {}
    known = {
        name: stored[name]
        for name, kind in get_type_hints(Settings).items()
        if name in stored and _is_sound(stored[name], kind)
    }
    return replace(Settings(), **known)


def settings_fault() -> Sentence | None:
    """What of the stored settings nothing can be made of; None where there is no such thing."""
    stored = _stored()
    if stored is None:
        return say("{file} cannot be read: MedView's own settings hold.", file=settings_path().name)
    names = [
        name
        for name, kind in get_type_hints(Settings).items()
        if name in stored and not _is_sound(stored[name], kind)
    ]
    if not names:
        return None
    return say(
        "Nothing can be made of what {file} says under {names}: the default holds.",
        file=settings_path().name,
        names=", ".join(names),
    )


def _stored() -> dict[str, Any] | None:
    """What stands in the file, {} where there is none; None where it is no such file."""
    try:
        stored = json.loads(settings_path().read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None
    return stored if isinstance(stored, dict) else None


def _is_sound(value: object, kind: object) -> bool:
    """Whether a value of the file is of its field's kind, and one that can be worked with."""
    if kind is int:
        return type(value) is int and 0 <= value <= _LARGEST
    if kind is str:  # half of a pair of surrogates is no character
        return isinstance(value, str) and not any("\ud800" <= c <= "\udfff" for c in value)
    if kind is bool:
        return isinstance(value, bool)
    _, inner = get_args(kind)
    return isinstance(value, dict) and all(
        _is_sound(name, str) and _is_sound(each, inner) for name, each in value.items()
    )


def save_settings(settings: Settings) -> None:
    """Write the settings in one step, readable by the owner alone."""
    write_private(settings_path(), json.dumps(asdict(settings), indent=1))
