"""Link items: an object whose content says that the bytes are another item's, or at a URL.

The object is a small JSON document, as Dataloop's SDK writes it; the object is the truth of where
it leads, and what the item's metadata says of it (``system.shebang``) is a note that it is worth
reading.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from valetkey.catalog.domain.dataset import Item
from valetkey.domain.ids import is_id

#: A document of more is a file like any other.
MAX_LINK_BYTES: Final = 8 * 1024
_SHEBANG: Final = "dataloop"
_LINK: Final = "link"
#: Nothing but letters that a header can hold. Other schemes would name files of whoever follows.
_URL: Final = re.compile(r"https?://[!-~]{1,4000}")
_MIMETYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")


@dataclass(frozen=True, slots=True)
class Link:
    """Where the bytes are: at ``url``, or those of the item ``item_id``; one of the two is empty.
    ``mimetype`` is what they are said to be."""

    item_id: str = ""
    url: str = ""
    mimetype: str = ""

    def metadata(self) -> dict[str, Any]:
        """Return what the item says of it, in the SDK's words."""
        info = {"type": "id" if self.item_id else "url", "ref": self.item_id or self.url}
        if self.mimetype:
            info["mimetype"] = self.mimetype
        return {"system": {"shebang": {"dltype": _LINK, "linkInfo": info}}}


def parse_link(content: bytes) -> Link | None:
    """Read an object's content; None if it is no link, or none that could be followed."""
    if len(content) > MAX_LINK_BYTES or _SHEBANG.encode() not in content:
        return None
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return None
    info = _at(document, "metadata", "linkInfo")
    if _at(document, "shebang") != _SHEBANG or _at(document, "type") != _LINK:
        return None
    kind, ref, mimetype = _at(info, "type"), _at(info, "ref"), _at(info, "mimetype")
    known = mimetype if isinstance(mimetype, str) and _MIMETYPE.fullmatch(mimetype) else ""
    if kind == "id" and isinstance(ref, str) and is_id(ref):
        return Link(item_id=ref, mimetype=known)
    if kind == "url" and isinstance(ref, str) and _URL.fullmatch(ref):
        return Link(url=ref, mimetype=known)
    return None


def may_be_link(item: Item) -> bool:
    """Tell whether an item's object is worth reading for where it leads."""
    noted = _at(item.metadata, "system", "shebang", "dltype") == _LINK
    return noted and 0 < item.size <= MAX_LINK_BYTES


def _at(document: object, *names: str) -> Any:
    for name in names:
        if not isinstance(document, Mapping):
            return None
        document = document.get(name)
    return document
