"""locations: where objects are, tried out by really using them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, replace

from valetkey.domain.access import Action, Deny, decide
from valetkey.domain.credentials import MIN_TTL, AccessKey, TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration, IntegrationType
from valetkey.domain.location import Location, parse_bucket, parse_kms_key, parse_region
from valetkey.domain.names import clean_name
from valetkey.domain.people import Project
from valetkey.domain.ports import (
    AssumeRole,
    BucketPlace,
    Clock,
    ObjectStores,
    Sealer,
    Storage,
    Sts,
    UnitOfWork,
)
from valetkey.domain.scope import AccessLevel, Scope, normalize_folder
from valetkey.domain.session_policy import render
from valetkey.domain.tags import location_tag
from valetkey.domain.verification import Check, Report
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.guard import Guard, load_location, load_project
from valetkey.services.integrations import open_key, open_static_key
from valetkey.services.verification import SESSION_NAME, Told, Verifier, nobody, stream

#: S3 API reference, PutObject, x-amz-storage-class; empty means the bucket's default.
STORAGE_CLASSES = frozenset(
    {
        "",
        "STANDARD",
        "STANDARD_IA",
        "ONEZONE_IA",
        "INTELLIGENT_TIERING",
        "GLACIER",
        "GLACIER_IR",
        "DEEP_ARCHIVE",
        "REDUCED_REDUNDANCY",
        "EXPRESS_ONEZONE",
    }
)


@dataclass(frozen=True, slots=True)
class NewLocation:
    """What a person gives for a location. An empty ``region`` is found out; ``kms_key_arn`` and
    ``shared_sessions`` are those of a Location."""

    name: str
    integration_id: str
    bucket: str
    folder: str = ""
    region: str = ""
    endpoint: str = ""
    storage_class: str = ""
    allow_external_delete: bool = False
    kms_key_arn: str = ""
    shared_sessions: bool = False


class Locations:
    """Create, list, rename, test and delete locations. They are the developer's."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        stores: ObjectStores,
        verifier: Verifier,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._sealer = sealer
        self._sts = sts
        self._stores = stores
        self._verifier = verifier
        self._audit = audit
        self._guard = Guard(audit)
        self._clock = clock
        self._new_id = new_id

    async def create(self, caller: Caller, project_id: str, new: NewLocation) -> Location:
        """Make a location; the bucket is looked for at AWS, and the region found there is stored.

        Raises InvalidInput, Conflict (name taken), NotFound, Denied, AwsRefused (no such bucket,
        role not assumed), AwsUnavailable.
        """
        project = await self._project(caller, Action.MANAGE_LOCATIONS, project_id)
        location = await self._tried(project, self._draft(caller, project, new))
        async with self._storage.begin() as work:
            await work.locations.add(location)
            await self._note(work, caller, project, "location.create", location)
        return location

    async def try_out(self, caller: Caller, project_id: str, new: NewLocation) -> None:
        """Find out whether a location could be made, and make none. Raises as :meth:`create`."""
        project = await self._project(caller, Action.MANAGE_LOCATIONS, project_id)
        await self._tried(project, self._draft(caller, project, new))

    async def types_of(self, locations: Iterable[Location]) -> dict[str, IntegrationType]:
        """Return the types of the integrations that locations stand on, by the integration's id."""
        types: dict[str, IntegrationType] = {}
        async with self._storage.read() as work:
            for integration_id in {location.integration_id for location in locations}:
                integration = await work.integrations.get(integration_id)
                if integration is not None:
                    types[integration_id] = integration.type
        return types

    async def get(self, caller: Caller, location_id: str) -> Location:
        """Return one location. Raises NotFound, Denied."""
        async with self._storage.read() as work:
            granted = await work.grants.locations_of(caller.principal.user_id)
            location = await load_location(work, location_id)
            project = await load_project(work, location.project_id)
        if location.id in granted and project.org_id in caller.principal.org_roles:
            return location
        location, _ = await self._load(caller, Action.READ_LOCATIONS, location_id)
        return location

    async def of_project(self, caller: Caller, project_id: str) -> Sequence[Location]:
        """List a project's locations by name: all of them, or, to somebody whose role does not show
        them, those with grants for them. Raises NotFound, Denied."""
        principal = caller.principal
        async with self._storage.read() as work:
            locations = await work.locations.of_project(project_id)
            project = await load_project(work, project_id)
            granted = await work.grants.locations_of(principal.user_id)
        by_role = decide(
            principal, Action.READ_LOCATIONS, org_id=project.org_id, project_id=project_id
        )
        shown = [location for location in locations if location.id in granted]
        if isinstance(by_role, Deny) and shown and project.org_id in principal.org_roles:
            return shown
        await self._project(caller, Action.READ_LOCATIONS, project_id)
        return locations

    async def update(
        self,
        caller: Caller,
        location_id: str,
        *,
        name: str | None = None,
        allow_external_delete: bool | None = None,
        kms_key_arn: str | None = None,
        shared_sessions: bool | None = None,
    ) -> Location:
        """Change the name, the right to delete objects, the bucket's KMS key, or whether users
        share sessions; what is None stays.

        Raises InvalidInput, Conflict, NotFound, Denied.
        """
        location, project = await self._load(caller, Action.MANAGE_LOCATIONS, location_id)
        changed = replace(location, updated_at=self._clock.now())
        if name is not None:
            changed = replace(changed, name=clean_name(name))
        if allow_external_delete is not None:
            changed = replace(changed, allow_external_delete=allow_external_delete)
        if kms_key_arn is not None:
            changed = replace(changed, kms_key_arn=parse_kms_key(kms_key_arn))
        if shared_sessions is not None:
            changed = replace(changed, shared_sessions=shared_sessions)
        async with self._storage.begin() as work:
            await work.locations.save(changed)
            await work.invalidations.publish([location_tag(location_id)])
            await self._note(work, caller, project, "location.update", changed)
        return changed

    async def delete(self, caller: Caller, location_id: str) -> None:
        """Forget a location; its bucket is not touched. Raises InUse, NotFound, Denied."""
        location, project = await self._load(caller, Action.MANAGE_LOCATIONS, location_id)
        async with self._storage.begin() as work:
            await work.locations.delete(location_id)
            await work.invalidations.publish([location_tag(location_id)])
            await self._note(work, caller, project, "location.delete", location)

    def test_stream(self, caller: Caller, location_id: str) -> AsyncIterator[Check | Report]:
        """Test, and yield each check as soon as it is known; at the end what test returns."""
        return stream(lambda told: self.test(caller, location_id, told))

    async def test(self, caller: Caller, location_id: str, told: Told = nobody) -> Report:
        """Check what the location stands on, and use it: list, write, read and delete a probe
        object under its prefix; nothing stays behind. ``told`` hears of each check as it is known.

        Raises NotFound, Denied, SealBroken. What AWS refuses is in the report, not raised.
        """
        location, project = await self._load(caller, Action.MANAGE_LOCATIONS, location_id)
        report = await self._report(location, told)
        async with self._storage.begin() as work:
            await self._note(work, caller, project, "location.test", location)
        return report

    async def _report(self, location: Location, told: Told) -> Report:
        [kind] = (await self.types_of([location])).values()
        if kind is IntegrationType.S3:
            key = await open_static_key(self._storage, self._sealer, location.integration_id)
            return await self._verifier.test_static(key, location, told)
        integration, key = await open_key(self._storage, self._sealer, location.integration_id)
        return await self._verifier.test(integration, key, location, told)

    async def _tried(self, project: Project, draft: Location) -> Location:
        """Look for the bucket, and return the location with the region that it is really in."""
        integration = await self._integration(project, draft.integration_id)
        endpoint = draft.endpoint or integration.endpoint
        if endpoint:
            draft = replace(draft, endpoint=await self._stores.check_endpoint(endpoint))
        place = BucketPlace(draft.bucket, draft.region, draft.endpoint)
        credentials = await self._listing_credentials(integration, draft)
        return replace(draft, region=await self._stores.find_region(place, credentials))

    def _draft(self, caller: Caller, project: Project, new: NewLocation) -> Location:
        if new.storage_class not in STORAGE_CLASSES:
            raise InvalidInput(
                f"{new.storage_class[:40]!r} is not a storage class of S3.",
                hint=f"Use one of {', '.join(sorted(filter(None, STORAGE_CLASSES)))}, or none.",
                field="storageClass",
            )
        now = self._clock.now()
        return Location(
            id=self._new_id(),
            project_id=project.id,
            integration_id=new.integration_id,
            name=clean_name(new.name),
            bucket=parse_bucket(new.bucket.strip()),
            prefix=normalize_folder(new.folder, field="path"),
            region=parse_region(new.region.strip()),
            endpoint=new.endpoint.strip(),
            storage_class=new.storage_class,
            allow_external_delete=new.allow_external_delete,
            creator=caller.principal.email,
            created_at=now,
            updated_at=now,
            kms_key_arn=parse_kms_key(new.kms_key_arn),
            shared_sessions=new.shared_sessions,
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
        if integration.type is IntegrationType.S3:
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

    async def _load(
        self, caller: Caller, action: Action, location_id: str
    ) -> tuple[Location, Project]:
        async with self._storage.read() as work:
            location = await load_location(work, location_id)
            project = await load_project(work, location.project_id)
        await self._guard.require(
            caller,
            action,
            org_id=project.org_id,
            project_id=project.id,
            subject=f"location:{location_id}",
        )
        return location, project

    async def _project(self, caller: Caller, action: Action, project_id: str) -> Project:
        async with self._storage.read() as work:
            project = await load_project(work, project_id)
        await self._guard.require(
            caller,
            action,
            org_id=project.org_id,
            project_id=project.id,
            subject=f"project:{project_id}",
        )
        return project

    async def _note(
        self, work: UnitOfWork, caller: Caller, project: Project, action: str, location: Location
    ) -> None:
        event = self._audit.event(
            caller,
            action,
            f"location:{location.id}",
            org_id=project.org_id,
            name=location.name,
            bucket=location.bucket,
            prefix=location.prefix,
            integration_id=location.integration_id,
        )
        await work.audit.append([event])
