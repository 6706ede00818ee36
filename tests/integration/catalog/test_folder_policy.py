"""A sync needs no more at AWS than its folder: it lists with exactly the location's prefix."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from support.aws import GoodSetup, client
from support.server import OBJECTS, OWNER, Installation, installation
from valetkey.embedded import EmbeddedAws

BELOW = {
    key.removeprefix("train/"): len(body) for key, body in OBJECTS.items() if key[:6] == "train/"
}


def folder_policy(bucket: str) -> str:
    """The page's four actions, on one folder; listing only with exactly its prefix."""
    arn = f"arn:aws:s3:::{bucket}"
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
    exactly = {"StringEquals": {"s3:prefix": "train/"}}
    listing = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn, "Condition": exactly}
    inside = {"Effect": "Allow", "Action": objects, "Resource": f"{arn}/train/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [listing, inside]})


def restrict(aws: EmbeddedAws, setup: GoodSetup) -> None:
    """Leave the role that policy and nothing else."""
    iam = client(aws, "iam")
    iam.detach_role_policy(RoleName=setup.role, PolicyArn=setup.policy_arn)
    iam.put_role_policy(
        RoleName=setup.role, PolicyName="folder", PolicyDocument=folder_policy(setup.bucket)
    )


@pytest.fixture(scope="module")
def server(
    _running_aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    folder: Path = tmp_path_factory.mktemp("folder")
    with installation(_running_aws, folder) as made:
        restrict(made.aws, made.setup)
        yield made


@pytest.fixture
def api(server: Installation) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {server.token()}"}
    with httpx2.Client(base_url=f"{server.url}/api/v1", headers=headers, timeout=60) as http:
        yield http


def synced(api: httpx2.Client, dataset_id: str, parallel: int) -> dict[str, object]:
    answer = api.post(f"/datasets/{dataset_id}/sync", params={"parallel": parallel})
    while answer.json()["status"] in {"created", "in-progress"}:
        answer = api.get(f"/commands/{answer.json()['id']}")
    found: dict[str, object] = answer.raise_for_status().json()
    return found


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_role_that_may_list_one_folder_only_is_enough_for_a_sync(
    server: Installation, api: httpx2.Client, parallel: int
) -> None:
    new = {
        "name": f"{parallel} at once",
        "projects": [server.project_id],
        "driver": server.location.id,
    }
    dataset_id = api.post("/datasets", json=new).raise_for_status().json()["id"]
    done = synced(api, dataset_id, parallel)
    assert done["status"] == "success", done["error"]
    query = {"filter": {"type": "file"}, "page": 0, "pageSize": 100}
    items = api.post(f"/datasets/{dataset_id}/query", json=query).json()["items"]
    found = {item["filename"].strip("/"): item["metadata"]["system"]["size"] for item in items}
    assert found == BELOW


def test_the_role_is_refused_the_bucket_outside_the_folder(
    server: Installation, api: httpx2.Client
) -> None:
    wide = {
        "name": "the whole bucket",
        "integrationId": server.integration.id,
        "type": "s3",
        "payload": {"bucketName": server.setup.bucket},
        "metadata": {"system": {"projectId": server.project_id}},
    }
    headers = {"authorization": f"Bearer {server.token(OWNER)}"}
    with httpx2.Client(base_url=f"{server.url}/api/v1", headers=headers) as owner:
        location = owner.post("/drivers", json=wide)
    assert location.status_code < 300, location.text
    new = {"name": "wide", "projects": [server.project_id], "driver": location.json()["id"]}
    dataset_id = api.post("/datasets", json=new).raise_for_status().json()["id"]
    done = synced(api, dataset_id, 1)
    assert done["status"] == "failed"
    assert isinstance(done["error"], dict)
    assert "s3:ListBucket" in json.dumps(done["error"])
