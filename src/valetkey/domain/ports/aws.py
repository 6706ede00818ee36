"""AWS as the services see it: STS, and where a bucket is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.role_arn import RoleArn


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
        self, key: AccessKey | TemporaryCredentials, *, partition: str = "aws"
    ) -> CallerIdentity:
        """Return whom a key belongs to, asked in the partition (``aws-cn``) that knows it. Raises
        NotOffered where there is no such call, as on some stores that are not AWS: they may have
        AssumeRole all the same."""
        ...

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials: ...


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """Where a bucket is. An empty ``endpoint`` means AWS's own for the region. With
    ``requester_pays``, every request says that whoever makes it pays for it."""

    bucket: str
    region: str = ""
    endpoint: str = ""
    requester_pays: bool = False
