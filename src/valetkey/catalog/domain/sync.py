"""Work that takes time, as it is stored: a command, cut into shards that any process may take.

A shard is a range of keys with a checkpoint. Whoever works on it holds a lease, renewed with each
page; when the lease runs out (the process died), another takes the shard up at its checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from valetkey.catalog.domain.merge import IndexChanges
from valetkey.counting import counted
from valetkey.domain.errors import TooLarge
from valetkey.domain.holding import LONGEST_MS

LEASE: Final = timedelta(seconds=15)
#: So long work that is over can be looked at; a dataset's latest sync that succeeded, always.
REMEMBERED: Final = timedelta(days=30)
MAX_OPTIONS_BYTES: Final = 128 * 1024
#: The engine that is always there: the server's own processes.
IN_PROCESS: Final = "process"


class CommandKind(StrEnum):
    """What a command does with its dataset: it makes the index true to the bucket, copies items to
    another dataset, or writes a list of items out as a file."""

    SYNC = "sync"
    CLONE = "clone"
    EXPORT = "export"


class State(StrEnum):
    """How far a command or a shard is; the values are those of Dataloop's commands."""

    CREATED = "created"
    RUNNING = "in-progress"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def over(self) -> bool:
        return self in {State.SUCCESS, State.FAILED, State.CANCELED}


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sync did, in items. ``escaped`` of those seen have a key that clients would take for a
    place elsewhere, and are shown under an escaped name."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    escaped: int = 0

    @property
    def seen(self) -> int:
        return self.added + self.changed + self.unchanged

    def plus(self, found: IndexChanges) -> Counts:
        """Add what a stretch changed."""
        return Counts(
            self.added + len(found.added) + len(found.revived),
            self.changed + len(found.changed),
            self.removed + len(found.removed),
            self.unchanged + found.unchanged,
            self.escaped + found.escaped,
        )


def total(counts: Iterable[Counts]) -> Counts:
    """Add up counts."""
    parts = list(counts)
    return Counts(
        sum(part.added for part in parts),
        sum(part.changed for part in parts),
        sum(part.removed for part in parts),
        sum(part.unchanged for part in parts),
        sum(part.escaped for part in parts),
    )


@dataclass(frozen=True, slots=True)
class Command:
    """Work on a dataset. ``user_id`` started it and it runs with their rights, and if they showed
    an API token (``token_id``), with that token's, as long as it lasts; ``expected`` is how many
    items there are to do, for the progress; ``notice`` is what its owner ought to know of the way
    it went; ``error`` says what failed, why, and the fix. A sync is worked off by ``engine``, at
    ``engine_address`` if it is a cluster; what else a kind needs to know is in ``options``
    (:mod:`.export`, :mod:`.clone`)."""

    id: str
    dataset_id: str
    user_id: str
    state: State
    created_at: datetime
    updated_at: datetime
    expected: int = 0
    parallel: int = 1
    notice: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    engine: str = IN_PROCESS
    engine_address: str = ""
    kind: CommandKind = CommandKind.SYNC
    options: Mapping[str, Any] = field(default_factory=dict)
    token_id: str = ""


@dataclass(frozen=True, slots=True)
class Shard:
    """A range of paths: above ``after`` and up to ``upto`` (inclusive; None: the end). A clone and
    an export go through the items by their ids, and have one shard of all of them; ``added`` are
    those that are done, and ``removed`` those that could not be cloned.

    Everything up to ``checkpoint`` is done. ``staged``: the store lists out of order, and the
    listing is put in order in the database first; ``listed_ms`` is when that listing was asked
    for, 0 until all of it is there, and ``token`` is where to go on with it. ``lease_ms`` is when
    the lease of ``owner`` ends. Both in milliseconds since 1970.
    """

    id: str
    command_id: str
    dataset_id: str
    after: str
    upto: str | None
    checkpoint: str
    state: State = State.CREATED
    owner: str = ""
    lease_ms: int = 0
    staged: bool = False
    listed_ms: int = 0
    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    escaped: int = 0
    token: str = ""

    @property
    def counts(self) -> Counts:
        return Counts(self.added, self.changed, self.removed, self.unchanged, self.escaped)

    def advanced(self, checkpoint: str, found: IndexChanges) -> Shard:
        """Return the shard with one more stretch done, which had ``found`` to change."""
        counts = self.counts.plus(found)
        return replace(
            self,
            checkpoint=checkpoint,
            added=counts.added,
            changed=counts.changed,
            removed=counts.removed,
            unchanged=counts.unchanged,
            escaped=counts.escaped,
        )


def progress(command: Command, shards: Iterable[Shard]) -> int:
    """Return how far work is, in percent; 100 only once it has succeeded."""
    if command.state is State.SUCCESS:
        return 100
    parts = list(shards)
    done = sum(part.state is State.SUCCESS for part in parts) / len(parts) if parts else 0.0
    seen = total(part.counts for part in parts).seen
    guess = seen / command.expected if command.expected else 0.0
    return min(99, int(100 * max(done, guess)))


def is_over(lease_ms: int, now_ms: int) -> bool:
    """Tell whether a lease holds nothing: it has ended, or ends later than any would."""
    return not now_ms < lease_ms <= now_ms + LONGEST_MS


@dataclass(frozen=True, slots=True)
class WriteIntent:
    """An object that is about to be written or deleted through Valetkey, noted before and struck
    off with the item's row. ``object_id`` names the object whichever dataset it is reached by: of
    the intents for one object a single one is not abandoned, and its writer has it alone.

    ``lease_ms`` is when it may be taken for dead, in milliseconds since 1970; ``upload_id`` is of a
    multipart upload that it began. What a killed process leaves is looked up at the next sync.
    """

    id: str
    dataset_id: str
    path: str
    user_id: str
    at: datetime
    object_id: str = ""
    lease_ms: int = 0
    upload_id: str = ""
    abandoned: bool = False

    def is_dead(self, now_ms: int) -> bool:
        """Tell whether its writer is at work no more."""
        return self.abandoned or is_over(self.lease_ms, now_ms)


def checked_options(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return options that a command may keep: workers read those of all that is open every few
    seconds. Raises TooLarge."""
    size = len(json.dumps(document, ensure_ascii=False).encode(errors="surrogatepass"))
    if size > MAX_OPTIONS_BYTES:
        raise TooLarge(
            f"The filter has {counted(size, 'byte')} with what is to be done.",
            hint=f"Keep it below {MAX_OPTIONS_BYTES}: name folders, or ranges of ids.",
            field="filter",
        )
    return dict(document)
