"""The first half of the page: the key, the user's right, the role's trust, the session's length."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from valetkey.counting import counted
from valetkey.domain.credentials import (
    DEFAULT_TTL,
    MIN_TTL,
    AccessKey,
    OwnIdentity,
    TemporaryCredentials,
)
from valetkey.domain.diagnosis import Layer, Names, fixes
from valetkey.domain.errors import AwsRefused, NotOffered
from valetkey.domain.integration import Integration
from valetkey.domain.ports import AssumeRole, CallerIdentity, Clock, Sts
from valetkey.services.verification.checklist import CallResult, Checklist, Claim, Explanation

SESSION_NAME: Final = "valetkey-verify"

_STS: Final = Claim("sts", "AWS's Security Token Service answers.")
_KEY: Final = Claim("key", "AWS knows the access key, and it is active.")
_SECRET: Final = Claim("secret", "The secret belongs to the key.")
_CLOCK: Final = Claim("clock", "This server's clock agrees with AWS's.")
_EXTERNAL: Final = Claim("external-id", "The role is refused to whoever does not say its id.")
_UNTOLD: Final = "AWS does not say which side refuses; see the next check."
_NOT_THERE_YET: Final = "AWS did not get that far: it looked at the time of the request first."
_NAMELESS: Final = "The store does not say whose a key is (GetCallerIdentity): the role is tried."
#: Layers that stand on the user's side of AssumeRole.
_USER_SIDE: Final = frozenset({Layer.IDENTITY, Layer.BOUNDARY, Layer.ORGANIZATION})
_LENGTH_WORDS: Final = ("maxsessionduration", "role chaining")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the key got: whose it is, and a session with the role's whole power."""

    names: Names
    whole: TemporaryCredentials | None = None


class IdentityChecks:
    """Checks what stands before any bucket. Uses nothing that the reference page does not grant."""

    def __init__(self, sts: Sts, clock: Clock) -> None:
        self._sts = sts
        self._clock = clock

    async def run(self, checks: Checklist, integration: Integration, key: AccessKey) -> Reach:
        """Check the key, then the role."""
        caller = await self._key(checks, integration, key)
        names = Names(
            integration.role_arn,
            user_arn=caller.arn if caller else "",
            external_id=integration.external_id,
        )
        whole = await self._role(checks, integration, key, names)
        return Reach(names, whole)

    async def _key(
        self, checks: Checklist, integration: Integration, key: AccessKey
    ) -> CallerIdentity | None:
        attempt = await checks.attempt(
            lambda: self._sts.caller_identity(key, partition=integration.role_arn.partition)
        )
        claims: tuple[Claim, ...] = (_STS, _KEY, _SECRET, _CLOCK)
        if isinstance(key, OwnIdentity):
            claims = (_STS, replace(_KEY, text="This server has an identity of its own."), _CLOCK)
        if isinstance(attempt.error, NotOffered):
            for claim in claims:
                checks.skip(claim, _NAMELESS)
            return None
        names = Names(integration.role_arn)
        failing = _failing_of_key(attempt)
        checks.series(
            claims,
            attempt,
            failing,
            unproven=_NOT_THERE_YET if failing == _CLOCK.name else "",
            explanation=self._explain_key(attempt, names),
        )
        return attempt.value

    def _explain_key(self, attempt: CallResult[CallerIdentity], names: Names) -> Explanation:
        if attempt.layer == Layer.CLOCK:
            return Explanation(cause=self._clock_words(attempt))
        if _failing_of_key(attempt) == _KEY.name and attempt.layer == Layer.CREDENTIALS:
            return Explanation(fix=fixes.list_keys(names))
        return Explanation()

    def _clock_words(self, attempt: CallResult[CallerIdentity]) -> str:
        """Say by how much the clocks differ, where AWS told its time."""
        error = attempt.error
        told = _http_time(str(error.details.get("aws_time", ""))) if error else None
        if error is None or told is None:
            return ""
        seconds = round((self._clock.now() - told).total_seconds())
        way = "ahead of" if seconds > 0 else "behind"
        return (
            f"{error.message} This server's clock is {counted(abs(seconds), 'second')} {way} AWS's."
        )

    async def _role(
        self, checks: Checklist, integration: Integration, key: AccessKey, names: Names
    ) -> TemporaryCredentials | None:
        claims = _role_claims(integration, names)
        if checks.stopped:
            for claim in (*claims[:2], _EXTERNAL, claims[2]):
                checks.skip(claim, checks.stopped)
            return None
        attempt = await checks.attempt(self._assume(key, integration))
        failing = _failing_of_role(attempt)
        untold = failing == "trust" and attempt.layer != Layer.TRUST
        explanation = _explain_role(attempt, failing, names)
        checks.series(
            claims[:2],
            attempt,
            failing,
            unproven=_UNTOLD if untold else "",
            explanation=explanation,
        )
        await self._external_id(checks, integration, key, names)
        if failing == "session-length":
            checks.judge(claims[2], attempt, explanation)
        else:
            await self._length(checks, claims[2], integration, key)
        return attempt.value

    async def _external_id(
        self, checks: Checklist, integration: Integration, key: AccessKey, names: Names
    ) -> None:
        """See that the role is refused without the external id: otherwise other users of this
        server could have it assumed for them (the confused deputy)."""
        if not integration.external_id:
            checks.skip(_EXTERNAL, "This integration has no external id: it has a user of its own.")
            return
        if checks.stopped:
            checks.skip(_EXTERNAL, checks.stopped)
            return
        bare = replace(integration, external_id="")
        attempt = await checks.attempt(self._assume(key, bare))
        if isinstance(attempt.error, AwsRefused):
            checks.holds(_EXTERNAL, attempt.seconds)
        elif attempt.error is not None:
            checks.judge(_EXTERNAL, attempt)
        else:
            cause = (
                "The role lets itself be assumed without the external id: whoever may use this "
                "server could have it assumed for them."
            )
            checks.fail(
                _EXTERNAL,
                Explanation(cause, fixes.trust_user(names), Layer.TRUST),
                seconds=attempt.seconds,
            )

    async def _length(
        self, checks: Checklist, claim: Claim, integration: Integration, key: AccessKey
    ) -> None:
        order = replace(assume_order(integration), duration=DEFAULT_TTL)
        await checks.check(claim, lambda: self._sts.assume_role(key, order))

    def _assume(
        self, key: AccessKey, integration: Integration
    ) -> Callable[[], Awaitable[TemporaryCredentials]]:
        return lambda: self._sts.assume_role(key, assume_order(integration))


def assume_order(integration: Integration, *, policy: str | None = None) -> AssumeRole:
    """Return the order for a short session of an integration's role."""
    return AssumeRole(
        integration.role_arn,
        SESSION_NAME,
        MIN_TTL,
        policy,
        external_id=integration.external_id,
    )


def _role_claims(integration: Integration, names: Names) -> tuple[Claim, Claim, Claim]:
    who = f"The user {names.user}" if ":user/" in names.user_arn else "This server"
    minutes = int(DEFAULT_TTL.total_seconds() // 60)
    return (
        Claim("assume", f"{who} may ask for the role {integration.role_arn}."),
        Claim("trust", f"The role {integration.role_arn.name} lets itself be assumed."),
        Claim("session-length", f"The role gives sessions of {counted(minutes, 'minute')}."),
    )


def _failing_of_key(attempt: CallResult[CallerIdentity]) -> str:
    """Which check an error of GetCallerIdentity, which needs no right at all, is about."""
    if attempt.error is None:
        return ""
    if attempt.layer == Layer.CLOCK:
        return _CLOCK.name
    if attempt.layer == Layer.CREDENTIALS:
        return _SECRET.name if attempt.code == "SignatureDoesNotMatch" else _KEY.name
    if isinstance(attempt.error, AwsRefused) and attempt.layer != Layer.REGION:
        return _KEY.name
    return _STS.name


def _failing_of_role(attempt: CallResult[TemporaryCredentials]) -> str:
    error = attempt.error
    if error is None:
        return ""
    words = str(error.details.get("aws_message", "")).lower()
    if any(word in words for word in _LENGTH_WORDS):
        return "session-length"
    if attempt.code in {"AccessDenied", "AccessDeniedException"} and (
        attempt.layer not in _USER_SIDE
    ):
        return "trust"
    return "assume"


def _explain_role(
    attempt: CallResult[TemporaryCredentials], failing: str, names: Names
) -> Explanation:
    if failing == "assume" and attempt.layer == Layer.IDENTITY:
        return Explanation(fix=fixes.allow_assume(names))
    if failing != "trust" or attempt.error is None:
        return Explanation()
    return Explanation(
        cause=f"{_strange(names)}{attempt.error.message}",
        fix=f"{attempt.error.hint}\n{fixes.trust_user(names)}",
        layer=Layer.TRUST,
    )


def _strange(names: Names) -> str:
    """Say what can be seen to be odd about the pair of ARNs, before any guess."""
    if not names.user_arn:
        return ""
    _, partition, _, _, account, who = names.user_arn.split(":", 5)
    if who == "root":
        return "The key belongs to the account's root user, and AWS lets root assume no role. "
    if partition != names.partition:
        return f"The key is of {partition}, and the role of {names.partition}. "
    if account != names.role.account:
        return (
            f"The key is of the account {account}, and the role of {names.role.account}: see that "
            "this is meant. "
        )
    return ""


def _http_time(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError):
        return None
