"""Checks in order, each timed; those after one that failed are skipped, with the reason."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports import Clock
from valetkey.domain.verification import Check, Outcome

T_co = TypeVar("T_co", covariant=True)

#: Called with each check as soon as it is known.
OnCheck = Callable[[Check], None]


def ignore_check(check: Check) -> None:
    """Hear of a check, and do nothing."""
    del check


@dataclass(frozen=True, slots=True)
class CallResult(Generic[T_co]):
    """What came of one call: a value, or the error."""

    value: T_co | None
    error: AwsRefused | AwsUnavailable | None
    seconds: float

    @property
    def layer(self) -> str:
        """Which layer refuses, as far as AWS's words tell."""
        return str(self.error.details.get("layer", "")) if self.error else ""

    @property
    def code(self) -> str:
        """AWS's own error code."""
        return str(self.error.details.get("aws_code", "")) if self.error else ""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a check is about. An ``advisory`` one stops nothing."""

    name: str
    text: str
    advisory: bool = False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A better word on an error than AWS's general meaning. Empty parts leave that as it is."""

    cause: str = ""
    fix: str = ""
    layer: str = ""


class Checklist:
    """The checks of one subject: an integration, or one location on it."""

    def __init__(
        self, clock: Clock, on_check: OnCheck = ignore_check, *, subject: str = ""
    ) -> None:
        self._clock = clock
        self._on_check = on_check
        self._subject = subject
        self.checks: list[Check] = []
        #: Why what is left is not tried; empty while it is.
        self.stopped = ""

    async def attempt(self, call: Callable[[], Awaitable[T_co]]) -> CallResult[T_co]:
        """Make a call, timed. Raises nothing that AWS says."""
        started = self._clock.monotonic()
        try:
            value = await call()
        except (AwsRefused, AwsUnavailable) as error:
            return CallResult(None, error, self._clock.monotonic() - started)
        return CallResult(value, None, self._clock.monotonic() - started)

    async def check(
        self,
        claim: Claim,
        probe: Callable[[], Awaitable[object]],
        explanation: Explanation | None = None,
    ) -> bool:
        """Try one claim; ``probe`` raises where it does not hold. Return whether it holds."""
        if self.stopped:
            self.skip(claim, self.stopped)
            return False
        return self.judge(claim, await self.attempt(probe), explanation)

    def judge(
        self, claim: Claim, attempt: CallResult[object], explanation: Explanation | None = None
    ) -> bool:
        """Say how a claim did in an attempt, and stop at a failure that is not advisory."""
        error, explanation = attempt.error, explanation or Explanation()
        if error is None:
            self._add(
                Check(
                    claim.name,
                    claim.text,
                    Outcome.PASSED,
                    seconds=attempt.seconds,
                    advisory=claim.advisory,
                )
            )
            return True
        refused = isinstance(error, AwsRefused)
        self._add(
            Check(
                claim.name,
                claim.text,
                Outcome.FAILED if refused else Outcome.UNKNOWN,
                cause=(explanation.cause if refused else "") or error.message,
                fix=(explanation.fix if refused else "") or error.hint,
                aws_error=_aws_words(error),
                seconds=attempt.seconds,
                layer=explanation.layer or attempt.layer,
                advisory=claim.advisory,
            )
        )
        if not claim.advisory:
            done = "failed" if refused else "got no answer"
            self.stopped = f"The check {claim.name!r} {done}."
        return False

    def fail(self, claim: Claim, explanation: Explanation, *, seconds: float = 0.0) -> None:
        """Say that a claim does not hold, although AWS answered."""
        self.judge(
            claim,
            CallResult(None, AwsRefused(explanation.cause, hint=explanation.fix), seconds),
            explanation,
        )

    def series(
        self,
        claims: Sequence[Claim],
        attempt: CallResult[object],
        failing: str = "",
        *,
        unproven: str = "",
        explanation: Explanation | None = None,
    ) -> bool:
        """Judge several claims by one call. ``failing`` names the one that its error is about;
        those before it hold, unless they are ``unproven`` for a reason."""
        for claim in claims:
            if self.stopped:
                self.skip(claim, self.stopped)
            elif attempt.error is None or claim.name == failing:
                self.judge(claim, attempt, explanation)
            elif unproven:
                self.skip(claim, unproven)
            else:
                self._add(Check(claim.name, claim.text, Outcome.PASSED, seconds=attempt.seconds))
        return attempt.error is None

    def resume(self) -> str:
        """Go on in spite of a failure; return why it had stopped."""
        why, self.stopped = self.stopped, ""
        return why

    def skip(self, claim: Claim, why: str) -> None:
        """Say that a claim was not tried, and why."""
        self._add(
            Check(claim.name, claim.text, Outcome.SKIPPED, cause=why, advisory=claim.advisory)
        )

    def holds(self, claim: Claim, seconds: float = 0.0) -> None:
        """Say that a claim holds, as something else has shown."""
        self._add(
            Check(claim.name, claim.text, Outcome.PASSED, seconds=seconds, advisory=claim.advisory)
        )

    def _add(self, check: Check) -> None:
        if self._subject:
            check = replace(check, subject=self._subject)
        self.checks.append(check)
        self._on_check(check)


def _aws_words(error: AwsRefused | AwsUnavailable) -> str:
    code, text = error.details.get("aws_code", ""), error.details.get("aws_message", "")
    return ": ".join(part for part in (str(code), str(text)) if part)
