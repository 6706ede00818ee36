"""Every POST that makes something, cut at every transaction: sent again, it makes one thing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import msgspec
import pytest

from support.described import EXAMPLES
from support.every_caller import World, bodies, open_world
from support.making import MAKES
from support.memory import KEY, OWNER, PASSWORD
from valetkey.domain.errors import CommitUnknown, StorageUnavailable
from valetkey.domain.setup.observed import ObservedKey
from valetkey.wire import OPERATIONS

MAKING: Final = {operation.id: operation for operation in OPERATIONS if operation.makes}
#: POSTs that make nothing that could be made twice, and why.
MAKES_NOTHING: Final = {
    "createLogin": "a token that is stored nowhere",
    "renewLogin": "a token that is stored nowhere",
    "signOutEverywhere": "ends logins; twice ends them twice",
    "usePasswordLink": "the link works once",
    "verifyIntegration": "tries, and keeps the latest report",
    "disableIntegration": "sets a state",
    "enableIntegration": "sets a state",
    "cancelRotation": "sets a state",
    "cancelOperation": "sets a state",
    "checkNewLocation": "makes none",
    "verifyLocation": "tries, and leaves nothing",
    "createCredentials": "the session that is cached, each time with a record",
    "createCredentialsByName": "the session that is cached, each time with a record",
    "presign": "URLs that are stored nowhere",
    "presignByName": "URLs that are stored nowhere",
    "checkAudit": "reads",
    "moveObjects": "what is there already is not moved again",
    "changeMatchingObjects": "sets what it sets",
    "restoreObject": "asks the store, which does it once",
}
_USER: Final = "arn:aws:iam::000000000000:user/fake"
FAULTS: Final = ("refused", "commit unknown", "killed before", "killed after")


@dataclass
class Faults:
    """A storage whose transaction number ``at`` goes wrong in one way."""

    world: World
    at: int = -1
    kind: str = ""
    count: int = 0
    is_dead: bool = False
    _plain: Any = field(init=False)

    def __post_init__(self) -> None:
        self._plain = self.world.memory.storage.begin

    @contextmanager
    def injected(self) -> Iterator[None]:
        storage: Any = self.world.memory.storage
        storage.begin = self._begin
        try:
            yield
        finally:
            del storage.begin

    @asynccontextmanager
    async def _begin(self) -> AsyncIterator[Any]:
        number, self.count = self.count, self.count + 1
        if self.is_dead:
            raise StorageUnavailable("The process is gone.")
        kind = self.kind if number == self.at else ""
        if kind == "killed before":
            self.is_dead = True
            raise StorageUnavailable("The process is gone.")
        if kind == "refused":
            raise StorageUnavailable("The database is gone.")
        async with self._plain() as work:
            yield work
        if kind == "killed after":
            self.is_dead = True
            raise CommitUnknown("The process is gone.")
        if kind == "commit unknown":
            raise CommitUnknown("The database did not say whether it is done.")


@dataclass
class Desk:
    """Sends one operation, each time of an installation as it was."""

    world: World
    saved: Any

    async def as_it_was(self) -> None:
        memory = self.world.memory
        memory.storage.restore(self.saved)
        keys: Any = memory.parts.access_keys
        keys.users = {
            _USER: {KEY[0]: ObservedKey(KEY[0], active=True, created_at=memory.clock.now())}
        }
        login = await memory.services.accounts.login(OWNER, PASSWORD)  # time goes on in here
        self.world.tokens["orgOwner"] = login.token.reveal()

    def rows(self, operation_id: str) -> int:
        table: Any = getattr(self.world.memory.storage._committed, MAKES[operation_id])
        return len(table.rows if hasattr(table, "rows") else table._rows)

    async def send(
        self, operation_id: str, *, key: str = "one", more: bytes = b""
    ) -> httpx2.Response:
        operation, known = MAKING[operation_id], self.world.known
        body = bodies(known).get(operation_id, EXAMPLES.get(operation_id, {}))
        headers = self.world.headers("orgOwner") | {"Idempotency-Key": key}
        return await self.world.http.post(
            operation.path.format(**known),
            content=msgspec.json.encode(body) + more,
            headers=headers | {"content-type": "application/json"},
            params={"verify": "false"} if operation_id == "createIntegration" else {},
        )


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    loop = asyncio.new_event_loop()
    world = loop.run_until_complete(open_world())
    saved: Any = world.memory.storage.snapshot()
    # What is under way there is what two POSTs would begin.
    saved.commands._rows.clear()
    saved.rotations.rows.clear()
    yield Desk(world, saved)
    loop.run_until_complete(world.http.aclose())
    loop.close()


def code(answer: httpx2.Response) -> str:
    if answer.is_success or not answer.content:
        return ""
    told = answer.json()
    return str(told.get("error", told)["code"])


def test_every_post_has_a_row() -> None:
    posts = {operation.id for operation in OPERATIONS if operation.method == "POST"}
    assert MAKES.keys() == MAKING.keys()
    assert MAKES_NOTHING.keys() == posts - MAKES.keys()


async def test_a_key_is_honoured_or_refused_or_nothing_is_to_honour(desk: Desk) -> None:
    await desk.as_it_was()
    world = desk.world
    for operation in OPERATIONS:
        body = bodies(world.known).get(operation.id, EXAMPLES.get(operation.id, {}))
        for key in ("one", ""):
            answer = await world.http.request(
                operation.method,
                operation.path.format(**world.known),
                content=msgspec.json.encode(body) if operation.method == "POST" else b"",
                headers=world.headers("orgOwner")
                | {"Idempotency-Key": key, "content-type": "application/json"},
            )
            is_refused = code(answer) == "idempotency_key_not_taken"
            assert is_refused == (operation.id in MAKES_NOTHING), (operation.id, answer.text)
            if is_refused:
                assert answer.status_code == 400
                assert "Leave the header out" in answer.json()["error"]["hint"]


@pytest.mark.parametrize("operation_id", sorted(MAKES))
async def test_an_answer_that_was_lost_is_given_again(desk: Desk, operation_id: str) -> None:
    await desk.as_it_was()
    first = await desk.send(operation_id)
    made = desk.rows(operation_id)
    assert first.is_success, first.text
    for _ in range(2):
        again = await desk.send(operation_id)
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again.headers.get("location") == first.headers.get("location")
    assert desk.rows(operation_id) == made


@pytest.mark.parametrize("operation_id", sorted(MAKES))
async def test_a_key_is_for_one_body(desk: Desk, operation_id: str) -> None:
    await desk.as_it_was()
    assert (await desk.send(operation_id)).is_success
    made = desk.rows(operation_id)
    assert code(await desk.send(operation_id, more=b" ")) == "idempotency_key_reused"
    assert desk.rows(operation_id) == made


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation_id", sorted(MAKES))
async def test_whatever_is_cut_makes_one_thing_at_most(
    desk: Desk, operation_id: str, fault: str
) -> None:
    await desk.as_it_was()
    before, faults = desk.rows(operation_id), Faults(desk.world)
    with faults.injected():
        assert (await desk.send(operation_id)).is_success
    made, transactions = desk.rows(operation_id), faults.count
    for number in range(transactions):
        await desk.as_it_was()
        faults = Faults(desk.world, number, fault)
        where = f"{fault} at transaction {number} of {transactions}"
        with faults.injected():
            first = await desk.send(operation_id)
        again = await desk.send(operation_id)
        desk.world.memory.clock.advance(660)
        last = await desk.send(operation_id)
        answers = [code(each) for each in (first, again, last)]
        now = desk.rows(operation_id)
        assert now in {before, made}, (where, answers)
        if last.is_success:
            assert now == made, (where, answers)
        else:  # nobody knows, and whoever asks is told so, and can look
            assert answers[-1] == "idempotency_outcome_unknown", (where, answers)
            assert answers[1] in {"idempotency_in_progress", answers[-1]}, (where, answers)
