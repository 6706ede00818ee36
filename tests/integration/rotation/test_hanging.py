"""Each kind of call hangs once, for real: the adapter's patience ends, and the rotation goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.own_aws import FreshSts, settings_for
from support.rotating import Case, Ground, Wire, WiredAws
from valetkey.aws.access_keys import BotoAccessKeys
from valetkey.domain.errors import AwsUnavailable
from valetkey.domain.rotation import DEFAULT_GRACE
from valetkey.embedded.faults import Fault, FaultKind

ACTIONS = (
    "GetCallerIdentity",
    "ListAccessKeys",
    "CreateAccessKey",
    "AssumeRole",
    "UpdateAccessKey",
    "DeleteAccessKey",
)
Adapters = tuple[FreshSts, BotoAccessKeys]


class Impatient(WiredAws):
    """Waits for answers to one action no longer than half a second: no other call is given up,
    however busy the machine is."""

    def __init__(self, ground: Ground, action: str, hurried: Adapters) -> None:
        super().__init__(ground.sts, ground.keys, Wire(), Wire())
        self._action, self._hurried, self._patient = action, hurried, (ground.sts, ground.keys)

    async def _do(self, name: str, work: Callable[[], Awaitable[Any]]) -> Any:
        self._sts, self._keys = self._hurried if name == self._action else self._patient
        return await super()._do(name, work)


@pytest.fixture(scope="module")
def hurried(ground: Ground) -> Iterator[Adapters]:
    """Adapters that wait for an answer of IAM no longer than half a second, and of STS, with the
    connecting, two."""
    settings = replace(settings_for(ground.aws.endpoint), connect_timeout=1.5, read_timeout=0.5)
    keys = BotoAccessKeys(settings)
    yield FreshSts(settings), keys
    keys.close()


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_call_that_hangs_is_given_up_and_the_rotation_still_ends_with_one_key(
    case: Case, hurried: Adapters, action: str
) -> None:
    hanging = case.ground.aws.faults.order(Fault(FaultKind.HANG, action=action))
    process = case.process_over(Impatient(case.ground, action, hurried))
    with contextlib.suppress(AwsUnavailable):
        rotation = await process.start(case.caller, case.integration_id)
        for _ in range(3):
            await process.advance(rotation.id)
            case.clock.advance(DEFAULT_GRACE.total_seconds())
    assert hanging.struck == 1
    case.ground.aws.faults.clear()
    rotation = await process.start(case.caller, case.integration_id)
    while not rotation.is_over:
        rotation = await case.process().advance(rotation.id)
        case.clock.advance(DEFAULT_GRACE.total_seconds())
    assert case.at_aws() == {(await case.held()).id: True}
