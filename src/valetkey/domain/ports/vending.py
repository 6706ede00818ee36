"""What vending keeps in the database: grants, groups, leases; and how others hear of changes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from valetkey.domain.grants import Grant, Group
from valetkey.domain.lease import Lease, LeaseClaim, LeaseFilter, LeaseHolder, LiveLeases


class LeaseRepository(Protocol):
    """The sessions that AWS gave out. They outlive the location and the integration."""

    async def add(self, lease: Lease) -> None:
        """Store a lease."""
        ...

    async def get(self, lease_id: str) -> Lease | None:
        """Return a lease; None if there is none."""
        ...

    async def find(
        self, wanted: LeaseFilter, *, after: str = "", limit: int | None = None
    ) -> Sequence[Lease]:
        """Return leases, newest first; ``after`` is the last id of the page before."""
        ...

    async def count(self, wanted: LeaseFilter) -> LiveLeases:
        """Return how many leases are meant, and when the last of them ends."""
        ...

    async def hold(self, holder: LeaseHolder) -> None:
        """Store whom a shared session is vended to. One that is stored already is let be."""
        ...

    async def roles(self, wanted: LeaseFilter) -> Mapping[str, str]:
        """Return the roles of those leases, each with an integration that they came through."""
        ...

    async def claim(
        self, wanted: LeaseFilter, role_arn: str, revocation_id: str, *, unnamed: str = ""
    ) -> LeaseClaim | None:
        """Mark those leases of a role as meant by a revocation, and return what is known of the
        very rows that were marked; None if there were none.

        Names of leases of the principal ``unnamed`` are left out.
        """
        ...

    async def end(self, revocation_id: str, at: datetime) -> int:
        """Mark those leases as revoked that a revocation claimed; return how many."""
        ...

    async def holders(self, revocation_ids: Collection[str]) -> Sequence[str]:
        """Return the principals who were vended shared sessions that these revocations claimed."""
        ...

    async def purge(self, before: datetime) -> int:
        """Forget sessions that ended before a moment; return how many."""
        ...


class GroupRepository(Protocol):
    """Names are unique within an organisation: ``add`` raises Conflict."""

    async def add(self, group: Group) -> None:
        """Store a new group."""
        ...

    async def get(self, group_id: str) -> Group | None:
        """Return a group; None if there is none."""
        ...

    async def save(self, group: Group) -> Group:
        """Store a group that was read before. Raises VersionMismatch, Conflict (name taken)."""
        ...

    async def of_org(self, org_id: str) -> Sequence[Group]:
        """Return an organisation's groups by name."""
        ...

    async def members(self, group_id: str) -> Sequence[str]:
        """Return the users' ids."""
        ...

    async def put_member(self, group_id: str, user_id: str) -> None:
        """Put somebody in; whoever is in already stays."""
        ...

    async def remove_member(self, group_id: str, user_id: str) -> bool:
        """Take somebody out; tell whether they were in."""
        ...

    async def delete(self, group_id: str) -> bool:
        """Forget a group, its members and its grants."""
        ...


class GrantRepository(Protocol):
    """Grants on locations."""

    async def add(self, grant: Grant) -> None:
        """Store a grant."""
        ...

    async def get(self, grant_id: str) -> Grant | None:
        """Return a grant; None if there is none."""
        ...

    async def of_location(self, location_id: str) -> Sequence[Grant]:
        """Return the grants on a location, oldest first."""
        ...

    async def for_user(self, location_id: str, user_id: str) -> Sequence[Grant]:
        """Return a user's grants on a location, those of the user's groups included."""
        ...

    async def of_group(self, group_id: str) -> Sequence[Grant]:
        """Return the grants for a group, oldest first."""
        ...

    async def locations_of(self, user_id: str) -> frozenset[str]:
        """Return the ids of the locations on which a user has grants."""
        ...

    async def delete(self, grant_id: str) -> bool:
        """Forget a grant; tell whether there was one."""
        ...

    async def withdraw(self, user_id: str, location_ids: Collection[str]) -> None:
        """Take a user's own grants on these locations."""
        ...


class ChangeListener(Protocol):
    """Whoever keeps things in memory, and must be told when they are no longer true."""

    def changed(self, tags: Iterable[str]) -> None:
        """Hear which things were changed, by whichever process."""
        ...

    def deaf(self) -> None:
        """Hear that nothing will be heard for now: nothing kept may be believed."""
        ...

    def hearing(self) -> None:
        """Hear that changes are heard again; what happened meanwhile is not known."""
        ...


class Invalidations(Protocol):
    """Tells every server process, this one too, what it must no longer believe.

    Tags are of the form ``kind:id``; see ``valetkey.domain.tags``.
    """

    async def publish(self, tags: Iterable[str]) -> None:
        """Have tags heard once this transaction is committed, and only then."""
        ...
