"""Tokens against forged requests.

A signed-in page's token is derived from its session: nothing is stored, and a token dies with the
session. The sign-in form has no session yet; it carries what a cookie of the same page holds.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

_PURPOSE: Final = b"valetkey console csrf"


def csrf_token(session: str) -> str:
    """Return the token of the forms of a session (64 hex digits)."""
    return hmac.new(session.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def same_token(given: str, expected: str) -> bool:
    """Compare in constant time; an empty expectation matches nothing."""
    return bool(expected) and hmac.compare_digest(given.encode(), expected.encode())


def from_here(headers: Mapping[str, str]) -> bool:
    """Tell whether a browser says that the request came from our own pages.

    ``Sec-Fetch-Site`` and ``Origin`` can't be set by a page. A client that sends neither is not a
    browser, and a forged request needs one.
    """
    site = headers.get("sec-fetch-site", "same-origin")
    origin = headers.get("origin", "")
    if site not in {"same-origin", "none"}:
        return False
    return not origin or urlsplit(origin).netloc == headers.get("host", "")
