"""The cache on disk amid clocks that are wrong, and files that are not what they should be.

The server's clock is the true one; the client's is five minutes behind it, or ahead.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from support.held import held_credentials
from valetkey.cli.connection import ServerConnection
from valetkey.cli.credential_helpers.cache import CredentialRequest, cached
from valetkey.sdk import Credentials, Unavailable

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
SKEWS: Final = [-5 * MINUTE, 0 * MINUTE, 5 * MINUTE]
AT: Final = ServerConnection("https://valetkey.example.com", "a-token")
ASKED: Final = CredentialRequest(
    location="images",
    prefixes=["cats"],
    access=["read"],
    ttl=3600,
)


class World:
    """True time, a server that keeps it, and the cache of a client whose clock is wrong."""

    def __init__(self, folder: Path, skew: timedelta) -> None:
        self.now = START
        self.folder = folder
        self.skew = skew
        self.asked = 0
        self.ends: datetime | None = None
        self.is_away = False

    def serve(self) -> Credentials:
        self.asked += 1
        if self.is_away:
            raise Unavailable("gone")
        return held_credentials(f"ASIA{self.asked}", self.ends or self.now + timedelta(hours=1))

    def ask(self, asked: CredentialRequest = ASKED, at: ServerConnection = AT) -> Credentials:
        """Run a new process: it knows only what is on disk."""
        return cached(at, asked, self.serve, folder=self.folder, clock=lambda: self.now + self.skew)

    def entry(self, asked: CredentialRequest = ASKED, at: ServerConnection = AT) -> Path:
        return self.folder / f"{asked.key(at)}.json"


@pytest.fixture(params=SKEWS, ids=["behind", "right", "ahead"])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World(tmp_path / "cache", request.param)


@pytest.fixture
def right(tmp_path: Path) -> World:
    """A world without a wrong clock."""
    return World(tmp_path / "cache", 0 * MINUTE)


@pytest.mark.parametrize("lifetime", [15, 60, 720])
def test_a_credential_is_used_while_it_is_good_and_replaced_before_it_truly_ends(
    world: World, lifetime: int
) -> None:
    for minute in range(3 * lifetime):
        world.now = START + minute * MINUTE
        if world.ends is None or world.ends - world.now <= lifetime * MINUTE * 2 / 3:
            # As the server does: a session is shared while most of its life is left.
            world.ends = world.now + lifetime * MINUTE
        assert world.ask().expires_at > world.now
        assert world.entry().stat().st_mode & 0o777 == 0o600
    assert world.asked <= 12, "most of the processes are served from the disk"


def test_a_credential_is_handed_to_the_next_process_and_not_again_near_its_end(
    world: World,
) -> None:
    first = world.ask()
    world.now += 30 * MINUTE
    assert world.ask() == first
    world.now = first.expires_at - 10 * MINUTE
    assert world.ask() != first


def test_the_last_minutes_of_a_session_are_not_kept_beyond_its_true_end(world: World) -> None:
    # While AWS does not answer, the server hands out what it has until that ends.
    world.ends = START + 3 * MINUTE
    world.ask()
    world.now, world.ends = START + 4 * MINUTE, START + 64 * MINUTE
    assert world.ask().expires_at > world.now


def test_an_expired_entry_is_not_handed_out_whatever_else_it_says(right: World) -> None:
    right.ask()
    kept = json.loads(right.entry().read_text())
    kept["fetched_at"] = (START + timedelta(days=1)).isoformat()
    right.entry().write_text(json.dumps(kept))
    right.now += timedelta(hours=1)
    assert right.ask().expires_at > right.now
    right.now += timedelta(hours=1)
    right.is_away = True
    with pytest.raises(Unavailable):
        right.ask()


def test_the_entry_of_another_installation_is_not_handed_out_from_the_wrong_file(
    right: World,
) -> None:
    other = ServerConnection("https://other.example.com", AT.token)
    foreign = right.ask(at=other)
    shutil.copy(right.entry(at=other), right.entry())
    assert right.ask() != foreign
    right.entry().unlink()
    shutil.copy(right.entry(at=other), right.entry())
    right.is_away = True
    with pytest.raises(Unavailable):
        right.ask()


GARBLED: Final[dict[str, Callable[[bytes], bytes]]] = {
    "empty": lambda _: b"",
    "half": lambda text: text[: len(text) // 2],
    "zeros": lambda text: bytes(len(text)),
    "not UTF-8": lambda text: text.replace(b"ASIA1", b"ASIA\xff"),
    "followed by another": lambda text: text + text,
    "of another form": lambda _: b'{"Version": 1}',
    "a list": lambda text: b"[" + text + b"]",
    "nested deeply": lambda _: b'{"x":' + b"[" * 60_000,
    "of times without a zone": lambda text: text.replace(b'Z"', b'"'),
    "of a time that is none": lambda text: text.replace(b"2026-01-01", b"2026-13-01"),
}


@pytest.mark.parametrize("kind", GARBLED)
def test_a_garbled_entry_is_replaced_and_disturbs_no_other(right: World, kind: str) -> None:
    other = replace(ASKED, location="videos")
    right.ask()
    garbled = GARBLED[kind](right.entry().read_bytes())
    right.entry().write_bytes(garbled)
    assert right.ask(other).access_key_id == "ASIA2"
    right.entry().write_bytes(garbled)
    assert right.ask().access_key_id == "ASIA3"
    assert right.entry().stat().st_mode & 0o777 == 0o600
    assert right.ask().access_key_id == "ASIA3"
