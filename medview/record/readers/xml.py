"""XML of strangers to a tree: no entity is expanded, no file and no address is opened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from medview.core.errors import UnreadableInstance
from medview.core.words import Sentence, say
from medview.record.encoding import decode, is_same_codec

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_V3 = "{urn:hl7-org:v3}"
_UNBOUND = re.compile(r"unbound prefix")
_PREFIX = re.compile(rb"[<\s/]([A-Za-z_][\w.-]*):[A-Za-z_]")
_DECLARED = re.compile(rb"xmlns:([A-Za-z_][\w.-]*)\s*=")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_ROOT = re.compile(rb"<[A-Za-z_][\w.:-]*")
_SPACES = {
    b"xsi": b"http://www.w3.org/2001/XMLSchema-instance",
    b"sdtc": b"urn:hl7-org:sdtc",
    b"cda": b"urn:hl7-org:v3",
    b"hl7": b"urn:hl7-org:v3",
    b"xlink": b"http://www.w3.org/1999/xlink",
}
_ASK = say("Ask for the document again from where it came.")


def parse_xml(data: bytes, where: str) -> tuple[Element, list[Sentence]]:
    """(root, what was mended). Elements of HL7 version 3 carry their bare names.

    Prefixes that nobody declared are bound, a wrong declared encoding is replaced by the one the
    bytes are in. Raises UnreadableInstance for what is broken, and where it declares entities.
    """
    notes: list[Sentence] = []
    try:
        root = _parse(data, where, notes)
    except DefusedXmlException as error:
        raise UnreadableInstance(
            say("The XML declares entities, which are not followed."),
            where,
            detail=type(error).__name__,
            what_to_do=say("Ask for the document without a DOCTYPE."),
        ) from error
    except ParseError as error:
        line, column = error.position
        raise UnreadableInstance(
            say("The XML is broken at line {line}, column {column}.", line=line, column=column),
            where,
            what_to_do=_ASK,
        ) from error
    except (ValueError, LookupError, RecursionError, MemoryError) as error:
        raise UnreadableInstance(
            say("The XML cannot be read."), where, detail=type(error).__name__, what_to_do=_ASK
        ) from error
    for element in root.iter():
        if str(element.tag).startswith(_V3):
            element.tag = element.tag[len(_V3) :]
    return root, notes


def _parse(data: bytes, where: str, notes: list[Sentence]) -> Element:
    try:
        return _tree(data)
    except (ParseError, ValueError, LookupError) as error:
        if _UNBOUND.search(str(error)):
            notes.append(say("The XML uses a prefix that it does not declare."))
            return _tree(_bound(data))
        line, _ = getattr(error, "position", (1, 0))
        if line > 1:
            raise
        try:
            found = _ENCODING.search(data[:200])
            named = found[1].decode("ascii", "replace") if found else ""
            text, encoding = decode(data, where, named)
        except UnreadableInstance:
            raise error from None
        # Without its declaration, whose line stays, so that places are those of the file.
        root = _tree(re.sub(r"^\s*<\?xml[^>]*\?>", "", text).encode())
        if not named or not is_same_codec(named, encoding):
            notes.append(
                say("The XML says another encoding than it is in; it was read as {encoding}.",
                    encoding=encoding)
            )  # fmt: skip
        return root


def _tree(data: bytes) -> Element:
    root: Element = fromstring(data)
    return root


def _bound(data: bytes) -> bytes:
    """The document with a declaration for every prefix that has none."""
    used, declared = set(_PREFIX.findall(data)), set(_DECLARED.findall(data))
    missing = sorted(used - declared - {b"xml", b"xmlns"})
    body = data.index(b"?>") + 2 if data.lstrip()[:5] == b"<?xml" else 0
    bare = re.sub(rb"<!--.*?-->", lambda m: b" " * len(m[0]), data, flags=re.DOTALL)
    root = _ROOT.search(bare, body)
    if root is None:
        return data
    spaces = b"".join(
        b' xmlns:%s="%s"' % (name, _SPACES.get(name, b"urn:undeclared:" + name)) for name in missing
    )
    return data[: root.end()] + spaces + data[root.end() :]
