"""Presigned URLs: AWS Signature Version 4 in a query string, made by hand because it is hot.

What is the same for all URLs of a batch (signing key, credential scope, sorted query) is worked
out once; each key then costs one SHA-256 and one HMAC. The URLs equal botocore's byte for byte.
How a signature is made stands in :mod:`valetkey.domain.sigv4`.
Source: S3 API reference, "Authenticating Requests: Using Query Parameters".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from urllib.parse import quote, urlsplit

from valetkey.domain.credentials import AccessKey, TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.partitions import dns_suffix
from valetkey.domain.scope import MAX_KEY_BYTES, AccessLevel
from valetkey.domain.sigv4 import (
    ALGORITHM,
    UNSIGNED_PAYLOAD,
    Signer,
    canonical_request,
    encoded_query,
    host_of,
    signed_part,
    signer,
    sorted_query,
)

#: S3 takes no X-Amz-Expires above seven days.
MAX_EXPIRES: Final = timedelta(seconds=604_800)
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
#: ``filename="..."`` with its escapes, or ``filename=token``.
_FILENAME: Final = re.compile(r'(?i)filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
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


def legal_disposition(disposition: str) -> str:
    """Return a content disposition that S3 takes, which is Latin-1 only.

    A file name beyond that is given twice: in ``filename*`` (RFC 6266, UTF-8) for every program of
    today, and with ``_`` for its letters for older ones. Raises InvalidInput for other text beyond
    Latin-1, and for a name that can't be UTF-8.
    """
    if _is_latin(disposition):
        return disposition
    found = _FILENAME.search(disposition)
    kind, rest = (
        (disposition[: found.start()], disposition[found.end() :]) if found else (disposition, "")
    )
    if found is None or not _is_latin(kind + rest) or "filename*" in disposition.lower():
        raise InvalidInput(
            "The content disposition has letters that an HTTP header can't carry.",
            hint='Only the file name may have such: attachment; filename="…".',
            field="disposition",
        )
    name = re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2]
    try:
        encoded = quote(name, safe="!#$&+-.^_`|~")
    except UnicodeEncodeError:
        raise InvalidInput(
            "The content disposition's file name is not valid text.",
            hint="Give it in UTF-8.",
            field="disposition",
        ) from None
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    return f"{kind}filename=\"{plain}\"; filename*=UTF-8''{encoded}{rest}"


def _is_latin(text: str) -> bool:
    return all(letter <= "\xff" for letter in text)


def bucket_url(bucket: str, region: str, *, partition: str = "aws", endpoint: str = "") -> str:
    """Return the address of a bucket: below an endpoint if there is one, else AWS's own."""
    if endpoint:
        return f"{endpoint.rstrip('/')}/{bucket}"
    host = f"s3.{region}.{dns_suffix(partition)}"
    return f"https://{host}/{bucket}" if _DOT in bucket else f"https://{bucket}.{host}"


@dataclass(frozen=True, slots=True)
class Presigner:
    """Signs URLs of one method, at one moment, with one key.

    ``expires_at`` is when the URLs really end: signing time plus the capped life.
    Made by :func:`presigner`.
    """

    expires_at: datetime
    _start: str
    _method: Method
    _base_path: str
    _signer: Signer = field(repr=False)
    _sorted_query: str = field(repr=False)
    _sent_query: str = field(repr=False)
    _extra: Mapping[str, str] = field(repr=False)
    _end: str = field(repr=False)

    def url(self, key: str, *, disposition: str = "", version_id: str = "") -> str:
        """Return the URL of an object.

        ``disposition`` becomes the answer's Content-Disposition (GET and HEAD only).
        Raises InvalidInput for a key that S3 can't hold and for an option the method lacks.
        """
        return self.sign(quote_key(key), disposition=disposition, version_id=version_id)

    def sign(self, path: str, *, disposition: str = "", version_id: str = "") -> str:
        """Return the URL of an object, given what :func:`quote_key` made of its key."""
        # Upper-case X-Amz-* sorts before the lower-case parameters, so extras end the canonical
        # query; botocore sends them first.
        tail = head = ""
        if disposition or version_id or self._extra:
            extra = self._extras(disposition, version_id)
            tail, head = f"&{extra}", f"{extra}&"
        canonical = canonical_request(
            self._method, f"{self._base_path}{path}", f"{self._sorted_query}{tail}", self._end
        )
        signature = self._signer.sign(canonical)
        return f"{self._start}{path}?{head}{self._sent_query}&X-Amz-Signature={signature}"

    def _extras(self, disposition: str, version_id: str) -> str:
        check_options(self._method, disposition=disposition, has_versions=bool(version_id))
        shown = legal_disposition(disposition) if disposition else ""
        wanted = {"response-content-disposition": shown, "versionId": version_id}
        return sorted_query(
            {name: value for name, value in wanted.items() if value} | dict(self._extra)
        )


def presigner(
    credentials: AccessKey | TemporaryCredentials,
    *,
    bucket_url: str,
    region: str,
    method: Method,
    expires: timedelta,
    now: datetime,
    answer_headers: Mapping[str, str] | None = None,
    requester_pays: bool = False,
) -> Presigner:
    """Prepare to sign for a bucket.

    ``bucket_url`` is the bucket's address, without a trailing ``/`` and with the bucket in its host
    or its path. The life asked for is capped by what the session has left and by seven days, and
    cut to whole seconds. ``answer_headers`` are those that the answer is to carry (in lower case,
    GET and HEAD only); with ``requester_pays`` whoever uses the URL agrees that the key's account
    pays. Raises InvalidInput if that leaves less than a second.
    """
    key_id, secret, token, remaining = _parts(credentials, now)
    seconds = int(min(expires, remaining, MAX_EXPIRES).total_seconds())
    if seconds < 1:
        raise InvalidInput(
            "The presigned URLs would end before they begin.",
            hint="Ask for at least 1 second (expiresSeconds).",
            field="expiresSeconds",
        )
    moment = now.astimezone(UTC).replace(microsecond=0)
    signing = signer(secret, moment, region)
    sent = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{key_id}/{signing.scope}",
        "X-Amz-Date": signing.stamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    sent |= {"X-Amz-Security-Token": token} if token else {}
    extra = {f"response-{name}": value for name, value in (answer_headers or {}).items()}
    extra |= {"x-amz-request-payer": "requester"} if requester_pays else {}
    parts = urlsplit(bucket_url)
    return Presigner(
        expires_at=moment + timedelta(seconds=seconds),
        _start=f"{parts.scheme}://{parts.netloc}{parts.path}/",
        _method=method,
        _base_path=f"{parts.path}/",
        _signer=signing,
        _sorted_query=sorted_query(sent),
        _sent_query=encoded_query(sent),
        _extra=extra,
        _end=signed_part({"host": host_of(bucket_url)}, UNSIGNED_PAYLOAD),
    )


def _parts(
    credentials: AccessKey | TemporaryCredentials, now: datetime
) -> tuple[str, str, str, timedelta]:
    if isinstance(credentials, AccessKey):
        return credentials.id, credentials.secret.reveal(), "", MAX_EXPIRES
    return (
        credentials.access_key_id,
        credentials.secret_access_key.reveal(),
        credentials.session_token.reveal(),
        credentials.remaining(now),
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
