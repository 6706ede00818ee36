"""AWS's errors -> ours. What each means stands in :mod:`valetkey.aws.error_catalog`.

AWS's own words are kept in the details, cleaned: some of its messages repeat what was sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from valetkey.aws.error_catalog import THROTTLES, known_error, layer_of
from valetkey.counting import counted
from valetkey.domain.errors import (
    AwsRefused,
    AwsUnavailable,
    NotOffered,
    PreconditionFailed,
    ValetkeyError,
)
from valetkey.domain.secret import MASK

_SERVER_FAULT: Final = 500
_LONGEST: Final = 1000
#: SignatureDoesNotMatch may end in the request as AWS saw it, session token and all.
_ECHO: Final = re.compile(
    r"(?s)\s*(?:The Canonical String for this request|The String-to-Sign|CanonicalRequest:).*"
)
_NAMED: Final = re.compile(
    r"(?i)((?:security-?token|session-?token|secret-?access-?key|x-amz-signature|signature)"
    r"[\"']?\s*[=:]\s*[\"']?)[^\s&,;\"'<>]+"
)
#: Session tokens have hundreds of letters; ARNs and request ids have fewer, and ``:`` or ``-``.
_TOKEN: Final = re.compile(r"[A-Za-z0-9+/=_%]{100,}")
#: What a condition on a write, or a rival at the same moment, answers with.
_CONDITIONS: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412"})
#: What stores answer to a call that they don't have.
_NOT_OFFERED: Final = frozenset(
    [
        *("NotImplemented", "XNotImplemented", "MethodNotAllowed", "InvalidAction"),
        *("UnknownOperation", "UnknownOperationException", "405", "501"),
    ]
)
_CLOCK_CODES: Final = frozenset({"SignatureDoesNotMatch", "RequestTimeTooSkewed", "RequestExpired"})


def cleaned(message: str, hide: Iterable[str] = ()) -> str:
    """Return AWS's words without anything secret: what is named as such, what looks like a token,
    and the texts in ``hide``; printable, and at most 1,000 characters."""
    text = _ECHO.sub("", message)
    for secret in filter(None, hide):
        text = text.replace(secret, MASK)
    text = _TOKEN.sub(MASK, _NAMED.sub(rf"\1{MASK}", text))
    shown = "".join(letter if letter.isprintable() else " " for letter in text)
    return shown[:_LONGEST].strip()


def from_client_error(
    error: ClientError, doing: str, *, hide: Iterable[str] = ()
) -> AwsRefused | AwsUnavailable:
    """Translate what botocore understood; ``doing`` is the operation (``sts:AssumeRole``)."""
    facts = error.response.get("Error", {})
    metadata = error.response.get("ResponseMetadata", {})
    headers = metadata.get("HTTPHeaders", {})
    region = headers.get("x-amz-bucket-region") or facts.get("Region")
    return from_response(
        str(facts.get("Code", "")),
        str(facts.get("Message", "")),
        doing,
        status=int(metadata.get("HTTPStatusCode", 0)),
        date=str(headers.get("date", "")),
        hide=hide,
        **({"bucket_region": str(region)} if region else {}),
    )


def from_response(
    code: str,
    message: str,
    doing: str,
    *,
    status: int,
    date: str = "",
    hide: Iterable[str] = (),
    **more: Any,
) -> AwsRefused | AwsUnavailable:
    """Translate what AWS answered; ``date`` is the answer's header of that name.

    Beside AWS's code and words, the details hold ``layer`` (who refuses, where that can be told),
    ``bucket_region`` where S3 named it, and ``aws_time`` (AWS's own, as HTTP writes it) where the
    clock may be the cause.
    """
    if code in _CLOCK_CODES and date:
        more["aws_time"] = date
    return from_aws(code, cleaned(message, hide), doing, status=status, **more)


def from_aws(
    code: str, message: str, doing: str, *, status: int = 0, **more: Any
) -> AwsRefused | AwsUnavailable:
    """Translate an error by its code and (clean) message; ``more`` are further details."""
    details = {"aws_code": code, "aws_message": message, "operation": doing, **more}
    layer = layer_of(code, message, doing)
    if layer is not None:
        details["layer"] = str(layer)
    if code in THROTTLES:
        return AwsUnavailable(
            f"AWS asks for patience at {doing}: too many calls.",
            hint="Try again in a moment.",
            **details,
        )
    if code in _CONDITIONS:
        return PreconditionFailed(
            "What is at this key is not what the write was to happen upon: nothing was changed.",
            hint="Look at what is there now, and try again.",
            **details,
        )
    if code in _NOT_OFFERED:
        return NotOffered(
            f"The store does not offer {doing} ({code}).",
            hint="Do without it, or use a store that has it: see docs/reference/stores.md.",
            **details,
        )
    meaning = known_error(code, message, doing)
    if meaning is not None:
        return AwsRefused(meaning.cause, hint=meaning.fix, **details)
    if status >= _SERVER_FAULT:
        return AwsUnavailable(
            f"AWS failed at {doing} ({code or status}).",
            hint="Try again; see AWS's health page if it stays so.",
            **details,
        )
    return AwsRefused(
        f"AWS refused {doing}: {code or status}.",
        hint=message or "Look the code up in AWS's documentation.",
        **details,
    )


def unreachable(
    error: BotoCoreError | OSError | TimeoutError, doing: str, *, kind: str = ""
) -> AwsUnavailable:
    """Translate silence, or an answer that is no answer; ``kind`` is a name for it (empty: the
    error's type). The error's text is not used: it may quote what was received."""
    kind = kind or type(error).__name__
    return AwsUnavailable(
        f"AWS did not answer {doing} in a usable way ({kind}).",
        hint="See that this machine reaches AWS (network, proxy, DNS); then try again.",
        operation=doing,
        kind=kind,
    )


def unusable(error: BotoCoreError, doing: str) -> AwsRefused:
    """Translate a call that botocore did not even send: a parameter or a place that can't be."""
    return cant_be(doing, kind=type(error).__name__)


def cant_be(doing: str, *, kind: str = "InvalidRegion") -> AwsRefused:
    """Say that a call was not even sent, for a parameter or a place that can't be."""
    return AwsRefused(
        f"The call {doing} can't be made as asked ({kind}).",
        hint="Check the region, the endpoint and the names of role and bucket.",
        operation=doing,
        kind=kind,
    )


def too_late(doing: str, seconds: float) -> AwsUnavailable:
    """Say that a call took longer than it may."""
    return AwsUnavailable(
        f"AWS did not answer {doing} within {counted(seconds, 'second')}.",
        hint="See that this machine reaches AWS (network, proxy, DNS); then try again.",
        operation=doing,
        kind="TimeoutError",
    )


def not_understood(doing: str, why: str) -> AwsUnavailable:
    """Say what is wrong with an answer; ``why`` is a clause without anything of the answer's."""
    return AwsUnavailable(
        f"The answer to {doing} can't be used: {why}.",
        hint="Try again. If it stays so, the store does not speak S3 as AWS does, or something "
        "between changes its answers.",
        operation=doing,
        kind="garbage",
    )


def is_throttled(error: ValetkeyError) -> bool:
    """Tell whether AWS said that it did not begin a call, so that it may be made again."""
    return error.details.get("aws_code") in THROTTLES
