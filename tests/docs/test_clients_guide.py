"""What ``docs/guides/clients.md`` shows, run in its order against a real server."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
from pathlib import Path

import pytest

from support.server import Installation
from support.shell import AWS, Shell

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "clients.md"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    return found


def test_the_python_of_the_guide_runs(
    valetkey_server: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VALETKEY_URL", valetkey_server.url)
    monkeypatch.setenv("VALETKEY_TOKEN", valetkey_server.token())
    names: dict[str, object] = {"__name__": "guide"}
    for block in blocks("python"):
        exec(compile(block, str(GUIDE), "exec"), names)  # noqa: S102  # our own guide
    assert (tmp_path / "a.txt").read_bytes() == b"a"
    assert "not_found" in capsys.readouterr().out
    names["client"].close()  # type: ignore[attr-defined]


@pytest.fixture
def command(shell: Shell) -> dict[str, str]:
    """The environment of a shell that has the command ``valetkey``."""
    program = shell.home / "bin" / "valetkey"
    program.parent.mkdir()
    words = " ".join(f'"{word}"' for word in shell.words())
    program.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    program.chmod(0o755)
    folders = (str(program.parent), str(Path(AWS).parent), os.environ["PATH"])
    return shell.environment | {"PATH": os.pathsep.join(folders)}


def test_its_commands_run(command: dict[str, str], shell: Shell) -> None:
    done = subprocess.run(  # noqa: S603
        ["/bin/sh", "-ec", "\n".join(blocks("sh"))],
        env=command,
        cwd=shell.home,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "a.txt" in done.stdout
    assert "cat one" in done.stdout


def test_its_profile_works_in_the_aws_cli(command: dict[str, str], shell: Shell) -> None:
    [text] = blocks("ini")
    profile = configparser.ConfigParser()
    profile.read_string(text)
    assert profile.sections() == ["profile images"]
    (shell.home / ".aws" / "config").write_text(
        text + f"endpoint_url = {shell.server.aws.endpoint}\n"
    )
    left_out = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE")
    done = subprocess.run(  # noqa: S603
        [AWS, "--profile", "images", "s3", "ls", f"s3://{shell.server.setup.bucket}/train/"],
        env={name: value for name, value in command.items() if name not in left_out},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "table.csv" in done.stdout
    kept = list((shell.home / ".cache" / "valetkey" / "credentials").glob("*.json"))
    assert [path.stat().st_mode & 0o777 for path in kept] == [0o600]
