"""The card of files that could not be read: which, why, at which element, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import Signal

from medview.core.words import Sentence, tr
from medview.gui.cards import Card, ElidedLabel, button, label, row
from medview.session import Session

_FIRST = 3  # files that the card names; the list names all


class LeftOutFile(NamedTuple):
    """A file that could not be read; `folder` and `name` as they can be shown.

    advice: what to do about this one; empty where that is to get it anew or to have it repaired.
    """

    folder: str
    name: str
    reason: str
    tag: str = ""
    advice: str = ""


def left_out_files(session: Session) -> list[LeftOutFile]:
    """Images and documents that are open but could not be read, in words."""
    files = [_of(n.path, n.words, n.tag, n.advice) for n in session.studies.holdings.unreadable]
    return files + [_of(u.path, str(u.reason)) for u in session.documents.unread]


def _of(path: str, reason: str, tag: str = "", advice: Sentence | None = None) -> LeftOutFile:
    # Names may hold bytes that are no text, and letters that would break a line.
    shown = path.encode("utf-8", "replace").decode("utf-8")
    shown = "".join(letter if letter >= " " else "\ufffd" for letter in shown)
    return LeftOutFile(str(Path(shown).parent), Path(shown).name, reason, tag, str(advice or ""))


def advice_on(files: Sequence[LeftOutFile]) -> str:
    """What a reader can do about files that could not be read, each advice once."""
    said = [tr("All other files are open.")]
    said += dict.fromkeys(file.advice or _common_advice() for file in files)
    return " ".join(said)


def _common_advice() -> str:
    return tr(
        "Ask for damaged files again where they come from, or let the file doctor say whether "
        "they can be repaired."
    )


def _reason_at(file: LeftOutFile) -> str:
    return file.reason if file.tag in file.reason else f"{file.reason} {file.tag}"


class LeftOutCard(Card):
    """How many files could not be read, the first of them with their reasons."""

    all_asked = Signal()
    doctor_asked = Signal()

    def __init__(self, files: list[LeftOutFile]) -> None:
        super().__init__()
        count = len(files)
        title = tr("{count} {count:file|files} could not be read", count=count)
        self.setAccessibleName(title)
        self.add(label(title, "warn"))
        for file in files[:_FIRST]:
            name = ElidedLabel(file.name)
            name.setToolTip(f"{file.folder}/{file.name}")
            self.add(name, label(_reason_at(file), "small"))
        self.add(label(advice_on(files), "faint"))
        show_all = button(tr("All reasons"), "link", self.all_asked.emit)
        show_all.setToolTip(tr("Every file that could not be read, with element and reason"))
        examine = button(tr("Examine…"), "link", self.doctor_asked.emit)
        examine.setToolTip(tr("Ask the file doctor what is wrong"))
        self.add(row(show_all, examine, None))


def left_out_html(files: list[LeftOutFile]) -> str:
    """Every file with element and reason, as a table under what to do."""
    heads = (tr("File"), tr("Element"), tr("Reason"))
    head = "".join(f"<th align=left>{escape(text)}</th>" for text in heads)
    lines = "".join(
        f"<tr><td><b>{escape(f.name)}</b><br><small>{escape(f.folder)}</small></td>"
        f"<td>{escape(f.tag) or '–'}</td><td>{escape(f'{f.reason} {f.advice}'.strip())}</td></tr>"
        for f in files
    )
    return f"<p>{escape(advice_on(files))}</p><table cellpadding=4><tr>{head}</tr>{lines}</table>"
