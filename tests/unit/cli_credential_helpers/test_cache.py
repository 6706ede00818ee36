from __future__ import annotations

import fcntl
import functools
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest

from support.held import held_credentials
from valetkey.cli.connection import ServerConnection
from valetkey.cli.credential_helpers.cache import CredentialRequest, cache_folder, cached
from valetkey.sdk import Credentials, Denied, InvalidRequest, Unavailable

START = datetime(2026, 1, 1, tzinfo=UTC)
AT = ServerConnection("https://valetkey.example.com", "the-token-that-must-not-show")
ASKED = CredentialRequest(
    location="images",
    prefixes=["cats"],
    access=["list", "read"],
    ttl=3600,
)


class Vending:
    """Counts what it gives; the clock is the test's."""

    def __init__(self) -> None:
        self.now = START
        self.asked = 0
        self.failure: Exception | None = None

    def clock(self) -> datetime:
        return self.now

    def __call__(self) -> Credentials:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return held_credentials(f"ASIA{self.asked}", self.now + timedelta(hours=1))


@pytest.fixture
def vending() -> Vending:
    return Vending()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def entry(folder: Path) -> Path:
    [path] = folder.glob("*.json")
    return path


def test_a_second_process_is_given_the_first_ones_credentials(
    folder: Path, vending: Vending
) -> None:
    got = [cached(AT, ASKED, vending, folder=folder, clock=vending.clock) for _ in range(3)]
    assert [each.access_key_id for each in got] == ["ASIA1"] * 3
    assert vending.asked == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"location": "videos"},
        {"prefixes": ["dogs"]},
        {"prefixes": ["cats", "dogs"]},
        {"access": ["read"]},
        {"ttl": 900},
        {"purpose": "audit"},
        {"project": "other"},
        {"bare": True},
        {"versions": True},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_whoever_asks_for_anything_else_gets_something_else(
    folder: Path, vending: Vending, changed: dict[str, object]
) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    other = replace(ASKED, **changed)  # type: ignore[arg-type]
    assert cached(AT, other, vending, folder=folder, clock=vending.clock).access_key_id == "ASIA2"


@pytest.mark.parametrize(
    "other",
    [ServerConnection("https://other.example.com", AT.token), ServerConnection(AT.url, "another")],
)
def test_another_server_and_another_token_get_something_else(
    folder: Path, vending: Vending, other: ServerConnection
) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    found = cached(other, ASKED, vending, folder=folder, clock=vending.clock)
    assert found.access_key_id == "ASIA2"


def test_every_part_of_a_request_is_part_of_the_key() -> None:
    parts = {"location", "prefixes", "access", "ttl", "purpose", "project"}
    parts |= {"org", "bare", "versions"}
    assert set(CredentialRequest.__slots__) == parts


def test_the_order_of_words_makes_no_difference() -> None:
    assert ASKED.key(AT) == replace(ASKED, access=["read", "list", "read"]).key(AT)


@pytest.mark.parametrize(("minutes", "key_id"), [(39, "ASIA1"), (41, "ASIA2"), (61, "ASIA2")])
def test_what_is_soon_over_is_not_served(
    folder: Path, vending: Vending, minutes: int, key_id: str
) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    vending.now += timedelta(minutes=minutes)
    assert cached(AT, ASKED, vending, folder=folder, clock=vending.clock).access_key_id == key_id


def test_a_server_that_is_away_leaves_the_credential_to_its_end(
    folder: Path, vending: Vending
) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    vending.failure = Unavailable("gone")
    vending.now += timedelta(minutes=59)
    assert cached(AT, ASKED, vending, folder=folder, clock=vending.clock).access_key_id == "ASIA1"
    vending.now += timedelta(minutes=2)
    with pytest.raises(Unavailable):
        cached(AT, ASKED, vending, folder=folder, clock=vending.clock)


def test_a_refusal_is_passed_on_and_not_kept(folder: Path, vending: Vending) -> None:
    vending.failure = Denied("no")
    for _ in range(2):
        with pytest.raises(Denied):
            cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    assert vending.asked == 2
    assert not list(folder.glob("*.json"))


def test_files_are_private_and_hold_no_token(folder: Path, vending: Vending) -> None:
    before = os.umask(0)
    try:
        cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    finally:
        os.umask(before)
    assert folder.stat().st_mode & 0o777 == 0o700
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0
        assert AT.token not in path.read_text() + path.name
    assert AT.token not in repr(AT)


@pytest.mark.parametrize("mode", [0o750, 0o707, 0o777])
def test_a_folder_that_others_may_use_is_refused(folder: Path, vending: Vending, mode: int) -> None:
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(InvalidRequest, match="not private"):
        cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    assert vending.asked == 0


def test_a_link_in_the_folders_place_is_refused(folder: Path, vending: Vending) -> None:
    (folder.parent / "elsewhere").mkdir(mode=0o700)
    folder.symlink_to(folder.parent / "elsewhere")
    with pytest.raises(InvalidRequest, match="not private"):
        cached(AT, ASKED, vending, folder=folder, clock=vending.clock)


def spoil_mode(path: Path) -> None:
    path.chmod(0o640)


def spoil_content(path: Path) -> None:
    path.write_bytes(b'{"fetched_at": "half a f')


def spoil_kind(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))
    path.symlink_to(path.with_suffix(".moved"))


def spoil_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


@pytest.mark.parametrize("spoil", [spoil_mode, spoil_content, spoil_kind, spoil_pipe])
def test_a_file_that_is_not_as_it_was_written_is_not_believed(
    folder: Path, vending: Vending, spoil: object
) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    assert callable(spoil)
    spoil(entry(folder))
    assert cached(AT, ASKED, vending, folder=folder, clock=vending.clock).access_key_id == "ASIA2"
    assert entry(folder).stat().st_mode & 0o777 == 0o600
    assert not entry(folder).is_symlink()


def test_credentials_that_are_over_are_swept_away(folder: Path, vending: Vending) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    vending.now += timedelta(hours=2)
    later = ServerConnection(AT.url, "the next login's")
    cached(later, ASKED, vending, folder=folder, clock=vending.clock)
    assert entry(folder).stem == ASKED.key(later)


def test_the_folder_is_where_the_desktop_says() -> None:
    assert cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/valetkey/credentials")
    assert cache_folder({}) == Path.home() / ".cache/valetkey/credentials"


def ask_as_one_of_many(folder: Path, calls: Path, start: Barrier) -> None:
    def fetch() -> Credentials:
        with calls.open("a") as file:
            file.write("call\n")
        return held_credentials("ASIA1", datetime.now(UTC) + timedelta(hours=1))

    start.wait(60)
    assert cached(AT, ASKED, fetch, folder=folder).access_key_id == "ASIA1"


def fail_as_one_of_many(folder: Path, calls: Path, waiting: Path, start: Barrier) -> None:
    """Ask in a process of its own, for what takes until everybody waits and then fails."""

    def fetch() -> Credentials:
        until = time.monotonic() + 60
        while waiting.stat().st_size < 6 and time.monotonic() < until:
            time.sleep(0.01)
        with calls.open("a") as file:
            file.write("call\n")
        raise Unavailable("The server did not answer.", hint="Try again.")

    def flock(descriptor: int, operation: int, really: Callable[[int, int], None]) -> None:
        with waiting.open("a") as file:
            file.write("x")
        really(descriptor, operation)

    fcntl.flock = functools.partial(flock, really=fcntl.flock)
    start.wait(60)
    with pytest.raises(Unavailable, match="did not answer"):
        cached(AT, ASKED, fetch, folder=folder)


@pytest.mark.slow
def test_a_herd_of_processes_shares_a_request_that_fails(folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, calls, waiting = context.Barrier(6), tmp_path / "calls", tmp_path / "waiting"
    waiting.touch()
    herd = [
        context.Process(target=fail_as_one_of_many, args=(folder, calls, waiting, start))
        for _ in range(6)
    ]
    for process in herd:
        process.start()
    for process in herd:
        process.join(60)
    assert [process.exitcode for process in herd] == [0] * 6
    assert calls.read_text() == "call\n"


def test_who_has_something_good_does_not_wait_for_another_process(
    folder: Path, vending: Vending
) -> None:
    cached(AT, ASKED, vending, folder=folder, clock=vending.clock)
    vending.now += timedelta(minutes=45)
    seen: list[str] = []

    def while_another_asks() -> Credentials:
        seen.append(cached(AT, ASKED, vending, folder=folder, clock=vending.clock).access_key_id)
        return vending()

    given = cached(AT, ASKED, while_another_asks, folder=folder, clock=vending.clock)
    assert (seen, given.access_key_id) == (["ASIA1"], "ASIA2")


@pytest.mark.slow
def test_a_herd_of_processes_makes_one_request(folder: Path, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    start, calls = context.Barrier(6), tmp_path / "calls"
    herd = [
        context.Process(target=ask_as_one_of_many, args=(folder, calls, start)) for _ in range(6)
    ]
    for process in herd:
        process.start()
    for process in herd:
        process.join(60)
    assert [process.exitcode for process in herd] == [0] * 6
    assert calls.read_text() == "call\n"
