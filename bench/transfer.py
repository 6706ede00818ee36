"""256 MiB through a location, beside the same with boto3's transfer manager straight to S3.

S3 is the embedded stand-in, which runs in the process of the benchmark, Valetkey in a second one
and the two clients in a third (``python -m bench.transfer``, which reads where to go and prints
seconds as JSON). Both hold the bytes in memory and take turns; the best round of each counts.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import boto3
import httpx2
import urllib3

from bench.figures import Figure
from bench.installation import Installation
from bench.processes import memory_mb

SIZE: Final = 256 * 1024 * 1024
ROUNDS: Final = 3
_BLOCK: Final = 1024 * 1024
_TIMEOUT: Final = 120.0
#: The transfer manager's own: ranges of 8 MiB, ten at a time.
_RANGE: Final = 8 * 1024 * 1024
_AT_ONCE: Final = 10
_BOUNDARY: Final = "bench-0123456789"
_HEADER: Final = (
    f"--{_BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="path"\r\n\r\n/ours.bin\r\n'
    f"--{_BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="file"; filename="ours.bin"\r\n\r\n'
).encode()
_FOOTER: Final = f"\r\n--{_BOUNDARY}--\r\n".encode()


def figures(made: Installation, size: int = SIZE) -> list[Figure]:
    """Measure with an object of ``size`` bytes."""
    assumed = made.aws.client("sts").assume_role(
        RoleArn=made.aws.role_arn, RoleSessionName="transfer"
    )["Credentials"]
    order = {
        "port": made.serving.port,
        "headers": made.auth,
        "driver": made.location,
        "size": size,
        "bucket": made.aws.bucket,
        "s3": {
            "endpoint_url": made.aws.endpoint,
            "region_name": made.aws.region,
            "aws_access_key_id": assumed["AccessKeyId"],
            "aws_secret_access_key": assumed["SecretAccessKey"],
            "aws_session_token": assumed["SessionToken"],
        },
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.transfer"],
        input=json.dumps(order),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent.parent,
    )
    found: dict[str, list[float]] = json.loads(done.stdout)
    megabytes = size / 1024**2
    return [
        *(_ratio(name, megabytes, *seconds) for name, seconds in found.items()),
        Figure(
            "upload_rss_mb", round(memory_mb("VmHWM", made.serving.pid)), "MB", "the server's peak"
        ),
    ]


def _ratio(name: str, megabytes: float, ours: float, theirs: float) -> Figure:
    beside = f"boto3's transfer manager: {megabytes / theirs:.0f} MiB/s"
    return Figure(
        f"{name}_ratio",
        round(theirs / ours, 2),
        "ratio",
        f"{beside}; ours {megabytes / ours:.0f}, of {megabytes:.0f} MiB",
    )


def _measure(order: dict[str, Any]) -> dict[str, list[float]]:
    size, bucket = order["size"], order["bucket"]
    body = memoryview(bytes(_BLOCK) * (size // _BLOCK))
    s3 = boto3.client("s3", **order["s3"])
    with httpx2.Client(
        base_url=f"http://127.0.0.1:{order['port']}/api/v1",
        headers=order["headers"],
        timeout=_TIMEOUT,
        follow_redirects=True,
    ) as client:
        dataset = _dataset(client, order["driver"])
        item = _upload(client, dataset, body[:_BLOCK])
        return {
            "upload": _best(
                lambda: _upload(client, dataset, body),
                lambda: s3.upload_fileobj(BytesIO(body), bucket, "theirs.bin"),
            ),
            "download": _best(
                lambda: _download(client, item, size),
                lambda: s3.download_fileobj(bucket, "theirs.bin", BytesIO()),
            ),
        }


def _best(*sides: Callable[[], object]) -> list[float]:
    """Return the seconds of each side's best round."""
    best = [float("inf")] * len(sides)
    for _ in range(ROUNDS):
        for number, side in enumerate(sides):
            start = time.perf_counter()
            side()
            best[number] = min(best[number], time.perf_counter() - start)
    return best


def _dataset(client: httpx2.Client, location: str) -> str:
    me = client.get("/users/me").raise_for_status().json()
    wanted = {"name": "transfer", "projects": [me["projects"][0]["id"]], "driver": location}
    made = client.post("/datasets", json=wanted).raise_for_status().json()
    return str(made["id"])


def _upload(client: httpx2.Client, dataset: str, body: memoryview) -> str:
    answer = client.post(
        f"/datasets/{dataset}/items",
        params={"mode": "overwrite"},
        headers={
            "content-type": f"multipart/form-data; boundary={_BOUNDARY}",
            "content-length": str(len(_HEADER) + len(body) + len(_FOOTER)),
        },
        content=_form(body),
    )
    return str(answer.raise_for_status().json()["id"])


def _form(body: memoryview) -> Iterator[bytes]:
    yield _HEADER
    for start in range(0, len(body), _BLOCK):
        yield bytes(body[start : start + _BLOCK])
    yield _FOOTER


def _download(client: httpx2.Client, item: str, size: int) -> None:
    """Read the presigned URL that the location's object is redirected to in ranges, several at a
    time, as the transfer manager reads its object, and with the HTTP library that it uses."""
    answer = client.get(f"/items/{item}/stream", follow_redirects=False)
    assert answer.has_redirect_location
    url, kept = answer.headers["location"], bytearray(size)

    def read(start: int) -> int:
        end = min(start + _RANGE, size)
        part = s3.request("GET", url, headers={"range": f"bytes={start}-{end - 1}"})
        assert part.status == HTTPStatus.PARTIAL_CONTENT
        kept[start:end] = part.data
        return len(part.data)

    with urllib3.PoolManager(maxsize=_AT_ONCE) as s3, ThreadPoolExecutor(_AT_ONCE) as pool:
        assert sum(pool.map(read, range(0, size, _RANGE))) == size


if __name__ == "__main__":
    print(json.dumps(_measure(json.load(sys.stdin))))
