"""Servers that are Go programs: built once into a cache, run on loopback, ended by their pid."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

#: Seconds in which a server has to answer, and in which it has to end.
_START: Final = 60
_END: Final = 20
_LOG_LINES: Final = 20


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program of a Go module, of exactly one version."""

    module: str
    version: str
    package: str
    name: str

    def build(self) -> Path:
        """Return the program; build it if it is not there yet (minutes).

        Raises CalledProcessError; FileNotFoundError where there is no Go.
        """
        place = _cache() / f"{self.name}-{self.version}"
        if not place.exists():
            print(f"Building {self.module} {self.version}; this takes minutes ...", flush=True)
            place.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
                made = self._build(Path(scratch))
                made.replace(place)
        return place

    def _build(self, scratch: Path) -> Path:
        # A copy of the module is built, not "go install": some modules replace others, which that
        # command refuses. One package at a time: the machine has others to serve.
        fetched = _go("mod", "download", "-json", f"{self.module}@{self.version}", at=scratch)
        source = scratch / "source"
        shutil.copytree(json.loads(fetched)["Dir"], source)
        for path in source.rglob("*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
        source.chmod(0o755)
        _go(
            "build",
            "-buildvcs=false",
            "-trimpath",
            "-o",
            str(scratch / self.name),
            self.package,
            at=source,
        )
        return scratch / self.name


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "valetkey-judges"


def _go(*words: str, at: Path) -> str:
    environment = {"GOFLAGS": "-p=1"} | os.environ
    done = subprocess.run(
        ["go", *words], cwd=at, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def free_port() -> int:
    """Return a port of loopback that nobody listens on now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    *,
    ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a server until the block ends; it is there when the block begins.

    What it says is in ``folder/log``. Raises RuntimeError with the log's end if it does not start.
    """
    log = folder / "log"
    with log.open("ab") as said:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(os.environ) | dict(environment or {}),
            stdout=said,
            stderr=subprocess.STDOUT,
        )
    with ExitStack() as stack:
        stack.callback(_end, process)
        _wait(process, ready, log)
        yield


def answers(url: str) -> Callable[[], bool]:
    """Return what tells whether a server answers at an address, whatever it answers."""

    def ready() -> bool:
        with suppress(httpx2.HTTPError):
            httpx2.get(url, timeout=2, trust_env=False)
            return True
        return False

    return ready


def _wait(process: subprocess.Popen[bytes], ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + _START
    while not ready():
        if process.poll() is not None or time.monotonic() > until:
            last = "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_LINES:])
            raise RuntimeError(f"The server did not start:\n{last}")
        time.sleep(0.2)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(_END)
