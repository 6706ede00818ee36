"""Reading the policies themselves: what the key's user and the role have, and the bucket."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Final, TypeVar

from valetkey.domain.diagnosis.iam import Policy, parse_policy
from valetkey.domain.diagnosis.view import (
    Subject,
    View,
    ViewedBucket,
    ViewedKey,
    ViewedRole,
    ViewedUser,
)
from valetkey.domain.errors import ACCESS_DENIED, AwsRefused
from valetkey.domain.ports import Clock
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.setup import AwsCall, Unreadable, iam, s3
from valetkey.services.setup.observe import tags_of
from valetkey.services.setup.retries import aws_code

_T = TypeVar("_T")

_ABSENT: Final = frozenset(
    {
        "404",
        "InvalidClientTokenId",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchPublicAccessBlockConfiguration",
        "NotFoundException",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)


class AwsReader:
    """Looks, and changes nothing. What may not be looked at is Unreadable."""

    def __init__(self, aws: AwsApi, clock: Clock) -> None:
        self._aws = aws
        self._clock = clock

    async def view(self, subject: Subject) -> View:
        """Return what can be seen. Raises AwsUnavailable, and AwsRefused for the administrator's
        own credentials."""
        key = await _seen(self._key(subject.access_key_id))
        user = await _seen(self._user(key.user)) if isinstance(key, ViewedKey) else key
        role = await _seen(self._role(subject))
        bucket = await _seen(self._bucket(subject)) if subject.bucket else None
        return View(self._clock.now(), key, user, role, bucket)

    async def _maybe(self, call: AwsCall) -> Mapping[str, Any] | None:
        try:
            return await self._aws.call(call)
        except AwsRefused as error:
            if aws_code(error) in _ABSENT:
                return None
            raise

    async def _listed(self, call: AwsCall, member: str) -> list[Any]:
        items: list[Any] = []
        marker: dict[str, str] = {}
        while True:
            page = AwsCall(call.service, call.operation, {**call.parameters, **marker})
            answer = await self._aws.call(page)
            items.extend(answer.get(member, []))
            if not answer.get("IsTruncated"):
                return items
            marker = {"Marker": answer["Marker"]}

    async def _key(self, key_id: str) -> ViewedKey | None:
        used = await self._maybe(iam("GetAccessKeyLastUsed", AccessKeyId=key_id))
        user = (used or {}).get("UserName", "")
        if not user:
            return None
        try:
            keys = await self._listed(iam("ListAccessKeys", UserName=user), "AccessKeyMetadata")
        except AwsRefused as error:
            if aws_code(error) in _ABSENT:
                return None
            raise
        found = next((key for key in keys if key["AccessKeyId"] == key_id), None)
        return ViewedKey(user, found["Status"] == "Active") if found else None

    async def _user(self, name: str) -> ViewedUser | None:
        where = {"UserName": name}
        answer = await self._maybe(iam("GetUser", **where))
        if answer is None:
            return None
        policies = await self._policies("User", name)
        for group in await self._listed(iam("ListGroupsForUser", **where), "Groups"):
            policies += await self._policies("Group", group["GroupName"])
        return ViewedUser(
            arn=answer["User"]["Arn"],
            policies=tuple(policies),
            boundary=await self._boundary(answer["User"]),
        )

    async def _policies(self, kind: str, name: str) -> list[Policy]:
        """Return the inline and attached policies of a ``User``, ``Group`` or ``Role``."""
        where = {f"{kind}Name": name}
        owner = f"{kind.lower()} {name}"
        found = []
        for inline in await self._listed(iam(f"List{kind}Policies", **where), "PolicyNames"):
            answer = await self._aws.call(iam(f"Get{kind}Policy", **where, PolicyName=inline))
            title = f"inline policy {inline} of the {owner}"
            found.append(parse_policy(title, _document(answer["PolicyDocument"])))
        listing = iam(f"ListAttached{kind}Policies", **where)
        for attached in await self._listed(listing, "AttachedPolicies"):
            arn = attached["PolicyArn"]
            found.append(await self._managed(arn, f"policy {arn} on the {owner}"))
        return found

    async def _managed(self, arn: str, title: str) -> Policy:
        policy = (await self._aws.call(iam("GetPolicy", PolicyArn=arn)))["Policy"]
        version = iam("GetPolicyVersion", PolicyArn=arn, VersionId=policy["DefaultVersionId"])
        answer = await self._aws.call(version)
        return parse_policy(title, _document(answer["PolicyVersion"]["Document"]))

    async def _boundary(self, owner: Mapping[str, Any]) -> Policy | None:
        arn = owner.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
        return await self._managed(arn, f"permissions boundary {arn}") if arn else None

    async def _role(self, subject: Subject) -> ViewedRole | None:
        name = subject.role.name
        answer = await self._maybe(iam("GetRole", RoleName=name))
        if answer is None:
            return None
        role = answer["Role"]
        trust = _document(role["AssumeRolePolicyDocument"])
        return ViewedRole(
            arn=role["Arn"],
            id=role["RoleId"],
            policies=tuple(await self._policies("Role", name)),
            boundary=await self._boundary(role),
            trust=parse_policy(f"trust policy of the role {name}", trust),
            trust_document=trust,
            max_session=int(role.get("MaxSessionDuration", 3600)),
            tags=tags_of(role),
        )

    async def _bucket(self, subject: Subject) -> ViewedBucket | None:
        where, asked = {"Bucket": subject.bucket}, subject.region or ""
        head = await self._maybe(s3("HeadBucket", asked, **where))
        if head is None:
            return None
        region = str(head.get("BucketRegion") or asked)
        policy = await self._maybe(s3("GetBucketPolicy", region, **where))
        block = await self._maybe(s3("GetPublicAccessBlock", region, **where))
        switches = (block or {}).get("PublicAccessBlockConfiguration", {})
        key = await self._kms_key(region, where)
        return ViewedBucket(
            region=region,
            policy=(
                parse_policy(f"policy of the bucket {subject.bucket}", _document(policy["Policy"]))
                if policy
                else None
            ),
            blocks_public_access=len(switches) == 4 and all(switches.values()),  # noqa: PLR2004
            kms_key=key,
            key_policy=await _seen(self._key_policy(key, region)) if key else None,
        )

    async def _kms_key(self, region: str, where: Mapping[str, str]) -> str:
        found = await self._maybe(s3("GetBucketEncryption", region, **where))
        rules = (found or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
        for rule in rules:
            default = rule.get("ApplyServerSideEncryptionByDefault", {})
            if str(default.get("SSEAlgorithm", "")).startswith("aws:kms"):
                return str(default.get("KMSMasterKeyID", ""))
        return ""

    async def _key_policy(self, key: str, region: str) -> Policy | None:
        call = AwsCall("kms", "GetKeyPolicy", {"KeyId": key, "PolicyName": "default"}, region)
        found = await self._maybe(call)
        return (
            parse_policy(f"policy of the key {key}", _document(found["Policy"])) if found else None
        )


async def _seen(looking: Awaitable[_T]) -> _T | Unreadable:
    try:
        return await looking
    except AwsRefused as error:
        if aws_code(error) in ACCESS_DENIED:
            return Unreadable(error.message, error.hint)
        raise


def _document(raw: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(raw) if isinstance(raw, str) else raw
    return found
