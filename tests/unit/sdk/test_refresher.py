from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from support.held import held_credentials
from valetkey.sdk import Credentials, Denied, Refresher, Unavailable

START = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


class Server:
    """Counts what it hands out; fails when told to."""

    def __init__(self, clock: Clock, lifetime: timedelta = timedelta(hours=1)) -> None:
        self.clock, self.lifetime = clock, lifetime
        self.asked = 0
        self.failure: Exception | None = None

    def __call__(self) -> Credentials:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        return held_credentials(f"ASIA{self.asked}", self.clock.now + self.lifetime)


@pytest.mark.parametrize(
    ("lifetime", "kept"),
    [
        (timedelta(hours=1), timedelta(minutes=40)),
        (timedelta(hours=12), timedelta(hours=11, minutes=40)),
        (timedelta(minutes=40), timedelta(minutes=20)),
        (timedelta(minutes=15), timedelta(minutes=7, seconds=30)),
    ],
)
def test_a_credential_is_kept_until_20_minutes_or_half_its_life_remain(
    lifetime: timedelta, kept: timedelta
) -> None:
    clock = Clock()
    server = Server(clock, lifetime)
    current = Refresher(server, clock)
    assert current().access_key_id == "ASIA1"
    clock.now = START + kept
    assert current().access_key_id == "ASIA1"
    clock.forward(seconds=1)
    assert current().access_key_id == "ASIA2"


def test_a_herd_makes_one_fetch() -> None:
    clock = Clock()
    server, go = Server(clock), threading.Event()
    started = threading.Barrier(17)

    def slow() -> Credentials:
        go.wait(30)
        return server()

    current = Refresher(slow, clock)
    seen: list[str] = []

    def worker() -> None:
        started.wait(30)
        seen.append(current().access_key_id)

    threads = [threading.Thread(target=worker) for _ in range(16)]
    for thread in threads:
        thread.start()
    started.wait(30)
    go.set()
    for thread in threads:
        thread.join(30)
    assert (seen, server.asked) == (["ASIA1"] * 16, 1)


class SeenLock:
    """A lock that tells who comes to it, before they wait."""

    def __init__(self) -> None:
        self.came = threading.Semaphore(0)
        self._lock = threading.Lock()

    def acquire(self, *, blocking: bool) -> bool:
        self.came.release()
        return self._lock.acquire(blocking=blocking)

    def release(self) -> None:
        self._lock.release()


def test_a_herd_shares_a_fetch_that_fails() -> None:
    clock = Clock()
    server, go = Server(clock), threading.Event()
    server.failure = Unavailable("gone")

    def slow() -> Credentials:
        go.wait(30)
        return server()

    current, lock = Refresher(slow, clock), SeenLock()
    current._fetching = lock  # type: ignore[assignment]
    seen: list[str] = []

    def worker() -> None:
        try:
            current()
        except Unavailable as error:
            seen.append(error.message)

    threads = [threading.Thread(target=worker) for _ in range(16)]
    for thread in threads:
        thread.start()
    assert all(lock.came.acquire(timeout=30) for _ in threads)
    go.set()
    for thread in threads:
        thread.join(30)
    assert (seen, server.asked) == (["gone"] * 16, 1)
    server.failure = None
    assert current().access_key_id == "ASIA2"


def test_while_one_thread_fetches_the_others_are_served_what_is_still_good() -> None:
    clock = Clock()
    server = Server(clock)
    fetching, go = threading.Event(), threading.Event()

    def slow_second_time() -> Credentials:
        if server.asked:
            fetching.set()
            go.wait(30)
        return server()

    current = Refresher(slow_second_time, clock)
    current()
    clock.forward(minutes=45)
    thread = threading.Thread(target=current)
    thread.start()
    assert fetching.wait(30)
    assert current().access_key_id == "ASIA1"
    go.set()
    thread.join(30)
    assert current().access_key_id == "ASIA2"


def test_a_server_that_is_away_leaves_the_credential_to_its_end_and_is_not_hammered() -> None:
    clock = Clock()
    server = Server(clock)
    current = Refresher(server, clock)
    current()
    server.failure = Unavailable("gone")
    clock.forward(minutes=45)
    assert [current().access_key_id for _ in range(5)] == ["ASIA1"] * 5
    assert server.asked == 2
    clock.forward(seconds=6)
    current()
    assert server.asked == 3
    clock.forward(minutes=20)
    with pytest.raises(Unavailable):
        current()
    server.failure = None
    assert current().access_key_id.startswith("ASIA")


def test_a_refusal_is_passed_on_at_once() -> None:
    clock = Clock()
    server = Server(clock)
    current = Refresher(server, clock)
    current()
    clock.forward(minutes=45)
    server.failure = Denied("not any more")
    with pytest.raises(Denied):
        current()
    with pytest.raises(Denied):
        current()
    assert server.asked == 3


@pytest.mark.parametrize("skew", [timedelta(minutes=-5), timedelta(minutes=5)])
@pytest.mark.parametrize("minutes", [15, 60, 720])
def test_a_clock_five_minutes_wrong_is_never_served_a_credential_that_has_ended(
    skew: timedelta, minutes: int
) -> None:
    clock = Clock()
    server = Server(clock, timedelta(minutes=minutes))
    refresher = Refresher(server, lambda: clock.now + skew)

    for _ in range(2 * minutes):
        assert refresher().expires_at > clock.now
        clock.forward(minutes=1)

    assert server.asked <= 5, "and it is not asked for at each call"


def test_a_clock_that_is_behind_is_not_served_the_end_of_a_session_that_is_nearly_over() -> None:
    """While STS is away the server hands out what is left, here three minutes."""
    clock = Clock()
    server = Server(clock, timedelta(minutes=3))
    behind = timedelta(minutes=4, seconds=59)
    refresher = Refresher(server, lambda: clock.now - behind)
    ends = refresher().expires_at
    server.lifetime = timedelta(hours=1)
    while clock.now < ends:
        assert refresher().expires_at > clock.now
        clock.forward(seconds=20)
    assert refresher().expires_at > ends
