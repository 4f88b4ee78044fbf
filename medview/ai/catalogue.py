"""Which models there are: those that ship and those of the user, the good and the broken ones."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from medview.ai.archive import unpack
from medview.ai.consent import agree, may_run, withdraw
from medview.ai.folder import ModelFolder, open_folder
from medview.ai.manifest import list_files, manifest_hash
from medview.core.errors import InvalidInput, MedViewError, ModelUnavailable
from medview.core.paths import shipped_models_dir, user_data_dir
from medview.core.words import Sentence, say


@dataclass(frozen=True)
class BrokenModel:
    """A folder among the models that failed its checks, and why."""

    path: Path
    error: ModelUnavailable

    @property
    def said(self) -> Sentence:
        """The fault in one sentence."""
        return self.error.what


@dataclass(frozen=True)
class Catalogue:
    """Models that may run, sorted by name, folders that may not, and sound ones that wait.

    waiting: not signed by a known key, and nobody agreed to use exactly these bytes yet.
    """

    models: tuple[ModelFolder, ...]
    broken: tuple[BrokenModel, ...]
    waiting: tuple[ModelFolder, ...] = ()

    @property
    def all(self) -> tuple[ModelFolder, ...]:
        """Every sound model, also those that wait for a consent, sorted by name."""
        return tuple(sorted((*self.models, *self.waiting), key=lambda model: model.name))

    @property
    def for_images(self) -> tuple[ModelFolder, ...]:
        """Those that look for something in series: no routers, no models on values or texts."""
        others = ("tabular", "router", "text")
        return tuple(model for model in self.models if model.kind not in others)

    @property
    def routers(self) -> tuple[ModelFolder, ...]:
        """Those that say what kind of picture a series shows; every one is asked at the gate."""
        return tuple(model for model in self.models if model.kind == "router")

    def get(self, name: str) -> ModelFolder:
        """A model by its name, ready to run.

        Raises InvalidInput when there is none of this name, ModelUnavailable when it is broken or
        waits for a consent.
        """
        found = self.find(name)
        if found in self.waiting:
            raise ModelUnavailable(
                say("This model is not signed by a known key, and nobody agreed to use it."),
                name,
                say("Agree in the model manager or with `medview models agree NAME`."),
            )
        return found

    def find(self, name: str) -> ModelFolder:
        """A sound model by its name, to look at. Raises as `get`, but not for a lack of consent."""
        for model in self.all:
            if model.name == name:
                return model
        for broken in self.broken:
            if broken.path.name == name:
                raise broken.error
        raise InvalidInput(
            say("There is no model of this name."),
            name,
            say("`medview models list` names those there are."),
        )


def user_models_dir() -> Path:
    """Where added models lie, in the user's data folder."""
    return user_data_dir() / "models"


def read_catalogue() -> Catalogue:
    """Look through the shipped and the user's models; a broken one fails alone.

    Of two with one name the shipped one holds.
    """
    models: dict[str, ModelFolder] = {}
    broken: list[BrokenModel] = []
    for path in _folders():
        try:
            model = open_folder(path)
            models.setdefault(model.name, model)
        except ModelUnavailable as error:
            broken.append(BrokenModel(path, error))
    known = [models[name] for name in sorted(models)]
    ready = [may_run(model) for model in known]
    return Catalogue(
        tuple(model for model, may in zip(known, ready, strict=True) if may),
        tuple(broken),
        tuple(model for model, may in zip(known, ready, strict=True) if not may),
    )


def _folders() -> Iterator[Path]:
    for root in (shipped_models_dir(), user_models_dir()):
        if root.is_dir():
            yield from sorted(path for path in root.iterdir() if _is_meant(path))


def _is_meant(path: Path) -> bool:
    # A folder with nothing but a recipe was not trained yet; that is no fault.
    if path.name.startswith("."):
        return False
    return not path.is_dir() or any(item.name != "train.toml" for item in path.iterdir())


@contextmanager
def staged(source: Path) -> Iterator[ModelFolder]:
    """A folder or zip archive, copied and checked in a temporary folder beside the user's models.

    Raises InvalidInput when there is nothing at the path, ModelUnavailable for each fault.
    """
    root = user_models_dir()
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not source.exists():
        raise InvalidInput(say("There is nothing at this path."), str(source))
    with tempfile.TemporaryDirectory(dir=root, prefix=".new-") as temporary:
        folder = Path(temporary) / "model"
        if source.is_dir():
            _copy(source, folder)
        else:
            unpack(source, folder)
        yield open_folder(folder)


def _copy(source: Path, folder: Path) -> None:
    names = list_files(
        source
    )  # refuses links, code, and what is too large, before a byte is copied
    for name in names:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target, follow_symlinks=False)


def install(model: ModelFolder, *, replace: bool = False) -> ModelFolder:
    """Move a staged model to the user's models, in one step.

    Who adds a model has seen its card and who signed it: that is the consent, and is remembered.
    Raises InvalidInput when one of this name is there and may not be replaced.
    """
    target = user_models_dir() / model.name
    shipped = shipped_models_dir() / model.name
    if shipped.is_dir() or (target.exists() and not replace):
        raise InvalidInput(
            say("A model of this name is there already."),
            model.name,
            say("Remove it first (`medview models remove NAME`)."),
        )
    if target.exists():
        shutil.rmtree(target)
    agree(model)
    model.path.rename(target)
    return open_folder(target)


def remove(name: str) -> Path:
    """Delete a model of the user's and the consent to it.

    Raises InvalidInput for a shipped or an unknown one.
    """
    target = user_models_dir() / name
    if Path(name).name != name or name.startswith(".") or not target.is_dir():
        if (shipped_models_dir() / Path(name).name).is_dir():
            raise InvalidInput(say("This model belongs to MedView and stays."), name)
        raise InvalidInput(say("There is no added model of this name."), name)
    try:
        withdraw(manifest_hash(target))
        shutil.rmtree(target)
    except OSError as error:
        raise MedViewError(say("The model could not be removed."), name) from error
    return target
