"""Locations: what people ask credentials for, in a tree, tried out by really using them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

from valetkey.domain.access import Action, Deny, decide
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.lease import NO_LEASES, Beyond, LiveLeases
from valetkey.domain.location import (
    ALL_ACCESS,
    Location,
    LocationChange,
    NewLocation,
)
from valetkey.domain.location_tree import check_child
from valetkey.domain.people import Project
from valetkey.domain.ports import (
    Clock,
    ObjectStore,
    Sealer,
    Storage,
    Sts,
    UnitOfWork,
)
from valetkey.domain.revocation import Kind
from valetkey.domain.tags import location_tag
from valetkey.domain.verification import Check, Report
from valetkey.services.access import Access, Change, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.endings import Ending
from valetkey.services.integrations import open_key, open_static_key
from valetkey.services.location_drafts import (
    CREATE,
    CREATE_ROOT,
    LocationDrafts,
)
from valetkey.services.lookup import load_location, load_project, missing
from valetkey.services.nouns import LOCATION, PROJECT, location_facts
from valetkey.services.revocation.leases import Leases
from valetkey.services.revocation.revoking import ClaimedSessions
from valetkey.services.revocation.targets import Target, own_tags
from valetkey.services.verification import OnCheck, Verifier, ignore_check, stream

READ: Final = Verb("location.read", Action.READ_LOCATIONS)
UPDATE: Final = Verb("location.update", Action.MANAGE_LOCATIONS)
DELETE: Final = Verb("location.delete", Action.MANAGE_LOCATIONS)
VERIFY: Final = Verb("location.verify", Action.MANAGE_LOCATIONS)


@dataclass(frozen=True, slots=True)
class Changed:
    """A location after a change, what lies within it, which the change concerns as well, and the
    ``beyond``: what was vended before, of all of these, and opens more than is left."""

    location: Location
    below: Sequence[Location]
    beyond: Ending


class Locations:
    """Make, list, change, test and delete locations.

    Roots are the organisation owner's; below one, they are the project owner's and developer's.
    """

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        stores: ObjectStore,
        verifier: Verifier,
        leases: Leases,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._sealer = sealer
        self._verifier = verifier
        self._leases = leases
        self._clock = clock
        self._drafts = LocationDrafts(storage, sealer, sts, stores, audit, clock, new_id)

    async def create(self, caller: Caller, project_id: str, new: NewLocation) -> Location:
        """Make a location; a root's bucket is looked for at AWS, and the region found there is
        stored.

        Raises InvalidInput (also for what goes beyond its parent), Conflict (name taken), NotFound,
        Denied (an owner must make one first), AwsRefused (no such bucket, role not assumed),
        AwsUnavailable.
        """
        draft = await self._drafts.placed(caller, project_id, new)
        verb = CREATE if draft.parent_id else CREATE_ROOT
        async with self._access.changing(caller, verb, PROJECT, project_id) as change:
            work = change.work
            if draft.parent_id:
                await work.lock(LOCATION.name, draft.parent_id)
                parent = await load_location(work, draft.parent_id)
                check_child(draft, (parent, *await work.locations.ancestors(parent)))
            if draft.shared_sessions:
                change.require(Action.MANAGE_ROOT_LOCATIONS)
            await work.locations.add(draft)
            change.note(f"location:{draft.id}", **location_facts(draft))
            change.publish((location_tag(draft.id),))  # its name may have meant another one
        return draft

    async def try_out(self, caller: Caller, project_id: str, new: NewLocation) -> None:
        """Find out whether a location could be made, and make none. Raises as :meth:`create`."""
        await self._drafts.placed(caller, project_id, new)

    async def types_of(self, locations: Iterable[Location]) -> dict[str, IntegrationType]:
        """Return the types of the integrations that locations stand on, by the integration's id."""
        types: dict[str, IntegrationType] = {}
        async with self._storage.read() as work:
            for integration_id in {location.integration_id for location in locations} - {""}:
                integration = await work.integrations.get(integration_id)
                if integration is not None:
                    types[integration_id] = integration.type
        return types

    async def get(self, caller: Caller, location_id: str) -> Location:
        """Return one location; to somebody who has grants on it alone, without what is not theirs
        to know. Raises NotFound, Denied."""
        async with self._storage.read() as work:
            granted = await work.grants.locations_of(caller.principal.user_id)
            location = await load_location(work, location_id)
            project = await load_project(work, location.project_id)
        if project.org_id not in caller.principal.org_roles:
            raise missing(f"location:{location_id}")
        if location.id in granted and not _may(caller, Action.READ_LOCATIONS, project):
            return _as_granted(location)
        async with self._access.reading(caller, READ, LOCATION, location_id) as read:
            return read.entity

    async def of_project(self, caller: Caller, project_id: str) -> Sequence[Location]:
        """List a project's locations by name: all of them, or, to somebody whose role does not show
        them, those with grants for them. Raises NotFound, Denied."""
        async with self._storage.read() as work:
            locations = await work.locations.of_project(project_id)
            project = await load_project(work, project_id)
            granted = await work.grants.locations_of(caller.principal.user_id)
        shown = [_as_granted(location) for location in locations if location.id in granted]
        is_member = project.org_id in caller.principal.org_roles
        if shown and is_member and not _may(caller, Action.READ_LOCATIONS, project):
            return shown
        async with self._access.reading(caller, READ, PROJECT, project_id) as read:
            return await read.work.locations.of_project(project_id)

    async def visible(self, caller: Caller, *, name: str = "") -> Sequence[Location]:
        """List the locations of all of the caller's organisations that they may see, by project
        and name; with ``name``, those of that name only. Reads once, however many projects."""
        return await self._where(caller, Action.READ_LOCATIONS, name)

    async def open_to(self, caller: Caller, *, name: str = "") -> Sequence[Location]:
        """List the locations of which the caller may ask for credentials, by a role or by a grant
        of theirs, by project and name; with ``name``, those of that name only."""
        return await self._where(caller, Action.VEND, name)

    async def are_granted(self, caller: Caller) -> bool:
        """Tell whether the caller has a grant on any location."""
        async with self._storage.read() as work:
            return bool(await work.grants.locations_of(caller.principal.user_id))

    async def _where(self, caller: Caller, action: Action, name: str) -> list[Location]:
        """Return the locations where a role allows an action, and those granted to the caller."""
        principal = caller.principal
        async with self._storage.read() as work:
            granted = await work.grants.locations_of(principal.user_id)
            found = [
                (project, location)
                for org_id in sorted(principal.org_roles)
                for project, location in await work.locations.of_org(org_id, name=name)
            ]
        return [
            location if _may(caller, action, project) else _as_granted(location)
            for project, location in found
            if _may(caller, action, project) or location.id in granted
        ]

    async def update(self, caller: Caller, location_id: str, wanted: LocationChange) -> Changed:
        """Change what is given. A narrowed location, and all that lies within it, opens less at
        once: what was vended before lives on until it ends or is revoked, here or later.

        Raises InvalidInput (also for what goes beyond its parent), Conflict, NotFound, Denied.
        """
        async with AsyncExitStack() as stack:
            if wanted.revokes_beyond:
                held = self._held(caller, UPDATE, location_id, lambda found: _after(found, wanted))
                await stack.enter_async_context(held)
            async with self._access.changing(caller, UPDATE, LOCATION, location_id) as change:
                before, after = change.entity, await _after(change, wanted)
                below = await self._put(change, after)
                target = _target(change, _beyond(before, after))
                live = await self._live(change.work, target) if target.beyond else NO_LEASES
                claims = None
                if wanted.revokes_beyond and target.beyond:
                    claims = await self._leases.claim(change, target, "the location was narrowed")
            ending = await self._ended(caller, target, live, claims)
        return Changed(change.entity, below, ending)

    async def _put(
        self, change: Change[Location, UnitOfWork], after: Location
    ) -> Sequence[Location]:
        """Change a location, if that changes it; return what lies within it."""
        before = change.entity
        below = await change.work.locations.below(before.id)
        if after.requester_pays != before.requester_pays:
            below = await _let_follow(change.work, after, below)
        if after != before:
            change.entity = replace(after, updated_at=self._clock.now())
            change.publish(location_tag(child.id) for child in below)
        return below

    @asynccontextmanager
    async def _held(
        self,
        caller: Caller,
        verb: Verb,
        location_id: str,
        may: Callable[[Change[Location, UnitOfWork]], Awaitable[object]],
    ) -> AsyncIterator[None]:
        """Have no new session of a location given while inside, as what was given before is to be
        revoked. Who may not do the verb holds nobody up: that is seen before."""
        async with self._access.changing(caller, verb, LOCATION, location_id) as change:
            await may(change)
            target = _target(change)
        async with self._leases.held(target):
            yield

    async def _live(self, work: UnitOfWork, target: Target) -> LiveLeases:
        return await work.leases.count(await target.filter_now(work, self._clock.now()))

    async def _ended(
        self, caller: Caller, target: Target, live: LiveLeases, claims: ClaimedSessions | None
    ) -> Ending:
        if claims is None:
            return Ending(live)
        revoked = await self._leases.finish(caller, claims)
        async with self._storage.read() as work:
            return Ending(await self._live(work, target), revoked)

    async def delete(self, caller: Caller, location_id: str, *, revokes: bool = False) -> Ending:
        """Forget a location; its bucket is not touched. Return which leases of it, and of what lay
        within it, are live; with ``revokes`` they are revoked.

        Raises InUse while datasets or other locations use it, NotFound, Denied.
        """
        async with AsyncExitStack() as stack:
            if revokes:
                held = self._held(caller, DELETE, location_id, _require_over_root)
                await stack.enter_async_context(held)
            async with self._access.changing(caller, DELETE, LOCATION, location_id) as change:
                await _require_over_root(change)
                target = _target(change)
                live = await self._live(change.work, target)
                claims = None
                if revokes:
                    claims = await self._leases.claim(change, target, "the location was deleted")
                await change.work.locations.delete(location_id)
                change.note()
            return await self._ended(caller, target, live, claims)

    def verify_stream(self, caller: Caller, location_id: str) -> AsyncIterator[Check | Report]:
        """Verify, and yield each check as soon as it is known; at the end what verify returns."""
        return stream(lambda on_check: self.verify(caller, location_id, on_check))

    async def verify(
        self, caller: Caller, location_id: str, on_check: OnCheck = ignore_check
    ) -> Report:
        """Check what the location stands on, and use it: list, write, read and delete a probe
        object under its prefix; nothing stays behind. ``on_check`` hears of each check.

        Raises NotFound, Denied, SealBroken. What AWS refuses is in the report, not raised.
        """
        async with self._access.reading(caller, VERIFY, LOCATION, location_id) as read:
            location = read.entity
        report = await self._report(location, on_check)
        async with self._access.changing(caller, VERIFY, LOCATION, location_id) as change:
            failure = report.first_failure
            change.note(
                found="failed" if failure else "passed",
                failed_check=failure.name if failure else "",
            )
        return report

    async def _report(self, location: Location, on_check: OnCheck) -> Report:
        [kind] = (await self.types_of([location])).values()
        if kind.rules.opens_by_key:
            key = await open_static_key(self._storage, self._sealer, location.integration_id)
            return await self._verifier.test_static(key, location, on_check)
        integration, key = await open_key(self._storage, self._sealer, location.integration_id)
        return await self._verifier.test(integration, key, location, on_check)


def _target(change: Change[Location, UnitOfWork], beyond: Beyond | None = None) -> Target:
    """Return the leases of a location and of what lies within it; with ``beyond`` those alone."""
    kind, location_id = Kind.LOCATION, change.entity.id
    return Target(kind, location_id, change.home.org_id, own_tags(kind, location_id), beyond)


def _beyond(before: Location, after: Location) -> Beyond | None:
    """Return what a location opened before a change and does not any more; None is nothing."""
    ends_sooner = after.ends_at is not None and (
        before.ends_at is None or after.ends_at < before.ends_at
    )
    lost = before.access - after.access
    if not lost and not ends_sooner:
        return None
    return Beyond(lost, after.ends_at if ends_sooner else None)


async def _after(change: Change[Location, UnitOfWork], wanted: LocationChange) -> Location:
    """Return what a location is to be, if the caller may change it to that. Raises InvalidInput,
    Denied."""
    before, after = change.entity, wanted.applied(change.entity)
    gives_otherwise = (after.access, after.ends_at) != (before.access, before.ends_at)
    if (
        (gives_otherwise and before.parent_id is None)
        or (after.shared_sessions and not before.shared_sessions)
        or after.requester_pays != before.requester_pays
    ):
        change.require(Action.MANAGE_ROOT_LOCATIONS)
    if before.parent_id is not None:
        check_child(after, await change.work.locations.ancestors(after))
    return after


async def _require_over_root(change: Change[Location, UnitOfWork]) -> None:
    if change.entity.parent_id is None:
        change.require(Action.MANAGE_ROOT_LOCATIONS)


def _may(caller: Caller, action: Action, project: Project) -> bool:
    decision = decide(caller.principal, action, org_id=project.org_id, project_id=project.id)
    return not isinstance(decision, Deny)


def _as_granted(location: Location) -> Location:
    """Return what somebody who has grants alone may know of a location: where it is, since their
    credentials say so too, and not through what it is opened."""
    return replace(
        location, integration_id="", kms_key_arn="", creator="", parent_id=None, access=ALL_ACCESS
    )


async def _let_follow(
    work: UnitOfWork, location: Location, below: Sequence[Location]
) -> Sequence[Location]:
    """Let what lies within a location pay for requests as it does. Raises InvalidInput for one
    that lies within another itself: a bucket is paid for in one way."""
    if location.parent_id is not None:
        raise InvalidInput(
            "Who pays for requests is said of the location that holds this one.",
            hint="Change requesterPays of the outermost location.",
            field="requesterPays",
        )
    return [
        await work.locations.save(replace(child, requester_pays=location.requester_pays))
        for child in below
    ]
