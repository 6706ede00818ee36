"""Which rights credentials lack, found out by asking for what is not there.

S3 looks at the right first: who has it hears that there is no such object, upload or version.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from valetkey.aws.objects.http import BucketCalls, S3Request, md5_of
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused

_NEVER: Final = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
_RESTORE: Final = b"<RestoreRequest><Days>1</Days></RestoreRequest>"
_TAGS: Final = b"<Tagging><TagSet></TagSet></Tagging>"


async def lacking(calls: BucketCalls, key: str) -> list[str]:
    """Return the IAM actions that are refused on a key where nothing is. Raises AwsUnavailable."""
    requests = _requests(key)
    found = await asyncio.gather(*(_is_refused(calls, each) for each in requests))
    return [each.doing for each, refused in zip(requests, found, strict=True) if refused]


def _requests(key: str) -> list[S3Request]:
    upload, version = {"uploadId": _NEVER}, {"versionId": "null"}
    return [
        S3Request("s3:AbortMultipartUpload", "DELETE", key, upload),
        S3Request("s3:ListMultipartUploadParts", "GET", key, upload),
        S3Request("s3:GetObjectVersion", "GET", key, version),
        S3Request("s3:DeleteObjectVersion", "DELETE", key, version),
        _written("s3:RestoreObject", "POST", key, "restore", _RESTORE),
        S3Request("s3:GetObjectTagging", "GET", key, {"tagging": ""}),
        _written("s3:PutObjectTagging", "PUT", key, "tagging", _TAGS),
    ]


def _written(doing: str, method: str, key: str, what: str, body: bytes) -> S3Request:
    headers = {"content-type": "application/xml", "content-md5": md5_of(body)}
    digest = hashlib.sha256(body).hexdigest()
    return S3Request(doing, method, key, {what: ""}, headers, body, payload_hash=digest)


async def _is_refused(calls: BucketCalls, request: S3Request) -> bool:
    try:
        await calls.fetch(request)
    except AwsRefused as refused:
        return refused.details.get("aws_code") in ACCESS_DENIED
    return False
