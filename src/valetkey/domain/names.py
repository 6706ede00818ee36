"""The names that people give to things."""

from __future__ import annotations

import unicodedata
from typing import Final

from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput

MAX_NAME: Final = 255
MAX_REASON: Final = 500


def clean_name(text: str, *, field: str = "name") -> str:
    """Return a display name, trimmed and in Unicode NFC.

    Raises :class:`InvalidInput` for an empty one, one over 255 characters, or control characters.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidInput("The name is empty.", hint="Give a name.", field=field)
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"The name has {counted(len(name), 'character')}.",
            hint=f"Use at most {MAX_NAME}.",
            field=field,
        )
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Cf", "Zl", "Zp"} for letter in name):
        raise InvalidInput(
            "The name has invisible or broken characters.",
            hint="Use letters, digits, spaces and punctuation.",
            field=field,
        )
    return name


def is_line(text: str) -> bool:
    """Tell whether a sentence for the record is one line of ordinary text, of at most MAX_REASON
    characters."""
    return len(text) <= MAX_REASON and text.isprintable()


def clean_reason(text: str, *, field: str = "reason") -> str:
    """Return a sentence for the record, trimmed: why something was done or asked for.

    Raises :class:`InvalidInput` for more than one line, control characters, or more than 500
    characters.
    """
    reason = text.strip()
    if not is_line(reason):
        raise InvalidInput(
            f"The {field} is not one line of ordinary text.",
            hint=f"Say why, in at most {MAX_REASON} printable characters: it is audited.",
            field=field,
        )
    return reason
