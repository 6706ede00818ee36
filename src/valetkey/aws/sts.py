"""STS over botocore. Implements ports.Sts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from valetkey.aws.clients import Clients
from valetkey.aws.errors import unreachable
from valetkey.aws.partitions import region_within
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.ports import AssumeRole, CallerIdentity
from valetkey.domain.secret import Secret


class BotoSts:
    """AWS's Security Token Service."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, region: str = ""
    ) -> CallerIdentity:
        answer = await self._clients.call("sts", "GetCallerIdentity", key, region=region)
        try:
            return CallerIdentity(answer["Account"], answer["Arn"], answer["UserId"])
        except KeyError as error:
            raise unreachable(OSError(str(error)), "sts:GetCallerIdentity") from None

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        optional: dict[str, Any] = {"Policy": order.policy, "ExternalId": order.external_id or None}
        answer = await self._clients.call(
            "sts",
            "AssumeRole",
            key,
            region=region_within(
                order.role_arn.partition, order.region, self._clients.settings.region
            ),
            RoleArn=str(order.role_arn),
            RoleSessionName=order.session_name,
            DurationSeconds=int(order.duration.total_seconds()),
            **{name: value for name, value in optional.items() if value is not None},
        )
        return _credentials(answer)


def _credentials(answer: dict[str, Any]) -> TemporaryCredentials:
    try:
        given = answer["Credentials"]
        expires = given["Expiration"]
        if isinstance(expires, datetime):
            return TemporaryCredentials(
                given["AccessKeyId"],
                Secret(given["SecretAccessKey"]),
                Secret(given["SessionToken"]),
                expires.astimezone(UTC),
            )
    except (KeyError, TypeError, ValueError):
        pass  # raised below, without an exception that quotes the answer
    raise unreachable(OSError(), "sts:AssumeRole")
