"""Implements ports.Sts, by signed HTTP of our own.

However STS behaves, a call ends within ``sts_seconds``: an attempt may take half of that, so that
one that hangs is followed by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Final
from xml.etree.ElementTree import Element

import httpx2
from botocore.credentials import ReadOnlyCredentials

from valetkey.aws.connections import PostConnections
from valetkey.aws.direct import ResponseTooLong
from valetkey.aws.errors import cant_be, unreachable
from valetkey.aws.identity import OwnKeys, frozen, secrets_of
from valetkey.aws.partitions import partition_of, region_within
from valetkey.aws.query import QueryRequest, QueryResponse, query_request, result_of
from valetkey.aws.retries import Retries, within
from valetkey.aws.settings import AwsSettings
from valetkey.aws.signing import signed_headers
from valetkey.aws.xml_responses import child, child_text
from valetkey.domain.credentials import AccessKey, OwnIdentity, TemporaryCredentials
from valetkey.domain.errors import AwsUnavailable, InvalidInput
from valetkey.domain.location import parse_region
from valetkey.domain.partitions import dns_suffix
from valetkey.domain.ports import AssumeRole, CallerIdentity
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.secret import Secret

_VERSION: Final = "2011-06-15"
_LONGEST_ANSWER: Final = 256 * 1024


class AwsSts:
    """AWS's Security Token Service. ``transport`` stands in for the network."""

    def __init__(
        self,
        settings: AwsSettings,
        clock: Clock,
        entropy: Entropy,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._retries = Retries(settings.attempts, clock, entropy)
        self._own_identity = OwnKeys(settings.own_key)
        self._attempt_seconds = min(
            settings.connect_timeout + settings.read_timeout, settings.sts_seconds / 2
        )
        self._http = PostConnections(settings, transport=transport)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.close()

    async def caller_identity(
        self, key: AccessKey | TemporaryCredentials, *, partition: str = "aws"
    ) -> CallerIdentity:
        result = await self._call("GetCallerIdentity", key, {}, partition)
        account, arn, user_id = (child_text(result, name) for name in ("Account", "Arn", "UserId"))
        if not (account and arn and user_id):
            raise unreachable(OSError(), "sts:GetCallerIdentity", kind="garbage")
        return CallerIdentity(account, arn, user_id)

    async def assume_role(self, key: AccessKey, order: AssumeRole) -> TemporaryCredentials:
        partition, region = order.role_arn.partition, order.region
        return _credentials(await self._call("AssumeRole", key, _form(order), partition, region))

    async def _call(
        self,
        operation: str,
        key: AccessKey | TemporaryCredentials,
        form: Mapping[str, str],
        partition: str,
        region: str = "",
    ) -> Element:
        doing, wanted = f"sts:{operation}", region_within(partition, region, self._settings.region)
        endpoint = self._settings.sts_endpoint or _endpoint(wanted, doing)
        asked = {"Action": operation, "Version": _VERSION, **form}

        async def attempt() -> Element:
            signing_key = await self._signing_key(key)
            sign = partial(
                signed_headers,
                key=signing_key,
                region=wanted,
                now=self._clock.now(),
                service="sts",
            )
            answer = await self._exchange(query_request(endpoint, asked, sign), doing)
            if isinstance(answer, QueryResponse):
                return result_of(answer, doing, hide=secrets_of(signing_key))
            raise answer  # outside of any handler: an exception of httpx2 holds the request

        return await self._retries.run(
            lambda: within(self._attempt_seconds, doing, attempt()),
            doing=doing,
            seconds=self._settings.sts_seconds,
        )

    async def _signing_key(self, key: AccessKey | TemporaryCredentials) -> ReadOnlyCredentials:
        if isinstance(key, OwnIdentity):
            return await asyncio.to_thread(self._own_identity.key)
        return frozen(key)

    async def _exchange(self, request: QueryRequest, doing: str) -> QueryResponse | AwsUnavailable:
        try:
            answer = await self._http.post(
                request.url, request.headers, request.body, most=_LONGEST_ANSWER
            )
        except ResponseTooLong:
            return unreachable(OSError(), doing, kind="garbage")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, RuntimeError) as error:
            # RuntimeError: the connections are closed, since the server is stopping.
            return unreachable(OSError(), doing, kind=type(error).__name__)
        return QueryResponse(answer.status, answer.headers, answer.body)


def _endpoint(region: str, doing: str) -> str:
    """Return the regional STS, as botocore's rules have it."""
    try:
        named = parse_region(region)
    except InvalidInput:
        named = ""
    if not named:
        raise cant_be(doing)
    return f"https://sts.{named}.{dns_suffix(partition_of(named))}"


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
        raise unreachable(OSError(), "sts:AssumeRole", kind="garbage")
    return TemporaryCredentials(key_id, Secret(secret), Secret(token), expires_at)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else None
