"""Rich text: its words, whatever fonts and code pages they are in."""

from __future__ import annotations

from medview.core.errors import UnreadableInstance
from medview.core.words import say


def rtf_text(data: bytes, where: str) -> str:
    """The words of an RTF file, a line for each paragraph. Raises UnreadableInstance."""
    from striprtf.striprtf import rtf_to_text

    try:
        # RTF itself is ASCII; what is above it is escaped by the code page of its font.
        text = rtf_to_text(data.decode("latin-1"), errors="replace")  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, TypeError, ArithmeticError, RecursionError) as error:
        raise UnreadableInstance(
            say("The RTF file is damaged."),
            where,
            detail=type(error).__name__,
            what_to_do=say("Save it again as text in the program that wrote it."),
        ) from error
    return str(text).replace("\r\n", "\n").replace("\x00", "")
