"""The trained text model that ships, loaded once and only when a text is read."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from medview.core.errors import ModelUnavailable

if TYPE_CHECKING:
    from medview.record.tagging.model import TextModel


@cache
def shipped_text_model() -> TextModel | None:
    """The first text model among the models, None where there is none that can be used.

    Blocks for a moment the first time: call it outside the window's thread.
    """
    from medview.ai.catalogue import read_catalogue
    from medview.ai.schema_text import WEIGHTS
    from medview.record.tagging.model import open_text_model

    for folder in read_catalogue().models:
        if folder.kind == "text":
            try:
                return open_text_model(folder.description, folder.content(WEIGHTS))
            except ModelUnavailable:
                continue
    return None
