"""The errors that cross a room's door: what did not work, where, and what to do."""

from __future__ import annotations

from medview.core.words import Sentence, say


class MedViewError(Exception):
    """The only exception that leaves a room; its three sentences may be shown to a radiologist.

    `detail` is for the log alone and must hold nothing of a patient.
    """

    def __init__(
        self,
        what: Sentence,
        where: str = "",
        what_to_do: Sentence | None = None,
        detail: str = "",
    ) -> None:
        super().__init__(what.english())
        self.what = what
        self.where = where
        self.what_to_do = what_to_do
        self.detail = detail

    def sentence(self) -> str:
        """One line in the current language: what, where, what to do."""
        parts = [str(self.what)]
        if self.where:
            parts[0] = f"{parts[0].rstrip('.。')}: {self.where}."
        if self.what_to_do is not None:
            parts.append(str(self.what_to_do))
        return " ".join(parts)


class InvalidInput(MedViewError):
    """What was given is wrong: a missing path, an impossible value. Commands end with status 2."""


class UnreadableInstance(MedViewError):
    """One file cannot be read; the rest goes on. `tag` names the element at fault, if one is."""

    def __init__(
        self,
        what: Sentence,
        where: str = "",
        tag: str = "",
        detail: str = "",
        what_to_do: Sentence | None = None,
    ) -> None:
        super().__init__(what, where, what_to_do, detail)
        self.tag = tag


class UnsupportedTransferSyntax(UnreadableInstance):
    """No permissively licensed decoder is at hand for this transfer syntax."""


class GeometryError(MedViewError):
    """Slices do not form the grid that was asked for."""


class ModelUnavailable(MedViewError):
    """A model folder is missing, damaged or not what it says."""


class WorkerDied(MedViewError):
    """The analysis process ended; the next job starts a fresh one."""


class Cancelled(MedViewError):
    """The reader asked to stop."""

    def __init__(self) -> None:
        super().__init__(say("Cancelled."))


class WriteFailed(MedViewError):
    """A result could not be written (full disk, no rights); nothing half-written is left."""


class InputRefused(MedViewError):
    """A model met an image that it was not made for; the run ends as refused, with this reason."""
