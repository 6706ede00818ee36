"""Groups, grants, leases and invalidations in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from valetkey.domain.errors import NameTaken
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.lease import Lease, LeaseClaim, LeaseFilter, LeaseHolder, LiveLeases
from valetkey.domain.revocation import MOST_NAMES
from valetkey.testing.versions import save


class MemoryLeases:
    """Implements ports.LeaseRepository."""

    def __init__(self) -> None:
        self.rows: dict[str, Lease] = {}
        self._held: dict[tuple[str, str, str], LeaseHolder] = {}

    async def add(self, lease: Lease) -> None:
        self.rows[lease.id] = lease

    async def get(self, lease_id: str) -> Lease | None:
        return self.rows.get(lease_id)

    async def find(
        self, wanted: LeaseFilter, *, after: str = "", limit: int | None = None
    ) -> Sequence[Lease]:
        found = [
            lease
            for _, lease in sorted(self.rows.items(), reverse=True)
            if wanted.matches(lease, self._holders(lease.id)) and (not after or lease.id < after)
        ]
        return found[:limit]

    async def count(self, wanted: LeaseFilter) -> LiveLeases:
        found = await self.find(wanted)
        return LiveLeases(len(found), max((each.expires_at for each in found), default=None))

    async def hold(self, holder: LeaseHolder) -> None:
        self._held.setdefault((holder.lease_id, holder.user_id, holder.token_id), holder)

    async def roles(self, wanted: LeaseFilter) -> Mapping[str, str]:
        found = await self.find(wanted)
        return {lease.role_arn: lease.integration_id for lease in found}

    async def claim(
        self, wanted: LeaseFilter, role_arn: str, revocation_id: str, *, unnamed: str = ""
    ) -> LeaseClaim | None:
        claimed = [lease for lease in await self.find(wanted) if lease.role_arn == role_arn]
        if not claimed:
            return None
        self.rows |= {each.id: replace(each, revocation_id=revocation_id) for each in claimed}
        names = [e.session_name for e in claimed if not unnamed or e.principal != unnamed]
        return LeaseClaim(
            len(claimed),
            max(each.issued_at for each in claimed),
            max(each.expires_at for each in claimed),
            tuple(sorted(names)) if len(names) <= MOST_NAMES else None,
            self.rows[claimed[0].id],
            frozenset(each.location_id for each in claimed if not each.user_id),
        )

    async def end(self, revocation_id: str, at: datetime) -> int:
        claimed = [
            each
            for each in self.rows.values()
            if each.revocation_id == revocation_id and each.revoked_at is None
        ]
        self.rows |= {lease.id: replace(lease, revoked_at=at) for lease in claimed}
        return len(claimed)

    async def holders(self, revocation_ids: Collection[str]) -> Sequence[str]:
        claimed = {e.id for e in self.rows.values() if e.revocation_id in revocation_ids}
        return sorted({e.principal for e in self._held.values() if e.lease_id in claimed})

    async def purge(self, before: datetime) -> int:
        over = {lease.id for lease in self.rows.values() if lease.expires_at < before}
        self.rows = {key: lease for key, lease in self.rows.items() if key not in over}
        self._held = {key: each for key, each in self._held.items() if each.lease_id not in over}
        return len(over)

    def _holders(self, lease_id: str) -> Sequence[LeaseHolder]:
        return [each for each in self._held.values() if each.lease_id == lease_id]


class MemoryInvalidations:
    """Implements ports.Invalidations; the storage tells its listeners after the commit."""

    def __init__(self) -> None:
        self.tags: set[str] = set()

    async def publish(self, tags: Iterable[str]) -> None:
        self.tags.update(tags)


class MemoryGroups:
    """Implements ports.GroupRepository."""

    def __init__(self, grants: MemoryGrants) -> None:
        self._grants = grants
        self._rows: dict[str, Group] = {}

    async def add(self, group: Group) -> None:
        if any(other.name == group.name for other in await self.of_org(group.org_id)):
            raise NameTaken(f"There is a group {group.name!r} already.", hint="Rename it.")
        self._rows[group.id] = group

    async def get(self, group_id: str) -> Group | None:
        return self._rows.get(group_id)

    async def save(self, group: Group) -> Group:
        if any(
            other.name == group.name and other.id != group.id
            for other in await self.of_org(group.org_id)
        ):
            raise NameTaken(f"There is a group {group.name!r} already.", hint="Rename it.")
        return save(self._rows, group)

    async def of_org(self, org_id: str) -> Sequence[Group]:
        found = [group for group in self._rows.values() if group.org_id == org_id]
        return sorted(found, key=lambda group: group.name)

    async def members(self, group_id: str) -> Sequence[str]:
        return sorted(self._grants.groups.get(group_id, set()))

    async def put_member(self, group_id: str, user_id: str) -> None:
        self._grants.groups.setdefault(group_id, set()).add(user_id)

    async def remove_member(self, group_id: str, user_id: str) -> bool:
        members = self._grants.groups.get(group_id, set())
        found = user_id in members
        members.discard(user_id)
        return found

    async def delete(self, group_id: str) -> bool:
        self._grants.forget_subject(group_id)
        self._grants.groups.pop(group_id, None)
        return self._rows.pop(group_id, None) is not None


class MemoryGrants:
    """Implements ports.GrantRepository; knows who is in which group."""

    def __init__(self) -> None:
        self.groups: dict[str, set[str]] = {}
        self._rows: dict[str, Grant] = {}

    async def add(self, grant: Grant) -> None:
        self._rows[grant.id] = grant

    async def get(self, grant_id: str) -> Grant | None:
        return self._rows.get(grant_id)

    async def of_location(self, location_id: str) -> Sequence[Grant]:
        return [
            grant for _, grant in sorted(self._rows.items()) if grant.location_id == location_id
        ]

    async def for_user(self, location_id: str, user_id: str) -> Sequence[Grant]:
        return [g for g in await self.of_location(location_id) if self._is_for(g, user_id)]

    async def of_group(self, group_id: str) -> Sequence[Grant]:
        return [g for _, g in sorted(self._rows.items()) if g.subject_id == group_id]

    async def locations_of(self, user_id: str) -> frozenset[str]:
        return frozenset(g.location_id for g in self._rows.values() if self._is_for(g, user_id))

    async def delete(self, grant_id: str) -> bool:
        return self._rows.pop(grant_id, None) is not None

    async def withdraw(self, user_id: str, location_ids: Collection[str]) -> None:
        self._rows = {
            key: grant
            for key, grant in self._rows.items()
            if grant.subject_id != user_id or grant.location_id not in location_ids
        }

    def forget_location(self, location_id: str) -> None:
        """Do what the table's foreign key does."""
        self._rows = {k: g for k, g in self._rows.items() if g.location_id != location_id}

    def forget_subject(self, subject_id: str) -> None:
        """Do what the table's foreign key does."""
        self._rows = {k: g for k, g in self._rows.items() if g.subject_id != subject_id}

    def _is_for(self, grant: Grant, user_id: str) -> bool:
        if grant.subject_kind is SubjectKind.USER:
            return grant.subject_id == user_id
        return user_id in self.groups.get(grant.subject_id, set())
