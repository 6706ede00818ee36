"""Objects in memory, for rules that don't need a network or IAM's enforcement."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import AwsRefused, ValetkeyError
from valetkey.domain.ports import BucketPlace
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
from valetkey.testing.aws import READS_NO_TAGS, WRITES_NO_TAGS
from valetkey.testing.buckets import FakeBuckets

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass
class FakeObjectStore(FakeBuckets):
    """Implements ports.ObjectStore over dictionaries. What tests set is the buckets' own."""

    # Listing and looking.

    async def list_page(
        self,
        credentials: AwsCredentials,
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
        page = self._page(place, keys, after, token, min(limit, self.page_size), listed_ms)
        await self._end("list", prefix)
        return page

    def _page(
        self,
        place: BucketPlace,
        keys: list[str],
        after: str,
        token: str,
        limit: int,
        listed_ms: int,
    ) -> ListedPage:
        if self.unordered:
            keys.sort(key=lambda key: key[::-1])
            keys = keys[int(token or 0) :]
        else:
            keys = [key for key in keys if key > max(after, token)]
        shown = keys[:limit]
        last = len(shown) == len(keys)
        objects = [self._listed(place, key) for key in shown]
        following = str(int(token or 0) + len(shown)) if self.unordered else "".join(shown[-1:])
        return ListedPage(objects, last, listed_ms, "" if last else following)

    async def head(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Stored | None:
        await self._start("head", key, credentials)
        found = self._stored(place, key) if key in self._bucket(place) else None
        await self._end("head", key)
        return found

    async def find_region(
        self, place: BucketPlace, credentials: AwsCredentials, *, prefix: str = ""
    ) -> str:
        if place.bucket not in self.buckets:
            raise AwsRefused("There is no such bucket.", hint="Check it.", aws_code="NoSuchBucket")
        return self.region

    async def check_endpoint(self, endpoint: str) -> str:
        return endpoint

    async def blocks_public_access(self, credentials: AwsCredentials, place: BucketPlace) -> bool:
        return True

    async def methods_for_browsers(
        self, credentials: AwsCredentials, place: BucketPlace, prefix: str, origin: str
    ) -> frozenset[str]:
        return frozenset({"GET", "PUT"})

    # Bytes.

    async def read(
        self, credentials: AwsCredentials, place: BucketPlace, key: str, *, byte_range: str = ""
    ) -> ObjectReading:
        await self._start("read", key, credentials)
        body, facts = self._readable(place, key), self._stored(place, key)
        wanted = _RANGE.fullmatch(byte_range)
        if wanted is None:
            return ObjectReading(len(body), _chunks(body), "", facts.content_encoding, facts.etag)
        start, last = int(wanted[1]), int(wanted[2] or len(body) - 1)
        if start >= len(body):
            raise AwsRefused("There is no such range.", hint="Ask less.", aws_code="InvalidRange")
        part = body[start : last + 1]
        told = f"bytes {start}-{start + len(part) - 1}/{len(body)}"
        return ObjectReading(len(part), _chunks(part), told, facts.content_encoding, facts.etag)

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
        await self._start("put", key, credentials)
        self._require(place, key, condition)
        self.place(place.bucket, key, body, storage_class=storage_class, content_type=content_type)
        await self._end("put", key)
        return self._stored(place, key).etag

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
        await self._start("write", key, credentials)
        if tags:
            self._require_tagging(credentials, WRITES_NO_TAGS)
        upload = Upload(key, f"upload-{len(self.used)}", self.clock.now())
        if self.in_parts and begun is not None:
            self.uploads.setdefault(place.bucket, []).append(upload)
            await begun(upload.upload_id)
        body = b""
        async for chunk in chunks:
            self.written.append(len(chunk))
            if self.in_parts and renew is not None:
                self.used.append(await renew())
            body += chunk
        self._require(place, key, condition)
        if self.in_parts:
            self.uploads[place.bucket].remove(upload)
        self.place(
            place.bucket,
            key,
            body,
            storage_class=storage_class,
            content_type=content_type,
            content_encoding=content_encoding,
            described=described,
            tags=tags,
        )
        stored = self._stored(place, key)
        await self._end("write", key)
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
        await self._start("copy", key, credentials)
        body = self._readable(place, key)
        if self.tagged.get((place.bucket, key)):
            self._require_tagging(credentials, READS_NO_TAGS, WRITES_NO_TAGS)
        if self.in_parts and begun is not None:
            upload = Upload(to, f"upload-{len(self.used)}", self.clock.now())
            self.uploads.setdefault(place.bucket, []).append(upload)
            await begun(upload.upload_id)
            await self._end("copy in parts", key)
            self.uploads[place.bucket].remove(upload)
        self._require(place, to, condition)
        self.buckets[place.bucket][to] = body
        kept = replace(self._stored(place, key), modified_at=self.clock.now())
        self._facts[place.bucket, to] = kept
        self.tagged[place.bucket, to] = dict(self.tagged.get((place.bucket, key), {}))
        await self._end("copy", key)
        return kept

    async def tags(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Mapping[str, str]:
        await self._start("tags", key, credentials)
        self._require_tagging(credentials, READS_NO_TAGS)
        self._body(place, key)
        return dict(self.tagged.get((place.bucket, key), {}))

    async def may_put(self, credentials: AwsCredentials, place: BucketPlace, key: str) -> bool:
        try:
            await self._start("put", key, credentials)
        except AwsRefused:
            return False
        return True

    async def lacking_rights(
        self, credentials: AwsCredentials, place: BucketPlace, key: str
    ) -> Sequence[str]:
        self.used.append(credentials)
        return sorted(name for name in self.refuse if name.startswith("s3:"))

    async def restore(
        self, credentials: AwsCredentials, place: BucketPlace, key: str, *, days: int
    ) -> None:
        await self._start("restore", key, credentials)
        self._body(place, key)
        until = self.clock.now() + timedelta(days=days)
        self._facts[place.bucket, key] = replace(self._stored(place, key), restored_until=until)

    # Deleting, and tidying up.

    async def delete(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        key: str,
        *,
        condition: Condition | None = None,
    ) -> None:
        await self._start("delete", key, credentials)
        if key in self._bucket(place):
            self._require(place, key, condition)
        self._bucket(place).pop(key, None)
        self._facts.pop((place.bucket, key), None)
        await self._end("delete", key)

    async def delete_many(
        self, credentials: AwsCredentials, place: BucketPlace, keys: Sequence[str]
    ) -> Mapping[str, ValetkeyError]:
        failed: dict[str, ValetkeyError] = {}
        self.deleted_at_once.append(len(keys))
        for key in keys:
            try:
                await self.delete(credentials, place, key)
            except ValetkeyError as error:
                failed[key] = error
        return failed

    async def list_uploads(
        self,
        credentials: AwsCredentials,
        place: BucketPlace,
        *,
        prefix: str,
        after_key: str = "",
        after_id: str = "",
    ) -> UploadsPage:
        await self._start("list_uploads", prefix, credentials)
        begun = [one for one in self.uploads.get(place.bucket, ()) if one.key.startswith(prefix)]
        begun.sort(key=lambda one: (one.key, one.upload_id))
        rest = [one for one in begun if (one.key, one.upload_id) > (after_key, after_id)]
        shown = rest[: self.page_size]
        more = len(shown) < len(rest)
        return UploadsPage(
            shown, shown[-1].key if more else "", shown[-1].upload_id if more else ""
        )

    async def list_parts(
        self, credentials: AwsCredentials, place: BucketPlace, upload: Upload
    ) -> Sequence[Part]:
        await self._start("list_parts", upload.key, credentials)
        if upload not in self.uploads.get(place.bucket, ()):
            raise AwsRefused("There is no such upload.", hint="-", aws_code="NoSuchUpload")
        return []

    async def abort_upload(
        self, credentials: AwsCredentials, place: BucketPlace, upload: Upload
    ) -> None:
        await self._start("abort", upload.key, credentials)
        begun = self.uploads.get(place.bucket, [])
        self.uploads[place.bucket] = [one for one in begun if one.upload_id != upload.upload_id]

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
        await self._start("sign", key, credentials)
        return f"https://{place.bucket}.s3.test/{key}?expires={seconds}"


async def _chunks(body: bytes) -> AsyncGenerator[bytes]:
    if body:
        yield body
