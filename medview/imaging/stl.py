"""STL files of surfaces: binary, LPS millimetres."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from medview.core.files import write_whole
from medview.imaging.surfaces import Mesh

_FACET = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("extra", "<u2")])
# Never "solid" first: readers would take the file for the text form.
_HEADER = b"MedView; binary STL; coordinates LPS (DICOM patient), millimetres"


def stl_bytes(meshes: Sequence[Mesh]) -> bytes:
    """Some surfaces together; facet normals point outward."""
    facets = np.zeros(sum(len(mesh.triangles) for mesh in meshes), _FACET)
    at = 0
    for mesh in meshes:
        corners = mesh.points[mesh.triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        lengths = np.linalg.norm(normals, axis=1, keepdims=True)
        part = facets[at : at + len(corners)]
        part["normal"] = normals / np.maximum(lengths, 1e-12)
        part["corners"] = corners
        at += len(corners)
    return _HEADER.ljust(80) + np.array(len(facets), "<u4").tobytes() + facets.tobytes()


def save_stl(path: Path, meshes: Sequence[Mesh]) -> Path:
    """Write a file whole, for its owner alone. Raises WriteFailed."""
    return write_whole(path, stl_bytes(meshes))
