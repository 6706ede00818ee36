"""The audit store is full, or can't be written: nothing is handed out, and afterwards all is well.

A file that may not grow is what every user can arrange. Where the system lets a user mount a disk,
a disk without a free byte is tried as well, and files that nobody may write where it lets a user
make some.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import httpx2
import pytest

from support.aws import make_setup
from support.commands import run_process
from support.full_disk import FullStore, NoGrowth, ReadOnly, SmallDisk
from support.machine import made, prepare
from valetkey.embedded import EmbeddedAws

STORES: Final[list[type[FullStore]]] = [
    NoGrowth,
    *([SmallDisk] if SmallDisk.may_be_had() else []),
    *([ReadOnly] if ReadOnly.may_be_had() else []),
]
FACES: Final[Mapping[str, Callable[[httpx2.Client, str, str], httpx2.Response]]] = {
    "credentials": lambda http, location, folder: http.post(
        f"{location}/credentials", json={"prefixes": [folder], "access": ["read"]}
    ),
    "container credentials": lambda http, location, folder: http.get(
        f"{location}/credentials", params={"prefix": folder, "access": "list,read"}
    ),
    "presign": lambda http, location, folder: http.post(
        f"{location}/presigned-urls", json={"keys": [f"{folder}/a", f"{folder}/b"]}
    ),
}
KEY_ID: Final = re.compile(r"ASIA\w{16}")
CLIENTS, ENOUGH = 8, 10


@dataclass
class Desk:
    """A running server with a location, and somebody who asks it."""

    store: FullStore
    url: str
    location: str
    token: str

    def client(self) -> httpx2.Client:
        headers = {"authorization": self.token}
        return httpx2.Client(base_url=self.url, headers=headers, timeout=60)

    def recorded(self) -> set[tuple[str, str]]:
        """The request and access key id of each record of something handed out; the chain holds."""
        token = self.token.removeprefix("Bearer ")
        asking = {"VALETKEY_URL": self.url, "VALETKEY_TOKEN": token}
        verified = run_process(["audit", "check", "--json"], self.store.environment | asking)
        assert (verified.code, verified.json["holds"]) == (0, True), verified.said
        with self.client() as http:
            records = map(json.loads, http.get("/v1/audit/export").text.splitlines())
        return {
            (record["requestId"], record["details"]["access_key_id"])
            for record in records
            if "access_key_id" in record["details"]
        }


@pytest.fixture(scope="module", params=STORES)
def desk(
    request: pytest.FixtureRequest,
    _running_aws: EmbeddedAws,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Desk]:
    """One server for all tests: that it goes on working is the point."""
    _running_aws.reset()
    setup = make_setup(_running_aws, "full-store")
    store: FullStore = request.param(tmp_path_factory.mktemp("full"), _running_aws.endpoint)
    process, url = store.serve()
    try:
        with httpx2.Client(base_url=url, timeout=60) as http:
            location = prepare(http, setup)["id"]
            yield Desk(store, url, f"/v1/locations/{location}", http.headers["authorization"])
        assert process.poll() is None, "the server has to live through it"
    finally:
        process.kill()
        process.communicate(timeout=60)


def receipt(answer: httpx2.Response) -> tuple[str, str]:
    """The request, and the access key id of what it was given."""
    answer.raise_for_status()
    [key_id] = set(KEY_ID.findall(answer.text))
    return answer.headers["x-request-id"], key_id


def assert_refused(answer: httpx2.Response, cause: str) -> None:
    """It says that there is no record and why, and holds nothing else: no key, token or URL."""
    assert answer.status_code == 503, answer.text
    said = answer.json().get("error", answer.json())  # AWS's contract has a shape of its own
    assert said["code"] == "audit_unavailable"
    assert cause in said["message"]
    assert "nothing was handed out" in said["message"]
    assert said.keys() <= {"code", "message", "hint", "requestId"}
    shown = answer.text + str(answer.headers)
    assert not KEY_ID.search(shown)
    assert "X-Amz" not in shown


def test_a_full_store_hands_out_nothing_and_one_with_room_again_hands_out_the_same(
    desk: Desk,
) -> None:
    with desk.client() as http:
        warm = [ask(http, desk.location, "warm") for ask in FACES.values()]
        given = made(warm[0])
        with desk.store.full():
            for ask in FACES.values():
                for folder in ("warm", "cold", "warm"):
                    refused = ask(http, desk.location, folder)
                    assert_refused(refused, desk.store.cause)
                    for secret in (given["secretAccessKey"], given["sessionToken"]):
                        assert secret not in refused.text
            assert http.get("/readyz").status_code == 503
        again = [ask(http, desk.location, "warm") for ask in FACES.values()]
        assert http.get("/readyz").status_code == 200
        late = [ask(http, desk.location, "cold") for ask in FACES.values()]
    for before, after in zip(warm, again, strict=True):
        assert receipt(after)[1] == receipt(before)[1], "what was warm is warm still"
    received = map(receipt, [*warm, *again, *late])
    assert set(received) <= desk.recorded()


def test_readyz_tells_of_a_full_store_and_of_room_though_nobody_asks_for_anything(
    desk: Desk,
) -> None:
    with desk.client() as http:
        with desk.store.full():
            assert desk.store.cause in readiness(http, 503)["database"]
            for ask in FACES.values():  # and what that leaves behind does not outlast it
                assert_refused(ask(http, desk.location, "warm"), desk.store.cause)
        assert not any(readiness(http, 200).values())
        assert made(FACES["credentials"](http, desk.location, "warm"))


def readiness(http: httpx2.Client, status: int) -> dict[str, str]:
    """Ask for the server's health until it is so."""
    for _ in range(60):
        answer = http.get("/readyz")
        if answer.status_code == status:
            return dict(answer.json()["parts"])
        time.sleep(0.1)  # between two looks
    raise AssertionError(f"it is never {status}")


def test_a_store_whose_file_is_gone_hands_out_nothing_until_it_is_back(desk: Desk) -> None:
    # An open file can be written although it has no name any more: nobody would find the record.
    with desk.client() as http:
        before = [ask(http, desk.location, "warm") for ask in FACES.values()]
        with desk.store.gone():
            for ask in FACES.values():
                for folder in ("warm", "gone", "warm"):
                    assert_refused(ask(http, desk.location, folder), "The database can't be used")
        after = [ask(http, desk.location, "gone") for ask in FACES.values()]
    assert set(map(receipt, [*before, *after])) <= desk.recorded()


class Crowd:
    """Clients that ask for one thing after another until they are told to stop."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._changed = threading.Condition()
        self._stopped = False
        self._rounds = {"received": [0] * CLIENTS, "refused": [0] * CLIENTS}
        self.received: list[tuple[str, str]] = []
        self.refused: list[httpx2.Response] = []
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait_until_each_was(self, what: str) -> None:
        """Return once each client, from now on, has been received or refused often enough."""
        with self._changed:
            before = list(self._rounds[what])
            assert self._changed.wait_for(
                lambda: all(
                    now >= then + ENOUGH
                    for now, then in zip(self._rounds[what], before, strict=True)
                ),
                120,
            ), self._rounds

    def stop(self) -> None:
        self._stopped = True
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        faces = list(FACES.values())
        with self._desk.client() as http:
            turn = 0
            while not self._stopped:
                # Now and then a new folder, so that cold requests are among the warm ones.
                folder = f"{number}/{turn // 20}"
                answer = faces[turn % len(faces)](http, self._desk.location, folder)
                turn += 1
                with self._changed:
                    self._note(number, answer)
                    self._changed.notify_all()

    def _note(self, number: int, answer: httpx2.Response) -> None:
        if answer.is_success:
            self.received.append(receipt(answer))
            self._rounds["received"][number] += 1
        else:
            self.refused.append(answer)
            self._rounds["refused"][number] += 1


def test_a_store_that_fills_up_under_load_has_a_record_of_everything_received(desk: Desk) -> None:
    crowd = Crowd(desk)
    try:
        for _ in range(2):
            crowd.wait_until_each_was("received")
            with desk.store.full():
                crowd.wait_until_each_was("refused")
        crowd.wait_until_each_was("received")
    finally:
        crowd.stop()
    for refused in crowd.refused:
        assert_refused(refused, desk.store.cause)
    assert set(crowd.received) <= desk.recorded()
