"""The tables of the index, as the steps that made them: a step is added, never changed.

`PRAGMA user_version` counts the steps that a file has taken. Paths and file names are bytes, as
the system has them; dates are ISO or empty.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x4D56_4C42  # "MVLB"

_FIRST = """
CREATE TABLE patient (
  id INTEGER PRIMARY KEY, patient_id TEXT NOT NULL, birth_date TEXT NOT NULL, sex TEXT NOT NULL,
  letters TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (patient_id, birth_date, sex, letters));
CREATE TABLE study (
  id INTEGER PRIMARY KEY, patient INTEGER NOT NULL REFERENCES patient, uid TEXT NOT NULL,
  date TEXT NOT NULL, time TEXT NOT NULL, description TEXT NOT NULL, accession TEXT NOT NULL,
  added_at TEXT NOT NULL, words TEXT NOT NULL DEFAULT '', UNIQUE (uid, patient));
CREATE INDEX study_of_patient ON study (patient, date);
CREATE TABLE series (
  id INTEGER PRIMARY KEY, study INTEGER NOT NULL REFERENCES study, uid TEXT NOT NULL,
  number INTEGER, modality TEXT NOT NULL, description TEXT NOT NULL, body_part TEXT NOT NULL,
  objects INTEGER NOT NULL DEFAULT 0, images INTEGER NOT NULL DEFAULT 0, UNIQUE (uid, study));
CREATE INDEX series_of_study ON series (study);
CREATE TABLE root (
  id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, is_copy INTEGER NOT NULL,
  added_at TEXT NOT NULL);
CREATE TABLE folder (
  id INTEGER PRIMARY KEY, path BLOB NOT NULL UNIQUE, root INTEGER NOT NULL REFERENCES root);
CREATE TABLE file (
  folder INTEGER NOT NULL REFERENCES folder, name BLOB NOT NULL, series INTEGER REFERENCES series,
  sop_uid TEXT NOT NULL, frames INTEGER NOT NULL, size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,
  sha256 BLOB, PRIMARY KEY (folder, name)) WITHOUT ROWID;
CREATE INDEX file_of_series ON file (series, sop_uid, frames);
"""

_TAGS_AND_CHORES = """
CREATE TABLE tag (
  study INTEGER NOT NULL REFERENCES study, tag TEXT NOT NULL, PRIMARY KEY (study, tag))
  WITHOUT ROWID;
CREATE TABLE thumbnail (
  series INTEGER NOT NULL, stack INTEGER NOT NULL, stamp TEXT NOT NULL,
  file TEXT NOT NULL UNIQUE, bytes INTEGER NOT NULL, made_at REAL NOT NULL,
  PRIMARY KEY (series, stack)) WITHOUT ROWID;
CREATE TABLE chore (kind TEXT NOT NULL, what INTEGER NOT NULL, PRIMARY KEY (kind, what))
  WITHOUT ROWID;
ALTER TABLE root ADD COLUMN is_watched INTEGER NOT NULL DEFAULT 0;
"""

_DRIVES = """
CREATE TABLE drive (path BLOB NOT NULL PRIMARY KEY) WITHOUT ROWID;
"""

STEPS = (_FIRST, _TAGS_AND_CHORES, _DRIVES)
VERSION = len(STEPS)


def migrate(connection: sqlite3.Connection, until: int = VERSION) -> None:
    """Take the steps that this file has not taken yet, each whole or not at all."""
    while version_of(connection) < until:
        connection.execute("BEGIN IMMEDIATE")
        try:
            taken = version_of(connection)  # another window may have been quicker
            if taken < until:
                for statement in filter(str.strip, STEPS[taken].split(";")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                connection.execute(f"PRAGMA user_version = {taken + 1}")
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def version_of(connection: sqlite3.Connection) -> int:
    """How many steps a file has taken."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
