"""AWS Signature Version 4, spelled once: signing keys, canonical requests, signatures.

Pure: the moment and the secret are passed in. Sources: IAM user guide, "AWS Signature Version 4 for
API requests"; S3 API reference, "Authenticating Requests".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

ALGORITHM: Final = "AWS4-HMAC-SHA256"
#: What stands for a body's hash where the body is not signed.
UNSIGNED_PAYLOAD: Final = "UNSIGNED-PAYLOAD"
EMPTY_PAYLOAD: Final = hashlib.sha256(b"").hexdigest()
_USUAL_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one region and service, at one moment. ``stamp`` is the moment as requests carry
    it, ``scope`` what stands behind the key's id in a credential."""

    stamp: str
    scope: str
    _key: bytes = field(repr=False)
    _to_sign: str = field(repr=False)

    def sign(self, canonical: str) -> str:
        """Return the signature of a canonical request."""
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        return hmac.digest(self._key, (self._to_sign + digest).encode(), "sha256").hex()


def signer(secret: str, now: datetime, region: str, service: str = "s3") -> Signer:
    """Return who signs with a secret access key; the moment is cut to whole seconds."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    key = f"AWS4{secret}".encode()
    for part in (stamp[:8], region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return Signer(stamp, scope, key, f"{ALGORITHM}\n{stamp}\n{scope}\n")


def signed_part(headers: Mapping[str, str], payload_hash: str) -> str:
    """Return the end of a canonical request: the signed headers (lower-case names) and the body."""
    names = sorted(headers)
    lines = "".join(f"{name}:{_trimmed(headers[name])}\n" for name in names)
    return f"{lines}\n{';'.join(names)}\n{payload_hash}"


def _trimmed(text: str) -> str:
    # Other spaces than ASCII's are letters to AWS.
    return " ".join(text.split() if text.isascii() else filter(None, text.split(" ")))


def canonical_request(method: str, path: str, query: str, end: str) -> str:
    """Return a canonical request. ``path`` and ``query`` are escaped, the query sorted; ``end`` is
    what :func:`signed_part` made."""
    return f"{method}\n{path}\n{query}\n{end}"


def encoded_query(parameters: Mapping[str, str]) -> str:
    """Return a query as it is signed, in the order given: signing needs it sorted by name."""
    return "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in parameters.items())


def sorted_query(parameters: Mapping[str, str]) -> str:
    """Return a query as it is signed, sorted by name."""
    return encoded_query(dict(sorted(parameters.items())))


def host_of(url: str) -> str:
    """Return the Host header that a client sends: the port only where it is not the usual one."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    usual = parts.port in {None, _USUAL_PORTS.get(parts.scheme)}
    return name if usual else f"{name}:{parts.port}"


def _encoded(text: str) -> str:
    return quote(text, safe="-._~")
