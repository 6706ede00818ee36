"""Implements ports.datasets.ObjectData."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx

from valetkey.aws.errors import from_aws, unreachable
from valetkey.aws.objects.http import Order, S3Http
from valetkey.aws.objects.listing import parse_listing
from valetkey.aws.objects.multipart import SINGLE_COPY, Multipart
from valetkey.aws.settings import AwsSettings
from valetkey.aws.signing import EMPTY, signed_url
from valetkey.domain.errors import AwsRefused
from valetkey.domain.ports import BucketPlace, Clock, Entropy
from valetkey.domain.ports.objects import Credentials, ListedPage, Reading, Stored, to_ms

#: Up to here an object is sent in one piece, and beyond it in parts of this size.
PART_BYTES: Final = 8 * 1024 * 1024
_MISSING: Final = 404
_CHUNK: Final = 256 * 1024


class S3ObjectData:
    """S3 and what is like it, by signed HTTP."""

    def __init__(self, settings: AwsSettings, clock: Clock, entropy: Entropy) -> None:
        self._http = S3Http(settings, clock, entropy)
        self._clock = clock

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

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
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        query |= {"max-keys": str(limit)} if limit != 1000 else {}  # noqa: PLR2004  # S3's default
        query |= {"continuation-token": token} if token else {}
        query |= {"start-after": after} if after and not token else {}
        asked_ms = to_ms(self._clock.now())
        order = Order("s3:ListObjectsV2", "GET", query=query, payload_hash=EMPTY)
        answer = await self._http.fetch(credentials, place, order)
        try:
            objects, last, next_token = parse_listing(answer.content.decode())
        except (ValueError, KeyError):
            raise unreachable(OSError("garbage"), order.doing) from None
        return ListedPage(objects, last, asked_ms, next_token)

    async def head(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored | None:
        order = Order("s3:HeadObject", "HEAD", key, payload_hash=EMPTY)
        try:
            answer = await self._http.fetch(credentials, place, order)
        except AwsRefused as refused:
            if refused.details.get("aws_code") in {"404", "NoSuchKey", "NotFound"}:
                return None
            raise
        return _stored(answer)

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
        headers = {"content-type": content_type} if content_type else {}
        headers |= {"x-amz-storage-class": storage_class} if storage_class else {}
        parts = parted(chunks)
        first = await anext(parts, b"")
        second = await anext(parts, b"") if len(first) >= PART_BYTES else b""
        if not second:
            await self._put(credentials, place, key, first, headers)
        else:
            upload = Multipart(self._http, credentials, place, key)
            await upload.send(_chained(first, second, parts), headers)
        return await self._there(credentials, place, key)

    async def _put(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        body: bytes,
        headers: Mapping[str, str],
    ) -> None:
        digest = hashlib.sha256(body).hexdigest()
        order = Order("s3:PutObject", "PUT", key, headers=headers, body=body, payload_hash=digest)
        await self._http.fetch(credentials, place, order)

    async def read(
        self, credentials: Credentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> Reading:
        headers = {"range": byte_range} if byte_range else {}
        order = Order("s3:GetObject", "GET", key, headers=headers, payload_hash=EMPTY)
        response = await self._http.open(credentials, place, order)
        return Reading(
            size=int(response.headers.get("content-length", 0)),
            chunks=_body(response, order),
            content_range=response.headers.get("content-range", ""),
            headers={
                name: response.headers[name]
                for name in ("content-type", "content-range", "etag", "last-modified")
                if name in response.headers
            },
        )

    async def copy(
        self, credentials: Credentials, place: BucketPlace, key: str, to: str, size: int
    ) -> Stored:
        upload = Multipart(self._http, credentials, place, to)
        if size > SINGLE_COPY:
            await upload.copy(key, size)
        else:
            await upload.copy_whole(key)
        return await self._there(credentials, place, to)

    async def delete(self, credentials: Credentials, place: BucketPlace, key: str) -> None:
        order = Order("s3:DeleteObject", "DELETE", key, payload_hash=EMPTY)
        await self._http.fetch(credentials, place, order)

    async def sign_read(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        *,
        seconds: int,
        headers: Mapping[str, Any] | None = None,
    ) -> str:
        query = {f"response-{name}": str(value) for name, value in (headers or {}).items()}
        call = self._http.call(place, Order("s3:GetObject", "GET", key, query=query))
        return signed_url(call, credentials, self._http.region(place), self._clock.now(), seconds)

    async def _there(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored:
        stored = await self.head(credentials, place, key)
        if stored is None:
            raise from_aws("NoSuchKey", "", "s3:HeadObject", status=_MISSING)
        return stored


def _stored(answer: httpx.Response) -> Stored:
    modified = answer.headers.get("last-modified", "")
    try:
        moment = parsedate_to_datetime(modified)
    except ValueError:
        moment = datetime.fromtimestamp(0, UTC)
    return Stored(
        size=int(answer.headers.get("content-length", 0)),
        etag=answer.headers.get("etag", "").strip('"'),
        modified_at=moment,
    )


async def _body(response: httpx.Response, order: Order) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw(_CHUNK):
            yield chunk
    except httpx.HTTPError:
        raise unreachable(OSError("cut off"), order.doing) from None
    finally:
        await response.aclose()


async def parted(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Join chunks to parts of 8 MiB, the last one shorter. Ten thousand parts are the most that S3
    takes: they grow with the object, so that 400 GB fit."""
    waiting: list[memoryview] = []
    number, missing = 0, PART_BYTES
    async for chunk in chunks:
        rest = memoryview(chunk)
        while len(rest) >= missing:
            # Joined once, and let go before the next one is begun.
            part = b"".join([*waiting, rest[:missing]])
            waiting, rest = [], rest[missing:]
            yield part
            del part
            number += 1
            missing = PART_BYTES * (1 + number // 1000)
        if rest:
            waiting.append(rest)
            missing -= len(rest)
    if waiting:
        yield b"".join(waiting)


async def _chained(first: bytes, second: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    yield second
    async for part in rest:
        yield part
