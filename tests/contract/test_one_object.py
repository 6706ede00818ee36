"""Two at work on one object, step by step, in every order: nothing that was answered is lost.

Each verb stops before and after each of its calls to the bucket. One makes some steps, then the
other, then either goes on to its end. What is there afterwards must be what one after the other
would have left, with just the answers that were given; and the index must agree with the bucket.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import permutations, product

import pytest

from support.desk import Desk, make_desk
from support.memory import open_memory
from valetkey.catalog.domain.ports import CatalogStorage
from valetkey.catalog.services.items.uploading import Mode, UploadOperation
from valetkey.domain.errors import ValetkeyError
from valetkey.testing import MemoryStorage

#: Every order and every pair: minutes, so that `make quick` leaves it to `make test`.
pytestmark = pytest.mark.slow

OLD, MOVED = b"old!", b"moved on"
#: An object's bytes and the label of its item; None is no label.
State = dict[str, tuple[bytes, str | None]]
Verb = Callable[["Scene", bytes], Awaitable[str]]
#: What a verb, one after the other, makes of a state; None if its answer could not be that one.
Model = Callable[[State, bytes, str], State | None]
actor: ContextVar[int] = ContextVar("actor")


@dataclass
class Scene:
    """The objects p (perhaps), r and not q, with labelled items, in a folder of their own."""

    desk: Desk
    folder: str
    ids: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    async def set(self, state: State) -> None:
        for name, (body, label) in state.items():
            item, _ = await self.desk.upload(
                self.path(name), body, metadata={"user": {"label": label}}
            )
            self.ids[name] = item.id

    async def now(self) -> State:
        """What the bucket holds, with what the index says of it."""
        found: State = {}
        desk, below = self.desk, f"{self.desk.prefix}{self.folder}/"
        async with desk.memory.storage.read() as work:
            dataset = await work.datasets.get(desk.dataset_id)
            assert dataset is not None
            for key, body in desk.bucket.items():
                if key.startswith(below):
                    item = await work.items.by_path(dataset, key.removeprefix(desk.prefix))
                    assert item is not None, f"{key} is not in the index"
                    assert item.size == len(body)
                    label = item.metadata.get("user", {}).get("label")
                    found[key.removeprefix(below)] = (body, label)
            for name in "pqr":
                row = await work.items.by_path(dataset, self.path(name))
                assert row is None or name in found, f"{name} is an item without an object"
        return found


async def overwrite(scene: Scene, body: bytes) -> str:
    _, operation = await scene.desk.upload(scene.path("p"), body)
    return operation.value


async def skip(scene: Scene, body: bytes) -> str:
    _, operation = await scene.desk.upload(scene.path("p"), body, mode=Mode.SKIP)
    return operation.value


async def move_onto(scene: Scene, _: bytes) -> str:
    desk = scene.desk
    await desk.items.moving.rename(desk.developer, scene.ids["r"], scene.path("p"))
    return "moved"


async def move_away(scene: Scene, _: bytes) -> str:
    desk = scene.desk
    await desk.items.moving.rename(desk.developer, scene.ids["p"], scene.path("q"))
    return "moved"


async def import_it(scene: Scene, _: bytes) -> str:
    desk, key = scene.desk, scene.desk.prefix + scene.path("p")
    await desk.items.importing.import_objects(desk.developer, desk.dataset_id, [key])
    return "imported"


async def delete(scene: Scene, _: bytes) -> str:
    await scene.desk.items.removal.delete(scene.desk.developer, scene.ids["p"])
    return "deleted"


async def sync(scene: Scene, _: bytes) -> str:
    desk, catalog = scene.desk, scene.desk.memory.services.catalog
    view = await catalog.syncs.start(desk.developer, desk.dataset_id)
    await catalog.sync_worker.run_open()
    done = await catalog.syncs.get(desk.developer, view.command.id)
    assert done.command.state == "success", done.command.error
    return "synced"


def _uploaded(state: State, body: bytes, answer: str) -> State | None:
    there = state.get("p")
    if answer == UploadOperation.SKIPPED.value:
        return state if there is not None and len(there[0]) == len(body) else None
    if (answer == UploadOperation.CREATED.value) != (there is None):
        return None
    return state | {"p": (body, there[1] if there else None)}


def _renamed(source: str, to: str) -> Model:
    def model(state: State, _: bytes, __: str) -> State | None:
        if source not in state and to in state and state[to][1] == source:
            return state  # it is there already
        if source not in state or to in state:
            return None
        left = {name: held for name, held in state.items() if name != source}
        return left | {to: state[source]}

    return model


def _deleted(state: State, _: bytes, __: str) -> State | None:
    # By its id, wherever it was moved to; or it was gone already.
    labelled = [name for name, (_body, label) in state.items() if label == "p"]
    return {name: held for name, held in state.items() if name not in labelled}


def _imported(state: State, _: bytes, __: str) -> State | None:
    return state if "p" in state else None


VERBS: dict[str, tuple[Verb, Model]] = {
    "overwrite": (overwrite, _uploaded),
    "skip": (skip, _uploaded),
    "move_onto": (move_onto, _renamed("r", "p")),
    "move_away": (move_away, _renamed("p", "q")),
    "import": (import_it, _imported),
    "delete": (delete, _deleted),
    "sync": (sync, lambda state, _, __: state),
}


class Stage:
    """Lets two take turns: the first makes ``first`` steps, then the second ``second``, then the
    first goes on to its end."""

    def __init__(self, desk: Desk, first: int, second: int) -> None:
        self._desk = desk
        self._left = {0: first, 1: second}
        self._ended = {0: False, 1: False}
        self._turn = asyncio.Condition()
        self.stopped = {0: False, 1: False}

    def _may(self, who: int) -> bool:
        if self._ended[1 - who]:
            return True
        if self._left[0] > 0:
            return who == 0
        if self._left[1] > 0:
            return who == 1
        return who == 0

    async def step(self, _operation: str, _key: str) -> None:
        who = actor.get(-1)
        self._desk.memory.clock.advance(0.003)
        if who < 0:
            return
        async with self._turn:
            self._left[who] -= 1
            self.stopped[who] |= self._left[who] == 0
            self._turn.notify_all()
            await self._turn.wait_for(lambda: self._may(who))

    async def act(self, who: int, verb: Verb, scene: Scene, body: bytes) -> str:
        actor.set(who)
        async with self._turn:
            await self._turn.wait_for(lambda: self._may(who))
        try:
            return await verb(scene, body)
        except ValetkeyError as error:
            return f"refused: {error.message}"
        finally:
            async with self._turn:
                self._ended[who] = True
                self._turn.notify_all()


def explained(start: State, verbs: list[tuple[Model, bytes, str]], now: State) -> bool:
    """Tell whether one after the other, in some order, leaves what is there now. Who was refused
    has done nothing."""
    done = [one for one in verbs if not one[2].startswith("refused")]
    for order in permutations(done):
        state: State | None = start
        for model, body, answer in order:
            state = model(state, body, answer) if state is not None else None
        if state == now:
            return True
    return False


def schedules(storage: CatalogStorage) -> Iterator[tuple[int, int]]:
    """In memory, after each step of the first: some of the second, or all of it. On databases, some
    of these: what they could do otherwise is how they keep rivals out."""
    if isinstance(storage, MemoryStorage):
        for first in range(1, 15):
            yield first, 1000
            if first % 3 == 1:
                yield first, 3
    else:
        yield from ((first, 1000) for first in (2, 5))


@pytest.fixture
async def desk(storage: CatalogStorage) -> Desk:
    return await make_desk(await open_memory(storage))


#: Each pair of verbs, where there is an object at the path, and, where they can do without, none.
PAIRS = [
    (first, second, there)
    for first, second, there in product(VERBS, VERBS, (True, False))
    if there or not {first, second} & {"move_away", "delete", "import"}
]


@pytest.mark.parametrize(("first", "second", "there"), PAIRS)
async def test_no_success_is_lost(
    storage: CatalogStorage, desk: Desk, first: str, second: str, there: bool
) -> None:
    desk.memory.objects.heeds_conditions = False  # a store that knows none has to do too
    start: State = {"r": (MOVED, "r")}
    if there:
        start["p"] = (OLD, "p")
    for number, steps in enumerate(schedules(storage)):
        scene = Scene(desk, f"scene{number}")
        await scene.set(start)
        reached = await play(scene, start, [first, second], steps)
        desk.bucket.clear()
        if not reached:
            break


async def play(scene: Scene, start: State, names: list[str], steps: tuple[int, int]) -> bool:
    """Play one order of two verbs; returns whether the first one stopped where it was to."""
    desk, bodies = scene.desk, [b"1st!", b"2nd!"]
    stage = Stage(desk, *steps)
    desk.memory.objects.before = desk.memory.objects.after = stage.step
    try:
        answers = await asyncio.gather(
            *(stage.act(who, VERBS[name][0], scene, bodies[who]) for who, name in enumerate(names))
        )
    finally:
        desk.memory.objects.before = desk.memory.objects.after = None
    told = [
        (VERBS[name][1], body, answer)
        for name, body, answer in zip(names, bodies, answers, strict=True)
    ]
    now = await scene.now()
    assert explained(start, told, now), f"{names} {steps}: {answers} left {now}"
    async with desk.memory.storage.read() as work:
        assert not await work.commands.intents(desk.dataset_id)
    return stage.stopped[0]
