"""The models as the window manages them: look, add after a look, agree, test, remove.

Everything here blocks (it reads, hashes, or waits for a confined process): call it outside the
window's thread.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from medview.ai.catalogue import install, read_catalogue, remove, staged
from medview.ai.consent import agree, may_run
from medview.ai.folder import ModelFolder
from medview.ai.selftest import SelfTest, require_passed, self_test
from medview.core.paths import shipped_models_dir
from medview.core.progress import CancelToken
from medview.core.words import Sentence, say


@dataclass(frozen=True, eq=False)
class ShownModel:
    """A model as the window shows it. signature: known, unknown, unsigned, or broken.

    waits: nobody agreed to use it yet. own: the user added it and may remove it. fault: why a
    broken folder cannot be used; then the rest is empty but its name.
    """

    name: str
    title: str = ""
    version: str = ""
    kind: str = ""
    licence: str = ""
    signature: str = "broken"
    signed: Sentence | None = None
    use: str = ""
    not_for: tuple[str, ...] = ()
    card: str = ""
    manifest_sha256: str = ""
    waits: bool = False
    own: bool = False
    fault: str = ""


def list_models() -> tuple[ShownModel, ...]:
    """All models by their titles, then the broken ones."""
    catalogue = read_catalogue()
    sound = sorted((shown(model) for model in catalogue.all), key=lambda one: one.title.casefold())
    broken = [ShownModel(name=found.path.name, fault=found.error.sentence(),
                         own=found.path.parent != shipped_models_dir())
              for found in catalogue.broken]  # fmt: skip
    return (*sound, *broken)


def shown(model: ModelFolder) -> ShownModel:
    """What the window shows of a folder."""
    intended = model.description["intended"]
    return ShownModel(
        name=model.name,
        title=model.title,
        version=model.version,
        kind=model.kind,
        licence="; ".join([model.licence, *model.description.get("data_licences", ())]),
        signature=model.signature.state,
        signed=model.signature.said,
        use=intended["use"],
        not_for=tuple(intended["not_for"]),
        card=model.card(),
        manifest_sha256=model.manifest_sha256,
        waits=not may_run(model),
        own=model.path.parent != shipped_models_dir(),
    )


class Candidate:
    """A model that was looked at and tested, and lies in a temporary place until it is decided.

    Whoever has one calls `keep` or `discard`.
    """

    def __init__(self, model: ModelFolder, test: SelfTest, place: ExitStack) -> None:
        self.shown = shown(model)
        self.test = test
        self._model = model
        self._place = place

    def keep(self) -> ShownModel:
        """Add it to the user's models: that is the consent. Raises InvalidInput."""
        try:
            return shown(install(self._model))
        finally:
            self.discard()

    def discard(self) -> None:
        """Leave it: nothing of it stays."""
        self._place.close()


def look_at(path: Path, cancel: CancelToken) -> Candidate:
    """Check and test a model folder or archive, or import a foreign one; nothing is added yet.

    Raises InvalidInput, ModelUnavailable with each fault's own sentence, Cancelled.
    """
    with ExitStack() as stack:
        if _is_foreign(path):
            from medview.ai.importers import Wish, imported

            model = stack.enter_context(imported(path, Wish(), cancel))
        else:
            model = stack.enter_context(staged(path))
        test = self_test(model, cancel)
        require_passed(test)
        return Candidate(model, test, stack.pop_all())
    raise AssertionError  # a context that swallows errors is none of ours


def _is_foreign(path: Path) -> bool:
    from medview.ai.importers import is_foreign

    return is_foreign(path)


def test_model(name: str, cancel: CancelToken) -> Sentence:
    """Run a model's self-test anew; what came of it. Raises ModelUnavailable, Cancelled."""
    found = self_test(read_catalogue().find(name), cancel, again=True)
    return say("{outcome}.", outcome=found.said)


def allow(name: str) -> None:
    """Remember the reader's consent to a model exactly as it is."""
    agree(read_catalogue().find(name))


def drop(name: str) -> None:
    """Remove a model that the user added. Raises InvalidInput for any other."""
    remove(name)
