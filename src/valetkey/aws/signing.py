"""AWS Signature Version 4: in headers, or (for S3) in a URL.

Sources: S3 API reference, "Authenticating Requests (AWS Signature Version 4)"; IAM user guide,
"AWS Signature Version 4 for API requests".
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from botocore.credentials import ReadOnlyCredentials

from valetkey.aws.identity import frozen
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.ports.objects import Credentials

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_UNSIGNED: Final = "UNSIGNED-PAYLOAD"
_USUAL_PORTS: Final = {"http": 80, "https": 443}
EMPTY: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Call:
    """A request that is not signed yet. ``target`` is the path, escaped as it is sent."""

    method: str
    base: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload_hash: str = EMPTY

    @property
    def host(self) -> str:
        """The Host header: the port only where it is not the usual one."""
        parts = urlsplit(self.base)
        name = parts.hostname or ""
        shown = f"[{name}]" if ":" in name else name
        usual = parts.port in {None, _USUAL_PORTS.get(parts.scheme)}
        return shown if usual else f"{shown}:{parts.port}"

    @property
    def query_text(self) -> str:
        """The query as it is sent and signed."""
        return "&".join(f"{_quoted(k)}={_quoted(v)}" for k, v in sorted(self.query.items()))


def signed_headers(
    call: Call,
    key: Credentials | ReadOnlyCredentials,
    region: str,
    now: datetime,
    *,
    service: str = "s3",
) -> dict[str, str]:
    """Return all headers of a request, the signature among them."""
    key_id, secret, token = _parts(key)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {name.lower(): value for name, value in call.headers.items()}
    headers |= {"host": call.host, "x-amz-date": stamp, "x-amz-content-sha256": call.payload_hash}
    if token:
        headers["x-amz-security-token"] = token
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    names = ";".join(sorted(headers))
    if service != "s3":  # which alone signs the path as it is sent
        call = replace(call, target=quote(call.target, safe="/-_.~"))
    signature = _signature(call, headers, call.payload_hash, stamp, scope, secret)
    headers["authorization"] = (
        f"{_ALGORITHM} Credential={key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return headers


def signed_url(call: Call, key: Credentials, region: str, now: datetime, seconds: int) -> str:
    """Return a URL that makes the request; it ends with the session, if that ends sooner."""
    key_id, secret, token = _parts(key)
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    if isinstance(key, TemporaryCredentials):
        seconds = max(1, min(seconds, int(key.remaining(now).total_seconds())))
    query = {
        **call.query,
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{key_id}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if token:
        query["X-Amz-Security-Token"] = token
    whole = Call(call.method, call.base, call.target, query, {})
    signature = _signature(whole, {"host": call.host}, _UNSIGNED, stamp, scope, secret)
    parts = urlsplit(call.base)
    return (
        f"{parts.scheme}://{call.host}{call.target}?{whole.query_text}&X-Amz-Signature={signature}"
    )


def _signature(
    call: Call, headers: Mapping[str, str], payload: str, stamp: str, scope: str, secret: str
) -> str:
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in sorted(headers))
    names = ";".join(sorted(headers))
    canonical = "\n".join((call.method, call.target, call.query_text, lines, names, payload))
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{digest}"
    return hmac.digest(key, text.encode(), "sha256").hex()


def _parts(key: Credentials | ReadOnlyCredentials) -> tuple[str, str, str]:
    known = key if isinstance(key, ReadOnlyCredentials) else frozen(key)
    return known.access_key or "", known.secret_key or "", known.token or ""


def _quoted(text: str) -> str:
    return quote(text, safe="-._~")
