"""Which language a text is written in."""

from __future__ import annotations

import re

_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U0003ffff]")
_LATIN = re.compile(r"[A-Za-zÀ-ɏ]")
_SAMPLE = 20_000  # characters that are looked at
_HAN_SHARE = 0.15  # a Han character says as much as several letters


def detect_language(text: str) -> str:
    """`zh` where Chinese carries the text, else `en`."""
    sample = text[:_SAMPLE]
    han, latin = len(_HAN.findall(sample)), len(_LATIN.findall(sample))
    return "zh" if han and han / (han + latin) >= _HAN_SHARE else "en"


def has_han(text: str) -> bool:
    """Whether there is any Chinese character."""
    return _HAN.search(text) is not None
