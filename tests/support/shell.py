"""A user's shell: logged in at the running Valetkey, with other AWS keys lying about."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.server import LOCATION, Installation

AWS = shutil.which("aws", path=str(Path(sys.executable).parent)) or "aws"
ROGUE = "AKIAROGUEROGUEROGUE1"


@dataclass
class Shell:
    """Runs commands as a user does who is logged in, and has other keys lying about."""

    server: Installation
    home: Path

    def words(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "valetkey.cli", *words]

    @property
    def environment(self) -> dict[str, str]:
        rogue = {"AWS_ACCESS_KEY_ID": ROGUE, "AWS_SECRET_ACCESS_KEY": "no", "AWS_PROFILE": "rogue"}
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return (
            kept
            | rogue
            | {
                "HOME": str(self.home),
                "PYTHONPATH": os.pathsep.join(sys.path),
                "VALETKEY_URL": self.server.url,
                "VALETKEY_TOKEN_FILE": str(self.home / "token"),
            }
        )

    def exec(self, *command: str, options: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  # our own command
            self.words("exec", LOCATION, *options, "--", *command),
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def python(self, program: str) -> str:
        done = self.exec(sys.executable, "-c", program)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    def start(self, program: str) -> subprocess.Popen[str]:
        return subprocess.Popen(  # noqa: S603  # our own command
            self.words("exec", LOCATION, "--", sys.executable, "-uc", program),
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def shell(valetkey_server: Installation, tmp_path: Path) -> Shell:
    profile = f"aws_access_key_id={ROGUE}\naws_secret_access_key=no\n"
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "credentials").write_text(f"[default]\n{profile}[rogue]\n{profile}")
    (tmp_path / "token").write_text(valetkey_server.token())
    (tmp_path / "token").chmod(0o600)
    return Shell(valetkey_server, tmp_path)
