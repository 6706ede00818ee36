"""When and from where an API token was used last, written now and then and not for each use."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from valetkey.domain.ports import Clock, Storage

#: A token's last use is stored at most this often.
_BETWEEN_WRITES: Final = 60.0
_REMEMBERED: Final = 20_000
_MOST_SOURCE: Final = 64


@dataclass(slots=True)
class _Use:
    at: datetime
    source: str
    stored_at: float
    is_stored: bool


class TokenUses:
    """Remembers the last use of each token, for the worker to store."""

    def __init__(self, storage: Storage, clock: Clock) -> None:
        self._storage = storage
        self._clock = clock
        self._uses: OrderedDict[str, _Use] = OrderedDict()

    def note(self, token_id: str, source: str) -> None:
        """Remember that a token is being used. Beyond a number of tokens, the use of the one that
        was used longest ago is forgotten."""
        use = self._uses.get(token_id)
        if use is None:
            self._uses[token_id] = _Use(
                self._clock.now(), source, -_BETWEEN_WRITES, is_stored=False
            )
            if len(self._uses) > _REMEMBERED:
                self._uses.popitem(last=False)
            return
        use.at, use.source, use.is_stored = self._clock.now(), source, False
        self._uses.move_to_end(token_id)

    async def store(self) -> None:
        """Store the last uses that are due. Raises StorageUnavailable, and keeps them then."""
        now = self._clock.monotonic()
        due = [
            (token_id, use, use.at)
            for token_id, use in self._uses.items()
            if not use.is_stored and now - use.stored_at >= _BETWEEN_WRITES
        ]
        if not due:
            return
        async with self._storage.begin() as work:
            for token_id, use, at in due:
                await work.api_tokens.note_use(token_id, at, use.source[:_MOST_SOURCE])
        for _, use, at in due:
            use.stored_at, use.is_stored = now, use.at == at
