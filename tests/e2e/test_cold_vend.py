"""Whatever STS does, whoever asks for credentials is answered, by a whole server over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from support.aws import GoodSetup, make_setup
from support.machine import Machine, prepare
from support.strange_sts import MANNERS, StrangeSts
from valetkey.embedded import EmbeddedAws

#: What is promised to whoever asks, in seconds: no client here waits longer.
PROMISED: Final = 15.0
#: A call to STS is given up after so long, so that the tests are quick (10 s otherwise: see
#: tests/unit/services/vending/test_in_time.py).
STS_SECONDS: Final = "2"
CLIENTS: Final = 8
ATTEMPTS: Final = 10
LONGEST_PAUSE: Final = 5
ENDED: Final = 90


@dataclass
class Counter:
    """Where credentials are asked for, and the STS behind it."""

    sts: StrangeSts
    http: httpx2.Client
    location_id: str

    def ask(self, folder: str) -> httpx2.Response:
        path = f"/v1/locations/{self.location_id}/credentials"
        return self.http.post(path, json={"prefixes": [folder], "access": ["read"]})

    def vended(self, folder: str) -> str:
        """Ask as clients do: again, when they are told to. Return the lease's id."""
        for _ in range(ATTEMPTS):
            answer = self.ask(folder)
            if answer.status_code == 200:
                return str(answer.json()["leaseId"])
            time.sleep(min(int(answer.headers["retry-after"]), LONGEST_PAUSE))
        pytest.fail("it was refused again and again")


@pytest.fixture(scope="module")
def counter(_running_aws: EmbeddedAws, tmp_path_factory: Any) -> Iterator[Counter]:
    _running_aws.reset()
    setup: GoodSetup = make_setup(_running_aws, "valetkey-cold-vend")
    home: Path = tmp_path_factory.mktemp("cold-vend")
    with ExitStack() as stack:
        sts = stack.enter_context(StrangeSts(_running_aws.endpoint))
        machine = Machine(home, _running_aws.endpoint, VALETKEY_AWS_STS_SECONDS=STS_SECONDS)
        machine.environment |= {"VALETKEY_STS_ENDPOINT": sts.endpoint}
        process, url = machine.serve()
        stack.callback(process.communicate, timeout=ENDED)
        stack.callback(process.terminate)
        http = stack.enter_context(httpx2.Client(base_url=url, timeout=PROMISED))
        yield Counter(sts, http, prepare(http, setup)["id"])


@pytest.mark.parametrize("manner", MANNERS)
def test_a_cold_vend_is_answered_whatever_sts_does(counter: Counter, manner: str) -> None:
    counter.sts.become("")
    warm = counter.vended("warm")
    counter.sts.become(manner)
    refused = counter.ask(manner)
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "aws_unavailable")
    assert refused.json()["error"]["hint"]
    assert int(refused.headers["retry-after"]) > 0
    # What was vended before is vended all the same.
    assert counter.vended("warm") == warm


@pytest.mark.parametrize("manner", ["silent", "trickling"])
def test_a_herd_at_a_cold_location_is_answered_together(counter: Counter, manner: str) -> None:
    counter.sts.become(manner)
    folders = [f"{manner} herd"] * CLIENTS + [f"{manner} {number}" for number in range(CLIENTS)]
    with ThreadPoolExecutor(len(folders)) as pool:
        answers = list(pool.map(counter.ask, folders))
    assert {each.status_code for each in answers} == {503}


def test_once_sts_is_well_again_so_is_vending(counter: Counter) -> None:
    counter.sts.become("silent")
    assert counter.ask("for a while").status_code == 503
    counter.sts.become("")
    assert counter.vended("for a while")
