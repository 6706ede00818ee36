"""Who may end only what is theirs fills no more of a role's policy than a share, however many of
their verbs run at once: on SQLite in each order of their transactions, on PostgreSQL with two that
really overlap."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import pytest

from support.databases import make_tables
from support.memory import ROLE, Memory, open_memory
from support.overlapping import OverlappingStorage
from support.refused import works
from support.stepping import SteppedStorage
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.access import ProjectRole
from valetkey.domain.errors import Denied
from valetkey.domain.location import Location, LocationChange, NewLocation
from valetkey.domain.revocation import render
from valetkey.domain.scope import AccessLevel
from valetkey.services.audit import Caller
from valetkey.services.vending import Vended, VendRequest
from valetkey.testing import MemoryStorage

EVE: Final = "eve@example.com"
READ, BOTH = frozenset({AccessLevel.READ}), frozenset({AccessLevel.READ, AccessLevel.WRITE})
#: What is held of one location fits, and of two it does not.
SHARE: Final = 400
HOLDERS: Final = 6
#: A verb that revokes has this many changes until its sessions are claimed.
CHANGES: Final = 3

Verb = Callable[[Memory, Caller, Location], Awaitable[Any]]


@pytest.fixture(autouse=True)
def share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("valetkey.domain.revocation._SHARE", SHARE)


class Scene:
    """Eve, who is a developer, and others, who hold sessions of two locations of hers."""

    def __init__(self, memory: Memory, eve: Caller, others: list[Caller], root: Location) -> None:
        self.memory = memory
        self.eve = eve
        self.others = others
        self.root = root
        self._made = itertools.count()

    async def vended(self) -> tuple[Location, list[Vended]]:
        """A new location, and the sessions of it that each of the others holds."""
        services, name = self.memory.services, f"cats{next(self._made)}"
        new = NewLocation(
            name=name, bucket="acme", folder=f"{self.root.prefix}{name}", parent_id=self.root.id
        )
        location = await services.locations.create(self.eve, self.memory.project.id, new)
        vending, wanted = services.vending, VendRequest(("",), BOTH)
        return location, [await vending.vend(who, location.id, wanted) for who in self.others]

    async def check(self, done: dict[str, BaseException | None], ended: dict[str, Any]) -> None:
        """One of two was done, and the other changed nothing."""
        refused = [name for name, error in done.items() if error is not None]
        assert len(refused) == 1, done
        assert isinstance(done[refused[0]], Denied), done
        for name, (location, vended) in ended.items():
            lives = name in refused
            assert {works(self.memory, each.credentials) for each in vended} == {lives}, name
            async with self.memory.storage.read() as work:
                found = await work.locations.get(location.id)
                standing = await work.revocations.of_role(ROLE)
            assert not lives or found == location
            own = [each for each in standing if each.actor == EVE]
            assert not render(own, limit=SHARE).everybody

    async def end_all(self) -> None:
        """Have what was revoked be over, for the next try."""
        self.memory.clock.advance(24 * 3600)
        await self.memory.services.leases.resume()
        self.memory.clock.advance(3600)
        await self.memory.services.leases.resume()


async def make_scene(storage: Any) -> Scene:
    memory = await open_memory(storage)
    eve = await memory.member(EVE, ProjectRole.DEVELOPER)
    others = [
        await memory.member(f"dev{each}@example.com", ProjectRole.DEVELOPER)
        for each in range(HOLDERS)
    ]
    return Scene(memory, eve, others, await memory.location("root"))


async def delete(memory: Memory, who: Caller, location: Location) -> None:
    await memory.services.locations.delete(who, location.id, revokes=True)


async def narrow(memory: Memory, who: Caller, location: Location) -> None:
    change = LocationChange(access=READ, revokes_beyond=True)
    await memory.services.locations.update(who, location.id, change)


def orders() -> Iterator[str]:
    """Each order of the first changes of two."""
    for places in itertools.combinations(range(2 * CHANGES), CHANGES):
        yield "".join("A" if each in places else "B" for each in range(2 * CHANGES))


def verbs(scene: Scene, verb: Verb, one: Location, other: Location) -> dict[str, Any]:
    return {
        "A": lambda: verb(scene.memory, scene.eve, one),
        "B": lambda: verb(scene.memory, scene.eve, other),
    }


of_each_verb = pytest.mark.parametrize("verb", [delete, narrow])


async def two_at_once(scene: Scene, verb: Verb, run: Callable[[Any], Awaitable[Any]]) -> None:
    one, other = await scene.vended(), await scene.vended()
    done = await run(verbs(scene, verb, one[0], other[0]))
    await scene.check(done, {"A": one, "B": other})
    await scene.end_all()


@of_each_verb
@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_two_verbs_in_any_order_fill_no_more_than_a_share(
    request: pytest.FixtureRequest, kind: str, verb: Verb
) -> None:
    if kind == "sqlite":
        url = request.getfixturevalue("sqlite_url")
        await make_tables(url)
        storage = SteppedStorage(SqlCatalogStorage.at(url))
        chosen = list(orders())[::7]
    else:
        storage, chosen = SteppedStorage(MemoryStorage()), list(orders())
    scene = await make_scene(storage)
    for order in chosen:
        await two_at_once(scene, verb, lambda both, order=order: storage.run(order, **both))  # type: ignore[misc]
    await storage.close()


class LookingStorage(OverlappingStorage):
    """A storage in which a verb waits once it has seen what is revoked of a role already."""

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        async with self._storage.begin() as work:
            see = work.revocations.of_role

            async def seen(role_arn: str) -> Any:
                found = await see(role_arn)
                await self.pause()
                return found

            work.revocations.of_role = seen
            yield work


@of_each_verb
async def test_two_verbs_that_overlap_fill_no_more_than_a_share(
    postgresql_url: str, verb: Verb
) -> None:
    await make_tables(postgresql_url)
    storage = LookingStorage(SqlCatalogStorage.at(postgresql_url), postgresql_url)
    scene = await make_scene(storage)
    await two_at_once(scene, verb, lambda both: storage.overlap("A", **both))
    await storage.close()
