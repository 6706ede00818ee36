"""Grants and groups."""

from __future__ import annotations

import msgspec

from valetkey.api.wire.base import In, Out, moment
from valetkey.domain.credentials import MAX_TTL, parse_ttl
from valetkey.domain.errors import InvalidInput
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.people import User
from valetkey.domain.scope import parse_levels
from valetkey.services.grants import NewGrant


class GrantIn(In, frozen=True):
    """A grant to be, for a ``user`` (e-mail address) or a ``group`` (name or id). ``prefixes`` are
    folders below the driver's own, ``""`` is all of it."""

    prefixes: list[str]
    access: list[str]
    user: str = ""
    group: str = ""
    max_ttl_seconds: int = int(MAX_TTL.total_seconds())

    @property
    def new(self) -> NewGrant:
        """The grant as the service takes it. Raises InvalidInput."""
        if bool(self.user) == bool(self.group):
            raise InvalidInput(
                "A grant is for one user or for one group.",
                hint="Give either 'user' or 'group'.",
                field="user",
            )
        return NewGrant(
            subject_kind=SubjectKind.USER if self.user else SubjectKind.GROUP,
            subject=self.user or self.group,
            prefixes=tuple(self.prefixes),
            levels=parse_levels(self.access),
            max_ttl=parse_ttl(self.max_ttl_seconds),
        )


class GrantOut(Out, frozen=True):
    """A grant; ``user`` or ``group`` names whom it is for."""

    id: str
    driver_id: str
    prefixes: list[str]
    access: list[str]
    max_ttl_seconds: int
    creator: str
    created_at: str
    user: str | msgspec.UnsetType = msgspec.UNSET
    group: str | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(cls, grant: Grant) -> GrantOut:
        """Return a grant's shape."""
        is_user = grant.subject_kind is SubjectKind.USER
        return cls(
            id=grant.id,
            driver_id=grant.location_id,
            prefixes=list(grant.prefixes),
            access=sorted(grant.levels),
            max_ttl_seconds=int(grant.max_ttl.total_seconds()),
            creator=grant.creator,
            created_at=moment(grant.created_at),
            user=grant.subject_name if is_user else msgspec.UNSET,
            group=msgspec.UNSET if is_user else grant.subject_name,
        )


class GroupIn(In, frozen=True):
    """A group to be."""

    name: str


class GroupOut(Out, frozen=True):
    """A group."""

    id: str
    name: str
    org: str
    created_at: str

    @classmethod
    def of(cls, group: Group) -> GroupOut:
        """Return a group's shape."""
        return cls(
            id=group.id, name=group.name, org=group.org_id, created_at=moment(group.created_at)
        )


class GroupMemberIn(In, frozen=True):
    """Somebody of the organisation."""

    email: str


class GroupMemberOut(Out, frozen=True):
    """Somebody in a group."""

    id: str
    email: str

    @classmethod
    def of(cls, user: User) -> GroupMemberOut:
        """Return a member's shape."""
        return cls(id=user.id, email=user.email)
