"""Looking at AWS: read-only, the four objects side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

from valetkey.domain.errors import AwsRefused
from valetkey.domain.ports.aws import CallerIdentity
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.setup import (
    AwsCall,
    Desired,
    Observed,
    ObservedBucket,
    ObservedKey,
    ObservedPolicy,
    ObservedRole,
    ObservedUser,
    PolicyVersion,
    Unreadable,
    iam,
    s3,
)
from valetkey.services.setup.retries import CallRetries, aws_code

_T = TypeVar("_T")

_DENIED: Final = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
_ABSENT: Final = {
    "404",
    "NoSuchBucket",
    "NoSuchEntity",
    "NoSuchLifecycleConfiguration",
    "NoSuchTagSet",
    "NoSuchPublicAccessBlockConfiguration",
}


def tags_of(answer: Mapping[str, Any], name: str = "Tags") -> dict[str, str]:
    """Read AWS's list of tags as a mapping."""
    return {tag["Key"]: tag["Value"] for tag in answer.get(name, [])}


class Observer:
    """Sees what is there. What may not be looked at is Unreadable, with the missing right."""

    def __init__(self, aws: AwsApi, patience: CallRetries) -> None:
        self._aws = aws
        self._patience = patience

    async def identity(self) -> CallerIdentity:
        """Return who the administrator is. Raises AwsRefused, AwsUnavailable."""
        answer = await self._get(AwsCall("sts", "GetCallerIdentity"))
        return CallerIdentity(answer["Account"], answer["Arn"], answer["UserId"])

    async def observe(self, desired: Desired) -> Observed:
        """Look at the four objects. Raises AwsRefused for anything but absence and missing rights,
        AwsUnavailable."""
        bucket, policy, user, role = await asyncio.gather(
            self._seen(self._bucket(desired)),
            self._seen(self._policy(desired)),
            self._seen(self._user(desired)),
            self._seen(self._role(desired)),
        )
        return Observed(bucket, policy, user, role)

    async def keys(self, user: str, *, just_made: bool = False) -> tuple[ObservedKey, ...]:
        """Return a user's access keys, with when they were last used. A user ``just_made`` may
        not be visible yet, and is waited for."""
        call = iam("ListAccessKeys", UserName=user)
        awaits = frozenset({"NoSuchEntity"} if just_made else ())
        found = await self.listed(call, "AccessKeyMetadata", awaits=awaits)
        return tuple([await self._key(item) for item in found])

    async def listed(
        self, call: AwsCall, member: str, *, awaits: frozenset[str] = frozenset()
    ) -> list[Any]:
        """Return all pages of an IAM listing, waiting while AWS answers with ``awaits``."""
        items: list[Any] = []
        marker: dict[str, str] = {}
        while True:
            parameters = {**call.parameters, **marker}
            page = AwsCall(call.service, call.operation, parameters)
            answer = await self._patience.call(self._aws, page, awaits=awaits)
            items.extend(answer.get(member, []))
            if not answer.get("IsTruncated"):
                return items
            marker = {"Marker": answer["Marker"]}

    async def _get(self, call: AwsCall) -> Mapping[str, Any]:
        return await self._patience.call(self._aws, call)

    async def _maybe(self, call: AwsCall) -> Mapping[str, Any] | None:
        try:
            return await self._get(call)
        except AwsRefused as error:
            if aws_code(error) in _ABSENT:
                return None
            raise

    @staticmethod
    async def _seen(looking: Awaitable[_T]) -> _T | Unreadable:
        try:
            return await looking
        except AwsRefused as error:
            if aws_code(error) in _DENIED:
                return Unreadable(error.message, error.hint)
            raise

    async def _bucket(self, desired: Desired) -> ObservedBucket | None:
        where = {"Bucket": desired.bucket}
        try:
            head = await self._maybe(s3("HeadBucket", desired.region, **where))
        except AwsRefused as error:
            if aws_code(error) not in _DENIED | {"403"}:
                raise
            return ObservedBucket(foreign=True)
        if head is None:
            return None
        region = head.get("BucketRegion") or desired.region
        tags = await self._maybe(s3("GetBucketTagging", region, **where))
        block = await self._maybe(s3("GetPublicAccessBlock", region, **where))
        rules = s3("GetBucketLifecycleConfiguration", region, **where)
        return ObservedBucket(
            region=region,
            lifecycle=await self._seen(self._maybe(rules)),
            tags=tags_of(tags or {}, "TagSet"),
            public_access=(block or {}).get("PublicAccessBlockConfiguration"),
        )

    async def _policy(self, desired: Desired) -> ObservedPolicy | None:
        where = {"PolicyArn": desired.policy_arn}
        answer = await self._maybe(iam("GetPolicy", **where))
        if answer is None:
            return None
        policy = answer["Policy"]
        version, versions = await asyncio.gather(
            self._get(iam("GetPolicyVersion", **where, VersionId=policy["DefaultVersionId"])),
            self.listed(iam("ListPolicyVersions", **where), "Versions"),
        )
        return ObservedPolicy(
            tags=tags_of(policy),
            document=version["PolicyVersion"]["Document"],
            versions=tuple(
                PolicyVersion(item["VersionId"], item["IsDefaultVersion"], item["CreateDate"])
                for item in versions
            ),
        )

    async def _user(self, desired: Desired) -> ObservedUser | None:
        where = {"UserName": desired.user}
        answer = await self._maybe(iam("GetUser", **where))
        if answer is None:
            return None
        console, names, attached, groups, keys = await asyncio.gather(
            self._maybe(iam("GetLoginProfile", **where)),
            self.listed(iam("ListUserPolicies", **where), "PolicyNames"),
            self.listed(iam("ListAttachedUserPolicies", **where), "AttachedPolicies"),
            self.listed(iam("ListGroupsForUser", **where), "Groups"),
            self.keys(desired.user),
        )
        documents = await asyncio.gather(
            *(self._get(iam("GetUserPolicy", **where, PolicyName=name)) for name in names)
        )
        return ObservedUser(
            tags=tags_of(answer["User"]),
            console=console is not None,
            inline={item["PolicyName"]: item["PolicyDocument"] for item in documents},
            attached=tuple(item["PolicyArn"] for item in attached),
            groups=tuple(item["GroupName"] for item in groups),
            keys=keys,
        )

    async def _key(self, item: Mapping[str, Any]) -> ObservedKey:
        call = iam("GetAccessKeyLastUsed", AccessKeyId=item["AccessKeyId"])
        used = await self._maybe(call) or {}
        return ObservedKey(
            id=item["AccessKeyId"],
            active=item["Status"] == "Active",
            created_at=item["CreateDate"],
            last_used_at=used.get("AccessKeyLastUsed", {}).get("LastUsedDate"),
        )

    async def _role(self, desired: Desired) -> ObservedRole | None:
        where = {"RoleName": desired.role}
        answer = await self._maybe(iam("GetRole", **where))
        if answer is None:
            return None
        role = answer["Role"]
        attached, inline = await asyncio.gather(
            self.listed(iam("ListAttachedRolePolicies", **where), "AttachedPolicies"),
            self.listed(iam("ListRolePolicies", **where), "PolicyNames"),
        )
        return ObservedRole(
            tags=tags_of(role),
            trust=role["AssumeRolePolicyDocument"],
            boundary=role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            attached=tuple(item["PolicyArn"] for item in attached),
            inline=tuple(inline),
        )
