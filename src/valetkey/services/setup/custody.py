"""Proving a key by using it, for a custodian that can use it itself."""

from __future__ import annotations

from collections.abc import Sequence

from valetkey.domain.credentials import MIN_TTL, AccessKey
from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.ports.time import Clock
from valetkey.domain.setup import AwsCall, Desired
from valetkey.domain.verification import Check, Outcome, Report
from valetkey.services.setup.retries import aws_code

_SESSION_NAME = "valetkey-setup"


async def prove_key(aws: AwsApi, clock: Clock, key: AccessKey, desired: Desired) -> Report:
    """Ask AWS who the key is, and assume the role with it. What AWS refuses is in the report."""
    who = AwsCall("sts", "GetCallerIdentity")
    assume = AwsCall(
        "sts",
        "AssumeRole",
        {
            "RoleArn": desired.role_arn,
            "RoleSessionName": _SESSION_NAME,
            "DurationSeconds": int(MIN_TTL.total_seconds()),
        },
    )
    claims: Sequence[tuple[str, str, AwsCall]] = (
        ("key", "AWS knows the access key, and the secret is right.", who),
        ("assume", f"The key opens the role {desired.role}.", assume),
    )
    checks: list[Check] = []
    for name, claim, call in claims:
        checks.append(await _check(aws, clock, key, name, claim, call))
        if checks[-1].outcome is not Outcome.PASSED:
            break
    return Report(tuple(checks))


async def _check(
    aws: AwsApi, clock: Clock, key: AccessKey, name: str, claim: str, call: AwsCall
) -> Check:
    started = clock.monotonic()
    outcome, cause, fix, words = Outcome.PASSED, "", "", ""
    try:
        await aws.call(call, key=key)
    except (AwsRefused, AwsUnavailable) as error:
        refused = isinstance(error, AwsRefused)
        outcome = Outcome.FAILED if refused else Outcome.UNKNOWN
        cause, fix, words = error.message, error.hint, aws_code(error)
    return Check(name, claim, outcome, cause, fix, words, clock.monotonic() - started)
