"""Making the access key so that no kill, lost answer or rival leaves a key that nobody holds."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

from valetkey.domain.credentials import AccessKey
from valetkey.domain.errors import AwsUnavailable, Locked, ValetkeyError
from valetkey.domain.ports.setup import AwsApi, KeyCustodian, SetupJournal
from valetkey.domain.ports.time import Clock
from valetkey.domain.setup import Desired, KeyIntent, iam
from valetkey.services.setup.observe import Observer
from valetkey.services.setup.retries import CallRetries, OnWait

#: How long a key of a lost answer may take to appear in a listing.
_SETTLE_SECONDS = 10.0


class LostResponse(Exception):
    """CreateAccessKey's answer did not arrive: there may be a key now, which the intent explains.
    The plan has to be made anew."""


class KeyMaker:
    """Makes one access key and hands its secret to the custodian."""

    def __init__(
        self,
        aws: AwsApi,
        observer: Observer,
        patience: CallRetries,
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

        Raises LostResponse, Locked (a rival made one at the same moment), and whatever AWS or the
        custodian raise; then the key has been removed again, or the journal explains it.
        """
        intent = KeyIntent(self._clock.now(), known, self._custodian.name)
        journal.write(intent)
        key = await self._create(desired, journal, on_wait)
        journal.write(replace(intent, created=key.id))
        await self._yield_to_rival(desired, journal, known, key.id)
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
            raise LostResponse from error
        except ValetkeyError:
            journal.clear()  # AWS said no, so there is no key to explain
            raise
        key = answer["AccessKey"]
        return AccessKey(key["AccessKeyId"], key["SecretAccessKey"])

    async def _yield_to_rival(
        self, desired: Desired, journal: SetupJournal, known: frozenset[str], mine: str
    ) -> None:
        """Of two runs on two machines, the one whose key is later gives way; both do when AWS
        gives both keys the same second, because neither can know who looked first."""
        made = {
            key.id: key.created_at
            for key in await self._observer.keys(desired.user)
            if key.id not in known
        }
        own = made.pop(mine, None)  # not listed yet: nothing says that it was first
        rivals = sorted(key for key, at in made.items() if own is None or at <= own)
        if not rivals:
            return
        await self._take_back(desired, journal, mine)
        raise Locked(
            f"Another apply made the access key {', '.join(rivals)} at the same moment.",
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
