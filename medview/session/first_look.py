"""The reader looks first: results of models wait for a first opinion, where the reader wants it.

Wrong suggestions pull readers of every experience with them, and explanations do not protect
(Radiology 2023;307:e222176); so the opinion is taken before anything is shown.
"""

from __future__ import annotations

from medview.core.study import Patient
from medview.session.work import FirstLook, Work

OPINIONS = ("nothing", "something", "unsure")


def seen_series(patient: Patient, work: Work) -> frozenset[str]:
    """Series of the patient's open studies of which there is a first opinion.

    What is not open, or not read yet, is not among them: nobody has looked at it.
    """
    seen = {look.study_uid for look in work.first_looks}
    return frozenset(
        series.uid for study in patient.studies if study.uid in seen for series in study.series
    )


def first_look_of(work: Work, study_uid: str) -> FirstLook | None:
    """The first opinion of a study."""
    return next((look for look in work.first_looks if look.study_uid == study_uid), None)
