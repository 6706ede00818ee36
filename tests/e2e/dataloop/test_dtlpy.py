"""Dataloop's own SDK, unmodified, against a running Valetkey: what its users do, works."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest

from e2e.dataloop import more_calls
from e2e.dataloop.calls import ALL, CALLS, ODD
from support.aws import client
from support.real_api import PASSWORD
from support.server import ANNOTATOR, DEVELOPER, OWNER, Installation
from valetkey.embedded.requests import StandInCall

SDK: Final = Path(__file__).parent / "sdk.py"
OBJECTS: Final[Mapping[str, bytes]] = {
    "precious.bin": b"the customer's own",
    "train/a.jpg": b"aaaa",
    "train/b.jpg": b"bbbbbbb",
    "train/deep/c.jpg": b"cc",
    "train/zero.bin": b"",
    "other/d.txt": b"d",
}
#: Everything a data call may be; listing and heading too.
DATA_CALLS: Final = ("GET object", "PUT object", "HEAD object", "DELETE object", "GET bucket")


def bucket(server: Installation) -> Any:
    return client(server.aws, "s3")


@pytest.fixture(autouse=True)
def objects(valetkey_server: Installation) -> None:
    """The bucket as each scenario finds it."""
    s3, name = bucket(valetkey_server), valetkey_server.setup.bucket
    for found in s3.list_objects_v2(Bucket=name).get("Contents", ()):
        s3.delete_object(Bucket=name, Key=found["Key"])
    for key, body in OBJECTS.items():
        s3.put_object(Bucket=name, Key=key, Body=body)


def play(
    server: Installation, folder: Path, scenario: str, *, module: str = "scenarios", **more: Any
) -> Any:
    """Run a scenario in a process of its own, and return what it saw."""
    facts = {
        "url": server.url,
        "email": OWNER,
        "password": PASSWORD,
        "name": scenario.replace("_", "-"),
        "key": server.setup.key.id,
        "secret": server.setup.key.secret.reveal(),
        "role_arn": server.setup.role_arn,
        "bucket": server.setup.bucket,
        "endpoint": server.aws.endpoint,
        "folder": str(folder / "downloads"),
    } | more
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DATALOOP_PATH": str(folder / "dataloop"),
        "MPLCONFIGDIR": str(folder),
    }
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, str(SDK), f"{module}:{scenario}"],
        input=json.dumps(facts),
        capture_output=True,
        text=True,
        env=environment,
        cwd=folder,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:] + done.stdout[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_the_sdk_is_the_pinned_one() -> None:
    assert version("dtlpy") == "1.126.5"


def test_a_password_and_an_api_key_log_in(valetkey_server: Installation, tmp_path: Path) -> None:
    seen = play(valetkey_server, tmp_path, "logging_in")
    assert seen["password"] == seen["after"] == OWNER
    assert "default" in seen["projects"]
    again = play(valetkey_server, tmp_path, "logging_in", api_key=seen["api_key"])
    assert again["after"] == OWNER


def test_a_bucket_is_indexed_listed_filtered_and_downloaded(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    (tmp_path / "downloads").mkdir()
    seen = play(valetkey_server, tmp_path, "reading")
    everything = sorted(f"/{key}" for key in OBJECTS)
    assert (seen["count"], seen["pages"], seen["items_count"]) == (6, 3, 6)
    assert sorted(seen["walked"]) == everything
    training = [name for name in everything if name.startswith("/train/")]
    assert seen["descending"] == sorted(training, reverse=True)
    assert seen["in_folder"] == ["/train/a.jpg", "/train/b.jpg", "/train/zero.bin"]
    assert seen["by_size"] == ["/precious.bin", "/train/b.jpg"]
    assert seen["found"] == {"name": "b.jpg", "dir": "/train", "size": 7}
    assert seen["missing"]["status"] == seen["unknown"]["status"] == "404"
    assert bytes.fromhex(seen["buffer"]) == OBJECTS["train/b.jpg"]
    assert seen["zero"] == 0
    assert {"/", "/train", "/train/deep", "/other"} == set(seen["tree"])
    items = tmp_path / "downloads" / "items"
    read = {str(p.relative_to(items)): p.read_bytes() for p in items.rglob("*") if p.is_file()}
    assert read == OBJECTS

    s3, name = bucket(valetkey_server), valetkey_server.setup.bucket
    s3.put_object(Bucket=name, Key="train/a.jpg", Body=b"longer than before")
    s3.delete_object(Bucket=name, Key="train/b.jpg")
    s3.put_object(Bucket=name, Key="new.txt", Body=b"n")
    later = play(valetkey_server, tmp_path, "syncing_again", dataset=seen["dataset"])
    assert "/train/b.jpg" not in later["walked"]
    assert "/new.txt" in later["walked"]
    assert bytes.fromhex(later["buffer"]) == b"longer than before"


def test_items_are_written_and_the_customers_object_survives_the_skip_trap(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    seen = play(valetkey_server, tmp_path, "writing")
    s3, name = bucket(valetkey_server), valetkey_server.setup.bucket

    def body(key: str) -> bytes:
        found: bytes = s3.get_object(Bucket=name, Key=key)["Body"].read()
        return found

    assert len(set(seen["ids"])) == 1
    assert seen["sizes"] == [9, 12, 256 * 4 * 9000]
    assert seen["kept"] == {"tag": "first"}
    assert seen["trap"] is True
    assert seen["survivor"] == len(OBJECTS["precious.bin"])
    assert body("precious.bin") == OBJECTS["precious.bin"]
    assert seen["updated"] == {"tag": "second", "score": 0.5}
    assert seen["removed"] == {"tag": "second"}
    assert seen["bulk"] == {"tag": "second", "reviewed": True}
    assert seen["moved"] == ["/sorted/new.txt", True]
    assert seen["moved_bytes"] == "other bytes!"
    assert body("sorted/new.txt") == b"other bytes!"
    assert body("large.bin") == bytes(range(256)) * 4 * 9000
    assert "/new.txt" not in seen["names"]


def test_objects_are_imported_by_their_names(valetkey_server: Installation, tmp_path: Path) -> None:
    seen = play(valetkey_server, tmp_path, "importing")
    assert seen["names"] == seen["listed"] == ["/train/a.jpg", "/train/b.jpg"]


@pytest.mark.parametrize("allow_delete", [True, False])
def test_deleting_takes_the_object_along_only_if_the_driver_says_so(
    valetkey_server: Installation, tmp_path: Path, allow_delete: bool
) -> None:
    seen = play(
        valetkey_server,
        tmp_path,
        "deleting",
        allow_delete=allow_delete,
        name=f"deleting-{allow_delete}",
    )
    left = sorted(f"/{key}" for key in OBJECTS if key not in {"train/a.jpg", "train/b.jpg"})
    assert seen["left"] == left
    assert seen["malformed"]["status"] == "400"
    assert seen["in_use"]["status"] == "400"
    assert seen["gone"]["status"] == "404"
    assert seen["deleted"] is True
    assert seen["drivers"] == []
    assert seen["project"] is True
    listed = bucket(valetkey_server).list_objects_v2(Bucket=valetkey_server.setup.bucket)
    keys = {found["Key"] for found in listed["Contents"]}
    assert ({"train/a.jpg", "train/b.jpg"} <= keys) is not allow_delete


def test_wrong_uses_answer_as_dataloop_does(valetkey_server: Installation, tmp_path: Path) -> None:
    seen = play(valetkey_server, tmp_path, "going_wrong")
    assert seen["project"]["status"] == seen["illegal"]["status"] == "400"
    assert "Failed to create project" in seen["project"]["message"]
    assert seen["dataset"]["status"] == seen["renamed"]["status"] == "400"
    assert seen["malformed"]["status"] == seen["unknown"]["status"] == "404"
    assert seen["by_name"]["status"] == "404"
    assert seen["listed"] == ["going-wrong-data", "other"]
    assert seen["key_value"]["status"] == "400"
    assert "Invalid metadata fields for key-value integration" in seen["key_value"]["message"]
    assert {"name": "ref", "value": "r"} in seen["kept"]


def test_roles_are_what_they_are_at_dataloop(valetkey_server: Installation, tmp_path: Path) -> None:
    dataset, project = _prepared(valetkey_server, "roles")
    as_annotator = play(
        valetkey_server,
        tmp_path,
        "as_a_member",
        email=ANNOTATOR,
        dataset=dataset,
        project=project,
    )
    assert as_annotator["sync"]["status"] == "403"
    assert as_annotator["drivers"]["status"] == "403"
    assert as_annotator["integrations"]["status"] == "403"
    assert as_annotator["upload"] is True
    assert as_annotator["reads"] == ["/train/a.jpg"]
    (tmp_path / "second").mkdir()
    as_developer = play(
        valetkey_server,
        tmp_path / "second",
        "as_a_member",
        email=DEVELOPER,
        dataset=dataset,
        project=project,
    )
    assert as_developer["sync"]["message"] == "it worked"
    assert as_developer["integrations"]["status"] == "403"


def test_a_denied_role_fails_the_sync_with_the_cause_and_the_fix(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    dataset, _ = _prepared(valetkey_server, "denied")
    iam, setup = client(valetkey_server.aws, "iam"), valetkey_server.setup
    iam.detach_role_policy(RoleName=setup.role, PolicyArn=setup.policy_arn)
    try:
        seen = play(valetkey_server, tmp_path, "syncing_refused", dataset=dataset)
    finally:
        iam.attach_role_policy(RoleName=setup.role, PolicyArn=setup.policy_arn)
    assert seen["status"] == "424"
    assert "failed" in seen["message"]
    assert "s3:ListBucket" in seen["message"]


def test_all_of_it_went_through_assumed_roles_and_the_key_alone_reads_nothing(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    valetkey_server.aws.calls.clear()
    (tmp_path / "downloads").mkdir()
    play(valetkey_server, tmp_path, "reading", name="assumed")
    calls: list[StandInCall] = list(valetkey_server.aws.calls)
    assert any(call.action == "AssumeRole" for call in calls)
    data = [call for call in calls if call.action in DATA_CALLS]
    assert data
    long_lived = {valetkey_server.setup.key.id, valetkey_server.aws.administrator.id}
    assert not [call for call in data if call.key_id in long_lived]
    assert all(call.key_id.startswith("ASIA") for call in data)

    alone = client(valetkey_server.aws, "s3", valetkey_server.setup.key)
    where = {"Bucket": valetkey_server.setup.bucket}
    for operation, more in (("list_objects_v2", {}), ("get_object", {"Key": "train/a.jpg"})):
        with pytest.raises(alone.exceptions.ClientError) as refused:
            getattr(alone, operation)(**where, **more)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def _prepared(server: Installation, name: str) -> tuple[str, str]:
    """A dataset with one item, in the project where everybody has a role."""
    with httpx2.Client(
        base_url=f"{server.url}/api/v1", headers={"Authorization": f"Bearer {server.token(OWNER)}"}
    ) as api:
        driver = api.post(
            "/drivers",
            json={
                "name": name,
                "integrationId": server.integration.id,
                "payload": {"bucketName": server.setup.bucket},
                "metadata": {"system": {"projectId": server.project_id}},
            },
        ).json()
        body = {"name": name, "projects": [server.project_id], "driver": driver["id"]}
        dataset = api.post("/datasets", json=body).json()
        imported = api.post(
            f"/datasets/{dataset['id']}/imports", json=[{"storageId": "train/a.jpg"}]
        )
        assert imported.status_code == 201, imported.text
    return dataset["id"], server.project_id


def test_each_documented_call_answers_what_it_should_and_none_an_empty_list(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    s3, name = bucket(valetkey_server), valetkey_server.setup.bucket
    for odd in ODD:
        s3.put_object(Bucket=name, Key=odd[1:], Body=odd.encode())
    seen = play(valetkey_server, tmp_path, "all_calls", module="calls", name="calls")
    wrong = {
        call: found
        for call, found in seen.items()
        if found != (found if CALLS[call][1] is None else CALLS[call][1])
        or (CALLS[call][1] is None and sorted(found) != ALL)
    }
    assert wrong == {}
    assert seen.keys() == CALLS.keys()


def test_odd_keys_are_downloaded_into_their_folder_and_encoded_objects_as_they_are_stored(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    s3, name = bucket(valetkey_server), valetkey_server.setup.bucket
    odd = ["/lead.odd", "../up.odd", "train/../../out.odd", "a//b.odd", "./dot.odd"]
    for key in odd:
        s3.put_object(Bucket=name, Key=key, Body=b"odd")
    packed = gzip.compress(b"a text that is long enough to be worth it " * 50)
    s3.put_object(Bucket=name, Key="zipped.txt", Body=packed, ContentEncoding="gzip")
    (tmp_path / "downloads").mkdir()
    bodies = [key.rpartition("/")[2] for key in odd]
    seen = play(valetkey_server, tmp_path, "downloading_oddly", bodies=bodies)
    assert seen["outside"] == []
    assert sum(path.endswith(".odd") for path in seen["inside"]) == len(odd)
    assert seen["size"] == len(packed)
    assert bytes.fromhex(seen["zipped"]) == packed


#: Letters that addresses, forms, patterns and file systems read otherwise.
ODD_NAMES = [
    "two  words+100% a%2Fb%20c.txt",
    "day=1..a...txt",
    "日本" + unicodedata.normalize("NFC", "é.txt"),
    "日本" + unicodedata.normalize("NFD", "é.txt"),
    "a&b;c,d'e\"f<g>h.txt",
    "a[1]*?$x#z@w:~!(v).txt",
]


def test_odd_names_are_uploaded_found_fetched_moved_and_deleted(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    s3, name = bucket(valetkey_server), valetkey_server.setup.bucket
    seen = play(valetkey_server, tmp_path, "uploading_oddly", path="odd", odd=ODD_NAMES)
    for odd in ODD_NAMES:
        [*named, fetched, again, same] = seen["seen"][odd]
        assert named == [odd, [f"/in {odd}/{odd}"]]
        assert (fetched, again, same) == (odd, odd, True)
    assert {f"/to {odd}" for odd in ODD_NAMES} <= set(seen["tree"])
    left = s3.list_objects_v2(Bucket=name, Prefix="odd/")["Contents"]
    assert [entry["Key"] for entry in left] == [
        f"odd/to {odd}/{odd}" for odd in ODD_NAMES if "*" in odd
    ]


def test_each_other_call_for_items_and_what_they_stand_on_answers_what_it_should(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    seen = play(valetkey_server, tmp_path, "all_calls", module="more_calls", name="more")
    wanted = {call: expected for call, (_, expected) in more_calls.CALLS.items()}
    wanted["datasets"] = [True, ["more-data"], True]
    wrong = {call: found for call, found in seen.items() if found != wanted[call]}
    assert not wrong, "\n".join(f"{call}: {found}" for call, found in wrong.items())
    assert seen.keys() == wanted.keys()


def test_each_public_method_of_the_sdk_is_in_a_table_or_has_a_reason(
    valetkey_server: Installation, tmp_path: Path
) -> None:
    seen = play(valetkey_server, tmp_path, "methods", module="more_calls", name="methods")
    for repository, names in seen.items():
        reasons = more_calls.NOT_CALLED[repository]
        assert set(names) == more_calls.CALLED[repository] | reasons.keys(), repository
