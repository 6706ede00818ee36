"""A Valetkey over a store, and what is asked of both on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import boto3
import httpx2
from botocore.exceptions import ClientError

from judges.stores import Store
from valetkey.sdk import Client, Credentials, LocationClient
from valetkey.wire.base import AccessLevel

ALL: Final[tuple[AccessLevel, ...]] = ("list", "read", "write", "delete")
FOLDER, WHOLE, IN_FOLDER = "train/", "whole bucket", "one folder"
#: More than a page of 1,000, and names that are not plain.
OBJECTS: Final = 1100
NAMES: Final = ("ä ö/ü.txt", "a+b%2F c.txt", "quo'te\"&<x>.txt", "ends in dot.", "日本.txt")
LARGE: Final = 20 << 20
PATIENCE: Final = 120


class Cannot(Exception):
    """The store, or what is used of it, has no such thing."""


@dataclass
class Trip:
    """A Valetkey over a store, and what came of it so far."""

    store: Store
    client: Client
    project: str
    integration: str = ""
    locations: dict[str, LocationClient] = field(default_factory=dict)
    dataset: str = ""
    item: str = ""
    body: bytes = b""

    @property
    def gives_sessions(self) -> bool:
        """Whether the store has AssumeRole."""
        return bool(self.store.integration["type"] == "aws-sts")

    def credentials(self, *prefixes: str, access: Sequence[AccessLevel] = ALL) -> Credentials:
        """Ask for credentials for folders below the location's."""
        if not self.gives_sessions:
            raise Cannot("no AssumeRole: nothing to hand out")
        return self.locations[IN_FOLDER].credentials(prefixes, access, 900)


def s3_of(trip: Trip, given: Credentials) -> Any:
    """Return an S3 client with credentials, where they say that S3 is."""
    session = boto3.Session(
        given.access_key_id, given.secret_access_key, given.session_token, given.region or None
    )
    assert given.endpoint == trip.store.endpoint, f"the endpoint said is {given.endpoint!r}"
    return session.client("s3", endpoint_url=given.endpoint)


def refused(call: Callable[[], object], what: str) -> None:
    """See that S3 refuses a call."""
    try:
        call()
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == httpx2.codes.FORBIDDEN:
            return
        raise
    raise AssertionError(f"{what} was let through")


def post_now(trip: Trip, path: str, body: dict[str, Any]) -> Any:
    answer = trip.client._http.post(f"/api/v1/{path}", json=body, headers=headers(trip))
    return ok(answer).json()


def headers(trip: Trip) -> dict[str, str]:
    token = trip.client._token
    assert token is not None
    return {"authorization": f"Bearer {token()}"}


def ok(answer: httpx2.Response) -> httpx2.Response:
    assert answer.is_success, f"{answer.status_code} {answer.text[:500]}"
    return answer


def sync_now(trip: Trip) -> None:
    found = trip.client.datasets.create_sync(trip.dataset, parallel=4)
    until = time.monotonic() + PATIENCE
    while found.state in {"pending", "running"} and time.monotonic() < until:
        found = trip.client.operations.get(found.id, wait_seconds=5)
    assert found.state == "succeeded", f"{found.state}: {found.error} {found.notice}"


def listing(trip: Trip) -> dict[str, int]:
    """Return what is in the location's folder, by the store's own word."""
    pages = trip.store.admin.get_paginator("list_objects_v2")
    return {
        entry["Key"]: entry["Size"]
        for page in pages.paginate(Bucket=trip.store.bucket, Prefix=FOLDER)
        for entry in page.get("Contents", ())
    }


def index(trip: Trip) -> dict[str, int]:
    found: dict[str, int] = {}
    for number in range(100):
        page = post_now(
            trip,
            f"datasets/{trip.dataset}/query",
            {"filter": {"$and": [{"type": "file"}]}, "page": number, "pageSize": 1000},
        )
        for item in page["items"]:
            size = item["metadata"]["system"]["size"]
            found[f"{FOLDER}{item['filename'].removeprefix('/')}"] = size
        if not page["hasNextPage"]:
            break
    return found
