"""The bytes of objects over botocore: read and written as they come, never whole in memory.

Implements ports.ObjectData.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

from valetkey.aws.clients import Clients
from valetkey.aws.errors import unreachable
from valetkey.aws.parts import Parts
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.dataset import to_ms
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.merge import Listed
from valetkey.domain.ports import BucketPlace, Clock
from valetkey.domain.ports.datasets import Credentials, ListedPage, Reading, Stored

_CHUNK: Final = 1 << 20
#: What S3 says of an object that is not there; HEAD has no body, and so no code of its own.
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_MAX_COPY: Final = 5 << 30


class BotoObjectData:
    """Objects, with the credentials that each call brings."""

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock

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
        where = {"ContinuationToken": token} if token else {"StartAfter": after} if after else {}
        listed_ms = to_ms(self._clock.now())
        answer = await self._call(
            credentials, place, "ListObjectsV2", Prefix=prefix, MaxKeys=limit, **where
        )
        try:
            objects = [_listed(entry) for entry in answer.get("Contents", ())]
        except (KeyError, TypeError, AttributeError):
            raise unreachable(OSError(), "s3:ListObjectsV2") from None
        more = answer.get("NextContinuationToken", "")
        return ListedPage(
            objects, last=not answer.get("IsTruncated"), listed_ms=listed_ms, token=more
        )

    async def head(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored | None:
        try:
            answer = await self._call(credentials, place, "HeadObject", Key=key)
        except AwsRefused as refused:
            if refused.details.get("aws_code") in _ABSENT:
                return None
            raise
        return self._stored(answer, int(answer.get("ContentLength", 0)))

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
        wanted = {"StorageClass": storage_class, "ContentType": content_type}
        options = {name: value for name, value in wanted.items() if value}

        async def call(operation: str, **parameters: Any) -> dict[str, Any]:
            return await self._call(credentials, place, operation, Key=key, **parameters)

        answer, size = await Parts(call, options).write(chunks)
        return self._stored(answer, size)

    async def read(
        self, credentials: Credentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> Reading:
        wanted = {"Range": byte_range} if byte_range else {}
        answer = await self._call(credentials, place, "GetObject", Key=key, **wanted)
        return Reading(
            size=int(answer["ContentLength"]),
            chunks=self._chunks(answer["Body"], place),
            content_range=answer.get("ContentRange", ""),
        )

    async def _chunks(self, stream: Any, place: BucketPlace) -> AsyncGenerator[bytes]:
        def read() -> bytes:
            part: bytes = stream.read(_CHUNK)
            return part

        try:
            while part := await self._clients.run("s3:GetObject", read, apart=bool(place.endpoint)):
                yield part
        finally:
            stream.close()

    async def copy(
        self, credentials: Credentials, place: BucketPlace, key: str, to: str, size: int
    ) -> Stored:
        if size > _MAX_COPY:
            return await self._copy_large(credentials, place, key, to)
        source = {"Bucket": place.bucket, "Key": key}
        await self._call(credentials, place, "CopyObject", Key=to, CopySource=source)
        return await self._found(credentials, place, to)

    async def _copy_large(
        self, credentials: Credentials, place: BucketPlace, key: str, to: str
    ) -> Stored:
        # S3 copies up to 5 GiB by itself; beyond, the bytes go through here.
        reading = await self.read(credentials, place, key)
        return await self.write(credentials, place, to, reading.chunks)

    async def delete(self, credentials: Credentials, place: BucketPlace, key: str) -> None:
        await self._call(credentials, place, "DeleteObject", Key=key)

    async def sign_read(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        *,
        seconds: int,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        life = timedelta(seconds=seconds)
        if isinstance(credentials, TemporaryCredentials):
            # A URL does not outlive the session that signed it.
            life = min(life, credentials.remaining(self._clock.now()))
        wanted = {
            f"Response{name.title().replace('-', '')}": v for name, v in (headers or {}).items()
        }
        return await self._clients.presign(
            "get_object",
            credentials,
            region=place.region,
            endpoint=place.endpoint,
            seconds=max(1, int(life.total_seconds())),
            Bucket=place.bucket,
            Key=key,
            **wanted,
        )

    async def _found(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored:
        stored = await self.head(credentials, place, key)
        if stored is None:
            raise AwsUnavailable(
                "S3 does not show an object that it has just taken.", hint="Look again in a moment."
            )
        return stored

    def _stored(self, answer: Mapping[str, Any], size: int) -> Stored:
        modified = answer.get("LastModified")
        if not isinstance(modified, datetime):
            # Writing answers without a time of the object; the answer's own is that second.
            modified = self._answered_at(answer)
        return Stored(size, _etag(answer), modified.astimezone(UTC))

    def _answered_at(self, answer: Mapping[str, Any]) -> datetime:
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        with suppress(ValueError, TypeError):
            return parsedate_to_datetime(headers["date"])
        return self._clock.now().replace(microsecond=0)

    async def _call(
        self, credentials: Credentials, place: BucketPlace, operation: str, **parameters: Any
    ) -> dict[str, Any]:
        return await self._clients.call(
            "s3",
            operation,
            credentials,
            region=place.region,
            endpoint=place.endpoint,
            Bucket=place.bucket,
            **parameters,
        )


def _etag(answer: Mapping[str, Any]) -> str:
    return str(answer.get("ETag", "")).strip('"')


def _listed(entry: Mapping[str, Any]) -> Listed:
    return Listed(entry["Key"], entry["Size"], _etag(entry), to_ms(entry["LastModified"]))
