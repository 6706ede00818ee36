"""The objects of a bucket: listed, read, written, copied and deleted at speed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.ports.aws import BucketPlace

Credentials = AccessKey | TemporaryCredentials


def to_ms(moment: datetime) -> int:
    """Return milliseconds since 1970, UTC."""
    return round(moment.timestamp() * 1000)


class Listed(NamedTuple):
    """An object as the bucket lists it. ``path`` is its key below the location's prefix."""

    path: str
    size: int
    etag: str
    modified_ms: int


@dataclass(frozen=True, slots=True)
class ListedPage:
    """A part of a listing, in the store's order. Paths are whole keys here. ``token`` continues
    an unordered listing; ``listed_ms`` is when it was asked for."""

    objects: Sequence[Listed]
    last: bool
    listed_ms: int
    token: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as the store has it."""

    size: int
    etag: str
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Reading:
    """An object's bytes on their way. ``headers`` are those of a partial answer."""

    size: int
    chunks: AsyncIterator[bytes]
    content_range: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


class ObjectData(Protocol):
    """The objects of a bucket at speed. All methods raise AwsRefused, AwsUnavailable, while bytes
    are on their way too."""

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
        """List keys above ``after``, or go on at a token, always with exactly this prefix."""
        ...

    async def head(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored | None:
        """Return an object's facts, or None when there is none."""
        ...

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
        """Write an object as its bytes come, in parts beyond 8 MiB; a failed one leaves nothing."""
        ...

    async def read(
        self, credentials: Credentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> Reading: ...

    async def copy(
        self, credentials: Credentials, place: BucketPlace, key: str, to: str, size: int
    ) -> Stored: ...

    async def delete(self, credentials: Credentials, place: BucketPlace, key: str) -> None: ...

    async def sign_read(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        *,
        seconds: int,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        """Return a URL that reads the object. ``headers`` are those the answer is to carry."""
        ...
