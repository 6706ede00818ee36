"""Finding one thing by its name or its id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from valetkey.sdk.call import Call, Flow
from valetkey.sdk.errors import InvalidRequest, NotFound
from valetkey.wire.base import Page

_ID: Final = re.compile(r"[0-9a-f]{24}")


class Named(Protocol):
    """Something with a name for people and an id for the API."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=Named)


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id: 24 digits and small letters a to f."""
    return _ID.fullmatch(text) is not None


def named(listing: Call[Page[N]], getting: Call[N], which: str, kind: str) -> Flow[N]:
    """Find one thing in one request: ``getting`` asks by id, ``listing`` by name. What has the form
    of an id is an id, or else a name.

    Raises NotFound, and InvalidRequest where several have the name.
    """
    refused: NotFound | None = None
    if is_id(which):
        try:
            found: N = yield getting
        except NotFound as error:
            refused = error
        else:
            return found
    page: Page[N] = yield listing
    if not page.items and refused is not None:
        raise refused
    return only(page.items, kind, which)


def only(items: Iterable[N], kind: str, which: str = "") -> N:
    """Return the one that there is, of this name or id if one is given. Raises NotFound, and
    InvalidRequest where there are several."""
    every = list(items)
    found = [each for each in every if not which or which in {each.id, each.name}]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(sorted(f"{each.name} ({each.id})" for each in found))
        raise InvalidRequest(
            f"There are several of the {kind}s to choose from: {names}.",
            hint="Say which, by its id where names are equal.",
        )
    what = f"{kind} {which[:80]!r}" if which else kind
    raise NotFound(f"There is no {what} that you may use.", hint="Ask an owner, or make one.")
