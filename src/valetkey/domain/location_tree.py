"""Locations form a tree: a child opens nothing that its parent does not open.

Only an organisation's owner makes a root, straight on an integration. Everybody else makes children
of what a project has, and a child's folder, access and end lie within its parent's. What a location
opens is read off its whole chain each time, so that narrowing or ending a parent takes effect at
once on all that lies within it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from valetkey.domain.access import Allow, Decision, Deny
from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import MAX_DEPTH, Location
from valetkey.domain.scope import AccessLevel, Scope

#: A location, and what it lies within, the nearest first.
Chain = Sequence[Location]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a chain opens at most: a folder of a bucket, access, and until when."""

    bucket: str
    prefix: str
    access: frozenset[AccessLevel]
    ends_at: datetime | None

    @classmethod
    def of(cls, chain: Chain) -> Extent:
        """Return what all of a chain's locations open."""
        ends = [each.ends_at for each in chain if each.ends_at is not None]
        return cls(
            bucket=chain[0].bucket,
            prefix=chain[0].prefix,
            access=frozenset.intersection(*(each.access for each in chain)),
            ends_at=min(ends, default=None),
        )


def decide_extent(chain: Chain, scope: Scope, now: datetime) -> Decision:
    """Decide whether a scope lies within what a chain of locations opens at a moment; ``until`` is
    when that ends."""
    ended = next((each for each in chain if each.ends_at is not None and each.ends_at <= now), None)
    if ended is not None:
        return Deny(
            f"The location {ended.name!r} ended at {ended.ends_at:%Y-%m-%d %H:%M} UTC.",
            hint="Ask whoever made it for more time.",
        )
    extent = Extent.of(chain)
    beyond = sorted(scope.levels - extent.access)
    if beyond:
        narrowing = next(each for each in chain if not scope.levels <= each.access)
        return Deny(
            f"The location {narrowing.name!r} does not give {' and '.join(beyond)}.",
            hint=f"Ask for {', '.join(sorted(extent.access)) or 'another location'} only.",
        )
    outside = [each for each in chain if not _holds(each, scope)]
    if outside:
        return Deny(
            f"That is outside of the location {outside[0].name!r}.",
            hint="Ask for folders within it.",
        )
    return Allow("within the location", until=extent.ends_at)


def _holds(location: Location, scope: Scope) -> bool:
    return location.bucket == scope.bucket and all(
        prefix.startswith(location.prefix) for prefix in scope.prefixes
    )


def check_child(child: Location, parents: Chain) -> None:
    """See that a location lies within its parents, the nearest first.

    Raises InvalidInput, naming what goes beyond.
    """
    if len(parents) >= MAX_DEPTH:
        raise InvalidInput(
            f"Locations lie at most {MAX_DEPTH} deep within one another.",
            hint="Make it within one nearer to the root.",
            field="parentId",
        )
    extent, parent = Extent.of(parents), parents[0]
    if child.bucket != extent.bucket or not child.prefix.startswith(extent.prefix):
        raise InvalidInput(
            f"The folder is not within {parent.name!r} (s3://{extent.bucket}/{extent.prefix}).",
            hint="Choose a folder within it.",
            field="path",
        )
    beyond = sorted(child.access - extent.access)
    if beyond:
        raise InvalidInput(
            f"{parent.name!r} does not give {' and '.join(beyond)}.",
            hint=f"Choose among {', '.join(sorted(extent.access))}.",
            field="access",
        )
    if extent.ends_at is not None and (child.ends_at is None or child.ends_at > extent.ends_at):
        raise InvalidInput(
            f"{parent.name!r} ends at {extent.ends_at.isoformat()}, and what lies within it too.",
            hint="Give an end that is not later.",
            field="endsAt",
        )


def narrowest(
    locations: Iterable[Location], bucket: str, prefix: str, integration_id: str = ""
) -> Location | None:
    """Return the location that a new one at a place would lie within: the narrowest that holds it.

    With an ``integration_id``, only those on that integration count.
    """
    holding = [
        each
        for each in locations
        if each.bucket == bucket
        and prefix.startswith(each.prefix)
        and integration_id in {"", each.integration_id}
    ]
    return max(holding, key=lambda each: (len(each.prefix), each.id), default=None)
