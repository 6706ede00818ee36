"""kill -9 in the middle of an upload: what was begun at the store is ended, the path is free."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import httpx2

from support.aws import GoodSetup, client
from support.machine import Machine, made, prepare
from valetkey.embedded import EmbeddedAws

API = "/dataloop/api/v1"
MIB = 1024 * 1024
#: Nothing that works takes so long.
HANGS = 120
BOUNDARY = b"--cut\r\n"


def soon(holds: Callable[[], bool]) -> bool:
    """Wait until something holds; tell whether it came to."""
    until = time.monotonic() + HANGS
    while not holds():
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True


class SlowUpload(threading.Thread):
    """Sends some MiB of a file, and then no more until it is told."""

    def __init__(self, url: str, token: str, path: str, size: int) -> None:
        super().__init__(name=f"upload of {path}")
        self._url, self._token, self._path, self._size = url, token, path, size
        self.killed = threading.Event()
        self.outcome = ""

    def run(self) -> None:
        headers = {
            "authorization": self._token,
            "content-type": "multipart/form-data; boundary=cut",
        }
        with suppress(httpx2.TransportError):
            answer = httpx2.post(self._url, content=self._body(), headers=headers, timeout=HANGS)
            self.outcome = str(answer.status_code)

    def _body(self) -> Iterator[bytes]:
        for name, value in (("type", "file"), ("path", self._path)):
            disposition = f'content-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            yield BOUNDARY + disposition.encode()
        yield BOUNDARY + b'content-disposition: form-data; name="file"; filename="f"\r\n\r\n'
        for _ in range(self._size):
            yield bytes(MIB)
        self.killed.wait(HANGS)
        yield b"\r\n--cut--\r\n"


def aborting(bucket: str) -> str:
    """What the set-up gives beyond the reference page, so that uploads can be ended."""
    statement = {
        "Effect": "Allow",
        "Action": "s3:AbortMultipartUpload",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=HANGS)


def test_uploads_that_a_kill_cuts_are_ended_at_the_store_and_their_paths_are_free(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, tmp_path: Path
) -> None:
    s3, bucket = client(embedded_aws, "s3"), good_setup.bucket
    client(embedded_aws, "iam").put_role_policy(
        RoleName=good_setup.role, PolicyName="abort", PolicyDocument=aborting(bucket)
    )
    machine = Machine(tmp_path, embedded_aws.endpoint)

    def begun() -> set[str]:
        found = s3.list_multipart_uploads(Bucket=bucket).get("Uploads", ())
        return {upload["Key"] for upload in found}

    def intents() -> list[Any]:
        with closing(sqlite3.connect(machine.data / "valetkey.db")) as database:
            return list(database.execute("select path, upload_id from write_intents"))

    process, url = machine.serve()
    uploads: list[SlowUpload] = []
    try:
        with httpx2.Client(base_url=url, timeout=HANGS) as http:
            location = prepare(http, good_setup, allow_external_delete=True)
            new = {"name": "cut", "projects": [location["projectId"]], "driver": location["id"]}
            dataset_id = made(http.post(f"{API}/datasets", json=new))["id"]
            token = http.headers["authorization"]
        items = f"{API}/datasets/{dataset_id}/items"
        for path, size in (("/large.bin", 20), ("/larger.bin", 36), ("/small.bin", 1)):
            uploads.append(SlowUpload(url + items, token, path, size))
            uploads[-1].start()
        assert soon(lambda: begun() == {"large.bin", "larger.bin"})
        assert soon(lambda: len([upload_id for _, upload_id in intents() if upload_id]) == 2)
        assert soon(lambda: len(intents()) == 3)
        kill(process)
        assert begun() == {"large.bin", "larger.bin"}
        assert len(intents()) == 3
        process, url = machine.serve()
        assert soon(lambda: not begun() and not intents())
        headers = {"authorization": token}
        with httpx2.Client(base_url=url, timeout=HANGS, headers=headers) as http:
            seen = made(http.get(items))["items"]
            again = {"data": {"type": "file", "path": "/large.bin"}, "files": {"file": b"anew"}}
            item = made(http.post(items, **again))  # type: ignore[arg-type]  # a form's parts
        assert seen == []
        assert item["metadata"]["system"]["size"] == 4
        assert s3.get_object(Bucket=bucket, Key="large.bin")["Body"].read() == b"anew"
        assert [upload.outcome for upload in uploads] == ["", "", ""]
    finally:
        for upload in uploads:
            upload.killed.set()
        kill(process)
        for upload in uploads:
            upload.join(HANGS)
