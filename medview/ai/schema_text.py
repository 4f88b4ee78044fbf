"""The part of `model.json` that only models on texts have: networks, corpora, and pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from medview.ai.ops import Field, Fields
from medview.core.errors import ModelUnavailable
from medview.core.words import say

WEIGHTS = "weights.safetensors"
_TAGGER: Fields = {"networks": Field("int", True), "heads": Field("objects", True)}
_HEAD: Fields = {"name": Field("text", True), "types": Field("texts", True)}
_PAIRS: Fields = {
    "bias": Field("number", True),
    "least": Field("number", True),
    "best": Field("number", True),
}


def check_text(
    description: Mapping[str, Any], check_record: Callable[[Mapping[str, Any], Fields, str], None]
) -> None:
    """Raise ModelUnavailable unless the tagger and its corpora are whole."""
    tagger = description.get("tagger", {})
    check_record(tagger, _TAGGER, "tagger")
    for head in tagger["heads"]:
        check_record(head, _HEAD, "tagger.heads")
    if not 1 <= tagger["networks"] <= 8 or not tagger["heads"]:
        raise ModelUnavailable(
            say("model.json has an impossible value for {name}.", name="tagger"), "tagger"
        )
    if "pairs" in description:
        check_record(description["pairs"], _PAIRS, "pairs")
