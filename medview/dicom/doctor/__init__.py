"""What is wrong in DICOM files and series, tag by tag, and repaired copies where that is honest.

Front door: `examine`, `Examination`, `plan_repairs`, `repair`; `CHECKS` lists what is asked.
One module a family of checks; `anatomy` takes files apart, `rewrite` puts them together.
"""

from medview.dicom.doctor.examine import Examination, examine
from medview.dicom.doctor.finding import CHECKS, SEVERITIES, Finding
from medview.dicom.doctor.repair import Plan, PlannedCopy, RepairedCopy, plan_repairs, repair

__all__ = [
    "CHECKS",
    "SEVERITIES",
    "Examination",
    "Finding",
    "Plan",
    "PlannedCopy",
    "RepairedCopy",
    "examine",
    "plan_repairs",
    "repair",
]
