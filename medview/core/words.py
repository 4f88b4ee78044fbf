"""Sentences that people read, kept as template and values so that they can change language.

Rooms without Qt speak too (gates, refusals, advice), so translation lives here and not in Qt:
`resources/translations/<language>.d/<room>.json` map English templates to translated ones. A test
collects every template that the program can say and fails when one is missing there.
"""

from __future__ import annotations

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from medview.core.paths import resources_dir

LANGUAGES = {"en": "English", "zh_CN": "简体中文"}
_current = "en"


def set_language(language: str) -> None:
    """Choose the language of every sentence made from now on; unknown names mean English."""
    global _current  # noqa: PLW0603 - one language a process, as Qt has it
    _current = language if language in LANGUAGES else "en"


def current_language() -> str:
    """The language in use, a key of LANGUAGES."""
    return _current


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    merged: dict[str, str] = {}
    for path in sorted((resources_dir() / "translations" / f"{language}.d").glob("*.json")):
        merged.update(json.loads(path.read_text(encoding="utf-8")))
    return merged


def translate(template: str, language: str | None = None) -> str:
    """The template in a language; itself where there is no translation."""
    language = language or _current
    return template if language == "en" else _catalogue(language).get(template, template)


class _Filled(string.Formatter):
    """Fills templates in; `{count:image|images}` is the first word for 1, else the second."""

    def format_field(self, value: Any, format_spec: str) -> Any:
        one, is_choice, more = format_spec.partition("|")
        if not is_choice:
            return super().format_field(value, format_spec)
        return one if str(value) == "1" else more


_FILLED = _Filled()


@dataclass(frozen=True, slots=True)
class Sentence:
    """A template with its values; `str()` gives it in the current language.

    Values may be Sentences themselves. Where words follow a count, English writes both forms:
    `{count} {count:image|images}`.
    """

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)

    def text(self, language: str) -> str:
        """The sentence in one language, values filled in."""
        filled = {
            name: value.text(language) if isinstance(value, Sentence) else value
            for name, value in self.values.items()
        }
        template = translate(self.template, language)
        return _FILLED.format(template, **filled) if filled else template

    def english(self) -> str:
        """The sentence in English, for files that programs read."""
        return self.text("en")

    def __str__(self) -> str:
        return self.text(_current)

    def to_json(self) -> dict[str, Any]:
        """Template and values as plain JSON, for pipes and journals."""
        values = {k: v.to_json() if isinstance(v, Sentence) else v for k, v in self.values.items()}
        return {"template": self.template, "values": values}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Sentence:
        """The inverse of to_json."""
        values = {
            k: Sentence.from_json(v) if isinstance(v, dict) and "template" in v else v
            for k, v in data.get("values", {}).items()
        }
        return Sentence(str(data["template"]), values)


def say(template: str, **values: Any) -> Sentence:
    """A sentence to be shown later, in whatever language is current then."""
    return Sentence(template, values)


def tr(template: str, **values: Any) -> str:
    """A sentence in the current language, now."""
    return str(Sentence(template, values))
