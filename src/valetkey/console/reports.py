"""A report that writes itself: each check is sent as soon as it is known, then what follows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final

from litestar.response import Stream

from valetkey.console.web import safe_headers, sentence, templates
from valetkey.domain.errors import ValetkeyError
from valetkey.domain.verification import Check

#: Stands between the pieces of a page that comes piece by piece.
BETWEEN: Final = "\x1e"


def stream_report(
    events: AsyncIterator[Any],
    outcome: str,
    context: Callable[[Any], Mapping[str, Any]],
) -> Stream:
    """Answer with checks, and at the end with the template ``outcome``, rendered with what
    ``context`` makes of the last event. What goes wrong meanwhile is said in its place."""
    return Stream(
        _pieces(events, outcome, context),
        media_type="text/html; charset=utf-8",
        headers=safe_headers(),
    )


async def _pieces(
    events: AsyncIterator[Any], outcome: str, context: Callable[[Any], Mapping[str, Any]]
) -> AsyncIterator[str]:
    number = 0
    try:
        async for event in events:
            if isinstance(event, Check):
                number += 1
                yield _piece("reports/check.html", check=event, number=number)
            else:
                yield _piece(outcome, **context(event))
    except ValetkeyError as error:
        yield _piece("error_part.html", error=sentence(error), request_id="")


def _piece(name: str, **context: Any) -> str:
    text = templates().get_template(name).render(**context)
    return text.replace(BETWEEN, "") + BETWEEN
