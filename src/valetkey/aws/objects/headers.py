"""What the headers of S3's answers say about an object."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from valetkey.domain.ports.objects import Condition, Stored

_EXPIRY: Final = re.compile(r'expiry-date="([^"]*)"')
_TOTAL: Final = re.compile(r"bytes (?:\d+-\d+|\*)/(\d+)")
_CHECKSUM: Final = "x-amz-checksum-"
_META: Final = "x-amz-meta-"
#: What describes an object to whoever reads it.
DESCRIBING: Final = (
    *("content-type", "content-encoding", "content-language", "content-disposition"),
    *("cache-control", "expires"),
)
#: What travels with a copy beside that; each is a header of the answer and of the order alike.
_KEPT: Final = (
    *("x-amz-storage-class", "x-amz-website-redirect-location"),
    *("x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"),
    "x-amz-server-side-encryption-bucket-key-enabled",
)
#: What no object is larger than, and databases still hold.
LARGEST: Final = 2**63 - 1
#: How stores say that there is no object.
NOT_THERE: Final = frozenset({"404", "NoSuchKey", "NotFound"})
_CUSTOMERS_KEY: Final = "x-amz-server-side-encryption-customer-algorithm"


def stored_from(headers: Mapping[str, str], size: int) -> Stored:
    """Return an object's facts; the size is found out apart."""
    restore = headers.get("x-amz-restore", "")
    until = _EXPIRY.search(restore)
    return Stored(
        size=size,
        etag=plain_etag(headers.get("etag", "")),
        modified_at=_moment(headers.get("last-modified", "")) or datetime.fromtimestamp(0, UTC),
        content_type=headers.get("content-type", ""),
        content_encoding=encoding_of(headers),
        storage_class=plain_class(headers.get("x-amz-storage-class", "")),
        restoring='ongoing-request="true"' in restore,
        restored_until=_moment(until[1]) if until else None,
        checksum=_checksum(headers),
        described=describing(headers),
    )


def size_in(headers: Mapping[str, str]) -> int | None:
    """Return the object's size, if its Content-Length or Content-Range says it."""
    told = headers.get("content-range", "")
    if told:
        total = _TOTAL.fullmatch(told.strip())
        return _number(total[1]) if total else None
    return _number(headers.get("content-length", "").strip())


def _number(text: str) -> int | None:
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))
    return int(text) if is_number and int(text) <= LARGEST else None


def encoding_of(headers: Mapping[str, str]) -> str:
    """Return how the stored bytes are encoded. ``aws-chunked`` was the upload's, not the bytes'."""
    named = (name.strip() for name in headers.get("content-encoding", "").split(","))
    return ", ".join(
        name for name in named if name and name.lower() not in {"aws-chunked", "identity"}
    )


def describing(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a whole copy has to be given, when S3 does not copy them itself."""
    kept = {name: headers[name] for name in DESCRIBING if headers.get(name)}
    if "content-encoding" in kept:
        kept["content-encoding"] = encoding_of(headers)
    return {name: value for name, value in kept.items() if value} | {
        name: value for name, value in headers.items() if name.startswith(_META)
    }


def keeping(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a copy has to be given, however it is made."""
    kept = {name: headers[name] for name in _KEPT if headers.get(name)}
    if kept.get("x-amz-server-side-encryption") == "AES256":
        kept.pop("x-amz-server-side-encryption-aws-kms-key-id", None)
    return kept


def has_customers_key(headers: Mapping[str, str]) -> bool:
    """Tell whether an object is encrypted with a key that S3 does not keep (SSE-C)."""
    return bool(headers.get(_CUSTOMERS_KEY))


def conditioned(condition: Condition | None) -> dict[str, str]:
    """Return the headers of a write that is to happen under a condition."""
    if condition is None:
        return {}
    if condition.etag:
        return {"if-match": f'"{condition.etag}"'}
    return {"if-none-match": "*"}


def plain_etag(text: str) -> str:
    """Return an ETag without its quotes."""
    return text.strip().removeprefix("W/").strip('"')


def plain_class(text: str) -> str:
    """Return a storage class; STANDARD, which HEAD leaves out and listings name, is none."""
    return "" if text == "STANDARD" else text


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _checksum(headers: Mapping[str, str]) -> str:
    if headers.get("x-amz-checksum-type", "FULL_OBJECT") != "FULL_OBJECT":
        return ""  # of the parts' checksums: another division into parts gives another one
    for name, value in headers.items():
        algorithm = name.removeprefix(_CHECKSUM)
        if (
            name.startswith(_CHECKSUM)
            and algorithm not in {"type", "algorithm"}
            and "-" not in value
        ):
            return f"{algorithm}:{value}"
    return ""
