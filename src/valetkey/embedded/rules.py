"""What AWS refuses and MiniStack does not, checked here so that nobody relies on the gap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from valetkey.embedded.requests import StandInCall

_SESSION_NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_MAX_KEYS: Final = 2
_MIN_SECONDS: Final = 900
_DEFAULT_MAX_SECONDS: Final = 3600
_STAMP: Final = "%Y%m%dT%H%M%SZ"
#: How far a signature's time may be off: IAM and STS, and S3.
_WINDOW: Final = timedelta(minutes=5)
_S3_WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer in AWS's words."""

    status: int
    code: str
    message: str


TOO_LARGE: Final = Refusal(413, "RequestEntityTooLarge", "Request size exceeded the limit allowed.")


def skewed(call: StandInCall, signed_at: str, now: datetime) -> Refusal | None:
    """Return what AWS says of a signature that is too old or too new by its own clock."""
    try:
        signed = datetime.strptime(signed_at, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    window = _S3_WINDOW if call.service == "s3" else _WINDOW
    if abs(signed - now) <= window:
        return None
    if call.service == "s3":
        return Refusal(
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current time is too large.",
        )
    if signed < now:
        early = f"{now - window:{_STAMP}} ({now:{_STAMP}} - 5 min.)"
        words = f"Signature expired: {signed_at} is now earlier than {early}"
    else:
        late = f"{now + window:{_STAMP}} ({now:{_STAMP}} + 5 min.)"
        words = f"Signature not yet current: {signed_at} is still later than {late}"
    return Refusal(403, "SignatureDoesNotMatch", words)


def refusal(call: StandInCall) -> Refusal | None:
    """Return what AWS would refuse about a call, or None."""
    if call.action == "AssumeRole":
        return _assume_role(call)
    if call.action == "CreateAccessKey":
        return _third_key(call)
    return None


def _assume_role(call: StandInCall) -> Refusal | None:
    name = call.form.get("RoleSessionName", "")
    if not _SESSION_NAME.fullmatch(name):
        return Refusal(
            400,
            "ValidationError",
            f"1 validation error detected: Value '{name}' at 'roleSessionName' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
        )
    seconds = call.form.get("DurationSeconds", str(_DEFAULT_MAX_SECONDS))
    if not seconds.isdigit() or int(seconds) < _MIN_SECONDS:
        return Refusal(
            400,
            "ValidationError",
            f"1 validation error detected: Value '{seconds}' at 'durationSeconds' failed to "
            "satisfy constraint: Member must have value greater than or equal to 900",
        )
    if int(seconds) > _longest(call.form.get("RoleArn", "")):
        return Refusal(
            400,
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    return None


def _longest(role_arn: str) -> int:
    from ministack.services import iam  # noqa: PLC0415  # only once AUTH is in the environment

    role = iam._roles.get(role_arn.rpartition("/")[2], {})  # noqa: SLF001
    return int(role.get("MaxSessionDuration", _DEFAULT_MAX_SECONDS))


def _third_key(call: StandInCall) -> Refusal | None:
    from ministack.services import iam  # noqa: PLC0415

    keys = iam._access_keys  # noqa: SLF001
    own = keys.get(call.key_id, {}).get("UserName", "")
    user = call.form.get("UserName") or own
    if sum(key["UserName"] == user for key in keys.values()) < _MAX_KEYS:
        return None
    return Refusal(409, "LimitExceeded", f"Cannot exceed quota for AccessKeysPerUser: {_MAX_KEYS}")
