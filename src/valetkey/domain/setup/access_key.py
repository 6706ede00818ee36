"""The access key: the one step that can't simply be done again.

CreateAccessKey makes another key each time, AWS shows a secret once, and a user has at most two
keys. So an intent is written down first, with the ids of the keys known then; a later run that
finds a key which that intent explains, and whose secret nobody holds, removes it and makes another.
A key that nothing explains is unknown: it is reported and left alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from valetkey.domain.setup.observed import ObservedKey

#: IAM's quota; inactive keys count.
MOST_KEYS: Final = 2
#: A key that appeared this recently may belong to an ``apply`` that is still running.
FRESH: Final = timedelta(minutes=10)
#: An intent explains keys made from a little before it (clocks differ) to this long after it.
_BEFORE: Final = timedelta(minutes=5)
_AFTER: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class KeyIntent:
    """What the journal says of a key that was about to be made: never a secret.

    ``known`` are the key ids that were there; ``custodian`` says who was to keep the secret;
    ``created`` is the new key's id once AWS has told it.
    """

    at: datetime
    known: frozenset[str]
    custodian: str
    created: str = ""


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """All that decides about the key: whose secret the custodian holds (empty: none), the
    journal's intent, and the time."""

    custodian: str
    held: str
    intent: KeyIntent | None
    now: datetime


@dataclass(frozen=True, slots=True)
class KeepKey:
    """The custodian's key is there and active; ``orphans`` may go."""

    key_id: str
    orphans: tuple[str, ...]
    unknown_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MakeKey:
    """A key has to be made, after the ``orphans`` of a broken run have been removed."""

    orphans: tuple[str, ...]
    unknown_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyConflict:
    """A person has to decide: why, and what to do."""

    reason: str
    fix: str


KeyDecision = KeepKey | MakeKey | KeyConflict


def decide(keys: Sequence[ObservedKey], facts: KeyFacts) -> KeyDecision:
    """Say what is to be done about the user's access key."""
    held = next((key for key in keys if key.id == facts.held), None)
    if held is not None and not held.active:
        return KeyConflict(
            f"The access key {held.id}, which {facts.custodian} holds, is inactive.",
            "Somebody switched it off. Activate it again (iam:UpdateAccessKey), or delete it and "
            "run apply, which makes another.",
        )
    orphans = tuple(
        key.id for key in keys if key.id in _explained(keys, facts) and key.id != facts.held
    )
    unknown_keys = [key for key in keys if key.id != facts.held and key.id not in orphans]
    names = tuple(key.id for key in unknown_keys)
    if held is not None:
        return KeepKey(held.id, orphans, names)
    return _conflict(unknown_keys, facts) or MakeKey(orphans, names)


def _explained(keys: Sequence[ObservedKey], facts: KeyFacts) -> frozenset[str]:
    """The keys that a broken run made: their secret is lost."""
    intent = facts.intent
    if intent is None or intent.custodian != facts.custodian:
        return frozenset()
    if intent.created:
        return frozenset({intent.created})
    suspects = [
        key.id
        for key in keys
        if key.id not in intent.known
        and key.last_used_at is None
        and intent.at - _BEFORE <= key.created_at <= intent.at + _AFTER
    ]
    # Of two, one is somebody else's, and nothing says which.
    return frozenset(suspects) if len(suspects) == 1 else frozenset()


def _conflict(unknown_keys: Sequence[ObservedKey], facts: KeyFacts) -> KeyConflict | None:
    fresh = [key.id for key in unknown_keys if facts.now - key.created_at < FRESH]
    if fresh:
        return KeyConflict(
            f"The access key {', '.join(fresh)} was made minutes ago, and {facts.custodian} does "
            "not hold its secret: another apply may be at work.",
            "Wait for it to end and run apply again. If there is none, delete the key in IAM.",
        )
    if len(unknown_keys) >= MOST_KEYS:
        shown = ", ".join(_describe(key) for key in unknown_keys)
        return KeyConflict(
            f"The user has {len(unknown_keys)} access keys already, AWS allows {MOST_KEYS}, and "
            f"{facts.custodian} holds the secret of neither: {shown}.",
            "Delete the one that nothing uses (aws iam delete-access-key), then run apply again.",
        )
    return None


def _describe(key: ObservedKey) -> str:
    used = f"last used {key.last_used_at:%Y-%m-%d}" if key.last_used_at else "never used"
    return f"{key.id} ({'active' if key.active else 'inactive'}, {used})"
