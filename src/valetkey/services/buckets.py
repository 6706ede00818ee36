"""A bucket as one credential sees it: what verification, proofs and the set-up try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import AwsRefused
from valetkey.domain.ports import BucketPlace, ObjectStore
from valetkey.domain.ports.objects import Listed

_MOST_BYTES: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class OpenBucket:
    """The object store with credentials and a place filled in. All methods raise AwsRefused,
    AwsUnavailable."""

    store: ObjectStore
    credentials: AwsCredentials
    place: BucketPlace

    async def list_some(self, prefix: str, *, limit: int = 1000) -> Sequence[Listed]:
        """Return up to ``limit`` (at most 1,000) objects whose keys start with ``prefix``."""
        page = await self.store.list_page(self.credentials, self.place, prefix=prefix, limit=limit)
        return page.objects

    async def get(self, key: str, *, most: int = _MOST_BYTES) -> bytes:
        """Return a small object; a large one (over 16 MiB) is refused, not held in memory."""
        reading = await self.store.read(self.credentials, self.place, key)
        body = await reading.whole(most=most)
        if body is None:
            raise AwsRefused(
                "The object is too large to be read at once.",
                hint="Read it with a temporary credential or a presigned URL.",
                operation="s3:GetObject",
            )
        return body

    async def put(self, key: str, body: bytes, *, storage_class: str = "") -> None:
        """Write a small object, with no other right than to write."""
        await self.store.put(self.credentials, self.place, key, body, storage_class=storage_class)

    async def delete(self, key: str) -> None:
        """Delete an object; no error when there is none."""
        await self.store.delete(self.credentials, self.place, key)

    async def may_put(self, key: str) -> bool:
        """Tell whether an object could be written, without writing one."""
        return await self.store.may_put(self.credentials, self.place, key)

    async def blocks_public_access(self) -> bool:
        """Tell whether all public access is blocked."""
        return await self.store.blocks_public_access(self.credentials, self.place)

    async def methods_for_browsers(self, prefix: str, origin: str) -> frozenset[str]:
        """Return the HTTP methods that the bucket's CORS rules allow a page of ``origin``."""
        return await self.store.methods_for_browsers(self.credentials, self.place, prefix, origin)
