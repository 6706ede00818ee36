"""The first of several serving processes: no other is started once a stop was asked for."""

from __future__ import annotations

import os
import signal

import pytest

from valetkey.serving import Supervisor


def test_a_stop_that_comes_while_workers_are_started_leaves_none_that_nobody_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forked: list[int] = []
    supervisor = Supervisor(count=2, ready=lambda: None, within=60)

    def fork() -> int:
        forked.append(len(forked))
        supervisor._ask(signal.SIGTERM, None)  # between two of them
        return 2**22 + len(forked)  # nobody's: beyond all ids

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(os, "waitpid", lambda pid, _: (pid, 0))
    monkeypatch.setattr(os, "kill", lambda *_: None)
    monkeypatch.setattr(supervisor, "_told", True)
    before = signal.getsignal(signal.SIGALRM)
    try:
        assert supervisor.run() is None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert supervisor._fork() is None  # neither where it comes at the last moment
    assert len(forked) == 1
