"""Nobody gets more than an owner gave: over HTTP, with credentials that are really used at S3.

The smaller brother of tests/property/test_nobody_gets_more.py. Two members try to widen what they
have by every door; what they get is tried on every object, and held against what they were given.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError

from support.aws import client as aws_client
from support.server import ANNOTATOR, DEVELOPER, OBJECTS, OWNER, Installation
from valetkey.domain.credentials import AccessKey
from valetkey.domain.secret import Secret

FOLDERS = ("", "train", "train/cats", "other", "training")
ACCESS = (["read"], ["list", "read"], ["read", "write"])
STEPS = 40


class Walk:
    """Somebody with a client, and what they know."""

    def __init__(self, made: Installation, email: str, dice: random.Random) -> None:
        self.made = made
        self.dice = dice
        self.email = email
        token = made.token(email)
        self.http = httpx2.Client(base_url=made.url, headers={"authorization": f"Bearer {token}"})
        self.projects = [made.project_id]
        self.locations: list[str] = [made.location.id]

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """Do something; None if it was refused, and never a fault of the server's."""
        answer = self.http.post(path, json=body)
        assert answer.status_code < 500, answer.text
        return answer.json() if answer.is_success else None

    def step(self) -> dict[str, Any] | None:
        """Do one thing; return credentials if that is what it came to."""
        verb = self.dice.choice([self.project, self.location, self.grant, self.ask, self.ask])
        return verb()

    def project(self) -> None:
        made = self.post("/v1/projects", {"name": f"own {self.dice.random()}"})
        if made is not None:
            self.projects.append(made["id"])

    def location(self) -> None:
        body = {
            "name": f"own {self.dice.random()}",
            "bucket": self.made.setup.bucket,
            "projectId": self.dice.choice(self.projects),
            "access": self.dice.choice(ACCESS),
            "folder": self.dice.choice(FOLDERS),
        }
        more: list[dict[str, str]] = [
            {},
            {"integrationId": self.made.integration.id},
            {"parentId": self.dice.choice(self.locations)},
        ]
        made = self.post("/v1/locations", body | self.dice.choice(more))
        if made is not None:
            self.locations.append(made["id"])

    def grant(self) -> None:
        place = self.dice.choice(self.locations)
        body = {"user": self.email, "prefixes": [""], "access": ["list", "read", "write"]}
        self.post(f"/v1/locations/{place}/grants", body)

    def ask(self) -> dict[str, Any] | None:
        place = self.dice.choice(self.locations)
        body = {
            "prefixes": [self.dice.choice(["", "cats"])],
            "access": self.dice.choice(ACCESS),
            "ttlSeconds": 900,
        }
        return self.post(f"/v1/locations/{place}/credentials", body)


@pytest.fixture
def reads(valetkey_server: Installation) -> Iterator[None]:
    """The annotator is granted ``train/cats/``, to be read; the developer builds on ``train/``."""
    with httpx2.Client(
        base_url=valetkey_server.url,
        headers={"authorization": f"Bearer {valetkey_server.token(OWNER)}"},
    ) as owner:
        body = {"user": ANNOTATOR, "prefixes": ["cats"], "access": ["read"]}
        path = f"/v1/locations/{valetkey_server.location.id}/grants"
        grant = owner.post(path, json=body).raise_for_status().json()
        yield
        owner.delete(f"{path}/{grant['id']}").raise_for_status()


def opened(made: Installation, got: dict[str, Any]) -> set[tuple[str, str]]:
    """Try credentials on every object; return what they really open."""
    key, bucket = AccessKey(got["accessKeyId"], Secret(got["secretAccessKey"])), made.setup.bucket
    s3 = aws_client(made.aws, "s3", key, got["sessionToken"])
    found = set()
    for name, body in OBJECTS.items():
        if goes_through(s3.get_object, Bucket=bucket, Key=name):
            found.add((name, "read"))
        if goes_through(s3.put_object, Bucket=bucket, Key=name, Body=body):
            found.add((name, "write"))
    return found


def goes_through(call: Callable[..., Any], **parameters: Any) -> bool:
    try:
        call(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@pytest.mark.usefixtures("reads")
@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("email", [ANNOTATOR, DEVELOPER])
def test_whatever_they_try_what_they_get_opens_what_they_were_given(
    valetkey_server: Installation, email: str, seed: int
) -> None:
    if email == ANNOTATOR:
        given = {(name, "read") for name in OBJECTS if name.startswith("train/cats/")}
    else:
        given = {
            (name, level)
            for name in OBJECTS
            if name.startswith("train/")
            for level in ("read", "write")
        }
    walk, got_some = Walk(valetkey_server, email, random.Random(seed)), False  # noqa: S311
    for _ in range(STEPS):
        got = walk.step()
        if got is not None:
            got_some = True
            assert opened(valetkey_server, got) <= given
    walk.http.close()
    assert got_some
