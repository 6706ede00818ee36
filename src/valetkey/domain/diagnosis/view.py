"""What an administrator's credentials show: the policies themselves, as far as they may be seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from valetkey.domain.diagnosis.iam import Policy
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.setup.observed import Unreadable


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be diagnosed. ``bucket`` is empty where only the role is of interest."""

    role: RoleArn
    access_key_id: str
    bucket: str = ""
    prefix: str = ""
    region: str = ""
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class ViewedKey:
    """The access key, and whose it is."""

    user: str
    active: bool


@dataclass(frozen=True, slots=True)
class ViewedUser:
    """The user with all that gives it rights, its groups' policies too."""

    arn: str
    policies: tuple[Policy, ...]
    boundary: Policy | None


@dataclass(frozen=True, slots=True)
class ViewedRole:
    """The role. ``trust`` is its trust policy, as a document too; ``max_session`` is in seconds."""

    arn: str
    id: str
    policies: tuple[Policy, ...]
    boundary: Policy | None
    trust: Policy
    trust_document: Mapping[str, Any]
    max_session: int
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ViewedBucket:
    """The bucket. ``kms_key`` is what encrypts it (empty: S3's own key, which needs no right);
    ``key_policy`` is that key's policy."""

    region: str
    policy: Policy | None
    blocks_public_access: bool
    kms_key: str = ""
    key_policy: Policy | Unreadable | None = None


@dataclass(frozen=True, slots=True)
class View:
    """All parts, at one moment: seen, not there (None), or not to be looked at."""

    at: datetime
    key: ViewedKey | Unreadable | None
    user: ViewedUser | Unreadable | None
    role: ViewedRole | Unreadable | None
    bucket: ViewedBucket | Unreadable | None
