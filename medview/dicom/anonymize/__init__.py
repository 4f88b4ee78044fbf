"""De-identified copies (PS3.15 Annex E): what is found, what is changed, what is written.

Front door: `survey` looks through files and names pictures that may show text; `export` writes
copies; `Options` and `PROFILES` say what is retained.
"""

from medview.dicom.anonymize.export import (
    Decision,
    Export,
    LeftOut,
    Outcome,
    check_target,
    export,
)
from medview.dicom.anonymize.options import PROFILES, Dates, Options
from medview.dicom.anonymize.pseudonyms import Secret
from medview.dicom.anonymize.survey import Survey, survey
from medview.dicom.anonymize.text_in_pixels import Box, Suspicion

__all__ = [
    "PROFILES",
    "Box",
    "Dates",
    "Decision",
    "Export",
    "LeftOut",
    "Options",
    "Outcome",
    "Secret",
    "Survey",
    "Suspicion",
    "check_target",
    "export",
    "survey",
]
