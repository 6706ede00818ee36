"""Which conditions on writes a store heeds: found out by trying, once for each endpoint.

A store that does not know a condition ignores it, and writes. So each is tried on a probe object
that is there already: a store that heeds the condition refuses to write it again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from valetkey.aws.answers import child_text, escaped
from valetkey.aws.objects.facts import conditioned
from valetkey.aws.objects.http import BucketCalls, S3Request
from valetkey.aws.objects.multipart import abort
from valetkey.domain.errors import AwsRefused, NotOffered, PreconditionFailed
from valetkey.domain.ports.objects import ABSENT, Condition, ConditionSupport
from valetkey.domain.verification import PROBE_PREFIX

_BODY: Final = b"Written by Valetkey to see which conditions this store heeds; safe to delete.\n"
_DIGEST: Final = hashlib.sha256(_BODY).hexdigest()
_OTHER: Final = Condition("00000000000000000000000000000000")
_CONDITIONS: Final = (ABSENT, _OTHER)


class ConditionProbes:
    """Remembers what stores heed; a store that is being tried is tried once."""

    def __init__(self) -> None:
        self._known: dict[str, ConditionSupport] = {}
        self._trying: dict[str, asyncio.Lock] = {}

    async def support(self, calls: BucketCalls, store: str, prefix: str) -> ConditionSupport:
        """Return what a store heeds. Raises AwsRefused, AwsUnavailable; then nothing is kept."""
        async with self._trying.setdefault(store, asyncio.Lock()):
            if store not in self._known:
                self._known[store] = await _try(calls, f"{prefix}{PROBE_PREFIX}conditions")
            return self._known[store]


async def _try(calls: BucketCalls, key: str) -> ConditionSupport:
    await calls.fetch(_put(key, None))
    try:
        absent, unchanged = [
            await _heeded(calls.fetch(_put(key, condition))) for condition in _CONDITIONS
        ]
        copies = [await _heeded(_copy(calls, key, condition)) for condition in _CONDITIONS]
        uploads = [await _heeded(_upload(calls, key, condition)) for condition in _CONDITIONS]
    finally:
        # Who may not delete leaves a probe, which the next one writes over.
        with suppress(AwsRefused):
            await calls.fetch(S3Request("s3:DeleteObject", "DELETE", key))
    return ConditionSupport(absent, unchanged, multipart=all(uploads), copy=all(copies))


async def _heeded(write: Awaitable[object]) -> bool:
    """Tell whether a write was refused for its condition, which does not hold."""
    try:
        await write
    except PreconditionFailed:
        return True
    except NotOffered:
        return False
    return False


def _put(key: str, condition: Condition | None) -> S3Request:
    return S3Request(
        *("s3:PutObject", "PUT", key),
        headers=conditioned(condition),
        body=_BODY,
        payload_hash=_DIGEST,
    )


async def _copy(calls: BucketCalls, key: str, condition: Condition) -> None:
    # Onto itself, which S3 allows where something changes: the metadata, here.
    headers = {
        "x-amz-copy-source": f"/{calls.place.bucket}/{quote(key, safe='/~')}",
        "x-amz-metadata-directive": "REPLACE",
        **conditioned(condition),
    }
    request = S3Request("s3:CopyObject", "PUT", key, headers=headers)
    await calls.element(request, "CopyObjectResult")


async def _upload(calls: BucketCalls, key: str, condition: Condition) -> None:
    request = S3Request("s3:CreateMultipartUpload", "POST", key, {"uploads": ""})
    begun = await calls.element(request, "InitiateMultipartUploadResult")
    upload_id = child_text(begun, "UploadId")
    try:
        query = {"partNumber": "1", "uploadId": upload_id}
        part = S3Request("s3:UploadPart", "PUT", key, query, body=_BODY, payload_hash=_DIGEST)
        etag = escaped((await calls.fetch(part)).headers.get("etag", ""))
        body = (
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>"
            f"<ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
        ).encode()
        complete = S3Request(
            *("s3:CompleteMultipartUpload", "POST", key, {"uploadId": upload_id}),
            {"content-type": "application/xml", **conditioned(condition)},
            body,
            hashlib.sha256(body).hexdigest(),
            repeatable=False,
        )
        await calls.element(complete, "CompleteMultipartUploadResult")
    except PreconditionFailed:
        # A policy of four actions may not let us; then a rule of the bucket's cleans up.
        with suppress(AwsRefused):
            await abort(calls, key, upload_id)
        raise
