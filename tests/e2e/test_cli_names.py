"""What a list prints with ``-o name`` is taken by the commands of its noun: for every noun."""

from __future__ import annotations

import asyncio
import shlex
from typing import Final

import pytest

from support.commands import Commands
from support.real_api import PASSWORD
from support.server import DEVELOPER, LOCATION, OWNER, Installation
from valetkey.cli.program import app
from valetkey.domain.secret import Secret
from valetkey.sdk import Client

pytestmark = pytest.mark.xdist_group("valetkey_server")
_LIKE_AN_ID: Final = "0198c0de0000700080000001"
#: How each noun's things are listed, and what is said of each line: {} is the line.
_TAKEN: Final[dict[str, tuple[str, str]]] = {
    "datasets list": ("datasets list", "datasets show {}"),
    "datasets syncs": ("datasets syncs streets", "operations show {}"),
    "grants list": (f"grants list '{LOCATION}'", f"grants show '{LOCATION}' {{}}"),
    "groups list": ("groups list", "groups members {}"),
    "groups members": ("groups members 'a b'", "groups add 'a b' {}"),
    "integrations list": ("integrations list", "integrations show {}"),
    "leases list": ("leases list", "leases show {}"),
    "locations list": ("locations list", "locations show {}"),
    "members list": ("members list", "members show {}"),
    "objects list": ("objects list streets", "objects show {}"),
    "objects folders": ("objects folders streets", "objects list streets --glob /{}**"),
    "orgs list": ("orgs list", "orgs show --org {}"),
    "projects list": ("projects list", "projects show {}"),
    "revocations list": ("revocations list", "revocations show {}"),
    "service-accounts list": (
        "service-accounts list --project second",
        "service-accounts show {} --project second",
    ),
    "sessions list": ("sessions list", "sessions show {}"),
    "tokens list": ("tokens list", "tokens show {}"),
    "blocks list": ("blocks list", "blocks show {}"),
}
#: Lists whose entries no command takes.
_TAKEN_BY_NONE: Final = {"audit list": "a record is shown as it is, and changed by nobody"}


def _make_twice(owner: Client, made: Installation) -> None:
    """Locations of one name in two projects, and names that are hard to say."""
    second = owner.projects.create(name="second", org_id=made.org_id)
    for project in (made.project_id, second.id):
        made.project_id, first = project, made.project_id
        made.make_location(owner, "twice", folder=f"twice/{project}/")
        made.project_id = first
    for name in ("--help", "-x", _LIKE_AN_ID, "a b"):
        owner.groups.create(made.org_id, name=name)
    for name in ("jobs", _LIKE_AN_ID):
        owner.service_accounts.create(project_id=second.id, name=name, role="developer")
    for _ in range(2):
        owner.tokens.create(name="one of two", org_id=made.org_id)


@pytest.fixture(scope="module")
def some_of_everything(valetkey_server: Installation) -> Installation:
    made = valetkey_server
    with made.client(OWNER) as owner:
        _make_twice(owner, made)
        group = owner.groups.get(made.org_id, "a b")
        owner.groups.put_member(made.org_id, group.id, DEVELOPER)
        place = made.location.id
        owner.grants.create(place, prefixes=[""], access=["read"], user=DEVELOPER)
        dataset = owner.datasets.create(
            name="streets", project_id=made.project_id, location_id=place
        )
        owner.operations.get(owner.datasets.create_sync(dataset.id).id, wait_seconds=30)
        lease = owner.credentials.vend(place, prefixes=[""], access=["list"])
        owner.revocations.create(kind="lease", target=lease.lease_id, reason="a test")
        owner.revocations.put_block("principal", DEVELOPER, reason="a test")
        owner.revocations.put_block("location", place, reason="a test")
    signing_in = made.running.services.sessions.sign_in(
        OWNER, Secret(PASSWORD), source="192.0.2.1", request_id="", browser="Firefox"
    )
    asyncio.run_coroutine_threadsafe(signing_in, made.running.loop).result(90)
    return made


@pytest.fixture
def owner(commands: Commands, some_of_everything: Installation) -> Commands:
    made = some_of_everything
    commands.set(VALETKEY_URL=made.url, VALETKEY_TOKEN=made.token(OWNER))
    return commands


def _words(template: str, line: str = "") -> list[str]:
    """Return what is typed: a block is named by two words, all else by one."""
    named = line.split(" ") if template.startswith("blocks") else [line]
    words = shlex.split(template)
    return [
        each for word in words for each in (named if word == "{}" else [word.replace("{}", line)])
    ]


def test_every_list_is_here() -> None:
    lists = {
        f"{noun} {verb}"
        for noun in app
        if not noun.startswith("-") and app[noun].default_command is None
        for verb in app[noun]
        if verb in {"list", "syncs", "members", "folders"}
    }
    assert lists == _TAKEN.keys() | _TAKEN_BY_NONE.keys()


@pytest.mark.parametrize("noun", sorted(_TAKEN))
def test_what_a_list_names_is_taken_by_the_commands_of_the_noun(owner: Commands, noun: str) -> None:
    listing, taking = _TAKEN[noun]
    listed = owner.run(*_words(listing), "-o", "name")
    assert listed.code == 0, listed.said
    lines = listed.out.splitlines()
    assert lines
    assert len(lines) == len(set(lines))
    whole = owner.run(*_words(listing), "--json").json["items"]
    assert len(whole) == len(lines)
    for line in lines:
        taken = owner.run(*_words(taking, line), "-o", "json")
        assert taken.code == 0, (line, taken.said)
        assert taken.json


def test_what_is_gone_can_be_revoked_by_its_id(
    owner: Commands, some_of_everything: Installation
) -> None:
    made = some_of_everything
    with made.client(OWNER) as client:
        gone = made.make_location(client, "gone", folder="gone/")
        client.credentials.vend(gone.id, prefixes=[""], access=["list"])
        client.locations.delete(gone.id)
    words = ("leases", "revoke", "--location", gone.id, "--reason", "a test", "--yes")
    ran = owner.run(*words, "--json")
    assert ran.code in {0, 1}, ran.said
    assert ran.json["leases"] == 1


def test_a_service_account_is_revoked_by_its_name(owner: Commands) -> None:
    words = ("leases", "revoke", "--service-account", "jobs", "--project", "second")
    ran = owner.run(*words, "--reason", "a test", "--yes", "--json")
    assert ran.code in {0, 1}, ran.said
