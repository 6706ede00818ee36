"""The bucket as a sync sees it: a listing below the location's folder.

A listing is walked by the tokens that the store gives, and only the store's own end mark ends it: a
page may be empty and not the last. What does not get on (a token that comes again, one empty page
after another) ends in an error instead of a loop.

A range that ends before the listing does is right only where the store lists in the order of its
keys. So the first key beyond the range is noted, and must be the first one when the listing is
begun anew at the range's end: then all ranges together are one listing, seen in order throughout.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.catalog.domain.dataset import is_indexable
from valetkey.catalog.domain.merge import ascending
from valetkey.counting import counted
from valetkey.domain.errors import AwsRefused
from valetkey.domain.ports import BucketPlace
from valetkey.domain.ports.objects import CredentialSource, Listed, ListedPage, ObjectStore
from valetkey.domain.scope import MAX_KEY_BYTES
from valetkey.domain.verification import PROBE_PREFIX

PAGE: Final = 1000
#: As many bytes as UTF-8 takes for a letter.
_MOST_BYTES: Final = 4
#: So many pages in a row may bring nothing new, as those of buckets full of deleted versions do.
_MAX_STALLED: Final = 1_000
#: How often the end of a range is looked at again, where somebody may have written just there.
_LOOKS: Final = 3


@dataclass(frozen=True, slots=True)
class ListingPage:
    """A part of the listing as items' paths, in the store's order. ``end`` is the last path of it,
    indexable or not; ``in_order`` is false if it does not go on where the one before ended."""

    listed: list[Listed]
    end: str
    last: bool
    listed_ms: int
    token: str = ""
    in_order: bool = True


class _WalkProgress:
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
            raise _senseless(f"{counted(self._stalled, 'page')} in a row brought nothing new.")


def _senseless(problem: str) -> AwsRefused:
    return AwsRefused(
        f"The store's listing makes no sense. {problem}",
        hint="Nothing was removed from the index for it. Sync again; if it stays so, ask whoever "
        "runs the store: only a page that is marked as the last may end a listing.",
    )


class BucketLister:
    """One sync's way to the objects below a prefix. ``credentials`` gives what holds for a while
    yet, and is asked before each page. Raises AwsRefused, AwsUnavailable, and what it raises."""

    def __init__(
        self,
        objects: ObjectStore,
        place: BucketPlace,
        prefix: str,
        credentials: CredentialSource,
    ) -> None:
        self._objects = objects
        self._place = place
        self._prefix = prefix
        self._credentials = credentials

    async def next_path(self, after: str) -> str | None:
        """Return the first path above a text, or None at the end."""
        async for page in self._pages(after, limit=1):
            if page.objects:
                return page.objects[0].path[len(self._prefix) :]
        return None

    async def ordered(self, after: str, upto: str | None) -> AsyncIterator[ListingPage]:
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
                yield ListingPage(listed, after, over, page.listed_ms)
                if over:
                    return
        # Either somebody writes there all the time, or the order is another one.
        yield _out_of_order(after)

    async def unordered(self, token: str) -> AsyncIterator[ListingPage]:
        """Iterate over all there is, from a token on, in whatever order it comes."""
        async for page in self._pages("", token=token):
            paths = self._paths(page)
            listed = self._indexable(page, paths, len(paths))
            yield ListingPage(listed, "", page.last, page.listed_ms, page.token)

    async def _pages(
        self, after: str, *, token: str = "", limit: int = PAGE
    ) -> AsyncIterator[ListedPage]:
        """Iterate over pages as the store sends them. Raises AwsRefused where that never ends."""
        start = self._prefix + after if after else ""
        progress, last = _WalkProgress(), False
        while not last:
            page = await self._objects.list_page(
                await self._credentials(),
                self._place,
                prefix=self._prefix,
                after="" if token else start,
                token=token,
                limit=limit,
            )
            progress.check(page)
            token, last = page.token, page.last
            yield page

    def _paths(self, page: ListedPage) -> list[str]:
        keys = [one[0] for one in page.objects]
        _require_short(keys)
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


def _require_short(keys: Sequence[str]) -> None:
    """See that no key is longer than S3's are: no client could name its object, and no index of
    PostgreSQL would have room for it."""
    if max(map(len, keys), default=0) * _MOST_BYTES <= MAX_KEY_BYTES:
        return
    for key in keys:
        size = len(key.encode(errors="surrogatepass"))
        if size > MAX_KEY_BYTES:
            raise _senseless(
                f"It has a key of {counted(size, 'byte')}, which begins with {key[:60]!a}, and "
                f"S3's have {MAX_KEY_BYTES:,} at most."
            )


def _out_of_order(after: str) -> ListingPage:
    return ListingPage([], after, last=False, listed_ms=0, in_order=False)


def _without_markers(listed: list[Listed], paths: list[str]) -> list[Listed]:
    """Leave out what can't be an item. Nearly always all can, which one look at all tells."""
    text = "\n".join(paths) + "\n"
    if paths and paths[0] and PROBE_PREFIX not in text and "/\n" not in text and "\0" not in text:
        return listed
    return [one for one in listed if is_indexable(one.path)]
