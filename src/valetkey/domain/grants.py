"""Grants: what a location opens to people beyond what their roles give them.

Grants only widen: what somebody may have is their role's and their grants' together, within what
the location gives anybody. Somebody who is to get less has a lesser role, and grants. See ADR 12.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from valetkey.counting import counted
from valetkey.domain.access import Allow, Decision, Deny
from valetkey.domain.location_tree import Chain, decide_extent
from valetkey.domain.scope import AccessLevel, Scope


class SubjectKind(StrEnum):
    """Whom a grant is for."""

    USER = "user"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Group:
    """Some members of an organisation under one name."""

    id: str
    org_id: str
    name: str
    created_at: datetime
    version: int = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """A user or a group may have these levels in these folders (below the location's own, each
    empty or ending in ``/``) of one location, for at most ``max_ttl`` at a time.

    ``subject_name`` is the user's e-mail address or the group's name.
    """

    id: str
    location_id: str
    subject_kind: SubjectKind
    subject_id: str
    subject_name: str
    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    max_ttl: timedelta
    creator: str
    created_at: datetime
    ends_at: datetime | None = None
    reason: str = ""

    def is_live(self, now: datetime) -> bool:
        """Tell whether the grant has not ended."""
        return self.ends_at is None or now < self.ends_at

    def opens(self, path: str, level: AccessLevel) -> bool:
        """Tell whether the grant gives a level on a path (below the location's folder)."""
        return level in self.levels and any(path.startswith(folder) for folder in self.prefixes)

    def __str__(self) -> str:
        return f"grant {self.id} to {self.subject_kind} {self.subject_name}"


def decide_by_grants(
    grants: Sequence[Grant],
    paths: Iterable[str],
    levels: Iterable[AccessLevel],
    ttl: timedelta,
    now: datetime,
) -> Decision:
    """Decide whether grants, taken together, open all of the levels on all of the paths (below
    the location's folder) at a moment, and for as long as ``ttl``. ``until`` is when the first of
    them ends."""
    used: dict[str, Grant] = {}
    grants = [grant for grant in grants if grant.is_live(now)]
    wanted = sorted(levels)
    for path in paths:
        for level in wanted:
            opening = [grant for grant in grants if grant.opens(path, level)]
            if not opening:
                return Deny(
                    f"No grant gives {level} on {path[:200]!r}.",
                    hint="Ask for less, or ask an owner of the project for a grant.",
                )
            longest = max(opening, key=lambda grant: _lasts(grant, now))
            used[longest.id] = longest
    if not used:
        return Deny("Nothing was asked for.", hint="Name at least one folder and one level.")
    limiting = min(used.values(), key=lambda grant: grant.max_ttl)
    if ttl > limiting.max_ttl:
        seconds = int(limiting.max_ttl.total_seconds())
        return Deny(
            f"The {limiting} lasts at most {counted(seconds, 'second')} at a time.",
            hint=f"Ask for a time to live of at most {counted(seconds, 'second')}.",
        )
    ends = [grant.ends_at for grant in used.values() if grant.ends_at is not None]
    reason = ", ".join(map(str, used.values()))
    return Allow(reason, until=min(ends, default=None), longest=limiting.max_ttl)


def _lasts(grant: Grant, now: datetime) -> timedelta:
    left = grant.max_ttl if grant.ends_at is None else grant.ends_at - now
    return min(grant.max_ttl, left)


def decide_scope(
    by_role: Decision,
    grants: Sequence[Grant],
    chain: Chain,
    scope: Scope,
    ttl: timedelta,
    now: datetime,
) -> Decision:
    """Decide whether somebody may have a scope of a location, given what the role says, the
    grants, and what the location (``chain``: with what it lies within) gives anybody.

    Bare names of folders are allowed only where the neighbours that they show are allowed too.
    """
    extent = decide_extent(chain, scope, now)
    if isinstance(extent, Deny):
        return extent
    location = chain[0]
    folders: tuple[str, ...] = (location.prefix,)
    decision = by_role
    if isinstance(by_role, Deny) and grants:
        paths = [prefix.removeprefix(location.prefix) for prefix in scope.prefixes]
        decision = decide_by_grants(grants, paths, scope.levels, ttl, now)
        listed = (
            grant.prefixes
            for grant in grants
            if AccessLevel.LIST in grant.levels and grant.is_live(now)
        )
        folders = tuple(location.prefix + path for paths in listed for path in paths)
    if isinstance(decision, Deny):
        return decision
    stray = [name for name in scope.bare_names if not name.startswith(folders)]
    if stray:
        return Deny(
            f"Listing {stray[0]!r} without its '/' would show neighbours beyond your right.",
            hint="Ask without 'bare', and list with a '/' at the end.",
        )
    ends = [end for end in (decision.until, extent.until) if end is not None]
    return replace(decision, until=min(ends, default=None))
