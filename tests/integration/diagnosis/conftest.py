"""One AWS, one set of adapters and one administrator for all rows; each row has its own set-up."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from support.aws import REGION, client
from support.diagnosing import World, make_world
from support.own_aws import OwnAws, adapters, closed, settings_for
from support.setup_aws import JumpingClock, MiddleEntropy, environment
from valetkey.aws.admin import AdminApi
from valetkey.embedded import EmbeddedAws
from valetkey.services.diagnosis import Diagnosis

NewWorld = Callable[[], World]
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def aws(_running_aws: EmbeddedAws) -> EmbeddedAws:
    _running_aws.reset()
    return _running_aws


@pytest.fixture
async def own(aws: EmbeddedAws) -> AsyncIterator[OwnAws]:
    made = adapters(settings_for(aws.endpoint))
    yield made
    await closed(made)


@pytest.fixture(scope="module")
def diagnosis(aws: EmbeddedAws) -> Iterator[Diagnosis]:
    """An administrator's machine: the credentials are in its environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment(aws.endpoint, aws.administrator).items():
            patch.setenv(name, value)
        patch.delenv("AWS_PROFILE", raising=False)
        api = AdminApi(region=REGION)
        yield Diagnosis(api, JumpingClock(), MiddleEntropy())
        api.close()


@pytest.fixture(scope="module")
def clients(aws: EmbeddedAws) -> tuple[Any, Any]:
    return client(aws, "iam"), client(aws, "s3")


@pytest.fixture
def new_world(aws: EmbeddedAws, clients: tuple[Any, Any]) -> Iterator[NewWorld]:
    """Makes set-ups beside those of earlier rows; faults and clock are put right afterwards."""
    yield lambda: make_world(aws, f"broken-{next(_numbers)}", *clients)
    aws.faults.clear()
    aws.clock_offset *= 0
