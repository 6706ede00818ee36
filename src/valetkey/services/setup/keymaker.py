"""Making the access key so that no kill, lost answer or rival leaves a key that nobody holds."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsUnavailable, Locked, ValetkeyError
from valetkey.domain.ports.setup import AwsApi, KeyCustodian, SetupJournal
from valetkey.domain.ports.time import Clock
from valetkey.domain.setup import Desired, KeyIntent, SeenKey, iam
from valetkey.services.setup.observe import Observer
from valetkey.services.setup.patience import OnWait, Patience

#: How long a key of a lost answer may take to appear in a listing.
_SETTLE_SECONDS = 10.0


class LostAnswer(Exception):
    """CreateAccessKey's answer did not arrive: there may be a key now, which the intent explains.
    The plan has to be made anew."""


class KeyMaker:
    """Makes one access key and hands its secret to the custodian."""

    def __init__(
        self,
        aws: AwsApi,
        observer: Observer,
        patience: Patience,
        clock: Clock,
        custodian: KeyCustodian,
    ) -> None:
        self._aws = aws
        self._observer = observer
        self._patience = patience
        self._clock = clock
        self._custodian = custodian

    async def make(
        self, desired: Desired, journal: SetupJournal, known: frozenset[str], on_wait: OnWait
    ) -> str:
        """Make a key, and return its id. ``known`` are the keys that stay beside it.

        Raises LostAnswer, Locked (a rival made one at the same moment), and whatever AWS or the
        custodian raise; then the key has been removed again, or the journal explains it.
        """
        intent = KeyIntent(self._clock.now(), known, self._custodian.name)
        journal.write(intent)
        key = await self._create(desired, journal, on_wait)
        journal.write(replace(intent, created=key.id))
        await self._yield_to_earlier(desired, journal, known, key.id)
        try:
            await self._custodian.keep(key, desired)
        except ValetkeyError:
            await self._take_back(desired, journal, key.id)
            raise
        journal.clear()
        return key.id

    async def _create(self, desired: Desired, journal: SetupJournal, on_wait: OnWait) -> AccessKey:
        call = iam("CreateAccessKey", UserName=desired.user)
        try:
            answer = await self._patience.write(self._aws, call, on_wait=on_wait)
        except AwsUnavailable as error:
            on_wait(f"{call.action}: the answer was lost", _SETTLE_SECONDS)
            await self._clock.sleep(_SETTLE_SECONDS)
            raise LostAnswer from error
        except ValetkeyError:
            journal.clear()  # AWS said no, so there is no key to explain
            raise
        key = answer["AccessKey"]
        return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])

    async def _yield_to_earlier(
        self, desired: Desired, journal: SetupJournal, known: frozenset[str], mine: str
    ) -> None:
        """Of two runs on two machines, the one whose key is earlier goes on."""
        keys = await self._observer.keys(desired.user)
        rank = {key.id: _rank(key) for key in keys if key.id not in known}
        # Not listed yet means made last, as far as anybody can see.
        mine_rank = rank.pop(mine, None)
        earlier = sorted(
            key for key, place in rank.items() if mine_rank is None or place < mine_rank
        )
        if not earlier:
            return
        await self._take_back(desired, journal, mine)
        raise Locked(
            f"Another apply made the access key {', '.join(earlier)} at the same moment.",
            hint="This one has taken its own key back. When the other has ended, run apply again.",
        )

    async def _take_back(self, desired: Desired, journal: SetupJournal, key_id: str) -> None:
        """Remove a key that was not handed over. If that fails, the journal explains the key."""
        with contextlib.suppress(ValetkeyError):
            # A custodian that failed may hold the secret all the same; then the key stays.
            if await self._custodian.holds() == key_id:
                return
            call = iam("DeleteAccessKey", UserName=desired.user, AccessKeyId=key_id)
            await asyncio.shield(self._patience.write(self._aws, call))
            journal.clear()


def _rank(key: SeenKey) -> tuple[float, str]:
    return key.created_at.timestamp(), key.id
