"""AWS's query protocol, of which STS needs a little: a form goes out, XML comes back.

Source: STS API reference, "Common Parameters", "Common Errors" and "AssumeRole".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit
from xml.etree.ElementTree import Element

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from valetkey.aws.answers import child, child_text, parse_xml
from valetkey.aws.errors import from_answer, unreachable
from valetkey.aws.signing import Call
from valetkey.domain.errors import AwsRefused, AwsUnavailable

_OK: Final = 200
_REDIRECT: Final = 300
_SERVER_FAULT: Final = 500
_HEADERS: Final = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
_USER_AGENT: Final = "valetkey"


def query_request(
    endpoint: str, form: Mapping[str, str], sign: Callable[[Call], dict[str, str]]
) -> AWSPreparedRequest:
    """Return a request that is ready to be sent; ``sign`` returns all headers of a call."""
    body = urlencode(form, quote_via=quote).encode()
    target = urlsplit(endpoint).path
    url, target = (endpoint, target) if target else (f"{endpoint}/", "/")
    call = Call("POST", url, target, {}, _HEADERS, sha256(body).hexdigest())
    # Proxies may change these two, so they aren't signed.
    unsigned = {"content-length": str(len(body)), "user-agent": _USER_AGENT}
    headers: Any = sign(call) | unsigned
    return AWSPreparedRequest("POST", url, headers, body, stream_output=False)


def result_of(answer: AWSResponse, doing: str, *, hide: Iterable[str] = ()) -> Element:
    """Return the result in an answer.

    Raises AwsRefused or AwsUnavailable for an error, AwsUnavailable for what is no answer; ``hide``
    are texts that no error may show.
    """
    root = _parsed(answer.content)
    failure: AwsRefused | AwsUnavailable
    if _OK <= answer.status_code < _REDIRECT:
        result = child(root, f"{doing.partition(':')[2]}Result")
        if result is not None:
            return result
        failure = unreachable(OSError("garbage"), doing)
    else:
        failure = _failure(child(root, "Error"), answer, doing, hide)
    raise failure


def _failure(
    error: Element | None, answer: AWSResponse, doing: str, hide: Iterable[str]
) -> AwsRefused | AwsUnavailable:
    status = answer.status_code
    if error is None and status < _SERVER_FAULT:
        # A proxy's page, say: AWS has not refused anything, and nobody may conclude that it has.
        return unreachable(OSError("garbage"), doing)
    return from_answer(
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
