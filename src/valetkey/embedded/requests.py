"""What a request to the stand-in is: which service, which action, whose key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, unquote

_CREDENTIAL: Final = re.compile(r"Credential=([^/,\s]+)/[^/]*/([^/]*)/([^/]*)/aws4_request")
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

Scope = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``action`` is IAM's and STS's own name, or S3's method and sub-resource
    (``PutObject`` is ``PUT object``); ``key_id`` is empty for an unsigned request."""

    service: str
    action: str
    key_id: str
    method: str
    path: str
    form: Mapping[str, str]


def headers_of(scope: Scope) -> dict[str, str]:
    """Return an ASGI request's headers, names in lower case."""
    return {
        name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
    }


def is_form(headers: Mapping[str, str]) -> bool:
    """Tell whether the body is a form, as IAM's and STS's query protocol sends it."""
    return headers.get("content-type", "").startswith("application/x-www-form-urlencoded")


def read_call(scope: Scope, body: bytes) -> Call:
    """Describe a request; ``body`` is needed for forms only."""
    headers = headers_of(scope)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    given = headers.get("authorization", "")
    presigned = "Credential=" + unquote(query.get("X-Amz-Credential", [""])[0])
    found = _CREDENTIAL.search(given) or _CREDENTIAL.search(presigned)
    key_id, service = (found.group(1), found.group(3)) if found else ("", "")
    form: dict[str, str] = {}
    if is_form(headers):
        fields = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        form = {name: values[0] for name, values in fields.items()}
    action = form.get("Action") or query.get("Action", [""])[0]
    if not key_id and not action and "AWSAccessKeyId" in query:
        key_id = query["AWSAccessKeyId"][0]
    if service in {"", "s3"} and not action:
        service, action = "s3", _s3_action(scope["method"], scope["path"], query)
    return Call(service or "query", action, key_id, scope["method"], scope["path"], form)


def _s3_action(method: str, path: str, query: Mapping[str, Any]) -> str:
    bucket, _, key = path.lstrip("/").partition("/")
    place = "object" if key else "bucket" if bucket else "service"
    part = next((name for name in _S3_SUBRESOURCES if name in query), "")
    return " ".join(filter(None, (method, place, part)))
