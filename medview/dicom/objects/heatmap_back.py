"""The values of a heatmap that MedView wrote, on the grid of the images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from medview.core.archive import open_binary
from medview.core.errors import UnreadableInstance
from medview.core.geometry import Geometry
from medview.core.words import say
from medview.dicom.heatmap_values import kept_values
from medview.dicom.objects.sr import PARSE_ERRORS


def read_map(path: str, onto: Geometry) -> NDArray[np.float32]:
    """float32 [k, j, i] of a Parametric Map, or of the picture that stands for one on a projection;
    planes that are not in the file are 0.

    Raises UnreadableInstance for a broken file or one on another grid.
    """
    said = say("A heatmap of these results cannot be read.")
    try:
        with open_binary(path) as file:
            dataset = dcmread(file)
        values = np.zeros(onto.shape, np.float32)
        if (int(dataset.Rows), int(dataset.Columns)) != onto.shape[1:]:
            raise UnreadableInstance(said, path)
        on_projection = kept_values(dataset, onto.shape[1:])
        if on_projection is not None:
            values[:1] = on_projection
            return values
        frames = np.atleast_3d(dataset.pixel_array).reshape(-1, *onto.shape[1:])
        for frame, item in zip(frames, dataset.PerFrameFunctionalGroupsSequence, strict=True):
            corner = [float(v) for v in item.PlanePositionSequence[0].ImagePositionPatient]
            k, j, i = onto.to_index_array(np.array([corner]))[0]
            if max(abs(j), abs(i), abs(k - round(k))) > 0.25 or not 0 <= round(k) < onto.shape[0]:
                raise UnreadableInstance(said, path)
            values[round(k)] = frame
    except (*PARSE_ERRORS, MemoryError) as error:
        raise UnreadableInstance(said, path, detail=type(error).__name__) from error
    return values
