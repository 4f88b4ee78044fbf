"""Drives and network folders that indexed files lie on, and which of them are away.

A folder that shows a drive (its mount point) often stays when the drive goes, and is empty then:
that its files are missing says nothing.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path


def drive_of(folder: str) -> str:
    """The mount point above a folder, or itself; empty for the system's own disk."""
    while (parent := os.path.dirname(folder)) != folder:  # noqa: PTH120 - may be no text
        if os.path.ismount(folder):
            return folder
        folder = parent
    return ""


def note(connection: sqlite3.Connection, folder: str) -> None:
    """Write down the drive that an indexed folder lies on. Inside a transaction."""
    if drive := drive_of(folder):
        connection.execute("INSERT OR IGNORE INTO drive VALUES (?)", (os.fsencode(drive),))


def drop_unused(connection: sqlite3.Connection) -> None:
    """Take away drives that no indexed folder lies on any more. Inside a transaction."""
    connection.execute(
        "DELETE FROM drive WHERE NOT EXISTS (SELECT 1 FROM folder WHERE folder.path = drive.path"
        " OR substr(folder.path, 1, length(drive.path) + 1) = CAST(drive.path || ? AS BLOB))",
        (os.sep,),
    )


def away(connection: sqlite3.Connection) -> list[str]:
    """Roots and drives that cannot be reached at all; what lies below keeps its entries."""
    roots = [os.fsdecode(row[0]) for row in connection.execute("SELECT path FROM root")]
    drives = [os.fsdecode(row[0]) for row in connection.execute("SELECT path FROM drive")]
    lost = [root for root in roots if not os.path.lexists(root) and not _is_deleted(root)]
    return list(dict.fromkeys((*lost, *filter(_is_unplugged, drives))))


def is_below(path: str, roots: list[str]) -> bool:
    """Whether a path is one of these or lies below one."""
    return any(path == root or path.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def _is_unplugged(drive: str) -> bool:
    """Whether nothing is shown where a drive was; what is a plain folder by now has its files."""
    if os.path.ismount(drive):
        return False
    try:
        return not os.listdir(drive)  # noqa: PTH208
    except OSError:
        return True


def _is_deleted(root: str) -> bool:
    """Whether a root is gone from a place that is there; else its drive or network is away."""
    return Path(root).parent.is_dir() and not _is_mount_place(Path(root).parent)


def _is_mount_place(folder: Path) -> bool:
    """Folders under which systems show drives; there a missing name is a drive that is away."""
    usual = ("/media", "/mnt", "/run/media", "/Volumes")
    return str(folder) in usual or str(folder.parent) in usual
