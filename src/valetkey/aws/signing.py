"""Requests signed in their headers, for S3 and for AWS's query protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from botocore.credentials import ReadOnlyCredentials

from valetkey.aws.identity import frozen
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.sigv4 import (
    ALGORITHM,
    EMPTY_PAYLOAD,
    canonical_request,
    host_of,
    signed_part,
    signer,
    sorted_query,
)

EMPTY: Final = EMPTY_PAYLOAD


@dataclass(frozen=True, slots=True)
class UnsignedRequest:
    """A request that is not signed yet. ``target`` is the path, escaped as it is sent."""

    method: str
    base: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    payload_hash: str = EMPTY

    @property
    def host(self) -> str:
        """The Host header."""
        return host_of(self.base)

    @property
    def query_text(self) -> str:
        """The query as it is sent and signed."""
        return sorted_query(self.query)


def signed_headers(
    call: UnsignedRequest,
    key: AwsCredentials | ReadOnlyCredentials,
    region: str,
    now: datetime,
    *,
    service: str = "s3",
) -> dict[str, str]:
    """Return all headers of a request, the signature among them."""
    known = key if isinstance(key, ReadOnlyCredentials) else frozen(key)
    signing = signer(known.secret_key or "", now, region, service)
    headers = {name.lower(): value for name, value in call.headers.items()}
    headers |= {
        "host": call.host,
        "x-amz-date": signing.stamp,
        "x-amz-content-sha256": call.payload_hash,
    }
    if known.token:
        headers["x-amz-security-token"] = known.token
    # S3 alone signs the path as it is sent.
    path = call.target if service == "s3" else quote(call.target, safe="/-_.~")
    end = signed_part(headers, call.payload_hash)
    signature = signing.sign(canonical_request(call.method, path, call.query_text, end))
    headers["authorization"] = (
        f"{ALGORITHM} Credential={known.access_key}/{signing.scope}, "
        f"SignedHeaders={';'.join(sorted(headers))}, Signature={signature}"
    )
    return headers
