"""DICOM in: folders to `Holdings`, stacks to `Volume`, header values to observations.

Front door: `scan`, `scan_with_volumes` (NIfTI, NRRD and MetaImage too), `files_below`,
`VolumeFill`, `fill_of` (of any stack), `load_volume`, `read_frame`, `header_observations`,
`is_remark`, `write_volume`, `write_picture`, `HEADER_KEYWORDS`; what MedView writes as DICOM is
in `dicom.write`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medview.dicom.fill import VolumeFill
    from medview.dicom.grid import is_remark
    from medview.dicom.keywords import HEADER_KEYWORDS
    from medview.dicom.observations import header_observations
    from medview.dicom.scanning import scan
    from medview.dicom.volume_files import write_picture, write_volume
    from medview.dicom.volume_stacks import scan_with_volumes
    from medview.dicom.walk import files_below
    from medview.dicom.whole import fill_of, load_volume, read_frame

__all__ = [
    "HEADER_KEYWORDS",
    "VolumeFill",
    "files_below",
    "fill_of",
    "header_observations",
    "is_remark",
    "load_volume",
    "read_frame",
    "scan",
    "scan_with_volumes",
    "write_picture",
    "write_volume",
]

# The window imports this room before it is drawn: the modules come when they are first used.
_HOME = {
    "HEADER_KEYWORDS": "keywords",
    "VolumeFill": "fill",
    "fill_of": "whole",
    "scan_with_volumes": "volume_stacks",
    "files_below": "walk",
    "header_observations": "observations",
    "is_remark": "grid",
    "load_volume": "whole",
    "read_frame": "whole",
    "scan": "scanning",
    "write_picture": "volume_files",
    "write_volume": "volume_files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    return getattr(import_module(f"medview.dicom.{_HOME[name]}"), name)
