"""Keys: the long-lived one that an integration holds, and the temporary ones handed out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from valetkey.counting import counted
from valetkey.domain.errors import InvalidInput
from valetkey.domain.secret import Secret

#: AssumeRole's bounds on DurationSeconds (STS API reference). The role's own maximum may be lower.
MIN_TTL: Final = timedelta(seconds=900)
MAX_TTL: Final = timedelta(seconds=43_200)
DEFAULT_TTL: Final = timedelta(seconds=3600)


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A long-lived IAM access key: its id, which is not secret, and its secret."""

    id: str
    secret: Secret


@dataclass(frozen=True, slots=True)
class OwnIdentity(AccessKey):
    """Whoever the server itself is at AWS. It holds no key: the adapter finds one, in the settings
    or as AWS's own tools do (environment, instance or container role)."""

    id: str = ""
    secret: Secret = field(default_factory=lambda: Secret(""))


@dataclass(frozen=True, slots=True)
class TemporaryCredentials:
    """What AssumeRole returned. ``expires_at`` is aware, in UTC."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret
    expires_at: datetime

    def __post_init__(self) -> None:
        require_aware(self.expires_at)

    def remaining(self, now: datetime) -> timedelta:
        """Return how long the credentials are still good for; never negative."""
        return max(self.expires_at - now, timedelta())


def parse_ttl(seconds: int) -> timedelta:
    """Read a time to live, in seconds.

    Raises :class:`InvalidInput` outside 900 to 43,200 seconds.
    """
    if not MIN_TTL.total_seconds() <= seconds <= MAX_TTL.total_seconds():
        raise InvalidInput(
            f"A time to live of {counted(seconds, 'second')} is outside what AWS offers.",
            hint="Use 900 (15 minutes) to 43200 (12 hours), and at most the role's own maximum.",
            field="ttl",
        )
    return timedelta(seconds=seconds)


def parse_optional_ttl(seconds: int | None) -> timedelta | None:
    """Read a time to live that may be left out, as :func:`parse_ttl` does."""
    return None if seconds is None else parse_ttl(seconds)


def require_aware(moment: datetime) -> datetime:
    """Return ``moment``, or raise :class:`ValueError` for a datetime that has no time zone."""
    if moment.tzinfo is None:
        raise ValueError("naive datetimes are refused: time is aware here")
    return moment


#: What signs requests to AWS.
AwsCredentials = AccessKey | TemporaryCredentials
