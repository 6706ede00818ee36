"""Deleting items, and their objects where the location says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from valetkey.catalog.domain.dataset import Item
from valetkey.catalog.domain.dql.ast import Column, Equal
from valetkey.catalog.services.items.dataset_storage import DatasetStorage
from valetkey.catalog.services.items.folders import IS_FOLDER
from valetkey.catalog.services.items.intents import taken
from valetkey.catalog.services.items.parts import ItemVerbs
from valetkey.catalog.services.items.selection import Selection, select, walk
from valetkey.catalog.services.items.sessions import DELETE
from valetkey.catalog.services.nouns import DELETE_ITEM
from valetkey.catalog.services.pace import PART, rest
from valetkey.counting import counted
from valetkey.domain.batches import batched
from valetkey.domain.credentials import AwsCredentials
from valetkey.domain.errors import (
    AwsUnavailable,
    Conflict,
    InUse,
    InvalidInput,
    NotFound,
    PartlyDone,
    PreconditionFailed,
    ValetkeyError,
    VersionMismatch,
)
from valetkey.domain.ids import is_id
from valetkey.domain.ports.objects import Condition
from valetkey.services.access import expect
from valetkey.services.audit import Caller

#: Failures are all counted, and so many kept and told one by one.
MAX_REPORTED: Final = 100
#: As many objects as S3 deletes in one request.
_DELETED_AT_ONCE: Final = 1000
_FILE: Final = Equal(Column.TYPE, "file")


@dataclass(slots=True)
class BulkOutcome:
    """What became of many items: how many it worked for and how many it did not, and for the first
    :data:`MAX_REPORTED` of these why."""

    done: int = 0
    failed: int = 0
    failures: list[tuple[Item, ValetkeyError]] = field(default_factory=list)

    def fail(self, failures: Iterable[tuple[Item, ValetkeyError]]) -> None:
        """Count failures."""
        for failure in failures:
            self.failed += 1
            if len(self.failures) < MAX_REPORTED:
                self.failures.append(failure)

    def add(self, part: BulkOutcome) -> None:
        """Count what became of more items."""
        self.done += part.done
        self.failed += part.failed
        self.failures += part.failures[: MAX_REPORTED - len(self.failures)]

    def require_all(self, what: str) -> int:
        """Return how many it worked for. Raises PartlyDone when it did not for some, naming the
        first of them."""
        if self.failures:
            total, first = self.done + self.failed, self.failures[0][1]
            raise PartlyDone(
                f"{self.failed:,} of {counted(total, 'item')} could not be {what}: {first.message}",
                hint=first.hint,
                errors=[error for _, error in self.failures],
                done=self.done,
                failed=self.failed,
                failures=self._reported(),
            )
        return self.done

    def _reported(self) -> list[dict[str, str]]:
        return [_failure(item, error) for item, error in self.failures]

    def document(self, what: str, before: Mapping[str, Any]) -> dict[str, Any]:
        """Return the failures as a command keeps them, with those that it had before."""
        known = before.get("details", {})
        failures = [*known.get("failures", ()), *self._reported()][:MAX_REPORTED]
        failed = known.get("failed", 0) + self.failed
        return {
            "message": f"{counted(failed, 'item')} could not be {what}: {failures[0]['message']}",
            "hint": failures[0]["hint"],
            "code": PartlyDone.code,
            "details": {"failed": failed, "failures": failures},
        }


def _failure(item: Item, error: ValetkeyError) -> dict[str, str]:
    return {
        "id": item.id,
        "filename": item.filename,
        "message": error.message,
        "hint": error.hint,
        "code": error.code,
    }


class ItemRemoval(ItemVerbs):
    """Deletes items; for developers."""

    async def delete(self, caller: Caller, item_id: str) -> None:
        """Delete one item. Its object goes too only if the location allows it; otherwise the next
        sync finds it again.

        Raises InvalidInput (not an id), NotFound, Denied, InUse (a folder that holds items),
        AwsRefused, AwsUnavailable.
        """
        if not is_id(item_id):
            raise InvalidInput(
                f"{ascii(item_id)[:80]} is not the id of an item.",
                hint="An id has 24 hexadecimal digits.",
                field="id",
            )
        store, item = await self._stores.of_item(caller, item_id, DELETE_ITEM)
        delete = self._delete_folders if item.is_folder else self._delete_all
        outcome = await delete(caller, store, [item])
        for _, error in outcome.failures:
            raise error

    async def delete_matching(self, caller: Caller, dataset_id: str, selection: Selection) -> int:
        """Delete the items of a selection; returns how many.

        Goes on after a failure, and then raises PartlyDone, which counts them and names the
        first. Raises InvalidInput (also for an empty filter: nothing is never everything),
        NotFound, Denied, Conflict (it fits other items than expected).
        """
        store = await self._stores.of_dataset(caller, dataset_id, DELETE_ITEM)
        selected, total = await select(self._storage, store.dataset, selection), BulkOutcome()
        if selection.dry_run:
            return selected.count or 0
        deletes_objects = bool(store.maybe_location and store.location.allow_external_delete)
        batch = _DELETED_AT_ONCE if deletes_objects else PART
        async for items in walk(self._storage, store.dataset, selected.part(_FILE), batch=batch):
            total.add(await self._delete_all(caller, store, items))
        folders = selected.part(IS_FOLDER, before=total.done + total.failed)
        async for items in walk(self._storage, store.dataset, folders, deepest_first=True):
            total.add(await self._delete_folders(caller, store, items))
        return total.require_all("deleted")

    async def _delete_folders(
        self, caller: Caller, store: DatasetStorage, folders: Sequence[Item]
    ) -> BulkOutcome:
        """Delete those that hold nothing, or nothing but such as are deleted here."""
        left, done = list(folders), 0
        while empty := await self._forget_empty(caller, store, left):
            done += len(empty)
            left = [folder for folder in left if folder not in empty]
        outcome = BulkOutcome(done)
        outcome.fail((folder, _holds_items(folder)) for folder in left)
        return outcome

    async def _forget_empty(
        self, caller: Caller, store: DatasetStorage, folders: Sequence[Item]
    ) -> list[Item]:
        """Take those out that hold nothing, while nobody else writes items; return them."""
        async with self._storage.begin() as work:
            await work.items.lock(store.dataset)
            await expect(caller, None, work)
            empty = [
                folder
                for folder in folders
                if not await work.items.holds(store.dataset, folder.path)
            ]
            if empty:
                paths = [folder.path for folder in empty]
                await work.items.remove(store.dataset, paths, now_ms=self._index.now_ms())
                await work.audit.append([self._event(caller, store, empty, objects=False)])
        return empty

    async def _delete_all(
        self, caller: Caller, store: DatasetStorage, items: Sequence[Item]
    ) -> BulkOutcome:
        if store.location.allow_external_delete:
            return await self._delete_objects(caller, store, items)
        await self._forget(caller, store, items)
        return BulkOutcome(len(items))

    async def _forget(self, caller: Caller, store: DatasetStorage, items: Sequence[Item]) -> None:
        event = self._event(caller, store, items, objects=False)
        await self._index.remove(caller, store, items, None, event)

    async def _delete_objects(
        self, caller: Caller, store: DatasetStorage, items: Sequence[Item]
    ) -> BulkOutcome:
        credentials = await self._sessions.open(
            caller, store, DELETE, f"delete {counted(len(items), 'item')}"
        )
        paths, outcome = [item.path for item in items], BulkOutcome()
        async with self._intents.held(caller, store, paths, some=True) as held:
            free = [item for item in items if item.path in held.intents]
            outcome.fail(
                (item, taken(item.path)) for item in items if item.path not in held.intents
            )
            mine, moved = await self._there_still(caller, store, free)
            outcome.fail((item, moved_meanwhile(item)) for item in moved)
            outcome.done = len(free) - len(mine) - len(moved)  # those are gone already
            if caller.expectation is not None:
                # What is compared must not change while its object goes: so the row goes first.
                await self._index.remove(caller, store, mine, held, None)
                held.wrote = True
            await held.still()
            expected = caller.expectation is not None
            failed = await self._delete_keys(store, mine, credentials, expected=expected)
            gone = [item for item in mine if item.path not in failed]
            outcome.fail((item, failed[item.path]) for item in mine if item.path in failed)
            held.wrote = bool(gone)
            for some in batched(gone, PART):
                event = self._event(caller, store, some, objects=True)
                await self._index.remove(caller, store, some, held, event)
                await rest()
            held.wrote = False
            if len(items) == 1 and gone:
                await self._index.settle(caller, store, gone[0].path, held, credentials)
            unclear = [path for path, why in failed.items() if isinstance(why, AwsUnavailable)]
            await held.set_aside(unclear)
            if caller.expectation is not None:
                held.wrote = True
                for path in failed.keys() - set(unclear):
                    await self._index.settle(caller, store, path, held, credentials)
                held.wrote = False
        outcome.done += len(gone)
        return outcome

    async def _there_still(
        self, caller: Caller, store: DatasetStorage, items: Sequence[Item]
    ) -> tuple[list[Item], list[Item]]:
        """Return the items that are where they were when they were chosen, now that nobody moves
        them, and those that were moved before; the others are gone."""
        async with self._storage.read() as work:
            await expect(caller, None, work)
            rows = [await work.items.by_path(store.dataset, item.path) for item in items]
            there = [
                row is not None and row.id == item.id for row, item in zip(rows, items, strict=True)
            ]
            others = [item for item, is_there in zip(items, there, strict=True) if not is_there]
            moved = [item for item in others if await work.items.get(item.id) is not None]
        return [item for item, is_there in zip(items, there, strict=True) if is_there], moved

    async def _delete_keys(
        self,
        store: DatasetStorage,
        items: Sequence[Item],
        credentials: AwsCredentials,
        *,
        expected: bool,
    ) -> dict[str, ValetkeyError]:
        """Delete objects; return what failed, by path. A single one that is ``expected`` to be as
        its item says is deleted just if it is."""
        keys = {store.key(item.path): item.path for item in items}
        if len(keys) == 1:
            [(key, path)] = keys.items()
            try:
                etag = items[0].etag if expected else ""
                condition = Condition(etag) if etag else None
                await self._objects.delete(credentials, store.place, key, condition=condition)
            except PreconditionFailed:
                return {path: _another(path)}
            except ValetkeyError as error:
                return {path: error}
            return {}
        if not keys:
            return {}
        try:
            failed = await self._objects.delete_many(credentials, store.place, list(keys))
        except ValetkeyError as error:
            return dict.fromkeys(keys.values(), error)
        return {keys[key]: error for key, error in failed.items()}

    def _event(
        self, caller: Caller, store: DatasetStorage, items: Sequence[Item], *, objects: bool
    ) -> Any:
        subject = f"item:{items[0].id}" if len(items) == 1 else f"dataset:{store.dataset.id}"
        return self._index.event(
            caller,
            "item.delete",
            store,
            subject,
            items=len(items),
            paths=[item.path for item in items[:MAX_REPORTED]],
            objects=objects,
        )


def _holds_items(folder: Item) -> InUse:
    return InUse(
        f"The folder {ascii(folder.filename)[:200]} holds items.",
        hint="Delete or move them first.",
    )


def moved_meanwhile(item: Item) -> Conflict:
    """Return the error for an item that went elsewhere while it was about to be deleted."""
    return Conflict(
        f"The item {item.id} was moved from {ascii(item.filename)[:200]} meanwhile: it is there.",
        hint="Look where it is now, and delete it there.",
        code="changed_meanwhile",
    )


def _another(path: str) -> VersionMismatch:
    return VersionMismatch(
        f"The object at {ascii('/' + path)[:200]} is not the one that was to be deleted: somebody "
        "wrote there.",
        hint="Look at what is there now, and decide anew. Nothing was changed.",
    )


def not_there(item_id: str) -> NotFound:
    """Return the error for an item that went while it was about to be changed."""
    return NotFound(f"There is no item {item_id!r} any more.", hint="List the items.")
