"""Operations of the own API as calls: what resources send."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from valetkey.sdk.call import Call, Flow
from valetkey.sdk.errors import InvalidRequest, VersionMismatch
from valetkey.wire.base import Nothing, Query, Shape
from valetkey.wire.operation import CONTENT, NDJSON, Operation

B = TypeVar("B")
R = TypeVar("R")
K = TypeVar("K", bound=Shape)
Q = TypeVar("Q", bound=Query)


def call(
    operation: Operation[Q, B, R],
    path: Mapping[str, str] | None = None,
    *,
    query: Q | None = None,
    body: B | None = None,
    if_version: int | None = None,
) -> Call[R]:
    """Describe a request for an operation. What makes something carries an Idempotency-Key of its
    own, so that it may be sent again when nobody knows whether it arrived. Raises InvalidRequest
    for an id that can be none."""
    address = _address(operation.path, path or {})
    headers = {"Idempotency-Key": str(uuid.uuid4())} if operation.makes else {}
    if if_version is not None:
        headers["If-Match"] = f'"{if_version}"'
    return Call(
        operation.method,
        address,
        operation.result if operation.has_result else operation.lines,
        body if operation.has_body else None,
        _pairs(query),
        # A lost answer may have ended the login that was shown: a repeat would be refused.
        again=operation.tag != "accounts" or operation.id == "renewLogin",
        headers=headers,
        is_public=operation.public,
    )


def unchanged(
    change: Call[R], shown_by: Operation[Q, Any, K], path: Mapping[str, str], known: K | None
) -> Flow[R]:
    """Send a change on the condition that the thing is still what was read: it is looked at, and
    its ETag goes along, so that the server refuses where it changes in between. Without what was
    read there is no condition. Raises VersionMismatch."""
    if known is not None:
        asked = call(shown_by, path)
        shown, etag = yield replace(asked, query=change.query, with_etag=True)
        if not same(shown, known):
            raise VersionMismatch(
                "It was changed since it was read.",
                hint="Read it again, and decide anew; nothing was changed.",
            )
        change = replace(change, headers={**change.headers, "If-Match": etag})
    answer: R = yield change
    return answer


def same(one: Shape, other: Shape) -> bool:
    """Tell whether two looks at a thing saw the same; what is merely seen of it does not count."""
    seen = (
        {name: getattr(each, name) for name in each.__struct_fields__ if name not in each.observed}
        for each in (one, other)
    )
    return type(one) is type(other) and next(seen) == next(seen)


def lines(
    operation: Operation[Q, B, Any],
    path: Mapping[str, str] | None = None,
    *,
    query: Q | None = None,
    body: B | None = None,
) -> Call[Any]:
    """Describe a request whose answer comes line by line, each in the operation's own shape."""
    plain = call(operation, path, query=query, body=body)
    accepted = {**plain.headers, "Accept": NDJSON}
    return replace(plain, result=operation.lines, headers=accepted)


def uploading(
    operation: Operation[Q, Any, R],
    path: Mapping[str, str],
    content: Any,
    *,
    media_type: str,
    query: Q,
) -> Call[R]:
    """Describe a request whose body is bytes: what can be read once is not sent again."""
    headers = {"Content-Type": media_type or CONTENT}
    plain = call(operation, path, query=query)
    again = isinstance(content, bytes)
    return replace(plain, content=content, again=again, headers=headers)


def downloading(
    operation: Operation[Q, Any, Any], path: Mapping[str, str], byte_range: str, *, query: Q
) -> Call[Any]:
    """Describe a request whose answer is bytes, here or where it leads to."""
    headers = {"Accept": "*/*"} | ({"Range": byte_range} if byte_range else {})
    return replace(call(operation, path, query=query), headers=headers, follows=True)


def _address(pattern: str, path: Mapping[str, str]) -> str:
    """Return an address. What would lead out of its place in it (``..``, also where somebody on the
    way takes a ``%2F`` for a slash) would be another one, with another meaning."""
    for name, value in path.items():
        if not value.isprintable() or {"", ".", ".."}.intersection(value.split("/")):
            raise InvalidRequest(
                f"{value!r} is no id.", hint="Name the thing that is meant.", field=name
            )
        pattern = pattern.replace(f"{{{name}}}", quote(value, safe=""))
    return pattern


def _pairs(query: Query | None) -> dict[str, Any]:
    if query is None or isinstance(query, Nothing):
        return {}
    given: dict[str, Any] = msgspec.to_builtins(query)
    return {
        name: str(value).lower() if isinstance(value, bool) else value
        for name, value in given.items()
    }
