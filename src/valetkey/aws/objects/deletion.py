"""Deleting many objects, and uploads that nobody ended."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import unquote_plus
from xml.etree.ElementTree import Element

from valetkey.aws.errors import from_response, not_understood
from valetkey.aws.objects.headers import NOT_THERE, conditioned, plain_etag
from valetkey.aws.objects.http import BucketCalls, S3Request, md5_of
from valetkey.aws.xml_responses import child_text, escaped, name_of
from valetkey.domain.batches import batched
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused, NotOffered, ValetkeyError
from valetkey.domain.ports.objects import Condition, Part, Upload, UploadsPage

_AT_ONCE: Final = 1000
#: S3 has at most 10,000 parts, a thousand to a page; another store may give fewer at once.
_MOST_PAGES: Final = 100
_SIDE_BY_SIDE: Final = 16
_DELETING: Final = "s3:DeleteObjects"


async def delete_one(calls: BucketCalls, key: str, condition: Condition | None = None) -> None:
    """Delete an object; with a condition that one only, where the store has such a thing. Raises
    AwsRefused, AwsUnavailable, PreconditionFailed."""
    request = S3Request("s3:DeleteObject", "DELETE", key, headers=conditioned(condition))
    try:
        await calls.fetch(request)
    except AwsRefused as refused:
        if refused.details.get("aws_code") in NOT_THERE:
            return
        if condition is None or not isinstance(refused, NotOffered):
            raise
    else:
        return
    await delete_one(calls, key)


async def delete_many(calls: BucketCalls, keys: Sequence[str]) -> Mapping[str, ValetkeyError]:
    """Delete objects; return what failed. Raises AwsRefused, AwsUnavailable."""
    failed: dict[str, ValetkeyError] = {}
    writable: dict[str, str] = {}
    single: list[str] = []
    for key in dict.fromkeys(keys):
        try:
            writable[key] = f"<Object><Key>{escaped(key)}</Key></Object>"
        except ValueError:
            single.append(key)
    named = list(writable)
    for some in batched(named, _AT_ONCE):
        try:
            failed |= await _delete(calls, [writable[key] for key in some])
        except AwsRefused as refused:
            # Some stores don't have the call, or judge it as a whole: each key may fare otherwise.
            denied = refused.details.get("aws_code") in ACCESS_DENIED
            if not denied and not isinstance(refused, NotOffered):
                raise
            single += some
    return failed | await _delete_singly(calls, single)


async def _delete_singly(calls: BucketCalls, keys: Sequence[str]) -> dict[str, ValetkeyError]:
    gate = asyncio.Semaphore(_SIDE_BY_SIDE)
    failed: dict[str, ValetkeyError] = {}

    async def one(key: str) -> None:
        async with gate:
            try:
                await delete_one(calls, key)
            except ValetkeyError as error:
                failed[key] = error

    await asyncio.gather(*map(one, keys))
    return failed


async def _delete(calls: BucketCalls, objects: Sequence[str]) -> dict[str, ValetkeyError]:
    body = f"<Delete><Quiet>true</Quiet>{''.join(objects)}</Delete>".encode()
    headers = {"content-type": "application/xml", "content-md5": md5_of(body)}
    request = S3Request(
        *(_DELETING, "POST", "", {"delete": ""}, headers, body),
        payload_hash=hashlib.sha256(body).hexdigest(),
    )
    result = await calls.element(request, "DeleteResult", "DeleteObjectsOutput")
    return {
        child_text(error, "Key"): from_response(
            child_text(error, "Code"), child_text(error, "Message"), _DELETING, status=0
        )
        for error in result
        if name_of(error) == "Error"
    }


async def list_uploads(
    calls: BucketCalls, *, prefix: str, after_key: str, after_id: str
) -> UploadsPage:
    """Return a page of unfinished uploads. Raises AwsRefused, AwsUnavailable."""
    query = {"uploads": "", "prefix": prefix, "encoding-type": "url"}
    query |= {"key-marker": after_key} if after_key else {}
    query |= {"upload-id-marker": after_id} if after_id else {}
    request = S3Request("s3:ListMultipartUploads", "GET", query=query)
    result = await calls.element(request, "ListMultipartUploadsResult")
    encoded = child_text(result, "EncodingType") == "url"

    def key_in(element: Element, name: str) -> str:
        text = child_text(element, name)
        return unquote_plus(text, errors="strict") if encoded else text

    try:
        uploads = [
            Upload(key_in(one, "Key"), child_text(one, "UploadId"), _moment(one))
            for one in result
            if name_of(one) == "Upload"
        ]
        more = child_text(result, "IsTruncated") == "true"
        page = UploadsPage(
            uploads,
            key_in(result, "NextKeyMarker") if more else "",
            child_text(result, "NextUploadIdMarker") if more else "",
        )
    except ValueError:
        raise not_understood(request.doing, "an upload in it has no time or no name") from None
    if more and (page.last or (page.next_key, page.next_id) == (after_key, after_id)):
        raise not_understood(request.doing, "it says that there is more, and not how to go on")
    return page


def _moment(upload: Element) -> datetime:
    moment = datetime.fromisoformat(child_text(upload, "Initiated"))
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


async def list_parts(calls: BucketCalls, upload: Upload) -> list[Part]:
    """Return all parts of an upload. Raises AwsRefused, AwsUnavailable."""
    parts: list[Part] = []
    doing, marker = "s3:ListParts", ""
    for _ in range(_MOST_PAGES):
        query = {"uploadId": upload.upload_id}
        query |= {"part-number-marker": marker} if marker else {}
        request = S3Request(doing, "GET", upload.key, query)
        result = await calls.element(request, "ListPartsResult")
        try:
            parts += [
                Part(
                    int(child_text(part, "PartNumber")),
                    int(child_text(part, "Size")),
                    plain_etag(child_text(part, "ETag")),
                )
                for part in result
                if name_of(part) == "Part"
            ]
        except ValueError:
            raise not_understood(doing, "a part in it has no number or no size") from None
        before, marker = marker, child_text(result, "NextPartNumberMarker")
        if child_text(result, "IsTruncated") != "true":
            return parts
        if marker in {"", before}:
            break
    raise not_understood(doing, "it says that there is more, and not how to go on")
