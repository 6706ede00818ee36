"""``s3``: the key of an S3-compatible store, used as it is."""

from __future__ import annotations

import re
from typing import Final

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types.base import CheckedParts, NewIntegration, TypeRules
from valetkey.domain.secret import Secret

#: What can stand in a header of a signed request.
PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")
MAX_KEY: Final = 128
_MAX_SECRET: Final = 1024


def parse_static_key(key_id: str, secret: str) -> AccessKey:
    """Read the key of an S3-compatible store, whose form is the store's own.

    Raises :class:`InvalidInput`; the message never holds the secret.
    """
    for part, text, most in (("key", key_id, MAX_KEY), ("secret", secret, _MAX_SECRET)):
        if not PRINTABLE.fullmatch(text) or len(text) > most:
            raise InvalidInput(
                f"The {part} is empty, too long, or has white space in it.",
                hint="Copy it again from the store's own console.",
                field=part,
            )
    return AccessKey(key_id, Secret(secret))


def _check(new: NewIntegration) -> CheckedParts:
    key = parse_static_key(new.key, new.secret.reveal())
    return CheckedParts(key.secret, key.id)


RULES: Final = TypeRules("s3", "S3 keys", _check, opens_by_key=True, takes_endpoint=True, place=3)
