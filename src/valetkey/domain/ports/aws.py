"""AWS as the services see it: STS, and one bucket at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.integration import RoleArn


@dataclass(frozen=True, slots=True)
class CallerIdentity:
    """What GetCallerIdentity returned: who a key belongs to."""

    account: str
    arn: str
    user_id: str


@dataclass(frozen=True, slots=True)
class AssumeRole:
    """One AssumeRole call. ``policy`` is the session policy; absent, the role's whole power,
    which only verification asks for. ``region`` picks the STS endpoint (empty: the default)."""

    role_arn: RoleArn
    session_name: str
    duration: timedelta
    policy: str | None = None
    external_id: str = ""
    region: str = ""


class Sts(Protocol):
    """AWS's Security Token Service. All methods raise AwsRefused or AwsUnavailable.

    A key may be the server's OwnIdentity.
    """

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, region: str = ""
    ) -> CallerIdentity: ...

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials: ...


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where a bucket is. An empty ``endpoint`` means AWS's own for the region."""

    bucket: str
    region: str = ""
    endpoint: str = ""


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """An object as a listing shows it."""

    key: str
    size: int


class ObjectStore(Protocol):
    """One bucket as one credential sees it. All methods raise AwsRefused or AwsUnavailable."""

    async def list_some(self, prefix: str, *, limit: int = 1000) -> Sequence[ObjectSummary]:
        """Return up to ``limit`` (at most 1,000) objects whose keys start with ``prefix``."""
        ...

    async def get(self, key: str) -> bytes: ...

    async def put(self, key: str, body: bytes, *, storage_class: str = "") -> None: ...

    async def delete(self, key: str) -> None: ...

    async def may_put(self, key: str) -> bool:
        """Tell whether an object could be written, without writing one."""
        ...

    async def blocks_public_access(self) -> bool:
        """Tell whether all public access is blocked. The reference page grants no right to look,
        so that AwsRefused (AccessDenied) says nothing about the bucket."""
        ...

    async def methods_for_browsers(self, prefix: str, origin: str) -> frozenset[str]:
        """Return the HTTP methods that the bucket's CORS rules allow a page of ``origin``; empty
        where none fits. Needs the right to list ``prefix``."""
        ...


class ObjectStores(Protocol):
    """Opens buckets."""

    def open(
        self, credentials: AccessKey | TemporaryCredentials, place: BucketPlace
    ) -> ObjectStore: ...

    async def find_region(
        self, place: BucketPlace, credentials: AccessKey | TemporaryCredentials
    ) -> str:
        """Return the region that the bucket is really in (HeadBucket's ``x-amz-bucket-region``,
        which S3 sends on refusals too). Raises AwsRefused (``NoSuchBucket``), AwsUnavailable."""
        ...

    async def check_endpoint(self, endpoint: str) -> str:
        """Return a user's endpoint in its normal form.

        Raises InvalidInput for one that the settings don't allow, or that resolves to a loopback,
        link-local or private address.
        """
        ...
