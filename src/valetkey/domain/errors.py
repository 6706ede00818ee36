"""Every error that Valetkey raises on purpose.

One tree, so that each entry point (REST, CLI, console) maps it once. An error says what happened
(``message``), which kind it is for programs (``code``) and what to do next (``hint``). None of the
three ever holds a secret.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

#: AWS's codes for what somebody may not do; 403 is an answer without words.
ACCESS_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "403"})


class ValetkeyError(Exception):
    """What happened, and what to do about it.

    ``message`` and ``hint`` are sentences for people; ``code`` is a stable word for programs;
    ``details`` holds further JSON-ready facts (a field's name, an AWS error code).
    """

    code = "error"

    def __init__(self, message: str, *, hint: str = "", code: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code
        self.details: Mapping[str, Any] = MappingProxyType(details)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class InvalidInput(ValetkeyError):
    """The caller's input can't be right, whatever the state of the system."""

    code = "invalid_input"


class TooLarge(InvalidInput):
    """The input is well-formed but over a stated limit."""

    code = "too_large"


class Unstorable(InvalidInput):
    """A value that no row of the database takes: the database is well, and refuses it."""


class Unauthenticated(ValetkeyError):
    """Nobody, or nobody that can be trusted, is asking."""

    code = "unauthenticated"


class Denied(ValetkeyError):
    """The caller is known and has no right to this."""

    code = "denied"


class NotFound(ValetkeyError):
    """No such thing, or none that the caller may know of."""

    code = "not_found"


class Conflict(ValetkeyError):
    """The request does not fit the present state (a name is taken, a thing was changed)."""

    code = "conflict"


class VersionMismatch(Conflict):
    """Somebody else changed it since it was read. ``details['version']`` is the stored one, where
    it is known."""

    code = "version_mismatch"


class NameTaken(Conflict):
    """Another one of its kind has this name."""

    code = "name_taken"


class RotationUnderWay(Conflict):
    """An integration's key is replaced once at a time."""

    code = "rotation_under_way"


class InUse(Conflict):
    """The thing can't go while others depend on it."""

    code = "in_use"


class Archived(Conflict):
    """The object lies in an archive, and has to be restored before it is read or copied."""

    code = "archived"


class PartlyDone(Conflict):
    """It was done to some of many things, and could not be to others. ``details`` count both and
    name the first of those (``failures``); ``errors`` are what each of these would say alone."""

    code = "partly_done"

    def __init__(
        self, message: str, *, hint: str = "", errors: Sequence[ValetkeyError] = (), **details: Any
    ) -> None:
        super().__init__(message, hint=hint, **details)
        self.errors = errors


class Locked(ValetkeyError):
    """The same work is already under way."""

    code = "locked"


class BeingRevoked(ValetkeyError):
    """Sessions of this kind are being revoked at this moment: ask again when that is done."""

    code = "being_revoked"


class TooManyRequests(ValetkeyError):
    """The caller must slow down. ``details['retry_after']`` is in seconds."""

    code = "too_many_requests"


class TookTooLong(ValetkeyError):
    """The work would have taken longer than one request may, and was stopped."""

    code = "took_too_long"


class AwsRefused(ValetkeyError):
    """AWS answered, and said no. ``details['aws_code']`` is AWS's own error code."""

    code = "aws_refused"


class PreconditionFailed(AwsRefused):
    """What a write was to happen upon is not so, or somebody else wrote at the same moment: nothing
    was changed."""


class NotOffered(AwsRefused):
    """The store does not have this call: whatever needs it goes on without, or says so."""


class AwsUnavailable(ValetkeyError):
    """AWS did not answer, or asked to come back later: the same call may go through soon."""

    code = "aws_unavailable"


class Unsettled(AwsUnavailable):
    """What a right depends on changed while credentials were made for it: it has to be decided
    anew."""


class StorageUnavailable(ValetkeyError):
    """The database can't be reached, is locked, read-only or full."""

    code = "storage_unavailable"


class StorageBusy(StorageUnavailable):
    """The database is well, and what was asked for is held by somebody else for too long."""


class CommitUnknown(StorageUnavailable):
    """The database went away while it was to commit: nobody knows whether that is done."""


class ClockOff(StorageUnavailable):
    """This machine's clock is too far off the database's: what it held, and what it took for over,
    would be so for nobody else."""


class AuditUnavailable(StorageUnavailable):
    """The audit record could not be made durable, so nothing was handed out."""

    code = "audit_unavailable"


class SealBroken(ValetkeyError):
    """A sealed secret does not open: wrong key, another installation's, or a tampered record."""

    code = "seal_broken"


class ConfigurationError(ValetkeyError):
    """The settings can't be right; the server does not start."""

    code = "configuration"
