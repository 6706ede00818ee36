"""Groups, grants and leases."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, delete, false, func, or_, select, update

from valetkey.db.errors import conflict
from valetkey.db.repositories.rows import Repository, from_row, levels_of, levels_text, to_row
from valetkey.db.tables import vending as t
from valetkey.db.tables.accounts import users
from valetkey.domain.grants import Grant, Group, SubjectKind
from valetkey.domain.lease import Beyond, Lease, LeaseClaim, LeaseFilter, LeaseHolder, LiveLeases
from valetkey.domain.revocation import MOST_NAMES

#: Of a hundred thousand leases, so many are marked in one statement.
MOST_ROWS: Final = 20_000


class SqlLeases(Repository):
    """Implements ports.LeaseRepository."""

    async def add(self, lease: Lease) -> None:
        await self._insert(t.leases, lease_row(lease))

    async def get(self, lease_id: str) -> Lease | None:
        row = await self._one(select(t.leases).where(t.leases.c.id == lease_id))
        return _lease(row) if row else None

    async def find(
        self, wanted: LeaseFilter, *, after: str = "", limit: int | None = None
    ) -> Sequence[Lease]:
        query = select(t.leases).where(*_conditions(wanted)).order_by(t.leases.c.id.desc())
        if after:
            query = query.where(t.leases.c.id < after)
        return [_lease(row) for row in await self._all(query.limit(limit))]

    async def count(self, wanted: LeaseFilter) -> LiveLeases:
        query = select(func.count(), func.max(t.leases.c.expires_at)).where(*_conditions(wanted))
        return LiveLeases(*(await self._all(query))[0])

    async def hold(self, holder: LeaseHolder) -> None:
        row = to_row(holder)
        key = {name: row.pop(name) for name in ("lease_id", "user_id", "token_id")}
        await self._put(t.lease_holders, key, row)

    async def roles(self, wanted: LeaseFilter) -> Mapping[str, str]:
        c = t.leases.c
        query = select(c.role_arn, func.max(c.integration_id).label("integration_id"))
        rows = await self._all(query.where(*_conditions(wanted)).group_by(c.role_arn))
        return {row.role_arn: row.integration_id for row in rows}

    async def claim(
        self, wanted: LeaseFilter, role_arn: str, revocation_id: str, *, unnamed: str = ""
    ) -> LeaseClaim | None:
        # The rows that are marked are the rows that are read: another statement's condition may
        # mean others by then.
        c = t.leases.c
        meant = (*_conditions(wanted), c.role_arn == role_arn)
        not_yet = c.revocation_id != revocation_id
        if not await self._in_parts((*meant, not_yet), revocation_id=revocation_id):
            return None
        claimed = select(t.leases).where(c.revocation_id == revocation_id)
        facts = select(func.count(), func.max(c.issued_at), func.max(c.expires_at))
        row = (await self._all(facts.where(c.revocation_id == revocation_id)))[0]
        count, newest, ends = tuple(row)
        named = claimed.where(c.principal != unnamed) if unnamed else claimed
        names = await self._all(named.with_only_columns(c.session_name).limit(MOST_NAMES + 1))
        shared = claimed.with_only_columns(c.location_id).where(c.user_id == "").distinct()
        sample = (await self._all(claimed.order_by(c.id.desc()).limit(1)))[0]
        return LeaseClaim(
            count,
            newest,
            ends,
            tuple(sorted(row.session_name for row in names)) if len(names) <= MOST_NAMES else None,
            _lease(sample),
            frozenset(row.location_id for row in await self._all(shared)),
        )

    async def end(self, revocation_id: str, at: datetime) -> int:
        c = t.leases.c
        claimed = (c.revocation_id == revocation_id, c.revoked_at.is_(None))
        return await self._in_parts(claimed, revoked_at=at)

    async def _in_parts(self, conditions: Sequence[ColumnElement[bool]], **values: Any) -> int:
        """Update the rows that are meant, so many in a statement that none lasts too long; return
        how many. Rows that were updated must not be meant any more."""
        c, total = t.leases.c, 0
        some = select(c.id).where(*conditions).limit(MOST_ROWS)
        while True:
            statement = update(t.leases).where(c.id.in_(some)).values(**values)
            count = (await self._connection.execute(statement)).rowcount
            total += count
            if count < MOST_ROWS:
                return total

    async def holders(self, revocation_ids: Collection[str]) -> Sequence[str]:
        claimed = select(t.leases.c.id).where(t.leases.c.revocation_id.in_(revocation_ids))
        c = t.lease_holders.c
        query = select(c.principal).where(c.lease_id.in_(claimed)).distinct()
        return [row.principal for row in await self._all(query.order_by(c.principal))]

    async def purge(self, before: datetime) -> int:
        over = t.leases.c.expires_at < before
        ids = select(t.leases.c.id).where(over)
        held = delete(t.lease_holders).where(t.lease_holders.c.lease_id.in_(ids))
        await self._connection.execute(held)
        return (await self._connection.execute(delete(t.leases).where(over))).rowcount


class SqlGroups(Repository):
    """Implements ports.GroupRepository."""

    async def add(self, group: Group) -> None:
        with conflict(f"There is a group {group.name!r} already."):
            await self._insert(t.groups, to_row(group))

    async def get(self, group_id: str) -> Group | None:
        row = await self._one(select(t.groups).where(t.groups.c.id == group_id))
        return from_row(Group, row) if row else None

    async def save(self, group: Group) -> Group:
        with conflict(f"There is a group {group.name!r} already."):
            return replace(group, version=await self._save(t.groups, to_row(group)))

    async def of_org(self, org_id: str) -> Sequence[Group]:
        query = select(t.groups).where(t.groups.c.org_id == org_id).order_by(t.groups.c.name)
        return [from_row(Group, row) for row in await self._all(query)]

    async def members(self, group_id: str) -> Sequence[str]:
        table = t.group_members
        query = select(table.c.user_id).where(table.c.group_id == group_id)
        return [row.user_id for row in await self._all(query.order_by(table.c.user_id))]

    async def put_member(self, group_id: str, user_id: str) -> None:
        row = {"group_id": group_id, "user_id": user_id}
        await self._put(t.group_members, row, row)

    async def remove_member(self, group_id: str, user_id: str) -> bool:
        table = t.group_members
        match = (table.c.group_id == group_id) & (table.c.user_id == user_id)
        return await self._change(delete(table).where(match))

    async def delete(self, group_id: str) -> bool:
        return await self._change(delete(t.groups).where(t.groups.c.id == group_id))


#: Grants with the name of whom they are for.
_NAMED = (
    select(t.grants, users.c.email, t.groups.c.name)
    .outerjoin(users, users.c.id == t.grants.c.user_id)
    .outerjoin(t.groups, t.groups.c.id == t.grants.c.group_id)
    .order_by(t.grants.c.id)
)


class SqlGrants(Repository):
    """Implements ports.GrantRepository."""

    async def add(self, grant: Grant) -> None:
        await self._insert(t.grants, _grant_row(grant))

    async def get(self, grant_id: str) -> Grant | None:
        row = await self._one(_NAMED.where(t.grants.c.id == grant_id))
        return _grant(row) if row else None

    async def of_location(self, location_id: str) -> Sequence[Grant]:
        rows = await self._all(_NAMED.where(t.grants.c.location_id == location_id))
        return [_grant(row) for row in rows]

    async def for_user(self, location_id: str, user_id: str) -> Sequence[Grant]:
        query = _NAMED.where(t.grants.c.location_id == location_id, _is_for(user_id))
        return [_grant(row) for row in await self._all(query)]

    async def of_group(self, group_id: str) -> Sequence[Grant]:
        return [
            _grant(row) for row in await self._all(_NAMED.where(t.grants.c.group_id == group_id))
        ]

    async def locations_of(self, user_id: str) -> frozenset[str]:
        query = select(t.grants.c.location_id).where(_is_for(user_id)).distinct()
        return frozenset(row.location_id for row in await self._all(query))

    async def delete(self, grant_id: str) -> bool:
        return await self._change(delete(t.grants).where(t.grants.c.id == grant_id))

    async def withdraw(self, user_id: str, location_ids: Collection[str]) -> None:
        own = (t.grants.c.user_id == user_id) & t.grants.c.location_id.in_(location_ids)
        await self._connection.execute(delete(t.grants).where(own))


def _is_for(user_id: str) -> ColumnElement[bool]:
    table = t.group_members
    mine = select(table.c.group_id).where(table.c.user_id == user_id)
    return or_(t.grants.c.user_id == user_id, t.grants.c.group_id.in_(mine))


def _grant_row(grant: Grant) -> dict[str, Any]:
    is_user = grant.subject_kind is SubjectKind.USER
    return {
        "id": grant.id,
        "location_id": grant.location_id,
        "user_id": grant.subject_id if is_user else None,
        "group_id": None if is_user else grant.subject_id,
        "prefixes": list(grant.prefixes),
        "levels": levels_text(grant.levels),
        "max_ttl": int(grant.max_ttl.total_seconds()),
        "creator": grant.creator,
        "created_at": grant.created_at,
        "ends_at": grant.ends_at,
        "reason": grant.reason,
    }


def _grant(row: Row[Any]) -> Grant:
    return from_row(
        Grant,
        row,
        subject_kind=SubjectKind.USER if row.user_id else SubjectKind.GROUP,
        subject_id=row.user_id or row.group_id,
        subject_name=row.email or row.name,
        prefixes=tuple(row.prefixes),
        levels=levels_of(row.levels),
        max_ttl=timedelta(seconds=row.max_ttl),
    )


def lease_row(lease: Lease) -> dict[str, Any]:
    """Return a lease's columns."""
    return to_row(lease) | {
        "prefixes": list(lease.prefixes),
        "levels": levels_text(lease.levels),
        "within": " ".join(lease.within),
    }


def _lease(row: Row[Any]) -> Lease:
    return from_row(
        Lease,
        row,
        prefixes=tuple(row.prefixes),
        levels=levels_of(row.levels),
        within=tuple(row.within.split()),
    )


def _conditions(wanted: LeaseFilter) -> Sequence[ColumnElement[bool]]:
    columns = t.leases.c
    given = {
        "id": wanted.lease_id,
        "integration_id": wanted.integration_id,
        "location_id": wanted.location_id,
    }
    conditions = [columns[name] == value for name, value in given.items() if value]
    if wanted.within:
        there = {wanted.within, *wanted.now_within}
        lay = columns.within.contains(wanted.within, autoescape=True)
        conditions.append(or_(columns.location_id.in_(there), lay))
    if wanted.beyond is not None:
        conditions.append(_beyond(wanted.beyond))
    whose = {
        "user_id": wanted.user_id,
        "principal": wanted.principal,
        "token_id": wanted.token_id,
    }
    if wanted.location_ids is not None:
        conditions.append(columns.location_id.in_(wanted.location_ids))
    if any(whose.values()) or wanted.user_ids is not None:
        holders = t.lease_holders.c
        own = [columns[name] == value for name, value in whose.items() if value]
        held = [holders[name] == value for name, value in whose.items() if value]
        if wanted.user_ids is not None:
            own.append(columns.user_id.in_(wanted.user_ids))
            held.append(holders.user_id.in_(wanted.user_ids))
        ids = select(holders.lease_id).where(*held)
        conditions.append(or_(and_(*own), columns.id.in_(ids)))
    if wanted.live_at is not None:
        conditions += [columns.revoked_at.is_(None), columns.expires_at > wanted.live_at]
    return [columns.org_id == wanted.org_id, *conditions]


def _beyond(beyond: Beyond) -> ColumnElement[bool]:
    columns = t.leases.c
    conditions = [columns.levels.contains(level.value) for level in beyond.lost]
    if beyond.ends_at is not None:
        conditions.append(columns.expires_at > beyond.ends_at)
    return or_(false(), *conditions)
