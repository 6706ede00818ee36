"""The fault table of rotation: each call to AWS and each write to the database fails, loses its
answer, hangs, or is the last thing that happens before a kill -9. After a restart the rotation
ends in done or rolled back, with exactly one live key, and Valetkey holds it."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import timedelta

import pytest

from support.rotating import Case, Killed, Mishap, Wire, WiredAws, operations
from valetkey.catalog.db.storage import SqlCatalogStorage
from valetkey.domain.errors import StorageUnavailable, ValetkeyError
from valetkey.domain.rotation import DEFAULT_GRACE, Stage
from valetkey.embedded.faults import Fault, FaultKind
from valetkey.services.rotation import Rotations
from valetkey.services.work import LEASE

#: The calls and the writes of an undisturbed rotation; the first test holds the table to it.
CALLS = (
    *("GetCallerIdentity", "ListAccessKeys", "ListAccessKeys", "CreateAccessKey"),
    *(("GetCallerIdentity", "AssumeRole") * 3),
    *("UpdateAccessKey", "ListAccessKeys", "DeleteAccessKey"),
)
WRITES = 18


async def _whole_rotation(process: Rotations, case: Case) -> None:
    rotation = await process.start(case.caller, case.integration_id)
    while not rotation.is_over:
        rotation = await process.advance(rotation.id)
        case.clock.advance(DEFAULT_GRACE.total_seconds())


async def _until_over(case: Case) -> Stage:
    """Restart Valetkey, as often as it takes."""
    status = await case.process().status(case.caller, case.integration_id)
    for _ in range(8):
        case.clock.advance(DEFAULT_GRACE.total_seconds())
        await case.process().resume()
        status = await case.process().status(case.caller, case.integration_id)
        if status.rotation is None:
            return Stage.ROLLED_BACK  # it never began
        if status.rotation.is_over:
            return status.rotation.stage
    raise AssertionError(f"it never ends: {status.rotation}")


async def _require_one_live_key_that_is_held(case: Case) -> None:
    held = await case.held()
    assert case.at_aws() == {held.id: True}
    assert await case.opens_the_role()


async def test_an_undisturbed_rotation_makes_these_calls_and_writes(case: Case) -> None:
    aws, database = Wire(), Wire()
    await _whole_rotation(case.process(aws=aws, database=database), case)
    assert tuple(aws.seen) == CALLS
    assert len(database.seen) == WRITES
    assert (await case.held()).id != case.first_key.id
    await _require_one_live_key_that_is_held(case)


@pytest.mark.parametrize(("at", "mishap"), operations(len(CALLS), list(Mishap)))
async def test_whatever_befalls_a_call_one_live_key_is_left_and_it_is_held(
    case: Case, at: int, mishap: Mishap
) -> None:
    wire = Wire(at, mishap)
    with contextlib.suppress(Killed, ValetkeyError):
        await _whole_rotation(case.process(aws=wire), case)
    assert len(wire.seen) >= at
    await _until_over(case)
    await _require_one_live_key_that_is_held(case)


_DATABASE = [mishap for mishap in Mishap if mishap is not Mishap.REFUSED]


@pytest.mark.parametrize(("at", "mishap"), operations(WRITES, _DATABASE))
async def test_whatever_befalls_a_write_one_live_key_is_left_and_it_is_held(
    case: Case, at: int, mishap: Mishap
) -> None:
    wire = Wire(at, mishap)
    with contextlib.suppress(Killed, ValetkeyError):
        await _whole_rotation(case.process(database=wire), case)
    assert len(wire.seen) >= at
    await _until_over(case)
    await _require_one_live_key_that_is_held(case)


@pytest.mark.parametrize("action", sorted(set(CALLS)))
@pytest.mark.parametrize(
    "kind", [FaultKind.LOST_RESPONSE, FaultKind.CUT, FaultKind.GARBAGE, FaultKind.ERROR]
)
async def test_an_answer_that_breaks_on_the_wire_is_survived(
    case: Case, action: str, kind: FaultKind
) -> None:
    case.ground.aws.faults.order(Fault(kind, action=action))
    with contextlib.suppress(ValetkeyError):
        await _whole_rotation(case.process(), case)
    case.ground.aws.faults.clear()
    await _until_over(case)
    await _require_one_live_key_that_is_held(case)


async def test_a_locked_database_is_survived(case: Case) -> None:
    rotation = await case.process().start(case.caller, case.integration_id)
    url = str(case.storage._engine.url.database)
    hurried = SqlCatalogStorage.at(f"sqlite:///{url}", busy_seconds=0.2)
    aws = WiredAws(case.ground.sts, case.ground.keys, Wire(), Wire())
    with contextlib.closing(sqlite3.connect(url, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable):
            await case.process_over(aws, hurried).advance(rotation.id)
        other.execute("ROLLBACK")
    await hurried.close()
    assert await _until_over(case) is Stage.DONE
    await _require_one_live_key_that_is_held(case)


async def test_killed_again_and_again_it_still_ends_with_one_key(case: Case) -> None:
    with contextlib.suppress(Killed):
        await _whole_rotation(case.process(aws=Wire(4, Mishap.KILLED_AFTER)), case)
    for at in (2, 3, 2, 4, 1):
        case.clock.advance(LEASE.total_seconds() + 1)
        with contextlib.suppress(Killed):
            await case.process(aws=Wire(at, Mishap.KILLED_AFTER)).resume()
    await _until_over(case)
    await _require_one_live_key_that_is_held(case)


async def test_a_killed_process_keeps_others_out_only_until_its_lease_ends(case: Case) -> None:
    rotation = await case.process().start(case.caller, case.integration_id)
    with contextlib.suppress(Killed):
        await case.process(aws=Wire(1, Mishap.KILLED_BEFORE)).advance(rotation.id)
    with pytest.raises(ValetkeyError, match="Another process"):
        await case.process().advance(rotation.id)
    case.clock.advance(LEASE / timedelta(seconds=1))
    assert (await case.process().advance(rotation.id)).stage is Stage.SWITCHED
