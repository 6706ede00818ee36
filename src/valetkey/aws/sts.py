"""STS. Implements ports.Sts."""

from __future__ import annotations

from datetime import UTC, datetime
from xml.etree.ElementTree import Element

from valetkey.aws.answers import child, child_text
from valetkey.aws.clients import Clients
from valetkey.aws.errors import unreachable
from valetkey.aws.partitions import region_within
from valetkey.aws.retries import Retries
from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.ports import AssumeRole, CallerIdentity
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.secret import Secret

_ASSUMING = "sts:AssumeRole"


class BotoSts:
    """AWS's Security Token Service."""

    def __init__(self, clients: Clients, clock: Clock, entropy: Entropy) -> None:
        self._clients = clients
        self._clock = clock
        self._retries = Retries(clients.settings.attempts, clock, entropy)

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, region: str = ""
    ) -> CallerIdentity:
        answer = await self._clients.call("sts", "GetCallerIdentity", key, region=region)
        try:
            return CallerIdentity(answer["Account"], answer["Arn"], answer["UserId"])
        except KeyError as error:
            raise unreachable(OSError(str(error)), "sts:GetCallerIdentity") from None

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        return await self._retries.run(
            lambda: self._assume(key, order),
            doing=_ASSUMING,
            seconds=self._clients.settings.sts_seconds,
        )

    async def _assume(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        result = await self._clients.post(
            "sts",
            "AssumeRole",
            key,
            _form(order),
            region=region_within(
                order.role_arn.partition, order.region, self._clients.settings.region
            ),
            now=self._clock.now(),
        )
        return _credentials(result)


def _form(order: AssumeRole) -> dict[str, str]:
    form = {
        "RoleArn": str(order.role_arn),
        "RoleSessionName": order.session_name,
        "DurationSeconds": str(int(order.duration.total_seconds())),
    }
    if order.policy is not None:
        form["Policy"] = order.policy
    if order.external_id:
        form["ExternalId"] = order.external_id
    return form


def _credentials(result: Element) -> TemporaryCredentials:
    given = child(result, "Credentials")
    key_id, secret, token = (
        child_text(given, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")
    )
    expires_at = _moment(child_text(given, "Expiration"))
    if not (key_id and secret and token and expires_at):
        raise unreachable(OSError("garbage"), _ASSUMING)
    return TemporaryCredentials(key_id, Secret(secret), Secret(token), expires_at)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
