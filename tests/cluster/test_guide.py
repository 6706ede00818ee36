"""The guide on Ray does what it says: its commands, on a cluster that they make themselves."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from support.aws import GoodSetup, client
from support.commands import ROOT
from support.databases import postgresql_program
from support.guides import run_guide
from support.machine import OWNER, Machine, prepare
from valetkey.embedded import EmbeddedAws

GUIDE = ROOT / "docs" / "guides" / "ray.md"


@pytest.fixture
def surroundings(
    embedded_aws: EmbeddedAws, good_setup: GoodSetup, postgresql_url: str, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """A machine with a server on PostgreSQL, a location, and three hundred objects."""
    bucket = client(embedded_aws, "s3")
    for number in range(300):
        bucket.put_object(Bucket=good_setup.bucket, Key=f"{number % 7}/{number:03}.jpg", Body=b"x")
    machine = Machine(tmp_path, embedded_aws.endpoint, VALETKEY_DATABASE_URL=postgresql_url)
    process, url = machine.serve()
    try:
        with httpx2.Client(base_url=url, timeout=60) as http:
            prepare(http, good_setup)
    finally:
        process.kill()
        process.communicate(timeout=60)
    folder = Path(tempfile.mkdtemp(prefix="vk", dir="/tmp"))  # a socket's name is short
    yield machine.environment | {
        "PATH": os.pathsep.join([_tools(tmp_path), os.environ["PATH"]]),
        "COLUMNS": "250",
        "HEAD": "127.0.0.2",
        "NODE": "127.0.0.3",
        "RAY_TMPDIR": str(folder),
        "RAY_USAGE_STATS_ENABLED": "0",
        "NODES_DATABASE_URL": postgresql_url.replace("postgres:@", "valetkey_nodes:none@"),
    }
    shutil.rmtree(folder, ignore_errors=True)


def _tools(home: Path) -> str:
    """Return a folder with what the guide calls: ours, Ray's, and PostgreSQL's."""
    folder = home / "bin"
    folder.mkdir()
    for name, words in {
        "valetkey": f'"{sys.executable}" -m valetkey.cli',
        "ray": f'"{Path(sys.executable).parent / "ray"}"',
        "psql": f'"{postgresql_program("psql")}"',
    }.items():
        (folder / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (folder / name).chmod(0o755)
    return str(folder)


def test_the_guide_does_what_it_says(surroundings: dict[str, str], tmp_path: Path) -> None:
    assert list(run_guide(_for(GUIDE, tmp_path), surroundings, tmp_path)) == []


def _for(guide: Path, folder: Path) -> Path:
    """Return the guide as its reader reads it: with an address of one's own."""
    own = folder / guide.name
    own.write_text(guide.read_text().replace("you@example.com", OWNER))
    return own
