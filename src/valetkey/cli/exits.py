"""Exit codes: one table for every command."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Final, Protocol, runtime_checkable


class Exit(IntEnum):
    """How a command ended."""

    DONE = 0
    #: It ran, and something does not hold: a check failed, a chain is broken.
    FAILED = 1
    #: The words, the input or the settings can't be right.
    USAGE = 2
    UNAUTHENTICATED = 3
    DENIED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    AWS_REFUSED = 7
    #: The server, the database or AWS gave no answer, or asked to come back later.
    UNAVAILABLE = 8
    INTERRUPTED = 130


@runtime_checkable
class Explained(Protocol):
    """An error that says what happened, which kind it is, and what to do."""

    message: str
    code: str
    hint: str


#: By the name of the error's class, or of one that it derives from: the client library and the
#: server have a tree of errors each, and the client is installed without the server.
_BY_KIND: Final[Mapping[str, Exit]] = {
    "InvalidRequest": Exit.USAGE,
    "InvalidInput": Exit.USAGE,
    "ConfigurationError": Exit.USAGE,
    "MissingPackage": Exit.USAGE,
    "SealBroken": Exit.USAGE,
    "Unauthenticated": Exit.UNAUTHENTICATED,
    "Denied": Exit.DENIED,
    "NotFound": Exit.NOT_FOUND,
    "Conflict": Exit.CONFLICT,
    "Locked": Exit.CONFLICT,
    "AwsRefused": Exit.AWS_REFUSED,
    "AwsUnavailable": Exit.UNAVAILABLE,
    "StorageUnavailable": Exit.UNAVAILABLE,
    "TooManyRequests": Exit.UNAVAILABLE,
    "ServerUnavailable": Exit.UNAVAILABLE,
    "Unavailable": Exit.UNAVAILABLE,
}


def exit_of(error: BaseException) -> Exit:
    """Return the exit code for an error."""
    found = (_BY_KIND[kind.__name__] for kind in type(error).__mro__ if kind.__name__ in _BY_KIND)
    return next(found, Exit.FAILED)
