"""Objects in memory, at the same place as the fake buckets, for rules that don't need a network."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from valetkey.domain.errors import AwsRefused
from valetkey.domain.ports import BucketPlace, Clock
from valetkey.domain.ports.objects import Credentials, Listed, ListedPage, Reading, Stored, to_ms

Step = Callable[[str, str], Awaitable[None]]
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class FakeObjectData:
    """Implements ports.ObjectData over dictionaries.

    ``before`` and ``after`` are called with each operation's name and key: there tests let a rival
    act, or raise. ``written`` keeps the sizes of the chunks as they came, ``used`` the credentials.
    A listing's page has up to ``page_size`` objects; with ``unordered`` they come in the order of
    the keys read backwards, and ``after`` counts for nothing.
    """

    clock: Clock
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    before: Step | None = None
    after: Step | None = None
    written: list[int] = field(default_factory=list)
    used: list[Credentials] = field(default_factory=list)
    page_size: int = 1000
    unordered: bool = False
    _modified: dict[tuple[str, str], datetime] = field(default_factory=dict)

    async def list_page(
        self,
        credentials: Credentials,
        place: BucketPlace,
        *,
        prefix: str,
        after: str = "",
        token: str = "",
        limit: int = 1000,
    ) -> ListedPage:
        listed_ms = to_ms(self.clock.now())
        await self._start("list", prefix, credentials)
        keys = sorted(key for key in self._bucket(place) if key.startswith(prefix))
        if self.unordered:
            keys.sort(key=lambda key: key[::-1])
            keys = keys[int(token or 0) :]
        else:
            keys = [key for key in keys if key > max(after, token)]
        shown = keys[: min(limit, self.page_size)]
        last = len(shown) == len(keys)
        objects = [self._listed(place, key) for key in shown]
        await self._end("list", prefix)
        following = "" if last else shown[-1]
        if self.unordered:
            following = str(int(token or 0) + len(shown))
        return ListedPage(objects, last, listed_ms, "" if last else following)

    async def head(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored | None:
        await self._start("head", key, credentials)
        found = self._stored(place, key) if key in self._bucket(place) else None
        await self._end("head", key)
        return found

    async def write(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        storage_class: str = "",
        content_type: str = "",
    ) -> Stored:
        await self._start("write", key, credentials)
        body = b""
        async for chunk in chunks:
            self.written.append(len(chunk))
            body += chunk
        self.place(place.bucket, key, body)
        stored = self._stored(place, key)
        await self._end("write", key)
        return stored

    async def read(
        self, credentials: Credentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> Reading:
        await self._start("read", key, credentials)
        body = self._body(place, key)
        wanted = _RANGE.fullmatch(byte_range)
        if wanted is None:
            return Reading(len(body), _chunks(body))
        start, last = int(wanted[1]), int(wanted[2] or len(body) - 1)
        if start >= len(body):
            raise AwsRefused("There is no such range.", hint="Ask less.", aws_code="InvalidRange")
        part = body[start : last + 1]
        told = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        return Reading(len(part), _chunks(part), told)

    async def copy(
        self, credentials: Credentials, place: BucketPlace, key: str, to: str, size: int
    ) -> Stored:
        await self._start("copy", key, credentials)
        self.place(place.bucket, to, self._body(place, key))
        stored = self._stored(place, to)
        await self._end("copy", key)
        return stored

    async def delete(self, credentials: Credentials, place: BucketPlace, key: str) -> None:
        await self._start("delete", key, credentials)
        self._bucket(place).pop(key, None)
        await self._end("delete", key)

    async def sign_read(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        *,
        seconds: int,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        await self._start("sign", key, credentials)
        return f"https://{place.bucket}.s3.test/{key}?expires={seconds}"

    def place(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object there, as somebody at the bucket itself would."""
        self.buckets.setdefault(bucket, {})[key] = body
        self._modified[bucket, key] = self.clock.now()

    async def _start(self, operation: str, key: str, credentials: Credentials) -> None:
        self.used.append(credentials)
        if self.before is not None:
            await self.before(operation, key)

    async def _end(self, operation: str, key: str) -> None:
        if self.after is not None:
            await self.after(operation, key)

    def _bucket(self, place: BucketPlace) -> dict[str, bytes]:
        return self.buckets.setdefault(place.bucket, {})

    def _body(self, place: BucketPlace, key: str) -> bytes:
        if key not in self._bucket(place):
            raise AwsRefused("There is no such object.", hint="Check it.", aws_code="NoSuchKey")
        return self._bucket(place)[key]

    def _stored(self, place: BucketPlace, key: str) -> Stored:
        body = self._bucket(place)[key]
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        modified = self._modified.setdefault((place.bucket, key), self.clock.now())
        return Stored(len(body), etag, modified)

    def _listed(self, place: BucketPlace, key: str) -> Listed:
        stored = self._stored(place, key)
        return Listed(key, stored.size, stored.etag, to_ms(stored.modified_at))


async def _chunks(body: bytes) -> AsyncIterator[bytes]:
    if body:
        yield body
