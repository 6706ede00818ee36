"""A store that speaks S3 over HTTP, and answers strangely: what our S3 client has to bear.

It stands in for the network (``S3ObjectStore(transport=StrangeStore(...))``), so that requests are
really signed, sent, parsed and tried again. What a well-behaved store does, the embedded AWS shows;
this one does little, and that wrongly, as told.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import httpx2

Canned = Callable[[httpx2.Request], httpx2.Response]
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_ELEMENT = re.compile("<(/?)(?=[A-Z])")
_MODIFIED = "2026-01-01T00:00:00.000Z"
_MODIFIED_HTTP = "Thu, 01 Jan 2026 00:00:00 GMT"


@dataclass(frozen=True)
class Quirks:
    """How a store's answers differ from S3's. Pages and requests are counted from 0.

    ``page_sizes`` are how many keys come on each page, in turn, at most what was asked for (0: an
    empty page); ``reverse``: in the wrong order; ``repeats``: pages that come twice; ``flag_last``:
    whether there is more stands behind the keys; ``prefixed``: all elements have their namespace's
    prefix, as any XML may. ``no_token_at`` and ``same_token_at`` name the
    pages from which on they say that there is more, and not how to go on.
    ``busy_at`` names requests that are answered 503, ``cut_at`` those whose bodies break off,
    ``short_at`` those whose bodies end early and say so; ``no_if_match``: no
    condition is heeded. ``always_part`` is the Content-Range with which all of an object is
    answered 206 (``{size}`` stands in it for the object's; empty: without one), ``other_part``:
    from the beginning, whatever was asked for; ``own_etags``: GET tells another ETag than HEAD.
    ``copies_lose`` are headers that an object has and its copy not.
    """

    page_sizes: Sequence[int] = (1000,)
    reverse: bool = False
    repeats: frozenset[int] = frozenset()
    no_sizes: bool = False
    no_etags: bool = False
    no_lengths: bool = False
    no_ranges: bool = False
    always_part: str | None = None
    other_part: bool = False
    own_etags: bool = False
    unknown_elements: bool = False
    flag_last: bool = False
    prefixed: bool = False
    ignores_encoding: bool = False
    ignores_prefix: bool = False
    no_token_at: int | None = None
    same_token_at: int | None = None
    busy_at: frozenset[int] = frozenset()
    cut_at: frozenset[int] = frozenset()
    short_at: frozenset[int] = frozenset()
    no_if_match: bool = False
    copies_lose: frozenset[str] = frozenset()


@dataclass
class StrangeStore(httpx2.AsyncBaseTransport):
    """One bucket of any name: keys and bytes. ``headers`` are what all objects' answers carry
    beside the usual, ``own`` those of single ones; ``canned`` answers, by method, come instead of
    all else. ``requests`` are kept."""

    objects: dict[str, bytes] = field(default_factory=dict)
    quirks: Quirks = field(default_factory=Quirks)
    headers: Mapping[str, str] = field(default_factory=dict)
    own: dict[str, dict[str, str]] = field(default_factory=dict)
    canned: dict[str, Canned] = field(default_factory=dict)
    requests: list[httpx2.Request] = field(default_factory=list)
    pages: int = 0
    #: How many objects are being sent.
    open: int = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        await request.aread()
        number = len(self.requests)
        self.requests.append(request)
        if number in self.quirks.busy_at:
            return _error(503, "SlowDown")
        response = self.canned.get(request.method, self._respond)(request)
        if number in self.quirks.short_at:
            return httpx2.Response(response.status_code, content=response.content[:-40])
        if number in self.quirks.cut_at:
            body = await response.aread()
            return httpx2.Response(
                response.status_code, headers=response.headers, stream=_Cut(body)
            )
        return response

    def _respond(self, request: httpx2.Request) -> httpx2.Response:
        target = request.extensions["target"].decode()
        parts = urlsplit(target)
        key = unquote(parts.path.lstrip("/").partition("/")[2])
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        if not key:
            return self._list(query) if request.method == "GET" else httpx2.Response(200)
        copied = request.headers.get("x-amz-copy-source")
        if request.method in {"PUT", "DELETE"} and not self._may_change(request, key, copied):
            return _error(412, "PreconditionFailed")
        return self._copy(unquote(copied), key) if copied else self._object(request, key)

    def _may_change(self, request: httpx2.Request, key: str, copied: str | None) -> bool:
        """Tell whether what a request is conditioned on is so."""
        if self.quirks.no_if_match:
            return True
        headers, there = request.headers, self._sent_etag(key)
        source = self._sent_etag(unquote(copied or "").lstrip("/").partition("/")[2])
        return (
            headers.get("if-match", there) == there
            and (headers.get("if-none-match") != "*" or key not in self.objects)
            and headers.get("x-amz-copy-source-if-match", source) == source
        )

    def _sent_etag(self, key: str) -> str:
        return f'"{_etag(self.objects[key])}"' if key in self.objects else ""

    def _object(self, request: httpx2.Request, key: str) -> httpx2.Response:
        if request.method == "PUT":
            self.objects[key] = request.content
            return httpx2.Response(200, headers={"etag": f'"{_etag(request.content)}"'})
        if request.method == "DELETE":
            self.objects.pop(key, None)
            return httpx2.Response(204)
        if key not in self.objects:
            return _error(404, "NoSuchKey") if request.method == "GET" else httpx2.Response(404)
        body = self.objects[key]
        headers = {"last-modified": _MODIFIED_HTTP, **self.headers, **self.own.get(key, {})}
        headers |= self._etags(request, body)
        wanted_etag = request.headers.get("if-match", headers.get("etag"))
        if wanted_etag != headers.get("etag") and not self.quirks.no_if_match:
            return _error(412, "PreconditionFailed")
        part = self._part(request, len(body))
        if part is not None and part.start >= len(body):
            return _error(416, "InvalidRange")
        status, total = 200, len(body)
        if part is not None:
            status, body = 206, body[part]
            headers["content-range"] = f"bytes {part.start}-{part.start + len(body) - 1}/{total}"
        elif self.quirks.always_part is not None and request.method == "GET":
            status, headers["content-range"] = 206, self.quirks.always_part.format(size=total)
        if not self.quirks.no_lengths:
            headers["content-length"] = str(len(body))
        shown = b"" if request.method == "HEAD" else body
        told = httpx2.Headers(headers, "utf-8")
        return httpx2.Response(status, headers=told, stream=_Stream(self, shown))

    def _etags(self, request: httpx2.Request, body: bytes) -> dict[str, str]:
        if self.quirks.no_etags:
            return {}
        own = self.quirks.own_etags and request.method == "GET"
        return {"etag": f'"{_etag(b"read: " + body if own else body)}"'}

    def _part(self, request: httpx2.Request, size: int) -> slice | None:
        """Return which bytes an answer has, if not all."""
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if wanted is None or self.quirks.no_ranges:
            return None
        start, last = int(wanted[1]), int(wanted[2] or size - 1)
        return slice(0, last - start + 1) if self.quirks.other_part else slice(start, last + 1)

    def _copy(self, source: str, to: str) -> httpx2.Response:
        key = source.lstrip("/").partition("/")[2]
        self.objects[to] = self.objects[key]
        kept = self.own.get(key, {}).items()
        self.own[to] = {k: v for k, v in kept if k not in self.quirks.copies_lose}
        etag = f"<ETag>&quot;{_etag(self.objects[to])}&quot;</ETag>"
        return httpx2.Response(200, text=f"<CopyObjectResult>{etag}</CopyObjectResult>")

    def _list(self, query: Mapping[str, str]) -> httpx2.Response:
        quirks, number = self.quirks, self.pages
        self.pages += 1
        prefix = "" if quirks.ignores_prefix else query.get("prefix", "")
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        keys.sort(reverse=quirks.reverse)
        token = query.get("continuation-token", "")
        start, page = map(int, token.split(".")) if token else (0, 0)
        after = query.get("start-after", "")
        if after and not token:
            start = sum(key <= after for key in keys)
        asked = int(query.get("max-keys", "1000"))
        size = min(asked, quirks.page_sizes[page % len(quirks.page_sizes)])
        shown = keys[start : start + size]
        end = start if page in quirks.repeats else start + len(shown)
        following = f"{end}.{page + 1}" if end < len(keys) else ""
        if quirks.same_token_at is not None and number >= quirks.same_token_at:
            following = token or "0.0"
        if quirks.no_token_at is not None and number >= quirks.no_token_at:
            return self._page(query, shown, "", truncated=True)
        return self._page(query, shown, following, truncated=bool(following))

    def _page(
        self, query: Mapping[str, str], keys: Sequence[str], token: str, *, truncated: bool
    ) -> httpx2.Response:
        encodes = query.get("encoding-type") == "url" and not self.quirks.ignores_encoding
        flag = f"<IsTruncated>{'true' if truncated else 'false'}</IsTruncated>"
        flag += f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        objects = "".join(self._contents(key, encodes=encodes) for key in keys)
        strange = "<Weather><Rain>no</Rain></Weather>" if self.quirks.unknown_elements else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>'
            + ("<EncodingType>url</EncodingType>" if encodes else "")
            + (
                f"{objects}{strange}{flag}"
                if self.quirks.flag_last
                else f"{flag}{objects}{strange}"
            )
            + "</ListBucketResult>"
        )
        if self.quirks.prefixed:
            body = _ELEMENT.sub(r"<\1s3:", body).replace("xmlns=", "xmlns:s3=")
        return httpx2.Response(200, content=body.encode(errors="surrogateescape"))

    def _contents(self, key: str, *, encodes: bool) -> str:
        quirks, body = self.quirks, self.objects[key]
        shown = quote(key, safe="") if encodes else escape(key)
        etag = "" if quirks.no_etags else f"<ETag>&quot;{_etag(body)}&quot;</ETag>"
        size = "" if quirks.no_sizes else f"<Size>{len(body)}</Size>"
        strange = "<Colour>green</Colour>" if quirks.unknown_elements else ""
        return (
            f"<Contents><Key>{shown}</Key>{strange}<LastModified>{_MODIFIED}</LastModified>"
            f"{etag}{size}<StorageClass>STANDARD</StorageClass></Contents>"
        )


class _Stream(httpx2.AsyncByteStream):
    """A body whose length nobody adds to the headers; it is open until it is closed."""

    def __init__(self, store: StrangeStore, body: bytes) -> None:
        self._store = store
        self._body = body
        store.open += 1

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body

    async def aclose(self) -> None:
        self._store.open -= 1


class _Cut(httpx2.AsyncByteStream):
    """A body that breaks off half way."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body[: len(self._body) // 2]
        raise httpx2.RemoteProtocolError("cut off")


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _error(status: int, code: str) -> httpx2.Response:
    return httpx2.Response(status, content=f"<Error><Code>{code}</Code></Error>".encode())
