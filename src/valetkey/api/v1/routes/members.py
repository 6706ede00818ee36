"""Which member an address names: by their id, or by their e-mail address."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol, TypeVar

from valetkey.api.v1.calls import ApiCall
from valetkey.services.lookup import missing


class _Member(Protocol):
    @property
    def user_id(self) -> str: ...
    @property
    def email(self) -> str: ...


M = TypeVar("M", bound=_Member)


def find_member(members: Iterable[M], call: ApiCall[Any, Any]) -> M | None:
    """Return the member that ``userId`` names; None if none of them is."""
    who = call["userId"]
    return next((each for each in members if who in {each.user_id, each.email}), None)


def known_member(members: Iterable[M], call: ApiCall[Any, Any]) -> M:
    """Return the member that ``userId`` names. Raises NotFound."""
    found = find_member(members, call)
    if found is None:
        raise missing(f"member:{call['userId'][:80]}")
    return found
