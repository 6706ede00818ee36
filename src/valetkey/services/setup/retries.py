"""IAM is eventually consistent: what was just made may not be seen yet. Waiting, with bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from valetkey.domain.errors import AwsRefused, AwsUnavailable
from valetkey.domain.ports.setup import AwsApi
from valetkey.domain.ports.time import Clock, Entropy
from valetkey.domain.setup.calls import AwsCall

#: Told before each wait: why, and for how many seconds.
OnWait = Callable[[str, float], None]

#: AWS's own words for "in a moment".
_BUSY: Final = {
    "EntityTemporarilyUnmodifiable",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "OperationAborted",
    "ServiceFailure",
}
#: What a thing made a moment ago can look like until it is visible everywhere.
_NOT_YET: Final = {"NoSuchEntity", "NoSuchBucket"}
_FIRST_DELAY: Final = 0.5
_LONGEST_DELAY: Final = 8.0


def aws_code(error: AwsRefused | AwsUnavailable) -> str:
    """Return AWS's own error code, or an empty string."""
    return str(error.details.get("aws_code", ""))


def _principal_not_visible(error: AwsRefused) -> bool:
    # Any other malformed document stays malformed, however long one waits.
    text = str(error.details.get("aws_message", "")).lower()
    return aws_code(error) == "MalformedPolicyDocument" and "principal" in text


class CallRetries:
    """Repeats calls until they go through, within a number of seconds."""

    def __init__(self, clock: Clock, entropy: Entropy, *, limit: float) -> None:
        self._clock = clock
        self._entropy = entropy
        self._limit = limit

    async def call(
        self,
        aws: AwsApi,
        call: AwsCall,
        *,
        awaits: frozenset[str] = frozenset(),
        on_wait: OnWait | None = None,
    ) -> Mapping[str, Any]:
        """Send a call, again while AWS is busy or unreachable, or answers with a code in
        ``awaits``. Raises the last AwsRefused or AwsUnavailable when the time is up."""
        started = self._clock.monotonic()
        attempt = 0
        while True:
            try:
                return await aws.call(call)
            except (AwsRefused, AwsUnavailable) as error:
                if not self._worth_waiting(call, error, awaits):
                    raise
                delay = self.delay(attempt)
                if self._clock.monotonic() + delay - started > self._limit:
                    raise
                attempt += 1
                if on_wait:
                    on_wait(f"{call.action}: {aws_code(error) or error.message}", delay)
            await self._clock.sleep(delay)

    async def write(
        self, aws: AwsApi, call: AwsCall, *, on_wait: OnWait | None = None
    ) -> Mapping[str, Any]:
        """Send a call that builds on things that may not be visible yet."""
        return await self.call(aws, call, awaits=frozenset(_NOT_YET), on_wait=on_wait)

    def delay(self, attempt: int) -> float:
        """Return how many seconds to wait after a number of failed attempts: doubling, jittered."""
        longest = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**attempt)
        return self._entropy.uniform(longest / 2, longest)

    @property
    def limit(self) -> float:
        """How many seconds one wait may last altogether."""
        return self._limit

    @staticmethod
    def _worth_waiting(
        call: AwsCall, error: AwsRefused | AwsUnavailable, awaits: frozenset[str]
    ) -> bool:
        if isinstance(error, AwsUnavailable):
            return call.repeatable
        return aws_code(error) in _BUSY | awaits or _principal_not_visible(error)
