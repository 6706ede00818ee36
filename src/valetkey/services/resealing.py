"""Moving stored secrets from older key-encryption keys to the present one, while serving.

Only the envelopes change: each data key is unwrapped with the old key and wrapped with the new
one. Both keys open in the meantime. How far it is stands in the rows themselves, so that a run
that is killed goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from valetkey.domain.ports import Resealer, Storage

_BATCH: Final = 100

#: Hears how many secrets have been moved so far.
OnResealed = Callable[[int], None]


def ignore_progress(_: int) -> None:
    """Hear, and do nothing."""


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a run came to. ``unused`` are previous keys of the settings that nothing needs any
    more; ``lost`` are keys that secrets need and that the settings don't name, with how many."""

    active: str
    moved: int
    usage: Mapping[str, int]
    unused: tuple[str, ...]
    lost: Mapping[str, int]


class Resealing:
    """Rotation of the sealing key."""

    def __init__(self, storage: Storage, sealer: Resealer) -> None:
        self._storage = storage
        self._sealer = sealer

    async def run(self, told: OnResealed = ignore_progress) -> Resealed:
        """Move everything that can be moved, batch by batch.

        Raises SealBroken for a record that does not open (nothing is changed in its batch),
        StorageUnavailable.
        """
        previous = sorted(self._sealer.key_ids - {self._sealer.active_key_id})
        moved = 0
        while True:
            async with self._storage.read() as work:
                rows = await work.sealed.wrapped_by(previous, limit=_BATCH)
            if not rows:
                break
            # The keys' own service may be slow: no transaction is open while it is asked.
            fresh = [(row, await self._sealer.rewrap(row.sealed, row.context)) for row in rows]
            async with self._storage.begin() as work:
                for row, sealed in fresh:
                    moved += await work.sealed.rewrap(row, sealed)
            told(moved)
        return await self._outcome(moved)

    async def _outcome(self, moved: int) -> Resealed:
        async with self._storage.read() as work:
            usage = await work.sealed.usage()
        known = self._sealer.key_ids
        not_previous = {self._sealer.active_key_id} | self._sealer.earlier_key_ids
        return Resealed(
            active=self._sealer.active_key_id,
            moved=moved,
            usage=usage,
            unused=tuple(sorted(known - set(usage) - not_previous)),
            lost={key_id: count for key_id, count in usage.items() if key_id not in known},
        )
