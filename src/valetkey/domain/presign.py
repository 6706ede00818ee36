"""Presigned URLs: AWS Signature Version 4 in a query string, made by hand because it is hot.

What is the same for all URLs of a batch (signing key, credential scope, sorted query) is worked
out once; each key then costs one SHA-256 and one HMAC. The URLs equal botocore's byte for byte.
Source: S3 API reference, "Authenticating Requests: Using Query Parameters".
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.partitions import dns_suffix
from valetkey.domain.scope import MAX_KEY_BYTES, AccessLevel

#: S3 takes no X-Amz-Expires above seven days.
MAX_EXPIRES: Final = timedelta(seconds=604_800)
_ALGORITHM: Final = "AWS4-HMAC-SHA256"
#: Most keys need no escape, and telling so is quicker than escaping.
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.~/-]{1,1024}")


class Method(StrEnum):
    """What a presigned URL lets its holder do."""

    GET = "GET"
    PUT = "PUT"
    HEAD = "HEAD"
    DELETE = "DELETE"

    @property
    def level(self) -> AccessLevel:
        """The access level that its holder needs."""
        return _LEVELS[self]


_LEVELS: Final = {
    Method.GET: AccessLevel.READ,
    Method.HEAD: AccessLevel.READ,
    Method.PUT: AccessLevel.WRITE,
    Method.DELETE: AccessLevel.DELETE,
}
_TAKES_DISPOSITION: Final = frozenset({Method.GET, Method.HEAD})
#: Buckets whose name a TLS certificate for ``*.s3.REGION.amazonaws.com`` does not cover.
_DOT: Final = "."


def check_options(method: Method, *, disposition: str, has_versions: bool) -> None:
    """Raise InvalidInput for an option that the method lacks, or a header that is none."""
    if disposition and method not in _TAKES_DISPOSITION:
        raise _misplaced("disposition", method)
    if has_versions and method is Method.PUT:
        raise _misplaced("versionIds", method)
    if any(unicodedata.category(letter) == "Cc" for letter in disposition):
        raise InvalidInput(
            "The content disposition has a line break in it, or another control character.",
            hint='Give one line, such as: attachment; filename="a.jpg".',
            field="disposition",
        )


def bucket_url(bucket: str, region: str, *, partition: str = "aws", endpoint: str = "") -> str:
    """Return the address of a bucket: below an endpoint if there is one, else AWS's own."""
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}"
    host = f"s3.{region}.{dns_suffix(partition)}"
    return f"https://{host}/{bucket}" if _DOT in bucket else f"https://{bucket}.{host}"


@dataclass(frozen=True, slots=True)
class Presigner:
    """Signs URLs of one method, at one moment, with one session's credentials.

    ``expires_at`` is when the URLs really end: signing time plus the capped life.
    Made by :func:`presigner`.
    """

    expires_at: datetime
    _start: str
    _method: Method
    _canonical_start: str
    _key: bytes = field(repr=False)
    _sorted_query: str = field(repr=False)
    _sent_query: str = field(repr=False)
    _to_sign: str = field(repr=False)
    _after_query: str = field(repr=False)

    def url(self, key: str, *, disposition: str = "", version_id: str = "") -> str:
        """Return the URL of an object.

        ``disposition`` becomes the answer's Content-Disposition (GET and HEAD only).
        Raises InvalidInput for a key that S3 can't hold and for an option the method lacks.
        """
        return self.sign(quote_key(key), disposition=disposition, version_id=version_id)

    def sign(self, path: str, *, disposition: str = "", version_id: str = "") -> str:
        """Return the URL of an object, given what :func:`quote_key` made of its key."""
        extra = self._extra(disposition, version_id) if disposition or version_id else ""
        # Upper-case X-Amz-* sorts before the lower-case parameters, so extras end the canonical
        # query; botocore sends them first.
        tail = f"&{extra}" if extra else ""
        canonical = f"{self._canonical_start}{path}\n{self._sorted_query}{tail}{self._after_query}"
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signature = hmac.digest(self._key, (self._to_sign + digest).encode(), "sha256").hex()
        head = f"{extra}&" if extra else ""
        return f"{self._start}{path}?{head}{self._sent_query}&X-Amz-Signature={signature}"

    def _extra(self, disposition: str, version_id: str) -> str:
        check_options(self._method, disposition=disposition, has_versions=bool(version_id))
        wanted = {"response-content-disposition": disposition, "versionId": version_id}
        return _query({name: value for name, value in wanted.items() if value})


def presigner(
    credentials: TemporaryCredentials,
    *,
    bucket_url: str,
    region: str,
    method: Method,
    expires: timedelta,
    now: datetime,
) -> Presigner:
    """Prepare to sign for a bucket.

    ``bucket_url`` is the bucket's address, without a trailing ``/`` and with the bucket in its host
    or its path. The life asked for is capped by what the session has left and by seven days, and
    cut to whole seconds. Raises InvalidInput if that leaves less than a second.
    """
    life = min(expires, credentials.remaining(now), MAX_EXPIRES)
    seconds = int(life.total_seconds())
    if seconds < 1:
        raise InvalidInput(
            "The presigned URLs would end before they begin.",
            hint="Ask for at least 1 second (expiresSeconds).",
            field="expiresSeconds",
        )
    moment = now.astimezone(UTC).replace(microsecond=0)
    stamp = moment.strftime("%Y%m%dT%H%M%SZ")
    credential_scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    sent = {
        "X-Amz-Algorithm": _ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{credential_scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
        "X-Amz-Security-Token": credentials.session_token.reveal(),
    }
    parts = urlsplit(bucket_url)
    return Presigner(
        expires_at=moment + timedelta(seconds=seconds),
        _start=f"{parts.scheme}://{parts.netloc}{parts.path}/",
        _method=method,
        _canonical_start=f"{method}\n{parts.path}/",
        _key=_signing_key(credentials.secret_access_key.reveal(), stamp[:8], region),
        _sorted_query=_query(dict(sorted(sent.items()))),
        _sent_query=_query(sent),
        _to_sign=f"{_ALGORITHM}\n{stamp}\n{credential_scope}\n",
        _after_query=f"\nhost:{_host(bucket_url)}\n\nhost\nUNSIGNED-PAYLOAD",
    )


def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def _host(url: str) -> str:
    """Return the Host header that a client sends: the port only where it is not the usual one."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.hostname or ""
    name = f"[{host}]" if ":" in host else host
    return name if parts.port in {None, usual} else f"{name}:{parts.port}"


def _query(parameters: Mapping[str, str]) -> str:
    return "&".join(
        f"{quote(name, safe='-._~')}={quote(value, safe='-._~')}"
        for name, value in parameters.items()
    )


def quote_key(key: str) -> str:
    """Return the key as a URL's path has it: every byte but the unreserved and ``/`` escaped.

    Raises InvalidInput for a key that S3 can't hold, or that clients would resolve to another.
    """
    if _PLAIN.fullmatch(key) and "/." not in key and key[0] != ".":
        return key
    try:
        size = len(key.encode())
    except UnicodeEncodeError:
        size = 0
    if not 1 <= size <= MAX_KEY_BYTES:
        raise InvalidInput(
            "A key is not one that S3 can hold.",
            hint=f"A key has 1 to {MAX_KEY_BYTES} bytes of valid UTF-8.",
            field="keys",
        )
    if any(segment in {".", ".."} for segment in key.split("/")):
        raise InvalidInput(
            f"{key[:200]!r} has a '.' or '..' segment, which clients resolve before they ask.",
            hint="Rename the object, or fetch it with credentials instead of a URL.",
            field="keys",
        )
    return quote(key, safe="/~")


def _misplaced(name: str, method: Method) -> InvalidInput:
    return InvalidInput(
        f"A {method} takes no {name}.",
        hint="Content disposition goes with GET and HEAD; a version with all but PUT.",
        field=name,
    )
