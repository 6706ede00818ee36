"""Implements ports.ObjectStore: S3 and what is like it, by signed HTTP."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import httpx

from valetkey.aws.endpoints import Resolve, resolve
from valetkey.aws.errors import from_aws, not_understood, unreachable
from valetkey.aws.objects import buckets, tidying
from valetkey.aws.objects.conditions import ConditionProbes
from valetkey.aws.objects.copying import COPY_PART, SINGLE_COPY, Copying
from valetkey.aws.objects.facts import (
    DESCRIBING,
    conditioned,
    encoding_of,
    plain_etag,
    size_in,
    stored_from,
)
from valetkey.aws.objects.http import BucketCalls, S3Http, S3Request
from valetkey.aws.objects.listing import BadListing, parse_listing
from valetkey.aws.objects.multipart import PART_BYTES, Multipart, abort, chained, parted
from valetkey.aws.settings import AwsSettings
from valetkey.domain.errors import AwsRefused, PreconditionFailed, ValetkeyError
from valetkey.domain.ports.aws import BucketPlace
from valetkey.domain.ports.objects import (
    Condition,
    ConditionSupport,
    Credentials,
    CredentialSource,
    ListedPage,
    Part,
    Reading,
    Stored,
    Upload,
    UploadsPage,
    to_ms,
)
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.presign import Method, presigner

_MISSING: Final = 404
_NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_CHUNK: Final = 256 * 1024
_PAGE: Final = 1000
_TOLD: Final = (*DESCRIBING, "content-range", "etag", "last-modified")
#: HEAD tells the checksum only to whom asks for it.
_WITH_CHECKSUM: Final = {"x-amz-checksum-mode": "ENABLED"}


class S3ObjectStore:
    """One client for all buckets, credentials and endpoints.

    Objects of more than ``copy_limit`` bytes are copied in parts of ``copy_part``. ``look_up``
    stands in for the name service that users' endpoints are looked up in, ``transport`` for the
    network.
    """

    def __init__(
        self,
        settings: AwsSettings,
        clock: Clock,
        entropy: Entropy,
        *,
        copy_limit: int = SINGLE_COPY,
        copy_part: int = COPY_PART,
        look_up: Resolve = resolve,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = S3Http(settings, clock, entropy, look_up=look_up, transport=transport)
        self._clock = clock
        self._copy_limit = copy_limit
        self._copy_part = copy_part
        self._conditions = ConditionProbes()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _calls(
        self,
        credentials: Credentials,
        place: BucketPlace,
        renew: CredentialSource | None = None,
    ) -> BucketCalls:
        return BucketCalls(self._http, credentials, place, renew)

    # Listing and looking.

    async def list_page(
        self,
        credentials: Credentials,
        place: BucketPlace,
        *,
        prefix: str,
        after: str = "",
        token: str = "",
        limit: int = _PAGE,
    ) -> ListedPage:
        query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
        query |= {"max-keys": str(limit)} if limit != _PAGE else {}
        query |= {"continuation-token": token} if token else {}
        query |= {"start-after": after} if after and not token else {}
        asked_ms = to_ms(self._clock.now())
        request = S3Request("s3:ListObjectsV2", "GET", query=query)
        answer = await self._http.fetch(credentials, place, request)
        try:
            page = parse_listing(answer.body, prefix=prefix, sent_token=token)
        except BadListing as error:
            why = str(error)
        else:
            return ListedPage(page.objects, page.last, asked_ms, page.token)
        raise not_understood(request.doing, why)

    async def head(self, credentials: Credentials, place: BucketPlace, key: str) -> Stored | None:
        found = await self._facts(self._calls(credentials, place), key)
        return stored_from(*found) if found is not None else None

    async def _facts(self, calls: BucketCalls, key: str) -> tuple[Mapping[str, str], int] | None:
        """Return HEAD's headers and the object's size, or None where there is no object."""
        request = S3Request("s3:HeadObject", "HEAD", key, headers=_WITH_CHECKSUM)
        try:
            answer = await calls.fetch(request)
        except AwsRefused as refused:
            if refused.details.get("aws_code") in _NOT_THERE:
                return None
            raise
        size = size_in(answer.headers)
        return answer.headers, await self._size(calls, key) if size is None else size

    async def _size(self, calls: BucketCalls, key: str) -> int:
        """Find out a size that HEAD did not tell: by reading a byte, or by the listing."""
        request = S3Request("s3:GetObject", "GET", key, headers={"range": "bytes=0-0"})
        try:
            response = await self._http.open(await calls.key(), calls.place, request)
            await response.aclose()
            size = size_in(response.headers)
        except AwsRefused as refused:
            # An empty object has no first byte.
            size = 0 if refused.details.get("aws_code") in {"InvalidRange", "416"} else None
        if size is not None:
            return size
        page = await self.list_page(calls.credentials, calls.place, prefix=key, limit=1)
        for listed in page.objects:
            if listed.path == key:
                return listed.size
        raise not_understood("s3:HeadObject", "the store does not say how large the object is")

    async def find_region(
        self, place: BucketPlace, credentials: Credentials, *, prefix: str = ""
    ) -> str:
        return await buckets.find_region(self._calls(credentials, place), prefix)

    async def check_endpoint(self, endpoint: str) -> str:
        return await self._http.check_endpoint(endpoint)

    async def blocks_public_access(self, credentials: Credentials, place: BucketPlace) -> bool:
        return await buckets.blocks_public_access(self._calls(credentials, place))

    async def methods_for_browsers(
        self, credentials: Credentials, place: BucketPlace, prefix: str, origin: str
    ) -> frozenset[str]:
        calls = self._calls(credentials, place)
        return await buckets.methods_for_browsers(calls, prefix, origin)

    # Bytes.

    async def read(
        self, credentials: Credentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> Reading:
        headers = {"range": byte_range} if byte_range else {}
        request = S3Request("s3:GetObject", "GET", key, headers=headers)
        response = await self._http.open(credentials, place, request)
        length = response.headers.get("content-length", "")
        return Reading(
            size=int(length) if length.isascii() and length.isdigit() else None,
            chunks=_body(response, request),
            content_range=response.headers.get("content-range", ""),
            content_encoding=encoding_of(response.headers),
            headers={name: response.headers[name] for name in _TOLD if name in response.headers},
        )

    async def put(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        body: bytes,
        *,
        storage_class: str = "",
        content_type: str = "",
        condition: Condition | None = None,
    ) -> str:
        headers = _written(storage_class, content_type, "")
        calls = self._calls(credentials, place)
        return await self._put(calls, key, body, headers, condition)

    async def _put(
        self,
        calls: BucketCalls,
        key: str,
        body: bytes,
        headers: Mapping[str, str],
        condition: Condition | None,
    ) -> str:
        request = S3Request(
            *("s3:PutObject", "PUT", key),
            headers={**headers, **conditioned(condition)},
            body=body,
            payload_hash=hashlib.sha256(body).hexdigest(),
            repeatable=condition is None,
        )
        async with _Conditioned(condition):
            answer = await calls.fetch(request)
        if answer.body.strip():
            # A page of something between, say: who knows where the object went.
            raise not_understood(request.doing, "an object that was written has no such answer")
        return plain_etag(answer.headers.get("etag", ""))

    async def write(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        storage_class: str = "",
        content_type: str = "",
        content_encoding: str = "",
        condition: Condition | None = None,
        renew: CredentialSource | None = None,
    ) -> Stored:
        headers = _written(storage_class, content_type, content_encoding)
        calls = self._calls(credentials, place, renew)
        parts = parted(chunks)
        first = await anext(parts, b"")
        second = await anext(parts, b"") if len(first) >= PART_BYTES else b""
        if not second:
            await self._put(calls, key, first, headers, condition)
        else:
            async with _Conditioned(condition):
                upload = Multipart(calls, key, condition)
                await upload.send(chained(first, second, parts), headers)
        return await self._there(calls, key)

    async def copy(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        to: str,
        *,
        condition: Condition | None = None,
        renew: CredentialSource | None = None,
    ) -> Stored:
        calls = self._calls(credentials, place, renew)
        found = await self._facts(calls, key)
        if found is None:
            raise from_aws("NoSuchKey", "", "s3:HeadObject", status=_MISSING)
        copying = Copying(calls, limit=self._copy_limit, part_bytes=self._copy_part)
        await copying.copy(key, to, *found, condition)
        return await self._there(calls, to)

    async def _there(self, calls: BucketCalls, key: str) -> Stored:
        found = await self._facts(calls, key)
        if found is None:
            raise from_aws("NoSuchKey", "", "s3:HeadObject", status=_MISSING)
        return stored_from(*found)

    async def may_put(self, credentials: Credentials, place: BucketPlace, key: str) -> bool:
        return await buckets.may_put(self._calls(credentials, place), key)

    async def restore(
        self, credentials: Credentials, place: BucketPlace, key: str, *, days: int
    ) -> None:
        body = (
            f"<RestoreRequest><Days>{days}</Days><GlacierJobParameters><Tier>Standard</Tier>"
            "</GlacierJobParameters></RestoreRequest>"
        ).encode()
        request = S3Request(
            *("s3:RestoreObject", "POST", key, {"restore": ""}),
            {"content-type": "application/xml"},
            body,
            hashlib.sha256(body).hexdigest(),
        )
        try:
            await self._http.fetch(credentials, place, request)
        except AwsRefused as refused:
            if refused.details.get("aws_code") != "RestoreAlreadyInProgress":
                raise

    # Deleting, and tidying up.

    async def delete(self, credentials: Credentials, place: BucketPlace, key: str) -> None:
        await tidying.delete_one(self._calls(credentials, place), key)

    async def delete_many(
        self, credentials: Credentials, place: BucketPlace, keys: Sequence[str]
    ) -> Mapping[str, ValetkeyError]:
        return await tidying.delete_many(self._calls(credentials, place), keys)

    async def list_uploads(
        self,
        credentials: Credentials,
        place: BucketPlace,
        *,
        prefix: str,
        after_key: str = "",
        after_id: str = "",
    ) -> UploadsPage:
        calls = self._calls(credentials, place)
        return await tidying.list_uploads(
            calls, prefix=prefix, after_key=after_key, after_id=after_id
        )

    async def list_parts(
        self, credentials: Credentials, place: BucketPlace, upload: Upload
    ) -> Sequence[Part]:
        return await tidying.list_parts(self._calls(credentials, place), upload)

    async def abort_upload(
        self, credentials: Credentials, place: BucketPlace, upload: Upload
    ) -> None:
        await abort(self._calls(credentials, place), upload.key, upload.upload_id)

    async def condition_support(
        self, credentials: Credentials, place: BucketPlace, prefix: str
    ) -> ConditionSupport:
        store = place.endpoint or self._http.region(place)
        return await self._conditions.support(self._calls(credentials, place), store, prefix)

    # For others to use.

    async def sign_read(
        self,
        credentials: Credentials,
        place: BucketPlace,
        key: str,
        *,
        seconds: int,
        headers: Mapping[str, str] | None = None,
    ) -> str:
        signing = presigner(
            credentials,
            bucket_url=self._http.bucket_url(place),
            region=self._http.region(place),
            method=Method.GET,
            expires=timedelta(seconds=seconds),
            now=self._clock.now(),
            answer_headers=headers,
            requester_pays=place.requester_pays,
        )
        return signing.url(key)


class _Conditioned:
    """A write under a condition: that the object is not there at all breaks it too."""

    def __init__(self, condition: Condition | None) -> None:
        self._condition = condition

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        if self._condition is None or not isinstance(error, AwsRefused):
            return
        if error.details.get("aws_code") in _NOT_THERE and self._condition.etag:
            raise PreconditionFailed(
                "The object that was to be replaced is gone: nothing was changed.",
                hint="Look at what is there now, and try again.",
                **error.details,
            ) from None


def _written(storage_class: str, content_type: str, content_encoding: str) -> dict[str, str]:
    headers = {
        "content-type": content_type,
        "content-encoding": content_encoding,
        "x-amz-storage-class": storage_class,
    }
    return {name: value for name, value in headers.items() if value}


async def _body(response: httpx.Response, request: S3Request) -> AsyncIterator[bytes]:
    kind = ""
    try:
        async for chunk in response.aiter_raw(_CHUNK):
            yield chunk
    except httpx.HTTPError as error:
        kind = type(error).__name__
    finally:
        await response.aclose()
    if kind:
        raise unreachable(OSError(), request.doing, kind=kind)
