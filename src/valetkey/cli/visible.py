"""What others wrote (an object's key, a reason), made fit for a terminal: a control character in it
is shown, and does not act."""

from __future__ import annotations

import re
from typing import Final

#: The C0 and C1 controls but for the end of a line and the tab, what turns the direction of
#: writing, what ends a line otherwise, and halves of characters.
_ACTING: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def visible(text: str) -> str:
    """Return a text whose control characters are written out, as JSON writes them."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def on_one_line(text: str) -> str:
    """The same, for a text that must not look like two."""
    return visible(text).replace("\n", "\\n").replace("\t", "\\t")
