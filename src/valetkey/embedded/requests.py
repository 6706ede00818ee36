"""What a request to the stand-in is: which service, which action, whose key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs

_SERVICE: Final = re.compile(r"[^/]*/[^/]*/[^/]*/([^/]*)/aws4_request")
#: SigV4's and SigV2's form of the Authorization header, read as loosely as MiniStack reads them.
_HEADER_KEYS: Final = (re.compile(r"Credential=([^/]*)"), re.compile(r"AWS ([^:]*):"))
_HEADER_SCOPE: Final = re.compile(r"Credential=([^,\s]*)")
_S3_SUBRESOURCES: Final = (
    "policy",
    "publicAccessBlock",
    "tagging",
    "location",
    "versioning",
    "versions",
    "uploads",
    "uploadId",
    "cors",
    "delete",
    "encryption",
)

AsgiScope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class StandInCall:
    """One request. ``action`` is IAM's and STS's own name, or S3's method and sub-resource
    (``PutObject`` is ``PUT object``); ``key_id`` is empty for an unsigned request."""

    service: str
    action: str
    key_id: str
    method: str
    path: str
    form: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """Who a request says it is: every key id found anywhere in it, and whether it carries any
    sign of a signature. Several ids, or a signature without one, are not honest. ``signed_at`` is
    the header's; a presigned URL, which is old by nature, has none."""

    key_ids: frozenset[str]
    signed: bool
    signed_at: str


def headers_of(scope: AsgiScope) -> dict[str, str]:
    """Return an ASGI request's headers, names in lower case, repeated ones joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def is_form(headers: Mapping[str, str]) -> bool:
    """Tell whether the body is a form, as IAM's and STS's query protocol sends it."""
    return headers.get("content-type", "").lower().startswith("application/x-www-form-urlencoded")


def read_claims(scope: AsgiScope, body: bytes) -> ClaimedIdentity:
    """Collect a request's claims from its header, its query and its form."""
    headers = headers_of(scope)
    header = headers.get("authorization", "")
    found = {key for pattern in _HEADER_KEYS for key in pattern.findall(header)}
    signed = bool(header)
    for name, value in _fields(scope, headers, body):
        if name == "x-amz-credential":
            found.add(value.split("/")[0])
        elif name == "awsaccesskeyid":
            found.add(value)
        signed = signed or name in {"x-amz-signature", "x-amz-algorithm", "signature"}
    return ClaimedIdentity(frozenset(found), signed or bool(found), headers.get("x-amz-date", ""))


def _fields(scope: AsgiScope, headers: Mapping[str, str], body: bytes) -> Iterator[tuple[str, str]]:
    texts = [scope["query_string"].decode("latin-1")]
    if is_form(headers):
        texts.append(body.decode("utf-8", "replace"))
    for text in texts:
        for name, values in parse_qs(text, keep_blank_values=True).items():
            for value in values:
                yield name.lower(), value


def read_call(scope: AsgiScope, body: bytes) -> StandInCall:
    """Describe a request; ``body`` is needed for forms only."""
    headers = headers_of(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    claims = read_claims(scope, body)
    found = _HEADER_SCOPE.search(headers.get("authorization", ""))
    credential = found.group(1) if found else query.get("X-Amz-Credential", [""])[0]
    named = _SERVICE.fullmatch(credential)
    service = named.group(1) if named else ""
    form: dict[str, str] = {}
    if is_form(headers):
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        form = {name: values[0] for name, values in fields.items()}
    action = form.get("Action") or query.get("Action", [""])[0]
    if service in {"", "s3"} and not action:
        service, action = "s3", _s3_action(scope["method"], scope["path"], query)
    key_id = next(iter(claims.key_ids)) if len(claims.key_ids) == 1 else ""
    return StandInCall(service or "query", action, key_id, scope["method"], scope["path"], form)


def _s3_action(method: str, path: str, query: Mapping[str, Any]) -> str:
    bucket, _, key = path.lstrip("/").partition("/")
    place = "object" if key else "bucket" if bucket else "service"
    part = next((name for name in _S3_SUBRESOURCES if name in query), "")
    return " ".join(filter(None, (method, place, part)))
