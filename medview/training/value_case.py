"""The self-test of models on values and on texts; as `ai.worker.selftest` does for images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medview.ai.folder import ModelFolder, open_folder
from medview.ai.selftest import IN, NO_CASE, OUT, deviation, has_case, outcome, read_arrays
from medview.core.errors import ModelUnavailable
from medview.core.words import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.generic]]

_TEXT = (
    "Severe hepatotoxicity was seen after paracetamol (acetaminophen). Acute kidney injury (AKI) "
    "developed under vancomycin; the patient with rheumatoid arthritis had taken methotrexate."
)
_TOLERANCE = 0.01


def make_case(folder: ModelFolder) -> None:
    """Write a case and the model's answer below `selftest/`; the manifest is the caller's."""
    import numpy as np

    case = _case_for(folder)
    answer: dict[str, Any] = dict(_answer(folder, case))
    answer["tolerance"] = np.float64(_TOLERANCE)
    (folder.path / IN).parent.mkdir(exist_ok=True)
    np.savez_compressed(folder.path / IN, **case)  # type: ignore[arg-type]
    np.savez_compressed(folder.path / OUT, **answer)


def run_case(folder: str) -> Mapping[str, Any]:
    """Check a folder's arrays and run its case, here; the fields of a `SelfTest`."""
    model = open_folder(Path(folder))
    _answer(model, _case_for(model))  # whether it can, and what it imports for the first time
    if not has_case(model.path):
        return NO_CASE
    case, wanted = read_arrays(model.content(IN)), read_arrays(model.content(OUT))
    began = time.perf_counter()
    found = _answer(model, case)
    return outcome(deviation(found, wanted), time.perf_counter() - began)


def _case_for(folder: ModelFolder) -> Arrays:
    import numpy as np

    if folder.kind == "text":
        return {"text": np.frombuffer(_TEXT.encode("ascii"), np.uint8)}
    model = _tabular(folder)
    rows = np.stack([model.mean, model.mean + 0.5 * model.scale, model.mean - 0.5 * model.scale])
    rows[2, 0] = np.nan  # a gap
    return {"rows": rows}


def _answer(folder: ModelFolder, case: Mapping[str, NDArray[np.generic]]) -> Arrays:
    import numpy as np

    try:
        if folder.kind == "text":
            return _names(folder, bytes(case["text"].astype(np.uint8)).decode("ascii"))
        model = _tabular(folder)
        rows = case["rows"].astype(np.float64)
        return {"predictions": np.array([model.predict(row) for row in rows])}
    except (KeyError, ValueError, IndexError) as error:
        raise ModelUnavailable(say("The model's self-test is damaged."), IN) from error


def _tabular(folder: ModelFolder) -> Any:
    from medview.ai.schema_tabular import WEIGHTS
    from medview.risk.tabular import read_model

    return read_model(folder.description, folder.content(WEIGHTS))


def _names(folder: ModelFolder, text: str) -> Arrays:
    import numpy as np

    from medview.ai.schema_text import WEIGHTS
    from medview.record.tagging.model import open_text_model

    model = open_text_model(folder.description, folder.content(WEIGHTS))
    names = model.names(text, next(iter(model.heads)))
    return {
        "places": np.array([(n.start, n.end) for n in names], np.int32).reshape(-1, 2),
        "certainty": np.array([n.probability for n in names], np.float64),
    }
