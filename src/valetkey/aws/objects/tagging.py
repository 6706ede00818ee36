"""Objects' tags: read, given to what is written, and again where a store does not heed that."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress

from valetkey.aws.objects.deletion import delete_one
from valetkey.aws.objects.http import BucketCalls, S3Request, md5_of
from valetkey.aws.xml_responses import child, child_text, escaped
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused, NotOffered
from valetkey.domain.ports.objects import Condition
from valetkey.domain.sigv4 import encoded_query


async def tags_of(calls: BucketCalls, key: str) -> dict[str, str]:
    """Return an object's tags; none where the store has no such thing. Raises AwsRefused,
    AwsUnavailable."""
    request = S3Request("s3:GetObjectTagging", "GET", key, {"tagging": ""})
    try:
        tagging = await calls.element(request, "Tagging")
    except NotOffered:
        return {}
    except AwsRefused as refused:
        if refused.details.get("aws_code") == "NoSuchTagSet":
            return {}
        raise
    found = child(tagging, "TagSet")
    each = found if found is not None else ()  # one without any is not true today, and will be
    return {child_text(tag, "Key"): child_text(tag, "Value") for tag in each}


def tagged(tags: Mapping[str, str] | None) -> dict[str, str]:
    """Return the header that gives an object its tags while it is written."""
    return {"x-amz-tagging": encoded_query(dict(tags))} if tags else {}


async def ensure_tags(
    calls: BucketCalls, key: str, tags: Mapping[str, str] | None, *, etag: str
) -> None:
    """See that an object that was written with tags, and has this ETag, has them: not every store
    heeds the header. Raises AwsRefused where they are refused, and the object is deleted again;
    AwsUnavailable."""
    if not tags or await _has(calls, key, tags):
        return
    try:
        await _put_tags(calls, key, tags)
    except AwsRefused:
        with suppress(AwsRefused):
            await delete_one(calls, key, Condition(etag) if etag else None)
        raise


async def _has(calls: BucketCalls, key: str, tags: Mapping[str, str]) -> bool:
    try:
        return await tags_of(calls, key) == tags
    except AwsRefused as refused:
        if refused.details.get("aws_code") not in ACCESS_DENIED:
            raise
        return False  # they may be written all the same


async def _put_tags(calls: BucketCalls, key: str, tags: Mapping[str, str]) -> None:
    listed = "".join(
        f"<Tag><Key>{escaped(name)}</Key><Value>{escaped(value)}</Value></Tag>"
        for name, value in tags.items()
    )
    body = f"<Tagging><TagSet>{listed}</TagSet></Tagging>".encode()
    headers = {"content-type": "application/xml", "content-md5": md5_of(body)}
    await calls.fetch(
        S3Request(
            *("s3:PutObjectTagging", "PUT", key, {"tagging": ""}, headers, body),
            payload_hash=hashlib.sha256(body).hexdigest(),
        )
    )
