"""``key_value``: a named secret that opens no store. Dataloop's users know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration_types.base import CheckedParts, NewIntegration, TypeRules
from valetkey.domain.integration_types.s3 import MAX_KEY, PRINTABLE
from valetkey.domain.secret import Secret

_MAX_VALUE: Final = 64 * 1024
_MAX_FACT: Final = 200
_FACTS: Final = frozenset({"provider", "ref"})


def parse_entry(name: str, value: str) -> AccessKey:
    """Read a named secret (``key_value``). Raises :class:`InvalidInput`."""
    if not PRINTABLE.fullmatch(name) or len(name) > MAX_KEY:
        raise InvalidInput(
            f"The key {name[:40]!r} can't name a secret.",
            hint=f"Use 1 to {MAX_KEY} printable letters without spaces.",
            field="key",
        )
    if not value or len(value) > _MAX_VALUE:
        raise InvalidInput(
            "The value is empty or too long.",
            hint=f"Use 1 to {_MAX_VALUE} letters.",
            field="value",
        )
    return AccessKey(name, Secret(value))


def _check(new: NewIntegration) -> CheckedParts:
    entry = parse_entry(new.key, new.secret.reveal())
    provider, ref = _facts(new.facts)
    return CheckedParts(entry.secret, entry.id, provider=provider, ref=ref)


def _facts(facts: Mapping[str, Any]) -> tuple[str, str]:
    texts = [value for value in facts.values() if isinstance(value, str)]
    usable = len(texts) == len(facts) and all(len(text) <= _MAX_FACT for text in texts)
    if set(facts) - _FACTS or not usable:
        # Dataloop's words, which its users know.
        raise InvalidInput(
            "Invalid metadata fields for key-value integration",
            hint=f"Give 'provider' and 'ref' only, as texts of up to {_MAX_FACT} letters.",
            field="metadata",
        )
    return facts.get("provider", ""), facts.get("ref", "")


RULES: Final = TypeRules("key_value", "Key and value", _check, takes_facts=True, place=4)
