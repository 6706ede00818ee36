"""Implements ports.ObjectStore: S3 and what is like it, by signed HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from typing import Final

import httpx2

from valetkey.aws.endpoints import Resolve, resolve
from valetkey.aws.objects import buckets, deletion, rights, transfers
from valetkey.aws.objects.copying import COPY_PART, SINGLE_COPY, Copying
from valetkey.aws.objects.http import BucketCalls, S3Http
from valetkey.aws.objects.listing import fetch_page
from valetkey.aws.objects.multipart import abort
from valetkey.aws.objects.tagging import ensure_tags, tagged, tags_of
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports.aws import BucketPlace
from valetkey.domain.ports.objects import (
    Condition,
    CredentialSource,
    ListedPage,
    ObjectReading,
    Part,
    Stored,
    Upload,
    UploadBegun,
    UploadsPage,
    to_ms,
)
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.presign import Method, presigner

_PAGE: Final = 1000


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
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = S3Http(settings, clock, entropy, look_up=look_up, transport=transport)
        self._clock = clock
        self._copy_limit = copy_limit
        self._copy_part = copy_part

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    def _calls(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        renew: CredentialSource | None = None,
    ) -> BucketCalls:
        return BucketCalls(self._http, credentials, place, renew)

    # Listing and looking.

    async def list_page(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        *,
        prefix: str,
        after: str = "",
        token: str = "",
        limit: int = _PAGE,
    ) -> ListedPage:
        asked_ms = to_ms(self._clock.now())
        page = await fetch_page(
            self._calls(credentials, place), prefix=prefix, after=after, token=token, limit=limit
        )
        return ListedPage(page.objects, page.last, asked_ms, page.token)

    async def head(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Stored | None:
        return await transfers.look(self._calls(credentials, place), key)

    async def find_region(
        self, place: BucketPlace, credentials: AwsCredentials, *, prefix: str = ""
    ) -> str:
        return await buckets.find_region(self._calls(credentials, place), prefix)

    async def check_endpoint(self, endpoint: str) -> str:
        return await self._http.check_endpoint(endpoint)

    async def blocks_public_access(self, credentials: AwsCredentials, place: BucketPlace) -> bool:
        return await buckets.blocks_public_access(self._calls(credentials, place))

    async def methods_for_browsers(
        self, credentials: AwsCredentials, place: BucketPlace, prefix: str, origin: str
    ) -> frozenset[str]:
        calls = self._calls(credentials, place)
        return await buckets.methods_for_browsers(calls, prefix, origin)

    # Bytes.

    async def read(
        self, credentials: AwsCredentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> ObjectReading:
        return await transfers.read(self._calls(credentials, place), key, byte_range)

    async def put(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        body: bytes,
        *,
        storage_class: str = "",
        content_type: str = "",
        condition: Condition | None = None,
    ) -> str:
        headers = transfers.written(storage_class, content_type, "")
        return await transfers.put(self._calls(credentials, place), key, body, headers, condition)

    async def write(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        chunks: AsyncIterator[bytes],
        *,
        storage_class: str = "",
        content_type: str = "",
        content_encoding: str = "",
        described: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        condition: Condition | None = None,
        renew: CredentialSource | None = None,
        begun: UploadBegun | None = None,
    ) -> Stored:
        own = transfers.written(storage_class, content_type, content_encoding)
        headers = {**own, **(described or {}), **tagged(tags)}
        calls = self._calls(credentials, place, renew)
        stored = await transfers.write(calls, key, chunks, headers, condition, begun)
        await ensure_tags(calls, key, tags, etag=stored.etag)
        return stored

    async def copy(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        to: str,
        *,
        condition: Condition | None = None,
        renew: CredentialSource | None = None,
        begun: UploadBegun | None = None,
    ) -> Stored:
        calls = self._calls(credentials, place, renew)
        copying = Copying(calls, limit=self._copy_limit, part_bytes=self._copy_part)
        return await copying.copy(key, to, condition, begun)

    async def tags(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Mapping[str, str]:
        return await tags_of(self._calls(credentials, place), key)

    async def may_put(self, credentials: AwsCredentials, place: BucketPlace, key: str) -> bool:
        return await buckets.may_put(self._calls(credentials, place), key)

    async def lacking_rights(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Sequence[str]:
        return await rights.lacking(self._calls(credentials, place), key)

    async def restore(
        self, credentials: AwsCredentials, place: BucketPlace, key: str, *, days: int
    ) -> None:
        await transfers.restore(self._calls(credentials, place), key, days)

    # Deleting, and tidying up.

    async def delete(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        *,
        condition: Condition | None = None,
    ) -> None:
        await deletion.delete_one(self._calls(credentials, place), key, condition)

    async def delete_many(
        self, credentials: AwsCredentials, place: BucketPlace, keys: Sequence[str]
    ) -> Mapping[str, ValetkeyError]:
        return await deletion.delete_many(self._calls(credentials, place), keys)

    async def list_uploads(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        *,
        prefix: str,
        after_key: str = "",
        after_id: str = "",
    ) -> UploadsPage:
        calls = self._calls(credentials, place)
        return await deletion.list_uploads(
            calls, prefix=prefix, after_key=after_key, after_id=after_id
        )

    async def list_parts(
        self, credentials: AwsCredentials, place: BucketPlace, upload: Upload
    ) -> Sequence[Part]:
        return await deletion.list_parts(self._calls(credentials, place), upload)

    async def abort_upload(
        self, credentials: AwsCredentials, place: BucketPlace, upload: Upload
    ) -> None:
        await abort(self._calls(credentials, place), upload.key, upload.upload_id)

    # For others to use.

    async def sign_read(
        self,
        credentials: AwsCredentials,
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
