"""Buckets over botocore: the few calls that verification and set-up need.

Implements ports.ObjectStores. Object data at speed (listing millions, streaming) has adapters of
its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from valetkey.aws import endpoints
from valetkey.aws.clients import Clients
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import AwsRefused
from valetkey.domain.ports import BucketPlace, ObjectStore, ObjectSummary

_REGION_HEADER = "x-amz-bucket-region"


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
        return [ObjectSummary(entry["Key"], entry["Size"]) for entry in answer.get("Contents", ())]

    async def get(self, key: str) -> bytes:
        answer = await self._call("GetObject", Key=key)
        body: bytes = await self._clients.run("s3:GetObject", answer["Body"].read)
        return body

    async def put(self, key: str, body: bytes, *, storage_class: str = "") -> None:
        wanted = {"StorageClass": storage_class} if storage_class else {}
        await self._call("PutObject", Key=key, Body=body, **wanted)

    async def delete(self, key: str) -> None:
        await self._call("DeleteObject", Key=key)

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

    async def find_region(self, place: BucketPlace, credentials: TemporaryCredentials) -> str:
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
            found = str(refused.details.get("bucket_region", ""))
            if found:
                return found
            if refused.details.get("aws_code") in {"404", "NoSuchBucket"}:
                raise AwsRefused(
                    f"There is no bucket {place.bucket!r}.",
                    hint="Check the bucket's name.",
                    **refused.details,
                ) from None
            raise
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        return str(headers.get(_REGION_HEADER) or place.region or self._clients.settings.region)

    async def check_endpoint(self, endpoint: str) -> str:
        allowed = self._clients.settings.allowed_hosts

        def work() -> str:
            return endpoints.check(endpoint, allowed)

        return await self._clients.run("dns", work)
