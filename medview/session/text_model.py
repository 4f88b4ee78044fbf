"""The trained text model that ships, loaded once and only when a text is read."""

from __future__ import annotations

from functools import cache

from medview.record.tagging.model import TextModel


@cache
def shipped_text_model() -> TextModel | None:
    """The model of kind `text` among the models, None where there is none."""
    return None
