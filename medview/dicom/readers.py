"""Open files of multi-frame instances, kept for the frames that follow."""

from __future__ import annotations

import threading
from collections import OrderedDict

from medview.dicom.instance import Instance
from medview.dicom.pixels import PixelReader

_OPEN_FILES = 16


class Readers:
    """One reader a thread and path, so that no multi-frame file is opened for each frame."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._all: list[_KeptReader] = []

    def of(self, instance: Instance) -> PixelReader:
        """A reader to be used in a with statement; kept open only for multi-frame instances."""
        if instance.elements.integer("NumberOfFrames", 1) <= 1:
            return PixelReader(instance)
        kept: OrderedDict[str, _KeptReader] = self._local.__dict__.setdefault("kept", OrderedDict())
        if instance.path not in kept:
            if len(kept) >= _OPEN_FILES:
                kept.popitem(last=False)[1].finish()
            kept[instance.path] = _KeptReader(instance)
            self._all.append(kept[instance.path])
        return kept[instance.path]

    def close(self) -> None:
        """Close whatever is still open."""
        for reader in self._all:
            reader.finish()
        self._all.clear()
        self._local = threading.local()


class _KeptReader(PixelReader):
    """Stays open after a with statement."""

    def __exit__(self, *_: object) -> None:
        return

    def finish(self) -> None:
        """Close the file."""
        self._source.close()
