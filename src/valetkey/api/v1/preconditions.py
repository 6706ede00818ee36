"""ETags, and what a client says of them."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from valetkey.domain.errors import InvalidInput, VersionMismatch


def etag_of(result: Any) -> str:
    """Return the ETag of a resource: its version, or else the same for the same content."""
    version = getattr(result, "version", None)
    if version is not None:
        return f'"{version}"'
    content = msgspec.structs.asdict(result)
    for name in result.observed:
        del content[name]
    return f'"{hashlib.sha256(msgspec.json.encode(content)).hexdigest()[:32]}"'


def names_etag(header: str, etag: str) -> bool:
    """Tell whether a list of ETags, or ``*``, has this one."""
    tags = {tag.strip() for tag in header.split(",")}
    return "*" in tags or etag in tags


def is_known(header: str, etag: str) -> bool:
    """Tell whether a client has this version already (RFC 9110: a tag that a proxy has made weak
    is the same)."""
    return names_etag(",".join(tag.strip().removeprefix("W/") for tag in header.split(",")), etag)


def require_match(header: str, etag: str) -> None:
    """Refuse what was decided on an older version. Raises VersionMismatch, InvalidInput."""
    if not header.strip():
        raise InvalidInput("If-Match is empty.", hint="Send the ETag that you read, or nothing.")
    if not names_etag(header, etag):
        raise VersionMismatch(
            "It was changed since it was read.",
            hint="Read it again, and decide anew; nothing was changed by this request.",
            etag=etag,
        )
