"""Who may come in at all. MiniStack has back doors; an allow-list in front of it shuts them.

What MiniStack 1.5.33 does by itself (its ``iam_evaluator.is_root_access_key``, ``app.py``; each
was tried): the key ids ``test``, its configured one and any twelve digits are root, in a SigV4
header, a SigV2 header or a query of any shape, and their signature is not checked; a request
without a signature may list and make buckets; ``/_ministack`` and its like control it.
"""

from __future__ import annotations

import re
from typing import Final

from valetkey.embedded.requests import ClaimedIdentity, StandInCall
from valetkey.embedded.rules import Refusal

#: The only key ids there are after the bootstrap: those that IAM and STS gave out.
_KEY_ID: Final = re.compile(r"A[KS]IA[A-Z0-9]{12,124}")
_OPEN_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_DENIED: Final = Refusal(403, "AccessDenied", "Access Denied")
_UNSIGNED: Final = Refusal(
    403, "MissingAuthenticationToken", "Request is missing Authentication Token"
)
_AMBIGUOUS: Final = Refusal(
    400,
    "InvalidArgument",
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
    "string parameter or the Authorization header should be specified",
)
_INVALID_KEY: Final = Refusal(
    403, "InvalidClientTokenId", "The security token included in the request is invalid."
)
_INVALID_S3_KEY: Final = Refusal(
    403,
    "InvalidAccessKeyId",
    "The AWS Access Key Id you provided does not exist in our records.",
)


def shut(call: StandInCall, claims: ClaimedIdentity) -> Refusal | None:
    """Return why a request does not come in, or None for one that AWS itself would look at."""
    if _is_control(call.path):
        return _DENIED
    if not claims.signed:
        return _unsigned(call)
    if len(claims.key_ids) > 1:
        return _AMBIGUOUS
    if not all(map(_KEY_ID.fullmatch, claims.key_ids)):
        return _INVALID_S3_KEY if call.service == "s3" else _INVALID_KEY
    if not claims.key_ids:
        return _DENIED if call.service == "s3" else _UNSIGNED
    return None


def _is_control(path: str) -> bool:
    """No bucket's name starts with ``_``, so nothing of S3 is lost below ``/_``."""
    shown = "/" + path.lstrip("/")
    return shown.startswith("/_") or shown == "/health"


def _unsigned(call: StandInCall) -> Refusal | None:
    """Of S3, looking at a bucket or an object: whether it is public is MiniStack's to say."""
    if call.service != "s3":
        return _UNSIGNED
    looking = call.method in _OPEN_METHODS and call.path.strip("/") != ""
    return None if looking else _DENIED
