"""Turns at writing to a SQLite file: records first, everybody in the end, nobody for ever."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from valetkey.db.write_turns import WriteTurns

_SECONDS = 30.0


class Queue:
    """Those who wait for a turn, and the order in which they had it."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self.turns = WriteTurns()
        self.order: list[str] = []

    def joins(self, name: str, *, record: bool = False) -> Future[None]:
        """Have somebody wait; returns once they do."""
        queue = self.turns._records if record else self.turns._others
        before = len(queue)
        waiting = self._pool.submit(self._write, name, record)
        _until(lambda: len(queue) > before)
        return waiting

    def _write(self, name: str, record: bool) -> None:
        with self.turns.taken(_SECONDS, record=record):
            self.order.append(name)


def _until(holds: Callable[[], bool]) -> None:
    tick = threading.Event()
    for _ in range(3000):
        if holds():
            return
        tick.wait(0.01)
    raise AssertionError("it did not come to be")


def test_a_record_goes_before_all_who_wait_longer() -> None:
    with ThreadPoolExecutor(4) as pool:
        queue = Queue(pool)
        with queue.turns.taken(_SECONDS):
            waiting = [queue.joins("patch"), queue.joins("delete")]
            waiting += [queue.joins("record", record=True)]
        for each in waiting:
            each.result(_SECONDS)
    assert queue.order == ["record", "patch", "delete"]


def test_who_waits_is_handed_the_turn_before_a_next_record_can_take_it() -> None:
    with ThreadPoolExecutor(4) as pool:
        queue = Queue(pool)
        with queue.turns.taken(_SECONDS, record=True):
            patch = queue.joins("patch")
        with queue.turns.taken(_SECONDS, record=True):
            assert queue.order == ["patch"]
        patch.result(_SECONDS)


def test_a_turn_that_does_not_come_is_the_error_that_sqlite_has() -> None:
    turns = WriteTurns()
    with turns.taken(_SECONDS), pytest.raises(sqlite3.OperationalError, match="locked"):
        turns.take(0.001)
    turns.take(0)  # whoever gave up is not waited for
    turns.give_back()
    turns.take(0)


def test_a_turn_ends_with_an_error_too() -> None:
    turns = WriteTurns()
    with pytest.raises(ValueError, match="within"), turns.taken(_SECONDS):
        raise ValueError("within")
    turns.take(0)
