"""Qt's binding without what it does for programs that rename its methods.

PySide can rename the methods of Qt for modules that ask for it (`from __feature__ import
snake_case`). To find them it puts an import of its own in the place of Python's, and reads the
source of every module that is imported from then on, whoever's it is. None of ours asks. It also
compiles from source, at every start, what writes its messages about wrong calls and its stub files.
That waits until somebody looks into it. Together a fifth of the way to a drawn frame.
"""

from __future__ import annotations

import builtins
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from threading import RLock
from types import ModuleType
from typing import Any

_SIGNATURES = "shibokensupport.signature."
_LATER = {"errorhandler", "layout", "lib.enum_sig", "lib.pyi_generator", "mapping", "parser"}
_LOOKED_FOR = ("mapping", "update_mapping")
_lock = RLock()


def load_binding() -> None:
    """Import PySide, before anything else does, and give Python its own import back."""
    finders = sys.meta_path
    sys.meta_path = _Finders([_Finder(), *finders])

    import PySide6.QtCore  # noqa: F401

    sys.meta_path = finders
    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)


class _Finders(list[Any]):
    """The binding puts its own finder before all others: all but the first."""

    def insert(self, _index: object, finder: object) -> None:
        super().insert(1, finder)


class _Finder:
    """Finds the modules that wait, and leaves to the finders behind it how they are read."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if not name.startswith(_SIGNATURES) or name.removeprefix(_SIGNATURES) not in _LATER:
            return None
        for finder in sys.meta_path[1:]:
            spec: ModuleSpec | None = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                return ModuleSpec(name, _Later(spec.loader, spec), origin=spec.origin)
        return None


class _Later(Loader):
    def __init__(self, loader: Loader, spec: ModuleSpec) -> None:
        self._loader, self._spec, self._is_begun = loader, spec, False

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        waiting = _Waiting(spec.name)
        waiting.later = self
        return waiting

    def exec_module(self, module: ModuleType) -> None:
        """Nothing yet; the binding's own code looks into the dictionary for one function."""
        if module.__name__ == _SIGNATURES + _LOOKED_FOR[0]:

            def run_and_call() -> None:
                self.run(module)
                getattr(module, _LOOKED_FOR[1])()

            setattr(module, _LOOKED_FOR[1], run_and_call)

    def run(self, module: ModuleType) -> None:
        """Run the module's source, once; another thread that asks waits until it has."""
        with _lock:
            if self._is_begun:
                return
            self._is_begun = True
            # The binding gives the module another name meanwhile, which its own finder lacks.
            named, module.__spec__ = module.__spec__, self._spec
            self._loader.exec_module(module)
            module.__spec__, module.__class__ = named, ModuleType


class _Waiting(ModuleType):
    """A module whose source runs when something is looked for in it."""

    later: _Later

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "later":
            raise AttributeError(name)
        self.later.run(self)
        return ModuleType.__getattribute__(self, name)
