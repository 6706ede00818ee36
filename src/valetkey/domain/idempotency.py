"""Requests that make something, and are sent again because nobody knows whether they arrived."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.errors import Conflict, InvalidInput

#: For how long an answer is kept.
KEPT: Final = timedelta(hours=24)
#: A request that has no answer after this long was cut short: its server stopped.
PATIENCE: Final = timedelta(minutes=10)
#: The status of a request whose outcome nobody knows.
CUT: Final = -1
_MAX_KEY: Final = 200


@dataclass(frozen=True, slots=True)
class KeptResponse:
    """An answer to a request: status, headers and body."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class KeptRequest:
    """A request under its key. ``status`` is 0 while it is being worked on, CUT once nobody can
    know any more what became of it; the ``body`` of an
    answer that holds a secret is kept sealed, and empty here."""

    id: str
    user_id: str
    key: str
    fingerprint: str
    created_at: datetime
    status: int = 0
    headers: list[list[str]] = field(default_factory=list)
    body: str = ""


class KeyReused(Conflict):
    """The key belongs to another request."""

    code = "idempotency_key_reused"


class InProgress(Conflict):
    """The first request is still being worked on."""

    code = "idempotency_in_progress"


class OutcomeUnknown(Conflict):
    """The first request was cut short, or what it answered can't be said again."""

    code = "idempotency_outcome_unknown"


class InvalidKey(InvalidInput):
    """The key can't be one."""

    code = "idempotency_key_invalid"


class KeyNotTaken(InvalidInput):
    """The request has a key, and its operation would do it a second time all the same."""

    code = "idempotency_key_not_taken"


def key_not_taken() -> KeyNotTaken:
    """Return the refusal of a key by an operation that takes none."""
    return KeyNotTaken(
        "This operation takes no Idempotency-Key: the same request sent again is worked on again, "
        "and its answer is another.",
        hint="Leave the header out: the operation makes nothing that sending it twice would make "
        "twice.",
    )


def check_key(key: str) -> str:
    """Return a key that can be kept. Raises InvalidKey."""
    if not 1 <= len(key) <= _MAX_KEY or not key.isascii() or not key.isprintable():
        raise InvalidKey(
            "The Idempotency-Key is empty, too long, or not printable.",
            hint=f"Use a fresh random one of up to {_MAX_KEY} letters, such as a UUID.",
        )
    return key


def fingerprint_of(method: str, address: str, token_id: str, body: bytes) -> str:
    """Return what tells one request from another: a token does not get what another was told."""
    digest = hashlib.sha256()
    for text in (method.encode(), address.encode(), token_id.encode(), body):
        digest.update(b"%d:" % len(text) + text)
    return digest.hexdigest()


def check_repeat(kept: KeptRequest, fingerprint: str, now: datetime) -> None:
    """See that a kept request has an answer for this one.

    Raises KeyReused, InProgress, OutcomeUnknown.
    """
    if kept.fingerprint != fingerprint:
        raise KeyReused(
            "This Idempotency-Key was used for another request.",
            hint="Use a fresh key for each thing that is to be made.",
        )
    if kept.status > 0:
        return
    if kept.status != CUT and now - kept.created_at < PATIENCE:
        raise InProgress(
            "The request with this Idempotency-Key is still being worked on.",
            hint="Wait a moment, and send it again.",
        )
    raise OutcomeUnknown(
        "The server, or its database, stopped while it worked on the request with this "
        "Idempotency-Key: nobody knows whether it was done.",
        hint="List what there is; if it was not made, send the request with a fresh key.",
    )
