"""The names that people give to things."""

from __future__ import annotations

import unicodedata
from typing import Final

from valetkey.domain.errors import InvalidInput

MAX_NAME: Final = 100


def clean_name(text: str, *, field: str = "name") -> str:
    """Return a display name, trimmed and in Unicode NFC.

    Raises :class:`InvalidInput` for an empty one, one over 100 characters, or control characters.
    """
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidInput("The name is empty.", hint="Give a name.", field=field)
    if len(name) > MAX_NAME:
        raise InvalidInput(
            f"The name has {len(name)} characters.",
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
