"""The command ``valetkey``, run in this process as somebody types it."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest
import structlog

from valetkey.cli import main

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        """Everything printed, on one line."""
        return " ".join((self.out + self.err).split())


class Asked(io.StringIO):
    """A terminal at which somebody answers a question, after something else has happened."""

    def __init__(self, answer: str, meanwhile: Callable[[], object] = lambda: None) -> None:
        super().__init__(answer)
        self._meanwhile = meanwhile

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        self._meanwhile()
        return super().readline(size)


class Commands:
    """Runs commands with an environment of their own: no login, no token but the given ones."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], home: Path
    ) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.home = home
        for name in [name for name in os.environ if name.startswith("VALETKEY_")]:
            monkeypatch.delenv(name)
        self.set(
            HOME=str(home),
            XDG_STATE_HOME=str(home / "state"),
            XDG_CACHE_HOME=str(home / "cache"),
            COLUMNS="250",
        )

    def set(self, **variables: str) -> None:
        """Set variables for the commands to come."""
        for name, value in variables.items():
            self._monkeypatch.setenv(name, value)

    def run(self, *words: str, stdin: str | Asked = "") -> Ran:
        """Run one command to its end; its standard input is no terminal, unless somebody is there
        to be asked."""
        self._capsys.readouterr()
        given = io.StringIO(stdin) if isinstance(stdin, str) else stdin
        self._monkeypatch.setattr("sys.stdin", given)
        code = main(words)
        shown = self._capsys.readouterr()
        return Ran(code, shown.out, shown.err)


@pytest.fixture
def commands(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Iterator[Commands]:
    """The command line of somebody at a fresh machine. A server in this process writes no log:
    it would be taken for the command's output."""
    before = structlog.get_config()
    silent = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=silent, cache_logger_on_first_use=False)
    yield Commands(monkeypatch, capsys, tmp_path)
    structlog.configure(**before)


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """The environment of a process that knows no AWS and no Valetkey but the given ones."""
    kept = {
        name: value
        for name, value in os.environ.items()
        # What a pipe sees of a process must not depend on whoever runs the tests.
        if not name.startswith(("AWS_", "VALETKEY_", "PYTHONUNBUFFERED", "NOTIFY_SOCKET"))
    }
    return kept | {
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(home),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        **more,
    }


def start(
    words: Sequence[str], environment: Mapping[str, str], *, errors: int | IO[str] = subprocess.PIPE
) -> subprocess.Popen[str]:
    """Start ``valetkey`` as a process of its own. A server that is asked a lot needs a file for its
    ``errors``: it waits once a pipe is full that nobody reads."""
    return subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", "valetkey.cli", *words],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )


def run_process(words: Sequence[str], environment: Mapping[str, str]) -> Ran:
    """Run ``valetkey`` as a process of its own, to its end."""
    with start(words, environment) as process:
        out, err = process.communicate()
        return Ran(process.returncode, out, err)
