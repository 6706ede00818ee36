"""A user's program with deliberate mistakes: the type checker finds each of them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PROGRAM = """
import valetkey

def right(client: valetkey.Client) -> str:
    for location in client.locations.list(name="training-data"):
        vended = client.credentials.vend(location.id, prefixes=["train/"], access=["list", "read"])
        return vended.access_key_id
    try:
        client.groups.create("org", name="labellers")
    except valetkey.Denied as error:
        return error.request_id
    grant = client.grants.create("id", prefixes=[""], access=["read"], user="a@example.com")
    return grant.grantee.name

def wrong(client: valetkey.Client) -> None:
    client.locations.lst()  # mistake
    client.locations.list(nam="x")  # mistake
    client.credentials.vend("id", prefixes=["a/"], access=["reed"])  # mistake
    client.credentials.vend("id", prefixes=["a/"], access=["read"], ttl_seconds="3600")  # mistake
    client.locations.get(42)  # mistake
    client.revocations.create(kind="person", target="a", reason="b")  # mistake
    client.revocations.create(kind="principal", target="a")  # mistake
    number: int = client.locations.get("id").name  # mistake
    client.locations.get("id").buket  # mistake
    client.integrations.create(name="aws", type="aws")  # mistake
    valetkey.Deneid  # mistake
    valetkey.Client(tokn="x")  # mistake

    client.location("name").credentials(["a/"], ["red"])  # mistake
    client.location("name").presign(["a"], method="POST")  # mistake
    valetkey.Client(timeout="60")  # mistake

async def wrong_too(client: valetkey.AsyncClient) -> str:
    return client.locations.get("id").name  # mistake

async def right_too(client: valetkey.AsyncClient) -> list[str]:
    location = await client.locations.get("training-data", project_id="vision")
    given = await client.location(location.id).credentials(["train/"], ["list", "read"], ttl=900)
    grants = [each.grantee.name async for each in client.grants.list(location.id)]
    urls = [each.url async for each in client.location("training-data").presign(["train/a"])]
    return [given.bucket, *grants, *urls]

def refused(error: valetkey.ApiError) -> tuple[str, str, int]:
    if isinstance(error, valetkey.Unavailable):
        return error.code, error.hint, int(error.retry_after)
    return error.code, error.field, error.status
"""


@pytest.mark.slow
def test_a_type_checker_finds_every_mistake_and_nothing_else(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    done = subprocess.run(  # noqa: S603  # our own type checker
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), str(program)],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    found = {int(number) for number in re.findall(r"program\.py:(\d+): error", done.stdout)}
    lines = enumerate(PROGRAM.splitlines(), start=1)
    assert found == {number for number, line in lines if "# mistake" in line}, done.stdout
