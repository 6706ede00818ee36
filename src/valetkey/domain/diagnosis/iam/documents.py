"""Policy documents as IAM reads them: one or many, a word or a list of words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``place`` says where it stands, to be found again by a person.

    ``actions`` is None where ``not_actions`` stands instead, and so for the others; ``principals``
    is None in a policy that belongs to somebody.
    """

    place: str
    allows: bool
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...]
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...]
    principals: tuple[str, ...] | None
    not_principals: tuple[str, ...]
    conditions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """A document and its name (``inline policy X of the user Y``)."""

    name: str
    statements: tuple[Statement, ...]


def parse_policy(name: str, document: Mapping[str, Any]) -> Policy:
    """Read a document as AWS returned it (valid by AWS's rules)."""
    found = _listed(document.get("Statement"))
    statements = tuple(
        _statement(name, number, statement) for number, statement in enumerate(found, start=1)
    )
    return Policy(name, statements)


def _statement(name: str, number: int, raw: Mapping[str, Any]) -> Statement:
    sid = raw.get("Sid")
    place = f"statement {number}{f' ({sid})' if sid else ''} of the {name}"
    return Statement(
        place=place,
        allows=raw.get("Effect") == "Allow",
        actions=_words(raw, "Action") if "NotAction" not in raw else None,
        not_actions=_words(raw, "NotAction"),
        resources=_words(raw, "Resource") if "NotResource" not in raw else None,
        not_resources=_words(raw, "NotResource"),
        principals=_principals(raw["Principal"]) if "Principal" in raw else None,
        not_principals=_principals(raw["NotPrincipal"]) if "NotPrincipal" in raw else (),
        conditions=raw.get("Condition", {}),
    )


def _words(raw: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(word) for word in _listed(raw.get(name)))


def _principals(raw: Any) -> tuple[str, ...]:
    """Return AWS's principals as they are, others (services, federations) with their kind."""
    if isinstance(raw, str):
        return (raw,)
    return tuple(
        str(who) if kind == "AWS" else f"{kind}:{who}"
        for kind, members in raw.items()
        for who in _listed(members)
    )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
