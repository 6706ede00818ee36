"""What a person gives for an integration of each type, checked before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from valetkey.domain.errors import InvalidInput
from valetkey.domain.integration import (
    IntegrationType,
    RoleArn,
    parse_access_key,
    parse_entry,
    parse_static_key,
)
from valetkey.domain.secret import Secret

_MAX_FACT: Final = 200
_FACTS: Final = frozenset({"provider", "ref"})


@dataclass(frozen=True, slots=True)
class NewIntegration:
    """An integration to be; which parts it needs depends on its type.

    - ``aws-sts``: ``key``, ``secret``, ``role_arn``;
    - ``aws-cross``: nothing, and later the ``role_arn``;
    - ``s3``: ``key``, ``secret``, and the store's ``endpoint`` (empty: AWS itself);
    - ``key_value``: ``key`` is a name, ``secret`` the value; ``facts`` are ``provider``, ``ref``.
    """

    type: IntegrationType
    name: str
    key: str = ""
    secret: Secret = field(default_factory=lambda: Secret(""))
    role_arn: str = ""
    endpoint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parts:
    """The same, checked: what is stored as it is, and the secret that is sealed."""

    secret: Secret
    access_key_id: str = ""
    role_arn: RoleArn = field(default_factory=lambda: RoleArn.parse_optional(""))
    provider: str = ""
    ref: str = ""


def parse_type(text: str) -> IntegrationType:
    """Read a type. Raises InvalidInput for those that Dataloop has and Valetkey does not."""
    known = {kind.value: kind for kind in IntegrationType}
    if text not in known:
        raise InvalidInput(
            f"{text[:40]!r} is not a type of integration that can be made here.",
            hint=f"Use {', '.join(known)}.",
            field="type",
        )
    return known[text]


def checked(new: NewIntegration) -> Parts:
    """Check what was given. Raises InvalidInput; the message never holds the secret."""
    text = new.secret.reveal()
    if new.type is IntegrationType.AWS_STS:
        key = parse_access_key(new.key, text)
        return Parts(key.secret, key.id, RoleArn.parse(new.role_arn))
    if new.type is IntegrationType.AWS_CROSS:
        _refuse_key(new)
        return Parts(Secret(""), role_arn=RoleArn.parse_optional(new.role_arn))
    if new.type is IntegrationType.S3:
        key = parse_static_key(new.key, text)
        return Parts(key.secret, key.id)
    entry = parse_entry(new.key, text)
    provider, ref = _facts(new.facts)
    return Parts(entry.secret, entry.id, provider=provider, ref=ref)


def _refuse_key(new: NewIntegration) -> None:
    if new.key or new.secret:
        raise InvalidInput(
            "An aws-cross integration has no key: the role trusts this server itself.",
            hint="Leave key and secret out; or make an aws-sts integration.",
            field="key",
        )


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
