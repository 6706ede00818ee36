"""Duties: side by side, with a limit each, and nothing that goes wrong unseen."""

from __future__ import annotations

import asyncio

from structlog.testing import capture_logs

from valetkey.domain.errors import Denied
from valetkey.services.background import Duty, log_unexpected
from valetkey.testing import ManualClock, SeededEntropy


class Work:
    """Does what the test says."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.done = 0

    async def __call__(self) -> None:
        if self.error is not None:
            raise self.error
        self.done += 1


def duty(work: object, limit: float = 60.0) -> Duty:
    return Duty("revocations", work, ManualClock(), SeededEntropy(), limit=limit)  # type: ignore[arg-type]  # a Work, or a function


async def test_what_was_not_expected_is_logged_with_its_traceback_and_counted() -> None:
    work = Work(KeyError("role"))
    one = duty(work)
    with capture_logs() as logs:
        await one.turn()
        await one.turn()
    assert [(line["duty"], line["exc_info"]) for line in logs] == [("revocations", True)] * 2
    assert one.problem == "unexpected: KeyError"
    assert one.failures == 2
    work.error = None
    await one.turn()
    assert (one.problem, one.failures, work.done) == ("", 2, 1)


async def test_what_is_refused_on_purpose_is_logged_once_however_long_it_lasts() -> None:
    one = duty(Work(Denied("No.", hint="Ask.")))
    with capture_logs() as logs:
        for _ in range(3):
            await one.turn()
    assert [line["problem"] for line in logs] == ["No. Ask."]
    assert one.failures == 3


async def test_a_turn_that_takes_too_long_is_ended_and_told_of() -> None:
    async def hang() -> None:
        await asyncio.Event().wait()

    one = duty(hang, limit=0.01)
    await one.turn()
    assert one.problem == "it took longer than 0.01 seconds"


async def test_a_timeout_of_the_work_itself_is_not_taken_for_the_limit() -> None:
    one = duty(Work(TimeoutError()))
    await one.turn()
    assert one.problem == "unexpected: TimeoutError"


async def test_a_background_task_that_meets_a_bug_is_logged_and_a_refused_one_is_not() -> None:
    with capture_logs() as logs:
        for error in (KeyError("a"), Denied("No.")):
            task = asyncio.create_task(Work(error)())
            task.add_done_callback(log_unexpected("refresh"))
            await asyncio.wait({task})
            await asyncio.sleep(0)
    assert [(line["work"], type(line["exc_info"])) for line in logs] == [("refresh", KeyError)]
