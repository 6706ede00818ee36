"""What verification and set-up ask of a bucket."""

from __future__ import annotations

from typing import Final

from valetkey.aws.objects.deletion import delete_one
from valetkey.aws.objects.http import BucketCalls, S3Request
from valetkey.aws.xml_responses import child_text
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused, InvalidInput
from valetkey.domain.location import parse_region

_MD5_OF_NOTHING: Final = "1B2M2Y8AsgTpgAmY7PhCfg=="
_WRONG_CHECKSUM: Final = frozenset({"BadDigest", "InvalidDigest", "XAmzContentChecksumMismatch"})
#: What HEAD answers, without a word, to whom it refuses for whatever reason.
_SILENT: Final = frozenset({"AccessDenied", "403", "400"})
_PUBLIC_ACCESS: Final = (
    "BlockPublicAcls",
    "IgnorePublicAcls",
    "BlockPublicPolicy",
    "RestrictPublicBuckets",
)


async def find_region(calls: BucketCalls, prefix: str) -> str:
    """Return the region that the bucket names, or that it answers in. Raises AwsRefused,
    AwsUnavailable."""
    try:
        answer = await calls.fetch(S3Request("s3:HeadBucket", "HEAD"))
    except AwsRefused as refused:
        found = _region(refused.details.get("bucket_region"))
        if found:
            return found
        if refused.details.get("aws_code") not in _SILENT:
            raise
        # Other stores than AWS do not name the region when they refuse; where listing is allowed,
        # as it is to whoever uses the bucket, they have answered in it.
        try:
            await calls.fetch(_listing(prefix))
        except AwsRefused as error:
            found = _region(error.details.get("bucket_region"))
            if found:
                return found
            if error.details.get("aws_code") in ACCESS_DENIED:
                raise refused from None
            raise
        return calls.http.region(calls.place)
    return _region(answer.headers.get("x-amz-bucket-region")) or calls.http.region(calls.place)


def _listing(prefix: str, origin: str = "") -> S3Request:
    query = {"list-type": "2", "prefix": prefix, "max-keys": "1"}
    headers = {"origin": origin} if origin else {}
    return S3Request("s3:ListObjectsV2", "GET", query=query, headers=headers)


def _region(named: object) -> str:
    """Return the region that an answer names; nothing for a text that can't be one."""
    try:
        return parse_region(str(named or ""))
    except InvalidInput:
        return ""


async def blocks_public_access(calls: BucketCalls) -> bool:
    """Tell whether all public access is blocked. Raises AwsRefused, AwsUnavailable."""
    request = S3Request("s3:GetPublicAccessBlock", "GET", query={"publicAccessBlock": ""})
    try:
        found = await calls.element(request, "PublicAccessBlockConfiguration")
    except AwsRefused as refused:
        if refused.details.get("aws_code") == "NoSuchPublicAccessBlockConfiguration":
            return False
        raise
    return all(child_text(found, name).strip().lower() == "true" for name in _PUBLIC_ACCESS)


async def methods_for_browsers(calls: BucketCalls, prefix: str, origin: str) -> frozenset[str]:
    """Return what a page of an origin may do. Raises AwsRefused, AwsUnavailable."""
    given = (await calls.fetch(_listing(prefix, origin))).headers
    if not given.get("access-control-allow-origin"):
        return frozenset()
    methods = given.get("access-control-allow-methods", "").split(",")
    return frozenset(method.strip().upper() for method in methods if method.strip())


async def may_put(calls: BucketCalls, key: str) -> bool:
    """Tell whether an object could be written. Raises AwsRefused, AwsUnavailable."""
    # S3 looks at the rights first and at the body's checksum, which is wrong here, last.
    headers = {"content-md5": _MD5_OF_NOTHING}
    try:
        await calls.fetch(
            S3Request(
                *("s3:PutObject", "PUT", key),
                headers=headers,
                body=b"-",
                payload_hash=_HASH_OF_DASH,
            )
        )
    except AwsRefused as refused:
        if refused.details.get("aws_code") in _WRONG_CHECKSUM:
            return True
        if refused.details.get("aws_code") in ACCESS_DENIED:
            return False
        raise
    # The store does not look at checksums: what it took is taken back.
    await delete_one(calls, key)
    return True


_HASH_OF_DASH: Final = "3973e022e93220f9212c18d0d0c543ae7c309e46640da93a4a0314de999f5112"
