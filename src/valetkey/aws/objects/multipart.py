"""Objects in parts: several on their way at once, all or nothing at the end."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

from valetkey.aws.answers import child_text, name_of, parse_xml
from valetkey.aws.errors import from_aws, unreachable
from valetkey.aws.objects.http import Order, S3Http
from valetkey.aws.signing import EMPTY
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.ports import BucketPlace
from valetkey.domain.ports.objects import Credentials

#: The largest object that CopyObject copies, and the size of the parts beyond it.
SINGLE_COPY: Final = 5 * 1024**3
_COPY_PART: Final = 1024**3
#: Parts under way; each is held in memory.
_AT_ONCE: Final = 4


class Multipart:
    """One object in the making. All methods raise AwsRefused, AwsUnavailable."""

    def __init__(
        self, http: S3Http, credentials: Credentials, place: BucketPlace, key: str
    ) -> None:
        self._http = http
        self._credentials = credentials
        self._place = place
        self._key = key
        self._upload_id = ""

    async def send(self, parts: AsyncIterator[bytes], headers: Mapping[str, str]) -> None:
        """Write the object from parts of its bytes; what ``parts`` raises leaves nothing."""
        await self._begin(headers)
        sending: set[asyncio.Task[None]] = set()
        etags: dict[int, str] = {}
        number = 0
        try:
            async for part in parts:
                number += 1
                sending.add(asyncio.create_task(self._part(number, part, etags)))
                if len(sending) >= _AT_ONCE:
                    done, sending = await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        task.result()
            await asyncio.gather(*sending)
            await self._complete(etags)
        except BaseException:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)
            await asyncio.shield(self._abort())
            raise

    async def copy_whole(self, source: str) -> None:
        """Copy an object of up to 5 GiB in one call."""
        order = Order(
            "s3:CopyObject", "PUT", self._key, headers=self._from(source), payload_hash=EMPTY
        )
        await self._checked(order)

    async def copy(self, source: str, size: int) -> None:
        """Copy a larger object, part by part, within S3."""
        await self._begin({})
        etags: dict[int, str] = {}
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int, start: int) -> None:
            async with gate:
                last = min(start + _COPY_PART, size) - 1
                headers = {
                    **self._from(source),
                    "x-amz-copy-source-range": f"bytes={start}-{last}",
                }
                query = {"partNumber": str(number), "uploadId": self._upload_id}
                order = Order(
                    "s3:UploadPartCopy", "PUT", self._key, query, headers, payload_hash=EMPTY
                )
                etags[number] = child_text(parse_xml(await self._checked(order)), "ETag")

        starts = enumerate(range(0, size, _COPY_PART), 1)
        copying = [asyncio.create_task(one(number, start)) for number, start in starts]
        try:
            await asyncio.gather(*copying)
            await self._complete(etags)
        except BaseException:
            for task in copying:
                task.cancel()
            await asyncio.gather(*copying, return_exceptions=True)
            await asyncio.shield(self._abort())
            raise

    def _from(self, source: str) -> dict[str, str]:
        return {"x-amz-copy-source": f"/{self._place.bucket}/{quote(source, safe='/~')}"}

    async def _begin(self, headers: Mapping[str, str]) -> None:
        order = Order(
            "s3:CreateMultipartUpload",
            "POST",
            self._key,
            {"uploads": ""},
            headers,
            payload_hash=EMPTY,
        )
        self._upload_id = child_text(parse_xml(await self._checked(order)), "UploadId")

    async def _part(self, number: int, part: bytes, etags: dict[int, str]) -> None:
        query = {"partNumber": str(number), "uploadId": self._upload_id}
        digest = await asyncio.to_thread(lambda: hashlib.sha256(part).hexdigest())
        order = Order("s3:UploadPart", "PUT", self._key, query, body=part, payload_hash=digest)
        answer = await self._http.fetch(self._credentials, self._place, order)
        etags[number] = answer.headers.get("etag", "")

    async def _complete(self, etags: Mapping[int, str]) -> None:
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(etag)}</ETag></Part>"
            for number, etag in sorted(etags.items())
        )
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        order = Order(
            "s3:CompleteMultipartUpload",
            "POST",
            self._key,
            {"uploadId": self._upload_id},
            {"content-type": "application/xml"},
            body,
            hashlib.sha256(body).hexdigest(),
        )
        await self._checked(order)

    async def _abort(self) -> None:
        # A policy of four actions may not let us; then the bucket's own lifecycle rule cleans up.
        order = Order(
            "s3:AbortMultipartUpload",
            "DELETE",
            self._key,
            {"uploadId": self._upload_id},
            payload_hash=EMPTY,
        )
        with suppress(ValetkeyError):
            await self._http.fetch(self._credentials, self._place, order)

    async def _checked(self, order: Order) -> str:
        """Return the answer's body. S3 may say 200 first, and fail in the body."""
        answer = await self._http.fetch(self._credentials, self._place, order)
        try:
            root = parse_xml(answer.content.decode())
        except ValueError:
            raise unreachable(OSError("garbage"), order.doing) from None
        if name_of(root) == "Error":
            code, message = child_text(root, "Code"), child_text(root, "Message")
            raise from_aws(code, message, order.doing, status=500)
        return answer.text
