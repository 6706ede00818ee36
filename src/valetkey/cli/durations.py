"""Spans of time as people type them: 90m, 24h, 30d."""

from __future__ import annotations

import re
from typing import Final

from valetkey.sdk.errors import InvalidRequest

_SPAN: Final = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_span(text: str, option: str) -> int:
    """Return how many seconds a span is. Raises InvalidRequest."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidRequest(
            f"{option} {text!r} is not a span of time.", hint="Such as 90m, 24h or 30d."
        )
    return int(found[1]) * _SECONDS[found[2]]
