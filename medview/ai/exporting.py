"""The way out: a model's network as ONNX or as a MONAI bundle, written whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path

from medview.ai.child import run_child
from medview.ai.folder import ModelFolder
from medview.core.errors import InvalidInput, WriteFailed
from medview.core.progress import CancelToken
from medview.core.words import say

FORMS = ("onnx", "monai")


def export_model(model: ModelFolder, form: str, target: Path, cancel: CancelToken) -> Path:
    """Write `target`: an ONNX file, or the folder of a bundle. Never replaces anything.

    Raises InvalidInput when something is there, ModelUnavailable for a model without exactly one
    network, WriteFailed, Cancelled.
    """
    if target.exists():
        raise InvalidInput(
            say("There is something at this path already."),
            str(target),
            say("Choose another name."),
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".new-") as temporary:
            made = Path(temporary) / "model"
            given = {"folder": str(model.path), "target": str(made), "form": form}
            run_child("export", given, cancel=cancel, writes=Path(temporary))
            made.rename(target)
    except OSError as error:
        raise WriteFailed(say("The model could not be written."), target.name) from error
    return target
