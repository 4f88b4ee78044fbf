"""A DICOM node that takes everything and keeps it: pynetdicom's own, on the loopback interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydicom
import pytest
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt

ON_LOOPBACK = [
    pytest.mark.allow_hosts(["127.0.0.1"]),
    # pynetdicom leaves the socket of a connection that failed or broke to the interpreter.
    pytest.mark.filterwarnings(
        "ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning"
    ),
]


class Archive:
    """keep_in: a folder for the files, byte by byte as they came."""

    def __init__(self) -> None:
        self.got: list[pydicom.Dataset] = []
        self.asked: list[str] = []  # who asked whether it is there, by AE title
        self.keep_in: Path | None = None
        entity = AE("ARCHIVE")
        entity.require_called_aet = True
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        entity.add_supported_context("1.2.840.10008.1.1")
        handlers: list[Any] = [(evt.EVT_C_STORE, self._store), (evt.EVT_C_ECHO, self._hear)]
        self.server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
        self.port = int(self.server.server_address[1])

    @property
    def place(self) -> str:
        """As it stands in the settings."""
        return f"ARCHIVE@127.0.0.1:{self.port}"

    def _hear(self, event: Any) -> int:
        self.asked.append(event.assoc.requestor.ae_title)
        return 0

    def _store(self, event: Any) -> int:
        data = event.dataset
        if self.keep_in is not None:
            file = self.keep_in / f"{data.SOPInstanceUID}.dcm"
            file.write_bytes(event.encoded_dataset())
        self.got.append(data)
        return 0
