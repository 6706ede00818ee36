"""The file of a SQLite database: its owner's alone, and served by one process."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from pathlib import Path

import pytest

from valetkey.db.claim import claimed
from valetkey.db.schema import migrate
from valetkey.domain.errors import ConfigurationError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no modes and no flock there")


def test_a_database_is_readable_by_its_owner_alone_also_in_a_folder_that_was_there(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        asyncio.run(migrate(f"sqlite:///{tmp_path}/valetkey.db"))
    finally:
        os.umask(before)
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file


def test_a_second_server_of_a_database_is_refused_and_told_who_has_it(tmp_path: Path) -> None:
    file = tmp_path / "valetkey.db"
    file.touch()
    url = f"sqlite:///{file}"
    with claimed(url) as claim:
        claim.tell("http://127.0.0.1:8080")
        named = f"process {os.getpid()} at http://127.0.0.1:8080"
        with pytest.raises(ConfigurationError, match=named), claimed(url):
            pass
    with claimed(url):
        pass  # whoever had it is gone


def test_by_another_name_it_is_the_same_database(tmp_path: Path) -> None:
    file = tmp_path / "valetkey.db"
    file.touch()
    (tmp_path / "link.db").symlink_to(file)
    with (
        claimed(f"sqlite:///{file}"),
        pytest.raises(ConfigurationError),
        claimed(f"sqlite:///{tmp_path}/link.db"),
    ):
        pass
