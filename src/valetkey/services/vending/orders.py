"""What is asked for, and what is handed out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.audit import AuditForm
from valetkey.domain.credentials import DEFAULT_TTL, TemporaryCredentials
from valetkey.domain.errors import InvalidInput
from valetkey.domain.lease import Lease
from valetkey.domain.location import Location
from valetkey.domain.scope import AccessLevel, Scope

_MAX_PURPOSE: Final = 500


@dataclass(frozen=True, slots=True)
class VendRequest:
    """What is wanted: folders below the location's own (``""`` is all of it), levels, time to live.

    No folder at all is refused: absence is never everything. ``purpose`` is a sentence for the
    audit trail; ``bare`` and ``versions`` are those of a Scope.
    """

    prefixes: tuple[str, ...]
    levels: frozenset[AccessLevel]
    ttl: timedelta = DEFAULT_TTL
    purpose: str = ""
    bare: bool = False
    versions: bool = False
    #: Worked out once: requests are looked up far more often than made.
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_purpose(self.purpose)
        parts = (self.prefixes, self.levels, self.ttl, self.purpose, self.bare, self.versions)
        object.__setattr__(self, "_hash", hash(parts))

    def __hash__(self) -> int:
        return self._hash


@dataclass(slots=True)
class Minted:
    """A session: its credentials and its lease, which is stored with the first audit record that
    names it (``is_recorded``)."""

    credentials: TemporaryCredentials
    lease: Lease
    is_recorded: bool = False

    @property
    def expires_at(self) -> datetime:
        return self.credentials.expires_at


@dataclass(frozen=True, slots=True)
class Vended:
    """What was handed out, and under which lease it stands in the audit trail."""

    lease_id: str
    credentials: TemporaryCredentials
    scope: Scope
    location: Location


@dataclass(frozen=True, slots=True)
class Ready:
    """What may be handed out, once an audit record of that ``form`` is durable. ``key`` is the
    session's, in the cache of them."""

    vended: Vended
    form: AuditForm
    minted: Minted
    key: bytes


def scope_of(location: Location, request: VendRequest) -> Scope:
    """Return the scope of folders below a location's own.

    Raises InvalidInput for an unusable folder (none can lead outside) and for none at all.
    """
    full = tuple(location.full_prefix(prefix) for prefix in request.prefixes)
    return Scope(location.bucket, full, request.levels, request.bare, request.versions)


def check_purpose(text: str) -> None:
    """Raise InvalidInput for a purpose that is too long or has control characters."""
    if len(text) > _MAX_PURPOSE or not text.isprintable():
        raise InvalidInput(
            "The purpose is not one line of ordinary text.",
            hint=f"Say why in at most {_MAX_PURPOSE} printable characters.",
            field="purpose",
        )
