"""What vending knows of a location: its project, its integration, and who has grants on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.domain.grants import Grant
from valetkey.domain.ids import is_id
from valetkey.domain.integration import Integration
from valetkey.domain.location import Location
from valetkey.domain.location_tree import Chain
from valetkey.domain.people import Project
from valetkey.domain.ports import Storage, UnitOfWork
from valetkey.domain.revocation import Block, Hold
from valetkey.domain.rotation import Stage
from valetkey.domain.sealing import SealedSecret
from valetkey.domain.tags import blocks_tag, integration_tag, location_tag, role_tag, user_tag
from valetkey.services.caches import Caches, TaggedCache
from valetkey.services.lookup import load_integration, load_location, load_project, missing

_CAPACITY: Final = 10_000


@dataclass(frozen=True, slots=True)
class EarlierKey:
    """The key that an integration held before, while AWS still takes it: the new one may not be
    known everywhere yet. The secret stays sealed in memory."""

    id: str
    sealed: SealedSecret


@dataclass(frozen=True, slots=True)
class LocationContext:
    """A location with what it stands on, all of one moment. The secret stays sealed in memory."""

    location: Location
    project: Project
    integration: Integration
    sealed_secret: SealedSecret | None = None
    blocks: tuple[Block, ...] = ()
    ancestors: tuple[Location, ...] = ()
    holds: tuple[Hold, ...] = ()
    earlier_key: EarlierKey | None = None

    @property
    def chain(self) -> Chain:
        """The location, and what it lies within."""
        return (self.location, *self.ancestors)

    @property
    def session_tags(self) -> frozenset[str]:
        """What sessions for the location depend on: who may have one is decided each time."""
        return frozenset(
            {
                *(location_tag(each.id) for each in self.chain),
                integration_tag(self.integration.id),
                role_tag(str(self.integration.role_arn)),
            }
        )

    @property
    def tags(self) -> frozenset[str]:
        """What this knowledge depends on."""
        return self.session_tags | {blocks_tag(self.project.org_id)}


class LocationContexts:
    """Reads them and grants, and keeps them until something changes."""

    def __init__(self, storage: Storage, caches: Caches) -> None:
        self._storage = storage
        self._contexts: TaggedCache[str, LocationContext] = TaggedCache(caches, capacity=_CAPACITY)
        self._grants: TaggedCache[tuple[str, str], Sequence[Grant]] = TaggedCache(
            caches, capacity=_CAPACITY
        )

    async def find(self, location_id: str) -> LocationContext:
        """Return what is known of a location. Raises NotFound."""
        return await self._contexts.fetch(location_id, lambda: self._read(location_id))

    async def _read(self, location_id: str) -> tuple[LocationContext, frozenset[str]]:
        if not is_id(location_id):
            raise missing(f"location:{location_id[:80]}")
        async with self._storage.read() as work:
            location = await load_location(work, location_id)
            project = await load_project(work, location.project_id)
            integration = await load_integration(work, location.integration_id)
            sealed = await work.integrations.sealed_secret(integration.id)
            blocks = tuple(await work.blocks.of_org(project.org_id))
            ancestors = tuple(await work.locations.ancestors(location))
            holds = tuple(await work.blocks.holds_of(project.org_id))
            earlier = await _earlier_key(work, integration)
        context = LocationContext(
            location, project, integration, sealed, blocks, ancestors, holds, earlier
        )
        return context, context.tags

    async def grants(self, location_id: str, user_id: str) -> Sequence[Grant]:
        """Return a user's grants on a location, by name or by group."""

        async def read() -> tuple[Sequence[Grant], set[str]]:
            async with self._storage.read() as work:
                found = await work.grants.for_user(location_id, user_id)
            return found, {location_tag(location_id), user_tag(user_id)}

        return await self._grants.fetch((location_id, user_id), read)


async def _earlier_key(work: UnitOfWork, integration: Integration) -> EarlierKey | None:
    rotation = await work.rotations.latest(integration.id)
    if rotation is None or rotation.stage is not Stage.SWITCHED:
        return None
    if rotation.new_key_id != integration.access_key_id:
        return None
    sealed = await work.rotations.sealed_secret(rotation.id)
    return EarlierKey(rotation.old_key_id, sealed) if sealed else None
