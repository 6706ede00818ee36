"""Buckets in memory, and what tests let happen to them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from valetkey.domain.credentials import AwsCredentials, TemporaryCredentials
from valetkey.domain.errors import AwsRefused, PreconditionFailed
from valetkey.domain.ports import BucketPlace, Clock
from valetkey.domain.ports.objects import Condition, Listed, Stored, Upload, to_ms
from valetkey.testing.aws import READ_ONLY, WRITES_NO_TAGS

OnStep = Callable[[str, str], Awaitable[None]]
_CHANGING = frozenset({"put", "write", "copy", "delete", "restore"})


def etag_of(body: bytes) -> str:
    """Return the ETag that S3 would give an object."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


@dataclass
class FakeBuckets:
    """Keys and bytes by bucket.

    ``before`` and ``after`` are called with each operation's name and key: there tests let a rival
    act, or raise. ``written`` keeps the sizes of the chunks as they came, ``used`` the credentials,
    ``deleted_at_once`` how many keys each request to delete many had.
    ``refuse`` names operations that are refused (``"put"``; ``"put tags"``: whatever writes tags);
    what is not below ``confined_to`` is too, and whatever changes something with a session of
    FakeSts whose policy only reads.

    A listing's page has up to ``page_size`` objects; with ``unordered`` they come in the order of
    the keys read backwards, and ``after`` counts for nothing.
    Without ``understands_escapes`` it refuses keys with letters that policies must escape.
    ``in_parts`` writes as large objects are; an upload that is cut stays among ``uploads``.
    With ``requester_pays`` buckets let nobody in who does not pay.
    Without ``heeds_conditions`` writes take no notice of theirs. ``tagged`` are objects' tags, by
    bucket and key; ``etag_of`` makes the ETags, which are MD5s.
    """

    clock: Clock
    buckets: dict[str, dict[str, bytes]] = field(default_factory=dict)
    before: OnStep | None = None
    after: OnStep | None = None
    written: list[int] = field(default_factory=list)
    used: list[AwsCredentials] = field(default_factory=list)
    page_size: int = 1000
    unordered: bool = False
    region: str = "eu-central-1"
    refuse: set[str] = field(default_factory=set)
    confined_to: str = ""
    heeds_conditions: bool = True
    understands_escapes: bool = True
    uploads: dict[str, list[Upload]] = field(default_factory=dict)
    in_parts: bool = False
    deleted_at_once: list[int] = field(default_factory=list)
    requester_pays: bool = False
    tagged: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    etag_of: Callable[[bytes], str] = etag_of
    _facts: dict[tuple[str, str], Stored] = field(default_factory=dict)

    def place(
        self,
        bucket: str,
        key: str,
        body: bytes,
        *,
        storage_class: str = "",
        content_type: str = "",
        content_encoding: str = "",
        described: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Put an object there, as somebody at the bucket itself would."""
        self.buckets.setdefault(bucket, {})[key] = body
        told = {"content-type": content_type, "content-encoding": content_encoding}
        told = {name: value for name, value in told.items() if value} | dict(described or {})
        self.tagged[bucket, key] = dict(tags or {})
        self._facts[bucket, key] = Stored(
            len(body),
            self.etag_of(body),
            self.clock.now(),
            content_type=told.get("content-type", ""),
            content_encoding=told.get("content-encoding", ""),
            storage_class=storage_class,
            described=told,
        )

    async def _start(self, operation: str, key: str, credentials: AwsCredentials) -> None:
        self.used.append(credentials)
        held = credentials.access_key_id if isinstance(credentials, TemporaryCredentials) else ""
        too_much = held.startswith(READ_ONLY) and operation in _CHANGING
        too_odd = not self.understands_escapes and any(letter in key for letter in "*?$")
        outside = not key.startswith(self.confined_to)
        if operation in self.refuse or too_much or too_odd or outside:
            raise AwsRefused(f"{operation} is refused.", hint="Allow it.", aws_code="AccessDenied")
        if self.before is not None:
            await self.before(operation, key)

    def _require_tagging(self, credentials: AwsCredentials, *lacks: str) -> None:
        """Refuse what has to do with tags to a session of FakeSts that is marked as lacking it."""
        held = credentials.access_key_id if isinstance(credentials, TemporaryCredentials) else ""
        refused = "put tags" in self.refuse and WRITES_NO_TAGS in lacks
        if refused or any(lack in held for lack in lacks):
            raise AwsRefused("Tags are refused.", hint="Allow it.", aws_code="AccessDenied")

    async def _end(self, operation: str, key: str) -> None:
        if self.after is not None:
            await self.after(operation, key)

    def _require(self, place: BucketPlace, key: str, condition: Condition | None) -> None:
        if condition is None or not self.heeds_conditions:
            return
        there = self._stored(place, key).etag if key in self._bucket(place) else ""
        if there != condition.etag:
            raise PreconditionFailed(
                "Something else is there.", hint="Look again.", aws_code="PreconditionFailed"
            )

    def _bucket(self, place: BucketPlace) -> dict[str, bytes]:
        if self.requester_pays and not place.requester_pays:
            raise AwsRefused("Access Denied", hint="-", aws_code="AccessDenied")
        return self.buckets.setdefault(place.bucket, {})

    def _body(self, place: BucketPlace, key: str) -> bytes:
        if key not in self._bucket(place):
            raise AwsRefused("There is no such object.", hint="Check it.", aws_code="NoSuchKey")
        return self._bucket(place)[key]

    def _readable(self, place: BucketPlace, key: str) -> bytes:
        body = self._body(place, key)
        if self._stored(place, key).is_archived:
            raise AwsRefused("Archived.", hint="Restore it.", aws_code="InvalidObjectState")
        return body

    def _stored(self, place: BucketPlace, key: str) -> Stored:
        body = self._bucket(place)[key]
        known = self._facts.get((place.bucket, key))
        etag = self.etag_of(body)
        if known is None or known.etag != etag:  # a test put it straight into the bucket
            known = Stored(len(body), etag, known.modified_at if known else self._now())
            self._facts[place.bucket, key] = known
        return known

    def _now(self) -> datetime:
        return self.clock.now()

    def _listed(self, place: BucketPlace, key: str) -> Listed:
        stored = self._stored(place, key)
        modified_ms = to_ms(stored.modified_at)
        return Listed(key, stored.size, stored.etag, modified_ms, stored.storage_class)
