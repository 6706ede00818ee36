"""The bucket as a sync sees it: a listing below the location's folder, with credentials that
vending gave for just that and that are renewed in time."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from valetkey.catalog.domain.dataset import is_indexable
from valetkey.catalog.domain.merge import ascending
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.sessions import LOOK, Sessions
from valetkey.domain.access import Action, Principal
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import NotFound
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import Credentials, Listed, ObjectData, Stored
from valetkey.domain.verification import PROBE_PREFIX
from valetkey.services.audit import Caller

#: A page takes a second; with less than this left, the credentials are fetched anew.
_MARGIN: Final = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the listing as items' paths, in the store's order. ``end`` is the last path of it,
    indexable or not; ``in_order`` is false if it does not go on where the one before ended."""

    listed: list[Listed]
    end: str
    last: bool
    listed_ms: int
    token: str = ""
    in_order: bool = True


class BucketLister:
    """One sync's way to the objects. Raises AwsRefused, AwsUnavailable, Denied (whoever started
    the sync has lost the right), Conflict (integration disabled)."""

    def __init__(
        self,
        objects: ObjectData,
        sessions: Sessions,
        stores: DatasetStorageRepository,
        clock: Clock,
        caller: Caller,
        store: DatasetStorage,
    ) -> None:
        self._objects = objects
        self._sessions = sessions
        self._stores = stores
        self._clock = clock
        self._caller = caller
        self._store = store
        self._prefix = store.location.prefix
        self._credentials: Credentials | None = None
        self._renewing = asyncio.Lock()

    @property
    def caller(self) -> Caller:
        """On whose behalf it all happens."""
        return self._caller

    @property
    def store(self) -> DatasetStorage:
        """The dataset and what it stands on."""
        return self._store

    async def next_path(self, after: str) -> str | None:
        """Return the first path above a text, or None at the end."""
        page = await self._objects.list_page(
            await self._open(),
            self._store.place,
            prefix=self._prefix,
            after=self._prefix + after,
            limit=1,
        )
        return page.objects[0].path[len(self._prefix) :] if page.objects else None

    async def page(self, after: str, upto: str | None) -> Page:
        """List what is above ``after`` and up to ``upto``, inclusive."""
        start = self._prefix + after if after else ""
        page = await self._objects.list_page(
            await self._open(), self._store.place, prefix=self._prefix, after=start
        )
        listed, paths = self._below(page.objects)
        in_order = ascending(after, paths) if paths else True
        last = page.last or not paths
        if in_order and upto is not None and paths and paths[-1] >= upto:
            kept = bisect_right(paths, upto)
            listed, paths, last = listed[:kept], paths[:kept], True
        end = paths[-1] if paths else after
        return Page(_indexable(listed, paths), end, last, page.listed_ms, in_order=in_order)

    async def unordered(self, token: str) -> Page:
        """List the part that a token stands for, in whatever order it comes."""
        page = await self._objects.list_page(
            await self._open(), self._store.place, prefix=self._prefix, token=token
        )
        listed, paths = self._below(page.objects)
        return Page(_indexable(listed, paths), "", page.last, page.listed_ms, page.token)

    async def head(self, path: str) -> Stored | None:
        """Look at one object."""
        key = self._store.key(path)
        return await self._objects.head(await self._open(), self._store.place, key)

    def _below(self, objects: object) -> tuple[list[Listed], list[str]]:
        found: list[Listed] = list(objects)  # type: ignore[call-overload]  # a sequence
        cut = len(self._prefix)
        if cut:
            found = [Listed(one[0][cut:], one[1], one[2], one[3]) for one in found]
        return found, [one[0] for one in found]

    async def _open(self) -> Credentials:
        async with self._renewing:
            if self._credentials is None or self._is_ending(self._credentials):
                self._credentials = await self._renew()
            return self._credentials

    def _is_ending(self, credentials: Credentials) -> bool:
        if not isinstance(credentials, TemporaryCredentials):
            return False
        return credentials.remaining(self._clock.now()) < _MARGIN

    async def _renew(self) -> Credentials:
        dataset = self._store.dataset
        # The right is looked at each time: a sync does not outlive it by more than a session.
        await self._stores.of_dataset(self._caller, dataset.id, Action.MANAGE_DATASETS)
        return await self._sessions.open(
            self._caller, self._store, LOOK, f"sync dataset {dataset.id}"
        )


def _indexable(listed: list[Listed], paths: list[str]) -> list[Listed]:
    """Leave out what can't be an item. Nearly always all can, which one look at all tells."""
    text = "\n".join(paths) + "\n"
    if paths and paths[0] and PROBE_PREFIX not in text and "/\n" not in text and "\0" not in text:
        return listed
    return [one for one in listed if is_indexable(one.path)]


async def acting(storage: CatalogStorage, command: Command) -> Caller:
    """Return whoever started a sync, with the roles of this moment. Raises NotFound."""
    async with storage.read() as work:
        user = await work.users.get(command.user_id)
        if user is None:
            raise NotFound("Whoever started this sync is gone.", hint="Start it as somebody else.")
        in_orgs = await work.organizations.memberships(user.id)
        in_projects = await work.projects.memberships(user.id)
    principal = Principal(
        user_id=user.id,
        email=user.email,
        org_roles={member.org_id: member.role for member in in_orgs},
        project_roles={member.project_id: member.role for member in in_projects},
    )
    return Caller(principal, request_id=f"sync-{command.id}")
