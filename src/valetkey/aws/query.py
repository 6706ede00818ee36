"""AWS's query protocol, of which STS needs a little: a form goes out, XML comes back.

Source: STS API reference, "Common Parameters", "Common Errors" and "AssumeRole".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element

from valetkey.aws.errors import from_response, unreachable
from valetkey.aws.signing import UnsignedRequest
from valetkey.aws.xml_responses import child, child_text, error_of, parse_xml
from valetkey.domain.errors import AwsRefused, AwsUnavailable

_OK: Final = 200
_REDIRECT: Final = 300
_SERVER_FAULT: Final = 500
#: "No such call", for which some stores have no words.
_NOT_OFFERED: Final = frozenset({405, 501})
_HEADERS: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A POST that is ready to be sent."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class QueryResponse:
    """What came back; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def query_request(
    endpoint: str, form: Mapping[str, str], sign: Callable[[UnsignedRequest], dict[str, str]]
) -> QueryRequest:
    """Return a request that is ready to be sent; ``sign`` returns all headers of a call."""
    body = urlencode(form, quote_via=quote).encode()
    target = urlsplit(endpoint).path
    url, target = (endpoint, target) if target else (f"{endpoint}/", "/")
    call = UnsignedRequest("POST", url, target, {}, _HEADERS, sha256(body).hexdigest())
    # Proxies may change the length, so it isn't signed.
    return QueryRequest(url, sign(call) | {"content-length": str(len(body))}, body)


def result_of(answer: QueryResponse, doing: str, *, hide: Iterable[str] = ()) -> Element:
    """Return the result in an answer.

    Raises AwsRefused or AwsUnavailable for an error, AwsUnavailable for what is no answer; ``hide``
    are texts that no error may show.
    """
    root = _parsed(answer.body)
    failure: AwsRefused | AwsUnavailable
    if _OK <= answer.status < _REDIRECT:
        result = child(root, f"{doing.partition(':')[2]}Result")
        if result is not None:
            return result
        failure = unreachable(OSError(), doing, kind="garbage")
    else:
        failure = _failure(error_of(root), answer, doing, hide)
    raise failure


def _failure(
    error: Element | None, answer: QueryResponse, doing: str, hide: Iterable[str]
) -> AwsRefused | AwsUnavailable:
    status = answer.status
    if error is None and status < _SERVER_FAULT and status not in _NOT_OFFERED:
        # A proxy's page, say: AWS has not refused anything, and nobody may conclude that it has.
        return unreachable(OSError(), doing, kind="garbage")
    return from_response(
        child_text(error, "Code") or str(status),
        child_text(error, "Message"),
        doing,
        status=status,
        date=answer.headers.get("date", ""),
        hide=hide,
    )


def _parsed(body: bytes) -> Element | None:
    try:
        return parse_xml(body.decode())
    except ValueError:
        return None
