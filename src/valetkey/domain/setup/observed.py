"""What is there at AWS, as far as a set-up is concerned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A part that could not be looked at, and why: most often, a right is missing."""

    reason: str
    fix: str


@dataclass(frozen=True, slots=True)
class ObservedBucket:
    """A bucket. ``foreign``: the name is taken, by another account or out of our sight.
    ``lifecycle`` is its lifecycle configuration as S3 gives it, None where there is none."""

    region: str = ""
    tags: Mapping[str, str] | None = None
    public_access: Mapping[str, bool] | None = None
    foreign: bool = False
    lifecycle: Mapping[str, Any] | Unreadable | None = None


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """A version of a managed policy. AWS keeps at most five."""

    id: str
    default: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ObservedPolicy:
    """A customer-managed policy and its default version's document."""

    tags: Mapping[str, str]
    document: Mapping[str, Any]
    versions: tuple[PolicyVersion, ...]


#: Before any key was made.
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ObservedKey:
    """An access key of the user; never its secret. ``last_used_at`` is None for one never used;
    ``created_at`` is LONG_AGO where the store does not say: no such key passes for a new one."""

    id: str
    active: bool
    created_at: datetime
    last_used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ObservedUser:
    """An IAM user with all that gives it rights."""

    tags: Mapping[str, str]
    console: bool
    inline: Mapping[str, Mapping[str, Any]]
    attached: tuple[str, ...]
    groups: tuple[str, ...]
    keys: tuple[ObservedKey, ...]


@dataclass(frozen=True, slots=True)
class ObservedRole:
    """An IAM role: who may assume it (``trust``) and what it may do."""

    tags: Mapping[str, str]
    trust: Mapping[str, Any]
    boundary: str
    attached: tuple[str, ...]
    inline: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """The four objects of a set-up: seen, not there (None), or not to be looked at."""

    bucket: ObservedBucket | Unreadable | None
    policy: ObservedPolicy | Unreadable | None
    user: ObservedUser | Unreadable | None
    role: ObservedRole | Unreadable | None


#: An account in which nothing of the set-up is there.
NOTHING_THERE = Observed(None, None, None, None)
