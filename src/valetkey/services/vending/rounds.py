"""How often, and for how long, what changes meanwhile is decided anew.

Whoever asks is answered within 15 s, whatever STS does: a call to STS ends within 10 s
(``aws_sts_seconds``), and another one, for a round within a round or with the key before, is begun
only while the first of its kind has not taken long.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.ports import Clock

_MOST: Final = 5
#: Rounds stand within rounds, and a second key within both: three of these and a call make 15 s.
PATIENCE: Final = 1.5


def rounds(clock: Clock) -> Iterator[int]:
    """Count the rounds that there is time for: the first, and some more soon after it."""
    begun = clock.monotonic()
    for number in range(_MOST):
        if number and clock.monotonic() - begun > PATIENCE:
            return
        yield number


def unsettled() -> AwsUnavailable:
    """Return the error for whoever asks while everything keeps changing."""
    return AwsUnavailable(
        "Rights and integrations keep changing while the credentials are being made.",
        hint="Ask again in a moment.",
    )
