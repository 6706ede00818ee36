"""XML that AWS wrote, or that somebody pretends AWS wrote."""

from __future__ import annotations

import re
from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring
from xml.sax.saxutils import escape

_NO_ENTITY: Final = "<!DOCTYPE"
_UNWRITABLE: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def parse_xml(body: str) -> Element:
    """Parse an answer. AWS's have no document type, so none may expand entities. Raises
    ValueError."""
    if _NO_ENTITY in body:
        raise ValueError("XML with a document type")
    try:
        # Stores that work for long send spaces first, so that nobody takes them for dead.
        return fromstring(body.lstrip())  # noqa: S314  # what makes it unsafe was just refused
    except ParseError:
        raise ValueError("not XML") from None


def name_of(element: Element) -> str:
    """Return an element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def child(root: Element | None, name: str) -> Element | None:
    """Return the first child of a name, or None."""
    return next((one for one in root if name_of(one) == name), None) if root is not None else None


def child_text(root: Element | None, name: str) -> str:
    """Return the text of a child, or nothing."""
    found = child(root, name)
    return found.text or "" if found is not None else ""


def error_of(root: Element | None) -> Element | None:
    """Return the error in an answer: the answer itself where it is a bare one, as S3 and Ceph write
    it, or the one that STS and IAM put into an envelope."""
    if root is not None and name_of(root) == "Error":
        return root
    return child(root, "Error")


def escaped(text: str) -> str:
    """Return text as XML's content. Raises ValueError for letters that XML can't carry."""
    if _UNWRITABLE.search(text):
        raise ValueError("a letter that XML does not have")
    return escape(text, {"\r": "&#13;", "\n": "&#10;", "\t": "&#9;"})
