"""Doing once what is asked twice: answers kept for a day under the client's own key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from valetkey.domain.errors import CommitUnknown, SealBroken, StorageUnavailable
from valetkey.domain.idempotency import (
    CUT,
    KEPT,
    KeptRequest,
    KeptResponse,
    OutcomeUnknown,
    check_key,
    check_repeat,
)
from valetkey.domain.ids import IdFactory
from valetkey.domain.ports import Clock, Sealer, Storage
from valetkey.domain.sealing import SealContext
from valetkey.domain.secret import Secret
from valetkey.services.audit import Caller


def response_context(kept: KeptRequest) -> SealContext:
    """Return where a kept answer belongs."""
    return SealContext(kept.user_id, kept.id, "answer")


class Idempotency:
    """Keeps the first answer to a key, and gives it again. A request that failed is forgotten, so
    that it can be sent again; one of which nobody knows whether it failed is not."""

    def __init__(self, storage: Storage, sealer: Sealer, clock: Clock, new_id: IdFactory) -> None:
        self._storage = storage
        self._sealer = sealer
        self._clock = clock
        self._new_id = new_id

    async def once(
        self,
        caller: Caller,
        key: str,
        fingerprint: str,
        work: Callable[[], Awaitable[KeptResponse]],
        *,
        secret: bool = False,
    ) -> KeptResponse:
        """Do ``work`` unless it was done under this key; return its answer, of now or of then.

        An answer with a ``secret`` is kept sealed. A caller who hangs up does not stop it.
        Raises InvalidKey, KeyReused, InProgress, OutcomeUnknown, and what ``work`` raises.
        """
        kept = KeptRequest(
            self._new_id(), caller.principal.user_id, check_key(key), fingerprint, self._clock.now()
        )
        async with self._storage.begin() as work_unit:
            await work_unit.kept_requests.purge(self._clock.now() - KEPT)
            earlier = await work_unit.kept_requests.get(kept.user_id, key)
            if earlier is None:
                await work_unit.kept_requests.add(kept)
        if earlier is not None:
            check_repeat(earlier, fingerprint, self._clock.now())
            return await self._again(earlier)
        return await asyncio.shield(asyncio.ensure_future(self._first(kept, work, secret=secret)))

    async def _first(
        self, kept: KeptRequest, work: Callable[[], Awaitable[KeptResponse]], *, secret: bool
    ) -> KeptResponse:
        try:
            answer = await work()
        except CommitUnknown:
            await self._mark_cut(kept)
            raise
        except Exception:
            async with self._storage.begin() as unit:
                await unit.kept_requests.remove(kept.id)
            raise
        text = Secret(answer.body.decode())
        sealed = await self._sealer.seal(text, response_context(kept)) if secret else None
        done = replace(
            kept,
            status=answer.status,
            headers=[[name.decode(), value.decode()] for name, value in answer.headers],
            body="" if secret else answer.body.decode(),
        )
        async with self._storage.begin() as unit:
            await unit.kept_requests.finish(done, sealed)
        return answer

    async def _mark_cut(self, kept: KeptRequest) -> None:
        # If that can't be stored either, the request is taken for cut once its time is over.
        with suppress(StorageUnavailable):
            async with self._storage.begin() as unit:
                await unit.kept_requests.finish(replace(kept, status=CUT), None)

    async def _again(self, kept: KeptRequest) -> KeptResponse:
        body = kept.body
        async with self._storage.read() as work:
            sealed = await work.kept_requests.sealed_body(kept.id)
        if sealed is not None:
            try:
                body = (await self._sealer.open(sealed, response_context(kept))).reveal()
            except SealBroken:
                raise OutcomeUnknown(
                    "It was made, and the answer, which held a secret, can't be given again.",
                    hint="List what there is, delete it, and make another.",
                ) from None
        headers = tuple((name.encode(), value.encode()) for name, value in kept.headers)
        return KeptResponse(kept.status, body.encode(), headers)
