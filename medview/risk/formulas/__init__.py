"""The arithmetic of the scores, a module a family; data files name a function `family.name`.

Each is `Formula`: known inputs and the unit's coefficients in, `Outcome` out; an input that is
needed and not there raises NotKnown. Front door: `formula`, `Inputs`, `Outcome`, `NotKnown`.
"""

from __future__ import annotations

from importlib import import_module

from medview.risk.formulas.base import Formula, Inputs, NotKnown, Outcome

_FAMILIES = (
    "acute",
    "body",
    "breast",
    "cardio",
    "fleischner",
    "fused",
    "imaging",
    "kidney",
    "liver",
    "lung",
    "nodule",
    "points",
    "prevent",
    "transplant",
    "vascular",
)


def formula(name: str) -> Formula:
    """The function that a data file names `family.function`; KeyError for any other name."""
    family, _, function = name.partition(".")
    if family not in _FAMILIES or function.startswith("_"):
        raise KeyError(name)
    module = import_module(f"{__name__}.{family}")
    found: Formula = vars(module)[function]
    return found


__all__ = ["Formula", "Inputs", "NotKnown", "Outcome", "formula"]
