"""What a type of integration says of itself. Everything else asks, and names no type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class NewIntegration:
    """What a person gives for an integration; its type's rules say which parts it needs. ``type``
    is the value of an IntegrationType."""

    type: str
    name: str
    key: str = ""
    secret: Secret = field(default_factory=lambda: Secret(""))
    role_arn: str = ""
    endpoint: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckedParts:
    """The same, checked: what is stored as it is, and the secret that is sealed."""

    secret: Secret
    access_key_id: str = ""
    role_arn: RoleArn = field(default_factory=lambda: RoleArn.parse_optional(""))
    provider: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True)
class TypeRules:
    """A type of integration: its ``name`` in both APIs (the values are those of Dataloop's), its
    ``label`` for people, and its ``place`` among the others wherever they are listed.

    ``check`` reads what was given and raises InvalidInput; its messages never hold the secret. A
    store is opened by sessions of a role, by the key as it is, or (neither) not at all.
    ``has_iam_key``: its key is an IAM user's, which Valetkey can rotate. ``trusts_server``: it has
    no key, the role trusts this server itself and asks for an external id. ``is_tried_at_once``:
    AWS can be asked as soon as it is made.
    """

    name: str
    label: str
    check: Callable[[NewIntegration], CheckedParts]
    opens_by_role: bool = False
    opens_by_key: bool = False
    has_iam_key: bool = False
    trusts_server: bool = False
    is_tried_at_once: bool = False
    takes_endpoint: bool = False
    takes_facts: bool = False
    place: int = 99
