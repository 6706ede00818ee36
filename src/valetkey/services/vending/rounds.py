"""How often, and for how long, what changes meanwhile is decided anew.

Whoever asks is answered within 15 s, whatever STS does: a call to STS ends within 10 s
(``aws_sts_seconds``), and another one, for a round more or with the key before, is begun only while
there is time for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from valetkey.domain.errors import Unsettled
from valetkey.domain.ports import Clock

_MOST: Final = 5
#: A round is begun so soon after the first, or not at all.
PATIENCE: Final = 4.0
#: So quickly a key has to be refused for another one to be tried.
KEY_PATIENCE: Final = 0.9


def rounds(clock: Clock, begun: float | None = None) -> Iterator[int]:
    """Count the rounds that there is time for: the first, and more of them while whoever asks has
    not waited for long. ``begun`` is when they began to, if not now."""
    first = clock.monotonic() if begun is None else begun
    for number in range(_MOST):
        if number and clock.monotonic() - first > PATIENCE:
            return
        yield number


def unsettled() -> Unsettled:
    """Return the error for whoever asks while everything keeps changing."""
    return Unsettled(
        "Rights and integrations keep changing while the credentials are being made.",
        hint="Ask again in a moment.",
    )
