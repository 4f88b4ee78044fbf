"""Qt's binding without what it does for programs that rename its methods.

PySide can rename the methods of Qt for modules that ask for it (`from __feature__ import
snake_case`). To find them it puts an import of its own in the place of Python's, and reads the
source of every module that is imported from then on, whoever's it is. None of ours asks. It also
compiles its writer of stub files at every start. Together an eighth of the way to a whole window.
"""

from __future__ import annotations

import builtins
import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec

_STUB_WRITER = "shibokensupport.signature.lib.pyi_generator"


def load_binding() -> None:
    """Import PySide, before anything else does, and give Python its own import back."""
    sys.modules.setdefault(_STUB_WRITER, module_from_spec(ModuleSpec(_STUB_WRITER, None)))

    import PySide6.QtCore  # noqa: F401

    builtins.__import__ = getattr(builtins, "__orig_import__", builtins.__import__)
