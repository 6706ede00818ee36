"""Locations: what people ask credentials for, in a tree, tried out by really using them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from valetkey.domain.access import Action, Deny, OrgRole, decide
from valetkey.domain.credentials import MIN_TTL, AccessKey, TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration
from valetkey.domain.integration_types import IntegrationType
from valetkey.domain.location import (
    ALL_ACCESS,
    Location,
    parse_bucket,
    parse_kms_key,
    parse_region,
    parse_storage_class,
)
from valetkey.domain.location_tree import check_child, narrowest
from valetkey.domain.names import clean_name
from valetkey.domain.people import Project
from valetkey.domain.ports import (
    AssumeRole,
    BucketPlace,
    Clock,
    ObjectStore,
    Sealer,
    Storage,
    Sts,
    UnitOfWork,
)
from valetkey.domain.scope import AccessLevel, Scope, normalize_folder
from valetkey.domain.session_policy import render
from valetkey.domain.tags import location_tag
from valetkey.domain.verification import Check, Report
from valetkey.services.access import Access, Change, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.integrations import open_key, open_static_key
from valetkey.services.lookup import load_location, load_project, missing
from valetkey.services.nouns import LOCATION, PROJECT, location_facts
from valetkey.services.verification import SESSION_NAME, Told, Verifier, nobody, stream

CREATE: Final = Verb("location.create", Action.MANAGE_LOCATIONS)
CREATE_ROOT: Final = Verb("location.create", Action.MANAGE_ROOT_LOCATIONS)
READ: Final = Verb("location.read", Action.READ_LOCATIONS)
UPDATE: Final = Verb("location.update", Action.MANAGE_LOCATIONS)
DELETE: Final = Verb("location.delete", Action.MANAGE_LOCATIONS)
TEST: Final = Verb("location.test", Action.MANAGE_LOCATIONS)


@dataclass(frozen=True, slots=True)
class NewLocation:
    """What a person gives for a location.

    With an ``integration_id`` alone it is a root, which an organisation's owner makes; otherwise,
    and for everybody else, it lies within ``parent_id``, or within the narrowest location of the
    project that holds the bucket and folder. An empty ``region`` is found out.
    """

    name: str
    bucket: str
    integration_id: str = ""
    folder: str = ""
    region: str = ""
    endpoint: str = ""
    storage_class: str = ""
    allow_external_delete: bool = False
    kms_key_arn: str = ""
    shared_sessions: bool = False
    parent_id: str = ""
    access: frozenset[AccessLevel] = ALL_ACCESS
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LocationChange:
    """What is to be changed; None stays. ``ends_at`` is changed only with ``sets_end``, since no
    end is a value too."""

    name: str | None = None
    allow_external_delete: bool | None = None
    kms_key_arn: str | None = None
    shared_sessions: bool | None = None
    access: frozenset[AccessLevel] | None = None
    ends_at: datetime | None = None
    sets_end: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """A location after a change, and what lies within it, which the change concerns as well."""

    location: Location
    below: Sequence[Location]


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
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._sealer = sealer
        self._sts = sts
        self._stores = stores
        self._verifier = verifier
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Caller, project_id: str, new: NewLocation) -> Location:
        """Make a location; a root's bucket is looked for at AWS, and the region found there is
        stored.

        Raises InvalidInput (also for what goes beyond its parent), Conflict (name taken), NotFound,
        Denied (an owner must make one first), AwsRefused (no such bucket, role not assumed),
        AwsUnavailable.
        """
        draft = await self._placed(caller, project_id, new)
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
        await self._placed(caller, project_id, new)

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
        if location.id in granted and not _may_read(caller, project):
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
        if shown and is_member and not _may_read(caller, project):
            return shown
        async with self._access.reading(caller, READ, PROJECT, project_id) as read:
            return await read.work.locations.of_project(project_id)

    async def visible(self, caller: Caller, *, name: str = "") -> Sequence[Location]:
        """List the locations of all of the caller's organisations that they may see, by project
        and name; with ``name``, those of that name only. Reads once, however many projects."""
        principal = caller.principal
        async with self._storage.read() as work:
            granted = await work.grants.locations_of(principal.user_id)
            found = [
                (project, location)
                for org_id in sorted(principal.org_roles)
                for project, location in await work.locations.of_org(org_id, name=name)
            ]
        return [
            location if _may_read(caller, project) else _as_granted(location)
            for project, location in found
            if _may_read(caller, project) or location.id in granted
        ]

    async def update(self, caller: Caller, location_id: str, wanted: LocationChange) -> Changed:
        """Change what is given. A narrowed location, and all that lies within it, opens less at
        once: what was vended before lives on until it ends or is revoked.

        Raises InvalidInput (also for what goes beyond its parent), Conflict, NotFound, Denied.
        """
        async with self._access.changing(caller, UPDATE, LOCATION, location_id) as change:
            before, after = change.entity, self._applied(change.entity, wanted)
            extent_before = (before.access, before.ends_at)
            if (after.access, after.ends_at) != extent_before and before.parent_id is None:
                change.require(Action.MANAGE_ROOT_LOCATIONS)
            if after.shared_sessions and not before.shared_sessions:
                change.require(Action.MANAGE_ROOT_LOCATIONS)
            if before.parent_id is not None:
                check_child(after, await change.work.locations.ancestors(after))
            below = await change.work.locations.below(location_id)
            if after != before:
                change.entity = replace(after, updated_at=self._clock.now())
                change.publish(location_tag(child.id) for child in below)
        return Changed(change.entity, below)

    def _applied(self, location: Location, wanted: LocationChange) -> Location:
        given = {
            "name": None if wanted.name is None else clean_name(wanted.name),
            "allow_external_delete": wanted.allow_external_delete,
            "kms_key_arn": None
            if wanted.kms_key_arn is None
            else parse_kms_key(wanted.kms_key_arn),
            "shared_sessions": wanted.shared_sessions,
            "access": wanted.access,
        }
        changes: dict[str, Any] = {name: it for name, it in given.items() if it is not None}
        if wanted.access is not None and not wanted.access:
            raise InvalidInput(
                "A location that gives nothing is no location.",
                hint="Name at least one of list, read, write, delete; or let it end.",
                field="access",
            )
        if wanted.sets_end:
            changes["ends_at"] = wanted.ends_at
        return replace(location, **changes)

    async def delete(self, caller: Caller, location_id: str) -> None:
        """Forget a location; its bucket is not touched.

        Raises InUse while datasets or other locations use it, NotFound, Denied.
        """
        async with self._access.changing(caller, DELETE, LOCATION, location_id) as change:
            _require_over_root(change)
            await change.work.locations.delete(location_id)
            change.note()

    def test_stream(self, caller: Caller, location_id: str) -> AsyncIterator[Check | Report]:
        """Test, and yield each check as soon as it is known; at the end what test returns."""
        return stream(lambda told: self.test(caller, location_id, told))

    async def test(self, caller: Caller, location_id: str, told: Told = nobody) -> Report:
        """Check what the location stands on, and use it: list, write, read and delete a probe
        object under its prefix; nothing stays behind. ``told`` hears of each check as it is known.

        Raises NotFound, Denied, SealBroken. What AWS refuses is in the report, not raised.
        """
        async with self._access.reading(caller, TEST, LOCATION, location_id) as read:
            location = read.entity
        report = await self._report(location, told)
        async with self._access.changing(caller, TEST, LOCATION, location_id) as change:
            failure = report.first_failure
            change.note(
                found="failed" if failure else "passed",
                failed_check=failure.name if failure else "",
            )
        return report

    async def _report(self, location: Location, told: Told) -> Report:
        [kind] = (await self.types_of([location])).values()
        if kind.rules.opens_by_key:
            key = await open_static_key(self._storage, self._sealer, location.integration_id)
            return await self._verifier.test_static(key, location, told)
        integration, key = await open_key(self._storage, self._sealer, location.integration_id)
        return await self._verifier.test(integration, key, location, told)

    async def _placed(self, caller: Caller, project_id: str, new: NewLocation) -> Location:
        """Return the location as it would be stored, with its parent, or tried at AWS."""
        draft = self._draft(caller, project_id, new)
        async with self._access.reading(caller, CREATE, PROJECT, project_id) as read:
            is_owner = caller.principal.org_roles.get(read.home.org_id) is OrgRole.OWNER
            existing = await read.work.locations.of_project(project_id)
            project = read.entity
        if new.parent_id:
            parent = next((each for each in existing if each.id == new.parent_id), None)
            if parent is None:
                raise missing(f"location:{new.parent_id[:80]}")
            return _within(parent, draft)
        if not (is_owner and new.integration_id):
            parent = narrowest(existing, draft.bucket, draft.prefix, new.integration_id)
            if parent is not None:
                return _within(parent, draft)
        # Nobody without the right is worth a question to AWS.
        await self._access.require(caller, CREATE_ROOT, PROJECT, project_id)
        return await self._tried(project, draft)

    async def _tried(self, project: Project, draft: Location) -> Location:
        """Look for the bucket, and return the location with the region that it is really in."""
        integration = await self._integration(project, draft.integration_id)
        endpoint = draft.endpoint or integration.endpoint
        if endpoint:
            draft = replace(draft, endpoint=await self._stores.check_endpoint(endpoint))
        place = BucketPlace(draft.bucket, draft.region, draft.endpoint)
        credentials = await self._listing_credentials(integration, draft)
        return replace(
            draft, region=await self._stores.find_region(place, credentials, prefix=draft.prefix)
        )

    def _draft(self, caller: Caller, project_id: str, new: NewLocation) -> Location:
        now = self._clock.now()
        if not new.access:
            raise InvalidInput(
                "The location gives nothing.",
                hint="Name at least one of list, read, write, delete.",
                field="access",
            )
        return Location(
            id=self._new_id(),
            project_id=project_id,
            integration_id=new.integration_id,
            name=clean_name(new.name),
            bucket=parse_bucket(new.bucket.strip()),
            prefix=normalize_folder(new.folder, field="path"),
            region=parse_region(new.region.strip()),
            endpoint=new.endpoint.strip(),
            storage_class=parse_storage_class(new.storage_class),
            allow_external_delete=new.allow_external_delete,
            creator=caller.principal.email,
            created_at=now,
            updated_at=now,
            kms_key_arn=parse_kms_key(new.kms_key_arn),
            shared_sessions=new.shared_sessions,
            access=new.access,
            ends_at=new.ends_at,
        )

    async def _integration(self, project: Project, integration_id: str) -> Integration:
        async with self._storage.read() as work:
            integration = await work.integrations.get(integration_id)
        # Another organisation's integration does not exist for this project.
        if integration is None or integration.org_id != project.org_id:
            raise InvalidInput(
                f"There is no integration {integration_id!r} in this organisation.",
                hint="List the integrations and use one's id.",
                field="integrationId",
            )
        return integration

    async def _listing_credentials(
        self, integration: Integration, draft: Location
    ) -> AccessKey | TemporaryCredentials:
        if integration.type.rules.opens_by_key:
            return await open_static_key(self._storage, self._sealer, integration.id)
        integration, key = await open_key(self._storage, self._sealer, integration.id)
        scope = Scope(draft.bucket, (draft.prefix,), frozenset({AccessLevel.LIST}))
        order = AssumeRole(
            integration.role_arn,
            SESSION_NAME,
            MIN_TTL,
            render(scope, partition=integration.role_arn.partition),
            external_id=integration.external_id,
        )
        return await self._sts.assume_role(key, order)


def _within(parent: Location, draft: Location) -> Location:
    """Return a location within another: where it is and how it is opened are the parent's."""
    return replace(
        draft,
        parent_id=parent.id,
        integration_id=parent.integration_id,
        region=parent.region,
        endpoint=parent.endpoint,
        kms_key_arn=draft.kms_key_arn or parent.kms_key_arn,
        requester_pays=parent.requester_pays,
    )


def _require_over_root(change: Change[Location, UnitOfWork]) -> None:
    if change.entity.parent_id is None:
        change.require(Action.MANAGE_ROOT_LOCATIONS)


def _may_read(caller: Caller, project: Project) -> bool:
    decision = decide(
        caller.principal, Action.READ_LOCATIONS, org_id=project.org_id, project_id=project.id
    )
    return not isinstance(decision, Deny)


def _as_granted(location: Location) -> Location:
    """Return what somebody who has grants alone may know of a location: where it is, since their
    credentials say so too, and not through what it is opened."""
    return replace(
        location, integration_id="", kms_key_arn="", creator="", parent_id=None, access=ALL_ACCESS
    )
