"""What running a command says when it can't be started."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from valetkey.cli.credential_helpers import children


@pytest.mark.skipif(os.geteuid() == 0, reason="root may search every folder")
def test_a_folder_that_may_not_be_searched_does_not_hide_that_there_is_no_command(
    tmp_path: Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    with pytest.raises(FileNotFoundError):
        children.run(["there-is-no-such-command"], {"PATH": f"{closed}:/usr/bin"})


def test_a_file_that_may_not_be_run_is_no_missing_command(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("not a program")
    with pytest.raises(PermissionError):
        children.run(["notes"], {"PATH": str(tmp_path)})


def test_a_folder_is_no_missing_command(tmp_path: Path) -> None:
    with pytest.raises(PermissionError):
        children.run([str(tmp_path)], {"PATH": "/usr/bin"})
