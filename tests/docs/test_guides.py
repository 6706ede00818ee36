"""Every guide does what it says: its commands, run in order against a server and an AWS."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import ROOT, clean_environment
from support.databases import postgresql_program
from support.guides import run_guide, steps_of
from support.real_api import settings_for
from support.server import running_server
from support.setup_aws import environment
from valetkey.administration import first_start
from valetkey.domain.secret import Secret
from valetkey.embedded import EmbeddedAws

#: The guide on Ray needs a network of its own: see tests/cluster.
GUIDES = sorted(
    guide
    for guide in (ROOT / "docs" / "guides").glob("*.md")
    if steps_of(guide) and guide.stem != "ray"
)
PASSWORD = "correct horse battery staple"
OWNER = "you@example.com"


@pytest.fixture
def surroundings(embedded_aws: EmbeddedAws, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A reader's machine: an AWS account of their own, a server that was just started, the owner's
    password in the file ``password``, and the commands on the PATH."""
    settings = settings_for(
        tmp_path / "server", embedded_aws.endpoint, allowed_endpoint_hosts=("127.0.0.1",)
    )
    asyncio.run(first_start(settings, organization="Acme", email=OWNER, password=Secret(PASSWORD)))
    (tmp_path / "password").write_text(PASSWORD + "\n")
    command = tmp_path / "bin" / "valetkey"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m valetkey.cli "$@"\n')
    command.chmod(0o755)
    folders = (str(command.parent), str(Path(sys.executable).parent), os.environ["PATH"])
    own = {
        "PATH": os.pathsep.join(folders),
        "COLUMNS": "200",
        "ADMINISTRATOR_KEY": embedded_aws.administrator.id,
        "ADMINISTRATOR_SECRET": embedded_aws.administrator.secret.reveal(),
    }
    aws = environment(embedded_aws.endpoint, embedded_aws.administrator)
    with running_server(settings) as running:
        yield clean_environment(tmp_path, **own, **aws, VALETKEY_URL=running.url)


@pytest.fixture
def postgresql(postgresql_url: str, tmp_path: Path) -> dict[str, str]:
    """What a reader of the guide on several processes has besides: PostgreSQL and its psql."""
    program = tmp_path / "bin" / "psql"
    program.write_text(f'#!/bin/sh\nexec "{postgresql_program("psql")}" "$@"\n')
    program.chmod(0o755)
    return {"POSTGRESQL_URL": postgresql_url}


@pytest.mark.parametrize("guide", GUIDES, ids=[guide.stem for guide in GUIDES])
def test_a_guide_does_what_it_says(
    guide: Path,
    surroundings: dict[str, str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    if "POSTGRESQL_URL" in guide.read_text():
        surroundings |= request.getfixturevalue("postgresql")
    assert list(run_guide(guide, surroundings, tmp_path)) == []


LIES = [
    ("$ echo one\ntwo\n", "", "did not print 'two'"),
    ("$ false\n", "", "ended with 1"),
    ("$ true\n", " fails", "ended with 0"),
    ("$ exit 3\n$ echo never\n", "", "the shell ended early"),
]


@pytest.mark.parametrize(("block", "mark", "found"), LIES)
def test_a_guide_that_lies_is_found_out(tmp_path: Path, block: str, mark: str, found: str) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text(f"# Guide\n```console{mark}\n{block}```\n")
    problems = "\n".join(run_guide(guide, {"PATH": os.environ["PATH"]}, tmp_path))
    assert found in problems


def test_a_guide_that_is_right_is_left_alone(tmp_path: Path) -> None:
    guide = tmp_path / "guide.md"
    guide.write_text(
        "```console\n$ x=1\n$ echo a $x \\\n> b; echo more\na ... b\n```\n"
        "```console fails\n$ test $x = 2\n```\n"
    )
    assert list(run_guide(guide, {"PATH": os.environ["PATH"]}, tmp_path)) == []
