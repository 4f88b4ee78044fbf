"""A cine as a file that any program plays: GIF or WebP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.errors import InvalidInput, WriteFailed
from medview.core.files import replacing
from medview.core.progress import CancelToken
from medview.core.words import say

ENDINGS = (".gif", ".webp")
_CENTISECOND = 10  # GIF counts in these; most programs do not play one faster than two of them


def film_times(milliseconds: Sequence[float], ending: str) -> list[int]:
    """How long each frame stays, in whole milliseconds that the format can say; at least 20 in GIF.

    What rounding takes from one frame the next one gets back: the whole stays as long as it was.
    """
    unit = _CENTISECOND if ending == ".gif" else 1
    least = 2 * _CENTISECOND if ending == ".gif" else 1
    times, owed = [], 0.0
    for each in milliseconds:
        exact = each + owed
        rounded = max(least, round(exact / unit) * unit)
        owed = exact - rounded
        times.append(rounded)
    return times


def write_film(
    frames: Sequence[NDArray[np.uint8]],
    milliseconds: Sequence[float],
    path: Path,
    cancel: CancelToken | None = None,
) -> None:
    """Write frames (rows, columns, 3), each shown for its time, over and over; for the owner alone.

    The ending decides: .gif (256 colours: greys stay exact) or .webp (lossless). Raises
    InvalidInput for another ending or no frame, WriteFailed, Cancelled; nothing half-written is
    left.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise InvalidInput(say("The film's name must end in .gif or .webp."), path.name)
    if not frames:
        raise InvalidInput(say("There is nothing to be seen in a film."))
    from PIL import Image

    pictures = []
    for frame in frames:
        if cancel is not None:
            cancel.check()
        pictures.append(_picture(frame, ending))
    options = {"lossless": True} if ending == ".webp" else {"disposal": 1}
    try:
        with replacing(path, ending) as beside:
            pictures[0].save(
                beside,
                format=Image.registered_extensions()[ending],
                save_all=True,
                append_images=pictures[1:],
                duration=film_times(milliseconds, ending),
                loop=0,
                **options,
            )
    except OSError as error:
        said = say("The film could not be written.")
        raise WriteFailed(said, str(path), detail=str(error.errno)) from error


def _picture(frame: NDArray[np.uint8], ending: str):  # type: ignore[no-untyped-def]
    from PIL import Image

    is_grey = bool((frame[..., :1] == frame).all())
    if ending == ".gif" and is_grey:
        return Image.fromarray(np.ascontiguousarray(frame[..., 0]))
    return Image.fromarray(np.ascontiguousarray(frame))
