"""Whoever is refused without end does not fill the audit trail, and is counted."""

from __future__ import annotations

import json

import pytest

from support.memory import OWNER, Memory
from valetkey.domain.audit import AuditEvent
from valetkey.domain.errors import TooManyRequests, Unauthenticated
from valetkey.domain.secret import Secret
from valetkey.services.refusals import LEFT_OUT, WINDOW, WRITTEN_OUT


def events(memory: Memory) -> list[AuditEvent]:
    return [record.event for record in memory.storage._committed.audit.records]


async def refuse(memory: Memory, times: int, **more: object) -> None:
    audit, eve = memory.services.audit, await memory.caller()
    for _ in range(times):
        await audit.write(
            audit.event(
                eve,
                "location.delete",
                "location:x",
                org_id=memory.org_id,
                outcome="denied",
                **more,  # type: ignore[arg-type]
            )
        )


async def test_of_many_refusals_the_first_are_written_and_the_rest_counted(memory: Memory) -> None:
    await refuse(memory, 1000)
    denied = [event for event in events(memory) if event.outcome == "denied"]
    assert len(denied) == WRITTEN_OUT
    await memory.services.scheduler.round()
    assert events(memory)[-1].action != LEFT_OUT
    memory.clock.advance(WINDOW)
    await memory.services.scheduler.round()
    await memory.services.scheduler.round()
    told = [event for event in events(memory) if event.action == LEFT_OUT]
    assert [event.details["left_out"] for event in told] == [
        {"location.delete": 1000 - WRITTEN_OUT}
    ]
    assert (told[0].actor, told[0].org_id) == (OWNER, memory.org_id)
    assert (await memory.services.audit.verify()).holds


async def test_the_count_comes_before_the_next_refusal_is_written_out(memory: Memory) -> None:
    await refuse(memory, WRITTEN_OUT + 5)
    memory.clock.advance(WINDOW)
    await refuse(memory, 1)
    said = [event.action for event in events(memory) if event.outcome == "denied"]
    assert said[-2:] == [LEFT_OUT, "location.delete"]


async def test_what_is_allowed_is_always_written(memory: Memory) -> None:
    audit, caller = memory.services.audit, await memory.caller()
    before = len(events(memory))
    for _ in range(200):
        await audit.write(audit.event(caller, "x.read", "x:1", org_id=memory.org_id))
    assert len(events(memory)) == before + 200


async def test_a_refusal_has_a_bounded_size(memory: Memory) -> None:
    long = ["p" * 900 + str(number) for number in range(1000)]
    await refuse(memory, 1, prefixes=long, reason="r" * 100_000)
    event = events(memory)[-1]
    assert len(json.dumps(dict(event.details))) < 10_000
    assert event.details["prefixes"][-1] == "... (1,000 entries)"
    assert len(event.reason) < 600


async def test_failed_sign_ins_are_bounded_by_where_they_come_from(memory: Memory) -> None:
    for number in range(200):
        with pytest.raises((Unauthenticated, TooManyRequests)):
            await memory.services.accounts.login(
                f"u{number}@example.com",
                Secret("wrong wrong wrong"),
                source=f"2001:db8::{number:x}",
            )
    failed = [event for event in events(memory) if event.action == "user.sign_in"]
    assert len(failed) == WRITTEN_OUT
    memory.clock.advance(WINDOW)
    await memory.services.audit.write_left_out()
    assert events(memory)[-1].details["left_out"] == {"user.sign_in": 200 - WRITTEN_OUT}
