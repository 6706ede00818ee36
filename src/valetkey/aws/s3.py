"""Buckets over botocore: the few calls that verification and set-up need.

Implements ports.ObjectStores. Object data at speed (listing millions, streaming) has adapters of
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any, Final

from valetkey.aws import endpoints
from valetkey.aws.clients import Clients
from valetkey.aws.errors import unreachable
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, InvalidInput
from valetkey.domain.location import parse_region
from valetkey.domain.ports import BucketPlace, ObjectStore, ObjectSummary

_REGION_HEADER: Final = "x-amz-bucket-region"
_MOST_BYTES: Final = 16 << 20
_CHUNK: Final = 1 << 20
_MD5_OF_NOTHING: Final = "1B2M2Y8AsgTpgAmY7PhCfg=="
_WRONG_CHECKSUM: Final = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"})
_PUBLIC_ACCESS: Final = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


class BotoObjectStore:
    """One bucket as one credential sees it. Implements ports.ObjectStore."""

    def __init__(
        self, clients: Clients, key: AccessKey | TemporaryCredentials, place: BucketPlace
    ) -> None:
        self._clients = clients
        self._key = key
        self._place = place

    async def list_some(self, prefix: str, *, limit: int = 1000) -> Sequence[ObjectSummary]:
        answer = await self._call("ListObjectsV2", Prefix=prefix, MaxKeys=limit)
        try:
            found = answer.get("Contents", ())
            return [ObjectSummary(entry["Key"], entry["Size"]) for entry in found]
        except (KeyError, TypeError):
            pass  # raised below, without an exception that quotes the answer
        raise unreachable(OSError(), "s3:ListObjectsV2")

    async def get(self, key: str) -> bytes:
        """Return a small object; a large one (over 16 MiB) is refused, not held in memory."""
        answer = await self._call("GetObject", Key=key)
        stream = answer["Body"]

        def read() -> bytes:
            # Until nothing comes: only then does botocore see that a body was cut short.
            parts: list[bytes] = []
            with closing(stream):
                while sum(map(len, parts)) <= _MOST_BYTES and (part := stream.read(_CHUNK)):
                    parts.append(part)
            return b"".join(parts)

        body = await self._clients.run("s3:GetObject", read, apart=bool(self._place.endpoint))
        if len(body) > _MOST_BYTES:
            raise AwsRefused(
                "The object is too large to be read at once.",
                hint="Read it with a temporary credential or a presigned URL.",
                operation="s3:GetObject",
            )
        return body

    async def put(self, key: str, body: bytes, *, storage_class: str = "") -> None:
        wanted = {"StorageClass": storage_class} if storage_class else {}
        await self._call("PutObject", Key=key, Body=body, **wanted)

    async def delete(self, key: str) -> None:
        await self._call("DeleteObject", Key=key)

    async def may_put(self, key: str) -> bool:
        # S3 looks at the rights first and at the body's checksum, which is wrong here, last.
        try:
            await self._call("PutObject", Key=key, Body=b"-", ContentMD5=_MD5_OF_NOTHING)
        except AwsRefused as refused:
            if refused.details.get("aws_code") in _WRONG_CHECKSUM:
                return True
            if refused.details.get("aws_code") in {"AccessDenied", "403"}:
                return False
            raise
        # The store does not look at checksums: what it took is taken back.
        await self._call("DeleteObject", Key=key)
        return True

    async def blocks_public_access(self) -> bool:
        try:
            answer = await self._call("GetPublicAccessBlock")
        except AwsRefused as refused:
            if refused.details.get("aws_code") == "NoSuchPublicAccessBlockConfiguration":
                return False
            raise
        found = answer.get("PublicAccessBlockConfiguration", {})
        return all(found.get(name) is True for name in _PUBLIC_ACCESS)

    async def methods_for_browsers(self, prefix: str, origin: str) -> frozenset[str]:
        headers = {"Origin": origin}
        answer = await self._call("ListObjectsV2", Prefix=prefix, MaxKeys=1, extra_headers=headers)
        given = answer["ResponseMetadata"].get("HTTPHeaders", {})
        if not given.get("access-control-allow-origin"):
            return frozenset()
        methods = str(given.get("access-control-allow-methods", "")).split(",")
        return frozenset(method.strip().upper() for method in methods if method.strip())

    async def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        place = self._place
        return await self._clients.call(
            "s3",
            operation,
            self._key,
            region=place.region,
            endpoint=place.endpoint,
            Bucket=place.bucket,
            **parameters,
        )


class BotoObjectStores:
    """Opens buckets."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def open(
        self, credentials: AccessKey | TemporaryCredentials, place: BucketPlace
    ) -> ObjectStore:
        return BotoObjectStore(self._clients, credentials, place)

    async def find_region(
        self, place: BucketPlace, credentials: AccessKey | TemporaryCredentials
    ) -> str:
        try:
            answer = await self._clients.call(
                "s3",
                "HeadBucket",
                credentials,
                region=place.region,
                endpoint=place.endpoint,
                Bucket=place.bucket,
            )
        except AwsRefused as refused:
            found = _region(refused.details.get("bucket_region"))
            if found:
                return found
            raise
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        named = _region(headers.get(_REGION_HEADER))
        return named or place.region or self._clients.settings.region

    async def check_endpoint(self, endpoint: str) -> str:
        allowed = self._clients.settings.allowed_hosts

        def work() -> str:
            return endpoints.check(endpoint, allowed)

        return await self._clients.run("dns", work, apart=True)


def _region(named: object) -> str:
    """Return the region that an answer names; nothing for a text that can't be one."""
    try:
        return parse_region(str(named or ""))
    except InvalidInput:
        return ""
