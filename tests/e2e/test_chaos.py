"""Processes that are killed and stopped at random while clients vend, write, sync and rotate:
nothing that was answered is lost, and all agree in the end. ``make chaos`` runs it, and prints the
seed: what befalls each process, and who does what, follows from it; how they meet does not."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import pytest

from support.aws import GoodSetup, client
from support.bucket_truth import Bucket, indexed
from support.chaos import API, Companion, Company, Orderer, Owner, Tormentor, Writer
from support.fleet import LONG, Crowd, Fleet, recorded, running_fleet, until
from support.machine import made, prepare
from valetkey.embedded import EmbeddedAws

#: Asks for the run, and says how many minutes.
ASKED = "VALETKEY_CHAOS_MINUTES"
_MINUTES = float(os.environ.get(ASKED, "0"))
_SEED = int(os.environ.get("VALETKEY_CHAOS_SEED", "0")) or random.SystemRandom().randrange(10**6)
_OBJECTS = 1000
_WRITERS = 6
_ROTATING = ("iam:CreateAccessKey", "iam:DeleteAccessKey", "iam:UpdateAccessKey")
_READING = ("iam:ListAccessKeys", "iam:GetAccessKeyLastUsed")
#: A rotation whose process was killed is free after three minutes, and the old key drains for two.
_ROTATES = 600


def _chance(of: str) -> random.Random:
    return random.Random(f"{_SEED} {of}")  # noqa: S311  # repeatable


def _let_rotate(aws: EmbeddedAws, setup: GoodSetup) -> None:
    statement = {"Effect": "Allow", "Action": [*_ROTATING, *_READING], "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client(aws, "iam").put_user_policy(
        UserName=setup.user, PolicyName="rotation", PolicyDocument=document
    )


def _ended(http: httpx2.Client, operation: str) -> bool:
    answer = http.get(f"/v1/operations/{operation}")
    found: dict[str, Any] = answer.json()
    assert found["state"] in {"pending", "running", "succeeded"}, found
    return bool(found["state"] == "succeeded")


def _require_all_agree(
    http: httpx2.Client, dataset_id: str, bucket: Bucket, writers: list[Writer]
) -> None:
    """The index, the bucket, and what writers were told."""
    assert indexed(http, dataset_id) == bucket.facts()
    bodies = bucket.bodies()
    for writer in writers:
        wrong = {path for path, may in writer.may_be.items() if bodies.get(path) not in may}
        assert not wrong
        assert writer.done


def _require_ended_once(http: httpx2.Client, syncs: list[str]) -> None:
    lines = map(json.loads, http.get("/v1/audit/export").text.splitlines())
    ended = [each["details"] for each in lines if each["action"] == "dataset.synced"]
    counted = Counter(str(each["command_id"]) for each in ended)
    assert set(counted.values()) == {1}
    assert counted.keys() >= set(syncs)


def _require_one_live_key(aws: EmbeddedAws, setup: GoodSetup) -> None:
    (key,) = client(aws, "iam").list_access_keys(UserName=setup.user)["AccessKeyMetadata"]
    assert key["Status"] == "Active"


def _tormentors(fleet: Fleet) -> list[Tormentor]:
    return [
        Tormentor(process, f"process {number}", _chance(f"tormentor {number}"))
        for number, process in enumerate(fleet.all)
    ]


@pytest.mark.skipif(not _MINUTES, reason="takes minutes: make chaos")
@pytest.mark.timeout(_MINUTES * 60 + 1800)
def test_nothing_that_was_answered_is_lost_whatever_befalls_the_processes(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, postgresql_url: str, tmp_path: Path
) -> None:
    print(f"seed {_SEED}: VALETKEY_CHAOS_SEED={_SEED} makes it again")  # noqa: T201
    bucket = Bucket(embedded_aws, good_setup.bucket)
    paths = [f"{number % 40:02}/{number:05}.jpg" for number in range(_OBJECTS)]
    bucket.put(paths, b"first ")
    _let_rotate(embedded_aws, good_setup)
    with (
        running_fleet(tmp_path, embedded_aws, postgresql_url) as fleet,
        httpx2.Client(base_url=fleet.urls[0], timeout=LONG) as http,
    ):
        location = prepare(http, good_setup, allow_external_delete=True)
        new = {"name": "d", "projects": [location["projectId"]], "driver": location["id"]}
        dataset_id = made(http.post(f"{API}/datasets", json=new))["id"]
        token, urls = http.headers["authorization"], fleet.urls
        path = f"/v1/datasets/{dataset_id}/syncs"
        syncs = Orderer(urls[1], token, path, _chance("syncs"), parallel=4)
        path = f"/v1/integrations/{location['integrationId']}/rotations"
        rotations = Orderer(urls[0], token, path, _chance("rotations"), graceSeconds=1)
        writers = [
            Writer(urls[n % 2], token, dataset_id, f"w{n}", _chance(f"writer {n}"))
            for n in range(_WRITERS)
        ]
        tormentors = _tormentors(fleet)
        at_work: list[Companion] = [syncs, rotations, *writers, *tormentors]
        at_work.append(Owner(bucket, paths, _chance("owner")))
        with Crowd(urls[:2], token, location["id"]) as crowd:
            with Company(at_work).at_work():
                writers[0].stopping.wait(_MINUTES * 60)
            until(lambda: all(code == 200 for code, _ in fleet.ready()), "all are ready again")
            crowd.wait_for_more()
        for sync in syncs.ordered:
            until(lambda sync=sync: _ended(http, sync), "the sync goes on")  # type: ignore[misc]  # bound now
        last = made(http.post(f"/v1/datasets/{dataset_id}/syncs", json={"parallel": 4}))["id"]
        until(lambda: _ended(http, last), "the last sync goes on")
        for rotation in rotations.ordered:
            until(lambda one=rotation: _ended(http, one), "a rotation goes on", _ROTATES)  # type: ignore[misc]
        told = {one.name: one.did for one in tormentors}
        done = [writer.done for writer in writers]
        print(  # noqa: T201
            f"{told}, {len(crowd.received)} credentials, {done} writes, "
            f"{len(syncs.ordered)} syncs, {len(rotations.ordered)} rotations"
        )
        assert crowd.received <= recorded(http)
        _require_all_agree(http, dataset_id, bucket, writers)
        _require_ended_once(http, [*syncs.ordered, last])
        _require_one_live_key(embedded_aws, good_setup)
        for process in fleet.all:
            assert "Traceback" not in process.log.read_text()
