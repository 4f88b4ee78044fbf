"""What the last page says: how many copies, where, what was left out and why."""

from __future__ import annotations

from collections import defaultdict
from html import escape

from medview.core.words import tr
from medview.dicom.anonymize import LeftOut, Outcome
from medview.session.anonymizing import short_name, summary

_MOST_NAMED = 12


def result_html(done: Outcome) -> str:
    """The outcome as a page; each reason once with its files."""
    log = f"{tr('Log of what was changed, without values')}: {escape(done.log.name)}"
    parts = [
        f"<p>{escape(str(summary(done)))}</p>",
        f"<p>{tr('Folder')}: <b>{escape(str(done.folder))}</b><br>{log}</p>",
    ]
    if done.blanked:
        told = tr("{count} {count:picture was|pictures were} blacked out.", count=done.blanked)
        parts.append(f"<p>{escape(told)}</p>")
    if done.left_out:
        parts.append(f"<h3>{tr('Left out')}</h3>{_by_reason(done.left_out)}")
    if done.ignored:
        parts.append(f"<h3>{tr('Not copied')}</h3>{_by_reason(done.ignored)}")
    return "".join(parts)


def _by_reason(files: tuple[LeftOut, ...]) -> str:
    names: dict[str, list[str]] = defaultdict(list)
    for one in files:
        names[str(one.reason)].append(short_name(one.path))
    lines = []
    for reason, found in names.items():
        listed = ", ".join(found[:_MOST_NAMED]) + (" …" if len(found) > _MOST_NAMED else "")
        lines.append(f"<p><b>{len(found)}</b> · {escape(reason)}<br>{escape(listed)}</p>")
    return "".join(lines)
