"""Whoever asks is answered in time: STS is called again only while there is time for it."""

from __future__ import annotations

from typing import Any, Final

import pytest

from support.memory import OWNER, Memory
from valetkey.aws.settings import AwsSettings
from valetkey.config import Settings
from valetkey.domain.credentials import TemporaryCredentials
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.scope import AccessLevel
from valetkey.domain.tags import location_tag
from valetkey.services.vending import VendRequest
from valetkey.services.vending.rounds import KEY_PATIENCE, PATIENCE

READ: Final = VendRequest(("a",), frozenset({AccessLevel.READ}))
#: What is promised, in seconds.
PROMISED: Final = 15.0


class ChangingSts:
    """An STS that takes its time; meanwhile something changes that what was asked depends on."""

    def __init__(self, memory: Memory, tag: str, seconds: float) -> None:
        self._memory = memory
        self._tag = tag
        self._seconds = seconds
        self._assume = memory.sts.assume_role
        self.calls = 0

    async def __call__(self, *given: Any) -> TemporaryCredentials:
        self.calls += 1
        self._memory.clock.advance(self._seconds)
        async with self._memory.storage.begin() as work:
            await work.invalidations.publish([self._tag])
        return await self._assume(*given)


@pytest.mark.parametrize(("seconds", "calls"), [(9.9, 1), (3.9, 2), (1.0, 5), (0.01, 25)])
async def test_it_is_decided_anew_only_while_there_is_time(
    memory: Memory, monkeypatch: pytest.MonkeyPatch, seconds: float, calls: int
) -> None:
    location = await memory.location()
    sts = ChangingSts(memory, location_tag(location.id), seconds)
    monkeypatch.setattr(memory.sts, "assume_role", sts)
    owner, begun = await memory.caller(OWNER), memory.clock.monotonic()
    with pytest.raises(AwsUnavailable, match="keep changing"):
        await memory.services.vending.vend(owner, location.id, READ)
    assert sts.calls <= calls
    assert memory.clock.monotonic() - begun <= PROMISED


def test_what_is_promised_holds_the_longest_call_and_all_that_is_waited_for_before_it() -> None:
    assert Settings().aws_sts_seconds == AwsSettings().sts_seconds
    assert PATIENCE + KEY_PATIENCE + AwsSettings().sts_seconds < PROMISED
