"""A listing and an index, both in key order, walked together like two sorted decks.

Keys are compared by code points, which is UTF-8's binary order and S3's listing order. What is
equal is passed over; only differences come out. Times are milliseconds since 1970, UTC.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from valetkey.domain.ports.objects import Listed


class Indexed(NamedTuple):
    """An item as the index has it; ``deleted`` is a tombstone. ``touched_ms`` is when a writer
    other than a sync last wrote it through Valetkey (0: never); ``storage_class`` is as in
    Listed: it changes while nothing else of an object does."""

    path: str
    size: int
    etag: str
    modified_ms: int
    deleted: bool
    touched_ms: int
    storage_class: str = ""


@dataclass(slots=True)
class IndexChanges:
    """What makes the index agree with the listing. ``added`` has no row, ``revived`` a tombstone;
    ``escaped`` of the listed keys are shown under other names, see :mod:`..domain.filenames`."""

    added: list[Listed] = field(default_factory=list)
    revived: list[Listed] = field(default_factory=list)
    changed: list[Listed] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    escaped: int = 0

    @property
    def none(self) -> bool:
        return not (self.added or self.revived or self.changed or self.removed)


def joined(found: Iterable[IndexChanges]) -> IndexChanges:
    """Return what the pieces of a stretch change, as one."""
    whole = IndexChanges()
    for one in found:
        whole.added += one.added
        whole.revived += one.revived
        whole.changed += one.changed
        whole.removed += one.removed
        whole.unchanged += one.unchanged
        whole.escaped += one.escaped
    return whole


def pieces(
    listed: Sequence[Listed], indexed: Sequence[Indexed], size: int
) -> Iterator[tuple[Sequence[Listed], Sequence[Indexed]]]:
    """Cut a stretch into pieces of at most ``size`` on either side, each covering the same keys."""
    here = there = 0
    while here < len(indexed) or there < len(listed):
        cuts: list[Sequence[Listed | Indexed]] = [
            indexed[here : here + size],
            listed[there : there + size],
        ]
        ends = [cut[-1].path for cut in cuts if len(cut) == size]
        upto = min(ends, default=None)
        rows, objects = _count(indexed, here, upto), _count(listed, there, upto)
        yield listed[there:objects], indexed[here:rows]
        here, there = rows, objects


def _count(cards: Sequence[Listed] | Sequence[Indexed], start: int, upto: str | None) -> int:
    if upto is None:
        return len(cards)
    return bisect_right(cards, upto, start, key=lambda card: card.path)


def merge(listed: Sequence[Listed], indexed: Sequence[Indexed], *, listed_ms: int) -> IndexChanges:
    """Compare a stretch of the listing with the same stretch of the index.

    Both are strictly ascending and cover the same range of keys. ``listed_ms`` is when the
    listing was asked for: a row written since then knows better than the listing, and is left to
    the next sync.
    """
    changes = IndexChanges()
    if _same(listed, indexed):
        changes.unchanged = len(listed)
        return changes
    place = 0
    for there in listed:
        while place < len(indexed) and indexed[place].path < there.path:
            _only_indexed(indexed[place], changes, listed_ms)
            place += 1
        if place < len(indexed) and indexed[place].path == there.path:
            _in_both(there, indexed[place], changes, listed_ms)
            place += 1
        else:
            changes.added.append(there)
    for row in indexed[place:]:
        _only_indexed(row, changes, listed_ms)
    return changes


def _same(listed: Sequence[Listed], indexed: Sequence[Indexed]) -> bool:
    """Tell at C speed whether a stretch is unchanged, as most are."""
    if len(listed) != len(indexed):
        return False
    return all(map(_agrees, listed, indexed))


def _agrees(there: Listed, row: Indexed) -> bool:
    return row[:4] == there[:4] and not row[4] and row[6] == there[4]


def _in_both(there: Listed, row: Indexed, changes: IndexChanges, listed_ms: int) -> None:
    if _agrees(there, row) or row.touched_ms >= listed_ms:
        changes.unchanged += 1
    elif row.deleted:
        changes.revived.append(there)
    else:
        changes.changed.append(there)


def _only_indexed(row: Indexed, changes: IndexChanges, listed_ms: int) -> None:
    if not row.deleted and row.touched_ms < listed_ms:
        changes.removed.append(row.path)


def ascending(before: str, paths: Sequence[str]) -> bool:
    """Tell whether paths ascend strictly, the first above ``before``.

    A store for which this is false does not list in key order, and can't be merged as it comes.
    """
    return all(map(str.__lt__, [before, *paths[:-1]], paths))
