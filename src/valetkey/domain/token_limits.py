"""What an API token may not do although its holder may: a token carries less, never more."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from valetkey.counting import counted
from valetkey.domain.credentials import parse_optional_ttl
from valetkey.domain.decisions import Allow, Decision, Deny
from valetkey.domain.errors import InvalidInput
from valetkey.domain.location import Location
from valetkey.domain.scope import AccessLevel, Scope, normalize_folder

_MOST: Final = 100


@dataclass(frozen=True, slots=True)
class TokenLimits:
    """Each limit is None where the token is not limited in this way; an empty one opens nothing.

    ``locations`` are ids, each of which means what lies within it too; ``prefixes`` are folders
    below those locations' own, each empty or ending in ``/``; ``max_ttl`` is the longest time to
    live; ``networks`` are the ranges that the token may be used from
    (``192.0.2.0/24``, ``2001:db8::/32``).
    """

    locations: frozenset[str] | None = None
    prefixes: tuple[str, ...] | None = None
    levels: frozenset[AccessLevel] | None = None
    max_ttl: timedelta | None = None
    networks: tuple[str, ...] | None = None

    @property
    def narrows_data(self) -> bool:
        """Tell whether the token opens less of the data than its holder may."""
        narrowing = (self.locations, self.prefixes, self.levels, self.max_ttl)
        return any(limit is not None for limit in narrowing)

    def decide(self, chain: Sequence[Location], scope: Scope, ttl: timedelta) -> Decision:
        """Decide whether the token may carry a scope of a location for so long, provided that its
        holder may. ``chain``: the location with what it lies within, the nearest first."""
        location = chain[0]
        if not self._named(chain):
            return _beyond("this location", "Use a token for this location.")
        if self.levels is not None and not scope.levels <= self.levels:
            more = ", ".join(sorted(scope.levels - self.levels))
            return _beyond(more, f"Ask for no more than {', '.join(sorted(self.levels))}.")
        if self.prefixes is not None:
            folders = self._folders(chain)
            names = (*scope.prefixes, *scope.bare_names)
            stray = [name for name in names if not name.startswith(folders)]
            if stray:
                asked = stray[0].removeprefix(location.prefix)[:200]
                return _beyond(repr(asked), f"Ask for folders in {', '.join(self.prefixes)[:200]}.")
        if self.max_ttl is not None and ttl > self.max_ttl:
            seconds = int(self.max_ttl.total_seconds())
            return _beyond(
                f"more than {counted(seconds, 'second')} at a time",
                f"Ask for at most {counted(seconds, 'second')}.",
            )
        return Allow("within the API token's limits", longest=self.max_ttl or timedelta.max)

    def narrow(self, chain: Sequence[Location], prefixes: tuple[str, ...]) -> tuple[str, ...]:
        """Return what is left of folders (below the location's own). Where none is they stay as
        they are, and :meth:`decide` refuses them."""
        if self.prefixes is None:
            return prefixes
        base = chain[0].prefix
        deeper = {
            max(base + one, own, key=len).removeprefix(base)
            for one in prefixes
            for own in self._folders(chain)
            if (base + one).startswith(own) or own.startswith(base + one)
        }
        return tuple(sorted(deeper)) or prefixes

    def _named(self, chain: Sequence[Location]) -> Sequence[Location]:
        """Return those of a chain that the token is for."""
        return [each for each in chain if self.locations is None or each.id in self.locations]

    def _folders(self, chain: Sequence[Location]) -> tuple[str, ...]:
        """Return the folders that the token is for, as keys of the bucket. They are below a
        location that it names; where it names none, below the one that is asked for."""
        named = chain[:1] if self.locations is None else self._named(chain)
        return tuple(each.prefix + prefix for each in named for prefix in self.prefixes or ())

    def allows_source(self, source: str) -> bool:
        """Tell whether the token may be used from a network address; what is no address is
        outside every range."""
        if self.networks is None:
            return True
        try:
            address = ipaddress.ip_address(source)
        except ValueError:
            return False
        plain = getattr(address, "ipv4_mapped", None) or address
        return any(plain in ipaddress.ip_network(network) for network in self.networks)


UNLIMITED: Final = TokenLimits()


def read_limits(
    *,
    locations: Iterable[str] | None = None,
    prefixes: Iterable[str] | None = None,
    levels: frozenset[AccessLevel] | None = None,
    max_ttl: int | None = None,
    networks: Iterable[str] | None = None,
) -> TokenLimits:
    """Read what somebody asks a token to be limited to; ``max_ttl`` is in seconds.

    Raises :class:`InvalidInput`: also for an empty list, which would open nothing, and for folders
    without the locations that they are in.
    """
    places = _few(locations, "locations")
    folders = _few(prefixes, "prefixes")
    ranges = _few(networks, "networks")
    if folders is not None and places is None:
        raise InvalidInput(
            "The folders are of no location.",
            hint="Name the locations that the token is for, too.",
            field="locations",
        )
    return TokenLimits(
        locations=None if places is None else frozenset(places),
        prefixes=None
        if folders is None
        else tuple(sorted({normalize_folder(folder) for folder in folders})),
        levels=levels,
        max_ttl=parse_optional_ttl(max_ttl),
        networks=None if ranges is None else tuple(sorted({_network(text) for text in ranges})),
    )


def _few(texts: Iterable[str] | None, field: str) -> list[str] | None:
    if texts is None:
        return None
    found = list(texts)
    if not 0 < len(found) <= _MOST:
        raise InvalidInput(
            f"A token is limited to 1 to {_MOST} {field}; {len(found)} were named.",
            hint="Leave the limit out, or name some.",
            field=field,
        )
    return found


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise InvalidInput(
            f"{text[:80]!r} is no network range.",
            hint="Use the form 192.0.2.0/24 or 2001:db8::/32.",
            field="networks",
        ) from None


def _beyond(what: str, hint: str) -> Deny:
    return Deny(f"This API token does not carry {what}.", hint=hint)
