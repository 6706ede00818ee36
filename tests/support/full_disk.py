"""Servers whose audit store is really full: the system tells SQLite so, not a double."""

from __future__ import annotations

import errno
import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import ClassVar, Final

from support.machine import Machine

_NAMESPACE: Final = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
#: $1 is where the disk is to be, $2 what is copied to it; the rest is run there.
_ON_A_DISK: Final = (
    'mount -t tmpfs -o size=8m,mode=700 none "$1" && cp -a "$2/." "$1" && shift 2 && exec "$@"'
)
_HALF_A_PAGE: Final = 2048


class FullStore(Machine):
    """A server whose store has room until a test says otherwise."""

    #: What the server says of it.
    cause: ClassVar[str]
    process: subprocess.Popen[str]

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        self.process, url = super().serve()
        return self.process, url

    @property
    def files(self) -> Path:
        """Where this process sees the store's files."""
        return self.data

    @contextmanager
    def full(self) -> Iterator[None]:
        """Leave no room in the store until the block ends."""
        raise NotImplementedError
        yield

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Have the store's files under other names until the block ends."""
        moved = {file: file.with_name(f"away-{file.name}") for file in self.files.glob("*.db*")}
        for file, away in moved.items():
            file.rename(away)
        try:
            yield
        finally:
            for file, away in moved.items():
                away.rename(file)


class NoGrowth(FullStore):
    """No file may grow beyond a size: what anybody may do to a process of theirs. The next record
    breaks off in the middle, and SQLite reports an error of the disk."""

    cause = "The database can't be used"

    @contextmanager
    def full(self) -> Iterator[None]:
        before = resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE)
        size = (self.data / "valetkey.db-wal").stat().st_size + _HALF_A_PAGE
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, before)


class SmallDisk(FullStore):
    """The store is on a small disk of its own, in a namespace that ends with the server; a file
    beside it takes all the room. SQLite reports that the disk is full."""

    cause = "the disk is full"

    @staticmethod
    def may_be_had() -> bool:
        """Tell whether the system lets this user mount a disk in a namespace of their own."""
        mount = "mount -t tmpfs -o size=64k none /mnt"
        try:
            tried = subprocess.run([*_NAMESPACE, mount], check=False, capture_output=True)  # noqa: S603  # our own words
        except FileNotFoundError:
            return False
        return tried.returncode == 0

    def serve(self) -> tuple[subprocess.Popen[str], str]:
        disk = self.data.with_name("disk")
        disk.mkdir()
        command = [sys.executable, "-m", "valetkey.cli", "serve", "--port", "0", "--json"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                [*_NAMESPACE, _ON_A_DISK, "sh", str(disk), str(self.data), *command],
                env=self.environment | {"VALETKEY_DATA_DIR": str(disk)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        said = "".join(takewhile("}\n".__ne__, self.process.stdout))
        assert said, self.log.read_text()
        return self.process, json.loads(said + "}")["url"]

    @property
    def files(self) -> Path:
        disk = self.data.with_name("disk").relative_to("/")
        return Path(f"/proc/{self.process.pid}/root") / disk

    @contextmanager
    def full(self) -> Iterator[None]:
        with filled(self.files):
            yield


@contextmanager
def mounted_disk(place: Path, *, megabytes: int) -> Iterator[Path | None]:
    """Mount a disk of its own that is as small; gives None where the system does not let us."""
    place.mkdir()
    words = ("-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(place))
    if subprocess.run(["mount", *words], check=False, capture_output=True).returncode:  # noqa: S603, S607  # our own words
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """Leave not a byte on a disk until the block ends."""
    ballast = disk / "ballast"
    try:
        _fill(ballast)
        yield
    finally:
        ballast.unlink()


class ReadOnly(FullStore):
    """The store's files can't be written any more, as on a disk that the system has made read-only:
    neither by who has them open, nor by who opens them. What SQLite has in memory of the third one,
    by which its processes speak with one another, is left alone: where the system takes that away
    too, it ends whoever writes there (SIGBUS)."""

    cause = "The database can't be used"

    @staticmethod
    def may_be_had() -> bool:
        """Tell whether this user and this file system may make a file immutable."""
        with NamedTemporaryFile() as file:
            return _mark("+i", Path(file.name)) and _mark("-i", Path(file.name))

    @contextmanager
    def full(self) -> Iterator[None]:
        files = [self.data / "valetkey.db", self.data / "valetkey.db-wal"]
        try:
            for file in files:
                assert _mark("+i", file)
            yield
        finally:
            for file in files:
                assert _mark("-i", file)


def _mark(flag: str, file: Path) -> bool:
    try:
        marked = subprocess.run(["chattr", flag, str(file)], check=False, capture_output=True)  # noqa: S603, S607  # our own words
    except FileNotFoundError:
        return False
    return marked.returncode == 0


def _fill(ballast: Path) -> None:
    """Write a file until there is no room left for another byte."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
