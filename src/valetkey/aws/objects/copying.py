"""Copies that keep everything: what S3 does not carry over by itself is given to it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final
from urllib.parse import quote

from valetkey.aws.objects.deletion import delete_one
from valetkey.aws.objects.headers import (
    conditioned,
    describing,
    has_customers_key,
    keeping,
    plain_etag,
    stored_from,
)
from valetkey.aws.objects.http import BucketCalls, S3Request
from valetkey.aws.objects.multipart import Multipart
from valetkey.aws.objects.tagging import ensure_tags, tagged, tags_of
from valetkey.aws.objects.transfers import ConditionalWrite, require
from valetkey.aws.xml_responses import child_text
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused, PreconditionFailed
from valetkey.domain.ports.objects import Condition, Stored, UploadBegun

#: The largest object that CopyObject copies, and the size of the parts beyond it.
SINGLE_COPY: Final = 5 * 1024**3
COPY_PART: Final = 1024**3
_SECONDS: Final = 600.0
#: What a copy has to have as well, beside what describes it; all but the first of locked objects.
_NOTED: Final = ("x-amz-tagging-count", "x-amz-object-lock-mode", "x-amz-object-lock-legal-hold")
_MOST_TOLD: Final = 10


class Copying:
    """Copies objects within a bucket. ``limit`` is the largest that goes in one call."""

    def __init__(self, calls: BucketCalls, *, limit: int, part_bytes: int) -> None:
        self._calls = calls
        self._limit = limit
        self._part_bytes = part_bytes

    async def copy(
        self, key: str, to: str, condition: Condition | None, begun: UploadBegun | None = None
    ) -> Stored:
        """Copy an object; ``begun`` is told of a copy in parts. Raises AwsRefused before anything
        is written where the copy would lose something; what a store lost all the same is no copy,
        and deleted."""
        facts, size = await require(self._calls, key)
        _require_copyable(facts, size, in_parts=size > self._limit)
        async with ConditionalWrite(condition):
            etag = await self._copy(key, to, facts, size, condition, begun)
        copied, copied_size = await require(self._calls, to)
        # Another ETag: somebody wrote there since.
        is_ours = not etag or plain_etag(copied.get("etag", "")) == plain_etag(etag)
        lost = ["content-length"] if copied_size != size else _lost(facts, copied)
        if is_ours and lost:
            with suppress(PreconditionFailed):
                ours = Condition(plain_etag(etag)) if etag else None
                await delete_one(self._calls, to, ours)
            raise _incomplete(lost)
        return stored_from(copied, copied_size)

    async def _copy(
        self,
        key: str,
        to: str,
        facts: Mapping[str, str],
        size: int,
        condition: Condition | None,
        begun: UploadBegun | None,
    ) -> str:
        """Return the copy's ETag."""
        source = self._source(key, facts)
        if size > self._limit:
            tags = await self._tags(key)
            upload = Multipart(self._calls, to, condition, begun)
            headers = describing(facts) | keeping(facts) | tagged(tags)
            etag = await upload.copy(source, size, self._part_bytes, headers)
            await ensure_tags(self._calls, to, tags, etag=plain_etag(etag))
            return etag
        headers = {**source, **keeping(facts), **conditioned(condition)}
        request = S3Request(
            *("s3:CopyObject", "PUT", to),
            headers=headers,
            seconds=_SECONDS,
            repeatable=condition is None,
        )
        return child_text(await self._calls.element(request, "CopyObjectResult"), "ETag")

    def _source(self, key: str, facts: Mapping[str, str]) -> dict[str, str]:
        named = f"/{self._calls.place.bucket}/{quote(key, safe='/~')}"
        etag = facts.get("etag", "")
        # What was looked at is what is copied, though it be replaced meanwhile.
        same = {"x-amz-copy-source-if-match": etag} if etag else {}
        return {"x-amz-copy-source": named, **same}

    async def _tags(self, key: str) -> dict[str, str]:
        try:
            return await tags_of(self._calls, key)
        except AwsRefused as refused:
            if refused.details.get("aws_code") not in ACCESS_DENIED:
                raise
        raise AwsRefused(
            "The object is too large for S3 to copy its tags by itself, and they may not be read: "
            "a copy could lose them. Nothing was changed.",
            hint="Allow the role s3:GetObjectTagging and s3:PutObjectTagging on the folder.",
            aws_code="AccessDenied",
            operation="s3:GetObjectTagging",
        )


def _lost(facts: Mapping[str, str], copied: Mapping[str, str]) -> list[str]:
    """Return the headers that an object has and its copy has not, or has otherwise."""
    before, after = _carried(facts), _carried(copied)
    return sorted(name for name, value in before.items() if after.get(name) != value)


def _carried(facts: Mapping[str, str]) -> dict[str, str]:
    more = {name: facts[name] for name in _NOTED if name in facts}
    return describing(facts) | keeping(facts) | more


def _incomplete(lost: Sequence[str]) -> AwsRefused:
    return AwsRefused(
        f"The store does not keep all that the object carries when it copies it ({lost[0][:80]}). "
        "The copy was deleted again: nothing was changed.",
        hint="Copy it with an S3 client, if it may lose that.",
        operation="s3:CopyObject",
        lost=list(lost[:_MOST_TOLD]),
    )


def _require_copyable(facts: Mapping[str, str], size: int, *, in_parts: bool) -> None:
    if in_parts and facts.get("x-amz-missing-meta", "0") != "0":
        raise AwsRefused(
            "The object is too large for S3 to copy it in one call, and has metadata that it does "
            "not tell: a copy would lose it. Nothing was changed.",
            hint="Write its metadata anew, without letters that HTTP can't carry.",
            operation="s3:CopyObject",
        )
    if has_customers_key(facts):
        raise AwsRefused(
            "The object is encrypted with a key that only its owner has (SSE-C), which a copy "
            "needs. Nothing was changed.",
            hint="Copy it with that key, by an S3 client.",
            operation="s3:CopyObject",
        )
    if stored_from(facts, size).is_archived:
        raise AwsRefused(
            "The object is archived: it can't be read, and so not copied, before it is restored. "
            "Nothing was changed.",
            hint="Restore it first, which takes hours; then try again.",
            aws_code="InvalidObjectState",
            operation="s3:CopyObject",
        )
