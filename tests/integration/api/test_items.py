"""Items over HTTP, against a running server and an AWS that enforces IAM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from support.aws import client
from support.real_api import PASSWORD
from support.server import ANNOTATOR, OWNER, Installation
from valetkey.catalog.services.datasets.orders import WorkOrders
from valetkey.catalog.services.datasets.syncs import Syncs
from valetkey.domain.secret import Secret
from valetkey.embedded.faults import Fault, FaultKind
from valetkey.services.audit import Caller
from valetkey.system import SystemClock

MIB = 1 << 20


@pytest.fixture(scope="module")
def api(valetkey_server: Installation) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {valetkey_server.token()}"}
    with httpx2.Client(
        base_url=f"{valetkey_server.url}/api/v1", headers=headers, timeout=120
    ) as developer:
        yield developer


def make_dataset(server: Installation, api: httpx2.Client, name: str, location_id: str) -> str:
    body = {"name": name, "projects": [server.project_id], "driver": location_id}
    made = api.post("/datasets", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


@pytest.fixture(scope="module")
def dataset(valetkey_server: Installation, api: httpx2.Client) -> str:
    location_id = valetkey_server.location.id
    api.patch(f"/drivers/{location_id}", json={"allowExternalDelete": True})
    return make_dataset(valetkey_server, api, "items over http", location_id)


def upload(
    api: httpx2.Client, dataset: str, path: str, body: Any, *, mode: str = "overwrite"
) -> httpx2.Response:
    return api.post(
        f"/datasets/{dataset}/items",
        params={"mode": mode},
        data={"type": "file", "path": path},
        files={"file": ("f", body)},
    )


def stored(server: Installation, key: str) -> bytes:
    found = client(server.aws, "s3").get_object(Bucket=server.setup.bucket, Key=key)
    body: bytes = found["Body"].read()
    return body


@pytest.mark.parametrize("size", [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB])
def test_uploads_of_any_size_arrive_whole(
    valetkey_server: Installation, api: httpx2.Client, dataset: str, size: int
) -> None:
    body = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    valetkey_server.aws.calls.clear()
    answer = upload(api, dataset, f"/sizes/{size}.bin", body)
    assert answer.status_code == 201, answer.text
    assert answer.json()["metadata"]["system"]["size"] == size
    assert answer.headers["x-item-op"] == "created"
    assert stored(valetkey_server, f"train/sizes/{size}.bin") == body
    writes = {call.action for call in valetkey_server.aws.calls if call.method in {"PUT", "POST"}}
    assert ("PUT object" in writes) is (size <= 8 * MIB), writes


def test_a_body_of_unknown_length_is_streamed(api: httpx2.Client, dataset: str) -> None:
    head = b'--XX\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'

    def body() -> Iterator[bytes]:
        yield head % (b"type", b"file")
        yield head % (b"path", b"/chunked.bin")
        yield b'--XX\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        for _ in range(40):
            yield b"x" * 100_000
        yield b"\r\n--XX--\r\n"

    answer = api.post(
        f"/datasets/{dataset}/items",
        params={"mode": "overwrite"},
        content=body(),
        headers={"content-type": "multipart/form-data; boundary=XX"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.json()["metadata"]["system"]["size"] == 4_000_000


def test_a_body_that_breaks_off_makes_no_object(
    valetkey_server: Installation, api: httpx2.Client, dataset: str
) -> None:
    cut = (
        b'--XX\r\nContent-Disposition: form-data; name="path"\r\n\r\n/cut.bin\r\n'
        b'--XX\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + b"x" * 9 * MIB
    )
    answer = api.post(
        f"/datasets/{dataset}/items",
        params={"mode": "overwrite"},
        content=cut,
        headers={"content-type": "multipart/form-data; boundary=XX"},
    )
    assert answer.status_code == 400, answer.text
    assert "can't be read" in answer.json()["message"]
    listed = client(valetkey_server.aws, "s3").list_objects_v2(
        Bucket=valetkey_server.setup.bucket, Prefix="train/cut"
    )
    assert listed["KeyCount"] == 0


def test_the_operation_is_told_and_the_skip_trap_is_an_error(
    valetkey_server: Installation, api: httpx2.Client, dataset: str
) -> None:
    operations = [
        upload(api, dataset, "/op.txt", b"one", mode="skip"),
        upload(api, dataset, "/op.txt", b"two", mode="skip"),
        upload(api, dataset, "/op.txt", b"third", mode="overwrite"),
    ]
    assert [answer.headers["x-item-op"] for answer in operations] == [
        "created",
        "skip",
        "overwrite",
    ]
    assert len({answer.json()["id"] for answer in operations}) == 1
    trap = upload(api, dataset, "/op.txt", b"of another size", mode="skip")
    assert trap.status_code == 409
    assert "x-item-op" not in trap.headers
    assert stored(valetkey_server, "train/op.txt") == b"third"


def test_a_stream_leads_to_a_url_that_opens_this_object_alone(
    valetkey_server: Installation, api: httpx2.Client, dataset: str
) -> None:
    item = upload(api, dataset, "/stream.txt", b"0123456789").json()
    assert "/api/v1/" in item["stream"]
    led = api.get(f"/items/{item['id']}/stream", headers={"range": "bytes=2-5"})
    assert (led.status_code, led.content) == (302, b"")
    url = led.headers["location"]
    assert httpx2.get(url, headers={"range": "bytes=2-5"}).content == b"2345"
    assert httpx2.get(url.replace("stream.txt", "op.txt")).status_code == 403
    assert httpx2.put(url, content=b"x").status_code == 403
    assert valetkey_server.setup.key.id not in url


@pytest.mark.parametrize(
    ("asked", "status", "body", "told"),
    [
        ("", 200, b"0123456789", ""),
        ("bytes=0-", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=3-4", 206, b"34", "bytes 3-4/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
    ],
)
def test_bytes_come_through_here_if_asked_for(
    api: httpx2.Client, dataset: str, asked: str, status: int, body: bytes, told: str
) -> None:
    item = upload(api, dataset, "/proxied.txt", b"0123456789").json()
    answer = api.get(
        f"/items/{item['id']}/stream",
        params={"proxy": "true"},
        headers={"range": asked} if asked else {},
    )
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("content-range", "") == told
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_range_that_is_not_there_is_said_to_be_so(api: httpx2.Client, dataset: str) -> None:
    item = upload(api, dataset, "/proxied.txt", b"0123456789").json()
    answer = api.get(
        f"/items/{item['id']}/stream",
        params={"proxy": "true"},
        headers={"range": "bytes=10-"},
    )
    assert answer.status_code == 416
    assert "no bytes in that range" in answer.json()["message"]


def test_an_empty_object_is_served_here_whatever_range_is_asked(
    api: httpx2.Client, dataset: str
) -> None:
    item = upload(api, dataset, "/empty.bin", b"").json()
    answer = api.get(f"/items/{item['id']}/stream", headers={"range": "bytes=0-"})
    assert (answer.status_code, answer.content) == (200, b"")


def test_what_is_wrong_with_a_change_is_said_before_anything_is_moved(
    api: httpx2.Client, dataset: str
) -> None:
    item_id = upload(api, dataset, "/changed/a.txt", b"x").json()["id"]
    wrong = {"filename": "/changed/b.txt", "description": "x" * 5000}
    assert api.patch(f"/items/{item_id}", json=wrong).status_code == 400
    assert api.get(f"/items/{item_id}").json()["filename"] == "/changed/a.txt"


def test_a_page_too_far_in_is_an_error_to_the_sdk_too_and_not_the_end_of_the_list(
    api: httpx2.Client, dataset: str
) -> None:
    for page, size in ((1001, 1000), (1_000_001, 1)):
        query = api.post(f"/datasets/{dataset}/query", json={"page": page, "pageSize": size})
        listing = api.get(
            f"/datasets/{dataset}/items", params={"pageOffset": page, "pageSize": size}
        )
        for answer in (query, listing):
            assert answer.status_code == 413, answer.text
            assert "starts too far in" in answer.json()["message"]


def test_a_query_beyond_a_limit_is_an_error_to_the_sdk_too_and_not_an_empty_list(
    api: httpx2.Client, dataset: str
) -> None:
    many: dict[str, Any] = {"id": {"$in": [f"{number:024x}" for number in range(5_001)]}}
    conditions = {"$or": [{"name": str(number)} for number in range(201)]}
    for where in (many, conditions, {"name": "x" * 5_000}):
        answer = api.post(f"/datasets/{dataset}/query", json={"filter": where})
        assert answer.status_code == 413, answer.text
        assert "more than" in answer.json()["message"]


@pytest.mark.parametrize(
    "query",
    [
        {"filter": {"nope": 1}},
        {"filter": {"name": {"$regex": "a"}}},
        {"sort": {"metadata.user.score": "ascending"}},
        {"sort": {"creator": "ascending"}},
        {"filter": []},
        {"sort": [1]},
        {"page": -1},
        {"pageSize": 5000},
    ],
)
def test_a_query_that_is_refused_is_no_empty_list_to_the_sdk(
    api: httpx2.Client, dataset: str, query: dict[str, Any]
) -> None:
    answer = api.post(f"/datasets/{dataset}/query", json=query)
    assert answer.status_code == 422, answer.text
    assert answer.json()["message"]
    assert answer.json()["hint"]


def test_a_second_sync_of_the_same_dataset_is_refused_while_one_runs(
    valetkey_server: Installation, api: httpx2.Client
) -> None:
    busy = make_dataset(valetkey_server, api, "busy", valetkey_server.location.id)
    valetkey_server.running.run(_hold(valetkey_server, busy))
    refused = api.post(f"/datasets/{busy}/sync")
    assert refused.status_code == 423
    assert "as it is already being synced" in refused.json()["message"]
    [running] = api.get(f"/datasets/{busy}/syncs").json()["items"]
    canceled = api.post(f"/commands/{running['id']}/abort")
    assert canceled.json()["status"] == "canceled"
    again = api.post(f"/datasets/{busy}/sync")
    assert again.status_code == 200
    assert again.json()["spec"]["datasetId"] == busy
    assert "/api/v1/" in again.json()["url"]


async def _hold(server: Installation, dataset_id: str) -> None:
    """Order a sync that no worker hears of in time: it is stored, and that is what counts."""
    services = server.running.services
    login = await services.accounts.login(OWNER, Secret(PASSWORD))
    principal = await services.principals.read(login.token.reveal(), source="")
    storage, clock = services.catalog.datasets._storage, SystemClock()
    new_id, engines = services.catalog.syncs._orders.new_id, services.catalog.syncs._engines
    orders = WorkOrders(storage, services.audit, clock, new_id, wake=lambda: None)
    quiet = Syncs(storage, services.audit, clock, orders, engines)
    await quiet.start(Caller(principal), dataset_id)


def test_an_annotator_reads_and_does_not_write(
    valetkey_server: Installation, api: httpx2.Client, dataset: str
) -> None:
    item = upload(api, dataset, "/read.txt", b"read").json()
    headers = {"Authorization": f"Bearer {valetkey_server.token(ANNOTATOR)}"}
    with httpx2.Client(base_url=f"{valetkey_server.url}/api/v1", headers=headers) as annotator:
        led = annotator.get(f"/items/{item['id']}/stream")
        assert httpx2.get(led.headers["location"]).content == b"read"
        for refused in (
            upload(annotator, dataset, "/x.txt", b"x"),
            annotator.delete(f"/items/{item['id']}"),
            annotator.patch(f"/items/{item['id']}", json={"metadata": {"user": {}}}),
            annotator.post(f"/datasets/{dataset}/sync"),
            annotator.post(f"/datasets/{dataset}/query", json={"filter": {"a": 1}, "delete": True}),
        ):
            assert refused.status_code == 403, refused.text


def test_nobody_uploads_without_a_token(valetkey_server: Installation, dataset: str) -> None:
    with httpx2.Client(base_url=f"{valetkey_server.url}/api/v1") as nobody:
        assert upload(nobody, dataset, "/x.txt", b"x" * MIB).status_code == 401


def test_a_static_key_serves_the_data_of_its_own_store(
    valetkey_server: Installation, api: httpx2.Client
) -> None:
    aws, bucket = valetkey_server.aws, valetkey_server.setup.bucket
    iam = client(aws, "iam")
    iam.create_user(UserName="keeper")
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    iam.put_user_policy(UserName="keeper", PolicyName="all", PolicyDocument=document)
    key = iam.create_access_key(UserName="keeper")["AccessKey"]
    headers = {"Authorization": f"Bearer {valetkey_server.token(OWNER)}"}
    with httpx2.Client(base_url=f"{valetkey_server.url}/api/v1", headers=headers) as owner:
        integration = owner.post(
            f"/orgs/{valetkey_server.org_id}/integrations",
            json={
                "name": "a store",
                "type": "s3",
                "options": {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]},
                "metadata": {"endpoint": aws.endpoint},
            },
        ).json()
        location = owner.post(
            "/drivers",
            json={
                "name": "static",
                "integrationId": integration["id"],
                "integrationType": "s3",
                "type": "storage",
                "payload": {"bucketName": bucket, "path": "static", "region": None},
                "metadata": {"system": {"projectId": valetkey_server.project_id}},
            },
        ).json()
    store = make_dataset(valetkey_server, api, "static", location["id"])
    item = upload(api, store, "/a.txt", b"by a static key").json()
    led = api.get(f"/items/{item['id']}/stream")
    assert httpx2.get(led.headers["location"]).content == b"by a static key"
    assert stored(valetkey_server, "static/a.txt") == b"by a static key"
    outside = api.post(f"/datasets/{store}/imports", json=[{"storageId": "other/secret.txt"}])
    assert outside.status_code == 400
    assert _vended(valetkey_server, location["id"]).status_code == 409


def _vended(server: Installation, location_id: str) -> httpx2.Response:
    wanted = {"prefixes": [""], "access": ["read"], "ttlSeconds": 900}
    headers = {"authorization": f"Bearer {server.token(OWNER)}"}
    url = f"{server.url}/v1/locations/{location_id}/credentials"
    return httpx2.post(url, json=wanted, headers=headers)


def test_a_bulk_delete_tells_what_could_not_be_deleted(
    valetkey_server: Installation, api: httpx2.Client, dataset: str
) -> None:
    for name in ("a", "b"):
        upload(api, dataset, f"/bulk/{name}.txt", b"x")
    aws = valetkey_server.aws
    # Where many can't be deleted in one request, each is tried alone.
    for action in ("POST bucket delete", "DELETE object"):
        aws.faults.order(Fault(FaultKind.ERROR, action=action, status=403, code="AccessDenied"))
    try:
        answer = api.post(
            f"/datasets/{dataset}/query", json={"filter": {"dir": "/bulk"}, "delete": True}
        )
    finally:
        aws.faults.clear()
    assert answer.status_code == 424, answer.text
    told = answer.json()
    assert (told["failed"], told["done"]) == (1, 1)
    assert all(failure["hint"] for failure in told["failures"])
    left = api.post(f"/datasets/{dataset}/query", json={"filter": {"dir": "/bulk"}}).json()
    assert len(left["items"]) == told["failed"]
