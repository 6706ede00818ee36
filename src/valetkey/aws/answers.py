"""XML that AWS wrote, or that somebody pretends AWS wrote."""

from __future__ import annotations

from typing import Final
from xml.etree.ElementTree import Element, ParseError, fromstring

_NO_ENTITY: Final = "<!DOCTYPE"


def parse_xml(body: str) -> Element:
    """Parse an answer. AWS's have no document type, so none may expand entities. Raises
    ValueError."""
    if _NO_ENTITY in body:
        raise ValueError("XML with a document type")
    try:
        return fromstring(body)  # noqa: S314  # what makes it unsafe was just refused
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
