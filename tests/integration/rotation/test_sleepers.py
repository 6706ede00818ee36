"""A process that falls asleep (SIGSTOP, a paused machine) at any call to AWS or write of a
rotation, and wakes up when its lease is over and another process has ended the rotation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from support.rotating import Case, Wire, WiredAws
from valetkey.domain.errors import Conflict, ValetkeyError
from valetkey.domain.rotation import DEFAULT_GRACE, DRAIN, Rotation, Stage
from valetkey.embedded.faults import Fault, FaultKind
from valetkey.services.rotation import Rotations

#: Of an undisturbed rotation (test_faults holds the numbers to it).
_CALLS: Final = 13
_WRITES: Final = 18
_GRACE: Final = DEFAULT_GRACE.total_seconds()

Meanwhile = Callable[[Case], Awaitable[None]]


class _Sleep:
    """Comes once, before or after the operation of a number."""

    def __init__(self, case: Case, at: int, when: str, meanwhile: Meanwhile) -> None:
        self._case, self._at, self._when, self._meanwhile = case, at, when, meanwhile
        self.seen = 0
        #: The rotation as others have ended it meanwhile.
        self.ended: Rotation | None = None

    def count(self) -> int:
        self.seen += 1
        return self.seen

    async def passes(self, number: int, when: str) -> None:
        if (number, when) == (self._at, self._when):
            await self._meanwhile(self._case)
            status = await self._case.process().status(self._case.caller, self._case.integration_id)
            self.ended = status.rotation if status.rotation and status.rotation.is_over else None


class _SleepyAws(WiredAws):
    def __init__(self, case: Case, sleep: _Sleep) -> None:
        super().__init__(case.ground.sts, case.ground.keys, Wire(), Wire())
        self._sleep = sleep

    async def _do(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        number = self._sleep.count()
        await self._sleep.passes(number, "before")
        answer = await super()._do(name, work)
        await self._sleep.passes(number, "after")
        return answer


class _SleepyStorage:
    def __init__(self, case: Case, sleep: _Sleep) -> None:
        self._storage, self._sleep = case.storage, sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        number = self._sleep.count()
        await self._sleep.passes(number, "before")
        async with self._storage.begin() as work:
            yield work
        await self._sleep.passes(number, "after")


async def _go_on(case: Case) -> None:
    """Be the other process, over some days."""
    for _ in range(4):
        case.clock.advance(_GRACE)
        await case.process().resume()


async def _cancel(case: Case) -> None:
    """Be somebody who has waited for long enough, and then the other process."""
    case.clock.advance(_GRACE)
    with suppress(ValetkeyError):
        await case.process().cancel(case.caller, case.integration_id)
    await _go_on(case)


async def _rotate(process: Rotations, case: Case) -> None:
    rotation = await process.start(case.caller, case.integration_id)
    while not rotation.is_over:
        rotation = await process.advance(rotation.id)
        case.clock.advance(_GRACE)


async def _require_no_key_that_nobody_knows(case: Case, ended: Rotation | None) -> None:
    """What has ended stays as it was. The held key is live. One more may be there: the old one of
    a rotation that somebody cancelled after the switch, which says so."""
    await _go_on(case)  # as any process does
    held, found = await case.held(), case.at_aws()
    assert found.pop(held.id)
    status = await case.process().status(case.caller, case.integration_id)
    assert status.rotation is not None
    assert status.rotation.is_over
    if ended is not None:
        assert status.rotation == ended
    if found:
        assert (list(found), held.id) == ([case.first_key.id], status.rotation.new_key_id)
        assert case.first_key.id in status.rotation.steps[-1].note
    assert await case.opens_the_role()


_OTHERS: Final = {"another process goes on": _go_on, "somebody cancels it": _cancel}


@pytest.mark.parametrize("other", _OTHERS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, _CALLS + 1))
async def test_whoever_sleeps_over_a_call_to_aws_leaves_no_key_that_nobody_knows(
    case: Case, at: int, when: str, other: str
) -> None:
    sleep = _Sleep(case, at, when, _OTHERS[other])
    with suppress(ValetkeyError):
        await _rotate(case.process_over(_SleepyAws(case, sleep)), case)
    assert sleep.seen >= at
    await _require_no_key_that_nobody_knows(case, sleep.ended)


@pytest.mark.parametrize("other", _OTHERS)
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("at", range(1, _WRITES + 1))
async def test_whoever_sleeps_over_a_write_leaves_no_key_that_nobody_knows(
    case: Case, at: int, when: str, other: str
) -> None:
    sleep = _Sleep(case, at, when, _OTHERS[other])
    aws = WiredAws(case.ground.sts, case.ground.keys, Wire(), Wire())
    with suppress(ValetkeyError):
        await _rotate(case.process_over(aws, _SleepyStorage(case, sleep)), case)
    assert sleep.seen >= at
    await _require_no_key_that_nobody_knows(case, sleep.ended)


async def test_a_key_made_in_vain_that_aws_does_not_delete_is_told_by_its_id(case: Case) -> None:
    async def meanwhile(case: Case) -> None:
        await _cancel(case)
        case.ground.aws.faults.order(Fault(FaultKind.ERROR, action="DeleteAccessKey"))

    process = case.process_over(_SleepyAws(case, _Sleep(case, 4, "before", meanwhile)))
    with pytest.raises(Conflict, match="the unused new key") as told, capture_logs() as logs:
        await _rotate(process, case)
    (left,) = case.at_aws().keys() - {case.first_key.id}
    assert left in told.value.message
    assert [each["key"] for each in logs if "key" in each] == [left]


async def test_a_rotation_whose_stage_a_clock_ahead_has_stored_waits_by_the_clock_that_is_right(
    case: Case,
) -> None:
    case.clock.advance(_GRACE)
    rotation = await case.process().start(case.caller, case.integration_id)
    assert (await case.process().advance(rotation.id)).stage is Stage.SWITCHED
    case.clock.advance(-_GRACE)
    for stage, wait in (
        (Stage.SWITCHED, DRAIN.total_seconds()),  # not skipped, and not a day longer
        (Stage.DEACTIVATED, _GRACE),
        (Stage.DONE, 0),
    ):
        (moved,) = await case.process().resume()
        assert moved.stage is stage
        assert not await case.process().resume()
        case.clock.advance(wait)
    assert case.at_aws() == {(await case.held()).id: True}
