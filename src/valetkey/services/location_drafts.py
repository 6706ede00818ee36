"""What a new location is to be: placed within another one, or tried at AWS as a root."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from valetkey.domain.access import Action, OrgRole
from valetkey.domain.credentials import MIN_TTL, AccessKey, TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.ids import IdFactory
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location, NewLocation
from valetkey.domain.location_tree import narrowest
from valetkey.domain.people import Project
from valetkey.domain.ports import (
    AssumeRole,
    Clock,
    ObjectStore,
    Sealer,
    Storage,
    Sts,
    UnitOfWork,
)
from valetkey.domain.scope import AccessLevel, Scope
from valetkey.domain.session_policy import render
from valetkey.services.access import Access, Verb
from valetkey.services.audit import AuditLog, Caller
from valetkey.services.integrations import open_key, open_static_key
from valetkey.services.lookup import missing
from valetkey.services.nouns import PROJECT
from valetkey.services.verification import SESSION_NAME, place_of

CREATE: Final = Verb("location.create", Action.MANAGE_LOCATIONS)
CREATE_ROOT: Final = Verb("location.create", Action.MANAGE_ROOT_LOCATIONS)


class LocationDrafts:
    """Makes of what a person gives the location that is to be stored."""

    def __init__(
        self,
        storage: Storage,
        sealer: Sealer,
        sts: Sts,
        stores: ObjectStore,
        audit: AuditLog,
        clock: Clock,
        new_id: IdFactory,
    ) -> None:
        self._storage = storage
        self._access: Access[UnitOfWork] = Access(storage, audit)
        self._sealer = sealer
        self._sts = sts
        self._stores = stores
        self._clock = clock
        self._new_id = new_id

    async def placed(self, caller: Caller, project_id: str, new: NewLocation) -> Location:
        """Return the location as it would be stored, with its parent, or tried at AWS."""
        draft = new.made(
            self._new_id(), project_id, creator=caller.principal.email, now=self._clock.now()
        )
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
        place = place_of(draft)
        credentials = await self._listing_credentials(integration, draft)
        return replace(
            draft, region=await self._stores.find_region(place, credentials, prefix=draft.prefix)
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
    """Return a location within another: where it is, how it is opened and who pays for requests
    are the parent's."""
    return replace(
        draft,
        parent_id=parent.id,
        integration_id=parent.integration_id,
        region=parent.region,
        endpoint=parent.endpoint,
        kms_key_arn=draft.kms_key_arn or parent.kms_key_arn,
        requester_pays=parent.requester_pays,
    )
