"""IAM over botocore: a user's access keys, and a role's inline policies.

Nothing is sent twice unseen: a CreateAccessKey that botocore repeats would make a second key. The
services wait and try again with a clock of their own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from valetkey.aws.clients import Clients
from valetkey.aws.errors import unreachable
from valetkey.aws.partitions import region_within
from valetkey.aws.settings import AwsSettings
from valetkey.domain.credentials import AccessKey, AwsCredentials
from valetkey.domain.errors import AwsRefused
from valetkey.domain.role_arn import RoleArn
from valetkey.domain.secret import Secret
from valetkey.domain.setup.observed import LONG_AGO, ObservedKey

_MISSING: Final = "NoSuchEntity"


class _Iam:
    """One call at a time."""

    def __init__(self, settings: AwsSettings) -> None:
        self._clients = Clients(settings)

    def close(self) -> None:
        """Let the threads go and close the connections."""
        self._clients.close()

    async def _call(
        self, operation: str, signer: AwsCredentials, partition: str, **parameters: Any
    ) -> dict[str, Any]:
        region = region_within(partition, "", self._clients.settings.region)
        return await self._clients.call("iam", operation, signer, region=region, **parameters)


class BotoAccessKeys(_Iam):
    """Implements ports.AccessKeys."""

    async def list_keys(self, signer: AwsCredentials, user: str) -> Sequence[ObservedKey]:
        partition, name = _user(user)
        answer = await self._call("ListAccessKeys", signer, partition, UserName=name)
        try:
            return [
                # SeaweedFS leaves the date out.
                ObservedKey(
                    key["AccessKeyId"], key["Status"] == "Active", key.get("CreateDate", LONG_AGO)
                )
                for key in answer["AccessKeyMetadata"]
            ]
        except (KeyError, TypeError) as error:
            raise unreachable(OSError(str(error)), "iam:ListAccessKeys") from None

    async def last_used(self, signer: AwsCredentials, user: str, key_id: str) -> datetime | None:
        partition, _ = _user(user)
        answer = await self._call("GetAccessKeyLastUsed", signer, partition, AccessKeyId=key_id)
        # A key that was never used has no date there.
        used: datetime | None = answer.get("AccessKeyLastUsed", {}).get("LastUsedDate")
        return used

    async def create(self, signer: AwsCredentials, user: str) -> AccessKey:
        partition, name = _user(user)
        answer = await self._call("CreateAccessKey", signer, partition, UserName=name)
        try:
            made = answer["AccessKey"]
            return AccessKey(made["AccessKeyId"], Secret(made["SecretAccessKey"]))
        except (KeyError, TypeError):
            pass  # raised below, without an exception that quotes the answer
        raise unreachable(OSError(), "iam:CreateAccessKey")

    async def set_active(
        self, signer: AwsCredentials, user: str, key_id: str, *, active: bool
    ) -> None:
        partition, name = _user(user)
        await self._call(
            "UpdateAccessKey",
            signer,
            partition,
            UserName=name,
            AccessKeyId=key_id,
            Status="Active" if active else "Inactive",
        )

    async def delete(self, signer: AwsCredentials, user: str, key_id: str) -> None:
        partition, name = _user(user)
        try:
            await self._call(
                "DeleteAccessKey", signer, partition, UserName=name, AccessKeyId=key_id
            )
        except AwsRefused as error:
            if error.details.get("aws_code") != _MISSING:
                raise


class BotoRolePolicies(_Iam):
    """Implements ports.RolePolicies."""

    async def get(
        self, signer: AwsCredentials, role: RoleArn, name: str
    ) -> Mapping[str, Any] | None:
        try:
            answer = await self._call(
                "GetRolePolicy", signer, role.partition, RoleName=role.name, PolicyName=name
            )
        except AwsRefused as error:
            if error.details.get("aws_code") == _MISSING:
                return None
            raise
        document = answer.get("PolicyDocument", {})
        # botocore decodes it; a stand-in may send it as text.
        parsed: Mapping[str, Any] = json.loads(document) if isinstance(document, str) else document
        return parsed

    async def put(self, signer: AwsCredentials, role: RoleArn, name: str, document: str) -> None:
        await self._call(
            "PutRolePolicy",
            signer,
            role.partition,
            RoleName=role.name,
            PolicyName=name,
            PolicyDocument=document,
        )

    async def delete(self, signer: AwsCredentials, role: RoleArn, name: str) -> None:
        try:
            await self._call(
                "DeleteRolePolicy", signer, role.partition, RoleName=role.name, PolicyName=name
            )
        except AwsRefused as error:
            if error.details.get("aws_code") != _MISSING:
                raise


def _user(arn: str) -> tuple[str, str]:
    """Return the partition and the name in a user's ARN (``arn:aws:iam::1:user/path/name``)."""
    return arn.split(":")[1], arn.rpartition("/")[2]
