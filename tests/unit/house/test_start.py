"""A command starts quickly because it imports what it needs. Which modules these are is held here,
by name: a time would be another one on each machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from support.commands import clean_environment

#: Runs a command, and then prints what was imported: ours by module, others' by package.
IMPORTED: Final = """
import sys
before = set(sys.modules)
from valetkey.cli import main
main(sys.argv[1:])
import json
names = set(sys.modules) - before - {"json"}
ours = {name for name in names if name.partition(".")[0] == "valetkey"}
others = {name.partition(".")[0] for name in names - ours} - sys.stdlib_module_names
print(json.dumps([sorted(ours), sorted(others)]))
"""
FRONT_PAGE: Final = [
    "valetkey",
    "valetkey.cli",
    "valetkey.cli.commands",
    "valetkey.cli.entry",
    "valetkey.cli.exits",
    "valetkey.cli.show",
    "valetkey.cli.visible",
]
CREDENTIALS: Final = sorted(
    [
        *FRONT_PAGE,
        "valetkey.cli.common",
        "valetkey.cli.connection",
        "valetkey.cli.credential_helpers",
        "valetkey.cli.credential_helpers.cache",
        "valetkey.cli.credentials",
        "valetkey.cli.durations",
        "valetkey.cli.finding",
        "valetkey.cli.logins",
        "valetkey.cli.options",
        "valetkey.cli.program",
        "valetkey.cli.render",
        "valetkey.cli.safe_console",
        "valetkey.cli.secrets",
        "valetkey.cli.terminal",
        "valetkey.counting",
    ]
)


def _imported(home: Path, *words: str) -> tuple[list[str], list[str]]:
    ran = subprocess.run(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", IMPORTED, *words],
        env=clean_environment(home),
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours, others = json.loads(ran.stdout.splitlines()[-1])
    return ours, others


def test_the_list_of_commands_imports_no_library_and_no_command(tmp_path: Path) -> None:
    for words in ([], ["--help"], ["-h"]):
        assert _imported(tmp_path, *words) == (FRONT_PAGE, [])


def test_credentials_import_their_own_command_and_the_client_and_nothing_of_a_server(
    tmp_path: Path,
) -> None:
    ours, others = _imported(tmp_path, "credentials", "photos")
    rooms = {name.split(".")[1] for name in ours if "." in name}
    assert rooms == {"cli", "counting", "sdk", "wire"}
    assert [name for name in ours if not name.startswith(("valetkey.sdk", "valetkey.wire"))] == (
        CREDENTIALS
    )
    # Attrs and typing_extensions come with cyclopts, idna with httpx2.
    assert set(others) <= {
        "attr",
        "attrs",
        "cyclopts",
        "httpx2",
        "idna",
        "msgspec",
        "rich",
        "typing_extensions",
    }
