"""Grants: what a driver opens to people beyond what their roles give them.

Grants only widen. Whoever may vend by role may also make another driver over the same bucket, so
that a grant which narrowed them would be for show; somebody who is to get less has a lesser role,
and a grant. See ADR 7.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from valetkey.domain.scope import AccessLevel


class SubjectKind(StrEnum):
    """Whom a grant is for."""

    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Group:
    """Some members of an organisation under one name."""

    id: str
    org_id: str
    name: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Grant:
    """A user or a group may have these levels in these folders (below the driver's own, each
    empty or ending in ``/``) of one driver, for at most ``max_ttl`` at a time.

    ``subject_name`` is the user's e-mail address or the group's name.
    """

    id: str
    driver_id: str
    subject_kind: SubjectKind
    subject_id: str
    subject_name: str
    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    max_ttl: timedelta
    creator: str
    created_at: datetime
