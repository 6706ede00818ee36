"""What killed writers left: rows that may not agree with the bucket, and uploads without an end."""

from __future__ import annotations

import logging
from typing import Final

from valetkey.catalog.domain.sync import WriteIntent
from valetkey.catalog.services.items.dataset_storage import (
    DatasetStorage,
)
from valetkey.catalog.services.items.intents import PEACE
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.sessions import LOOK, WRITE
from valetkey.catalog.services.nouns import UPLOAD_ITEM
from valetkey.domain.errors import Conflict, StorageUnavailable, ValetkeyError
from valetkey.domain.ports.objects import Upload, to_ms
from valetkey.services.audit import Caller

_PURPOSE: Final = "look after what a writer left"

_log = logging.getLogger(__name__)


class Leftovers(ItemVerbs):
    """Looks after intents whose writers are dead. Raises what sessions and the store raise."""

    async def of_dataset(self, caller: Caller, store: DatasetStorage) -> None:
        """Look after a dataset's."""
        async with self._storage.read() as work:
            now_ms = to_ms(await work.moment(self._clock.now()) - PEACE)
            intents = await work.commands.intents(store.dataset.id)
        for intent in intents:
            if intent.is_dead(now_ms):
                await self._look_after(caller, store, intent)

    async def one(self, caller: Caller, intent: WriteIntent) -> None:
        """Look after one, on behalf of who began it. Raises NotFound, Denied too."""
        store = await self._stores.of_dataset(caller, intent.dataset_id, UPLOAD_ITEM)
        await self._look_after(caller, store, intent)

    async def _look_after(self, caller: Caller, store: DatasetStorage, intent: WriteIntent) -> None:
        paths = [intent.path]
        async with self._intents.held(caller, store, paths, some=True, yields=True) as held:
            if not held.intents:
                return  # somebody writes there just now
            credentials = await self._sessions.open(caller, store, LOOK, _PURPOSE)
            try:
                await self._index.settle(caller, store, intent.path, held, credentials)
            except Conflict:
                return  # somebody has come to write there: it is looked at again
        if intent.upload_id and not await self._is_ended(caller, store, intent):
            return  # it is tried again
        async with self._storage.begin() as work:
            await work.commands.drop_intent(intent.id)

    async def _is_ended(self, caller: Caller, store: DatasetStorage, intent: WriteIntent) -> bool:
        """End an upload; tell whether that worked."""
        upload = Upload(store.key(intent.path), intent.upload_id, intent.at)
        try:
            credentials = await self._sessions.open(caller, store, WRITE, _PURPOSE)
            await self._objects.abort_upload(credentials, store.place, upload)
        except StorageUnavailable:
            raise
        except ValetkeyError as error:
            _log.warning(
                "The parts of an upload that was cut stay in the bucket %s: %s %s",
                store.location.bucket,
                error.message,
                error.hint,
            )
            return False
        return True
