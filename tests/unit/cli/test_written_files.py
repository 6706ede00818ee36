"""Where a command is told to write: a file is put there whole, and nothing else is put away."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from valetkey.cli.setup import files
from valetkey.sdk import profiles

WRITERS: list[Callable[[Path], None]] = [
    lambda path: profiles.write_private(path, [b"some", b"thing"]),
    lambda path: files.write_private(path, "something"),
]


@pytest.mark.parametrize("write", WRITERS)
def test_a_pipe_is_written_into_and_stays_one(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()), daemon=True)
    reader.start()
    write(pipe)
    reader.join(20)
    assert read == [b"something"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("write", WRITERS)
def test_a_device_stays_one(write: Callable[[Path], None]) -> None:
    assert profiles.is_no_file(Path("/dev/null"))
    write(Path("/dev/null"))
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("write", WRITERS)
def test_a_file_is_replaced_whole_and_private(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    file = tmp_path / "file"
    file.write_text("before")
    write(file)
    assert file.read_bytes() == b"something"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]
