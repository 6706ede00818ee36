"""The bucket as a sync sees it: a listing below the location's folder, with credentials that
vending gave for just that and that are renewed in time.

A listing is walked by the tokens that the store gives, and only the store's own end mark ends it: a
page may be empty and not the last. What does not get on (a token that comes again, one empty page
after another) ends in an error instead of a loop.

A range that ends before the listing does is right only where the store lists in the order of its
keys. So the first key beyond the range is noted, and must be the first one when the listing is
begun anew at the range's end: then all ranges together are one listing, seen in order throughout.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.catalog.domain.dataset import is_indexable
from valetkey.catalog.domain.merge import ascending
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.domain.sync import Command, WriteIntent
from valetkey.catalog.services.items.dataset_storage import DatasetStorage, DatasetStorageRepository
from valetkey.catalog.services.items.sessions import LOOK, Sessions, is_ending
from valetkey.catalog.services.nouns import SYNC
from valetkey.domain.access import Principal
from valetkey.domain.errors import AwsRefused, NotFound
from valetkey.domain.ports import Clock
from valetkey.domain.ports.objects import Credentials, Listed, ListedPage, ObjectStore, Stored
from valetkey.domain.verification import PROBE_PREFIX
from valetkey.services.audit import Caller

PAGE: Final = 1000
#: So many pages in a row may bring nothing new, as those of buckets full of deleted versions do.
_MAX_STALLED: Final = 1_000
#: How often the end of a range is looked at again, where somebody may have written just there.
_LOOKS: Final = 3


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


class _Progress:
    """Sees that a walk by tokens gets on, with no memory of all tokens: a cycle is found as Brent
    finds it, by comparing with one token that is replaced after 1, 2, 4, ... pages."""

    def __init__(self) -> None:
        self._kept = ""
        self._pages = 0
        self._renewed_at = 1
        self._stalled = 0
        self._before: Sequence[Listed] = ()

    def check(self, page: ListedPage) -> None:
        """Take note of a page. Raises AwsRefused for one that leads nowhere."""
        if page.last:
            return
        if not page.token:
            raise _senseless("It says that more is to come, and not where.")
        if page.token == self._kept:
            raise _senseless("It gave the same token twice, which would never end.")
        self._pages += 1
        if self._pages == self._renewed_at:
            self._kept, self._renewed_at = page.token, self._renewed_at * 2
        stalled = not page.objects or page.objects == self._before
        self._stalled = self._stalled + 1 if stalled else 0
        self._before = page.objects
        if self._stalled > _MAX_STALLED:
            raise _senseless(f"{self._stalled} pages in a row brought nothing new.")


def _senseless(problem: str) -> AwsRefused:
    return AwsRefused(
        f"The store's listing makes no sense. {problem}",
        hint="Nothing was removed from the index for it. Sync again; if it stays so, ask whoever "
        "runs the store: only a page that is marked as the last may end a listing.",
    )


class BucketLister:
    """One sync's way to the objects. Raises AwsRefused, AwsUnavailable, Denied (whoever started
    the sync has lost the right), Conflict (integration disabled)."""

    def __init__(
        self,
        objects: ObjectStore,
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
        async for page in self._pages(after, limit=1):
            if page.objects:
                return page.objects[0].path[len(self._prefix) :]
        return None

    async def ordered(self, after: str, upto: str | None) -> AsyncIterator[Page]:
        """Iterate over what is above ``after`` and up to ``upto``, inclusive, to a page that is the
        last or not in order."""
        for _ in range(_LOOKS):
            async for page in self._pages(after):
                paths = self._paths(page)
                if paths and not ascending(after, paths):
                    yield _out_of_order(after)
                    return
                kept = len(paths) if upto is None else bisect_right(paths, upto)
                over = page.last or kept < len(paths)
                beyond = paths[kept] if kept < len(paths) else None
                if over and upto is not None and await self.next_path(upto) != beyond:
                    break
                after = paths[kept - 1] if kept else after
                listed = self._indexable(page, paths, kept)
                yield Page(listed, after, over, page.listed_ms)
                if over:
                    return
        # Either somebody writes there all the time, or the order is another one.
        yield _out_of_order(after)

    async def unordered(self, token: str) -> AsyncIterator[Page]:
        """Iterate over all there is, from a token on, in whatever order it comes."""
        async for page in self._pages("", token=token):
            paths = self._paths(page)
            listed = self._indexable(page, paths, len(paths))
            yield Page(listed, "", page.last, page.listed_ms, page.token)

    async def _pages(
        self, after: str, *, token: str = "", limit: int = PAGE
    ) -> AsyncIterator[ListedPage]:
        """Iterate over pages as the store sends them. Raises AwsRefused where that never ends."""
        start = self._prefix + after if after else ""
        progress, last = _Progress(), False
        while not last:
            page = await self._objects.list_page(
                await self._open(),
                self._store.place,
                prefix=self._prefix,
                after="" if token else start,
                token=token,
                limit=limit,
            )
            progress.check(page)
            token, last = page.token, page.last
            yield page

    async def head(self, path: str) -> Stored | None:
        """Look at one object."""
        key = self._store.key(path)
        return await self._objects.head(await self._open(), self._store.place, key)

    def _paths(self, page: ListedPage) -> list[str]:
        keys = [one[0] for one in page.objects]
        cut = len(self._prefix)
        if not cut:
            return keys
        if not all(key.startswith(self._prefix) for key in keys):
            raise _senseless(f"It has keys that don't begin with {self._prefix!r}.")
        return [key[cut:] for key in keys]

    def _indexable(self, page: ListedPage, paths: list[str], count: int) -> list[Listed]:
        """Return the first objects of a page by their paths, without what can't be an item."""
        found = page.objects[:count]
        if self._prefix:
            found = [one._replace(path=path) for one, path in zip(found, paths, strict=False)]
        return _without_markers(list(found), paths[:count])

    async def _open(self) -> Credentials:
        async with self._renewing:
            held = self._credentials
            if held is None or is_ending(held, self._clock.now()):
                held = self._credentials = await self._renew()
            return held

    async def _renew(self) -> Credentials:
        dataset = self._store.dataset
        # The right is looked at each time: a sync does not outlive it by more than a session.
        await self._stores.of_dataset(self._caller, dataset.id, SYNC)
        return await self._sessions.open(
            self._caller, self._store, LOOK, f"sync dataset {dataset.id}"
        )


def _out_of_order(after: str) -> Page:
    return Page([], after, last=False, listed_ms=0, in_order=False)


def _without_markers(listed: list[Listed], paths: list[str]) -> list[Listed]:
    """Leave out what can't be an item. Nearly always all can, which one look at all tells."""
    text = "\n".join(paths) + "\n"
    if paths and paths[0] and PROBE_PREFIX not in text and "/\n" not in text and "\0" not in text:
        return listed
    return [one for one in listed if is_indexable(one.path)]


async def caller_of(storage: CatalogStorage, work_of: Command | WriteIntent) -> Caller:
    """Return whoever began some work, with the roles of this moment. Raises NotFound."""
    async with storage.read() as work:
        user = await work.users.get(work_of.user_id)
        if user is None:
            raise NotFound("Whoever began this is gone.", hint="Start it as somebody else.")
        in_orgs = await work.organizations.memberships(user.id)
        in_projects = await work.projects.memberships(user.id)
    principal = Principal(
        user_id=user.id,
        email=user.email,
        org_roles={member.org_id: member.role for member in in_orgs},
        project_roles={member.project_id: member.role for member in in_projects},
    )
    return Caller(principal, request_id=f"sync-{work_of.id}")
