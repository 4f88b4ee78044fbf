"""The gate's last question, asked of the pixels: does a router see what the model was made for?

Headers can be wrong; a hand under the name of a chest is refused here. A router says film or
cross-section, and which part of the body. It does not tell CT from MR: those two look alike to it,
so there the header's word holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from medview.ai.folder import ModelFolder
from medview.ai.worker.pipeline import Pipeline
from medview.ai.worker.route import Route
from medview.core.errors import InputRefused
from medview.core.progress import CancelToken, no_progress
from medview.core.results import Check
from medview.core.volume import Volume
from medview.core.words import Sentence, say

FILMS = frozenset(("CR", "DX", "MG", "RG", "RF"))


def ask_router(router: Pipeline, model: ModelFolder, volume: Volume, cancel: CancelToken) -> Check:
    """What a router thinks of a volume for a model; ok is False where the two contradict."""
    try:
        route = router.run(volume, no_progress, cancel).route
    except InputRefused:
        route = None  # nothing to see, or colours: not for a router to judge
    if route is None or route.looks_like is None:
        return Check("router", True, say("The router does not know this kind of picture."))
    return _judge(router.folder, route, model)


def _judge(router: ModelFolder, route: Route, model: ModelFolder) -> Check:
    kind = router.description["outputs"][route.looks_like or 0]
    seen = Sentence(kind["name"])
    wanted_parts, wanted_modalities = _wanted(model, "body_part"), _wanted(model, "modality")
    if _contradicts(kind, wanted_parts, wanted_modalities):
        return Check("router", False, say(
            "The picture looks like this: {seen}; the model was made for {wanted}.",
            seen=seen, wanted=", ".join([*sorted(wanted_modalities), *sorted(wanted_parts)]),
        ))  # fmt: skip
    return Check("router", True, say("The picture looks like this: {seen}.", seen=seen))


def _contradicts(
    kind: Mapping[str, Any], parts: frozenset[str], modalities: frozenset[str]
) -> bool:
    is_film = bool(FILMS & set(kind["modalities"]))
    if modalities and is_film != bool(FILMS & modalities):
        return True
    return bool(parts) and not parts & set(kind["parts"])


def _wanted(model: ModelFolder, check: str) -> frozenset[str]:
    return frozenset(
        str(name) for gate in model.gates if gate["check"] == check for name in gate["in"]
    )
