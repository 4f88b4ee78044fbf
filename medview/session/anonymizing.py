"""De-identified copies for the window and the command: profiles by name, secrets, summaries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medview.core.archive import split
from medview.core.errors import InvalidInput
from medview.core.words import Sentence, say
from medview.dicom.anonymize import PROFILES, Dates, Options, Outcome, Secret
from medview.dicom.anonymize.text_in_pixels import preview
from medview.dicom.instance import open_instance

RETAIN = ("uids", "device", "institution", "patient", "safe-private", "dates", "shifted-dates")
PROFILE_NAMES = tuple(PROFILES)


def options_for(
    profile: str, retain: Sequence[str] = (), *, clean_descriptors: bool = False
) -> Options:
    """The options of a profile with further ones. Raises InvalidInput for what is no profile."""
    if profile not in PROFILES:
        raise InvalidInput(
            say("There is no profile {name}.", name=profile), ", ".join(PROFILE_NAMES)
        )
    unknown = [name for name in retain if name not in RETAIN]
    if unknown:
        raise InvalidInput(
            say("{name} is nothing that can be retained.", name=unknown[0]), ", ".join(RETAIN)
        )
    if {"dates", "shifted-dates"} <= set(retain):
        raise InvalidInput(say("Dates are either kept or shifted, not both."))
    chosen = PROFILES[profile]
    dates = chosen.dates
    if "dates" in retain or "shifted-dates" in retain:
        dates = Dates.KEEP if "dates" in retain else Dates.SHIFT
    return replace(
        chosen,
        dates=dates,
        uids=chosen.uids or "uids" in retain,
        device=chosen.device or "device" in retain,
        institution=chosen.institution or "institution" in retain,
        patient=chosen.patient or "patient" in retain,
        safe_private=chosen.safe_private or "safe-private" in retain,
        descriptors=chosen.descriptors or clean_descriptors,
    )


def secret_for(key: Path | None, folder: Path) -> Secret:
    """The secret of a key file, or a new one that is forgotten when the copies are made.

    Raises InvalidInput for a file that is no key, or one that would lie among the copies.
    """
    if key is None:
        return Secret.new()
    if key.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(
            say("The key must not lie among the copies"), str(key),
            say("Choose a place outside the folder that you hand on."),
        )  # fmt: skip
    return Secret.kept_in(key)


def picture_of(path: str) -> NDArray[np.uint8] | None:
    """The first frame as [rows, columns] grey or [rows, columns, 3] colour for showing; or None.

    Raises UnreadableInstance where the file has gone meanwhile.
    """
    return preview(open_instance(path))


def summary(done: Outcome) -> Sentence:
    """What was done, in one sentence."""
    if not done.left_out:
        return say(
            "{count} {count:copy was|copies were} written; nothing was left out.",
            count=len(done.copies),
        )
    return say(
        "{count} {count:copy was|copies were} written; {left} {left:file was|files were} left "
        "out, each with its reason.",
        count=len(done.copies),
        left=len(done.left_out),
    )


def short_name(path: str) -> str:
    """The last part of a path, for lists; members of archives by their own name."""
    inside = split(path)
    return Path(inside[1] if inside else path).name
