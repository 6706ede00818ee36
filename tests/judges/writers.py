"""What a store does for whoever writes: it keeps what an object carries, and two writers apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import httpx2
from botocore.exceptions import ClientError

from judges.trip import FOLDER, PATIENCE, Cannot, Trip, headers, listing, ok, post_now, sync_now

FURNISHED: Final[dict[str, Any]] = {
    "ContentType": "text/x-rich",
    "ContentLanguage": "de",
    "CacheControl": "no-store",
    "Metadata": {"colour": "green"},
}
_CONDITIONS: Final = ("If-None-Match", "If-Match", "If-Match of a delete")


def move(trip: Trip) -> str:
    """An item is moved, with what its object carries."""
    s3, bucket, body = trip.store.admin, trip.store.bucket, b"furnished"
    key, to = f"{FOLDER}furnished.txt", f"{FOLDER}moved/ä+.txt"
    s3.put_object(Bucket=bucket, Key=key, Body=body, **FURNISHED)
    sync_now(trip)
    query = {"filter": {"filename": "/furnished.txt"}}
    [item] = post_now(trip, f"datasets/{trip.dataset}/query", query)["items"]
    answer = trip.client._http.patch(
        f"/api/v1/items/{item['id']}",
        json={"filename": "/moved/ä+.txt"},
        headers=headers(trip),
        timeout=PATIENCE,
    )
    assert ok(answer).json()["filename"] == "/moved/ä+.txt"
    found = s3.get_object(Bucket=bucket, Key=to)
    assert found["Body"].read() == body
    assert {name: found.get(name) for name in FURNISHED} == FURNISHED
    assert key not in listing(trip)
    return ""


def two_writers(trip: Trip) -> str:
    """The store itself keeps an object that came meanwhile from being written over, or deleted."""
    s3, asked = trip.store.admin, {"Bucket": trip.store.bucket, "Key": f"{FOLDER}writers.txt"}
    s3.put_object(**asked, Body=b"theirs")
    kept = [
        _is_kept(lambda: s3.put_object(**asked, Body=b"mine", IfNoneMatch="*")),
        _is_kept(lambda: s3.put_object(**asked, Body=b"mine", IfMatch='"' + "0" * 32 + '"')),
        _is_kept(lambda: s3.delete_object(**asked, IfMatch='"' + "0" * 32 + '"')),
    ]
    heeds = [name for name, each in zip(_CONDITIONS, kept, strict=True) if each]
    ignores = [name for name, each in zip(_CONDITIONS, kept, strict=True) if not each]
    if not heeds:
        raise Cannot("no conditional writes: one writer a path, within one Valetkey only")
    return f"not heeded: {', '.join(ignores)}" if ignores else ""


def _is_kept(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == httpx2.codes.PRECONDITION_FAILED:
            return True
        raise
    return False
